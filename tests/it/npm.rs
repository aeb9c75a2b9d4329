//! The npm side of the tests: TypeScript, aws-cdk-lib in three versions, cdk-nag. Installed from the
//! committed lock file by the first test that needs it.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use crate::support::top;

/// The folder with the `node_modules` of most tests in it.
pub fn home() -> PathBuf {
    static READY: OnceLock<PathBuf> = OnceLock::new();
    READY.get_or_init(|| installed("tests/npm")).clone()
}

/// A folder of the project with what its lock file names installed.
pub fn installed(folder: &str) -> PathBuf {
    let home = top().join(folder);
    // Test programs run one process per test under nextest: one installs, the others wait.
    let lock = std::fs::OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(std::env::temp_dir().join("wa-fix-npm.lock"))
        .unwrap();
    lock.lock().unwrap();
    let wanted = std::fs::read(home.join("package-lock.json")).unwrap();
    let stamp = home.join("node_modules/.wa-fix-lock");
    if std::fs::read(&stamp).ok().as_ref() != Some(&wanted) {
        let status = Command::new("npm").arg("ci").current_dir(&home).stdout(Stdio::null()).status();
        assert!(status.expect("npm is installed").success(), "`npm ci` failed in {folder}");
        #[expect(clippy::disallowed_methods, reason = "a stamp beside what was installed")]
        std::fs::write(&stamp, &wanted).unwrap();
    }
    home
}

fn run<C: Serialize, R: for<'de> Deserialize<'de>>(program: &str, cases: &[C]) -> Vec<R> {
    let mut child = Command::new("node")
        .arg(home().join(program))
        .current_dir(top())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node is installed");
    let input = serde_json::to_vec(cases).unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let feeder = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    feeder.join().unwrap().unwrap();
    assert!(output.status.success(), "{program} failed");
    let results: Vec<R> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(results.len(), cases.len());
    results
}

/// Files by path.
pub type Files = BTreeMap<String, String>;

#[derive(Debug, Clone, Serialize)]
pub struct TypeCase {
    pub name: String,
    pub version: String,
    pub files: Files,
    pub options: BTreeMap<String, serde_json::Value>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct TypeResult {
    pub name: String,
    pub version: String,
    pub errors: Vec<String>,
}

/// Type-checks programs under `strict`.
pub fn check_types(cases: &[TypeCase]) -> Vec<TypeResult> {
    run("check-types.mjs", cases)
}

#[derive(Debug, Clone, Default, Serialize)]
pub struct SynthCase {
    pub name: String,
    pub version: String,
    pub files: Files,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<String>,
    pub context: BTreeMap<String, String>,
    pub nag: bool,
}

#[derive(Debug, Clone, Deserialize)]
pub struct SynthResult {
    pub name: String,
    pub ok: bool,
    pub error: Option<String>,
    pub templates: BTreeMap<String, serde_json::Value>,
    pub nag: Vec<NagFinding>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub struct NagFinding {
    pub rule: String,
    pub resource: String,
}

/// Synthesises programs.
pub fn synth(cases: &[SynthCase]) -> Vec<SynthResult> {
    run("synth.mjs", cases)
}
