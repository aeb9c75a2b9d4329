//! Files as git stores them: which path of the tree a file is, and which bytes `git add` would keep.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use git2::{AttrCheckFlags, AttrValue, FileMode, ObjectType, Oid, Repository, Tree};

use super::super::error::{Refusal, Why, WriteError};
use super::super::{target, transaction};
use super::Note;
use crate::edit::{Commit, FileChange};

/// A blob that was written, and the mode that it gets in the tree.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stored {
    pub(super) id: Oid,
    pub(super) mode: FileMode,
}

/// The files of the commits before, by path.
pub(super) type Overlay = BTreeMap<String, Held>;

/// A file as the commits before leave it.
pub(super) struct Held {
    /// As the working tree would have it.
    bytes: Arc<[u8]>,
    form: Form,
    mode: FileMode,
}

/// How the bytes of the working tree become those of the blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Through the filters of `git add`.
    Filtered,
    /// As they are: the last commit has a blob that the filters would rewrite from end to end (CRLF
    /// stored although `.gitattributes` says text), which is not ours to do.
    Raw,
}

/// What stopped one file.
enum Stop {
    Refused(Why),
    Failed(WriteError),
}

impl From<Why> for Stop {
    fn from(why: Why) -> Self {
        Self::Refused(why)
    }
}

/// Wraps a failed git operation on one file.
fn failed(what: &'static str) -> impl FnOnce(git2::Error) -> Stop {
    move |source| Stop::Failed(WriteError::Git { what, source })
}

/// The repository as its last commit has it.
pub(super) struct Snapshot<'r> {
    repository: &'r Repository,
    tree: Tree<'r>,
    top: PathBuf,
}

impl<'r> Snapshot<'r> {
    /// The snapshot of a commit of a repository with a working tree.
    pub(super) fn new(repository: &'r Repository, head: &git2::Commit<'r>) -> Result<Self, WriteError> {
        let workdir = repository.workdir().unwrap_or_else(|| repository.path());
        let top = fs::canonicalize(workdir).map_err(WriteError::failed("open", workdir))?;
        let tree = head.tree().map_err(WriteError::git("read the last commit"))?;
        Ok(Self { repository, tree, top })
    }

    /// Writes the blobs of one commit, or refuses with the names of all files in the way.
    pub(super) fn store(
        &self,
        commit: &Commit,
        overlay: &mut Overlay,
        notes: &mut Vec<Note>,
    ) -> Result<BTreeMap<String, Stored>, WriteError> {
        let mut files = BTreeMap::new();
        let mut refusals = Vec::new();
        for change in commit.changes.iter().filter(|change| change.before.as_ref() != Some(&change.after)) {
            match self.store_one(change, overlay, notes) {
                Ok(Some((path, stored))) => {
                    files.insert(path, stored);
                }
                Ok(None) => {}
                Err(Stop::Refused(why)) => refusals.push(Refusal { path: change.path.clone(), why }),
                Err(Stop::Failed(error)) => return Err(error),
            }
        }
        if refusals.is_empty() { Ok(files) } else { Err(WriteError::BranchRefused(refusals)) }
    }

    /// Writes the blob of one file; `None` where a link to it has already brought the same change.
    fn store_one(
        &self,
        change: &FileChange,
        overlay: &mut Overlay,
        notes: &mut Vec<Note>,
    ) -> Result<Option<(String, Stored)>, Stop> {
        let path = self.path(&change.file)?;
        self.check_submodule(&path)?;
        self.check_attributes(&path)?;
        let (form, mode) = match overlay.get(&path) {
            Some(held) if held.bytes == change.after => return Ok(None),
            Some(held) if Some(&held.bytes) == change.before.as_ref() => (held.form, held.mode),
            Some(_) => return Err(Why::Broken.into()),
            None => self.standing(&path, change, notes)?,
        };
        let id = self.blob(&path, &change.after, form)?;
        overlay.insert(path.clone(), Held { bytes: Arc::clone(&change.after), form, mode });
        Ok(Some((path, Stored { id, mode })))
    }

