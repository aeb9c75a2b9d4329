//! Failing and dying at every step: the files are all old or all new.
#![expect(clippy::disallowed_methods, reason = "tests prepare files")]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::process::{Command, ExitStatus};
use std::sync::LazyLock;

use wa_fix::edit::FileChange;
use wa_fix::write::{ApplyOptions, StateDir, Step, WriteError, apply, undo};

use crate::project::Project;

type Tree = BTreeMap<String, (Vec<u8>, u32)>;

/// A plan with every kind of file: replaced, hard-linked, executable, created in new directories.
fn prepare() -> (Project, Vec<FileChange>) {
    let project = Project::new();
    project.put("a.ts", "old a\n");
    project.put("lib/b.ts", "old b, which is longer than its new content\n");
    project.put("z.ts", "old z\n");
    project.chmod("z.ts", 0o755);
    fs::hard_link(project.at("lib/b.ts"), project.at("twin.ts")).unwrap();
    let changes = changes(&project);
    (project, changes)
}

fn changes(project: &Project) -> Vec<FileChange> {
    vec![
        project.change("a.ts", "new a\n"),
        project.change("lib/b.ts", "new b\n"),
        project.create("made/deep/c.ts", "new c\n"),
        project.change("z.ts", "new z\n"),
    ]
}

/// The tree before and after, and the steps of an apply (or of the undo after it).
fn expected(backwards: bool) -> (Tree, Tree, Vec<Step>) {
    let (project, changes) = prepare();
    let steps = RefCell::new(Vec::new());
    let note = |step| {
        steps.borrow_mut().push(step);
        Ok(())
    };
    let old = project.tree();
    project.apply_with(&changes, &note).unwrap();
    let new = project.tree();
    if !backwards {
        return (old, new, steps.into_inner());
    }
    steps.borrow_mut().clear();
    undo(&project.state(), Some(&note)).unwrap();
    assert_eq!(project.tree(), old);
    (new, old, steps.into_inner())
}

fn is_committed(step: Step) -> bool {
    matches!(step, Step::Committed | Step::Finished)
}

#[test]
fn a_failure_at_any_step_leaves_all_old_or_all_new() {
    for backwards in [false, true] {
        let (from, to, steps) = expected(backwards);
        assert!(steps.len() >= 10, "{steps:?}");
        assert!(steps.iter().any(|step| matches!(step, Step::HalfWritten(_))));
        for &step in &steps {
            let (project, changes) = prepare();
            if backwards {
                project.apply(&changes).unwrap();
            }
            let inode = fs::metadata(project.at("a.ts")).unwrap().ino();
            let fail = |now| if now == step { Err(io::Error::other("injected")) } else { Ok(()) };
            let result = if backwards {
                undo(&project.state(), Some(&fail)).map(drop)
            } else {
                project.apply_with(&changes, &fail).map(drop)
            };
            if is_committed(step) {
                result.unwrap();
                // Temporary names may be left; the next run removes them.
                let _ = project.apply(&[]).unwrap();
                assert_eq!(project.tree(), to, "{step:?}");
            } else {
                let error = result.unwrap_err();
                assert!(matches!(error, WriteError::Failed { .. }), "{step:?}: {error}");
                assert!(error.to_string().contains("nothing was changed"), "{error}");
                assert_eq!(project.tree(), from, "{step:?}");
                assert_eq!(fs::metadata(project.at("a.ts")).unwrap().ino(), inode, "{step:?}");
            }
        }
    }
}

/// Not a test of its own: the child that is killed. Its parent tells it what to do.
#[test]
fn child() {
    let Some(task) = std::env::var_os("WA_FIX_TEST_CHILD") else { return };
    let task: Vec<String> = task.to_str().unwrap().split('\n').map(str::to_owned).collect();
    let [root, home, backwards, step] = task.as_slice() else { panic!("{task:?}") };
    let (root, home) = (PathBuf::from(root), PathBuf::from(home));
    let die = |now: Step| {
        if format!("{now:?}") == *step {
            // A real SIGKILL: nothing of this process runs any more.
            Command::new("kill").args(["-9", &std::process::id().to_string()]).status()?;
            std::thread::sleep(std::time::Duration::from_mins(1));
        }
        Ok(())
    };
    let state = StateDir::locate(&home, &root).unwrap();
    if backwards == "true" {
        undo(&state, Some(&die)).unwrap();
    } else {
        let change = |path: &str, after: &str, new: bool| FileChange {
            file: root.join(path),
            path: path.to_owned(),
            before: (!new).then(|| fs::read(root.join(path)).unwrap().into()),
            after: after.as_bytes().into(),
        };
        let changes = [
            change("a.ts", "new a\n", false),
            change("lib/b.ts", "new b\n", false),
            change("made/deep/c.ts", "new c\n", true),
            change("z.ts", "new z\n", false),
        ];
        apply(&root, &changes, ApplyOptions { state: &state, on_step: Some(&die) }).unwrap();
    }
}

