//! Every two rules together on the example app, in memory: each finds and fixes beside the other what it fixes alone, a second look
//! finds nothing, and a second run does nothing. Where two rules meet in more than the sum of their lines, the result is
//! compiled as well.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use wa_fix::detect::Outcome;
use wa_fix::fixes::ALL;
use wa_fix::model::{App, Overlay};
use wa_fix::plan::{Options, RuleSet, find_apps, plan};
use wa_fix::report::{Look, diff};
use wa_fix::rule::{Impact, Rule, Tier};
use wa_fix::source::{DiscoverOptions, Language, discover};
use wa_fix::syntax::{first_error, parse};

use crate::npm::{self, Files, TypeCase};
use crate::support::{TempApp, plan_files, read_tree, top};
use crate::tap::VALUES;

/// What some rules make of the app.
struct Run {
    name: String,
    /// The new texts, by printed path.
    changed: Files,
    /// The lines that come and go, sorted.
    lines: Vec<String>,
    /// Findings that stay, by fingerprint, with the word in which they end.
    open: BTreeMap<String, String>,
    problems: Vec<String>,
}

fn options() -> Options {
    let answer = |value: &&str| {
        let (key, answer) = value.split_once('=').unwrap();
        (key.to_owned(), answer.to_owned())
    };
    Options {
        tier: Tier::Scaffold,
        min_impact: Impact::Info,
        only: None,
        values: VALUES.iter().map(answer).collect(),
        within: Vec::new(),
        jobs: 1,
        trial: wa_fix::plan::Trial::default(),
    }
}

fn run(files: &Files, apps: &[App], rules: &[Rule]) -> Run {
    let name = rules.iter().map(|rule| rule.meta.id).collect::<Vec<_>>().join(" and ");
    let mut problems = Vec::new();
    let set = RuleSet::new(rules.iter().copied()).unwrap();
    let reversed = RuleSet::new(rules.iter().rev().copied()).unwrap();
    let order = |set: &RuleSet| set.rules().iter().map(|rule| rule.meta.id).collect::<Vec<_>>();
    // The plan is a function of the set: the same order inside is the same result.
    if order(&set) != order(&reversed) {
        problems.push(format!("{name}: the result depends on the order in which they are given"));
    }
    let options = options();
    let planned = plan(apps, &set, &options, &|_| {});
    let open: BTreeMap<String, String> = planned
        .findings
        .iter()
        .filter(|finding| finding.outcome != Outcome::Fixed)
        .map(|finding| {
            let detail = finding.outcome.detail().unwrap_or_default();
            let line = finding.range.start.line;
            let what = format!(
                "{} in {} line {line}: {} {detail}",
                finding.rule.id,
                finding.path,
                finding.outcome.word()
            );
            (finding.fingerprint.clone(), what)
        })
        .collect();
    let mut overlay = Overlay::new();
    let mut changed = Files::new();
    for change in &planned.changes {
        let text = String::from_utf8(change.after.to_vec()).unwrap();
        if let Some(language) = Language::of(&change.path) {
            let parsed = parse(&change.path, text.as_str().into(), language).unwrap();
            if first_error(&parsed).is_some() {
                problems.push(format!("{name}: {} does not parse", change.path));
            }
        }
        overlay.insert(change.file.clone(), text.as_str().into());
        changed.insert(change.path.clone(), text);
    }
    let again = if changed.keys().all(|path| Language::of(path).is_some()) {
        let after: Vec<App> = apps.iter().map(|app| app.with(&overlay)).collect();
        plan(&after, &set, &options, &|_| {})
    } else {
        // Documents are read from the disk.
        let mut all = files.clone();
        all.extend(changed.clone());
        plan_files(&all, rules, &options.values)
    };
    for finding in again.findings.iter().filter(|finding| !open.contains_key(&finding.fingerprint)) {
        problems.push(format!(
            "{name}: {} is found again in {} line {}",
            finding.rule.id, finding.path, finding.range.start.line
        ));
    }
    if !again.changes.is_empty() {
        problems.push(format!("{name}: a second run changes something"));
    }
    let mut unified = Vec::new();
    diff::write(&planned.changes, 0, Look::PLAIN, &mut unified).unwrap();
    let unified = String::from_utf8(unified).unwrap();
    let mut lines: Vec<String> = unified
        .lines()
        .filter(|line| line.starts_with(['+', '-']))
        .filter(|line| !line.starts_with("+++ ") && !line.starts_with("--- "))
        .map(str::to_owned)
        .collect();
    lines.sort();
    Run { name, changed, lines, open, problems }
}

/// Runs over sets of rules, on the processors that there are; in the order of the sets.
fn run_all(files: &Files, apps: &[App], sets: &[Vec<Rule>]) -> Vec<Run> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(8);
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(rules) = sets.get(index) else { break };
                    let run = run(files, apps, rules);
                    done.lock().unwrap().push((index, run));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap();
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, run)| run).collect()
}

