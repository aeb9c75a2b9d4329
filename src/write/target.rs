//! Looking at every file before any is touched.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::content;
use super::error::{Refusal, Why};
use super::journal::Kind;
use super::platform;
use crate::edit::FileChange;

/// A file that may be written, at its real place.
#[derive(Debug)]
pub(super) struct Target {
    /// The file as printed.
    pub(super) path: String,
    /// The real place, with no link in it.
    pub(super) file: PathBuf,
    /// What will be done.
    pub(super) kind: Kind,
    /// The bytes that are there.
    pub(super) before: Option<Arc<[u8]>>,
    /// The bytes that shall be there.
    pub(super) after: Option<Arc<[u8]>>,
    /// Directories to be made for it, outermost first.
    pub(super) missing_dirs: Vec<PathBuf>,
}

/// Checks all changes. `root` is canonical; `probe` is a file that we have just made.
pub(super) fn targets(
    root: &Path,
    changes: &[FileChange],
    probe: &Metadata,
) -> Result<Vec<Target>, Vec<Refusal>> {
    let mut by_file: BTreeMap<PathBuf, Target> = BTreeMap::new();
    let mut refusals = Vec::new();
    for change in changes.iter().filter(|change| change.before.as_ref() != Some(&change.after)) {
        let refused = |why| Refusal { path: change.path.clone(), why };
        let target = match inspect(root, change, probe) {
            Ok(target) => target,
            Err(why) => {
                refusals.push(refused(why));
                continue;
            }
        };
        match by_file.get(&target.file) {
            // A file and a link to it, changed alike: one change.
            Some(other) if other.after == target.after => {}
            Some(other) => refusals.push(refused(Why::Twice(other.path.clone()))),
            None => {
                by_file.insert(target.file.clone(), target);
            }
        }
    }
    if refusals.is_empty() { Ok(by_file.into_values().collect()) } else { Err(refusals) }
}

/// Checks one change.
fn inspect(root: &Path, change: &FileChange, probe: &Metadata) -> Result<Target, Why> {
    let present = match fs::symlink_metadata(&change.file) {
        Ok(_) => true,
        Err(error) if content::absent(&error) => false,
        Err(error) => return Err(unreadable(&error)),
    };
    match (present, &change.before) {
        (true, Some(before)) => existing(root, change, before, probe),
        (false, None) => creation(root, change),
        (true, None) => Err(Why::Exists),
        (false, Some(_)) => Err(Why::Missing),
    }
}

/// A file to be changed.
fn existing(root: &Path, change: &FileChange, before: &Arc<[u8]>, probe: &Metadata) -> Result<Target, Why> {
    let file = fs::canonicalize(&change.file).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Why::Missing,
        _ => unreadable(&error),
    })?;
    if !file.starts_with(root) {
        return Err(Why::Outside(file));
    }
    let meta = fs::metadata(&file).map_err(|error| unreadable(&error))?;
    if !meta.is_file() {
        return Err(Why::NotAFile);
    }
    if meta.permissions().readonly() {
        return Err(Why::ReadOnly);
    }
    if fs::read(&file).map_err(|error| unreadable(&error))? != **before {
        return Err(Why::Stale);
    }
    let renamable = platform::links(&meta) == 1 && platform::can_own_like(probe, &meta);
    Ok(Target {
        path: change.path.clone(),
        file,
        kind: if renamable { Kind::Replace } else { Kind::InPlace },
        before: Some(Arc::clone(before)),
        after: Some(Arc::clone(&change.after)),
        missing_dirs: Vec::new(),
    })
}

/// A file to be created.
fn creation(root: &Path, change: &FileChange) -> Result<Target, Why> {
    let (file, missing_dirs) = real_new_place(&change.file)?;
    if !file.starts_with(root) {
        return Err(Why::Outside(file));
    }
    Ok(Target {
        path: change.path.clone(),
        file,
        kind: Kind::Create,
        before: None,
        after: Some(Arc::clone(&change.after)),
        missing_dirs,
    })
}

/// Where a path that does not exist will really be, and which directories are missing for it.
pub(super) fn real_new_place(file: &Path) -> Result<(PathBuf, Vec<PathBuf>), Why> {
    let (ancestor, mut real) = file
        .ancestors()
        .skip(1)
        .find_map(|dir| fs::canonicalize(dir).ok().map(|real| (dir, real)))
        .ok_or(Why::Missing)?;
    if !real.is_dir() {
        return Err(Why::ParentNotDirectory(real));
    }
    let rest = file.strip_prefix(ancestor).map_err(|_| Why::Missing)?;
    let mut missing = Vec::new();
    let mut parts = rest.components().peekable();
    while let Some(part) = parts.next() {
        let Component::Normal(name) = part else { return Err(Why::Outside(file.to_owned())) };
        real.push(name);
        if parts.peek().is_some() {
            // A link that leads nowhere is no place for a directory.
            if real.symlink_metadata().is_ok() {
                return Err(Why::ParentNotDirectory(real));
            }
            missing.push(real.clone());
        }
    }
    Ok((real, missing))
}

/// A reason from an error of the system.
fn unreadable(error: &io::Error) -> Why {
    Why::Unreadable(error.to_string())
}