/// Runs [`child`] in a process of its own, after `limits` in its shell.
fn run_child(project: &Project, backwards: bool, step: &str, limits: &str) -> ExitStatus {
    let root = project.root().display();
    let home = project.outside().join("home").display().to_string();
    Command::new("sh")
        .args(["-c", &format!("{limits}\nexec \"$0\" --exact crash::child >/dev/null 2>&1")])
        .arg(std::env::current_exe().unwrap())
        .env("WA_FIX_TEST_CHILD", format!("{root}\n{home}\n{backwards}\n{step}"))
        .status()
        .unwrap()
}

#[test]
fn a_kill_at_any_step_leaves_all_old_or_all_new_after_the_next_run() {
    for backwards in [false, true] {
        let (from, to, steps) = expected(backwards);
        for &step in &steps {
            let (project, changes) = prepare();
            if backwards {
                project.apply(&changes).unwrap();
            }
            let status = run_child(&project, backwards, &format!("{step:?}"), "");
            assert!(!status.success(), "{step:?}: the child was not killed");
            let applied = project.apply(&[]).unwrap();
            let wanted = if is_committed(step) { &to } else { &from };
            assert_eq!(&project.tree(), wanted, "{step:?}, undo: {backwards}");
            assert_eq!(applied.recovered.is_empty(), is_committed(step), "{step:?}");
            // And the project can be worked with: there and back again.
            if !backwards && !is_committed(step) {
                project.apply(&self::changes(&project)).unwrap();
                project.undo().unwrap();
                assert_eq!(project.tree(), from, "{step:?}");
            }
        }
    }
}

#[test]
fn undo_after_a_kill_puts_back_the_interrupted_run_and_no_other() {
    let (project, _) = prepare();
    project.put("first.ts", "old");
    project.apply(&[project.change("first.ts", "new")]).unwrap();
    let before = project.tree();
    assert!(!run_child(&project, false, "Replaced(1)", "").success());
    assert_ne!(project.tree(), before);
    let undone = project.undo().unwrap();
    assert_eq!(undone.recovered.len(), 1);
    assert!(!undone.restored.is_empty());
    assert_eq!(project.tree(), before);
    project.undo().unwrap();
    assert_eq!(project.read("first.ts"), b"old");
}

/// Torture test 4: no byte can be written.
#[test]
fn a_full_disk_changes_nothing() {
    let (project, _) = prepare();
    let old = project.tree();
    // The signal of the limit is ignored, so that writing fails as on a full disk.
    assert!(!run_child(&project, false, "none", "trap '' XFSZ; ulimit -f 0").success());
    project.apply(&[]).unwrap();
    assert_eq!(project.tree(), old);
    // And with the signal, which kills.
    assert!(!run_child(&project, false, "none", "ulimit -f 0").success());
    project.apply(&[]).unwrap();
    assert_eq!(project.tree(), old);
}

/// The disk is full only when files are staged, after the journal was written.
#[test]
fn a_content_that_does_not_fit_changes_nothing() {
    let project = Project::new();
    project.put("a.ts", "old");
    project.put("b.ts", "old");
    let old = project.tree();
    // A directory in the place of the temporary name would do as well, but names are not foreseeable:
    // take the directory away instead.
    project.put("lib/c.ts", "old");
    let changes = [project.change("a.ts", "new"), project.change("lib/c.ts", "new")];
    let away = |step| {
        if step == Step::Staged(0) {
            fs::rename(project.at("lib"), project.outside().join("lib"))
        } else {
            Ok(())
        }
    };
    let error = project.apply_with(&changes, &away).unwrap_err();
    assert!(error.to_string().contains("lib/c.ts"), "{error}");
    assert_eq!(project.tree(), old);
    assert_eq!(fs::read(project.outside().join("lib/c.ts")).unwrap(), b"old");
}

#[test]
fn a_crash_without_hard_links_is_put_back_from_the_journal() {
    let (project, _) = prepare();
    let old = project.tree();
    assert!(!run_child(&project, false, "Replaced(3)", "").success());
    for item in fs::read_dir(project.root()).unwrap() {
        let path = item.unwrap().path();
        if path.to_str().unwrap().ends_with(".old.tmp") {
            fs::remove_file(path).unwrap();
        }
    }
    let applied = project.apply(&[]).unwrap();
    assert!(applied.recovered[0].restored.contains(&project.at("z.ts")));
    assert_eq!(project.tree(), old);
}

