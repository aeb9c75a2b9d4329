//! The fix oracle on every fixture of every rule: `tests/fixtures/<id>/{fix,keep,refuse}`.
//!
//! A case is one `.ts` file, which becomes `lib/<name>.ts` of an app, or a folder that is an app.
//! Beside it may stand `<name>.toml` (in a folder: `fixture.toml`), see [`Sidecar`].

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use serde::Deserialize;
use wa_fix::detect::Outcome;
use wa_fix::edit::Values;
use wa_fix::fixes::ALL;
use wa_fix::plan::Plan;
use wa_fix::rule::Rule;
use wa_fix::source::Language;
use wa_fix::syntax::{Syn, first_error, parse};

use crate::checkov;
use crate::npm::{self, Files, SynthCase, TypeCase};
use crate::support::{after, plan_another_way, plan_files, read_tree, scan_files, top};

const VERSIONS: [(&str, &str); 3] = [("oldest", "2.60.0"), ("base", "2.204.0"), ("newest", "2.276.0")];

/// What a case says of itself.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sidecar {
    /// `no-fix` or `needs-value`, for refusals.
    expect: Option<String>,
    /// A part of the refusal's reason, or the key that is missing.
    reason: Option<String>,
    /// The aws-cdk-lib versions that the case is for; all three if absent, none for v1.
    versions: Option<Vec<String>>,
    /// Answers, as with `--set`.
    #[serde(default)]
    values: Values,
    /// The impact of the finding, where it is not the rule's usual one.
    expect_impact: Option<String>,
    /// The tier of the finding, where it is not the rule's usual one.
    expect_tier: Option<String>,
    /// What the fix does to the synthesised template.
    #[serde(default)]
    delta: Vec<Delta>,
    /// False where the case cannot be synthesised by itself; say why in a comment.
    #[serde(default = "yes")]
    synth: bool,
    /// Props, as TypeScript, for the constructs that the case exports.
    props: Option<String>,
    /// True where the fix removes a statement together with its comment.
    #[serde(default)]
    loses_comments: bool,
    /// Which of the ways that a review offers is taken: 1 is the first behind the usual one.
    alternative: Option<usize>,
    /// Context for the synthesis.
    #[serde(default)]
    context: BTreeMap<String, String>,
}

impl Sidecar {
    fn plan(&self, files: &Files, rule: Rule) -> Plan {
        match self.alternative {
            None => plan_files(files, &[rule], &self.values),
            Some(way) => plan_another_way(files, rule, &self.values, way),
        }
    }
}

fn yes() -> bool {
    true
}

/// A promise on the template: some resource of the type has the path after the fix.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Delta {
    r#type: String,
    path: Option<String>,
    /// The value, where it is told.
    value: Option<toml::Value>,
    #[serde(default)]
    absent: bool,
}

/// One case.
struct Case {
    rule: Rule,
    kind: String,
    name: String,
    files: Files,
    /// The file of a one-file case.
    single: Option<String>,
    sidecar: Sidecar,
}

impl Case {
    fn title(&self) -> String {
        format!("{}/{}/{}", self.rule.meta.id, self.kind, self.name)
    }

    /// The files with a package.json that names a version.
    fn at(&self, version: &str) -> Files {
        let mut files = self.files.clone();
        if self.single.is_some() {
            files.insert("package.json".into(), manifest(&self.files, version));
        } else if let Some(manifest) = files.get_mut("package.json") {
            *manifest =
                manifest.replace("\"aws-cdk-lib\": \"2.204.0\"", &format!("\"aws-cdk-lib\": \"{version}\""));
        }
        files
    }

    fn versions(&self) -> Vec<(&'static str, &'static str)> {
        VERSIONS
            .into_iter()
            .filter(|(name, _)| {
                self.sidecar.versions.as_ref().is_none_or(|only| only.iter().any(|v| v == name))
            })
            .filter(|_| !self.is_v1())
            .collect()
    }

