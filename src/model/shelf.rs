//! What lies in the folders around an app: listed once each when first asked for, and shared by the apps of a run.

use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, OnceLock};

use crate::source::discover::is_document;

/// What lies in and around one folder.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    names: OnceLock<HashSet<OsString>>,
    documents: OnceLock<Vec<PathBuf>>,
}

/// The shelves of a run, by folder.
pub(crate) type Shelves = HashMap<PathBuf, Arc<Shelf>>;

/// The shelves of a folder and of those above it, the nearest first.
pub(super) fn shelves_of(folder: &Path, known: &mut Shelves) -> Vec<Arc<Shelf>> {
    folder.ancestors().map(|above| Arc::clone(known.entry(above.to_owned()).or_default())).collect()
}

impl Shelf {
    /// Whether something lies at a path in the folder, as far as the first part of the path tells.
    pub(super) fn may_have(&self, folder: &Path, path: &str) -> bool {
        let names = self.names.get_or_init(|| {
            let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
            entries.map(|entry| entry.file_name()).collect()
        });
        let first = Path::new(path).components().next().map_or(OsStr::new(path), Component::as_os_str);
        names.contains(first)
    }

    /// The documents in the folder and in the `docs` folders there, absolute.
    pub(super) fn documents(&self, folder: &Path) -> &[PathBuf] {
        self.documents.get_or_init(|| {
            let inside = ["docs", "doc", "documentation", "runbooks"].map(|name| (folder.join(name), 3));
            std::iter::once((folder.to_owned(), 1))
                .chain(inside)
                .filter(|(folder, _)| folder.is_dir())
                .flat_map(|(folder, depth)| ignore::WalkBuilder::new(folder).max_depth(Some(depth)).build())
                .filter_map(Result::ok)
                .map(ignore::DirEntry::into_path)
                .filter(|file| file.to_str().is_some_and(is_document))
                .collect()
        })
    }
}
