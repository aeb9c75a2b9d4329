//! Temporary apps, and plans of them.
#![expect(clippy::disallowed_methods, reason = "tests lay out their own temporary files")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use wa_fix::edit::Values;
use wa_fix::model::App;
use wa_fix::plan::{Decisions, Done, Options, Plan, RuleSet, find_apps, plan, scan};
use wa_fix::rule::{Impact, Rule, Tier};
use wa_fix::source::{DiscoverOptions, discover};

use crate::npm::Files;

/// The project's top folder.
pub fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A folder with files in it, removed when dropped.
pub struct TempApp {
    folder: tempfile::TempDir,
}

impl TempApp {
    pub fn new(files: &Files) -> Self {
        let app = Self { folder: tempfile::tempdir().unwrap() };
        for (path, text) in files {
            app.write(path, text);
        }
        app
    }

    pub fn root(&self) -> PathBuf {
        std::fs::canonicalize(self.folder.path()).unwrap()
    }

    pub fn write(&self, path: &str, text: &str) {
        let file = self.folder.path().join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }
}

/// Plans all fixes of some rules for an app in memory; nothing is written.
pub fn plan_files(files: &Files, rules: &[Rule], values: &Values) -> Plan {
    plan_with(files, rules, values, Tier::Scaffold)
}

pub fn plan_with(files: &Files, rules: &[Rule], values: &Values, tier: Tier) -> Plan {
    run_with(files, rules, values, tier, plan)
}

/// Findings of an app in memory, no fix joined with another.
pub fn scan_files(files: &Files, rules: &[Rule], values: &Values) -> Plan {
    run_with(files, rules, values, Tier::Scaffold, scan)
}

/// As [`plan_files`], with another of the ways that a review offers for each finding of a rule that has one.
pub fn plan_another_way(files: &Files, rule: Rule, values: &Values, way: usize) -> Plan {
    let run = |apps: &[App], rules: &RuleSet, options: &Options, done: Done<'_>| {
        let mut only = Decisions::default();
        for finding in scan(apps, rules, options, done).findings {
            if finding.alternatives.len() >= way {
                only.alternatives.insert(finding.fingerprint.clone(), way);
            }
            only.accepted.insert(finding.fingerprint);
        }
        plan(apps, rules, &Options { only: Some(only), ..options.clone() }, done)
    };
    run_with(files, &[rule], values, Tier::Scaffold, run)
}

fn run_with(
    files: &Files,
    rules: &[Rule],
    values: &Values,
    tier: Tier,
    run: impl Fn(&[App], &RuleSet, &Options, Done<'_>) -> Plan,
) -> Plan {
    let app = TempApp::new(files);
    let root = app.root();
    let options = DiscoverOptions::at(root.clone());
    let found = discover(std::slice::from_ref(&root), &options);
    let apps = find_apps(found, &[root]);
    let rules = RuleSet::new(rules.iter().copied()).unwrap();
    let options = Options {
        tier,
        min_impact: Impact::Info,
        only: None,
        values: values.clone(),
        within: Vec::new(),
        jobs: 1,
        trial: wa_fix::plan::Trial::default(),
    };
    run(&apps, &rules, &options, &|_| {})
}

/// The files of an app after a plan.
pub fn after(files: &Files, plan: &Plan) -> Files {
    let mut after = files.clone();
    for change in &plan.changes {
        after.insert(change.path.clone(), String::from_utf8(change.after.to_vec()).unwrap());
    }
    after
}

/// Every file under a folder, by relative path.
pub fn read_tree(folder: &Path) -> Files {
    let mut files = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            if path.is_dir() {
                if !matches!(name.as_str(), "node_modules" | "cdk.out" | ".git" | "dist" | "coverage") {
                    open.push(path);
                }
            } else if let Ok(text) = std::fs::read_to_string(&path) {
                files.insert(path.strip_prefix(folder).unwrap().to_string_lossy().replace('\\', "/"), text);
            }
        }
    }
    files
}
