//! Putting back what a run has done so far: after a failure, and after a crash at the next start.
//!
//! Both ways use the record on disk and nothing else, so that testing the one tests the other.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::content;
use super::error::WriteError;
use super::journal::{self, Entry, Kind, Record, Run, Stage};
use super::platform;
use super::state::Locked;

/// A file that was not put back, because it has neither its old nor its new content, or could not
/// be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The file.
    pub file: PathBuf,
    /// Why it was left as it is.
    pub why: String,
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file.display(), self.why)
    }
}

/// An interrupted run that was found and put back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovery {
    /// The number of the run.
    pub run: u64,
    /// Whether it was an undo; putting that back means that the apply before it stands again.
    pub was_undo: bool,
    /// Files that had their new content and have the old one again.
    pub restored: Vec<PathBuf>,
    /// Files that somebody has changed since, left as they are.
    pub kept: Vec<Kept>,
    /// Where the original bytes of the kept files are; there only if a file was kept.
    pub originals: Option<PathBuf>,
}

impl fmt::Display for Recovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.was_undo { "undo" } else { "apply" };
        write!(f, "an earlier {what} was interrupted; put back {} of its files", self.restored.len())?;
        for kept in &self.kept {
            write!(f, "\n  not put back: {kept}")?;
        }
        match &self.originals {
            Some(dir) => write!(f, "\n  the originals are in {}", dir.display()),
            None => Ok(()),
        }
    }
}

/// Finishes or puts back every run that was interrupted. Called with the lock held, before
/// anything else is done.
pub(super) fn recover(locked: &Locked<'_>) -> Result<Vec<Recovery>, WriteError> {
    let mut recoveries = Vec::new();
    for mut run in journal::list(locked)? {
        let cannot = WriteError::failed("clean the journal", &run.dir());
        match (run.stage, run.record()?) {
            (_, None) => run.drop_from_disk().map_err(cannot)?,
            (Stage::Done, Some(_)) => {}
            (Stage::Committed, Some(record)) => finish(locked, &mut run, &record).map_err(cannot)?,
            (Stage::Open, Some(record)) => recoveries.push(close(locked, &run, &record)?),
        }
    }
    Ok(recoveries)
}

/// Puts an interrupted run back and closes it.
fn close(locked: &Locked<'_>, run: &Run, record: &Record) -> Result<Recovery, WriteError> {
    let back = put_back(locked.base(), run, record);
    if !back.failed.is_empty() {
        let cause = io::Error::other("an earlier run was interrupted");
        return Err(WriteError::NotRolledBack {
            cause: Box::new(WriteError::failed("write", locked.base())(cause)),
            left: back.failed,
            journal: run.dir(),
        });
    }
    let cannot = WriteError::failed("clean the journal", &run.dir());
    let mut originals = None;
    if back.kept.is_empty() {
        run.drop_from_disk().map_err(cannot)?;
    } else {
        // Out of the numbered runs, so that it is neither undone nor pruned.
        let kept = run.dir().with_extension(format!("kept-{}", std::process::id()));
        fs::rename(run.dir(), &kept).map_err(cannot)?;
        originals = Some(kept);
    }
    let was_undo = record.undoes.is_some();
    Ok(Recovery { run: run.number, was_undo, restored: back.restored, kept: back.kept, originals })
}

/// What [`put_back`] did.
#[derive(Debug, Default)]
pub(super) struct PutBack {
    /// Files with their old content again.
    pub(super) restored: Vec<PathBuf>,
    /// Files with foreign content, left alone.
    pub(super) kept: Vec<Kept>,
    /// Files that could not be put back.
    pub(super) failed: Vec<Kept>,
}

/// Gives every file of an open run its old content. Doing it twice does no harm.
pub(super) fn put_back(base: &Path, run: &Run, record: &Record) -> PutBack {
    let mut back = PutBack::default();
    for (index, entry) in record.entries.iter().enumerate() {
        let file = base.join(&entry.path);
        match put_back_one(&file, run, record, index, entry) {
            Ok(Fate::Untouched) => {}
            Ok(Fate::Restored) => back.restored.push(file),
            Ok(Fate::Foreign) => {
                back.kept.push(Kept { file, why: "was changed since".to_owned() });
            }
            Err(error) => back.failed.push(Kept { file, why: error.to_string() }),
        }
    }
    for dir in record.make_dirs.iter().rev() {
        // Not empty, or never made: both are fine.
        let _ = fs::remove_dir(base.join(dir));
    }
    back
}

/// What became of one file.
enum Fate {
    Untouched,
    Restored,
    Foreign,
}

/// Gives one file its old content.
fn put_back_one(file: &Path, run: &Run, record: &Record, index: usize, entry: &Entry) -> io::Result<Fate> {
    let dir = file.parent().ok_or_else(|| io::Error::other("has no directory"))?;
    let old = dir.join(record.old_name(index));
    content::remove(&dir.join(record.new_name(index)))?;
    if file.symlink_metadata().is_ok_and(|meta| !meta.is_file()) {
        content::remove(&old)?;
        return Ok(Fate::Foreign);
    }
    let now = content::read(file)?;
    let hash = now.as_deref().map(content::hash).transpose()?;
    if hash == entry.before {
        content::remove(&old)?;
        return Ok(Fate::Untouched);
    }
    let torn = entry.kind == Kind::InPlace && is_torn(run, index, now.as_deref())?;
    if hash != entry.after && !torn {
        content::remove(&old)?;
        return Ok(Fate::Foreign);
    }
    match entry.kind {
        Kind::Create => content::remove(file)?,
        Kind::InPlace => {
            let (mut handle, _) = content::open_in_place(file)?;
            content::overwrite(&mut handle, &fs::read(run.original(index))?, || Ok(()))?;
        }
        // The old inode itself comes back where it can: no disk space is needed for that.
        Kind::Replace | Kind::Remove if old.symlink_metadata().is_ok() => fs::rename(&old, file)?,
        Kind::Replace | Kind::Remove => {
            let bytes = fs::read(run.original(index))?;
            let like = fs::metadata(file).ok();
            content::stage(dir, &record.new_name(index), &bytes, like.as_ref())?.persist(file)?;
        }
    }
    platform::sync_dir(dir)?;
    Ok(Fate::Restored)
}

/// Whether a file was being overwritten in place when the run died.
fn is_torn(run: &Run, index: usize, now: Option<&[u8]>) -> io::Result<bool> {
    let Some(now) = now else { return Ok(false) };
    Ok(content::mixed(now, &fs::read(run.original(index))?, &fs::read(run.intended(index))?))
}

/// Removes what a committed run leaves beside the files, and closes it. Doing it twice does no harm.
pub(super) fn finish(locked: &Locked<'_>, run: &mut Run, record: &Record) -> io::Result<()> {
    for (index, entry) in record.entries.iter().enumerate() {
        if let Some(dir) = locked.base().join(&entry.path).parent() {
            content::remove(&dir.join(record.new_name(index)))?;
            content::remove(&dir.join(record.old_name(index)))?;
        }
    }
    for dir in record.remove_dirs.iter().rev() {
        // Somebody's files in it are a reason to keep it, not to fail.
        let _ = fs::remove_dir(locked.base().join(dir));
    }
    let Some(undone) = record.undoes else { return run.advance(Stage::Done) };
    for other in journal::list(locked).map_err(io::Error::other)? {
        if other.number == undone {
            other.drop_from_disk()?;
        }
    }
    run.drop_from_disk()
}
