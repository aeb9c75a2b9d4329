//! The rewrites of rule 2.6, run by real shells with stub tools: a tool that fails must now fail the command,
//! and one that passes must still pass. And the deployment that rule 5.5 puts in the place of `update-alias`.
#![expect(clippy::disallowed_methods, reason = "tests prepare files")]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde::Deserialize;

use wa_fix::fixes::operational_excellence::wa_5_5_no_gradual_release;
use wa_fix::fixes::reliability::wa_2_6_pipeline_swallows_failures;
use wa_fix::source::Language;
use wa_fix::syntax::shell::runs_check;
use wa_fix::syntax::{Literal, Syn, parse};

use crate::support::{after, plan_files, read_tree, top};

#[derive(Deserialize)]
struct Case {
    command: String,
    rewrite: Option<String>,
    needs: Option<String>,
    #[serde(default)]
    finding: bool,
}

/// Tools that the cases call: they fail with 3 if `FAIL` is set, unless they install.
const CHECKS: [&str; 12] =
    ["npm", "npx", "yarn", "pnpm", "pytest", "python", "cdk", "go", "make", "prettier", "gradlew", "jest"];

#[cfg(unix)]
fn stub(folder: &Path, name: &str) {
    use std::os::unix::fs::PermissionsExt;
    let file = folder.join(name);
    std::fs::write(
        &file,
        "#!/bin/sh\ncase \"$1\" in ci | install) exit 0 ;; esac\n[ -z \"$FAIL\" ] || exit 3\n",
    )
    .unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[cfg(unix)]
fn run(shell: &str, command: &str, folder: &Path, fail: bool) -> i32 {
    let path = format!("{}:/usr/bin:/bin", folder.display());
    let mut variables = BTreeMap::from([("PATH", path.as_str())]);
    if fail {
        variables.insert("FAIL", "1");
    }
    Command::new(shell)
        .args(["-c", command])
        .env_clear()
        .envs(variables)
        .current_dir(folder)
        .output()
        .unwrap()
        .status
        .code()
        .unwrap()
}

#[cfg(unix)]
#[test]
fn rewrites_fail_where_the_tool_fails_and_pass_where_it_passes() {
    let text = std::fs::read_to_string(top().join("tests/shell-cases.json")).unwrap();
    let cases: Vec<Case> = serde_json::from_str(&text).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path();
    for name in CHECKS {
        stub(folder, name);
    }
    for inner in ["app", "a", "b", "scripts"] {
        std::fs::create_dir(folder.join(inner)).unwrap();
    }
    std::fs::write(folder.join("package.json"), "{}").unwrap();
    stub(&folder.join("scripts"), "run-tests.sh");
    stub(&folder.join("scripts"), "e2e-test.sh");
    let mut run_count = 0;
    let shells: Vec<&str> = ["bash", "dash"]
        .into_iter()
        .filter(|shell| {
            Command::new(shell).args(["-c", "true"]).status().is_ok_and(|status| status.success())
        })
        .collect();
    assert!(!shells.is_empty(), "neither bash nor dash is installed");
    for case in cases.iter().filter(|case| case.finding) {
        let Some(rewrite) = &case.rewrite else { continue };
        // These mask one check of several, whose other failures count before too.
        let counts_before = case.command == "npm run lint || true; npm test";
        for shell in &shells {
            if case.needs.as_deref() == Some("bash") && *shell != "bash" {
                continue;
            }
            let command = &case.command;
            assert_eq!(run(shell, command, folder, true) == 0, !counts_before, "{shell}, before: {command}");
            assert_eq!(run(shell, command, folder, false), 0, "{shell}, passing, before: {command}");
            let after = run(shell, rewrite, folder, true);
            // `(a || true)` in a list and the like end in the tool's own code.
            assert_eq!(after, 3, "{shell}, failing, after: {rewrite}");
            assert_eq!(run(shell, rewrite, folder, false), 0, "{shell}, passing, after: {rewrite}");
            run_count += 1;
        }
    }
    assert!(run_count > 60, "only {run_count} were run");
}

/// The commands of a file: the texts of its literals, in order.
#[cfg(unix)]
fn literals(path: &str, text: &str) -> Vec<String> {
    let Some(language) = Language::of(path) else { return Vec::new() };
    let parsed = parse(path, text.into(), language).unwrap();
    let mut open = vec![Syn::root(&parsed)];
    let mut found = Vec::new();
    while let Some(node) = open.pop() {
        match Literal::of(node) {
            Some(literal) => found.push((node.start(), literal.text)),
            None => open.extend(node.children()),
        }
    }
    found.sort();
    found.into_iter().map(|(_, text)| text).collect()
}

/// The texts that a fix changes, before and after; those that it takes away are left out.
#[cfg(unix)]
fn changed(before: &[String], after: &[String]) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    let (mut old, mut new) = (0, 0);
    while let (Some(was), Some(is)) = (before.get(old), after.get(new)) {
        if was == is {
            (old, new) = (old + 1, new + 1);
        } else if before[old..].iter().skip(1).take(4).any(|later| later == is) {
            old += 1;
        } else if after[new..].iter().skip(1).take(4).any(|later| later == was) {
            new += 1;
        } else {
            pairs.push((was.clone(), is.clone()));
            (old, new) = (old + 1, new + 1);
        }
    }
    pairs
}

