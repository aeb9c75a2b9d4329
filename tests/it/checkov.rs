//! Checkov as a judge of templates, where it is installed (`WA_FIX_CHECKOV` names it; CI installs it).

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

use crate::npm::{Files, SynthResult};
use crate::support::TempApp;

/// Templates by a name such as `after-prod/TapStack`: what each resource of each fails.
pub type Failed = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

/// The templates of a synthesis, each under the name that is given and that of its stack.
pub fn templates<'r>(name: &'r str, result: &'r SynthResult) -> impl Iterator<Item = (String, String)> + 'r {
    let name = name.replace([' ', '/'], "-");
    result.templates.iter().map(move |(stack, template)| (format!("{name}/{stack}"), template.to_string()))
}

/// Runs Checkov once on templates; `None` where it is not installed.
pub fn failed(templates: impl Iterator<Item = (String, String)>) -> Option<Failed> {
    let Some(program) = std::env::var_os("WA_FIX_CHECKOV") else {
        println!("Checkov was not run: WA_FIX_CHECKOV does not name it");
        return None;
    };
    let files: Files = templates.map(|(name, text)| (format!("{name}.json"), text)).collect();
    if files.is_empty() {
        return Some(Failed::new());
    }
    let folder = TempApp::new(&files);
    let output = Command::new(program)
        .current_dir(folder.root())
        .args(["--directory", ".", "--framework", "cloudformation", "--output", "json"])
        // Nothing is asked of the network.
        .args(["--compact", "--quiet", "--skip-download", "--soft-fail"])
        .env("LOG_LEVEL", "ERROR")
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    let mut failed = Failed::new();
    for check in report["results"]["failed_checks"].as_array().into_iter().flatten() {
        let text = |key: &str| check[key].as_str().unwrap().to_owned();
        let name = text("file_path").trim_start_matches('/').trim_end_matches(".json").to_owned();
        failed.entry(name).or_default().entry(text("check_id")).or_default().insert(text("resource"));
    }
    assert_eq!(
        report["summary"]["parsing_errors"].as_u64().unwrap_or(0),
        0,
        "Checkov cannot read a template"
    );
    Some(failed)
}

/// What a state of an app fails: the most that one of its templates does, by check.
pub fn most(failed: &Failed, state: &str) -> BTreeMap<String, usize> {
    let state = format!("{}/", state.replace([' ', '/'], "-"));
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for (_, checks) in failed.iter().filter(|(name, _)| name.starts_with(&state)) {
        for (check, resources) in checks {
            let count = counts.entry(check.clone()).or_default();
            *count = (*count).max(resources.len());
        }
    }
    counts
}

/// The ids of Checkov among those that a rule clears.
pub fn cleared(rule: &wa_fix::rule::Meta) -> impl Iterator<Item = &'static str> {
    rule.clears.iter().copied().filter(|id| id.starts_with("CKV"))
}