    fn is_v1(&self) -> bool {
        self.files.values().any(|text| text.contains("'@aws-cdk/core'") || text.contains("\"@aws-cdk/core\""))
    }

    fn plan(&self, files: &Files) -> Plan {
        self.sidecar.plan(files, self.rule)
    }
}

/// A package.json for a one-file app: aws-cdk-lib, or the v1 packages that it imports.
fn manifest(files: &Files, version: &str) -> String {
    let mut packages = BTreeSet::new();
    for text in files.values() {
        for rest in text.split("@aws-cdk/").skip(1) {
            packages.insert(format!("@aws-cdk/{}", rest.split(['\'', '"']).next().unwrap()));
        }
    }
    let mut list: Vec<String> = packages.iter().map(|name| format!("    \"{name}\": \"1.204.0\"")).collect();
    if list.is_empty() {
        list.push(format!("    \"aws-cdk-lib\": \"{version}\""));
    }
    format!("{{\n  \"name\": \"fixture\",\n  \"dependencies\": {{\n{}\n  }}\n}}\n", list.join(",\n"))
}

/// The rules at work: all, or for whoever writes one `WA_FIX_ONLY=2.4,2.7`.
pub fn rules() -> Vec<Rule> {
    let Some(only) = std::env::var_os("WA_FIX_ONLY") else { return ALL.to_vec() };
    let only = only.into_string().unwrap();
    ALL.iter().copied().filter(|rule| only.split(',').any(|id| id == rule.meta.id)).collect()
}

fn cases(kind: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    for rule in &rules() {
        let folder = top().join("tests/fixtures").join(rule.meta.id).join(kind);
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        for path in paths {
            cases.extend(case(*rule, kind, &path));
        }
    }
    cases
}

fn case(rule: Rule, kind: &str, path: &Path) -> Option<Case> {
    let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
    if path.is_dir() {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let mut files = read_tree(path);
        let sidecar = files.remove("fixture.toml").unwrap_or_default();
        let sidecar = toml::from_str(&sidecar).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        return Some(Case { rule, kind: kind.to_owned(), name, files, single: None, sidecar });
    }
    let file = path.file_name().unwrap().to_str().unwrap();
    if path.extension().is_some_and(|extension| extension == "toml") {
        return None;
    }
    let text = std::fs::read_to_string(path).unwrap();
    let sidecar = std::fs::read_to_string(path.with_extension("toml")).unwrap_or_default();
    let sidecar = toml::from_str(&sidecar).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let single = format!("lib/{file}");
    let mut files = Files::from([(single.clone(), text)]);
    let version = "2.204.0";
    files.insert("package.json".into(), manifest(&files, version));
    Some(Case { rule, kind: kind.to_owned(), name, files, single: Some(single), sidecar })
}

