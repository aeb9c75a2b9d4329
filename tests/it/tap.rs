//! The main job on the example app: found where the text locates it, fixed, compiled, synthesised,
//! clean on a second look, and put back byte for byte.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Output};

use crate::checkov;
use crate::npm::{self, Files, SynthCase, TypeCase};
use crate::support::{TempApp, read_tree, top};

/// Every documented item that a rule covers: item, file, and a piece of the line that is shown.
const DOCUMENTED: &[(&str, &str, &str)] = &[
    ("1.1", "lib/constructs/pipeline-infrastructure.ts", "fromAwsManagedPolicyName"),
    ("1.2", "lib/constructs/pipeline-infrastructure.ts", "Bucket("),
    ("1.3", "lib/constructs/application-infrastructure.ts", "RestApi"),
    ("1.4", "lib/constructs/security-infrastructure.ts", "StringParameter("),
    ("1.5", "lib/constructs/application-infrastructure.ts", "environment:"),
    ("1.6", "bin/tap.ts", "App("),
    ("1.7", "lib/constructs/application-infrastructure.ts", "lambda.Function("),
    ("1.8", "lib/constructs/application-infrastructure.ts", "RestApi"),
    ("1.9", "lib/constructs/application-infrastructure.ts", "RestApi"),
    ("1.10", "lib/constructs/pipeline-infrastructure.ts", "Bucket("),
    ("2.1", "bin/tap.ts", "TapStack("),
    ("2.2", "lib/constructs/application-infrastructure.ts", "Alarm("),
    ("2.3", "lib/constructs/application-infrastructure.ts", "LambdaIntegration("),
    ("2.4", "lib/constructs/application-infrastructure.ts", "Duration.seconds(30)"),
    ("2.5", "lib/constructs/application-infrastructure.ts", "lambda.Function("),
    ("2.6", "lib/constructs/pipeline-infrastructure.ts", "|| true"),
    ("2.7", "lib/constructs/pipeline-infrastructure.ts", "stageName: 'Deploy'"),
    ("2.8", "lib/constructs/application-infrastructure.ts", "lambda.Alias("),
    ("2.9", "lib/constructs/pipeline-infrastructure.ts", "Bucket("),
    ("2.10", "bin/tap.ts", "App("),
    ("2.10", "lib/constructs/application-infrastructure.ts", "lambda.Function("),
    ("3.1", "lib/constructs/application-infrastructure.ts", "lambda.Alias("),
    ("3.3", "lib/constructs/application-infrastructure.ts", "512"),
    ("3.2", "lib/constructs/application-infrastructure.ts", "RestApi"),
    ("3.4", "lib/constructs/application-infrastructure.ts", "RestApi"),
    ("3.5", "lib/constructs/security-infrastructure.ts", "DbConnectionParameter"),
    ("3.7", "lib/constructs/application-infrastructure.ts", "lambda.Alias("),
    ("3.6", "lib/constructs/pipeline-infrastructure.ts", "'/root/.npm/**/*'"),
    ("4.1", "lib/constructs/monitoring-infrastructure.ts", "LogGroup("),
    ("4.2", "lib/constructs/application-infrastructure.ts", "512"),
    ("4.3", "lib/constructs/pipeline-infrastructure.ts", "PipelineProject("),
    ("4.4", "lib/constructs/application-infrastructure.ts", "? 100 : 2"),
    ("4.5", "lib/constructs/application-infrastructure.ts", "throttling"),
    ("4.6", "lib/tap-stack.ts", ""),
    ("5.1", "lib/constructs/pipeline-infrastructure.ts", "|| true"),
    ("5.1", "lib/constructs/pipeline-infrastructure.ts", "npm ci"),
    ("5.1", "bin/tap.ts", "App("),
    ("5.2", "lib/constructs/pipeline-infrastructure.ts", "Pipeline("),
    ("5.3", "lib/constructs/monitoring-infrastructure.ts", "[ERROR]"),
    ("5.3", "lib/constructs/monitoring-infrastructure.ts", "errorFilter.metric"),
    ("5.3", "lib/constructs/application-infrastructure.ts", "LogGroup("),
    ("5.4", "bin/tap.ts", "App("),
    ("5.6", "bin/tap.ts", "App("),
    ("5.7", "lib/constructs/monitoring-infrastructure.ts", "metricName: 'PipelineExecutionFailure'"),
    ("5.7", "lib/constructs/pipeline-infrastructure.ts", "Pipeline("),
    ("6.1", "lib/constructs/application-infrastructure.ts", "lambda.Function("),
    ("5.5", "lib/constructs/pipeline-infrastructure.ts", "update-alias"),
    ("5.8", "lib/constructs/application-infrastructure.ts", "LambdaErrorAlarm"),
    ("6.2", "lib/constructs/application-infrastructure.ts", "logs."),
    ("6.3", "lib/constructs/pipeline-infrastructure.ts", "PipelineProject("),
];

