//! Writing to a new branch, checked with the real git.
#![expect(clippy::disallowed_methods, reason = "tests prepare files")]

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use wa_fix::edit::{Commit, FileChange};
use wa_fix::write::{BranchOptions, BranchResult, Note, Why, WriteError, create_branch};

use crate::project::{Project, commit, git_in, try_git};

const OLD: &str = "one\ntwo\nthree\nfour\n";
const NEW: &str = "one\n2\nthree\nfour\n";

fn branch(project: &Project, name: &str, commits: &[Commit]) -> Result<BranchResult, WriteError> {
    let result = create_branch(project.root(), name, commits, BranchOptions::default());
    if result.is_ok() {
        project.git(&["fsck", "--strict", "--no-dangling"]);
    }
    result
}

fn one(project: &Project, name: &str, changes: Vec<FileChange>) -> Result<BranchResult, WriteError> {
    branch(project, name, &[commit("fix: a", changes)])
}

/// The working tree, index, `HEAD` and refs, as far as git shows them.
fn state(project: &Project) -> (String, String, String, Vec<u8>) {
    // Before `git status`, which may refresh the index.
    let index = fs::read(project.at(".git/index")).unwrap();
    let head = fs::read_to_string(project.at(".git/HEAD")).unwrap();
    (
        project.git(&["--no-optional-locks", "status", "--porcelain", "--ignored"]),
        project.git(&["stash", "list"]),
        head,
        index,
    )
}