/// Everything that must hold for a fix, whatever the rule. Problems are returned, not thrown, so that
/// one run shows all.
fn oracle(
    title: &str,
    rule: Rule,
    files: &Files,
    sidecar: &Sidecar,
    loses_comments: bool,
) -> (Plan, Vec<String>) {
    let values = &sidecar.values;
    let mut problems = Vec::new();
    let mut problem = |what: String| problems.push(format!("{title}: {what}"));
    let plan = sidecar.plan(files, rule);
    let own: Vec<_> = plan.findings.iter().filter(|finding| finding.rule.id == rule.meta.id).collect();
    if own.is_empty() {
        problem("nothing is found".into());
    }
    for finding in &own {
        if finding.outcome != Outcome::Fixed {
            problem(format!("{} at line {}: {:?}", finding.path, finding.range.start.line, finding.outcome));
        }
    }
    let result = after(files, &plan);
    for (path, text) in &result {
        let Some(language) = Language::of(path) else { continue };
        if path.ends_with("tsconfig.json") {
            continue;
        }
        let parsed = parse(path, text.as_str().into(), language).unwrap();
        if first_error(&parsed).is_some() {
            problem(format!("{path}: the result does not parse"));
        }
    }
    for change in &plan.changes {
        let Some(before) = files.get(&change.path) else { continue };
        let now = &result[&change.path];
        if !loses_comments {
            let (old, new) = (comments(&change.path, before), comments(&change.path, now));
            for (comment, count) in &old {
                if new.get(comment).copied().unwrap_or(0) < *count {
                    problem(format!("{}: a comment is lost: {comment}", change.path));
                }
            }
        }
        if before.starts_with('\u{feff}') != now.starts_with('\u{feff}') {
            problem(format!("{}: the byte-order mark changed", change.path));
        }
        let crlf = |text: &str| text.matches("\r\n").count();
        let lines = |text: &str| text.matches('\n').count();
        if crlf(before) == lines(before) && crlf(now) != lines(now) || crlf(before) == 0 && crlf(now) > 0 {
            problem(format!("{}: line ends are mixed", change.path));
        }
        let ragged = |text: &str| text.lines().filter(|line| line.ends_with([' ', '\t'])).count();
        if ragged(now) > ragged(before) {
            problem(format!("{}: a new line ends in white space", change.path));
        }
    }
    let again = plan_files(&result, &[rule], values);
    if !again.changes.is_empty() {
        problem("a second run changes something".into());
    }
    if again.findings.iter().any(|finding| finding.rule.id == rule.meta.id) {
        problem("the finding is still there".into());
    }
    // No new finding of any rule.
    let count = |files: &Files| {
        let plan = scan_files(files, ALL, values);
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for finding in plan.findings {
            *counts.entry(finding.rule.id).or_default() += 1;
        }
        counts
    };
    let (old, new) = (count(files), count(&result));
    for (id, found) in new {
        if found > old.get(id).copied().unwrap_or(0) && !rule.meta.raises.contains(&id) {
            problem(format!("the fix raises rule {id}"));
        }
    }
    (plan, problems)
}

fn comments(path: &str, text: &str) -> BTreeMap<String, usize> {
    let mut all = BTreeMap::new();
    let Some(language) = Language::of(path) else { return all };
    let parsed = parse(path, text.into(), language).unwrap();
    let mut open = vec![Syn::root(&parsed)];
    while let Some(node) = open.pop() {
        if node.is("comment") {
            let words: Vec<_> = node.text().split_whitespace().collect();
            *all.entry(words.join(" ")).or_default() += 1;
        }
        open.extend(node.tokens());
    }
    all
}

fn fail(problems: &[String]) {
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}

/// Findings and diff as the snapshot shows them.
fn shown(plan: &Plan) -> String {
    let mut out = String::new();
    for finding in &plan.findings {
        let (start, end) = (finding.range.start, finding.range.end);
        let _ = writeln!(
            out,
            "{}({},{})-({},{}) {} {} {} {}\n  {}",
            finding.path,
            start.line,
            start.column,
            end.line,
            end.column,
            finding.rule.id,
            finding.impact,
            finding.tier,
            finding.outcome.word(),
            finding.message
        );
        if let Some(fix) = &finding.fix {
            let _ = writeln!(out, "  fix: {}", fix.title);
        }
    }
    let mut diff = Vec::new();
    wa_fix::report::diff::write(&plan.changes, 3, wa_fix::report::Look::PLAIN, &mut diff).unwrap();
    out.push('\n');
    out.push_str(&String::from_utf8(diff).unwrap());
    out
}

#[test]
fn fix_fixtures_hold_the_oracle() {
    let mut problems = Vec::new();
    for case in cases("fix") {
        let (plan, found) =
            oracle(&case.title(), case.rule, &case.files, &case.sidecar, case.sidecar.loses_comments);
        problems.extend(found);
        for finding in &plan.findings {
            let checks = [
                (&case.sidecar.expect_impact, finding.impact.to_string()),
                (&case.sidecar.expect_tier, finding.tier.to_string()),
            ];
            for (wanted, is) in checks {
                if wanted.as_ref().is_some_and(|wanted| *wanted != is) {
                    problems.push(format!("{}: {wanted:?} is expected and not {is}", case.title()));
                }
            }
        }
        insta::with_settings!({
            snapshot_path => top().join("snapshots").join(case.rule.meta.id),
            prepend_module_to_snapshot => false,
            omit_expression => true,
        }, {
            insta::assert_snapshot!(format!("fix__{}", case.name), shown(&plan));
        });
    }
    fail(&problems);
}

