//! Many files, one change.
//!
//! 1. originals and plan go to the journal, on disk
//! 2. directories are made, new contents written under temporary names, on disk
//! 3. one file after the other is replaced by a rename (in place, where that would break a hard link)
//! 4. the journal says "committed": one rename
//! 5. temporary names are removed
//!
//! A failure in 1 to 3 puts everything back; a crash there is put back by the next run; after 4
//! the change stands, and 5 can be repeated by anyone.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

use tempfile::TempPath;

use super::content;
use super::error::{Refusal, Why, WriteError};
use super::journal::{self, Entry, Kind, Record, Run, Stage};
use super::platform;
use super::recover::{self, finish};
use super::state::Locked;
use super::step::{OnStep, Step, reached};
use super::target::Target;

/// What a transaction is made of, besides its files.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// The files, in the order in which they are replaced.
    pub(super) targets: Vec<Target>,
    /// The run that this one undoes.
    pub(super) undoes: Option<u64>,
    /// Directories to be removed at the end if empty, relative to the base.
    pub(super) remove_dirs: Vec<String>,
}

/// Makes all changes or none; the number of the run.
pub(super) fn run(locked: &Locked<'_>, plan: &Plan, hook: Option<OnStep<'_>>) -> Result<u64, WriteError> {
    let mut run = Run::next(locked)?;
    let record = record(locked.base(), plan, &run).map_err(WriteError::Refused)?;
    if let Err(error) = open(&run, &record, plan) {
        // Nothing of the project was touched, so what is left of the journal entry is of no use;
        // the next run removes it if this fails.
        let _ = run.drop_from_disk();
        return Err(WriteError::failed("write the journal", &run.dir())(error));
    }
    let replaced = replace_all(locked, &run, &record, plan, hook).and_then(|()| {
        run.advance(Stage::Committed).map_err(WriteError::failed("commit the journal", &run.dir()))
    });
    if let Err(cause) = replaced {
        return Err(give_up(locked, &run, &record, cause));
    }
    // The change stands. What fails from here on is tidying, which the next run repeats.
    let _ = reached(hook, Step::Committed)
        .and_then(|()| finish(locked, &mut run, &record))
        .and_then(|()| reached(hook, Step::Finished));
    let _ = journal::prune(locked);
    Ok(run.number)
}

/// The plan as it goes to disk.
fn record(base: &Path, plan: &Plan, run: &Run) -> Result<Record, Vec<Refusal>> {
    let mut record = Record::new(run.number, plan.undoes);
    record.remove_dirs.clone_from(&plan.remove_dirs);
    let mut dirs = BTreeSet::new();
    for target in &plan.targets {
        let refused = |why| vec![Refusal { path: target.path.clone(), why }];
        let unreadable = |error: io::Error| refused(Why::Unreadable(error.to_string()));
        let relative = |path: &Path| {
            let below = path.strip_prefix(base).map_err(|_| refused(Why::Outside(path.to_owned())))?;
            slashed(below).ok_or_else(|| refused(Why::Name))
        };
        for dir in &target.missing_dirs {
            dirs.insert(relative(dir)?);
        }
        record.entries.push(Entry {
            path: relative(&target.file)?,
            kind: target.kind,
            before: target.before.as_deref().map(content::hash).transpose().map_err(unreadable)?,
            after: target.after.as_deref().map(content::hash).transpose().map_err(unreadable)?,
        });
    }
    // In this order a directory comes before what is in it.
    record.make_dirs.extend(dirs);
    Ok(record)
}

/// A relative path with `/` between its parts; `None` where it is not UTF-8.
pub(super) fn slashed(path: &Path) -> Option<String> {
    let parts: Option<Vec<&str>> = path.components().map(|part| part.as_os_str().to_str()).collect();
    Some(parts?.join("/"))
}

/// Puts originals and plan on disk.
fn open(run: &Run, record: &Record, plan: &Plan) -> io::Result<()> {
    platform::private_dir(&run.dir())?;
    for (index, target) in plan.targets.iter().enumerate() {
        if let Some(before) = &target.before {
            content::save(&run.original(index), before)?;
        }
        if let (Kind::InPlace, Some(after)) = (target.kind, &target.after) {
            content::save(&run.intended(index), after)?;
        }
    }
    run.write_record(record)
}