#[cfg(unix)]
#[test]
fn what_the_rule_makes_of_its_fixtures_fails_where_the_tool_fails() {
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path();
    for name in CHECKS.iter().chain(&["tsc", "eslint", "cfn-lint", "docker", "vitest", "mypy"]) {
        stub(folder, name);
    }
    for inner in ["app", "frontend", "lambda"] {
        std::fs::create_dir(folder.join(inner)).unwrap();
    }
    let mut ran = 0;
    let cases = std::fs::read_dir(top().join("tests/fixtures/2.6/fix")).unwrap();
    for path in cases.map(|entry| entry.unwrap().path()) {
        let files: BTreeMap<String, String> = if path.is_dir() {
            read_tree(&path)
        } else {
            let name = format!("lib/{}", path.file_name().unwrap().to_str().unwrap());
            let package = "{ \"dependencies\": { \"aws-cdk-lib\": \"2.204.0\" } }".to_owned();
            BTreeMap::from([
                (name, std::fs::read_to_string(&path).unwrap()),
                ("package.json".to_owned(), package),
            ])
        };
        let plan = plan_files(&files, &[wa_2_6_pipeline_swallows_failures::RULE], &BTreeMap::new());
        let result = after(&files, &plan);
        for change in &plan.changes {
            let (old, new) = (&files[&change.path], &result[&change.path]);
            for (was, is) in changed(&literals(&change.path, old), &literals(&change.path, new)) {
                // `env: bash` is no command, and what is filled in by the program or the workflow is none yet.
                if is.contains("${") || !runs_check(&is) {
                    continue;
                }
                // A workflow runs Bash, and stops at the first failure.
                let shells: &[&str] = if is.contains("pipefail") || change.path.starts_with(".github") {
                    &["bash"]
                } else {
                    &["bash", "dash"]
                };
                for shell in shells {
                    let strict = |text: &str| {
                        if change.path.starts_with(".github") {
                            format!("set -e\n{text}")
                        } else {
                            text.to_owned()
                        }
                    };
                    let (was, is) = (strict(&was), strict(&is));
                    assert_eq!(run(shell, &was, folder, true), 0, "{shell}, failing, before: {was}");
                    assert_eq!(run(shell, &is, folder, true), 3, "{shell}, failing, after: {is}");
                    assert_eq!(run(shell, &was, folder, false), 0, "{shell}, passing, before: {was}");
                    assert_eq!(run(shell, &is, folder, false), 0, "{shell}, passing, after: {is}");
                    ran += 1;
                }
            }
        }
    }
    assert!(ran > 40, "only {ran} were run");
}

/// Answers as the AWS CLI does, and writes down what it was asked.
#[cfg(unix)]
const AWS: &str = r#"#!/bin/sh
for word in "$@"; do printf '%s\n' "$word" >> "$LOG"; done
case "$2" in
  get-alias) [ "$FAIL" != get ] || exit 254; echo "$LIVE" ;;
  create-deployment) [ "$FAIL" != create ] || exit 254; echo d-1 ;;
  wait) [ "$FAIL" != wait ] || exit 255 ;;
  *) exit 252 ;;
esac
"#;