#[test]
fn keep_fixtures_stay_silent() {
    let mut problems = Vec::new();
    for case in cases("keep") {
        let plan = case.plan(&case.files);
        for finding in &plan.findings {
            problems.push(format!(
                "{}: line {}: {}",
                case.title(),
                finding.range.start.line,
                finding.message
            ));
        }
    }
    fail(&problems);
}

#[test]
fn refuse_fixtures_say_why() {
    let mut problems = Vec::new();
    for case in cases("refuse") {
        let plan = case.plan(&case.files);
        let title = case.title();
        if plan.findings.is_empty() {
            problems.push(format!("{title}: nothing is found"));
        }
        if !plan.changes.is_empty() {
            problems.push(format!("{title}: something is changed"));
        }
        for finding in &plan.findings {
            let (word, detail) = (finding.outcome.word(), finding.outcome.detail().unwrap_or_default());
            if case.sidecar.expect.as_deref() != Some(word) {
                problems.push(format!("{title}: ends in {word} ({detail})"));
            }
            if !detail.contains(case.sidecar.reason.as_deref().unwrap_or_default()) {
                problems.push(format!("{title}: the reason is: {detail}"));
            }
            if finding.outcome.next_step().is_none_or(|next| next.is_empty()) {
                problems.push(format!("{title}: there is no next step"));
            }
        }
    }
    fail(&problems);
}

#[test]
fn every_fixture_type_checks_before_and_after() {
    let mut sent = Vec::new();
    for kind in ["fix", "keep", "refuse"] {
        for case in cases(kind) {
            for (version, number) in case.versions() {
                let files = case.at(number);
                let options = BTreeMap::from([("esModuleInterop".to_owned(), true.into())]);
                let scripts = |files: &Files| -> Files {
                    files
                        .iter()
                        .filter(|(path, _)| is_typescript(path))
                        .map(|(a, b)| (a.clone(), b.clone()))
                        .collect()
                };
                let mut send = |name: String, files: &Files| {
                    sent.push(TypeCase {
                        name,
                        version: version.to_owned(),
                        files: scripts(files),
                        options: options.clone(),
                    });
                };
                send(format!("{} before", case.title()), &files);
                if kind == "fix" {
                    send(format!("{} after", case.title()), &after(&files, &case.plan(&files)));
                }
            }
        }
    }
    for rule in &rules() {
        let examples = examples(&rule.meta.documentation());
        for (index, example) in examples.iter().enumerate() {
            // What the fix creates beside the example belongs to every one but the first.
            let mut files = match (index, examples.first()) {
                (1.., Some(before)) => after_example(*rule, before),
                _ => Files::new(),
            };
            files.retain(|path, _| is_typescript(path));
            files.insert("lib/example.ts".to_owned(), example.clone());
            sent.push(TypeCase {
                name: format!("{} documentation {}", rule.meta.id, index + 1),
                version: "base".to_owned(),
                files,
                options: BTreeMap::new(),
            });
        }
    }
    let mut problems = Vec::new();
    for result in npm::check_types(&sent) {
        for error in result.errors {
            problems.push(format!("{} ({}): {error}", result.name, result.version));
        }
    }
    fail(&problems);
}

/// The app of a rule's first example after its fix.
fn after_example(rule: Rule, before: &str) -> Files {
    let mut files = Files::from([("lib/example.ts".to_owned(), before.to_owned())]);
    files.insert("package.json".into(), manifest(&files, "2.204.0"));
    let values = rule.meta.asks.iter().map(|ask| (ask.key.to_owned(), ask.example.to_owned())).collect();
    after(&files, &plan_files(&files, &[rule], &values))
}