/// Steps 2 and 3.
fn replace_all(
    locked: &Locked<'_>,
    run: &Run,
    record: &Record,
    plan: &Plan,
    hook: Option<OnStep<'_>>,
) -> Result<(), WriteError> {
    let at = |step, path: &Path| reached(hook, step).map_err(WriteError::failed("write", path));
    at(Step::Recorded, &run.dir())?;
    for (index, dir) in record.make_dirs.iter().enumerate() {
        let dir = locked.base().join(dir);
        fs::create_dir(&dir).map_err(WriteError::failed("make the directory", &dir))?;
        at(Step::Directory(index), &dir)?;
    }
    let mut staged = Vec::new();
    for (index, target) in plan.targets.iter().enumerate() {
        let file = &target.file;
        staged.push(stage(record, index, target).map_err(WriteError::failed("write beside", file))?);
        at(Step::Staged(index), file)?;
    }
    for (index, (target, temp)) in plan.targets.iter().zip(staged).enumerate() {
        let half = || reached(hook, Step::HalfWritten(index));
        let done = replace(record, index, target, temp, half);
        done.map_err(WriteError::failed("replace", &target.file))?;
        at(Step::Replaced(index), &target.file)?;
    }
    let dirs: BTreeSet<&Path> = plan.targets.iter().filter_map(|target| target.file.parent()).collect();
    let made = record.make_dirs.iter().filter_map(|dir| Path::new(dir).parent());
    for dir in dirs.into_iter().map(Path::to_owned).chain(made.map(|dir| locked.base().join(dir))) {
        platform::sync_dir(&dir).map_err(WriteError::failed("sync", &dir))?;
    }
    at(Step::Synced, locked.base())
}

/// Writes the new content beside the file, and gives the old file a second name to come back from.
fn stage(record: &Record, index: usize, target: &Target) -> io::Result<Option<TempPath>> {
    let dir = parent(target)?;
    if matches!(target.kind, Kind::Replace | Kind::Remove) {
        // Not every file system has hard links; the journal has the bytes anyway.
        let _ = fs::hard_link(&target.file, dir.join(record.old_name(index)));
    }
    let name = record.new_name(index);
    match (target.kind, &target.after) {
        (Kind::Create, Some(after)) => content::stage(dir, &name, after, None).map(Some),
        (Kind::Replace, Some(after)) => {
            content::stage(dir, &name, after, Some(&fs::metadata(&target.file)?)).map(Some)
        }
        _ => Ok(None),
    }
}

/// Gives one file its new content, if it still has the old one.
fn replace(
    record: &Record,
    index: usize,
    target: &Target,
    temp: Option<TempPath>,
    half: impl FnOnce() -> io::Result<()>,
) -> io::Result<()> {
    let file = &target.file;
    if target.kind == Kind::InPlace {
        let (mut handle, now) = content::open_in_place(file)?;
        unchanged(target, Some(&now))?;
        return content::overwrite(&mut handle, target.after.as_deref().unwrap_or_default(), half);
    }
    unchanged(target, content::read(file)?.as_deref())?;
    match (target.kind, temp) {
        (Kind::Create, Some(temp)) => temp.persist_noclobber(file).map_err(|error| error.error),
        (_, Some(temp)) => temp.persist(file).map_err(|error| error.error),
        // Renamed, not removed, so that it can come back.
        (_, None) => {
            let old = parent(target)?.join(record.old_name(index));
            content::remove(&old)?;
            fs::rename(file, old)
        }
    }
}

/// The guard against somebody who saved the file in the last moment.
fn unchanged(target: &Target, now: Option<&[u8]>) -> io::Result<()> {
    if now == target.before.as_deref() {
        return Ok(());
    }
    Err(io::Error::other("it was changed in the meantime; run wa-fix again"))
}

/// The directory of a file.
fn parent(target: &Target) -> io::Result<&Path> {
    target.file.parent().ok_or_else(|| io::Error::other("it has no directory"))
}

/// Puts everything back after a failure.
fn give_up(locked: &Locked<'_>, run: &Run, record: &Record, cause: WriteError) -> WriteError {
    let back = recover::put_back(locked.base(), run, record);
    let journal = run.dir();
    // The file whose change in the meantime made the run fail has neither content: it keeps what
    // somebody put there, as it should.
    let the_cause = |file: &Path| matches!(&cause, WriteError::Failed { path, .. } if path == file);
    let mut left = back.failed;
    left.extend(back.kept.into_iter().filter(|kept| !the_cause(&kept.file)));
    if left.is_empty() {
        // If this fails, the next run finds that nothing is left to put back.
        let _ = run.drop_from_disk();
        return cause;
    }
    WriteError::NotRolledBack { cause: Box::new(cause), left, journal }
}
