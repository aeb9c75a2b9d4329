//! A copy of the project in which states of it are tried out.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::check::Checks;
use super::template::Templates;
use super::{ProofError, process};
use crate::edit::FileChange;
use crate::interrupt::Interrupt;
use crate::write::ScratchTree;

/// Something that says of a state of the project whether it passes.
pub trait Bench {
    /// Tries out the project with these changes. A state that was tried before costs no run.
    ///
    /// # Errors
    /// The check cannot be run, or a person stops it.
    fn try_out(&mut self, changes: &[FileChange]) -> Result<Outcome, ProofError>;
    /// How many states were run.
    fn runs(&self) -> usize;
    /// The checks, as they were asked for.
    fn names(&self) -> Vec<String>;
}

/// What became of a state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// All checks pass; with what was synthesised.
    Passed(Option<Arc<Templates>>),
    /// One fails.
    Failed(Failure),
}

/// A check that fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The check, as it was asked for.
    pub check: String,
    /// How it ended.
    pub end: String,
    /// The lines of its output that say why.
    pub why: String,
}

impl Failure {
    /// One sentence: `` `tsc` fails (exit code 2): lib/x.ts(3,5): error TS2322: … ``.
    pub fn words(&self) -> String {
        let colon = if self.why.is_empty() { "" } else { ": " };
        format!("`{}` fails ({}){colon}{}", self.check, self.end, self.why)
    }
}

/// Every change of a state: what distinguishes it from others.
type State = BTreeMap<PathBuf, Arc<[u8]>>;

/// The real one: a scratch copy, and processes in it.
pub struct Workbench {
    tree: ScratchTree,
    checks: Checks,
    interrupt: Interrupt,
    known: Vec<(State, Outcome)>,
}

impl Workbench {
    /// Copies the project. Until it is dropped, Ctrl-C ends the running check and the copy goes.
    ///
    /// # Errors
    /// The copy cannot be made.
    pub fn new(checks: Checks) -> Result<Self, ProofError> {
        let interrupt = Interrupt::listen().map_err(ProofError::Listen)?;
        let tree = copy(&checks, &interrupt)?;
        Ok(Self { tree, checks, interrupt, known: Vec::new() })
    }

    fn run(&self) -> Result<Outcome, ProofError> {
        let mut templates = None;
        for check in &self.checks.list {
            for prepared in check.prepare(&self.checks, &self.tree)? {
                let mut command = prepared.command;
                let ended = process::run(&mut command, self.checks.timeout, &|| self.interrupt.came())
                    .map_err(|source| ProofError::Start { command: prepared.shown.clone(), source })?;
                let end = match ended.end {
                    process::End::Passed => {
                        let Some(folder) = prepared.assembly else { continue };
                        match Templates::read(&folder) {
                            Ok(found) => {
                                templates.get_or_insert_with(Templates::default).join(found);
                                continue;
                            }
                            Err(why) => {
                                let end = "exit code 0".to_owned();
                                return Ok(Outcome::Failed(Failure { check: check.to_string(), end, why }));
                            }
                        }
                    }
                    process::End::Interrupted => return Err(ProofError::Interrupted),
                    process::End::TimedOut => {
                        format!("still at work after {} s", self.checks.timeout.as_secs())
                    }
                    process::End::Failed(Some(code)) => format!("exit code {code}"),
                    process::End::Failed(None) => "ended by a signal".to_owned(),
                };
                let why = why(&ended.output, &self.tree);
                return Ok(Outcome::Failed(Failure { check: check.to_string(), end, why }));
            }
        }
        Ok(Outcome::Passed(templates.map(Arc::new)))
    }
}

impl Bench for Workbench {
    fn try_out(&mut self, changes: &[FileChange]) -> Result<Outcome, ProofError> {
        if self.interrupt.came() {
            return Err(ProofError::Interrupted);
        }
        let state: State =
            changes.iter().map(|change| (change.file.clone(), Arc::clone(&change.after))).collect();
        if let Some((_, outcome)) = self.known.iter().find(|(known, _)| *known == state) {
            return Ok(outcome.clone());
        }
        // What a check wrote or removed must not meet the next state: a fix would be blamed for it.
        if !self.known.is_empty() {
            self.tree = copy(&self.checks, &self.interrupt)?;
        }
        self.tree.hold(changes)?;
        let outcome = self.run()?;
        self.known.push((state, outcome.clone()));
        Ok(outcome)
    }

    fn runs(&self) -> usize {
        self.known.len()
    }

    fn names(&self) -> Vec<String> {
        self.checks.list.iter().map(ToString::to_string).collect()
    }
}

/// A copy of the project.
fn copy(checks: &Checks, interrupt: &Interrupt) -> Result<ScratchTree, ProofError> {
    ScratchTree::of(&checks.root, &|| !interrupt.came())
        .map_err(|error| if interrupt.came() { ProofError::Interrupted } else { error.into() })
}

/// How many lines of a check's output are told.
const LINES: usize = 3;

/// The lines that say why: those that speak of an error, else the last ones; paths as in the project.
fn why(output: &str, tree: &ScratchTree) -> String {
    let lines: Vec<&str> = output.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let is_error = |line: &&&str| {
        let line = line.to_ascii_lowercase();
        line.contains("error") && !line.starts_with("at ") && !line.starts_with("throw ")
    };
    let mut told: Vec<&str> = lines.iter().filter(is_error).take(LINES).copied().collect();
    if told.is_empty() {
        told = lines.get(lines.len().saturating_sub(LINES)..).unwrap_or_default().to_vec();
    }
    let text = told.join(" | ");
    let home = std::fs::canonicalize(tree.folder()).unwrap_or_else(|_| tree.folder().to_owned());
    let copy = tree.copy().to_string_lossy().into_owned();
    let text = text.replace(&format!("{copy}/"), "").replace(&*home.to_string_lossy(), "");
    text.chars().filter(|c| !c.is_control()).take(600).collect()
}