#[test]
fn every_two_rules_work_together_on_the_example_app() {
    let files = read_tree(&top().join("examples/tap"));
    let folder = TempApp::new(&files);
    let root = folder.root();
    let found = discover(std::slice::from_ref(&root), &DiscoverOptions::at(root.clone()));
    let apps = find_apps(found, &[root]);
    // All plans share these trees.
    for file in apps.iter().flat_map(|app| &app.files) {
        file.parsed();
    }
    let at_work = crate::rules::rules();
    let wanted = |rule: &Rule| at_work.iter().any(|other| other.meta.id == rule.meta.id);
    let alone = run_all(&files, &apps, &ALL.iter().map(|rule| vec![*rule]).collect::<Vec<_>>());
    let mut sets = Vec::new();
    let mut of = Vec::new();
    for (a, first) in ALL.iter().enumerate() {
        for (b, second) in ALL.iter().enumerate().skip(a + 1) {
            if wanted(first) || wanted(second) {
                sets.push(vec![*first, *second]);
                of.push((a, b));
            }
        }
    }
    let pairs = run_all(&files, &apps, &sets);
    let mut problems: Vec<String> =
        alone.iter().chain(&pairs).flat_map(|run| run.problems.iter().cloned()).collect();
    let mut compiled: Vec<&Run> = alone.iter().filter(|run| !run.changed.is_empty()).collect();
    for (pair, (a, b)) in pairs.iter().zip(of) {
        let (first, second) = (&alone[a], &alone[b]);
        for (fingerprint, what) in &pair.open {
            if !first.open.contains_key(fingerprint) && !second.open.contains_key(fingerprint) {
                problems.push(format!("{}: {what}", pair.name));
            }
        }
        let mut sum: Vec<String> = first.lines.iter().chain(&second.lines).cloned().collect();
        sum.sort();
        if pair.lines != sum {
            compiled.push(pair);
        }
    }
    problems.extend(type_errors(&files, &compiled));
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}

fn type_errors(files: &Files, runs: &[&Run]) -> Vec<String> {
    let is_script = |path: &str| {
        Path::new(path).extension().is_some_and(|end| end == "ts")
            && !path.starts_with("test/")
            && !path.contains(".test.")
    };
    let case = |run: &&Run| {
        let all = files.iter().chain(&run.changed);
        TypeCase {
            name: run.name.clone(),
            version: "base".to_owned(),
            files: all
                .filter(|(path, _)| is_script(path))
                .map(|(path, text)| (path.clone(), text.clone()))
                .collect(),
            options: BTreeMap::from([("noUnusedLocals".to_owned(), true.into())]),
        }
    };
    let cases: Vec<TypeCase> = runs.iter().map(case).collect();
    println!("{} results are compiled", cases.len());
    let errors = |result: npm::TypeResult| {
        let name = result.name;
        result.errors.into_iter().map(move |error| format!("{name}: {error}"))
    };
    npm::check_types(&cases).into_iter().flat_map(errors).collect()
}

/// What some rules make of one file together; all that they find is fixed.
fn together(code: &str, ids: &[&str], values: &[(&str, &str)]) -> String {
    let files = Files::from([
        ("package.json".to_owned(), crate::run::MANIFEST.to_owned()),
        ("lib/app.ts".to_owned(), code.to_owned()),
    ]);
    let rules: Vec<Rule> = ALL.iter().copied().filter(|rule| ids.contains(&rule.meta.id)).collect();
    let values = values.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let plan = plan_files(&files, &rules, &values);
    assert_eq!(plan.findings.len(), ids.len(), "{:?}", plan.findings);
    for finding in &plan.findings {
        assert_eq!(finding.outcome, Outcome::Fixed, "{}", finding.rule.id);
    }
    crate::support::after(&files, &plan)["lib/app.ts"].clone()
}

#[test]
fn an_approval_leaves_the_way_free_for_a_rollback() {
    let file = top().join("tests/fixtures/5.2/fix/cdk_pipelines_with_post.ts");
    let text = together(&std::fs::read_to_string(file).unwrap(), &["2.7", "5.2"], &[]);
    let (wave, rollback) = (text.find("addWave('Approve'").unwrap(), text.find("OnFailure.Result").unwrap());
    assert!(wave < text.find("pipeline.addStage(").unwrap() && wave < rollback, "{text}");
}

#[test]
fn a_canary_signs_where_callers_have_to() {
    let text = together(
        "import * as cdk from 'aws-cdk-lib';
import { HttpApi, HttpMethod } from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';

export class WebStack extends cdk.Stack {
  constructor(scope: Construct, id: string, fn: lambda.IFunction) {
    super(scope, id);
    const api = new HttpApi(this, 'Api');
    const integration = new HttpLambdaIntegration('Fn', fn);
    api.addRoutes({ path: '/health', methods: [HttpMethod.GET], integration });
  }
}
",
        &["1.3", "2.2"],
        &[("api_authorizer", "IAM")],
    );
    assert!(text.contains("defaultAuthorizer: new HttpIamAuthorizer()"), "{text}");
    assert!(text.contains("resources: [api.arnForExecuteApi('GET', '/health')]"), "{text}");
}
