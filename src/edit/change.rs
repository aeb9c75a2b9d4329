//! What a run wants to do to files: the border between planning and writing.

use std::path::PathBuf;
use std::sync::Arc;

/// One file as it shall be. `src/write` is the only reader that touches the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChange {
    /// Where the file is on disk, absolute.
    pub file: PathBuf,
    /// The same place as printed in reports and diffs: `/`-separated, relative to the working
    /// directory where the file is under it.
    pub path: String,
    /// The bytes that the plan was made from; `None` where the file is to be created.
    pub before: Option<Arc<[u8]>>,
    /// The bytes that shall stand there.
    pub after: Arc<[u8]>,
}

/// One commit of a branch: changes that belong together, in the order in which they are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// The first line, at most 72 characters.
    pub title: String,
    /// What, why (practice id, impact) and what to check.
    pub body: String,
    /// The files as they stand after this commit. A later commit's `before` is the former's `after`.
    pub changes: Vec<FileChange>,
}
