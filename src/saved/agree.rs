//! Whether what the planner makes now is what was agreed to.

use std::collections::BTreeMap;
use std::path::Path;

use super::{BadPlan, SavedChange, SavedFix, SavedPlan, saved_changes};
use crate::plan::{Made, Plan};
use crate::source::content_hash;

/// Fixes that are refused, by fingerprint, each with the reason.
pub type Refused = BTreeMap<String, String>;

impl SavedPlan {
    /// The files that are not as they were, each with what became of it.
    ///
    /// # Errors
    /// A file whose real place is outside of `top`.
    pub fn moved(&self, top: &Path) -> Result<BTreeMap<&str, String>, BadPlan> {
        let mut moved = BTreeMap::new();
        for file in &self.files {
            let place = top.join(&file.path);
            let real = std::fs::canonicalize(&place);
            if real.as_ref().is_ok_and(|real| !real.starts_with(top)) {
                return Err(BadPlan::Place(file.path.clone()));
            }
            // Reading a pipe could wait for ever.
            let is_file = real.as_ref().is_ok_and(|real| real.is_file());
            let now = is_file.then(|| std::fs::read(&place).and_then(|bytes| content_hash(&bytes)).ok());
            let word = match (&file.hash, now) {
                (Some(was), Some(Some(is))) if *was == is => continue,
                (None, None) if place.symlink_metadata().is_err() => continue,
                (Some(_), Some(_)) => "was changed",
                (Some(_), None) => "is gone",
                (None, _) => "was created",
            };
            moved.insert(file.path.as_str(), format!("{} {word} after the plan was made", file.path));
        }
        Ok(moved)
    }

    /// Whether nothing of what it changes is here.
    pub fn is_of_elsewhere(&self, top: &Path) -> bool {
        let mut known = self.files.iter().filter(|file| file.hash.is_some()).peekable();
        known.peek().is_some() && known.all(|file| top.join(&file.path).symlink_metadata().is_err())
    }

    /// The fixes that touch a file which is not as it was.
    pub fn refused_for(&self, moved: &BTreeMap<&str, String>) -> Refused {
        let why = |fix: &SavedFix| {
            let touched = fix.changes.iter().filter_map(|change| moved.get(change.path.as_str()));
            let words = touched.cloned().collect::<Vec<_>>().join(", ");
            (!words.is_empty()).then(|| (fix.fingerprint.clone(), format!("{words}; make the plan again")))
        };
        self.fixes.iter().filter_map(why).collect()
    }

    /// The fixes among `wanted` of which a plan would write other lines than were agreed to.
    ///
    /// # Errors
    /// A changed file that the form cannot name.
    pub fn differing(
        &self,
        plan: &Plan,
        top: &Path,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<Refused, BadPlan> {
        let mut made: BTreeMap<&str, Vec<Lines>> = BTreeMap::new();
        for Made { fingerprint, changes, .. } in plan.steps.iter().flat_map(|step| &step.made) {
            made.entry(fingerprint).or_default().push(lines(&saved_changes(changes, top)?));
        }
        // Two apps of one repository may have findings of one name.
        let mut agreed: BTreeMap<&str, Vec<Lines>> = BTreeMap::new();
        for fix in self.fixes.iter().filter(|fix| wanted(&fix.fingerprint)) {
            agreed.entry(&fix.fingerprint).or_default().push(lines(&fix.changes));
        }
        let mut refused = Refused::new();
        for (name, mut agreed) in agreed {
            let mut now = made.remove(name).unwrap_or_default();
            agreed.sort();
            now.sort();
            if agreed != now {
                refused.insert(name.to_owned(), self.why_other(now.is_empty()));
            }
        }
        // Nothing is made that nobody agreed to.
        for name in made.into_keys() {
            refused.insert(name.to_owned(), self.why_other(false));
        }
        Ok(refused)
    }

    fn why_other(&self, is_none: bool) -> String {
        let what =
            if is_none { "it is no longer made" } else { "it would write other lines than the plan has" };
        let own = env!("CARGO_PKG_VERSION");
        let program = if self.program == own {
            String::new()
        } else {
            format!(", or wa-fix {} and {own} differ", self.program)
        };
        format!(
            "{what}: another part of the app has changed, or a fix that it builds on is refused{program}; make the plan again"
        )
    }
}

/// The lines that go and come, file by file, wherever they stand.
type Lines = Vec<(String, Vec<String>)>;

fn lines(changes: &[SavedChange]) -> Lines {
    let mut all: Lines = changes
        .iter()
        .map(|change| {
            let changed = change.diff.iter().filter(|line| line.starts_with(['+', '-']));
            (change.path.clone(), changed.cloned().collect())
        })
        .collect();
    all.sort();
    all
}
