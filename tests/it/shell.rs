//! The rewrites of rule 2.6, run by real shells with stub tools: a tool that fails must now fail the command,
//! and one that passes must still pass.
#![expect(clippy::disallowed_methods, reason = "tests prepare files")]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde::Deserialize;

use crate::support::top;

#[derive(Deserialize)]
struct Case {
    command: String,
    rewrite: Option<String>,
    needs: Option<String>,
    #[serde(default)]
    finding: bool,
}

/// Tools that the cases call: those that check fail with 3 if `FAIL` is set, the others do nothing.
const CHECKS: [&str; 12] =
    ["npm", "npx", "yarn", "pnpm", "pytest", "python", "cdk", "go", "make", "prettier", "gradlew", "jest"];

#[cfg(unix)]
fn stub(folder: &Path, name: &str) {
    use std::os::unix::fs::PermissionsExt;
    let file = folder.join(name);
    std::fs::write(&file, "#!/bin/sh\n[ -z \"$FAIL\" ] || exit 3\nexit 0\n").unwrap();
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
            let after = run(shell, rewrite, folder, true);
            // `(a || true)` in a list and the like end in the tool's own code.
            assert_eq!(after, 3, "{shell}, failing, after: {rewrite}");
            assert_eq!(run(shell, rewrite, folder, false), 0, "{shell}, passing, after: {rewrite}");
            run_count += 1;
        }
    }
    assert!(run_count > 60, "only {run_count} were run");
}
