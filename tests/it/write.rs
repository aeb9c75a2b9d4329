//! Applying to the working tree, and undoing.
#![expect(clippy::disallowed_methods, reason = "tests prepare files")]

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, symlink};
use std::process::Command;

use wa_fix::write::{StateDir, Step, Why, WriteError, undo};

use crate::project::Project;

#[track_caller]
fn assert_refused<T: std::fmt::Debug>(result: Result<T, WriteError>, why: &Why) {
    match result {
        Err(WriteError::Refused(refusals)) => {
            assert!(refusals.iter().any(|refusal| refusal.why == *why), "{refusals:?}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn files_are_changed_and_created_and_put_back() {
    let project = Project::new();
    project.put("lib/a.ts", "old a\n");
    project.put("b.ts", "old b\n");
    let old = project.tree();
    let changes = [
        project.change("lib/a.ts", "new a\n"),
        project.change("b.ts", "new b\n"),
        project.create("lib/deep/er/c.ts", "new c\n"),
    ];
    let applied = project.apply(&changes).unwrap();
    assert_eq!(applied.written, ["b.ts", "lib/a.ts"]);
    assert_eq!(applied.created, ["lib/deep/er/c.ts"]);
    assert_eq!(project.read("lib/deep/er/c.ts"), b"new c\n");
    assert_eq!(project.tree().len(), 6, "{:?}", project.tree().keys());

    let undone = project.undo().unwrap();
    assert_eq!(undone.restored, [project.at("b.ts"), project.at("lib/a.ts")]);
    assert_eq!(undone.removed, [project.at("lib/deep/er/c.ts")]);
    assert_eq!(project.tree(), old);
    assert!(matches!(project.undo(), Err(WriteError::NothingToUndo { .. })));
}

#[test]
fn undo_goes_back_run_by_run() {
    let project = Project::new();
    project.put("a.ts", "0");
    for run in 1..=3 {
        project.apply(&[project.change("a.ts", run.to_string())]).unwrap();
    }
    for run in (0..3).rev() {
        project.undo().unwrap();
        assert_eq!(project.read("a.ts"), run.to_string().as_bytes());
    }
}

#[test]
fn the_last_ten_runs_are_kept() {
    let project = Project::new();
    project.put("a.ts", "0");
    for run in 1..=12 {
        project.apply(&[project.change("a.ts", run.to_string())]).unwrap();
    }
    assert_eq!(fs::read_dir(project.state().dir().join("runs")).unwrap().count(), 10);
    for _ in 0..10 {
        project.undo().unwrap();
    }
    assert_eq!(project.read("a.ts"), b"2");
    assert!(matches!(project.undo(), Err(WriteError::NothingToUndo { .. })));
}

#[test]
fn undo_refuses_by_name_when_a_file_was_changed_and_changes_nothing() {
    let project = Project::new();
    project.put("a.ts", "old");
    project.put("b.ts", "old");
    project.put("c.ts", "old");
    let changes = [
        project.change("a.ts", "new"),
        project.change("b.ts", "new"),
        project.change("c.ts", "new"),
        project.create("d.ts", "new"),
    ];
    project.apply(&changes).unwrap();
    project.put("b.ts", "mine");
    fs::remove_file(project.at("c.ts")).unwrap();
    let tree = project.tree();
    let error = project.undo().unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, WriteError::ChangedSince { ref files, .. } if files.len() == 2), "{text}");
    assert!(text.contains("b.ts") && text.contains("c.ts") && !text.contains("a.ts"), "{text}");
    assert_eq!(project.tree(), tree);
}

#[test]
fn undo_accepts_files_that_are_back_already() {
    let project = Project::new();
    project.put("a.ts", "old");
    project.put("b.ts", "old");
    project
        .apply(&[project.change("a.ts", "new"), project.change("b.ts", "new"), project.create("c.ts", "new")])
        .unwrap();
    project.put("a.ts", "old");
    fs::remove_file(project.at("c.ts")).unwrap();
    let undone = project.undo().unwrap();
    assert_eq!(undone.already, [project.at("a.ts"), project.at("c.ts")]);
    assert_eq!(undone.restored, [project.at("b.ts")]);
}

#[test]
fn undo_keeps_a_created_directory_that_is_in_use() {
    let project = Project::new();
    project.apply(&[project.create("new/a.ts", "a")]).unwrap();
    project.put("new/mine.ts", "mine");
    project.undo().unwrap();
    assert!(!project.at("new/a.ts").exists());
    assert_eq!(project.read("new/mine.ts"), b"mine");
}

#[test]
fn undo_works_after_the_project_was_moved() {
    let project = Project::with_git();
    project.put("a.ts", "old");
    project.apply(&[project.change("a.ts", "new")]).unwrap();
    let moved = project.outside().join("moved");
    fs::rename(project.root(), &moved).unwrap();
    undo(&StateDir::in_repository(&moved).unwrap(), None).unwrap();
    assert_eq!(fs::read(moved.join("a.ts")).unwrap(), b"old");
}

#[test]
fn the_journal_does_not_dirty_git_status() {
    let project = Project::committed(&[("apps/one/a.ts", "old\n")]);
    let state = StateDir::in_repository(&project.at("apps/one")).unwrap();
    assert_eq!(state, project.state());
    project.apply(&[project.change("apps/one/a.ts", "new\n")]).unwrap();
    assert_eq!(project.git(&["status", "--porcelain", "--ignored"]), " M apps/one/a.ts");
    project.undo().unwrap();
    assert_eq!(project.git(&["status", "--porcelain", "--ignored"]), "");
}

#[test]
fn stale_content_is_refused_for_every_file_at_once() {
    let project = Project::new();
    project.put("a.ts", "old");
    project.put("b.ts", "old");
    let changes =
        [project.change("a.ts", "new"), project.change("b.ts", "new"), project.create("c.ts", "new")];
    project.put("b.ts", "mine");
    project.put("c.ts", "mine");
    let tree = project.tree();
    let error = project.apply(&changes).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("b.ts: was changed") && text.contains("c.ts: exists"), "{text}");
    assert_eq!(project.tree(), tree);
}

