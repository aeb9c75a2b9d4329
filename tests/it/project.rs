//! A project in a temporary directory, and the real `git` to check it with.
#![expect(clippy::disallowed_methods, reason = "tests prepare files")]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use wa_fix::edit::{Commit, FileChange};
use wa_fix::write::{Applied, ApplyOptions, OnStep, StateDir, Undone, WriteError, apply, undo};

/// A directory that goes when the test ends.
pub(crate) struct Project {
    _dir: TempDir,
    root: PathBuf,
    home: PathBuf,
}

impl Project {
    /// Without repository; the journal is beside it.
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let top = fs::canonicalize(dir.path()).unwrap();
        let (root, home) = (top.join("app"), top.join("home"));
        fs::create_dir_all(&root).unwrap();
        Self { _dir: dir, root, home }
    }

    /// With an empty repository.
    pub(crate) fn with_git() -> Self {
        let project = Self::new();
        project.git(&["init", "--quiet", "--initial-branch=main"]);
        for (key, value) in [
            ("user.name", "Ada"),
            ("user.email", "ada@example.com"),
            ("commit.gpgsign", "false"),
            ("core.autocrlf", "false"),
        ] {
            project.git(&["config", key, value]);
        }
        project
    }

    /// With a repository that has `files` committed.
    pub(crate) fn committed(files: &[(&str, &str)]) -> Self {
        let project = Self::with_git();
        for (path, text) in files {
            project.put(path, text);
        }
        project.commit_all();
        project
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn outside(&self) -> &Path {
        self.root.parent().unwrap()
    }

    /// Where journals of projects without a repository go.
    pub(crate) fn home(&self) -> &Path {
        &self.home
    }

    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    pub(crate) fn put(&self, path: &str, bytes: impl AsRef<[u8]>) {
        fs::create_dir_all(self.at(path).parent().unwrap()).unwrap();
        fs::write(self.at(path), bytes).unwrap();
    }

    pub(crate) fn read(&self, path: &str) -> Vec<u8> {
        fs::read(self.at(path)).unwrap()
    }

    pub(crate) fn chmod(&self, path: &str, mode: u32) {
        fs::set_permissions(self.at(path), fs::Permissions::from_mode(mode)).unwrap();
    }

    pub(crate) fn mode(&self, path: &str) -> u32 {
        fs::metadata(self.at(path)).unwrap().permissions().mode() & 0o7777
    }

    /// A change of what is on disk now.
    pub(crate) fn change(&self, path: &str, after: impl AsRef<[u8]>) -> FileChange {
        let before = Some(self.read(path).into());
        FileChange { file: self.at(path), path: path.to_owned(), before, after: after.as_ref().into() }
    }

    /// A new file.
    pub(crate) fn create(&self, path: &str, after: &str) -> FileChange {
        let after = after.as_bytes().into();
        FileChange { file: self.at(path), path: path.to_owned(), before: None, after }
    }

    pub(crate) fn state(&self) -> StateDir {
        StateDir::locate(&self.home, &self.root).unwrap()
    }

    pub(crate) fn apply(&self, changes: &[FileChange]) -> Result<Applied, WriteError> {
        apply(&self.root, changes, ApplyOptions { state: &self.state(), on_step: None })
    }

    pub(crate) fn apply_with(&self, changes: &[FileChange], hook: OnStep<'_>) -> Result<Applied, WriteError> {
        apply(&self.root, changes, ApplyOptions { state: &self.state(), on_step: Some(hook) })
    }

    pub(crate) fn undo(&self) -> Result<Undone, WriteError> {
        undo(&self.state(), None)
    }

    /// Every file below the project, `.git` aside: content and mode. Nothing may be left over.
    pub(crate) fn tree(&self) -> Tree {
        let mut files = BTreeMap::new();
        let mut dirs = vec![self.root.clone()];
        while let Some(dir) = dirs.pop() {
            for item in fs::read_dir(dir).unwrap() {
                let path = item.unwrap().path();
                let name = path.strip_prefix(&self.root).unwrap().display().to_string();
                let meta = path.symlink_metadata().unwrap();
                if name == ".git" {
                    continue;
                }
                let mode = meta.permissions().mode();
                if meta.is_dir() {
                    files.insert(name, (Vec::new(), mode));
                    dirs.push(path);
                } else {
                    files.insert(name, (fs::read(path).unwrap(), mode));
                }
            }
        }
        files
    }

    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        git_in(&self.root, arguments)
    }

    pub(crate) fn commit_all(&self) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", "a commit"]);
    }
}

/// Files of a project by path, with content and mode.
pub(crate) type Tree = BTreeMap<String, (Vec<u8>, u32)>;

/// Checks that a project holds exactly these files; says which differ, and not in numbers.
#[track_caller]
pub(crate) fn same(project: &Project, expected: &Tree) {
    let tree = project.tree();
    let names: std::collections::BTreeSet<_> = tree.keys().chain(expected.keys()).collect();
    let show = |file: Option<&(Vec<u8>, u32)>| {
        file.map_or("nothing".to_owned(), |(bytes, mode)| {
            format!("{mode:o} {}", String::from_utf8_lossy(bytes))
        })
    };
    for name in names {
        let (is, was) = (tree.get(name), expected.get(name));
        assert!(is == was, "{name} differs\n--- is\n{}\n--- should be\n{}", show(is), show(was));
    }
}

/// Runs git; its output, without the last line end.
pub(crate) fn git_in(dir: &Path, arguments: &[&str]) -> String {
    let (ok, text) = try_git(dir, arguments);
    assert!(ok, "git {arguments:?}: {text}");
    text
}

/// Runs git; whether it succeeded, and what it said.
pub(crate) fn try_git(dir: &Path, arguments: &[&str]) -> (bool, String) {
    let output = Command::new("git").current_dir(dir).args(arguments).output().unwrap();
    let said = if output.status.success() { output.stdout } else { output.stderr };
    (output.status.success(), String::from_utf8(said).unwrap().trim_end_matches('\n').to_owned())
}

/// A commit of some changes.
pub(crate) fn commit(title: &str, changes: Vec<FileChange>) -> Commit {
    Commit { title: title.to_owned(), body: "REL08-BP02.\nCheck the diff.".to_owned(), changes }
}
