//! The apps with the editor's buffers laid over the disk. A keystroke analyses the app of its buffer again; texts and
//! trees of all other files stay as they are.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::edits::Versions;
use crate::detect::{Finding, Outcome, Refusal};
use crate::edit::{FileChange, Values};
use crate::model::{App, Overlay};
use crate::plan::{self, Decisions, Options, Plan, RuleSet};
use crate::rule::Tier;
use crate::source::Language;

/// What the command line makes of its options: apps as they are on disk, rules, and how to plan.
pub struct Loaded {
    /// The apps.
    pub apps: Vec<App>,
    /// The rules.
    pub rules: RuleSet,
    /// What to plan.
    pub options: Options,
}

/// A file that is open in the editor.
struct Buffer {
    text: Arc<str>,
    version: i64,
}

/// The apps as the editor shows them.
pub(super) struct Workspace {
    loaded: Loaded,
    /// The apps with the buffers laid over them, and what was found there.
    apps: Vec<(App, Vec<Finding>)>,
    buffers: BTreeMap<PathBuf, Buffer>,
    /// Answers that were given in the editor.
    answers: Values,
}

impl Workspace {
    pub(super) fn new(loaded: Loaded) -> Self {
        let mut workspace =
            Self { loaded, apps: Vec::new(), buffers: BTreeMap::new(), answers: Values::new() };
        workspace.rebuild();
        workspace
    }

    /// Takes the disk as it is now; buffers and answers stay.
    pub(super) fn reload(&mut self, loaded: Loaded) {
        self.loaded = loaded;
        self.rebuild();
    }

    fn rebuild(&mut self) {
        self.loaded.options.values.extend(self.answers.clone());
        self.apps = self.loaded.apps.iter().map(|app| (app.with(&Overlay::new()), Vec::new())).collect();
        for index in 0..self.apps.len() {
            self.analyse(index);
        }
    }

    /// A buffer was opened or changed.
    pub(super) fn put(&mut self, file: PathBuf, text: Arc<str>, version: i64) {
        self.buffers.insert(file, Buffer { text, version });
    }

    /// A buffer was closed: the disk counts again.
    pub(super) fn close(&mut self, file: &Path) {
        self.buffers.remove(file);
        if let Some(index) = self.app_of(file)
            && let (Some(place), Some(app)) = (self.apps.get_mut(index), self.loaded.apps.get(index))
        {
            place.0 = app.with(&Overlay::new());
        }
    }

    /// The text of an open buffer.
    pub(super) fn buffer(&self, file: &Path) -> Option<&Arc<str>> {
        self.buffers.get(file).map(|buffer| &buffer.text)
    }

    pub(super) fn versions(&self) -> Versions {
        self.buffers.iter().map(|(file, buffer)| (file.clone(), buffer.version)).collect()
    }

    /// The app that a file belongs to: the one that has it, else the innermost around it.
    pub(super) fn app_of(&self, file: &Path) -> Option<usize> {
        let apps = || self.loaded.apps.iter().enumerate();
        apps().find(|(_, app)| app.file(file).is_some()).map(|(index, _)| index).or_else(|| {
            apps()
                .filter(|(_, app)| file.starts_with(&app.root))
                .max_by_key(|(_, app)| app.root.components().count())
                .map(|(index, _)| index)
        })
    }

    /// Looks at an app again, with the buffers as they are.
    pub(super) fn analyse(&mut self, index: usize) {
        let overlay: Overlay = self
            .buffers
            .iter()
            .filter(|(file, _)| self.app_of(file) == Some(index) && self.counts(index, file))
            .map(|(file, buffer)| (file.clone(), Arc::clone(&buffer.text)))
            .collect();
        let Some((app, findings)) = self.apps.get_mut(index) else { return };
        *app = app.with(&overlay);
        // Kept here, so that the copies that planning makes have them.
        app.documents();
        for file in app.files.iter().filter(|file| file.speaks_cdk()) {
            file.parsed();
        }
        *findings =
            plan::scan(std::slice::from_ref(app), &self.loaded.rules, &self.loaded.options, &|_| {}).findings;
    }

