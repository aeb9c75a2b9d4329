//! Where the journal is kept, and the lock that lets one run at a time write.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use git2::Repository;

use super::error::WriteError;
use super::{content, platform};

/// The place of the journal: in the git directory of the project, where no `git status` sees it,
/// or in the user's state directory where there is no repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateDir {
    dir: PathBuf,
    base: PathBuf,
}

impl StateDir {
    /// The place inside the git directory of the repository (or linked worktree, or submodule)
    /// that `root` is in; `None` where it is in none.
    ///
    /// All projects of one worktree share one journal, so that `undo` works from any of its
    /// directories. Only the location is looked up: a repository that libgit2 cannot open (a
    /// partial clone, another owner) still has a journal.
    pub fn in_repository(root: &Path) -> Option<Self> {
        let root = fs::canonicalize(root).ok()?;
        let git_dir = git_dir(&root)?;
        let base = root.ancestors().take_while(|dir| self::git_dir(dir).as_ref() == Some(&git_dir)).last()?;
        Some(Self { dir: git_dir.join("wa-fix"), base: base.to_owned() })
    }

    /// The place for a project without repository, in `state_home` (such as
    /// `~/.local/state/wa-fix`), which the caller takes from the environment.
    pub fn in_home(state_home: &Path, root: &Path) -> Result<Self, WriteError> {
        let cannot = |error| WriteError::failed("open", root)(error);
        let base = fs::canonicalize(root).map_err(cannot)?;
        let name = content::hash(base.as_os_str().as_encoded_bytes()).map_err(cannot)?;
        Ok(Self { dir: state_home.join(name), base })
    }

    /// The place in the repository where there is one, else in `state_home`.
    pub fn locate(state_home: &Path, root: &Path) -> Result<Self, WriteError> {
        Self::in_repository(root).map_or_else(|| Self::in_home(state_home, root), Ok)
    }

    /// The directory that holds the lock and the runs.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The directory whose files are recorded: the top of the worktree, or the project. Paths in
    /// the journal are relative to it, so that a moved project can still be undone.
    pub fn base(&self) -> &Path {
        &self.base
    }

    /// Takes the lock, or refuses at once.
    pub(super) fn lock(&self) -> Result<Locked<'_>, WriteError> {
        platform::private_dir(&self.runs()).map_err(WriteError::failed("make the journal", &self.dir))?;
        let path = self.dir.join("lock");
        let cannot = |error| WriteError::failed("lock", &path)(error);
        let lock = OpenOptions::new().create(true).append(true).open(&path).map_err(cannot)?;
        match lock.try_lock() {
            Ok(()) => Ok(Locked { state: self, lock }),
            Err(TryLockError::WouldBlock) => Err(WriteError::Busy { lock: path }),
            Err(TryLockError::Error(error)) => Err(cannot(error)),
        }
    }

    /// The directory with one directory per run.
    fn runs(&self) -> PathBuf {
        self.dir.join("runs")
    }
}

/// The git directory of the worktree around a directory.
fn git_dir(dir: &Path) -> Option<PathBuf> {
    Repository::discover_path(dir, std::iter::empty::<&Path>()).ok()
}

/// A [`StateDir`] that this process alone may write; the system drops the lock when the process ends.
#[derive(Debug)]
pub(super) struct Locked<'a> {
    state: &'a StateDir,
    lock: File,
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        // Closing is not enough: a child process that another thread is just starting still has the
        // lock until it runs its own program. If this fails, the end of the process unlocks.
        let _ = self.lock.unlock();
    }
}

impl Locked<'_> {
    /// The directory that recorded paths are relative to.
    pub(super) fn base(&self) -> &Path {
        &self.state.base
    }

    /// The directory with one directory per run.
    pub(super) fn runs(&self) -> PathBuf {
        self.state.runs()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_lock_is_refused_until_the_first_is_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let state = StateDir::in_home(dir.path(), dir.path()).unwrap();
        let first = state.lock().unwrap();
        assert!(matches!(state.lock(), Err(WriteError::Busy { .. })));
        drop(first);
        state.lock().unwrap();
    }

    #[test]
    fn the_base_is_the_top_of_the_repository_from_any_directory_of_it() {
        let dir = tempfile::tempdir().unwrap();
        let top = fs::canonicalize(dir.path()).unwrap();
        assert_eq!(StateDir::in_repository(&top), None);
        Repository::init(&top).unwrap();
        fs::create_dir_all(top.join("apps/one")).unwrap();
        let state = StateDir::in_repository(&top.join("apps/one")).unwrap();
        assert_eq!(state.base(), top);
        assert_eq!(state.dir(), top.join(".git/wa-fix"));
        assert_eq!(StateDir::in_repository(&top), Some(state));
    }
}