fn is_typescript(path: &str) -> bool {
    Language::of(path) == Some(Language::TypeScript)
}

/// Builds every stack and construct that a one-file case exports.
fn driver(case: &Case) -> Option<(String, String)> {
    let single = case.single.as_ref()?;
    if case.files[single].contains("new App(") || case.files[single].contains(".App(") {
        return None;
    }
    let module = single.trim_end_matches(".ts");
    let props = case.sidecar.props.as_deref().unwrap_or("{}");
    Some((
        "bin/driver.ts".to_owned(),
        format!(
            "import * as cdk from 'aws-cdk-lib';\nimport {{ Construct }} from 'constructs';\n\
             import * as all from '../{module}';\nconst app = new cdk.App();\nconst props: any = {props};\n\
             for (const [name, value] of Object.entries(all as any) as [string, any][]) {{\n\
             \x20 if (typeof value !== 'function' || !value.prototype) continue;\n\
             \x20 if (value.prototype instanceof cdk.Stack) new value(app, name, props);\n\
             \x20 else if (value.prototype instanceof Construct) new value(new cdk.Stack(app, name + 'Stack'), name, props);\n\
             }}\napp.synth();\n"
        ),
    ))
}

#[test]
fn every_fix_synthesises_and_keeps_its_promise() {
    let mut sent = Vec::new();
    let mut about = Vec::new();
    for case in cases("fix") {
        if !case.sidecar.synth || case.is_v1() || !case.versions().iter().any(|(name, _)| *name == "base") {
            continue;
        }
        let result = after(&case.files, &case.plan(&case.files));
        for (name, files) in [("before", &case.files), ("after", &result)] {
            let mut files = files.clone();
            let mut entry = None;
            if let Some((path, text)) = driver(&case) {
                files.insert(path.clone(), text);
                entry = Some(path);
            }
            sent.push(SynthCase {
                name: format!("{} {name}", case.title()),
                version: "base".to_owned(),
                files,
                entry: entry.or(case.single.clone()),
                context: case.sidecar.context.clone(),
                nag: true,
            });
        }
        about.push(case);
    }
    let results = npm::synth(&sent);
    let mut problems = Vec::new();
    for (case, pair) in about.iter().zip(results.chunks(2)) {
        let [before, after] = pair else { unreachable!() };
        for result in pair {
            if !result.ok {
                problems.push(format!("{}: {}", result.name, result.error.as_deref().unwrap_or("no result")));
            }
        }
        if !before.ok || !after.ok {
            continue;
        }
        for delta in &case.sidecar.delta {
            if let Some(problem) = broken(delta, &before.templates, &after.templates) {
                problems.push(format!("{}: {problem}", case.title()));
            }
        }
        let documentation = case.rule.meta.documentation();
        let count = |findings: &[npm::NagFinding]| {
            let mut counts: BTreeMap<String, usize> = BTreeMap::new();
            for finding in findings {
                let rule = finding.rule.split('[').next().unwrap_or_default().to_owned();
                *counts.entry(rule).or_default() += 1;
            }
            counts
        };
        let old = count(&before.nag);
        for (rule, now) in count(&after.nag) {
            if now > old.get(&rule).copied().unwrap_or(0) && !documentation.contains(&rule) {
                problems
                    .push(format!("{}: cdk-nag {rule} is new and not in the documentation", case.title()));
            }
        }
        for (stack, template) in &before.templates {
            problems.extend(
                lost(stack, template, &after.templates).map(|what| format!("{}: {what}", case.title())),
            );
        }
    }
    problems.extend(judged_by_checkov(&about, &results));
    fail(&problems);
}

