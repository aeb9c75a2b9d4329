//! Tries a custom rule on its own cases: its fixes go through the same plan and the same gates as in a project, all rules looking on.

use std::path::PathBuf;
use std::sync::Arc;

use super::CustomRule;
pub use super::file::{Block, Case, DOCUMENTATION, Kind};
use crate::detect::directive::DirectiveName;
use crate::detect::query::Query;
use crate::detect::{Finding, Outcome};
use crate::edit::Values;
use crate::model::{App, Overlay, Release};
use crate::plan::{Decisions, Options, Plan, RuleSet, Trial, plan, scan};
use crate::rule::{Impact, Meta, Tier};
use crate::source::{Candidate, Language};
use crate::syntax::{first_error, parse};

/// What came of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// What is not as it should be, one sentence each; nothing where the case passes.
    pub problems: Vec<String>,
    /// What the fix makes, where all that is wrong is that the case says another result.
    pub made: Option<String>,
}

/// The release that cases are for where the project names none.
const RELEASE: Release = Release { major: 2, minor: 204, patch: 0 };

/// Where the code of a case seems to stand.
const PLACE: &str = "lib/case.ts";

/// Tries one case. `rules` are all that there are: a fix that one of them objects to is none.
pub fn try_out(rule: &CustomRule, case: &Case, rules: &RuleSet) -> Verdict {
    let mut verdict = Verdict { problems: Vec::new(), made: None };
    let blocks = std::iter::once(&case.before).chain(&case.after);
    for block in blocks {
        verdict.problems.extend(syntax_error(block));
    }
    if !verdict.problems.is_empty() {
        return verdict;
    }
    match case.kind {
        Kind::Fixes => fixes(rule, case, rules, &mut verdict),
        Kind::Keeps => {
            let found = own(scan_of(rule, case, rules, &Values::new()), rule.rule.meta);
            let said =
                |finding: &Finding| format!("line {}: it is found: {}", line(case, finding), finding.message);
            verdict.problems.extend(found.iter().map(said));
        }
        Kind::Refuses => refuses(rule, case, rules, &mut verdict),
    }
    verdict
}

fn syntax_error(block: &Block) -> Option<String> {
    let parsed = parse(PLACE, block.text.as_str().into(), Language::TypeScript)?;
    let at = first_error(&parsed)?;
    let line = block.line + block.text.get(..at).unwrap_or_default().matches('\n').count();
    Some(format!("line {line}: the code has a syntax error; mend it"))
}

fn fixes(rule: &CustomRule, case: &Case, rules: &RuleSet, verdict: &mut Verdict) {
    let meta = rule.rule.meta;
    let values: Values =
        meta.asks.iter().map(|question| (question.key.to_owned(), question.example.to_owned())).collect();
    let found = own(scan_of(rule, case, rules, &values), meta);
    if found.is_empty() {
        verdict.problems.push("nothing is found".to_owned());
        return;
    }
    let accepted = found.iter().map(|finding| finding.fingerprint.clone()).collect();
    let only = Decisions { accepted, ..Decisions::default() };
    let planned = plan(&[app(rule, &case.before.text)], rules, &options(values, Some(only)), &|_| {});
    let made = planned
        .changes
        .iter()
        .find(|change| change.path == PLACE)
        .map(|change| String::from_utf8_lossy(&change.after).into_owned());
    for finding in own(planned, meta) {
        if finding.outcome != Outcome::Fixed {
            let detail = finding.outcome.detail().unwrap_or_default();
            let word = finding.outcome.word();
            verdict.problems.push(format!("line {}: it ends in {word}: {detail}", line(case, &finding)));
        }
    }
    let wanted = case.after.as_ref().map_or("", |block| block.text.as_str());
    if let Some(made) = made.filter(|made| verdict.problems.is_empty() && made != wanted) {
        verdict.problems.push("the fix makes something else of it:".to_owned());
        verdict.made = Some(made);
    }
}

fn refuses(rule: &CustomRule, case: &Case, rules: &RuleSet, verdict: &mut Verdict) {
    let found = own(scan_of(rule, case, rules, &Values::new()), rule.rule.meta);
    if found.is_empty() {
        verdict.problems.push("nothing is found".to_owned());
    }
    for finding in found {
        let at = line(case, &finding);
        match &finding.outcome {
            Outcome::NoFix(refusal) | Outcome::NeedsValue(refusal) => {
                let why = refusal.to_string();
                if let Some(wanted) = case.reason.as_deref().filter(|wanted| !why.contains(*wanted)) {
                    verdict.problems.push(format!("line {at}: the reason is `{why}`, without `{wanted}`"));
                }
            }
            other => verdict.problems.push(format!("line {at}: there is a fix: it ends in {}", other.word())),
        }
    }
}

/// The line of a finding in the rule file.
fn line(case: &Case, finding: &Finding) -> usize {
    case.before.line + finding.range.start.line - 1
}

fn own(plan: Plan, meta: &Meta) -> Vec<Finding> {
    plan.findings.into_iter().filter(|finding| finding.rule.id == meta.id).collect()
}

fn scan_of(rule: &CustomRule, case: &Case, rules: &RuleSet, values: &Values) -> Plan {
    scan(&[app(rule, &case.before.text)], rules, &options(values.clone(), None), &|_| {})
}

/// An app of one file that is nowhere on disk, for the project's release of the CDK; beside it stand the files that the fix imports.
fn app(rule: &CustomRule, text: &str) -> App {
    let root = rule.file.with_extension("case");
    let file: PathBuf = root.join(PLACE);
    let candidate = Candidate { path: PLACE.to_owned(), file: file.clone(), language: Language::TypeScript };
    let mut overlay = Overlay::from([(file, Arc::from(text))]);
    for (module, names) in imported(rule.rule.meta) {
        overlay.entry(root.join(format!("{module}.ts"))).or_insert_with(|| names.into());
    }
    let mut app = App::new(root, vec![candidate]);
    app.release = app.release.or(Some(RELEASE));
    app.with(&overlay)
}

/// The files of an app that a rule's fix imports, each with a text that exports what is wanted of it.
fn imported(meta: &Meta) -> Vec<(String, String)> {
    let Ok(query) = Query::parse(meta.query) else { return Vec::new() };
    let directives = query.patterns.iter().flat_map(|pattern| pattern.directives.iter());
    let imports = directives.filter(|directive| directive.name == DirectiveName::AddImport);
    imports
        .filter_map(|directive| {
            let (module, names) = directive.arguments.split_first()?;
            let declared = format!("export declare const {}: any;\n", names.join(": any, "));
            Some((module.strip_prefix("./")?.to_owned(), declared))
        })
        .collect()
}

fn options(values: Values, only: Option<Decisions>) -> Options {
    Options {
        tier: Tier::Scaffold,
        min_impact: Impact::Info,
        only,
        values,
        within: Vec::new(),
        jobs: 1,
        trial: Trial::default(),
    }
}
