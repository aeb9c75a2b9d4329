//! The dirty guard.
#![expect(clippy::disallowed_methods, reason = "tests prepare files")]

use std::fs;

use wa_fix::edit::FileChange;
use wa_fix::write::{DirtyState, WriteError, dirty_files, require_clean};

use crate::project::{Project, git_in};

fn states(changes: &[FileChange]) -> Vec<(String, DirtyState)> {
    dirty_files(changes).unwrap().into_iter().map(|dirty| (dirty.path, dirty.state)).collect()
}

#[test]
fn each_dirty_file_is_named_with_its_state() {
    let files =
        ["clean.ts", "staged.ts", "modified.ts", "both.ts", "gone.ts", "removed.ts", "other.ts", "[x]*.ts"];
    let project = Project::committed(&files.map(|path| (path, "old\n")));
    project.put(".gitignore", "ignored.ts\n");
    project.commit_all();
    for path in ["staged.ts", "both.ts", "added.ts"] {
        project.put(path, "mine\n");
        project.git(&["add", path]);
    }
    for path in ["modified.ts", "both.ts", "new/untracked.ts", "ignored.ts", "other.ts"] {
        project.put(path, "mine too\n");
    }
    let mut changes: Vec<FileChange> = [
        "clean.ts",
        "staged.ts",
        "modified.ts",
        "both.ts",
        "added.ts",
        "new/untracked.ts",
        "ignored.ts",
        "[x]*.ts",
    ]
    .iter()
    .map(|path| project.change(path, "new\n"))
    .collect();
    fs::remove_file(project.at("gone.ts")).unwrap();
    project.git(&["rm", "--quiet", "removed.ts"]);
    changes.extend(
        ["gone.ts", "removed.ts", "fresh.ts", "fresh/er.ts"].map(|path| project.create(path, "new\n")),
    );
    let expected = [
        ("staged.ts", DirtyState::Staged),
        ("modified.ts", DirtyState::Modified),
        ("both.ts", DirtyState::PartlyStaged),
        ("added.ts", DirtyState::Staged),
        ("new/untracked.ts", DirtyState::Untracked),
        ("ignored.ts", DirtyState::Ignored),
        ("gone.ts", DirtyState::Deleted),
        ("removed.ts", DirtyState::Deleted),
    ];
    assert_eq!(states(&changes), expected.map(|(path, state)| (path.to_owned(), state)));

    let error = require_clean(&changes).unwrap_err();
    assert!(matches!(error, WriteError::Dirty(_)));
    let text = error.to_string();
    assert!(text.contains("modified.ts (modified)") && text.contains("--allow-dirty"), "{text}");
}

#[test]
fn no_repository_is_no_guard() {
    let project = Project::new();
    project.put("a.ts", "old");
    require_clean(&[project.change("a.ts", "new")]).unwrap();
}

#[test]
fn a_repository_without_commit_has_untracked_files() {
    let project = Project::with_git();
    project.put("a.ts", "old");
    assert_eq!(states(&[project.change("a.ts", "new")]), [("a.ts".to_owned(), DirtyState::Untracked)]);
}

#[test]
fn a_link_is_judged_by_the_file_that_it_leads_to() {
    let project = Project::committed(&[("real.ts", "old")]);
    std::os::unix::fs::symlink("real.ts", project.at("link.ts")).unwrap();
    assert_eq!(states(&[project.change("link.ts", "new")]), []);
    project.put("real.ts", "mine");
    assert_eq!(states(&[project.change("link.ts", "new")]), [("link.ts".to_owned(), DirtyState::Modified)]);
}

#[test]
fn files_of_a_nested_repository_are_judged_there() {
    let project = Project::committed(&[("a.ts", "old")]);
    project.put("sub/b.ts", "old");
    project.put("sub/c.ts", "old");
    let sub = project.at("sub");
    git_in(&sub, &["init", "--quiet"]);
    git_in(&sub, &["add", "b.ts"]);
    git_in(&sub, &["-c", "user.name=A", "-c", "user.email=a@b.c", "commit", "--quiet", "-m", "x"]);
    let changes =
        [project.change("a.ts", "new"), project.change("sub/b.ts", "new"), project.change("sub/c.ts", "new")];
    assert_eq!(states(&changes), [("sub/c.ts".to_owned(), DirtyState::Untracked)]);
}

#[test]
fn line_ends_that_git_converts_are_not_a_change() {
    let project = Project::committed(&[("a.ts", "one\ntwo\n")]);
    project.git(&["config", "core.autocrlf", "true"]);
    fs::remove_file(project.at("a.ts")).unwrap();
    project.git(&["checkout", "--", "a.ts"]);
    assert_eq!(project.read("a.ts"), b"one\r\ntwo\r\n");
    assert_eq!(states(&[project.change("a.ts", "new")]), []);
}

#[test]
fn linked_worktrees_are_judged_by_their_own_index() {
    let project = Project::committed(&[("a.ts", "old")]);
    let linked = project.outside().join("linked");
    project.git(&["worktree", "add", "--quiet", "-b", "side", linked.to_str().unwrap()]);
    project.put("a.ts", "mine");
    let change = FileChange { file: linked.join("a.ts"), ..project.change("a.ts", "new") };
    assert_eq!(states(&[change]), []);
}

/// A repository that libgit2 cannot open is a reason to refuse, with a way out, and not to skip the
/// guard; its journal works all the same.
#[test]
fn a_repository_of_an_unknown_kind_is_named_and_can_be_written_to() {
    let project = Project::committed(&[("a.ts", "old")]);
    project.git(&["config", "core.repositoryFormatVersion", "1"]);
    project.git(&["config", "extensions.partialClone", "origin"]);
    let change = project.change("a.ts", "new");
    let text = require_clean(std::slice::from_ref(&change)).unwrap_err().to_string();
    assert!(text.contains("partialclone") && text.contains("--allow-dirty"), "{text}");
    assert!(project.state().dir().starts_with(project.at(".git")));
    project.apply(&[change]).unwrap();
    project.undo().unwrap();
    assert_eq!(project.read("a.ts"), b"old");
}
