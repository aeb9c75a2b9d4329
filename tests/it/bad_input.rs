//! Input that nobody should give and somebody will. Whatever it is: a message that says what, where and what
//! to do, an exit code that is true, nothing changed on disk, an end in time, and no panic.
#![expect(clippy::disallowed_methods, reason = "tests prepare files")]

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::project::{Project, same, try_git};
use crate::run::{JOB, MANIFEST, Ran, at_home};

/// The commands that look at code and shall not write here.
const LOOKING: [&[&str]; 2] = [&["scan"], &["diff"]];

/// Runs `scan`, `diff` and `apply` with the arguments: all end alike and none changes a byte.
#[track_caller]
fn refused<A: AsRef<OsStr>>(project: &Project, arguments: &[A], words: &str) -> Ran {
    let before = listing(project.root());
    let mut last = None;
    for command in ["scan", "diff", "apply"] {
        let mut all: Vec<OsString> = vec![command.into()];
        all.extend(arguments.iter().map(|argument| argument.as_ref().to_owned()));
        let ran = project.run(&all).ends(2).says(words);
        assert!(ran.out.is_empty(), "prose or half a report on standard output: {ran}");
        last = Some(ran);
    }
    assert_eq!(listing(project.root()), before);
    last.unwrap()
}

/// Every name below a folder with kind, size and time of change: `tree()` would read pipes.
fn listing(root: &Path) -> Vec<(PathBuf, u64, std::time::SystemTime)> {
    let mut all = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(dir) = open.pop() {
        let Ok(entries) = fs::read_dir(&dir) else { continue };
        for entry in entries {
            let path = entry.unwrap().path();
            let meta = path.symlink_metadata().unwrap();
            if meta.is_dir() && !path.ends_with(".git") {
                open.push(path.clone());
            }
            all.push((path, meta.len(), meta.modified().unwrap()));
        }
    }
    all.sort();
    all
}

/// An app with a fixable file and one more.
fn with(path: &str, bytes: impl AsRef<[u8]>) -> Project {
    let project = Project::job();
    project.put(path, bytes);
    project.commit_all();
    project
}

/// The file is named as a problem, the run is not clean, and the other file is fixed all the same.
#[track_caller]
fn skipped_loudly(project: &Project, words: &str) {
    let before = listing(project.root());
    for looking in LOOKING {
        project.run(&[looking, &["--select", "2.5"]].concat()).ends(1).says(words);
    }
    assert_eq!(listing(project.root()), before);
    project.run(&["apply", "--select", "2.5"]).ends(1).says(words).says("1 fixed in 1 file");
}

fn fifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[test]
fn a_missing_path() {
    let project = Project::job();
    refused(&project, &["nowhere"], "nowhere: does not exist; name a file or folder that exists");
    refused(&project, &["lib", "lib/nowhere.ts"], "lib/nowhere.ts: does not exist");
    refused(&project, &["lib/job.ts/inside"], "lib/job.ts/inside: ");
    refused(&project, &[""], "a value is required");
    refused(&project, &[OsString::from_vec(b"no\xffwhere".to_vec())], "does not exist");
    refused(&project, &["x".repeat(5000)], "name a file or folder that exists");
}

#[test]
fn a_folder_named_like_a_file_is_a_folder() {
    let project = with("lib/x.ts/inner.ts", JOB.replace("JobStack", "InnerStack"));
    let found = project.run(&["scan", "--select", "2.5", "--format", "concise"]).ends(1);
    assert_eq!(found.text().lines().count(), 2, "{found}");
    let found = project.run(&["scan", "--select", "2.5", "--format", "concise", "lib/x.ts"]).ends(1);
    assert!(found.text().starts_with("lib/x.ts/inner.ts("), "{found}");
}

#[test]
fn a_link_that_leads_nowhere() {
    let project = Project::job();
    symlink("gone.ts", project.at("lib/dangling.ts")).unwrap();
    skipped_loudly(&project, "lib/dangling.ts: is a symbolic link that leads nowhere");
    refused(&Project::job(), &["lib/gone.ts"], "does not exist");
}