/// Checkov finds nothing new that the rule's documentation does not name, and of what the rule says to clear, each id
/// failed before and passes after in some case. A case is a pair of results.
fn judged_by_checkov(cases: &[Case], results: &[npm::SynthResult]) -> Vec<String> {
    let templates = results.iter().flat_map(|result| checkov::templates(&result.name, result));
    let Some(failed) = checkov::failed(templates) else { return Vec::new() };
    let mut problems = Vec::new();
    let mut gone: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (case, pair) in cases.iter().zip(results.chunks(2)) {
        let [before, after] = pair else { unreachable!() };
        let (old, new) = (checkov::most(&failed, &before.name), checkov::most(&failed, &after.name));
        let documentation = case.rule.meta.documentation();
        for (check, now) in &new {
            if *now > old.get(check).copied().unwrap_or(0) && !documentation.contains(check.as_str()) {
                problems
                    .push(format!("{}: Checkov {check} is new and not in the documentation", case.title()));
            }
        }
        let less = old.into_iter().filter(|(check, was)| new.get(check).is_none_or(|now| now < was));
        gone.entry(case.rule.meta.id).or_default().extend(less.map(|(check, _)| check));
    }
    for rule in &rules() {
        let cleared = gone.remove(rule.meta.id).unwrap_or_default();
        for id in checkov::cleared(rule.meta).filter(|id| !cleared.contains(*id)) {
            problems.push(format!("{}: no case shows that Checkov {id} is cleared", rule.meta.id));
        }
        if std::env::var_os("WA_FIX_ONLY").is_some() {
            println!("{} clears of Checkov's: {cleared:?}", rule.meta.id);
        }
    }
    problems
}

/// Stateful resources whose logical id is gone.
fn lost(
    stack: &str,
    before: &serde_json::Value,
    after: &BTreeMap<String, serde_json::Value>,
) -> Option<String> {
    const STATEFUL: [&str; 6] = [
        "AWS::S3::Bucket",
        "AWS::DynamoDB::Table",
        "AWS::KMS::Key",
        "AWS::RDS::DBInstance",
        "AWS::Logs::LogGroup",
        "AWS::Lambda::Function",
    ];
    let now = after.get(stack).and_then(|template| template.get("Resources"))?;
    let gone: Vec<_> = before
        .get("Resources")?
        .as_object()?
        .iter()
        .filter(|(id, resource)| {
            resource["Type"].as_str().is_some_and(|kind| STATEFUL.contains(&kind))
                && now.get(id.as_str()).is_none()
        })
        .map(|(id, _)| id.clone())
        .collect();
    (!gone.is_empty()).then(|| format!("logical ids are gone: {}", gone.join(", ")))
}