/// Torture test 5, in its narrowest form: saved between the check and the rename.
#[test]
fn a_save_in_the_last_moment_wins() {
    let project = Project::new();
    project.put("a.ts", "old");
    project.put("b.ts", "old");
    let saved = |step| {
        if step == Step::Staged(1) {
            fs::write(project.at("b.ts"), "mine")?;
        }
        Ok(())
    };
    let changes = [project.change("a.ts", "new"), project.change("b.ts", "new")];
    let error = project.apply_with(&changes, &saved).unwrap_err();
    assert!(error.to_string().contains("changed in the meantime"), "{error}");
    assert_eq!((project.read("a.ts"), project.read("b.ts")), (b"old".to_vec(), b"mine".to_vec()));
    assert_eq!(project.tree().len(), 2);
}

#[test]
fn a_file_that_appears_in_the_last_moment_is_kept() {
    let project = Project::new();
    let create = project.create("a.ts", "new");
    let saved = |step| if step == Step::Staged(0) { fs::write(project.at("a.ts"), "mine") } else { Ok(()) };
    project.apply_with(&[create], &saved).unwrap_err();
    assert_eq!(project.read("a.ts"), b"mine");
    assert_eq!(project.tree().len(), 1);
}

#[test]
fn a_file_that_is_saved_after_its_replacement_is_named_when_rolling_back() {
    let project = Project::new();
    project.put("a.ts", "old");
    project.put("b.ts", "old");
    let saved = |step| match step {
        Step::Replaced(0) => fs::write(project.at("a.ts"), "mine"),
        Step::Replaced(1) => Err(io::Error::other("injected")),
        _ => Ok(()),
    };
    let changes = [project.change("a.ts", "new"), project.change("b.ts", "new")];
    let error = project.apply_with(&changes, &saved).unwrap_err();
    assert!(matches!(&error, WriteError::NotRolledBack { left, .. } if left[0].file == project.at("a.ts")));
    assert_eq!((project.read("a.ts"), project.read("b.ts")), (b"mine".to_vec(), b"old".to_vec()));
    // The next run gives up on that file, says where its original is, and goes on.
    let applied = project.apply(&[project.change("b.ts", "newer")]).unwrap();
    let kept = applied.recovered[0].originals.clone().unwrap();
    assert_eq!(fs::read(kept.join("0.before")).unwrap(), b"old");
    assert_eq!((project.read("a.ts"), project.read("b.ts")), (b"mine".to_vec(), b"newer".to_vec()));
}