#[test]
fn links_in_a_circle() {
    let project = Project::job();
    symlink(".", project.at("lib/self")).unwrap();
    symlink("b.ts", project.at("lib/a.ts")).unwrap();
    symlink("a.ts", project.at("lib/b.ts")).unwrap();
    symlink("../..", project.at("lib/up")).unwrap();
    skipped_loudly(&project, "lib/a.ts: is a symbolic link that leads nowhere");
    refused(&project, &["lib/a.ts"], "lib/a.ts: ");
    // The same folder through the link is the same folder.
    project.run(&["scan", "--select", "2.5", "lib/self/self/self"]).ends(1);
}

#[test]
fn a_pipe_is_not_waited_for() {
    let project = Project::job();
    fifo(&project.at("lib/pipe.ts"));
    for name in ["cdk.json", "package-lock.json", "yarn.lock", "buildspec.yml", "wa-fix.toml"] {
        fifo(&project.at(name));
    }
    skipped_loudly(&project, "lib/pipe.ts: is not a regular file");
    refused(&project, &["lib/pipe.ts"], "lib/pipe.ts: is no regular file and no folder");
}

#[test]
fn devices_and_the_files_of_the_kernel() {
    let project = Project::job();
    refused(&project, &["/dev/null"], "/dev/null: is no regular file and no folder");
    refused(&project, &["/dev/zero"], "is no regular file and no folder");
    let ran = project.run(&["scan", "/proc/self/mem"]);
    assert!(matches!(ran.code, Some(0..=2)), "{ran}");
    project.run(&["scan", "/proc/self/status"]).says("is left out: it is ignored by the project, or no kind");
}

#[test]
fn a_file_and_a_folder_that_may_not_be_read() {
    // Root may read everything, so somebody else runs the program, from a place that they can reach. Without the
    // right to become somebody else there is nothing to try.
    let nobody = ["--reuid=65534", "--regid=65534", "--clear-groups"];
    if !Command::new("setpriv").args(nobody).arg("true").output().is_ok_and(|output| output.status.success())
    {
        return;
    }
    let project = with("lib/secret.ts", JOB.replace("JobStack", "SecretStack"));
    project.put("lib/vault/inside.ts", JOB.replace("JobStack", "VaultStack"));
    let program = project.outside().join("wa-fix");
    fs::copy(env!("CARGO_BIN_EXE_wa-fix"), &program).unwrap();
    let open = |path: &Path| fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    open(project.outside());
    project.chmod("lib/secret.ts", 0);
    project.chmod("lib/vault", 0);
    let run = |arguments: &[&str]| {
        let mut command = Command::new("setpriv");
        at_home(&mut command, project.root(), Path::new("/nonexistent"));
        command.args(nobody).arg(&program).args(arguments);
        crate::run::finish(command)
    };
    run(&["scan", "--select", "2.5"])
        .ends(1)
        .says("lib/secret.ts: cannot be read: Permission denied")
        .says("lib/vault: cannot be read: permission denied")
        .says("1 finding");
    run(&["scan", "lib/secret.ts"]).ends(2).says("lib/secret.ts: cannot be read: Permission denied");
    run(&["scan", "lib/vault/inside.ts"]).ends(2).says("lib/vault/inside.ts: may not be read");
    // Neither may they write.
    let before = project.read("lib/job.ts");
    run(&["apply", "--select", "2.5", "--allow-dirty"]).ends(2).says("wa-fix: ");
    assert_eq!(project.read("lib/job.ts"), before);
    project.chmod("lib/vault", 0o755);
}

