//! What people install: each package is built, installed into an empty folder without a network, and run there.
#![expect(clippy::disallowed_methods, reason = "tests prepare files")]

use std::io::BufRead as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::project::{Project, same};
use crate::support::top;

const PROGRAM: &str = env!("CARGO_BIN_EXE_wa-fix");
const VERSION: &str = concat!("wa-fix ", env!("CARGO_PKG_VERSION"));

/// Runs a command that has to succeed; what it prints.
#[track_caller]
fn succeeds(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("{command:?}: {error}; install it"));
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {err}{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

/// What a clone of the repository has, and the Dockerfile copies: no file that is only on this machine.
fn checkout(target: &Path) -> PathBuf {
    let folder = target.join("checkout");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir(&folder).unwrap();
    // With their times, so that what has not changed is not compiled again.
    let copy = "git ls-files -z | tar --null --files-from - --create | tar --extract --directory \"$0\"";
    succeeds(Command::new("sh").args(["-c", copy]).arg(&folder).current_dir(top()));
    // What is left out of the image's context is no part of the repository.
    for left_out in std::fs::read_to_string(top().join(".dockerignore")).unwrap().lines() {
        assert!(!folder.join(left_out.trim_start_matches("**/")).exists(), "{left_out}");
    }
    folder
}

#[test]
fn cargo_installs_it_from_a_clean_checkout_and_it_runs_in_an_empty_root() {
    let root = tempfile::tempdir().unwrap();
    // The debug profile and the tests' own target folder, where the dependencies are compiled already: the steps are those
    // of a release, without its minutes.
    let target = Path::new(PROGRAM).ancestors().nth(2).unwrap();
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["install", "--path", ".", "--locked", "--offline", "--debug", "--no-track", "--root"]);
    cargo.arg(root.path().join("usr/local")).arg("--target-dir").arg(target).current_dir(checkout(target));
    succeeds(&mut cargo);
    let program = root.path().join("usr/local/bin/wa-fix");
    assert_eq!(succeeds(Command::new(&program).arg("--version")), VERSION);
    // One program and nothing else.
    let names: Vec<_> = std::fs::read_dir(root.path().join("usr/local/bin")).unwrap().collect();
    assert_eq!(names.len(), 1, "{names:?}");
    // It carries its rules, its catalogue and its queries with it.
    let project = Project::job();
    let scan = Command::new(&program).arg("scan").current_dir(project.root()).output().unwrap();
    assert_eq!(scan.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&scan.stdout).contains("2.5"));
    #[cfg(target_os = "linux")]
    as_in_the_image(root.path(), &program);
}

/// The second stage of the Dockerfile, as far as it goes without an engine: the program, the libraries that
/// `debian:trixie-slim` has, and a mounted repository of another user.
#[cfg(target_os = "linux")]
fn as_in_the_image(root: &Path, program: &Path) {
    const IN_THE_IMAGE: [&str; 8] =
        ["ld-linux", "libc.", "libm.", "libgcc_s.", "libdl.", "libpthread.", "librt.", "libstdc++."];
    for line in succeeds(Command::new("ldd").arg(program)).lines() {
        let Some(library) = line.split_whitespace().find(|word| word.starts_with('/')) else { continue };
        let library = Path::new(library);
        let name = library.file_name().unwrap().to_str().unwrap();
        assert!(IN_THE_IMAGE.iter().any(|known| name.starts_with(known)), "the image has no {name}");
        let to = root.join(library.strip_prefix("/").unwrap());
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(library, to).unwrap();
    }
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let project = Project::job();
    crate::run::copy(project.root(), &root.join("app"));
    let git = Command::new("cp").arg("-R").arg(project.at(".git")).arg(root.join("app")).status().unwrap();
    assert!(git.success());
    succeeds(Command::new("chown").args(["-R", "4711:4711"]).arg(root.join("app")));
    let in_root = |arguments: &[&str]| {
        let mut command = Command::new("chroot");
        command.arg(root).args(["/usr/local/bin/wa-fix"]).args(arguments).arg("/app").env_clear();
        command.env("PATH", "/usr/bin:/usr/sbin:/bin:/sbin").stdin(Stdio::null()).output().unwrap()
    };
    let plain = in_root(&["scan"]);
    assert_eq!(plain.status.code(), Some(1), "{}", String::from_utf8_lossy(&plain.stderr));
    // Git's setting of the Dockerfile is what lets it look at a repository of another user.
    let refused = in_root(&["scan", "--staged"]);
    assert_eq!(refused.status.code(), Some(2), "{}", String::from_utf8_lossy(&refused.stdout));
    let dockerfile = std::fs::read_to_string(top().join("Dockerfile")).unwrap();
    let setting = dockerfile.split("&& ").map(str::trim).find(|step| step.starts_with("git config --system"));
    std::fs::create_dir_all(root.join("etc")).unwrap();
    let mut git = Command::new("sh");
    git.args(["-c", setting.unwrap().lines().next().unwrap()])
        .env("GIT_CONFIG_SYSTEM", root.join("etc/gitconfig"));
    succeeds(&mut git);
    let staged = in_root(&["scan", "--staged"]);
    assert_eq!(staged.status.code(), Some(0), "{}", String::from_utf8_lossy(&staged.stderr));
}