#[test]
fn mode_bits_are_kept_and_put_back() {
    let project = Project::new();
    for (path, mode) in [("a.ts", 0o755), ("b.ts", 0o600), ("c.ts", 0o4711)] {
        project.put(path, "old");
        project.chmod(path, mode);
    }
    let old = project.tree();
    let changes = ["a.ts", "b.ts", "c.ts"].map(|path| project.change(path, "new"));
    project.apply(&changes).unwrap();
    assert_eq!(["a.ts", "b.ts", "c.ts"].map(|path| project.mode(path)), [0o755, 0o600, 0o4711]);
    project.undo().unwrap();
    assert_eq!(project.tree(), old);
}

#[test]
fn created_files_have_the_mode_of_any_new_file() {
    let project = Project::new();
    project.put("usual.ts", "");
    project.apply(&[project.create("a.ts", "new")]).unwrap();
    assert_eq!(project.mode("a.ts"), project.mode("usual.ts"));
}

#[test]
fn owner_and_group_are_kept() {
    let project = Project::new();
    project.put("a.ts", "old");
    if std::os::unix::fs::chown(project.at("a.ts"), Some(1234), Some(1235)).is_err() {
        return; // Only root can give files away; for others there is nothing to keep.
    }
    project.chmod("a.ts", 0o664);
    project.apply(&[project.change("a.ts", "new")]).unwrap();
    let meta = fs::metadata(project.at("a.ts")).unwrap();
    assert_eq!((meta.uid(), meta.gid(), project.mode("a.ts")), (1234, 1235, 0o664));
}

/// Torture tests 7 and 8: bytes are bytes.
#[test]
fn bytes_are_kept_as_they_are() {
    let project = Project::new();
    let old = b"\xef\xbb\xbfa\r\nb\n\xe9\0\r";
    project.put("a.ts", old);
    project.apply(&[project.change("a.ts", b"\xef\xbb\xbfA\r\nb\n\xe9\0\r")]).unwrap();
    assert_eq!(project.read("a.ts"), b"\xef\xbb\xbfA\r\nb\n\xe9\0\r");
    project.undo().unwrap();
    assert_eq!(project.read("a.ts"), old);
}

#[test]
fn a_link_inside_is_followed_and_stays_a_link() {
    let project = Project::new();
    project.put("real/a.ts", "old");
    symlink("real/a.ts", project.at("link.ts")).unwrap();
    symlink("real", project.at("dir")).unwrap();
    // The file and a link to it, changed alike, are one change.
    let changes = [project.change("link.ts", "new"), project.change("dir/a.ts", "new")];
    project.apply(&changes).unwrap();
    assert!(project.at("link.ts").symlink_metadata().unwrap().is_symlink());
    assert_eq!(project.read("real/a.ts"), b"new");
    project.apply(&[project.create("dir/new.ts", "new")]).unwrap();
    assert_eq!(project.read("real/new.ts"), b"new");
    project.undo().unwrap();
    project.undo().unwrap();
    assert!(project.at("link.ts").symlink_metadata().unwrap().is_symlink());
    assert_eq!(project.read("link.ts"), b"old");

    let two = [project.change("link.ts", "one"), project.change("real/a.ts", "two")];
    assert_refused(project.apply(&two), &Why::Twice("link.ts".to_owned()));
}

#[test]
fn what_leads_out_of_the_project_is_refused() {
    let project = Project::new();
    let out = project.outside().join("out.ts");
    fs::write(&out, "old").unwrap();
    symlink(&out, project.at("link.ts")).unwrap();
    symlink(project.outside(), project.at("dir")).unwrap();
    assert_refused(project.apply(&[project.change("link.ts", "new")]), &Why::Outside(out.clone()));
    assert_refused(project.apply(&[project.change("dir/out.ts", "new")]), &Why::Outside(out.clone()));
    let fresh = project.outside().join("fresh/b.ts");
    assert_refused(project.apply(&[project.create("dir/fresh/b.ts", "new")]), &Why::Outside(fresh.clone()));
    assert_refused(project.apply(&[project.create("../fresh/b.ts", "new")]), &Why::Outside(fresh));
    assert_eq!(fs::read(&out).unwrap(), b"old");
}