#[test]
fn a_file_of_fifty_megabytes() {
    let project = Project::job();
    let mut text = JOB.as_bytes().to_vec();
    text.resize(50 * 1024 * 1024, b'x');
    project.put("lib/big.ts", &text);
    let start = Instant::now();
    // A program wrote it: that is no problem to report, unless it was asked for.
    project.run(&["scan", "--select", "2.5"]).ends(1).says_not("big.ts");
    project.run(&["scan", "--select", "2.5", "--verbose"]).ends(1).says("lib/big.ts: is larger than 4 MiB");
    project.run(&["scan", "lib/big.ts"]).ends(2).says("lib/big.ts: is larger than 4 MiB");
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_hundred_thousand_brackets() {
    const MANY: usize = 100_000;
    let start = Instant::now();
    for (open, close) in [("(", ")"), ("[", "]"), ("{", "}"), ("{a:[", "]}"), ("((x)=>", ")")] {
        let balanced = format!(
            "{JOB}x = \n{}\n{};\n",
            (open.to_owned() + "\n").repeat(MANY),
            (close.to_owned() + "\n").repeat(MANY)
        );
        let unbalanced = format!("{JOB}x = \n{};\n", (open.to_owned() + "\n").repeat(MANY));
        for text in [balanced, unbalanced] {
            skipped_loudly(&with("lib/deep.ts", text), "lib/deep.ts: ");
        }
    }
    assert!(start.elapsed() < Duration::from_mins(1), "{:?}", start.elapsed());
}

#[test]
fn depth_without_brackets() {
    // Templates, types, else-if chains, unary operators and member chains nest as well.
    let start = Instant::now();
    for deep in [
        format!("x = {}1;", "!\n".repeat(50_000)),
        format!("x = a{};", "\n.b".repeat(50_000)),
        format!("x = a{};", "\n+ b".repeat(50_000)),
        format!("x = {}1;", "a ?\n b : ".repeat(20_000)),
        format!("if (a) b;{}", "\nelse if (a) b;".repeat(20_000)),
        format!("type T = {}string;", "A |\n".repeat(50_000)),
        format!("x = {}1;", "a =>\n".repeat(20_000)),
        format!("x = {}", "`${\n".repeat(300)),
        format!("x = {}1;", "new\n".repeat(20_000)),
        format!("x = {}1;", "typeof await\n".repeat(20_000)),
    ] {
        let project = with("lib/deep.ts", format!("{JOB}{deep}\n"));
        let ran = project.run(&["scan", "--select", "2.5"]);
        assert_eq!(ran.code, Some(1), "{deep:.40}: {ran}");
        let ran = project.run(&["apply", "--select", "2.5"]);
        assert!(matches!(ran.code, Some(0 | 1)), "{deep:.40}: {ran}");
    }
    assert!(start.elapsed() < Duration::from_mins(1), "{:?}", start.elapsed());
}

#[test]
fn depth_in_json_and_yaml() {
    for (path, text) in [
        ("package.json", format!("{}{}", "[".repeat(100_000), "]".repeat(100_000))),
        ("package.json", "{\"a\":".repeat(100_000)),
        ("cdk.json", format!("{}{}", "[".repeat(100_000), "]".repeat(100_000))),
        ("cdk.json", format!("{}{}", "[\n".repeat(100_000), "]".repeat(100_000))),
        ("buildspec.yml", format!("a: {}{}", "[".repeat(100_000), "]".repeat(100_000))),
        ("buildspec.yml", "- ".repeat(100_000)),
        (".github/workflows/ci.yml", (0..3000).fold(String::new(), |text, n| text + &" ".repeat(n) + "a:\n")),
    ] {
        let ran = with(path, text).run(&["scan", "--select", "2.5"]);
        assert!(matches!(ran.code, Some(0 | 1)), "{path}: {ran}");
    }
}

#[test]
fn text_that_is_no_source() {
    for (bytes, words) in [
        (b"import 'aws-cdk-lib';\0\n".to_vec(), "lib/odd.ts: contains NUL bytes"),
        (b"\0".repeat(5000), "lib/odd.ts: contains NUL bytes"),
        ([b"\xff\xfe".to_vec(), JOB.encode_utf16().flat_map(u16::to_le_bytes).collect()].concat(), "UTF-16"),
        ([b"\xfe\xff".to_vec(), JOB.encode_utf16().flat_map(u16::to_be_bytes).collect()].concat(), "UTF-16"),
        (b"\xc0\x80 \xed\xa0\x80".to_vec(), "is not UTF-8 (first bad byte at offset 0)"),
        ([JOB.as_bytes(), b"\xf0\x9f\x98"].concat(), "is not UTF-8"),
    ] {
        skipped_loudly(&with("lib/odd.ts", bytes), words);
    }
}

#[test]
fn files_with_little_in_them() {
    for text in [
        "",
        "\u{feff}",
        "\n",
        "\r",
        "//",
        "/*",
        "'",
        "`",
        "`${",
        "#!",
        "#!/usr/bin/env node",
        "import",
        "\u{2028}",
    ] {
        let project = with("lib/little.ts", text);
        for command in ["scan", "diff"] {
            project.run(&[command, "--select", "2.5"]).ends(1).says("1 finding");
        }
        project.run(&["apply", "--select", "2.5"]).ends(0).says("1 fixed in 1 file");
        assert_eq!(project.read("lib/little.ts"), text.as_bytes());
    }
    for (path, text) in
        [("package.json", ""), ("cdk.json", "\u{feff}"), ("cdk.json", "[]"), ("package.json", "7")]
    {
        let ran = with(path, text).run(&["scan", "--select", "2.5"]).ends(1);
        assert!(ran.err.contains("1 finding"), "{ran}");
    }
}

#[test]
fn broken_typescript_next_to_good() {
    for broken in
        ["export const half = (\n", "class {", "}", "const a = 'open\n", "<<<<<<< HEAD\n=======\n>>>>>>> x\n"]
    {
        let text = format!("import * as cdk from 'aws-cdk-lib';\n{broken}");
        skipped_loudly(&with("lib/broken.ts", text), "lib/broken.ts: has a syntax error in line ");
    }
}

#[test]
fn a_file_that_vanishes() {
    let project = Project::job();
    for number in 0..200 {
        project.put(&format!("lib/f{number}.ts"), JOB.replace("JobStack", &format!("S{number}")));
    }
    let root = project.root().to_owned();
    let away = std::thread::spawn(move || {
        for number in 0..200 {
            fs::remove_file(root.join(format!("lib/f{number}.ts"))).unwrap();
            std::thread::sleep(Duration::from_micros(500));
        }
    });
    let ran = project.run(&["scan", "--select", "2.5", "--quiet"]);
    assert_eq!(ran.code, Some(1), "{ran}");
    away.join().unwrap();
}

#[test]
fn ten_thousand_constructs() {
    let mut text = String::from("import * as lambda from 'aws-cdk-lib/aws-lambda';\n");
    for class in 0..200 {
        text.push_str(&format!("export class S{class} extends Stack {{\n  constructor() {{\n"));
        for number in 0..50 {
            let queue = if number % 10 == 0 { "" } else { ", deadLetterQueue: queue" };
            text.push_str(&format!(
                "    new lambda.Function(this, 'F{number}', {{ handler: 'h'{queue} }});\n"
            ));
        }
        text.push_str("  }\n}\n");
    }
    let project = with("lib/many.ts", text);
    let start = Instant::now();
    let ran = project.run(&["scan", "--select", "2.5", "--format", "concise"]).ends(1);
    assert_eq!(ran.text().lines().count(), 1_001);
    assert!(start.elapsed() < Duration::from_mins(1), "{:?}", start.elapsed());
}

#[test]
fn a_deep_folder() {
    let deep = "d/".repeat(80);
    let project = with(&format!("{deep}x.ts"), JOB.replace("JobStack", "DeepStack"));
    project.run(&["apply", "--select", "2.5"]).ends(0).says("2 fixed in 2 files");
    project.run(&["scan", "--select", "2.5", &deep]).ends(0);
    // Git's library gives up somewhere; then nothing is written, and the way out is named.
    let deep = "d/".repeat(150);
    let project = with(&format!("{deep}x.ts"), JOB.replace("JobStack", "DeepStack"));
    let before = project.tree();
    project.run(&["apply", "--select", "2.5"]).ends(2).says("pass --allow-dirty");
    same(&project, &before);
    project.run(&["apply", "--select", "2.5", "--allow-dirty"]).ends(0).says("2 fixed in 2 files");
}

#[test]
fn odd_names() {
    for name in [
        "with space.ts",
        "new\nline.ts",
        "emoji 😀.ts",
        "quote'\".ts",
        "tab\t.ts",
        "-dash.ts",
        "per%20cent#?.ts",
        "back\\slash.ts",
        "esc\u{1b}[31m.ts",
        "a:b.ts",
        "日本.ts",
    ] {
        let path = format!("lib/{name}");
        let project = Project::committed(&[("package.json", MANIFEST), (&path, JOB)]);
        for format in ["text", "concise", "github"] {
            let ran = project.run(&["scan", "--select", "2.5", "--format", format]).ends(1);
            assert!(!ran.text().contains('\u{1b}') && !ran.err.contains('\u{1b}'), "{ran}");
            if format != "text" {
                assert_eq!(ran.text().lines().count(), 1, "{ran}");
            }
        }
        for format in ["json", "sarif"] {
            let ran = project.run(&["scan", "--select", "2.5", "--format", format]).ends(1);
            serde_json::from_slice::<serde_json::Value>(&ran.out).unwrap();
        }
        let diff = project.run(&["diff", "--select", "2.5"]).ends(1);
        let patched = project.copy_patched("", &diff.out);
        project.run(&["apply", "--select", "2.5", &format!("./{path}")]).ends(0).says("1 fixed in 1 file");
        same(&project, &patched.tree());
        project.run(&["undo"]).ends(0);
        assert_eq!(project.read(&path), JOB.as_bytes());
    }
}

#[test]
fn a_name_that_is_not_utf_8() {
    let project = Project::job();
    let name = OsString::from_vec(b"caf\xe9.ts".to_vec());
    fs::write(project.at("lib").join(&name), JOB.replace("JobStack", "CafeStack")).unwrap();
    skipped_loudly(&project, "lib/caf\u{fffd}.ts: has a path that is not UTF-8; rename it");
    let mut path = OsString::from("lib/");
    path.push(&name);
    project.run(&[OsString::from("scan"), path]).ends(2).says("has a path that is not UTF-8");
}

#[test]
fn a_path_outside_the_working_directory() {
    let project = Project::job();
    let other = project.outside().join("elsewhere");
    fs::create_dir_all(&other).unwrap();
    let mut command = crate::run::program(&other, project.home());
    command.args(["apply", "--select", "2.5", "../app/lib/job.ts"]);
    crate::run::finish(command).ends(0).says("1 fixed in 1 file");
    assert!(String::from_utf8(project.read("lib/job.ts")).unwrap().contains("deadLetterQueue"));
}

#[test]
fn a_working_directory_that_is_gone() {
    let project = Project::job();
    project.shell("mkdir gone; cd gone; rmdir ../gone; exec \"$WA_FIX\" scan").ends(2).says("wa-fix: ");
}

#[test]
fn a_wrong_configuration() {
    for (text, words) in [
        ("[rules]\nselct = [\"2.5\"]\n", "wa-fix.toml: line 2, column 1: unknown field `selct`"),
        ("[rules]\nselct = [\"2.5\"]\n", "did you mean `select`?"),
        ("[rule]\n", "did you mean `rules`?"),
        ("[rules]\nselect = \"2.5\"\n", "wa-fix.toml: line 2, column 10: invalid type"),
        ("[rules]\ntier = \"all\"\n", "wa-fix.toml: line 2, column 8: "),
        ("[rules\n", "wa-fix.toml: line 1, column "),
        ("[rules]\nselect = [\"9.99\"]\n", "no rule is called `9.99`"),
        ("[paths]\nexclude = [\"[\"]\n", "wa-fix.toml: "),
        ("[rules]\ntier = 7\n", "wa-fix.toml: line 2, column 8: "),
    ] {
        refused(&with("wa-fix.toml", text), &[] as &[&str], words);
    }
    refused(&with("wa-fix.toml", b"[rules]\n# caf\xe9\n"), &[] as &[&str], "wa-fix.toml: is not UTF-8");
    let project = Project::job();
    refused(
        &project,
        &["--config", "nowhere.toml"],
        "nowhere.toml: does not exist; name a file that exists with --config",
    );
    refused(&project, &["--config", "lib"], "lib: ");
}

#[test]
fn wrong_options() {
    let project = Project::job();
    for (arguments, words) in [
        (vec!["--select", "relability"], "did you mean `reliability`?"),
        (vec!["--select", "9.99"], "no rule is called `9.99`"),
        (vec!["--select", ","], "no rule is called ``"),
        (
            vec!["--ignore", "lambda-without-dead-leter-queue"],
            "did you mean `lambda-without-dead-letter-queue`?",
        ),
        (vec!["--format", "yaml"], "yaml"),
        (vec!["--set", "origins"], "write it as KEY=VALUE"),
        (vec!["--set", "=x"], "write it as KEY=VALUE"),
        (vec!["--set"], "--set"),
        (vec!["--tier", "none"], "none"),
        (vec!["--tier", "safe", "--all"], "--all"),
        (vec!["--min-impact", "huge"], "huge"),
        (vec!["--jobs", "many"], "many"),
        (vec!["--jobs", "-1"], "-1"),
        (vec!["--frmat", "json"], "--format"),
        (vec!["--color", "sometimes"], "sometimes"),
    ] {
        let ran = refused(&project, &arguments, words);
        assert!(!ran.err.contains("error: error"), "{ran}");
    }
    project.run(&["scna"]).ends(2);
    project.run(&["explain"]).ends(2);
    project.run(&["explain", "9.99"]).ends(2).says("no rule is called `9.99`");
    project.run(&["completions", "tcsh"]).ends(2);
    // Zero threads are as many as there are.
    project.run(&["scan", "--select", "2.5", "--jobs", "0"]).ends(1);
}

#[test]
fn output_that_cannot_be_written() {
    let project = Project::job();
    project.shell("\"$WA_FIX\" scan --format json > /dev/full").ends(2).says("No space left on device");
    project.shell("\"$WA_FIX\" rules > /dev/full").ends(2).says("No space left on device");
    project.shell("\"$WA_FIX\" man > /dev/full").ends(2).says("No space left on device");
    project.shell("\"$WA_FIX\" --help > /dev/full; true").ends(0);
    project.shell("\"$WA_FIX\" scan 2> /dev/full; true").ends(0);
    // A reader that has gone is no failure.
    for command in ["scan --format json", "rules", "man", "diff", "completions bash", "--help", "explain 2.5"]
    {
        let ran = project.shell(&format!("{{ \"$WA_FIX\" {command}; echo $? >&2; }} | head -0"));
        assert!(!ran.err.contains("wa-fix: "), "{command}: {ran}");
    }
    project.shell("\"$WA_FIX\" scan --select 2.5 >&-; echo $?");
    let before = listing(project.root());
    project.run(&["scan", "--output", "nowhere/report.json"]).ends(2).says("nowhere/report.json");
    project.run(&["scan", "--output", "lib"]).ends(2).says("lib");
    project.run(&["scan", "--output", "/dev/full"]).ends(2).says("/dev/full");
    assert_eq!(listing(project.root()), before);
}

#[test]
fn a_report_that_cannot_be_written_stops_apply_before_it_writes() {
    for output in ["nowhere/report.json", "lib", ""] {
        let project = Project::job();
        let before = project.tree();
        project.run(&["apply", "--select", "2.5", "--output", output]).ends(2);
        same(&project, &before);
    }
}

#[test]
fn branch_names() {
    let project = Project::job();
    let before = project.tree();
    let refs = project.git(&["for-each-ref"]);
    for name in [
        "a..b", "a b", "-x", ".hidden", "x.lock", "x/", "/x", "", "@", "a~1", "a^", "a:b", "\u{7f}", "HEAD",
        "a\\b", "refs//x",
    ] {
        let argument = format!("--branch={name}");
        let ran = project.run(&["apply", "--select", "2.5", &argument]).ends(2).says("wa-fix: ");
        assert!(ran.err.contains("branch") || ran.err.contains("name"), "{name:?}: {ran}");
    }
    project.git(&["branch", "taken"]);
    project.run(&["apply", "--select", "2.5", "--branch", "taken"]).ends(2).says("taken");
    project.run(&["apply", "--select", "2.5", "--branch", "main"]).ends(2).says("main");
    project.run(&["apply", "--select", "2.5", "--branch", "taken/inside"]).ends(2).says("taken");
    project.git(&["branch", "--delete", "taken"]);
    assert_eq!(project.git(&["for-each-ref"]), refs);
    same(&project, &before);
    assert!(try_git(project.root(), &["diff", "--quiet", "HEAD"]).0);
    // No repository, no branch.
    let plain = Project::new();
    plain.put("package.json", MANIFEST);
    plain.put("lib/job.ts", JOB);
    plain.run(&["apply", "--select", "2.5", "--branch", "x"]).ends(2).says("wa-fix: ");
    assert_eq!(plain.read("lib/job.ts"), JOB.as_bytes());
}

#[test]
fn undo_without_an_apply() {
    Project::job().run(&["undo"]).ends(2).says("nothing to undo");
    Project::new().run(&["undo", "nowhere"]).ends(2).says("nowhere: ");
}
