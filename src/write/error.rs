//! What can go wrong when writing: what, where, and what to do about it.

use std::fmt::{self, Write as _};
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::guard::DirtyFile;
use super::recover::Kept;

/// A write that was refused or failed. Unless a variant says otherwise, no file was changed.
#[derive(Debug, Error)]
pub enum WriteError {
    /// Some files cannot be written safely.
    #[error("nothing was written, because of {}", list(.0))]
    Refused(Vec<Refusal>),
    /// Files to be written have changes that are not committed.
    #[error(
        "nothing was written, because files have uncommitted changes: {}\ncommit or stash them, or pass --allow-dirty",
        list(.0)
    )]
    Dirty(Vec<DirtyFile>),
    /// Another run holds the lock.
    #[error("another wa-fix is writing here (lock {}); try again when it has finished", lock.display())]
    Busy {
        /// The lock file.
        lock: PathBuf,
    },
    /// A file operation failed before anything was changed, or after everything was put back.
    #[error("cannot {what} {}: {source}; nothing was changed", path.display())]
    Failed {
        /// The operation, such as `replace`.
        what: &'static str,
        /// The file or directory concerned.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file operation failed, and putting the files back failed too.
    #[error(
        "{cause}\nputting the files back failed for {}; the originals are kept in {}, and the next run of wa-fix tries again",
        list(left),
        journal.display()
    )]
    NotRolledBack {
        /// What failed first.
        cause: Box<WriteError>,
        /// Files that still have, or may have, their new content, with the reason.
        left: Vec<Kept>,
        /// Where the original bytes are.
        journal: PathBuf,
    },
    /// There is no run to undo.
    #[error("nothing to undo: no earlier apply is recorded for {}", base.display())]
    NothingToUndo {
        /// The directory that the journal belongs to.
        base: PathBuf,
    },
    /// Files were changed after the apply that shall be undone.
    #[error(
        "nothing was undone, because files were changed since: {}\nthe originals are in {}",
        list(files),
        journal.display()
    )]
    ChangedSince {
        /// The changed files.
        files: Vec<Shown>,
        /// Where the original bytes are.
        journal: PathBuf,
    },
    /// The journal is damaged.
    #[error("the journal {} cannot be read: {why}; remove that directory to go on without its undo", path.display())]
    Journal {
        /// The directory of the run.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The branch cannot be made.
    #[error("no branch was made: {0}")]
    Branch(String),
    /// The branch is made, but cannot be pushed.
    #[error("the branch was not pushed: {0}")]
    Push(String),
    /// Some files cannot be committed as planned.
    #[error("no branch was made, because of {}", list(.0))]
    BranchRefused(Vec<Refusal>),
    /// Git failed.
    #[error("cannot {what}: {}{}", source.message(), git_help(source))]
    Git {
        /// The operation, such as `open the repository`.
        what: &'static str,
        /// What libgit2 said.
        source: git2::Error,
    },
}

impl WriteError {
    /// Wraps a failed file operation.
    pub(super) fn failed(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Failed { what, path, source }
    }

    /// Wraps a failed git operation.
    pub(super) fn git(what: &'static str) -> impl FnOnce(git2::Error) -> Self {
        move |source| Self::Git { what, source }
    }
}

/// A file that cannot be written safely, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The file as printed.
    pub path: String,
    /// The reason.
    pub why: Why,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.why)
    }
}

/// Why a file cannot be written safely.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Why {
    /// Its bytes are not those that the plan was made from.
    #[error("was changed after it was read; run wa-fix again")]
    Stale,
    /// It is gone, or the link leads nowhere.
    #[error("no longer exists; run wa-fix again")]
    Missing,
    /// It shall be created and is there already.
    #[error("exists already; move it away or run wa-fix again")]
    Exists,
    /// It is a directory, a pipe or a device.
    #[error("is not a regular file")]
    NotAFile,
    /// A part of its path is not a directory.
    #[error("cannot be created, because {} is not a directory", .0.display())]
    ParentNotDirectory(PathBuf),
    /// Its real place is outside the project.
    #[error("leads out of the project, to {}; run wa-fix there", .0.display())]
    Outside(PathBuf),
    /// Its mode forbids writing.
    #[error("is read-only; make it writable first (chmod u+w)")]
    ReadOnly,
    /// Two changes want different content for one file.
    #[error("is the same file as {0}, and both shall be changed differently")]
    Twice(String),
    /// The path is not UTF-8.
    #[error("has a name that is not UTF-8")]
    Name,
    /// It could not be looked at.
    #[error("cannot be read: {0}")]
    Unreadable(String),
    /// The last commit has other content.
    #[error("differs from the last commit; commit or stash its changes first")]
    DiffersFromHead,
    /// The last commit does not have it.
    #[error("is not in the last commit; commit it first")]
    Untracked,
    /// The last commit has it, although it shall be created.
    #[error("is in the last commit but not in the working tree; restore it or commit its removal first")]
    InHead,
    /// It belongs to a submodule.
    #[error("belongs to the submodule {0}; run wa-fix inside it")]
    Submodule(String),
    /// Git runs a program on it, which wa-fix does not.
    #[error(
        "goes through the git filter `{0}`, which wa-fix does not run; apply to the working tree and commit by hand"
    )]
    Filter(String),
    /// Git stores it in another encoding.
    #[error(
        "has working-tree-encoding={0}, which wa-fix cannot store; apply to the working tree and commit by hand"
    )]
    Encoding(String),
    /// The last commit has a symbolic link or directory there.
    #[error("is not a regular file in the last commit")]
    NotAFileInHead,
    /// The changes do not continue each other.
    #[error("is planned on content that the commit before does not leave; this is a bug in wa-fix")]
    Broken,
}

/// A path on its own, shown as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown(pub PathBuf);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.display())
    }
}

/// One item per line.
fn list<T: fmt::Display>(items: &[T]) -> String {
    items.iter().fold(String::new(), |mut text, item| {
        // Writing to a string does not fail.
        let _ = write!(text, "\n  {item}");
        text
    })
}

/// What to do about the failures of git that have a known way out.
fn git_help(error: &git2::Error) -> &'static str {
    if error.code() == git2::ErrorCode::Owner {
        "; if you trust it, run `git config --global --add safe.directory <its directory>`"
    } else if error.message().contains("'sdir'") {
        "; a sparse index cannot be read, so turn it off with `git sparse-checkout reapply --no-sparse-index`"
    } else if error.message().contains("nesting too deep") {
        "; git's library does not go that deep, so pass --allow-dirty to write without asking it"
    } else if error.message().contains("unsupported") {
        "; this kind of repository is not supported, so apply with --allow-dirty and commit by hand"
    } else {
        ""
    }
}