#[test]
fn what_is_no_file_is_refused() {
    let project = Project::new();
    project.put("file.ts", "old");
    project.put("dir.ts/x", "");
    assert!(Command::new("mkfifo").arg(project.at("pipe.ts")).status().unwrap().success());
    assert!(project.at("pipe.ts").metadata().unwrap().file_type().is_fifo());
    symlink("nowhere.ts", project.at("dangling.ts")).unwrap();
    let change = |path: &str| {
        let mut change = project.change("file.ts", "new");
        change.file = project.at(path);
        change
    };
    assert_refused(project.apply(&[change("pipe.ts")]), &Why::NotAFile);
    assert_refused(project.apply(&[change("dir.ts")]), &Why::NotAFile);
    assert_refused(project.apply(&[change("dangling.ts")]), &Why::Missing);
    assert_refused(project.apply(&[change("gone.ts")]), &Why::Missing);
    assert_refused(project.apply(&[project.create("dangling.ts", "")]), &Why::Exists);
    let parent = Why::ParentNotDirectory(project.at("file.ts"));
    assert_refused(project.apply(&[project.create("file.ts/a.ts", "")]), &parent);
    assert_refused(project.apply(&[project.create("file.ts/b/a.ts", "")]), &parent);
    let parent = Why::ParentNotDirectory(project.at("dangling.ts"));
    assert_refused(project.apply(&[project.create("dangling.ts/b/a.ts", "")]), &parent);
}

#[test]
fn a_read_only_file_is_refused_and_the_others_are_not_written() {
    let project = Project::new();
    project.put("a.ts", "old");
    project.put("b.ts", "old");
    project.chmod("b.ts", 0o444);
    let old = project.tree();
    let changes = [project.change("a.ts", "new"), project.change("b.ts", "new")];
    assert_refused(project.apply(&changes), &Why::ReadOnly);
    assert_eq!(project.tree(), old);
}

#[test]
fn hard_links_are_kept() {
    let project = Project::new();
    project.put("a.ts", "old content, longer");
    fs::hard_link(project.at("a.ts"), project.at("b.ts")).unwrap();
    for after in ["new", "and now something that is much longer than before"] {
        project.apply(&[project.change("a.ts", after)]).unwrap();
        assert_eq!(project.read("b.ts"), after.as_bytes());
    }
    project.undo().unwrap();
    project.undo().unwrap();
    assert_eq!(project.read("b.ts"), b"old content, longer");
    assert_eq!(fs::metadata(project.at("a.ts")).unwrap().nlink(), 2);
}

#[test]
fn two_runs_at_once_cannot_be() {
    let project = Project::new();
    project.put("a.ts", "old");
    project.put("b.ts", "old");
    let second = project.change("b.ts", "new");
    let during = |step| {
        if step == Step::Recorded {
            assert!(matches!(project.apply(std::slice::from_ref(&second)), Err(WriteError::Busy { .. })));
            assert!(matches!(project.undo(), Err(WriteError::Busy { .. })));
        }
        Ok(())
    };
    project.apply_with(&[project.change("a.ts", "new")], &during).unwrap();
    assert_eq!(project.read("b.ts"), b"old");
    project.apply(&[second]).unwrap();
}

#[test]
fn nothing_to_write_is_no_run() {
    let project = Project::new();
    project.put("a.ts", "same");
    let applied = project.apply(&[project.change("a.ts", "same")]).unwrap();
    assert_eq!((applied.run, applied.written.len()), (None, 0));
    assert!(matches!(project.undo(), Err(WriteError::NothingToUndo { .. })));
}

#[test]
fn a_damaged_journal_is_named() {
    let project = Project::new();
    project.put("a.ts", "old");
    project.apply(&[project.change("a.ts", "new")]).unwrap();
    let record = project.state().dir().join("runs/00000001.done/record.json");
    let text = fs::read_to_string(&record).unwrap();
    for broken in
        ["{", &text.replace("\"a.ts\"", "\"../a.ts\""), &text.replace("\"schema\": 1", "\"schema\": 2")]
    {
        fs::write(&record, broken).unwrap();
        let error = project.undo().unwrap_err();
        assert!(error.to_string().contains("00000001.done"), "{error}");
        assert_eq!(project.read("a.ts"), b"new");
    }
}