    /// Whether a buffer is part of its app: what the walk leaves out on disk is left out here, too.
    fn counts(&self, index: usize, file: &Path) -> bool {
        let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let known = self.loaded.apps.get(index).is_some_and(|app| app.file(file).is_some());
        known || Language::of(name).is_none() || !file.exists()
    }

    /// Every finding that stands, with its file and the number of its app.
    pub(super) fn findings(&self) -> impl Iterator<Item = (usize, &Path, &Finding)> {
        self.apps.iter().enumerate().flat_map(move |(index, (app, findings))| {
            findings.iter().filter(|finding| self.is_listed(finding)).filter_map(move |finding| {
                let file = app.files.iter().find(|file| file.candidate.path == finding.path)?;
                Some((index, file.candidate.file.as_path(), finding))
            })
        })
    }

    fn is_listed(&self, finding: &Finding) -> bool {
        finding.impact >= self.loaded.options.min_impact
            && !matches!(finding.outcome, Outcome::Suppressed(_) | Outcome::Fixed)
    }

    /// What a person decided about one finding, planned as the review plans it.
    pub(super) fn decide(&self, app: usize, decisions: Decisions) -> Result<Vec<FileChange>, String> {
        let wanted: BTreeSet<String> =
            decisions.accepted.iter().chain(decisions.suppressed.keys()).cloned().collect();
        let options = Options { only: Some(decisions), ..self.loaded.options.clone() };
        let plan = self.plan(app, &self.loaded.rules, &options);
        if plan.changes.is_empty() { Err(why_not(&plan, &wanted)) } else { Ok(plan.changes) }
    }

    /// What `wa-fix apply --select RULE --tier TIER PATH` writes.
    pub(super) fn fix_rule(
        &self,
        app: usize,
        rule: &str,
        tier: Tier,
        within: Option<&Path>,
    ) -> Result<Vec<FileChange>, String> {
        let rules = self.loaded.rules.rules().iter().copied().filter(|known| known.meta.id == rule);
        let mut options = Options { tier, ..self.loaded.options.clone() };
        if let Some(file) = within {
            options.within = vec![file.to_owned()];
        }
        self.changes_of(app, &RuleSet::new(rules)?, &options)
    }

    /// What `wa-fix apply FILE` writes.
    pub(super) fn fix_file(&self, app: usize, file: &Path) -> Result<Vec<FileChange>, String> {
        let options = Options { within: vec![file.to_owned()], ..self.loaded.options.clone() };
        self.changes_of(app, &self.loaded.rules, &options)
    }

    fn changes_of(&self, app: usize, rules: &RuleSet, options: &Options) -> Result<Vec<FileChange>, String> {
        let plan = self.plan(app, rules, options);
        if plan.changes.is_empty() { Err(why_not(&plan, &BTreeSet::new())) } else { Ok(plan.changes) }
    }

    fn plan(&self, app: usize, rules: &RuleSet, options: &Options) -> Plan {
        self.apps.get(app).map_or_else(Plan::default, |(app, _)| {
            plan::plan(std::slice::from_ref(app), rules, options, &|_| {})
        })
    }

    /// Takes an answer to a question of fixes; it holds until the server ends.
    pub(super) fn answer(&mut self, key: &str, value: &str) {
        let answer = [(key.to_owned(), value.to_owned())];
        self.answers.extend(answer.clone());
        self.loaded.options.values.extend(answer);
        for index in 0..self.apps.len() {
            self.analyse(index);
        }
    }
}

/// Why a plan changes nothing.
fn why_not(plan: &Plan, wanted: &BTreeSet<String>) -> String {
    let mut named =
        plan.findings.iter().filter(|finding| wanted.is_empty() || wanted.contains(&finding.fingerprint));
    let why = named.find_map(|finding| match &finding.outcome {
        Outcome::BackedOut(why) | Outcome::Conflict(why) => Some(why.clone()),
        Outcome::NeedsValue(Refusal::NeedsValue { key, ask, .. }) => Some(format!("{ask} (value {key})")),
        Outcome::NoFix(refusal) => Some(refusal.to_string()),
        _ => None,
    });
    why.unwrap_or_else(|| "the code no longer has the finding".to_owned())
}