/// What `strace` does to the system calls of [`child`]: `tampering` as in its manual, such as
/// `signal=SIGKILL:when=3`. `None` where there is no `strace`, it may not trace, or
/// `WA_FIX_SLOW_TESTS` is not set: some two hundred runs take half a minute.
fn run_traced(project: &Project, backwards: bool, call: &str, tampering: &str) -> Option<ExitStatus> {
    static WORKS: LazyLock<bool> = LazyLock::new(|| {
        std::env::var_os("WA_FIX_SLOW_TESTS").is_some()
            && Command::new("strace")
                .args(["-qqq", "-e", "trace=none", "true"])
                .status()
                .is_ok_and(|it| it.success())
    });
    let root = project.root().display();
    let home = project.outside().join("home").display().to_string();
    WORKS.then(|| {
        Command::new("strace")
            .args(["-f", "-qqq", "-o", "/dev/null"])
            // Only what is traced can be tampered with.
            .args(["-e", &format!("trace={call}"), "-e", &format!("inject={call}:{tampering}")])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "crash::child"])
            .env("WA_FIX_TEST_CHILD", format!("{root}\n{home}\n{backwards}\nnone"))
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .status()
            .unwrap()
    })
}

/// The system calls that change something; which of two alike is used differs between machines.
/// `strace` counts each on its own, so they are tampered with one by one.
const CALLS: [&str; 15] = [
    "?rename",
    "?renameat",
    "?renameat2",
    "?link",
    "?linkat",
    "?unlink",
    "?unlinkat",
    "?mkdir",
    "?mkdirat",
    "?rmdir",
    "?chmod",
    "?fchmod",
    "?ftruncate",
    "?fsync",
    "?write",
];

/// Tampers with the first, second … call of a kind, until `enough` runs get through; how many did
/// not. After each, the next run finds or makes all old or all new.
fn tamper(call: &str, how: &str, from_there_on: &str, enough: usize) -> usize {
    let (mut through, mut stopped) = (0, 0);
    for backwards in [false, true] {
        let (from, to, _) = expected(backwards);
        through = 0;
        for count in 1..60 {
            let (project, changes) = prepare();
            if backwards {
                project.apply(&changes).unwrap();
            }
            let tampering = format!("{how}:when={count}{from_there_on}");
            let Some(status) = run_traced(&project, backwards, call, &tampering) else { return usize::MAX };
            let recovered = project.apply(&[]).unwrap().recovered;
            let now = project.tree();
            assert!(
                now == from || now == to,
                "{call}:{tampering}, undo: {backwards}: {now:?}\n{recovered:?}"
            );
            assert!(
                recovered.iter().all(|recovery| recovery.kept.is_empty()),
                "{call}:{tampering}: {recovered:?}"
            );
            if status.success() {
                assert_eq!(now, to, "{call}:{tampering}, undo: {backwards}");
                through += 1;
            } else {
                stopped += 1;
            }
            if through == enough {
                break;
            }
        }
    }
    assert_eq!(through, enough, "{call} never got through");
    stopped
}

#[test]
fn a_kill_at_any_system_call_leaves_all_old_or_all_new() {
    let stopped = CALLS.map(|call| tamper(call, "signal=SIGKILL", "", 1));
    // If nothing were killed, nothing would be tested.
    assert!(stopped.into_iter().fold(0, usize::saturating_add) > 60, "{stopped:?}");
}

#[test]
fn a_failure_of_any_system_call_leaves_all_old_or_all_new() {
    let mut stopped = 0usize;
    // Some failures are no reason to fail, so that one success is not the end.
    for call in
        ["?rename", "?renameat", "?renameat2", "?mkdir", "?mkdirat", "?fchmod", "?ftruncate", "?fsync"]
    {
        stopped = stopped.saturating_add(tamper(call, "error=EIO", "", 3));
    }
    // The disk stays full, for putting back as well.
    stopped = stopped.saturating_add(tamper("?write", "error=ENOSPC", "+", 1));
    assert!(stopped > 40, "{stopped}");
    // A file system without hard links is no reason to fail at all.
    assert!(matches!(tamper("?linkat", "error=EPERM", "+", 1), 0 | usize::MAX));
}

#[test]
fn a_run_may_have_more_files_than_a_process_may_open() {
    let project = Project::new();
    let changes: Vec<FileChange> = (0..90).map(|n| project.create(&format!("{n}.ts"), "new")).collect();
    let open = RefCell::new(0);
    let count = |_| {
        let now = fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
        let most = now.max(*open.borrow());
        *open.borrow_mut() = most;
        Ok(())
    };
    project.apply_with(&changes, &count).unwrap();
    // Other tests of this process have files open too, but not that many.
    assert!(*open.borrow() < 80, "{open:?}");
}