/// The folder of a project that has the npm packages installed; made once, from tarballs.
fn npm_project() -> PathBuf {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let (dist, app) = (folder.path().join("dist"), folder.path().join("app"));
        let mut build = Command::new("node");
        build.arg(top().join("packaging/npm/build.mjs")).args(["--binary", PROGRAM, "--out"]).arg(&dist);
        let made = succeeds(&mut build);
        let mut install = Command::new("npm");
        install.args(["install", "--offline", "--no-audit", "--no-fund", "--cache"]);
        install.arg(folder.path().join("cache"));
        for package in made.lines() {
            let mut pack = Command::new("npm");
            pack.args(["pack", "--silent", "--pack-destination"]).arg(folder.path()).current_dir(package);
            let name = succeeds(&mut pack);
            install.arg(folder.path().join(name.lines().last().unwrap()));
        }
        std::fs::create_dir(&app).unwrap();
        std::fs::write(app.join("package.json"), "{ \"private\": true }\n").unwrap();
        succeeds(install.current_dir(&app));
        // Nothing of where it was built comes with it.
        std::fs::remove_dir_all(dist).unwrap();
        folder
    });
    folder.path().join("app")
}

/// The command as the installed package has it, in a project.
fn npx(project: &Project, arguments: &[&str]) -> Command {
    let mut command = Command::new("node");
    command.arg(npm_project().join("node_modules/wa-fix/bin/wa-fix.js")).args(arguments);
    crate::run::at_home(&mut command, project.root(), project.home());
    command
}

#[test]
fn npm_installs_it_and_npx_runs_it() {
    let app = npm_project();
    let npx_in = |arguments: &[&str]| {
        let mut command = Command::new("npx");
        command.args(["--offline", "wa-fix"]).args(arguments).current_dir(&app);
        command
    };
    assert_eq!(succeeds(&mut npx_in(&["--version"])), VERSION);
    let project = Project::job();
    let scan = npx_in(&["scan", project.root().to_str().unwrap()]).output().unwrap();
    assert_eq!(scan.status.code(), Some(1), "{}", String::from_utf8_lossy(&scan.stderr));
    assert!(String::from_utf8_lossy(&scan.stdout).contains("2.5 lambda-without-dead-letter-queue"));
    // The manifest names a package for every platform that has one, at its own version, and no script runs at installation.
    let manifest: serde_json::Value =
        serde_json::from_slice(&std::fs::read(app.join("node_modules/wa-fix/package.json")).unwrap())
            .unwrap();
    let platforms: serde_json::Value =
        serde_json::from_slice(&std::fs::read(top().join("packaging/npm/platforms.json")).unwrap()).unwrap();
    let named = manifest["optionalDependencies"].as_object().unwrap();
    assert!(manifest["scripts"].is_null());
    assert_eq!(named.len(), platforms.as_object().unwrap().len());
    for platform in platforms.as_object().unwrap().keys() {
        assert_eq!(named[&format!("@wa-fix/{platform}")], env!("CARGO_PKG_VERSION"));
    }
}

#[test]
fn streams_and_exit_codes_go_through_the_npm_command() {
    let project = Project::job();
    for (arguments, code) in [(&["scan"][..], 1), (&["scan", "--exit-zero"], 0), (&["scan", "nowhere"], 2)] {
        let (through, direct) = (
            npx(&project, arguments).output().unwrap(),
            Command::new(PROGRAM).args(arguments).current_dir(project.root()).output().unwrap(),
        );
        assert_eq!((through.status.code(), direct.status.code()), (Some(code), Some(code)));
        assert_eq!(through.stdout, direct.stdout);
    }
    let backed_out = npx(&project, &["diff", "--prove", "! grep -q deadLetter lib/job.ts"]).output().unwrap();
    assert_eq!(backed_out.status.code(), Some(3));
    // A plan comes in through the standard input.
    let script = "node \"$SHIM\" plan --exit-zero | node \"$SHIM\" apply - --exit-zero";
    let mut shell = Command::new("sh");
    shell.args(["-c", script]).env("SHIM", npm_project().join("node_modules/wa-fix/bin/wa-fix.js"));
    crate::run::at_home(&mut shell, project.root(), project.home());
    assert_eq!(shell.output().unwrap().status.code(), Some(0));
    assert_eq!(project.git(&["status", "--porcelain"]), " M lib/job.ts");
}

/// A run through npm's command that is at work, when its check has started.
#[cfg(target_os = "linux")]
fn at_work(project: &Project) -> Child {
    let mark = project.outside().join("started");
    let mut command = npx(project, &["apply", "--prove", &format!("touch {}; sleep 300", mark.display())]);
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let start = Instant::now();
    while !mark.exists() {
        assert!(start.elapsed() < Duration::from_secs(30));
        std::thread::sleep(Duration::from_millis(5));
    }
    std::fs::remove_file(mark).unwrap();
    child
}