#[track_caller]
fn assert_refused<T: std::fmt::Debug>(result: Result<T, WriteError>, path: &str, why: &Why) {
    match result {
        Err(WriteError::BranchRefused(refusals)) => {
            assert!(refusals.iter().any(|it| it.path == path && it.why == *why), "{refusals:?}");
        }
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn assert_says<T: std::fmt::Debug>(result: Result<T, WriteError>, words: &str) {
    let text = result.unwrap_err().to_string();
    assert!(text.contains(words), "{text}");
}

fn has_branch(project: &Project, name: &str) -> bool {
    try_git(project.root(), &["rev-parse", "--verify", "--quiet", &format!("refs/heads/{name}")]).0
}

#[test]
fn commits_are_made_and_nothing_else_is_touched() {
    let project =
        Project::committed(&[("lib/a.ts", OLD), ("b.ts", OLD), ("mine.ts", OLD), ("staged.ts", OLD)]);
    project.put("mine.ts", "my change\n");
    project.put("staged.ts", "my change\n");
    project.git(&["add", "staged.ts"]);
    project.put("untracked.ts", "mine\n");
    let (before, tree) = (state(&project), project.tree());
    let first = vec![project.change("lib/a.ts", NEW), project.create("lib/new/c.ts", "c\n")];
    let mut again = project.change("lib/a.ts", "one\n2\nthree\n4\n");
    again.before = Some(NEW.as_bytes().into());
    let second = vec![again, project.change("b.ts", NEW)];
    let commits = [commit("fix: the first", first), commit("fix: the second", second)];
    let result = branch(&project, "wa-fix/all", &commits).unwrap();

    assert_eq!((state(&project), project.tree()), (before, tree));
    assert_eq!(result.base, project.git(&["rev-parse", "HEAD"]));
    assert_eq!(result.commits[0].paths, ["lib/a.ts", "lib/new/c.ts"]);
    assert_eq!(result.commits[1].id, project.git(&["rev-parse", "wa-fix/all"]));
    assert_eq!(result.notes, []);
    assert_eq!(
        project.git(&["log", "--format=%s|%an <%ae>|%cn", "HEAD..wa-fix/all"]),
        "fix: the second|Ada <ada@example.com>|Ada\nfix: the first|Ada <ada@example.com>|Ada"
    );
    assert_eq!(
        project.git(&["log", "-1", "--format=%B", "wa-fix/all~"]).trim(),
        "fix: the first\n\nREL08-BP02.\nCheck the diff."
    );
    assert_eq!(
        project.git(&["diff", "--numstat", "wa-fix/all~2", "wa-fix/all~"]),
        "1\t1\tlib/a.ts\n1\t0\tlib/new/c.ts"
    );
    assert_eq!(
        project.git(&["diff", "--numstat", "wa-fix/all~", "wa-fix/all"]),
        "1\t1\tb.ts\n1\t1\tlib/a.ts"
    );
    assert_eq!(project.git(&["ls-tree", "--name-only", "wa-fix/all"]), "b.ts\nlib\nmine.ts\nstaged.ts");
    assert!(project.git(&["reflog", "wa-fix/all"]).contains("Created by wa-fix"));
}

/// The branch is what `git apply`, `git add` and `git commit` would make of the same diff.
#[test]
fn the_patch_of_the_branch_applies_to_the_working_tree() {
    let project = Project::committed(&[("a.ts", OLD)]);
    one(&project, "fix", vec![project.change("a.ts", NEW), project.create("b.ts", "b\n")]).unwrap();
    fs::write(project.at(".git/patch"), project.git(&["diff", "HEAD", "fix"]) + "\n").unwrap();
    project.git(&["apply", "--index", ".git/patch"]);
    assert_eq!(project.git(&["write-tree"]), project.git(&["rev-parse", "fix^{tree}"]));
}

/// For every way to convert line ends: the branch has the tree that `git add` makes, and its diff
/// has the intended lines only.
#[test]
fn line_ends_are_stored_as_git_add_would() {
    let attributes = [
        "",
        "*.ts text=auto\n",
        "*.ts text\n",
        "*.ts text eol=crlf\n",
        "*.ts text=auto eol=lf\n",
        "*.ts -text\n",
        "*.ts eol=crlf\n",
        "*.ts binary\n",
    ];
    for stored in ["\n", "\r\n"] {
        for working in ["\n", "\r\n"] {
            for attribute in attributes {
                for autocrlf in ["false", "true", "input"] {
                    line_ends(stored, working, attribute, autocrlf);
                }
            }
        }
    }
}

fn line_ends(stored: &str, working: &str, attribute: &str, autocrlf: &str) {
    let case = format!("stored {stored:?}, working {working:?}, {attribute:?}, autocrlf {autocrlf}");
    let text = |end: &str, text: &str| text.replace('\n', end);
    let project = Project::committed(&[("a.ts", text(stored, OLD).as_str())]);
    if !attribute.is_empty() {
        project.put(".gitattributes", attribute);
        project.git(&["add", ".gitattributes"]);
        project.git(&["commit", "--quiet", "-m", "attributes"]);
    }
    project.git(&["config", "core.autocrlf", autocrlf]);
    project.git(&["config", "core.safecrlf", "false"]);
    project.put("a.ts", text(working, OLD));
    let changes =
        vec![project.change("a.ts", text(working, NEW)), project.create("b.ts", &text(working, NEW))];
    let commits = [commit("fix: a", changes)];
    let result = create_branch(project.root(), "fix", &commits, BranchOptions::default());

    // What git itself makes of the unchanged file says whether there is anything to leak.
    let old = project.git(&["rev-parse", "HEAD:a.ts"]);
    let clean = project.git(&["hash-object", "-w", "--path", "a.ts", "a.ts"]);
    if clean != old && working != stored {
        assert_refused(result, "a.ts", &Why::DiffersFromHead);
        return;
    }
    result.unwrap_or_else(|error| panic!("{case}: {error}"));
    let numbers = project.git(&["diff", "--numstat", "HEAD", "fix"]);
    // `-` where git takes the file for binary.
    assert!(numbers.starts_with("1\t1\ta.ts\n") || numbers.starts_with("-\t-\ta.ts\n"), "{case}: {numbers}");
    project.put("b.ts", text(working, NEW));
    project.git(&["add", "b.ts"]);
    assert_eq!(project.git(&["rev-parse", ":b.ts"]), project.git(&["rev-parse", "fix:b.ts"]), "{case}");
    if clean == old {
        project.put("a.ts", text(working, NEW));
        project.git(&["add", "a.ts"]);
        assert_eq!(project.git(&["write-tree"]), project.git(&["rev-parse", "fix^{tree}"]), "{case}");
    }
}

#[test]
fn a_byte_order_mark_and_mixed_line_ends_are_kept() {
    let project = Project::with_git();
    project.put("a.ts", "\u{feff}one\r\ntwo\nthree");
    project.commit_all();
    one(&project, "fix", vec![project.change("a.ts", "\u{feff}one\r\n2\nthree")]).unwrap();
    assert_eq!(project.git(&["show", "fix:a.ts"]), "\u{feff}one\r\n2\nthree");
}

#[test]
fn modes_are_those_of_the_last_commit() {
    let project = Project::with_git();
    project.put("run.ts", OLD);
    project.chmod("run.ts", 0o755);
    project.put("plain.ts", OLD);
    project.commit_all();
    project.chmod("plain.ts", 0o755); // An uncommitted change of mode is not ours to commit.
    let changes =
        vec![project.change("run.ts", NEW), project.change("plain.ts", NEW), project.create("new.ts", NEW)];
    one(&project, "fix", changes).unwrap();
    let tree = project.git(&["ls-tree", "--format=%(objectmode) %(path)", "fix"]);
    assert_eq!(tree, "100644 new.ts\n100644 plain.ts\n100755 run.ts");
}

#[test]
fn a_link_stays_and_the_file_it_leads_to_changes() {
    let project = Project::with_git();
    project.put("real/a.ts", OLD);
    symlink("real/a.ts", project.at("link.ts")).unwrap();
    symlink("real", project.at("dir")).unwrap();
    project.commit_all();
    let changes = vec![
        project.change("link.ts", NEW),
        project.change("dir/a.ts", NEW),
        project.create("dir/b.ts", NEW),
    ];
    let result = one(&project, "fix", changes).unwrap();
    assert_eq!(result.commits[0].paths, ["real/a.ts", "real/b.ts"]);
    assert_eq!(project.git(&["diff", "--name-only", "HEAD", "fix"]), "real/a.ts\nreal/b.ts");

    fs::write(project.outside().join("out.ts"), OLD).unwrap();
    symlink(project.outside().join("out.ts"), project.at("out.ts")).unwrap();
    let out = Why::Outside(project.outside().join("out.ts"));
    assert_refused(one(&project, "two", vec![project.change("out.ts", NEW)]), "out.ts", &out);
}

#[test]
fn uncommitted_changes_of_a_touched_file_are_refused_by_name() {
    let project = Project::committed(&[("a.ts", OLD), ("b.ts", OLD), ("gone.ts", OLD)]);
    project.put("b.ts", "mine\n");
    project.put("new.ts", "mine\n");
    fs::remove_file(project.at("gone.ts")).unwrap();
    let changes = vec![
        project.change("a.ts", NEW),
        project.change("b.ts", NEW),
        project.change("new.ts", NEW),
        project.create("gone.ts", NEW),
    ];
    let result = one(&project, "fix", changes);
    let text = result.as_ref().unwrap_err().to_string();
    assert!(
        text.contains("b.ts: differs") && text.contains("new.ts: is not in") && !text.contains("a.ts:"),
        "{text}"
    );
    assert_refused(result, "gone.ts", &Why::InHead);
    assert!(!has_branch(&project, "fix"));
}

#[test]
fn a_failure_in_a_later_commit_makes_no_branch() {
    let project = Project::committed(&[("a.ts", OLD)]);
    let first = project.change("a.ts", NEW);
    let broken = project.change("a.ts", "other\n"); // Planned on the old content, not on the first commit's.
    let commits = [commit("one", vec![first]), commit("two", vec![broken])];
    assert_refused(branch(&project, "fix", &commits), "a.ts", &Why::Broken);
    assert!(!has_branch(&project, "fix"));
}

#[test]
fn names_that_are_taken_or_invalid_are_refused() {
    let project = Project::committed(&[("a.ts", OLD)]);
    let change = || vec![project.change("a.ts", NEW)];
    assert_says(one(&project, "main", change()), "exists already");
    for name in ["", "a b", "a..b", "-a", "HEAD", "a.lock", "/a", "a/", "@{"] {
        assert_says(one(&project, name, change()), "not a valid branch name");
    }
    assert_says(one(&project, "main/x", change()), "cannot create the branch");
    one(&project, "fix/a", change()).unwrap();
    assert_says(one(&project, "fix", change()), "cannot create the branch");
    assert_eq!(project.git(&["branch", "--format=%(refname:short)"]), "fix/a\nmain");
}

#[test]
fn nothing_to_commit_makes_no_branch() {
    let project = Project::committed(&[("a.ts", OLD)]);
    assert_says(branch(&project, "fix", &[]), "nothing to commit");
    assert_says(one(&project, "fix", vec![project.change("a.ts", OLD)]), "nothing to commit");
    assert!(!has_branch(&project, "fix"));
    let commits = [commit("empty", vec![]), commit("full", vec![project.change("a.ts", NEW)])];
    let result = branch(&project, "fix", &commits).unwrap();
    assert_eq!(result.notes, [Note::LeftOut("empty".to_owned())]);
    assert_eq!(result.commits.len(), 1);
}

#[test]
fn without_commit_repository_or_working_tree_there_is_a_clear_word() {
    let project = Project::new();
    project.put("a.ts", OLD);
    let change = || vec![project.change("a.ts", NEW)];
    assert_says(one(&project, "fix", change()), "is not in a git repository");
    project.git(&["init", "--quiet"]);
    assert_says(one(&project, "fix", change()), "has no commit yet");
    let bare = project.outside().join("bare.git");
    project.git(&["init", "--quiet", "--bare", bare.to_str().unwrap()]);
    let commits = [commit("fix", change())];
    assert_says(create_branch(&bare, "fix", &commits, BranchOptions::default()), "is bare");
}

#[test]
fn a_missing_name_says_how_to_set_it() {
    let project = Project::committed(&[("a.ts", OLD)]);
    project.git(&["config", "user.name", ""]);
    assert_says(one(&project, "fix", vec![project.change("a.ts", NEW)]), "git config user.name");
    assert!(!has_branch(&project, "fix"));
}

#[test]
fn a_detached_head_is_a_base_like_any_other() {
    let project = Project::committed(&[("a.ts", OLD)]);
    project.git(&["checkout", "--quiet", "--detach"]);
    let head = project.git(&["rev-parse", "HEAD"]);
    let result = one(&project, "fix", vec![project.change("a.ts", NEW)]).unwrap();
    assert_eq!(result.base, head);
    assert_eq!(fs::read_to_string(project.at(".git/HEAD")).unwrap().trim(), head);
}

#[test]
fn a_linked_worktree_starts_from_its_own_head() {
    let project = Project::committed(&[("a.ts", OLD)]);
    let linked = project.outside().join("linked");
    project.git(&["worktree", "add", "--quiet", "-b", "side", linked.to_str().unwrap()]);
    fs::write(linked.join("a.ts"), "side\n").unwrap();
    git_in(&linked, &["commit", "--quiet", "--all", "-m", "side"]);
    let change = FileChange {
        file: linked.join("a.ts"),
        path: "a.ts".to_owned(),
        before: Some(b"side\n".as_slice().into()),
        after: b"new\n".as_slice().into(),
    };
    let result =
        create_branch(&linked, "fix", &[commit("fix", vec![change])], BranchOptions::default()).unwrap();
    assert_eq!(result.base, git_in(&linked, &["rev-parse", "HEAD"]));
    assert_eq!(git_in(&linked, &["status", "--porcelain"]), "");
    assert_eq!(git_in(&linked, &["rev-parse", "--abbrev-ref", "HEAD"]), "side");
    assert_eq!(project.git(&["show", "fix:a.ts"]), "new");
}

#[test]
fn a_project_in_a_subdirectory_gets_paths_from_the_top() {
    let project = Project::committed(&[("apps/one/lib/a.ts", OLD), ("apps/two/a.ts", OLD)]);
    let changes = vec![project.change("apps/one/lib/a.ts", NEW)];
    let repository = project.at("apps/one");
    create_branch(
        &repository,
        "fix",
        &[commit("fix", changes)],
        BranchOptions { reflog: Some("by hand"), update: false },
    )
    .unwrap();
    assert_eq!(project.git(&["diff", "--name-only", "HEAD", "fix"]), "apps/one/lib/a.ts");
    assert!(project.git(&["reflog", "fix"]).contains("by hand"));
}

#[test]
fn a_file_of_a_submodule_is_refused_by_name() {
    let project = Project::committed(&[("a.ts", OLD)]);
    let other = Project::committed(&[("b.ts", OLD)]);
    let url = other.root().to_str().unwrap();
    project.git(&["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", url, "libs/sub"]);
    project.commit_all();
    let change = project.change("libs/sub/b.ts", NEW);
    let submodule = Why::Submodule("libs/sub".to_owned());
    assert_refused(one(&project, "fix", vec![change.clone()]), "libs/sub/b.ts", &submodule);
    // In the submodule itself it works, and the outer project only has a new object there.
    let sub = project.at("libs/sub");
    git_in(&sub, &["config", "user.name", "Ada"]);
    git_in(&sub, &["config", "user.email", "ada@example.com"]);
    create_branch(&sub, "fix", &[commit("fix", vec![change])], BranchOptions::default()).unwrap();
    assert_eq!(git_in(&sub, &["show", "--format=", "--name-only", "fix"]), "b.ts");
    assert_eq!(project.git(&["status", "--porcelain"]), "");
}

#[test]
fn a_sparse_checkout_keeps_what_is_not_checked_out() {
    let project = Project::committed(&[("in/a.ts", OLD), ("out/b.ts", OLD), ("out/c.ts", OLD)]);
    project.git(&["sparse-checkout", "set", "in"]);
    assert!(!project.at("out/b.ts").exists());
    one(&project, "fix", vec![project.change("in/a.ts", NEW)]).unwrap();
    assert_eq!(project.git(&["diff", "--name-only", "HEAD", "fix"]), "in/a.ts");
    assert_eq!(project.git(&["status", "--porcelain"]), "");
    assert_refused(one(&project, "two", vec![project.create("out/b.ts", NEW)]), "out/b.ts", &Why::InHead);
}

#[test]
fn hooks_do_not_run() {
    let project = Project::committed(&[("a.ts", OLD)]);
    for hook in ["pre-commit", "commit-msg", "post-commit", "prepare-commit-msg", "reference-transaction"] {
        let file = project.at(".git/hooks").join(hook);
        fs::create_dir_all(project.at(".git/hooks")).unwrap();
        fs::write(&file, "#!/bin/sh\ntouch \"$(dirname \"$0\")/ran\"\nexit 1\n").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    }
    one(&project, "fix", vec![project.change("a.ts", NEW)]).unwrap();
    assert!(!project.at(".git/hooks/ran").exists());
}

#[test]
fn signing_is_not_done_and_said() {
    let project = Project::committed(&[("a.ts", OLD)]);
    project.git(&["config", "commit.gpgsign", "true"]);
    let result = one(&project, "fix", vec![project.change("a.ts", NEW)]).unwrap();
    assert_eq!(result.notes, [Note::Unsigned]);
}

#[test]
fn an_ignored_new_file_is_committed_and_said() {
    let project = Project::committed(&[("a.ts", OLD), (".gitignore", "*.gen.ts\n")]);
    let result = one(&project, "fix", vec![project.create("lib/x.gen.ts", NEW)]).unwrap();
    assert_eq!(result.notes, [Note::Ignored("lib/x.gen.ts".to_owned())]);
}

#[test]
fn filters_that_wa_fix_does_not_run_are_refused_by_name() {
    let project = Project::with_git();
    project.put(
        ".gitattributes",
        "l.ts filter=lfs\nc.ts filter=own\nu.ts filter=unknown\ne.ts working-tree-encoding=UTF-16\n",
    );
    for path in ["l.ts", "c.ts", "u.ts"] {
        project.put(path, OLD);
    }
    project.put("e.ts", b"\xff\xfea\0\n\0");
    project.commit_all();
    project.git(&["config", "filter.own.clean", "cat"]);
    let change = |path| vec![project.change(path, NEW)];
    assert_refused(one(&project, "fix", change("l.ts")), "l.ts", &Why::Filter("lfs".to_owned()));
    assert_refused(one(&project, "fix", change("c.ts")), "c.ts", &Why::Filter("own".to_owned()));
    assert_refused(one(&project, "fix", change("e.ts")), "e.ts", &Why::Encoding("UTF-16".to_owned()));
    one(&project, "fix", change("u.ts")).unwrap();
}

/// Names that sort differently as files and as directories, which trees are sensitive to.
#[test]
fn trees_stay_in_order() {
    let project = Project::committed(&[("a/x.ts", OLD), ("a.ts", OLD), ("a-b.ts", OLD), ("a0/y.ts", OLD)]);
    let changes = vec![
        project.change("a/x.ts", NEW),
        project.change("a.ts", NEW),
        project.change("a0/y.ts", NEW),
        project.create("a-b/z.ts", NEW),
        project.create("a/b/c.ts", NEW),
        project.create("a.b.ts", NEW),
    ];
    one(&project, "fix", changes).unwrap();
    assert_eq!(
        project.git(&["diff", "--name-only", "HEAD", "fix"]),
        "a-b/z.ts\na.b.ts\na.ts\na/b/c.ts\na/x.ts\na0/y.ts"
    );
}

#[test]
fn a_file_in_the_place_of_a_directory_is_refused() {
    let project = Project::committed(&[("a.ts", OLD)]);
    let why = Why::ParentNotDirectory(project.at("a.ts"));
    assert_refused(one(&project, "fix", vec![project.create("a.ts/b.ts", NEW)]), "a.ts/b.ts", &why);
    let other = Path::new("a.ts/b.ts");
    assert!(!project.root().join(other).exists());
}

#[test]
fn the_journal_of_a_linked_worktree_is_its_own() {
    let project = Project::committed(&[("a.ts", OLD)]);
    let linked = project.outside().join("linked");
    project.git(&["worktree", "add", "--quiet", "-b", "side", linked.to_str().unwrap()]);
    let state = wa_fix::write::StateDir::in_repository(&linked).unwrap();
    assert_eq!(state.base(), linked);
    assert_eq!(state.dir(), project.at(".git/worktrees/linked/wa-fix"));
    assert_ne!(state, project.state());
}

#[test]
fn a_sparse_index_is_refused_with_the_way_out() {
    let project = Project::committed(&[("in/a.ts", OLD), ("out/deep/b.ts", OLD), ("c.ts", OLD)]);
    project.git(&["sparse-checkout", "set", "--cone", "--sparse-index", "in"]);
    assert_says(one(&project, "fix", vec![project.change("in/a.ts", NEW)]), "reapply --no-sparse-index");
    project.git(&["sparse-checkout", "reapply", "--no-sparse-index"]);
    one(&project, "fix", vec![project.change("in/a.ts", NEW)]).unwrap();
    assert_eq!(project.git(&["diff", "--name-only", "HEAD", "fix"]), "in/a.ts");
    assert_eq!(project.git(&["status", "--porcelain"]), "");
}

#[test]
fn an_unfinished_merge_is_left_alone() {
    let project = Project::committed(&[("a.ts", OLD), ("b.ts", OLD)]);
    project.git(&["checkout", "--quiet", "-b", "side"]);
    project.put("b.ts", "side\n");
    project.commit_all();
    project.git(&["checkout", "--quiet", "main"]);
    project.put("b.ts", "main\n");
    project.commit_all();
    assert!(!try_git(project.root(), &["merge", "side"]).0);
    let before = state(&project);
    one(&project, "fix", vec![project.change("a.ts", NEW)]).unwrap();
    assert_refused(one(&project, "two", vec![project.change("b.ts", NEW)]), "b.ts", &Why::DiffersFromHead);
    assert_eq!(state(&project), before);
    assert!(project.at(".git/MERGE_HEAD").exists());
}
