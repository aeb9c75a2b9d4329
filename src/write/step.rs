//! The moments of a transaction, so that tests can fail or die at each of them.

use std::io;

/// A moment of a transaction that has just passed. Numbers count the files of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// The journal holds the originals and the plan; no file of the project was touched yet.
    Recorded,
    /// A directory for a new file was made.
    Directory(usize),
    /// The new content of a file stands beside it under a temporary name.
    Staged(usize),
    /// A file with several hard links is half written.
    HalfWritten(usize),
    /// A file has its new content.
    Replaced(usize),
    /// All files have their new content and the directories are on disk.
    Synced,
    /// The run counts as done; only temporary names are left to remove.
    Committed,
    /// Nothing is left to do.
    Finished,
}

/// Called after each [`Step`]; an error makes the run fail there.
pub type OnStep<'a> = &'a dyn Fn(Step) -> io::Result<()>;

/// Calls the hook where there is one.
pub(super) fn reached(hook: Option<OnStep<'_>>, step: Step) -> io::Result<()> {
    hook.map_or(Ok(()), |call| call(step))
}