/// The program that npm's command has started.
#[cfg(target_os = "linux")]
fn program_of(child: &Child) -> Pid {
    let file = format!("/proc/{0}/task/{0}/children", child.id());
    let children = std::fs::read_to_string(file).unwrap();
    Pid::from_raw(children.split_whitespace().next().unwrap().parse().unwrap()).unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn signals_go_through_the_npm_command() {
    let project = Project::job();
    let before = project.tree();
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let mut child = at_work(&project);
        let program = program_of(&child);
        kill_process(Pid::from_child(&child), signal).unwrap();
        // The program tidies up and says so; its code is the command's.
        assert_eq!(child.wait().unwrap().code(), Some(2), "{signal:?}");
        let err = std::io::BufReader::new(child.stderr.take().unwrap());
        assert!(err.lines().any(|line| line.unwrap().contains("interrupted during the proof")), "{signal:?}");
        assert!(kill_process(program, Signal::CONT).is_err(), "{signal:?}: the program is still there");
    }
    // A program that is killed is not a success.
    let mut child = at_work(&project);
    kill_process(program_of(&child), Signal::KILL).unwrap();
    assert_eq!(child.wait().unwrap().signal(), Some(9));
    same(&project, &before);
}

#[test]
fn where_there_is_no_package_the_npm_command_says_what_to_do() {
    let shim = npm_project().join("node_modules/wa-fix/bin/wa-fix.js");
    let on = |property: &str, value: &str| {
        let script = format!(
            "Object.defineProperty(process, '{property}', {{ value: {value} }}); require('{}')",
            shim.display()
        );
        let output = Command::new("node").args(["-e", &script]).output().unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(on("platform", "'sunos'").contains("no package for sunos-x64, only for darwin-arm64"));
    assert!(on("arch", "'arm64'").contains("the package @wa-fix/linux-arm64 is not installed"));
    // Alpine: a package for another C library is not installed by npm.
    let script = format!(
        "Object.defineProperty(process, 'arch', {{ value: 'arm64' }});\
         process.report.getReport = () => ({{ header: {{}} }}); require('{}')",
        shim.display()
    );
    let output = Command::new("node").args(["-e", &script]).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("another C library (Alpine?)"));
    // The script that makes packages refuses what it knows nothing of.
    for (wrong, words) in [
        (["--platform", "sunos-x64", "--binary", PROGRAM], "there is no package for sunos-x64"),
        (["--platform", "linux-x64", "--binary", "nowhere"], "nowhere is no file"),
    ] {
        let mut build = Command::new("node");
        build.arg(top().join("packaging/npm/build.mjs")).args(wrong).args(["--out", "/nonexistent"]);
        let output = build.output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&output.stderr).contains(words));
    }
}

/// Reads a wheel as installers may, and holds every file against RECORD.
const CHECK_WHEEL: &str = "
import base64, csv, hashlib, io, sys, zipfile
wheel = zipfile.ZipFile(sys.argv[1])
assert wheel.testzip() is None
names = wheel.namelist()
record = next(name for name in names if name.endswith('.dist-info/RECORD'))
rows = list(csv.reader(io.StringIO(wheel.read(record).decode())))
assert sorted(row[0] for row in rows) == sorted(names), (rows, names)
for name, hash, size in rows:
    if name == record:
        assert (hash, size) == ('', '')
        continue
    data = wheel.read(name)
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b'=').decode()
    assert (hash, size) == ('sha256=' + digest, str(len(data))), name
tags = [line for line in wheel.read(record.replace('RECORD', 'WHEEL')).decode().splitlines() if line.startswith('Tag: ')]
assert len(tags) == 1 and sys.argv[1].endswith(tags[0][len('Tag: '):] + '.whl'), tags
";

#[test]
fn pip_installs_the_wheel() {
    let folder = tempfile::tempdir().unwrap();
    let build = |out: &str| {
        let mut build = Command::new("python3");
        build.arg(top().join("packaging/python/build.py")).args(["--binary", PROGRAM, "--out"]);
        PathBuf::from(succeeds(build.arg(folder.path().join(out))))
    };
    let (wheel, again) = (build("one"), build("two"));
    assert!(std::fs::read(&wheel).unwrap() == std::fs::read(again).unwrap(), "the same input, other bytes");
    succeeds(Command::new("python3").args(["-c", CHECK_WHEEL]).arg(&wheel));
    let venv = folder.path().join("venv");
    // Fails with what to install where the system's Python has no `venv` (Debian: python3-venv).
    succeeds(Command::new("python3").args(["-m", "venv"]).arg(&venv));
    let mut pip = Command::new(venv.join("bin/pip"));
    pip.args(["install", "--no-index", "--no-cache-dir", "--disable-pip-version-check"]).arg(&wheel);
    succeeds(&mut pip);
    let program = venv.join("bin/wa-fix");
    assert_eq!(succeeds(Command::new(&program).arg("--version")), VERSION);
    let project = Project::job();
    let scan = Command::new(&program).arg("scan").current_dir(project.root()).output().unwrap();
    assert_eq!(scan.status.code(), Some(1));
    // It goes as it came.
    succeeds(Command::new(venv.join("bin/pip")).args(["uninstall", "--yes", "wa-fix"]));
    assert!(!program.exists());
}