    /// Form and mode of a file that no commit before has touched.
    fn standing(
        &self,
        path: &str,
        change: &FileChange,
        notes: &mut Vec<Note>,
    ) -> Result<(Form, FileMode), Stop> {
        let entry = self.tree.get_path(Path::new(path)).ok();
        let Some(before) = &change.before else {
            if entry.is_some() {
                return Err(Why::InHead.into());
            }
            if self.repository.is_path_ignored(path).map_err(failed("read .gitignore"))? {
                notes.push(Note::Ignored(path.to_owned()));
            }
            return Ok((Form::Filtered, FileMode::Blob));
        };
        let entry = entry.ok_or(Why::Untracked)?;
        let mode = match entry.filemode() {
            0o100_755 => FileMode::BlobExecutable,
            0o100_644 | 0o100_664 => FileMode::Blob,
            _ => return Err(Why::NotAFileInHead.into()),
        };
        let raw = Oid::hash_object(ObjectType::Blob, before).map_err(failed("hash a file"))?;
        let form = if self.blob(path, before, Form::Filtered)? == entry.id() {
            Form::Filtered
        } else if raw == entry.id() {
            Form::Raw
        } else {
            return Err(Why::DiffersFromHead.into());
        };
        Ok((form, mode))
    }

    /// Writes bytes of the working tree as a blob.
    fn blob(&self, path: &str, bytes: &[u8], form: Form) -> Result<Oid, Stop> {
        if form == Form::Raw {
            return self.repository.blob(bytes).map_err(failed("write a blob"));
        }
        // With a path to go by, the writer uses the filters of `git add`.
        let mut writer =
            self.repository.blob_writer(Some(Path::new(path))).map_err(failed("write a blob"))?;
        writer
            .write_all(bytes)
            .map_err(|error| Stop::Failed(WriteError::failed("store", Path::new(path))(error)))?;
        writer.commit().map_err(failed("write a blob"))
    }

    /// The path in the tree of a file on disk: links are followed, because a change of a link's
    /// content is a change of the file that it leads to.
    fn path(&self, file: &Path) -> Result<String, Why> {
        let real = match fs::canonicalize(file) {
            Ok(real) => real,
            Err(_) => target::real_new_place(file)?.0,
        };
        let below = real.strip_prefix(&self.top).map_err(|_| Why::Outside(real.clone()))?;
        transaction::slashed(below).ok_or(Why::Name)
    }

    /// Refuses files of a submodule, which has commits of its own.
    fn check_submodule(&self, path: &str) -> Result<(), Why> {
        for parent in Path::new(path).ancestors().skip(1).filter(|dir| !dir.as_os_str().is_empty()) {
            let entry = self.tree.get_path(parent).ok();
            if entry.is_some_and(|entry| entry.kind() == Some(ObjectType::Commit)) {
                return Err(Why::Submodule(parent.display().to_string()));
            }
        }
        Ok(())
    }

    /// Refuses files whose stored bytes only git and its helpers can make.
    fn check_attributes(&self, path: &str) -> Result<(), Stop> {
        let attribute = |name| {
            let flags = AttrCheckFlags::FILE_THEN_INDEX;
            self.repository.get_attr(Path::new(path), name, flags).map_err(failed("read .gitattributes"))
        };
        if let AttrValue::String(name) = AttrValue::from_string(attribute("filter")?) {
            let config = self.repository.config().map_err(failed("read the git configuration"))?;
            let set = |key: &str| config.get_string(&format!("filter.{name}.{key}")).is_ok();
            if name == "lfs" || set("clean") || set("process") || set("required") {
                return Err(Why::Filter(name.to_owned()).into());
            }
        }
        match AttrValue::from_string(attribute("working-tree-encoding")?) {
            AttrValue::String(name) if !name.eq_ignore_ascii_case("utf-8") => {
                Err(Why::Encoding(name.to_owned()).into())
            }
            _ => Ok(()),
        }
    }
}
