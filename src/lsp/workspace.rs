//! The apps with the editor's buffers laid over the disk. A keystroke looks at the app of its buffer again; texts and
//! trees of all other files stay as they are.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Loaded;
use super::edits::Versions;
use crate::detect::{Finding, Outcome, Refusal, TextRange};
use crate::edit::FileChange;
use crate::model::{App, Overlay};
use crate::plan::proposals::{Proposed, propose};
use crate::plan::{self, Decisions, Options, Plan, RuleSet};
use crate::rule::{AnswerType, Tier};
use crate::source::Language;
use crate::source::position::LineIndex;

/// A file that is open in the editor.
struct Buffer {
    text: Arc<str>,
    version: i64,
}

/// An app with the buffers laid over it.
struct Looked {
    app: App,
    shown: Vec<Shown>,
}

/// A finding that stands, as an editor shows it.
pub(super) struct Shown {
    /// The number of its app.
    pub(super) app: usize,
    /// Its file.
    pub(super) file: PathBuf,
    /// Where it is underlined: its first line, for a class that is underlined as a whole cannot be read any more.
    pub(super) range: TextRange,
    /// What was found.
    pub(super) finding: Finding,
}

/// The apps as the editor shows them.
pub(super) struct Workspace {
    loaded: Loaded,
    apps: Vec<Looked>,
    buffers: BTreeMap<PathBuf, Buffer>,
    /// The apps whose buffers changed since they were looked at.
    stale: BTreeSet<usize>,
    /// Another number whenever a text or an option changes: what was offered before is offered no more.
    state: u64,
}

impl Workspace {
    pub(super) fn new(loaded: Loaded) -> Self {
        let buffers = BTreeMap::new();
        let mut workspace = Self { loaded, apps: Vec::new(), buffers, stale: BTreeSet::new(), state: 0 };
        workspace.lay();
        workspace
    }

    /// Takes the disk and the options as they are now; buffers stay.
    pub(super) fn reload(&mut self, loaded: Loaded) {
        self.loaded = loaded;
        self.lay();
    }

    fn lay(&mut self) {
        let fresh = |app: &App| Looked { app: app.with(&Overlay::new()), shown: Vec::new() };
        self.apps = self.loaded.apps.iter().map(fresh).collect();
        self.stale = (0..self.apps.len()).collect();
        self.state += 1;
    }

    /// A buffer was opened or changed.
    pub(super) fn put(&mut self, file: PathBuf, text: Arc<str>, version: i64) {
        self.stale.extend(self.app_of(&file));
        self.state += 1;
        self.buffers.insert(file, Buffer { text, version });
    }

    /// A buffer was closed: the disk counts again.
    pub(super) fn close(&mut self, file: &Path) {
        self.buffers.remove(file);
        self.state += 1;
        let Some(index) = self.app_of(file) else { return };
        if let (Some(looked), Some(app)) = (self.apps.get_mut(index), self.loaded.apps.get(index)) {
            // Its files have not been read, so they are read as they are now.
            looked.app = app.with(&Overlay::new());
        }
        self.stale.insert(index);
    }

    /// The text of an open buffer.
    pub(super) fn buffer(&self, file: &Path) -> Option<&Arc<str>> {
        self.buffers.get(file).map(|buffer| &buffer.text)
    }

    /// The version of an open buffer.
    pub(super) fn version(&self, file: &Path) -> Option<i64> {
        self.buffers.get(file).map(|buffer| buffer.version)
    }

    /// The versions of all open buffers.
    pub(super) fn versions(&self) -> Versions {
        self.buffers.iter().map(|(file, buffer)| (file.clone(), buffer.version)).collect()
    }