fn broken(
    delta: &Delta,
    before: &BTreeMap<String, serde_json::Value>,
    after: &BTreeMap<String, serde_json::Value>,
) -> Option<String> {
    let holds = |templates: &BTreeMap<String, serde_json::Value>| {
        templates
            .values()
            .filter_map(|template| template.get("Resources")?.as_object())
            .flat_map(serde_json::Map::values)
            .filter(|resource| resource["Type"] == delta.r#type.as_str())
            .filter(|resource| match &delta.path {
                None => true,
                Some(path) => {
                    let found =
                        path.split('.').try_fold(*resource, |value, part| match part.parse::<usize>() {
                            Ok(index) => value.get(index),
                            Err(_) => value.get(part),
                        });
                    match (&delta.value, found) {
                        (Some(wanted), Some(is)) => serde_json::to_value(wanted).ok().as_ref() == Some(is),
                        (None, found) => found.is_some(),
                        _ => false,
                    }
                }
            })
            .count()
    };
    let (old, new) = (holds(before), holds(after));
    let ok = if delta.absent { new < old } else { new > old };
    (!ok).then(|| format!("{delta:?}: {old} before and {new} after"))
}

#[test]
fn documentation_examples_are_what_the_rule_does() {
    let mut problems = Vec::new();
    for rule in &rules() {
        let text = rule.meta.documentation();
        let blocks = examples(&text);
        let [before, wanted, ..] = blocks.as_slice() else {
            problems.push(format!("{}: there is no Before and After", rule.meta.id));
            continue;
        };
        let path = "lib/example.ts".to_owned();
        let mut files = Files::from([(path.clone(), before.clone())]);
        files.insert("package.json".into(), manifest(&files, "2.204.0"));
        let values = rule.meta.asks.iter().map(|ask| (ask.key.to_owned(), ask.example.to_owned())).collect();
        let sidecar = Sidecar { values, ..Sidecar::default() };
        let (plan, found) =
            oracle(&format!("{} documentation", rule.meta.id), *rule, &files, &sidecar, false);
        problems.extend(found);
        let result = after(&files, &plan);
        if result[&path] != *wanted {
            let diff = similar::TextDiff::from_lines(wanted.as_str(), result[&path].as_str())
                .unified_diff()
                .to_string();
            problems.push(format!("{}: After is not what the rule writes:\n{diff}", rule.meta.id));
        }
    }
    fail(&problems);
}

/// The TypeScript programs in a rule's documentation.
fn examples(text: &str) -> Vec<String> {
    text.split("```ts\n").skip(1).filter_map(|rest| rest.split("```").next()).map(str::to_owned).collect()
}

/// The same program in another dress.
fn mutations(text: &str) -> Vec<(&'static str, String)> {
    let plain = text.replace("\r\n", "\n").trim_start_matches('\u{feff}').to_owned();
    let reindent = |unit: &str| {
        let mut out = String::new();
        for line in plain.lines() {
            let body = line.trim_start_matches(' ');
            let spaces = line.len() - body.len();
            let _ = writeln!(out, "{}{}{body}", unit.repeat(spaces / 2), " ".repeat(spaces % 2));
        }
        out
    };
    // TypeScript reads a `#!` line at the very start only, without a mark before it.
    let shebang =
        if plain.starts_with("#!") { plain.find('\n').map_or(plain.len(), |end| end + 1) } else { 0 };
    let (first, rest) = plain.split_at(shebang);
    vec![
        ("crlf", plain.replace('\n', "\r\n")),
        ("bom", format!("\u{feff}{rest}")),
        ("tabs", reindent("\t")),
        ("four spaces", reindent("    ")),
        ("astral", format!("{first}// \u{1d4d0}\u{1f980} before\n{rest}")),
        ("no last newline", plain.trim_end().to_owned()),
        ("double quotes", rewritten(&plain, double_quotes)),
        ("no semicolons", rewritten(&plain, no_semicolons)),
        ("comments in gaps", rewritten(&plain, comments_in_gaps)),
        ("barrel imports", barrel_imports(&plain)),
    ]
}

/// What a mutation replaces when it sees a node.
type Rewrite = fn(Syn<'_>) -> Vec<(std::ops::Range<usize>, &'static str)>;

/// A program with what `edit` says of each node replaced.
fn rewritten(text: &str, edit: Rewrite) -> String {
    let parsed = parse("a.ts", text.into(), Language::TypeScript).unwrap();
    let mut edits = Vec::new();
    let mut open = vec![Syn::root(&parsed)];
    while let Some(node) = open.pop() {
        edits.extend(edit(node));
        if !matches!(node.kind(), "string" | "template_string") {
            open.extend(node.tokens());
        }
    }
    edits.sort_by_key(|(span, _)| span.start);
    let mut out = text.to_owned();
    for (span, new) in edits.into_iter().rev() {
        out.replace_range(span, new);
    }
    out
}

fn double_quotes(node: Syn<'_>) -> Vec<(std::ops::Range<usize>, &'static str)> {
    if !node.is("string") || !node.text().starts_with('\'') || node.text().contains(['"', '\\']) {
        return Vec::new();
    }
    vec![(node.start()..node.start() + 1, "\""), (node.end() - 1..node.end(), "\"")]
}

/// Semicolons that end a line go, where the next line cannot be read as a continuation.
fn no_semicolons(node: Syn<'_>) -> Vec<(std::ops::Range<usize>, &'static str)> {
    let rest = node.file.text.get(node.end()..).unwrap_or_default();
    let ends = rest.is_empty() || rest.starts_with('\n');
    let continued = rest.trim_start().starts_with(['(', '[', '`', '+', '-', '/']);
    if node.is(";") && ends && !continued { vec![(node.span(), "")] } else { Vec::new() }
}

/// A comment before each argument and each property.
fn comments_in_gaps(node: Syn<'_>) -> Vec<(std::ops::Range<usize>, &'static str)> {
    if !matches!(node.kind(), "arguments" | "object") {
        return Vec::new();
    }
    node.children().map(|child| (child.start()..child.start(), "/* gap */ ")).collect()
}

/// `import * as sqs from 'aws-cdk-lib/aws-sqs'` as `import { aws_sqs as sqs } from 'aws-cdk-lib'`.
fn barrel_imports(text: &str) -> String {
    let barrel = |line: &str| -> Option<String> {
        let rest = line.strip_prefix("import * as ")?;
        let (local, module) = rest.split_once(" from 'aws-cdk-lib/aws-")?;
        let module = module.strip_suffix("';")?.replace('-', "_");
        Some(format!("import {{ aws_{module} as {local} }} from 'aws-cdk-lib';"))
    };
    let lines: Vec<String> =
        text.split('\n').map(|line| barrel(line).unwrap_or_else(|| line.to_owned())).collect();
    lines.join("\n")
}

#[test]
fn fixes_hold_under_input_mutations() {
    let mut problems = Vec::new();
    let mut sent = Vec::new();
    for case in cases("fix") {
        let Some(single) = &case.single else { continue };
        let expected = case.plan(&case.files).findings.len();
        for (name, text) in mutations(&case.files[single]) {
            let mut files = case.files.clone();
            files.insert(single.clone(), text);
            let title = format!("{} as {name}", case.title());
            // 1.1 removes or replaces the call that grants too much, and with it the comments inside.
            let inside = name == "comments in gaps" && case.rule.meta.id == "1.1";
            let loses_comments = inside || case.sidecar.loses_comments;
            let (plan, found) = oracle(&title, case.rule, &files, &case.sidecar, loses_comments);
            problems.extend(found);
            if plan.findings.len() != expected {
                problems.push(format!("{title}: {} findings and not {expected}", plan.findings.len()));
            }
            if case.versions().iter().any(|(version, _)| *version == "base") {
                let mut result = after(&files, &plan);
                result.retain(|path, _| is_typescript(path));
                sent.push(TypeCase {
                    name: title,
                    version: "base".to_owned(),
                    files: result,
                    options: BTreeMap::from([("esModuleInterop".to_owned(), true.into())]),
                });
            }
        }
    }
    for result in npm::check_types(&sent) {
        problems.extend(result.errors.iter().map(|error| format!("{}: {error}", result.name)));
    }
    fail(&problems);
}

#[test]
fn every_rule_is_whole() {
    let mut problems = Vec::new();
    for rule in &rules() {
        let meta = rule.meta;
        let mut problem = |what: String| problems.push(format!("{}: {what}", meta.id));
        for (kind, least) in [("fix", 6), ("keep", 6), ("refuse", 3)] {
            let count = cases(kind).iter().filter(|case| case.rule.meta.id == meta.id).count();
            if count < least {
                problem(format!("{count} {kind} fixtures, at least {least} are wanted"));
            }
        }
        let text = meta.documentation();
        for heading in
            ["## What is wrong", "## What the fix does", "## When it stays silent", "## When it refuses"]
        {
            if !text.contains(heading) {
                problem(format!("the documentation lacks `{heading}`"));
            }
        }
        if let Err(error) = wa_fix::detect::query::Query::parse(meta.query) {
            problem(error.to_string());
        }
        if ALL.iter().filter(|other| other.meta.name == meta.name || other.meta.id == meta.id).count() != 1 {
            problem("its id or name is not its own".into());
        }
    }
    fail(&problems);
}
