//! The unified diff is taken by the real `git apply` and the real `patch -p1`, byte for byte.
#![expect(clippy::disallowed_methods, reason = "these tests lay out files of their own")]

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use wa_fix::edit::FileChange;
use wa_fix::report::{Look, diff};

fn change(path: &str, before: Option<&str>, after: &str) -> FileChange {
    FileChange {
        file: path.into(),
        path: path.to_owned(),
        before: before.map(|text| Arc::from(text.as_bytes())),
        after: Arc::from(after.as_bytes()),
    }
}

fn printed(changes: &[FileChange], context: usize, look: Look) -> String {
    let mut out = Vec::new();
    diff::write(changes, context, look, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// Runs a command of which the patch is the input. `false` where there is no such program.
fn run(folder: &Path, program: &str, arguments: &[&str], patch: &str) -> bool {
    let child = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else { return false };
    child.stdin.take().unwrap().write_all(patch.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr) + String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{program} {arguments:?} refused it: {said}\n{patch}");
    true
}

/// Applies the printed diff in `folder` of a fresh repository with each program, and compares.
#[track_caller]
fn round_trip_in(folder: &str, changes: &[FileChange], context: usize) {
    let patch = printed(changes, context, Look::PLAIN);
    let coloured = printed(changes, context, Look { colour: true, ..Look::PLAIN });
    assert_eq!(console::strip_ansi_codes(&coloured), patch);
    let zero: &[&str] = if context == 0 { &["--unidiff-zero"] } else { &[] };
    for (program, arguments) in [("git", [&["apply"], zero].concat()), ("patch", vec!["-p1", "--force"])] {
        let top = tempfile::tempdir().unwrap();
        assert!(run(top.path(), "git", &["init", "-q"], ""), "git is needed");
        let here = top.path().join(folder);
        for change in changes {
            let file = here.join(&change.path);
            if let Some(before) = &change.before {
                fs::create_dir_all(file.parent().unwrap()).unwrap();
                fs::write(file, before).unwrap();
            }
        }
        fs::create_dir_all(&here).unwrap();
        if !run(&here, program, &arguments, &patch) {
            assert_ne!(program, "git", "git is needed");
            continue;
        }
        for change in changes {
            let is = fs::read(here.join(&change.path)).unwrap();
            assert_eq!(
                String::from_utf8_lossy(&is),
                String::from_utf8_lossy(&change.after),
                "{program}: {}\n{patch}",
                change.path
            );
        }
    }
}

#[track_caller]
fn round_trip(changes: &[FileChange]) {
    round_trip_in("", changes, diff::CONTEXT);
}

#[test]
fn one_line_several_hunks_and_both_ends_of_a_file() {
    let lines: Vec<_> = (1..=40).map(|n| format!("line {n};\n")).collect();
    let before = lines.concat();
    let after = before
        .replace("line 1;\n", "")
        .replace("line 20;", "line twenty;\nand one more;")
        .replace("line 40;", "line forty;");
    let change = change("lib/x.ts", Some(&before), &after);
    assert_eq!(printed(std::slice::from_ref(&change), 3, Look::PLAIN).matches("\n@@ ").count(), 3);
    round_trip(std::slice::from_ref(&change));
    round_trip_in("", std::slice::from_ref(&change), 0);
    round_trip_in("", std::slice::from_ref(&change), 10);
}

#[test]
fn line_ends_and_the_mark_are_kept_byte_for_byte() {
    round_trip(&[
        change("crlf.ts", Some("a\r\nb\r\nc\r\n"), "a\r\nB\r\nmore\r\nc\r\n"),
        change("mixed.ts", Some("a\r\nb\nc\r\n"), "a\r\nb\r\nc\n"),
        change("cr.ts", Some("a\rb\rc\n1\n"), "a\rB\rc\n1\n"),
        change("bom.ts", Some("\u{feff}a;\nb;\n"), "\u{feff}import c;\na;\nb;\n"),
        change("bom-crlf.ts", Some("\u{feff}a;\r\nb;\r\n"), "\u{feff}a;\r\nb2;\r\n"),
        change("u2028.ts", Some("a\u{2028}b\u{c}c\u{b}d\u{85}e\nx\n"), "a\u{2028}B\u{c}c\u{b}d\u{85}e\nx\n"),
    ]);
}

#[test]
fn files_without_a_last_line_end() {
    round_trip(&[
        change("both.ts", Some("a\nb"), "a\nB"),
        change("gets.ts", Some("a\nb"), "a\nb\n"),
        change("loses.ts", Some("a\nb\n"), "a\nb"),
        change("context.ts", Some("a\nb\nc"), "A\nb\nc"),
        change("crlf.ts", Some("a\r\nb"), "a\r\nb\r\nc"),
        change("one.ts", Some("a"), "b"),
    ]);
}

#[test]
fn created_and_emptied_files() {
    let created = change("lib/new folder/deep/x.ts", None, "export const x = 1;\n");
    let patch = printed(std::slice::from_ref(&created), 3, Look::PLAIN);
    assert!(patch.starts_with("--- /dev/null\n+++ b/lib/new folder/deep/x.ts\t\n@@ -0,0 +1 @@\n"), "{patch}");
    round_trip(&[
        created,
        change("json/new.json", None, "{}"),
        change("from-empty.ts", Some(""), "a\n"),
        change("only-mark.ts", Some("\u{feff}"), "\u{feff}a\n"),
    ]);
}

#[test]
fn names_with_spaces_quotes_and_other_scripts() {
    round_trip(&[
        change("my lib/the stack.ts", Some("a\n"), "b\n"),
        change("größe/日本.ts", Some("a\n"), "b\n"),
        change("größe/neu 日本.ts", None, "b\n"),
        change("say \"hi\".ts", Some("a\n"), "b\n"),
        change("back\\slash.ts", Some("a\n"), "b\n"),
        change("tab\tname.ts", Some("a\n"), "b\n"),
        change("[x](y)'$z'.ts", Some("a\n"), "b\n"),
    ]);
}

#[test]
fn lines_that_look_like_a_patch() {
    round_trip(&[change(
        "x.ts",
        Some("-- a/y.ts\n++ b/y.ts\n@@ -1 +1 @@\n\\ No newline at end of file\ndiff --git a/y b/y\n"),
        "-- a/z.ts\n++ b/z.ts\n@@ -1,2 +1 @@\n\\ No newline\ndiff --git a/z b/z\n",
    )]);
}

#[test]
fn the_paths_are_relative_to_the_current_directory() {
    round_trip_in(
        "packages/infra",
        &[change("lib/x.ts", Some("a\n"), "b\n"), change("new/y.ts", None, "b\n")],
        3,
    );
}

#[test]
fn nothing_changed_is_nothing_printed_and_order_is_by_path() {
    assert_eq!(printed(&[change("x.ts", Some("a\n"), "a\n")], 3, Look::PLAIN), "");
    assert_eq!(printed(&[change("x.ts", None, "")], 3, Look::PLAIN), "");
    let (x, y) = (change("x.ts", Some("a\n"), "b\n"), change("y.ts", Some("a\n"), "b\n"));
    assert_eq!(printed(&[y.clone(), x.clone()], 3, Look::PLAIN), printed(&[x, y], 3, Look::PLAIN));
}

#[test]
fn bytes_that_are_not_text_do_not_panic() {
    let mut change = change("x.ts", None, "");
    change.before = Some(Arc::from(&b"a\xe9\n\xff"[..]));
    change.after = Arc::from(&b"b\xe9\n"[..]);
    assert!(printed(&[change], 3, Look { colour: true, ..Look::PLAIN }).contains('-'));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(400))]
    /// Colours never change what is printed.
    #[test]
    fn colours_are_only_colours(before in "[ab é(\r\n]{0,40}", after in "[ab é(\r\n]{0,40}") {
        let changes = [change("x.ts", Some(&before), &after)];
        let coloured = printed(&changes, 1, Look { colour: true, ..Look::PLAIN });
        proptest::prop_assert_eq!(console::strip_ansi_codes(&coloured), printed(&changes, 1, Look::PLAIN));
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(25))]
    /// Git takes every diff.
    #[test]
    fn git_takes_every_diff(before in "[ab\r\n]{0,60}", after in "[ab\r\n]{1,60}", context in 1usize..4) {
        round_trip_in("", &[change("x.ts", Some(&before), &after)], context);
    }
}