    /// What an action has to name to be taken: the state that it was offered in.
    pub(super) fn state(&self) -> u64 {
        self.state
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

    /// Whether a buffer changed since its app was looked at.
    pub(super) fn is_stale(&self) -> bool {
        !self.stale.is_empty()
    }

    /// Looks again at the apps whose buffers have changed.
    pub(super) fn look(&mut self) {
        for index in std::mem::take(&mut self.stale) {
            let overlay: Overlay = self
                .buffers
                .iter()
                .filter(|(file, _)| self.app_of(file) == Some(index) && self.counts(index, file))
                .map(|(file, buffer)| (file.clone(), Arc::clone(&buffer.text)))
                .collect();
            let Some(looked) = self.apps.get_mut(index) else { continue };
            looked.app = looked.app.with(&overlay);
            looked.shown = shown(index, &looked.app, &self.loaded);
        }
    }

    /// Whether a buffer is part of its app: what the walk leaves out on disk is left out here, too.
    fn counts(&self, index: usize, file: &Path) -> bool {
        let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let known = self.loaded.apps.get(index).is_some_and(|app| app.file(file).is_some());
        known || Language::of(name).is_none() || !file.exists()
    }

    /// Every finding that stands, by app, path, offset and rule.
    pub(super) fn findings(&self) -> impl Iterator<Item = &Shown> {
        self.apps.iter().flat_map(|looked| &looked.shown)
    }

    /// What the app suggests as the answer to a question.
    pub(super) fn proposed(&self, app: usize, key: &str) -> Option<Proposed> {
        propose(&self.apps.get(app)?.app, key)
    }

    /// What a person decided about one finding, planned as the review plans it.
    pub(super) fn decide(&self, app: usize, decisions: Decisions) -> Result<Vec<FileChange>, String> {
        let wanted: BTreeSet<String> =
            decisions.accepted.iter().chain(decisions.suppressed.keys()).cloned().collect();
        let options = Options { only: Some(decisions), ..self.loaded.options.clone() };
        self.changes(app, &self.loaded.rules, &options, &wanted)
    }

    /// What `wa-fix apply --select RULE --tier TIER PATH` writes.
    pub(super) fn fix_rule(
        &self,
        app: usize,
        rule: &str,
        tier: Tier,
        within: Option<&Path>,
    ) -> Result<Vec<FileChange>, String> {
        let mut options = Options { tier, ..self.loaded.options.clone() };
        if let Some(file) = within {
            options.within = vec![file.to_owned()];
        }
        self.changes(app, &self.loaded.rules.only(rule)?, &options, &BTreeSet::new())
    }

    /// What `wa-fix apply FILE` writes.
    pub(super) fn fix_file(&self, app: usize, file: &Path) -> Result<Vec<FileChange>, String> {
        let options = Options { within: vec![file.to_owned()], ..self.loaded.options.clone() };
        self.changes(app, &self.loaded.rules, &options, &BTreeSet::new())
    }

    fn changes(
        &self,
        app: usize,
        rules: &RuleSet,
        options: &Options,
        wanted: &BTreeSet<String>,
    ) -> Result<Vec<FileChange>, String> {
        let plan = self.apps.get(app).map_or_else(Plan::default, |looked| {
            plan::plan(std::slice::from_ref(&looked.app), rules, options, &|_| {})
        });
        if plan.changes.is_empty() { Err(why_not(&plan, wanted)) } else { Ok(plan.changes) }
    }

    /// Whether the files that are not open still are what the changes were made from.
    pub(super) fn is_as_read(&self, changes: &[FileChange]) -> bool {
        changes.iter().filter(|change| !self.buffers.contains_key(&change.file)).all(|change| {
            let now = std::fs::read(&change.file).ok();
            now.as_deref() == change.before.as_deref()
        })
    }

    /// Tries an answer: what kind of answer it is, where the fixes that wait for it can use it.
    ///
    /// # Errors
    /// Why they cannot, in words that can stand beside the question.
    pub(super) fn try_answer(&self, key: &str, answer: &str) -> Result<AnswerType, String> {
        let waiting = self.findings().find_map(|shown| match &shown.finding.outcome {
            Outcome::NeedsValue(Refusal::NeedsValue { key: asked, kind, .. }) if asked == key => {
                Some((shown.app, *kind))
            }
            _ => None,
        });
        let (app, kind) = waiting.ok_or_else(|| format!("no fix waits for a value called {key}"))?;
        kind.check(answer.trim())?;
        let mut options = self.loaded.options.clone();
        options.values.insert(key.to_owned(), answer.trim().to_owned());
        let apps = self.apps.get(app).map(|looked| &looked.app);
        let found = apps
            .map(|app| plan::scan(std::slice::from_ref(app), &self.loaded.rules, &options, &|_| {}).findings);
        let refused = found.into_iter().flatten().find_map(|finding| match finding.outcome {
            Outcome::NeedsValue(Refusal::NeedsValue { key: asked, ask, .. }) if asked == key => Some(ask),
            _ => None,
        });
        refused.map_or(Ok(kind), Err)
    }
}

/// What stands in an app.
fn shown(index: usize, app: &App, loaded: &Loaded) -> Vec<Shown> {
    plan::parse_ahead(app, loaded.options.jobs);
    for file in app.files.iter().filter(|file| file.speaks_cdk()) {
        file.parsed();
    }
    let found = plan::scan(std::slice::from_ref(app), &loaded.rules, &loaded.options, &|_| {}).findings;
    let files: BTreeMap<&str, &Path> =
        app.files.iter().map(|file| (file.candidate.path.as_str(), file.candidate.file.as_path())).collect();
    let mut lines: BTreeMap<&Path, LineIndex> = BTreeMap::new();
    let mut all = Vec::new();
    for finding in found {
        let hidden = matches!(finding.outcome, Outcome::Suppressed(_) | Outcome::Fixed);
        let Some(file) = files.get(finding.path.as_str()).copied() else { continue };
        if hidden || finding.impact < loaded.options.min_impact {
            continue;
        }
        let text = || app.file(file).and_then(|file| file.text().ok()).map_or("", |text| &**text);
        let lines = lines.entry(file).or_insert_with(|| LineIndex::new(text()));
        let mut range = finding.range;
        if range.end.line > range.start.line
            && let Some(line) = lines.line(range.start.line)
        {
            range.end = lines.position(line.end);
        }
        all.push(Shown { app: index, file: file.to_owned(), range, finding });
    }
    all
}

/// Why a plan changes nothing.
fn why_not(plan: &Plan, wanted: &BTreeSet<String>) -> String {
    let mut named =
        plan.findings.iter().filter(|finding| wanted.is_empty() || wanted.contains(&finding.fingerprint));
    let why = named.find_map(|finding| match &finding.outcome {
        Outcome::BackedOut(why) | Outcome::Conflict(why) => Some(why.clone()),
        Outcome::NeedsValue(refusal) | Outcome::NoFix(refusal) => Some(refusal.to_string()),
        _ => None,
    });
    why.unwrap_or_else(|| "the code no longer has the finding".to_owned())
}