/// The commands of the build after the fix that come from it, as the shell gets them.
#[cfg(unix)]
fn deployment() -> Vec<String> {
    let path = "lib/scripted_release.ts";
    let text = std::fs::read_to_string(top().join("tests/fixtures/5.5/fix/scripted_release.ts")).unwrap();
    let files = BTreeMap::from([
        (path.to_owned(), text),
        ("package.json".to_owned(), "{ \"dependencies\": { \"aws-cdk-lib\": \"2.204.0\" } }".to_owned()),
    ]);
    let plan = plan_files(&files, &[wa_5_5_no_gradual_release::RULE], &BTreeMap::new());
    let result = after(&files, &plan).remove(path).unwrap();
    let parsed = parse(path, result.into(), Language::TypeScript).unwrap();
    let mut open = vec![Syn::root(&parsed)];
    let mut found = Vec::new();
    while let Some(node) = open.pop() {
        open.extend(node.children());
        let text = Literal::of(node).map(|literal| literal.text).unwrap_or_default();
        if ["CURRENT=", "APPSPEC=", "if ["].iter().any(|start| text.starts_with(start)) {
            found.push((node.start(), text));
        }
    }
    found.sort();
    found.into_iter().map(|(_, text)| text).collect()
}

#[cfg(unix)]
#[test]
fn a_deployment_takes_the_place_of_moving_the_alias() {
    use std::os::unix::fs::PermissionsExt;
    let commands = deployment();
    assert_eq!(commands.len(), 3, "{commands:#?}");
    // As CodeBuild does: one shell, and the first that fails is the last.
    let script = commands.iter().map(|command| format!("{{ {command}\n}}")).collect::<Vec<_>>().join(" && ");
    let scratch = tempfile::tempdir().unwrap();
    let stub = scratch.path().join("aws");
    std::fs::write(&stub, AWS).unwrap();
    std::fs::set_permissions(&stub, std::fs::Permissions::from_mode(0o755)).unwrap();
    let log = scratch.path().join("log");
    for shell in ["bash", "dash"] {
        if !Command::new(shell).args(["-c", "true"]).status().is_ok_and(|status| status.success()) {
            continue;
        }
        let run = |live: &str, fail: &str| {
            std::fs::write(&log, "").unwrap();
            let path = format!("{}:/usr/bin:/bin", scratch.path().display());
            let variables = [
                ("PATH", path.as_str()),
                ("LOG", log.to_str().unwrap()),
                ("LIVE", live),
                ("FAIL", fail),
                ("FUNCTION_NAME", "orders"),
                ("ALIAS_NAME", "live"),
                ("VERSION", "8"),
                ("CODEDEPLOY_APPLICATION", "app"),
                ("CODEDEPLOY_GROUP", "group"),
            ];
            let status =
                Command::new(shell).args(["-c", &script]).env_clear().envs(variables).status().unwrap();
            (status.success(), std::fs::read_to_string(&log).unwrap())
        };
        let (passed, asked) = run("7", "");
        assert!(passed, "{shell}: {script}");
        let words: Vec<&str> = asked.lines().collect();
        let behind = |word: &str| words[1 + words.iter().position(|other| *other == word).unwrap()];
        assert_eq!((behind("--application-name"), behind("--deployment-group-name")), ("app", "group"));
        assert_eq!(behind("--deployment-id"), "d-1");
        let revision = behind("--revision");
        let content = revision
            .strip_prefix("revisionType=AppSpecContent,appSpecContent={content='")
            .and_then(|rest| rest.strip_suffix("'}"))
            .unwrap();
        assert!(content.starts_with("{\"version\":0.0,"), "{content}");
        let spec: serde_json::Value = serde_json::from_str(content).unwrap();
        assert_eq!(
            spec["Resources"][0]["release"]["Properties"],
            serde_json::json!({
                "Name": "orders", "Alias": "live", "CurrentVersion": "7", "TargetVersion": "8"
            })
        );
        // Nothing to do, and every failure fails the build.
        let (passed, asked) = run("8", "");
        assert!(passed && !asked.contains("create-deployment"), "{shell}: {asked}");
        for fail in ["get", "create", "wait"] {
            assert!(!run("7", fail).0, "{shell}, {fail}");
        }
    }
}
