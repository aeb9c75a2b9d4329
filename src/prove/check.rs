//! What is run: a command of the user's, the TypeScript compiler, or a synthesis.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::ProofError;
use crate::write::ScratchTree;

/// How long a check may be at work unless `[proof] timeout` says otherwise.
pub const TIMEOUT: Duration = Duration::from_mins(10);
/// What Linux lets one variable of the environment hold, with room to spare.
const LARGEST_CONTEXT: usize = 120_000;

/// A check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Check {
    /// A command line for the shell, in the project's folder.
    Command(String),
    /// The project's own TypeScript compiler, without output.
    Tsc,
    /// The CDK app, synthesised without the CDK's command line and without Docker.
    Synth,
}

impl Check {
    /// As it stands behind `--prove`.
    pub fn named(text: &str) -> Self {
        match text {
            "tsc" => Self::Tsc,
            "synth" => Self::Synth,
            _ => Self::Command(text.to_owned()),
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Command(command) => command,
            Self::Tsc => "tsc",
            Self::Synth => "synth",
        })
    }
}

/// The checks of a run.
#[derive(Debug, Clone)]
pub struct Checks {
    /// All of them have to pass, in this order.
    pub list: Vec<Check>,
    /// How long each process may take.
    pub timeout: Duration,
    /// The folder that commands are run in.
    pub root: PathBuf,
    /// The folders of the apps.
    pub apps: Vec<PathBuf>,
    /// The user's search path for programs.
    pub path: OsString,
}

/// A process that is ready to start.
pub(super) struct Prepared {
    pub(super) command: Command,
    /// The command as a person would type it.
    pub(super) shown: String,
    /// Where the cloud assembly will be.
    pub(super) assembly: Option<PathBuf>,
}

impl Check {
    /// The processes of this check, in the copy.
    pub(super) fn prepare(&self, checks: &Checks, tree: &ScratchTree) -> Result<Vec<Prepared>, ProofError> {
        match self {
            Self::Command(line) => {
                let folder = there(tree, &checks.root)?;
                let command = checks.shell(line, &folder);
                Ok(vec![Prepared { command, shown: line.clone(), assembly: None }])
            }
            Self::Tsc => Self::prepare_tsc(checks, tree),
            Self::Synth => Self::prepare_synth(checks, tree),
        }
    }

    fn prepare_tsc(checks: &Checks, tree: &ScratchTree) -> Result<Vec<Prepared>, ProofError> {
        let apps: Vec<&PathBuf> =
            checks.apps.iter().filter(|app| app.join("tsconfig.json").is_file()).collect();
        if apps.is_empty() {
            return Err(ProofError::Check(format!(
                "--prove tsc needs a tsconfig.json in {}; add one, or give the command that checks the project",
                checks.root.display()
            )));
        }
        apps.into_iter()
            .map(|app| {
                let compiler = upwards(app, "node_modules/typescript/bin/tsc").ok_or_else(|| {
                    ProofError::Check(format!(
                        "--prove tsc finds no typescript for {}; install the packages (`npm ci`), then run again",
                        app.display()
                    ))
                })?;
                let folder = there(tree, app)?;
                let mut command = Command::new("node");
                command.arg(compiler).args(["--noEmit", "--pretty", "false", "--project", "."]);
                checks.place(&mut command, &folder);
                Ok(Prepared { command, shown: "node node_modules/.bin/tsc --noEmit".to_owned(), assembly: None })
            })
            .collect()
    }

    fn prepare_synth(checks: &Checks, tree: &ScratchTree) -> Result<Vec<Prepared>, ProofError> {
        let apps: Vec<&PathBuf> = checks.apps.iter().filter(|app| app.join("cdk.json").is_file()).collect();
        if apps.is_empty() {
            return Err(ProofError::Check(format!(
                "--prove synth needs a cdk.json in {}; give the command that synthesises the project instead",
                checks.root.display()
            )));
        }
        apps.into_iter().enumerate().map(|(number, app)| synthesis(number, app, checks, tree)).collect()
    }
}

/// The app's own command, with the environment that the CDK's command line gives it.
fn synthesis(number: usize, app: &Path, checks: &Checks, tree: &ScratchTree) -> Result<Prepared, ProofError> {
    let folder = there(tree, app)?;
    // As it stands in the copy: a fix may have changed it.
    let settings = object(&folder.join("cdk.json"))?;
    let Some(line) = settings.get("app").and_then(Value::as_str) else {
        return Err(ProofError::Check(format!(
            "{} names no `app`; give the command that synthesises the project: --prove 'COMMAND'",
            app.join("cdk.json").display()
        )));
    };
    let mut context = Map::new();
    if let Some(Value::Object(own)) = settings.get("context") {
        context.extend(own.clone());
    }
    if folder.join("cdk.context.json").is_file() {
        context.extend(object(&folder.join("cdk.context.json"))?);
    }
    // No stack's assets are bundled: that needs Docker, and says nothing about the templates.
    context.insert("aws:cdk:bundling-stacks".to_owned(), json!([]));
    // Paths tell which resource is which construct's.
    context.insert("aws:cdk:enable-path-metadata".to_owned(), json!(true));
    context.insert("aws:cdk:version-reporting".to_owned(), json!(false));
    let context = Value::Object(context).to_string();
    if context.len() > LARGEST_CONTEXT {
        return Err(ProofError::Check(
            "the context of the app is too long for --prove synth; use --prove 'npx cdk synth --quiet'"
                .to_owned(),
        ));
    }
    let assembly = tree.fresh(&format!("assembly-{number}"))?;
    let mut command = checks.shell(line, &folder);
    command
        .env("CDK_OUTDIR", &assembly)
        .env("CDK_CONTEXT_JSON", context)
        // Some constructs build an image even where nothing is bundled: that does nothing.
        .env("CDK_DOCKER", "true");
    Ok(Prepared { command, shown: line.to_owned(), assembly: Some(assembly) })
}

impl Checks {
    /// A command line, as the shell reads it.
    fn shell(&self, line: &str, folder: &Path) -> Command {
        let (shell, flag) = if cfg!(windows) { ("cmd", "/C") } else { ("sh", "-c") };
        let mut command = Command::new(shell);
        command.args([flag, line]);
        self.place(&mut command, folder);
        command
    }

    /// Puts a command into a folder of the copy, with the programs of the project's packages.
    fn place(&self, command: &mut Command, folder: &Path) {
        let programs = folder.ancestors().map(|up| up.join("node_modules/.bin")).filter(|it| it.is_dir());
        let all = programs.chain(std::env::split_paths(&self.path));
        let path = std::env::join_paths(all).unwrap_or_else(|_| self.path.clone());
        command.current_dir(folder).env("PATH", path).env("PWD", folder).env("NO_COLOR", "1");
    }
}

fn there(tree: &ScratchTree, folder: &Path) -> Result<PathBuf, ProofError> {
    tree.at(folder).ok_or_else(|| {
        ProofError::Check(format!("{} is not in the copy that --prove made; name it alone", folder.display()))
    })
}

fn upwards(folder: &Path, name: impl AsRef<OsStr>) -> Option<PathBuf> {
    let name = Path::new(name.as_ref());
    folder.ancestors().map(|up| up.join(name)).find(|file| file.is_file())
}

fn object(file: &Path) -> Result<Map<String, Value>, ProofError> {
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let unreadable = |why: String| ProofError::Check(format!("{name} cannot be read: {why}; mend it"));
    let bytes = std::fs::read(file).map_err(|error| unreadable(error.to_string()))?;
    serde_json::from_slice(&bytes).map_err(|error| unreadable(error.to_string()))
}