/// Answers to everything that the fixes ask.
pub(crate) const VALUES: &[&str] = &[
    "allowed_origins=https://app.example.org",
    "api_authorizer=IAM",
    "cached_paths=/hello/{name}",
    "cost_center=platform-1234",
    "log_expiration_days=365",
    "dr_region=us-west-2",
    "vpc_context_key=vpcId",
];

fn wa_fix(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wa-fix"));
    command.current_dir(folder).args(arguments).env_remove("CLICOLOR_FORCE");
    if matches!(arguments.first(), Some(&("scan" | "diff" | "apply"))) {
        for value in VALUES {
            command.args(["--set", value]);
        }
    }
    command.output().unwrap()
}

fn tap() -> (TempApp, Files) {
    let files = read_tree(&top().join("examples/tap"));
    (TempApp::new(&files), files)
}

fn findings(output: &Output) -> Vec<serde_json::Value> {
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    report["findings"].as_array().unwrap().clone()
}

/// How many items each pillar of the specification documents.
const PILLARS: [usize; 6] = [10, 10, 7, 6, 8, 3];

/// The numbers of all documented items: 1.1 to 6.3.
fn items() -> impl Iterator<Item = String> {
    PILLARS
        .into_iter()
        .enumerate()
        .flat_map(|(pillar, count)| (1..=count).map(move |item| format!("{}.{item}", pillar + 1)))
}

/// Each of the 44 items: where it is found in the example app, and what the fix does there. The README shows the table;
/// `WA_FIX_README=1 cargo test --test it readme` renews it.
#[test]
fn the_readme_shows_every_item_found_and_fixed() {
    assert_eq!(items().count(), 44);
    let (app, files) = tap();
    let output = wa_fix(&app.root(), &["apply", "--all", "--format", "json", "--min-impact", "info"]);
    let found = findings(&output);
    let mut table =
        String::from("| item | found in the example app | what the fix does there |\n|---|---|---|\n");
    for item in items() {
        let places: Vec<_> = DOCUMENTED.iter().filter(|(documented, ..)| *documented == item).collect();
        assert!(!places.is_empty(), "{item} has no place");
        for (_, path, part) in places {
            let finding = found.iter().find(|finding| is_at(finding, &files, (&item, path, part)));
            let finding = finding.unwrap_or_else(|| panic!("{item} is not found in {path}"));
            assert_eq!(finding["outcome"], "fixed", "{item} in {path}");
            let line = &finding["range"]["start"]["line"];
            let title =
                finding["fix"]["title"].as_str().unwrap_or("Done together with the fix that it waits for");
            let _ = writeln!(table, "| {item} | {path}:{line} | {} |", title.replace('|', "\\|"));
        }
    }
    crate::readme::shows("items", &table);
}

/// Whether a finding is a documented item at its documented place.
fn is_at(finding: &serde_json::Value, files: &Files, (item, path, part): (&str, &str, &str)) -> bool {
    let mut rules = std::iter::once(&finding["rule"]).chain(finding["also"].as_array().unwrap());
    let line = usize::try_from(finding["range"]["start"]["line"].as_u64().unwrap()).unwrap();
    let end = usize::try_from(finding["range"]["end"]["line"].as_u64().unwrap()).unwrap();
    let text = &files[finding["path"].as_str().unwrap()];
    let shown = text.lines().take(end).skip(line - 1).collect::<Vec<_>>().join("\n");
    rules.any(|rule| rule == item) && finding["path"] == path && shown.contains(part)
}

