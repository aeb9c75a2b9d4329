//! The dirty guard: a file with uncommitted changes is not mixed with ours unasked.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use git2::{Repository, Status, StatusOptions};

use super::error::WriteError;
use super::target;
use crate::edit::FileChange;

/// How a file differs from the last commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DirtyState {
    /// Changed, and all of it is in the index.
    Staged,
    /// Changed, and not in the index.
    Modified,
    /// Changed, and only a part of it is in the index.
    PartlyStaged,
    /// Not known to git, so that git could not bring it back.
    Untracked,
    /// Ignored by git, so that git could not bring it back.
    Ignored,
    /// Removed without a commit, and to be created again.
    Deleted,
    /// In the middle of a merge.
    Conflicted,
}

impl DirtyState {
    /// The word used in messages.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Staged => "staged",
            Self::Modified => "modified",
            Self::PartlyStaged => "partly staged",
            Self::Untracked => "untracked",
            Self::Ignored => "ignored by git",
            Self::Deleted => "deleted",
            Self::Conflicted => "conflicted",
        }
    }

    /// The state in our words; `None` for a clean file.
    fn of(status: Status) -> Option<Self> {
        let staged = Status::INDEX_MODIFIED | Status::INDEX_RENAMED | Status::INDEX_TYPECHANGE;
        let unstaged = Status::WT_MODIFIED | Status::WT_RENAMED | Status::WT_TYPECHANGE;
        Some(match status {
            _ if status.contains(Status::CONFLICTED) => Self::Conflicted,
            _ if status.intersects(Status::WT_DELETED) => Self::Deleted,
            _ if status.contains(Status::INDEX_DELETED) && !status.contains(Status::WT_NEW) => Self::Deleted,
            _ if status.contains(Status::WT_NEW) => Self::Untracked,
            _ if status.contains(Status::IGNORED) => Self::Ignored,
            _ if status.intersects(staged | Status::INDEX_NEW) && status.intersects(unstaged) => {
                Self::PartlyStaged
            }
            _ if status.intersects(staged | Status::INDEX_NEW) => Self::Staged,
            _ if status.intersects(unstaged) => Self::Modified,
            _ => return None,
        })
    }
}

/// A file with uncommitted changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirtyFile {
    /// The file as printed.
    pub path: String,
    /// How it differs.
    pub state: DirtyState,
}

impl fmt::Display for DirtyFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.path, self.state.word())
    }
}

/// Refuses if any file to be written has uncommitted changes. Callers skip this for `--allow-dirty`.
///
/// # Errors
/// [`WriteError::Dirty`] with every such file, or a failure of git.
pub fn require_clean(changes: &[FileChange]) -> Result<(), WriteError> {
    let dirty = dirty_files(changes)?;
    if dirty.is_empty() { Ok(()) } else { Err(WriteError::Dirty(dirty)) }
}

/// The files to be written that have uncommitted changes, in the order of `changes`. A file outside
/// of any repository has none; a file in a submodule or nested repository is judged there.
///
/// # Errors
/// A failure of git.
pub fn dirty_files(changes: &[FileChange]) -> Result<Vec<DirtyFile>, WriteError> {
    let mut by_repository: BTreeMap<PathBuf, Vec<(usize, PathBuf)>> = BTreeMap::new();
    for (index, change) in changes.iter().enumerate() {
        let Some(file) = real_place(&change.file) else { continue };
        let Some(dir) = file.ancestors().skip(1).find(|dir| dir.is_dir()) else { continue };
        if let Ok(git_dir) = Repository::discover_path(dir, std::iter::empty::<&Path>()) {
            by_repository.entry(git_dir).or_default().push((index, file));
        }
    }
    let mut dirty = BTreeMap::new();
    for (git_dir, files) in by_repository {
        dirty.extend(dirty_in(&git_dir, &files)?);
    }
    let named = changes.iter().enumerate().filter_map(|(index, change)| {
        dirty.get(&index).map(|&state| DirtyFile { path: change.path.clone(), state })
    });
    Ok(named.collect())
}

/// The real place of a file that exists or will be created.
fn real_place(file: &Path) -> Option<PathBuf> {
    fs::canonicalize(file).ok().or_else(|| target::real_new_place(file).ok().map(|(real, _)| real))
}

/// The dirty ones among the files of one repository.
fn dirty_in(git_dir: &Path, files: &[(usize, PathBuf)]) -> Result<Vec<(usize, DirtyState)>, WriteError> {
    let repository = Repository::open(git_dir).map_err(WriteError::git("open the repository"))?;
    let Some(top) = repository.workdir().and_then(|dir| fs::canonicalize(dir).ok()) else {
        return Ok(Vec::new());
    };
    let mut options = StatusOptions::new();
    options
        .include_untracked(true)
        .recurse_untracked_dirs(true)
        .include_ignored(true)
        .recurse_ignored_dirs(true)
        .disable_pathspec_match(true);
    let mut wanted = BTreeMap::new();
    for (index, file) in files {
        if let Some(path) = file.strip_prefix(&top).ok().and_then(super::transaction::slashed) {
            options.pathspec(&path);
            wanted.entry(path).or_insert_with(Vec::new).push(*index);
        }
    }
    let mut dirty = Vec::new();
    // An empty list of paths would mean every path.
    if wanted.is_empty() {
        return Ok(dirty);
    }
    let statuses =
        repository.statuses(Some(&mut options)).map_err(WriteError::git("ask git for the state of files"))?;
    for entry in statuses.iter() {
        let found = std::str::from_utf8(entry.path_bytes()).ok().and_then(|path| wanted.get(path));
        if let (Some(indexes), Some(state)) = (found, DirtyState::of(entry.status())) {
            dirty.extend(indexes.iter().map(|&index| (index, state)));
        }
    }
    Ok(dirty)
}
