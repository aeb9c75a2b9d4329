//! Writing to the working tree: every file or none.

use std::fs;
use std::path::{Path, PathBuf};

use super::error::WriteError;
use super::journal::Kind;
use super::recover::{self, Recovery};
use super::state::{Locked, StateDir};
use super::step::OnStep;
use super::target::{self, Target};
use super::transaction::{self, Plan};
use crate::edit::FileChange;

/// How to apply.
#[derive(Clone, Copy)]
pub struct ApplyOptions<'a> {
    /// Where the journal is kept.
    pub state: &'a StateDir,
    /// Called at each step; for tests that fail or die there.
    pub on_step: Option<OnStep<'a>>,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The number of the run in the journal; `None` where there was nothing to write.
    pub run: Option<u64>,
    /// Changed files as printed, in order of their real place.
    pub written: Vec<String>,
    /// Created files as printed, in order of their real place.
    pub created: Vec<String>,
    /// Interrupted runs that were put back first.
    pub recovered: Vec<Recovery>,
}

/// Writes all changes below `root`, or none.
///
/// Every file is checked before any is touched: its bytes are those of the plan, it is a regular
/// writable file, and its real place is inside `root`. Links are followed and stay links; mode
/// bits, owner and hard links are kept. Content changed after that check is noticed as well, up to
/// the moment of the rename.
///
/// # Errors
/// A [`WriteError`] after which no file is changed, except [`WriteError::NotRolledBack`].
pub fn apply(root: &Path, changes: &[FileChange], options: ApplyOptions<'_>) -> Result<Applied, WriteError> {
    let root = fs::canonicalize(root).map_err(WriteError::failed("open", root))?;
    let locked = options.state.lock()?;
    let recovered = recover::recover(&locked)?;
    let targets = targets(&locked, &root, changes)?;
    let (created, written): (Vec<&Target>, Vec<&Target>) =
        targets.iter().partition(|target| target.kind == Kind::Create);
    let names = |targets: Vec<&Target>| targets.iter().map(|target| target.path.clone()).collect();
    let (created, written) = (names(created), names(written));
    let plan = Plan { targets, ..Plan::default() };
    let run =
        if plan.targets.is_empty() { None } else { Some(transaction::run(&locked, &plan, options.on_step)?) };
    Ok(Applied { run, written, created, recovered })
}

/// The checks before anything is touched.
fn targets(locked: &Locked<'_>, root: &Path, changes: &[FileChange]) -> Result<Vec<Target>, WriteError> {
    let runs: PathBuf = locked.runs();
    let probe = tempfile::tempfile_in(&runs)
        .and_then(|file| file.metadata())
        .map_err(WriteError::failed("write to the journal", &runs))?;
    target::targets(root, changes, &probe).map_err(WriteError::Refused)
}