#[test]
fn every_documented_item_is_found_in_its_place() {
    let (app, files) = tap();
    let output = wa_fix(&app.root(), &["scan", "--all", "--format", "json", "--min-impact", "info"]);
    let found = findings(&output);
    let mut missing = Vec::new();
    for (item, path, part) in DOCUMENTED.iter().copied() {
        let there = found.iter().any(|finding| is_at(finding, &files, (item, path, part)));
        if !there {
            missing.push(format!("{item} in {path}"));
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn all_fixes_together_compile_synthesise_and_can_be_undone() {
    let (app, before) = tap();
    let root = app.root();
    let output = wa_fix(&root, &["apply", "--all", "--format", "json", "--min-impact", "info"]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    let open: Vec<_> = findings(&output)
        .into_iter()
        .filter(|finding| finding["outcome"] != "fixed")
        .map(|finding| format!("{} {} {}", finding["rule"], finding["path"], finding["outcome"]))
        .collect();
    assert!(open.is_empty() && output.status.code() == Some(0), "{open:#?}\n{stderr}");
    let after = read_tree(&root);
    assert_ne!(before, after);

    // Clean on a second look, and nothing to do in a second run.
    let again = wa_fix(&root, &["apply", "--all", "--format", "json", "--min-impact", "info"]);
    assert_eq!(findings(&again), Vec::<serde_json::Value>::new());
    assert_eq!(read_tree(&root), after);

    // The real compiler.
    let scripts = |files: &Files| -> Files {
        let wanted = |path: &str| {
            Path::new(path).extension().is_some_and(|end| end == "ts")
                && !path.starts_with("test/")
                && !path.contains(".test.")
        };
        files.iter().filter(|(path, _)| wanted(path)).map(|(a, b)| (a.clone(), b.clone())).collect()
    };
    let case = |version: &str| TypeCase {
        name: format!("tap {version}"),
        version: version.to_owned(),
        files: scripts(&after),
        options: BTreeMap::from([("noUnusedLocals".to_owned(), true.into())]),
    };
    for result in npm::check_types(&[case("base"), case("newest")]) {
        assert!(result.errors.is_empty(), "{}: {:#?}", result.name, result.errors);
    }

    // The real synthesis, in both environments.
    let mut sent = Vec::new();
    for (state, files) in [("before", &before), ("after", &after)] {
        for environment in ["dev", "prod"] {
            sent.push(SynthCase {
                name: format!("{state} {environment}"),
                version: "base".to_owned(),
                files: files.clone(),
                entry: Some("bin/tap.ts".to_owned()),
                context: BTreeMap::from([("environmentSuffix".to_owned(), environment.to_owned())]),
                nag: true,
            });
        }
    }
    let results = npm::synth(&sent);
    for result in &results {
        assert!(result.ok, "{}: {:?}", result.name, result.error);
    }
    let documentation: String = wa_fix::fixes::ALL.iter().map(|rule| rule.meta.documentation()).collect();
    for (old, new) in results.iter().zip(results.iter().skip(2)) {
        for finding in &new.nag {
            let plain = |finding: &npm::NagFinding| finding.rule.split('[').next().unwrap().to_owned();
            let rule = &plain(finding);
            let count = |list: &[npm::NagFinding]| list.iter().filter(|other| plain(other) == *rule).count();
            assert!(
                count(&new.nag) <= count(&old.nag) || documentation.contains(rule),
                "{}: {rule} is new and in no rule's documentation",
                new.name
            );
        }
    }

    lint(&results, &documentation);
    judged_by_checkov(&results, &documentation);

    // And back.
    let undone = wa_fix(&root, &["undo"]);
    assert!(undone.status.success(), "{}", String::from_utf8_lossy(&undone.stderr));
    assert_eq!(read_tree(&root), before);
}

/// Where callers do not sign, CloudFront comes in front; where they do, rule 3.4 has nothing to say.
#[test]
fn without_signed_requests_cloudfront_comes_in_front() {
    let (app, _) = tap();
    let run = |command: &str| {
        Command::new(env!("CARGO_BIN_EXE_wa-fix"))
            .current_dir(app.root())
            .args([command, "--all", "--min-impact", "info", "--select", "1.8,2.8,3.2,3.4,3.7,4.5"])
            .args(["--set", "cached_paths=/hello/{name}?lang", "--format", "json"])
            .output()
            .unwrap()
    };
    let output = run("apply");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let after = read_tree(&app.root());
    assert!(after["lib/constructs/application-infrastructure.ts"].contains("RestApiOrigin(this.api)"));
    assert_eq!(findings(&run("scan")), Vec::<serde_json::Value>::new());
    let case = SynthCase {
        name: "with CloudFront".to_owned(),
        version: "base".to_owned(),
        files: after,
        entry: Some("bin/tap.ts".to_owned()),
        context: BTreeMap::from([("environmentSuffix".to_owned(), "prod".to_owned())]),
        nag: false,
    };
    for result in npm::synth(&[case]) {
        assert!(result.ok, "{:?}", result.error);
        let text: String = result.templates.values().map(ToString::to_string).collect();
        for kind in
            ["CloudFront::Distribution", "ApplicationAutoScaling::ScalableTarget", "CacheClusterEnabled"]
        {
            assert!(text.contains(kind), "{kind} is missing");
        }
    }
}

/// Checkov finds nothing after the fixes that it did not find before and no rule's documentation names, and what rules
/// say they clear is less. Template by template: the same stack in a second region says the same once more.
fn judged_by_checkov(results: &[npm::SynthResult], documentation: &str) {
    let templates = results.iter().flat_map(|result| checkov::templates(&result.name, result));
    let Some(failed) = checkov::failed(templates) else { return };
    let mut problems = Vec::new();
    for environment in ["dev", "prod"] {
        let old = checkov::most(&failed, &format!("before {environment}"));
        let new = checkov::most(&failed, &format!("after {environment}"));
        for (check, now) in &new {
            if *now > old.get(check).copied().unwrap_or(0) && !documentation.contains(check.as_str()) {
                problems
                    .push(format!("{environment}: Checkov {check} is new and in no rule's documentation"));
            }
        }
        for check in ["CKV_AWS_76", "CKV_AWS_120", "CKV_AWS_59"] {
            if !old.contains_key(check) || new.contains_key(check) {
                problems.push(format!("{environment}: Checkov {check} is not cleared"));
            }
        }
    }
    assert!(problems.is_empty(), "{problems:#?}");
}

/// cfn-lint finds nothing after the fixes that it did not find before, where it is installed
/// (`WA_FIX_CFN_LINT` names it; CI installs it).
fn lint(results: &[npm::SynthResult], documentation: &str) {
    let Some(program) = std::env::var_os("WA_FIX_CFN_LINT") else {
        println!("cfn-lint was not run: WA_FIX_CFN_LINT does not name it");
        return;
    };
    let files: Files = results
        .iter()
        .flat_map(|result| {
            let name = result.name.replace(' ', "-");
            result
                .templates
                .iter()
                .map(move |(stack, template)| (format!("{name}/{stack}.json"), template.to_string()))
        })
        .collect();
    let folder = TempApp::new(&files);
    let mut counts: BTreeMap<(String, String, String), usize> = BTreeMap::new();
    let output = Command::new(program)
        .current_dir(folder.root())
        .args(["--format", "json", "--include-checks", "W", "--"])
        .args(files.keys())
        .output()
        .unwrap();
    let found: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    for finding in found {
        let (state, template) = finding["Filename"].as_str().unwrap().split_once('/').unwrap();
        let rule = finding["Rule"]["Id"].as_str().unwrap();
        *counts.entry((state.to_owned(), template.to_owned(), rule.to_owned())).or_default() += 1;
    }
    // Template by template: the same stack in a second region says the same once more.
    for ((file, _, rule), now) in &counts {
        let Some(environment) = file.strip_prefix("after-") else { continue };
        let before = format!("before-{environment}");
        let old: usize = counts
            .iter()
            .filter(|((state, _, other), _)| *state == before && other == rule)
            .map(|(_, count)| count)
            .sum();
        // W3005: CDK's own DependsOn, in every template it writes.
        assert!(
            *now <= old || rule == "W3005" || documentation.contains(rule),
            "{file}: cfn-lint {rule} is new"
        );
    }
}
