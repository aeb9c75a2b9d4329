//! Putting the last apply back, byte for byte: a transaction that runs the other way.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use super::content;
use super::error::{Shown, WriteError};
use super::journal::{self, Entry, Kind, Record, Run, Stage};
use super::platform;
use super::recover::{self, Recovery};
use super::state::{Locked, StateDir};
use super::step::OnStep;
use super::target::Target;
use super::transaction::{self, Plan};

/// What was put back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undone {
    /// The number of the run that is undone.
    pub run: u64,
    /// Files that have their old content again.
    pub restored: Vec<PathBuf>,
    /// Created files that were removed.
    pub removed: Vec<PathBuf>,
    /// Files that somebody had put back already.
    pub already: Vec<PathBuf>,
    /// Interrupted runs that were put back first.
    pub recovered: Vec<Recovery>,
}

/// Puts back the last apply of the worktree (or project) that `state` belongs to. Called again, it
/// puts back the one before; the last ten can be undone.
///
/// An interrupted apply found at the start is put back, and that is then all that is undone: the one
/// before it stays.
///
/// # Errors
/// [`WriteError::NothingToUndo`], [`WriteError::ChangedSince`] with the names of all files that have
/// other bytes than the apply left, or a failure of the system. No file is changed then.
pub fn undo(state: &StateDir, on_step: Option<OnStep<'_>>) -> Result<Undone, WriteError> {
    let locked = state.lock()?;
    let recovered = recover::recover(&locked)?;
    if let Some(recovery) = recovered.iter().find(|recovery| !recovery.was_undo) {
        let (run, restored) = (recovery.run, recovery.restored.clone());
        return Ok(Undone { run, restored, removed: vec![], already: vec![], recovered });
    }
    let Some((run, record)) = last_done(&locked)? else {
        return Err(WriteError::NothingToUndo { base: state.base().to_owned() });
    };
    let mut undone =
        Undone { run: run.number, restored: vec![], removed: vec![], already: vec![], recovered };
    let mut plan = Plan { undoes: Some(run.number), remove_dirs: record.make_dirs.clone(), targets: vec![] };
    let mut changed = Vec::new();
    for (index, entry) in record.entries.iter().enumerate() {
        let file = locked.base().join(&entry.path);
        match backwards(&run, index, entry, &file) {
            Ok(Some(target)) => plan.targets.push(target),
            Ok(None) => undone.already.push(file),
            Err(Foreign) => changed.push(Shown(file)),
        }
    }
    if !changed.is_empty() {
        return Err(WriteError::ChangedSince { files: changed, journal: run.dir() });
    }
    for target in &plan.targets {
        let list = if target.kind == Kind::Remove { &mut undone.removed } else { &mut undone.restored };
        list.push(target.file.clone());
    }
    transaction::run(&locked, &plan, on_step)?;
    Ok(undone)
}

/// The last run that can be undone.
fn last_done(locked: &Locked<'_>) -> Result<Option<(Run, Record)>, WriteError> {
    let runs = journal::list(locked)?;
    let Some(run) = runs.into_iter().rfind(|run| run.stage == Stage::Done) else { return Ok(None) };
    Ok(run.record()?.map(|record| (run, record)))
}

/// The file has neither the new nor the old content, or something else has taken its place.
struct Foreign;

/// The reverse of one entry; `None` where it is reversed already.
fn backwards(
    run: &Run,
    index: usize,
    entry: &Entry,
    file: &std::path::Path,
) -> Result<Option<Target>, Foreign> {
    let real = fs::canonicalize(file);
    if real.is_ok_and(|real| real != file) {
        return Err(Foreign);
    }
    let now = content::read(file).map_err(|_| Foreign)?;
    let hash = now.as_deref().map(content::hash).transpose().map_err(|_| Foreign)?;
    if hash == entry.before {
        return Ok(None);
    }
    if hash != entry.after {
        return Err(Foreign);
    }
    let after = match entry.before {
        Some(_) => Some(fs::read(run.original(index)).map_err(|_| Foreign)?.into()),
        None => None,
    };
    let links = fs::metadata(file).map(|meta| platform::links(&meta)).map_err(|_| Foreign)?;
    let kind = match entry.kind {
        Kind::Create | Kind::Remove => Kind::Remove,
        Kind::Replace if links == 1 => Kind::Replace,
        Kind::Replace | Kind::InPlace => Kind::InPlace,
    };
    let before = now.map(Arc::from);
    Ok(Some(Target {
        path: entry.path.clone(),
        file: file.to_owned(),
        kind,
        before,
        after,
        missing_dirs: vec![],
    }))
}
