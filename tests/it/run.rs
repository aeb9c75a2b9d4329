//! The real program, run as a person or a script runs it.
#![expect(clippy::disallowed_methods, reason = "tests prepare files")]

use std::ffi::{OsStr, OsString};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::project::Project;
use crate::support::top;

/// No run of a test takes longer unless it hangs.
const PATIENCE: Duration = Duration::from_mins(1);

/// A function without a dead-letter queue: one finding of 2.5, with a safe fix.
pub const JOB: &str = "\
import * as cdk from 'aws-cdk-lib';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';

export class JobStack extends cdk.Stack {
  constructor(scope: Construct, id: string) {
    super(scope, id);

    new lambda.Function(this, 'Job', {
      runtime: lambda.Runtime.NODEJS_18_X,
      handler: 'index.handler',
      code: lambda.Code.fromInline('exports.handler = async () => {};'),
    });
  }
}
";

/// The manifest of an app.
pub const MANIFEST: &str =
    "{\n  \"name\": \"app\",\n  \"dependencies\": { \"aws-cdk-lib\": \"2.204.0\" }\n}\n";

/// What a run left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// The exit code; none if a signal ended the run.
    pub code: Option<i32>,
    pub out: Vec<u8>,
    pub err: String,
}

impl Ran {
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.out).unwrap()
    }

    /// Checks the exit code and hands the run on.
    #[track_caller]
    pub fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self}");
        self
    }

    /// Checks that something is said on standard error.
    #[track_caller]
    pub fn says(self, words: &str) -> Self {
        assert!(self.err.contains(words), "`{words}` is not said: {self}");
        self
    }

    /// Checks that something is not said on standard error.
    #[track_caller]
    pub fn says_not(self, words: &str) -> Self {
        assert!(!self.err.contains(words), "`{words}` is said: {self}");
        self
    }

    /// Standard error with the time of the run taken out.
    pub fn timeless(&self) -> String {
        let mut text = self.err.clone();
        if let Some(end) = text.find(" s.") {
            let start = text.get(..end).and_then(|before| before.rfind(' ')).map_or(0, |space| space + 1);
            text.replace_range(start..end, "0.00");
        }
        text
    }
}

impl std::fmt::Display for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let out = String::from_utf8_lossy(&self.out);
        write!(f, "exit code {:?}\n--- stdout\n{out}\n--- stderr\n{}", self.code, self.err)
    }
}

/// The program, with an environment that is the same everywhere.
pub fn program(dir: &Path, home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wa-fix"));
    at_home(&mut command, dir, home);
    command
}

/// Gives a command the environment of [`program`].
pub fn at_home(command: &mut Command, dir: &Path, home: &Path) {
    command.current_dir(dir).env("XDG_STATE_HOME", home).env("HOME", home).stdin(Stdio::null());
    for name in ["NO_COLOR", "CLICOLOR_FORCE", "CLICOLOR", "COLUMNS", "RUST_BACKTRACE"] {
        command.env_remove(name);
    }
}

/// Runs a command to its end, which has to come, and without a panic.
#[track_caller]
pub fn finish(command: Command) -> Ran {
    finish_within(command, PATIENCE)
}

/// The same for commands that take longer.
#[track_caller]
pub fn finish_within(mut command: Command, patience: Duration) -> Ran {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let out = drain(child.stdout.take());
    let err = drain(child.stderr.take());
    let start = Instant::now();
    let status: ExitStatus = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if start.elapsed() > patience {
            child.kill().unwrap();
            panic!("still at work after {patience:?}: {command:?}");
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    let err = String::from_utf8(err.join().unwrap()).unwrap();
    let ran = Ran { code: status.code(), out: out.join().unwrap(), err };
    assert_calm(&ran);
    ran
}

#[track_caller]
fn assert_calm(ran: &Ran) {
    for word in ["panicked", "RUST_BACKTRACE", "stack overflow", "thread 'main'"] {
        assert!(!ran.err.contains(word), "{ran}");
    }
    assert!(ran.code.is_some(), "ended by a signal: {ran}");
}

fn drain(stream: Option<impl Read + Send + 'static>) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut stream) = stream {
            let _ = stream.read_to_end(&mut bytes);
        }
        bytes
    })
}

impl Project {
    /// Runs wa-fix in the project's folder.
    #[track_caller]
    pub(crate) fn run<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Ran {
        self.run_in("", arguments)
    }

    /// Runs wa-fix in a folder of the project.
    #[track_caller]
    pub(crate) fn run_in<A: AsRef<OsStr>>(&self, folder: &str, arguments: &[A]) -> Ran {
        let mut command = program(&self.at(folder), self.home());
        command.args(arguments);
        finish(command)
    }

    /// A command that a shell runs in the project's folder, with the program as `$WA_FIX`.
    #[track_caller]
    pub(crate) fn shell(&self, script: &str) -> Ran {
        let mut command = Command::new("sh");
        at_home(&mut command, self.root(), self.home());
        command.env("WA_FIX", env!("CARGO_BIN_EXE_wa-fix")).args(["-c", script]);
        finish(command)
    }

    /// An app with one fixable file, committed.
    pub(crate) fn job() -> Self {
        Self::committed(&[("package.json", MANIFEST), ("lib/job.ts", JOB)])
    }

    /// The example app, committed.
    pub(crate) fn tap() -> Self {
        let project = Self::with_git();
        copy(&top().join("examples/tap"), project.root());
        project.commit_all();
        project
    }

    /// Applies a diff with git to a copy of the project's working tree.
    pub(crate) fn copy_patched(&self, folder: &str, diff: &[u8]) -> Self {
        let copy = Self::with_git();
        self::copy(self.root(), copy.root());
        copy.commit_all();
        let patch = copy.outside().join("patch.diff");
        std::fs::write(&patch, diff).unwrap();
        crate::project::git_in(&copy.at(folder), &["apply", patch.to_str().unwrap()]);
        copy
    }
}

/// Copies a folder without what is installed, built or git's.
pub fn copy(from: &Path, to: &Path) {
    let mut open: Vec<(PathBuf, PathBuf)> = vec![(from.to_owned(), to.to_owned())];
    while let Some((from, to)) = open.pop() {
        std::fs::create_dir_all(&to).unwrap();
        for entry in std::fs::read_dir(&from).unwrap() {
            let entry = entry.unwrap();
            let name: OsString = entry.file_name();
            if entry.path().is_dir() {
                if !["node_modules", "cdk.out", ".git"].iter().any(|left_out| name == *left_out) {
                    open.push((entry.path(), to.join(name)));
                }
            } else {
                std::fs::copy(entry.path(), to.join(name)).unwrap();
            }
        }
    }
}
