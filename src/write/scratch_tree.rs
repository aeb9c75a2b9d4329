//! A copy of a project to try things in: its files copied, its `node_modules` shared by links, gone when dropped.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::error::WriteError;
use crate::edit::FileChange;

/// Folders that no check needs: git's own, and what a synthesis writes.
const LEFT_OUT: [&str; 2] = [".git", "cdk.out"];
/// Shared, not copied.
const SHARED: &str = "node_modules";

/// The copy. Nothing that happens in it reaches the project, but what packages write into their own folders.
#[derive(Debug)]
pub struct ScratchTree {
    folder: tempfile::TempDir,
    /// The folder that was copied, and where the copy is.
    top: PathBuf,
    copy: PathBuf,
}

impl ScratchTree {
    /// Copies the repository around `root`, or `root` alone where there is none. `go_on` is asked between files.
    ///
    /// # Errors
    /// A [`WriteError`] that names the file which cannot be copied, or says that the copy was stopped.
    pub fn of(root: &Path, go_on: &dyn Fn() -> bool) -> Result<Self, WriteError> {
        let root = fs::canonicalize(root).map_err(WriteError::failed("copy", root))?;
        let top = root.ancestors().find(|folder| folder.join(".git").exists()).unwrap_or(&root).to_owned();
        let temporary = std::env::temp_dir();
        let folder = tempfile::Builder::new()
            .prefix("wa-fix-proof-")
            .tempdir()
            .map_err(WriteError::failed("make a folder in", &temporary))?;
        let home = fs::canonicalize(folder.path()).map_err(WriteError::failed("open", folder.path()))?;
        let copy = home.join(top.file_name().unwrap_or("project".as_ref()));
        let tree = Self { folder, top, copy };
        tree.copy_folder(&tree.top, &tree.copy, go_on)?;
        // Packages may be installed above the repository.
        if let Some(above) = tree.top.ancestors().skip(1).map(|up| up.join(SHARED)).find(|it| it.is_dir()) {
            link(&above, &home.join(SHARED)).map_err(WriteError::failed("link to", &above))?;
        }
        Ok(tree)
    }

    /// Where a file or folder of the project is in the copy.
    pub fn at(&self, original: &Path) -> Option<PathBuf> {
        Some(self.copy.join(original.strip_prefix(&self.top).ok()?))
    }

    /// The copy of the repository.
    pub fn copy(&self) -> &Path {
        &self.copy
    }

    /// The folder of everything that is temporary.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// An empty folder beside the copy; what was in it goes.
    ///
    /// # Errors
    /// A [`WriteError`] that names the folder.
    pub fn fresh(&self, name: &str) -> Result<PathBuf, WriteError> {
        let folder = self.folder.path().join(name);
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(WriteError::failed("empty", &folder))?;
        }
        fs::create_dir(&folder).map_err(WriteError::failed("create", &folder))?;
        Ok(folder)
    }

    /// Makes these changes in the copy.
    ///
    /// # Errors
    /// A [`WriteError`] that names the file.
    pub fn hold(&self, changes: &[FileChange]) -> Result<(), WriteError> {
        for change in changes {
            let there = self.at(&change.file).ok_or_else(|| {
                WriteError::failed("prove a change of", &change.file)(io::Error::other(
                    "it lies outside the repository that is copied",
                ))
            })?;
            put(&there, &change.after).map_err(WriteError::failed("write", &there))?;
        }
        Ok(())
    }

    fn copy_folder(&self, from: &Path, to: &Path, go_on: &dyn Fn() -> bool) -> Result<(), WriteError> {
        fs::create_dir_all(to).map_err(WriteError::failed("create", to))?;
        for entry in fs::read_dir(from).map_err(WriteError::failed("read", from))? {
            if !go_on() {
                return Err(WriteError::failed("copy", from)(io::ErrorKind::Interrupted.into()));
            }
            let entry = entry.map_err(WriteError::failed("read", from))?;
            let (name, path) = (entry.file_name(), entry.path());
            if LEFT_OUT.iter().any(|left_out| name == *left_out) {
                continue;
            }
            let there = to.join(&name);
            let failed = WriteError::failed("copy", &path);
            let kind = entry.file_type().map_err(WriteError::failed("read", &path))?;
            if name == SHARED {
                self.share(&path, &there).map_err(failed)?;
            } else if kind.is_symlink() {
                self.copy_link(&path, &there).map_err(failed)?;
            } else if kind.is_dir() {
                self.copy_folder(&path, &there, go_on)?;
            } else if kind.is_file() {
                fs::copy(&path, &there).map_err(failed)?;
                writable(&there).map_err(WriteError::failed("make writable", &there))?;
            }
        }
        Ok(())
    }

    /// A link leads to the same place of the copy, or to the original where that lies outside.
    fn copy_link(&self, from: &Path, to: &Path) -> io::Result<()> {
        let target = fs::read_link(from)?;
        let absolute = from.parent().unwrap_or(from).join(&target);
        let Ok(real) = fs::canonicalize(&absolute) else { return Ok(()) };
        link(&self.at(&real).unwrap_or(real), to)
    }

    /// One link for each package, so that what tools keep beside them (`.cache`) is not shared, and a package of
    /// this workspace is the one in the copy.
    fn share(&self, from: &Path, to: &Path) -> io::Result<()> {
        if fs::symlink_metadata(from)?.is_symlink() && !from.is_dir() {
            return Ok(());
        }
        fs::create_dir_all(to)?;
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            let (name, path) = (entry.file_name(), entry.path());
            let there = to.join(&name);
            if name == ".cache" {
                continue;
            }
            if name.to_string_lossy().starts_with('@') && path.is_dir() && !entry.file_type()?.is_symlink() {
                self.share(&path, &there)?;
                continue;
            }
            let real = fs::canonicalize(&path).unwrap_or_else(|_| path.clone());
            let is_ours = !real.components().any(|part| part.as_os_str() == SHARED);
            let target = if is_ours { self.at(&real).unwrap_or(path) } else { path };
            link(&target, &there)?;
        }
        Ok(())
    }
}

/// A file with these bytes, in a folder that may be new.
fn put(file: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(file, bytes)
}

/// The copy of a read-only file is written to.
fn writable(file: &Path) -> io::Result<()> {
    let mut permissions = fs::metadata(file)?.permissions();
    if permissions.readonly() {
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            permissions.set_mode(permissions.mode() | 0o200);
        }
        #[cfg(not(unix))]
        permissions.set_readonly(false);
        fs::set_permissions(file, permissions)?;
    }
    Ok(())
}

#[cfg(unix)]
fn link(target: &Path, at: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, at)
}

#[cfg(windows)]
fn link(target: &Path, at: &Path) -> io::Result<()> {
    if target.is_dir() {
        std::os::windows::fs::symlink_dir(target, at)
    } else {
        std::os::windows::fs::symlink_file(target, at)
    }
}
