//! Proof: the user's own check, run in a scratch copy of the project; a fix that breaks it is found and dropped alone.
//!
//! Reading order: [`check`] is what is run, `process` runs it, [`mod@bench`] gives it a copy that holds what is to be proved,
//! [`bisect`] finds the culprits, [`template`] and [`delta`] say what a synthesis makes otherwise.
//! This room, and no other, executes code of the project, and only because `--prove` asked for it.

pub mod bench;
pub mod bisect;
pub mod check;
pub mod delta;
pub mod exposure;
mod process;
pub mod stateful;
pub mod template;

use serde::Serialize;

pub use bench::{Bench, Workbench};
pub use bisect::{Proven, prove};
pub use check::{Check, Checks};
pub use delta::{Delta, ResourceChange, measure};
pub use template::Templates;

/// What a proof found, as every report has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Proof {
    /// The checks, as they were asked for.
    pub checks: Vec<String>,
    /// How it went.
    pub verdict: Verdict,
    /// How often the checks were run to find that out.
    pub runs: usize,
    /// The fixes that were tried.
    pub fixes: usize,
    /// The fixes that were taken out, in the order in which they were found.
    pub backed_out: Vec<BackedOut>,
    /// Where the project fails before any fix: what the check says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What each fix makes of the CloudFormation templates; empty unless they were synthesised.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub deltas: Vec<Delta>,
}

/// How a proof went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The project passes with all fixes that are left.
    Passed,
    /// The project fails before any fix: nothing is proved, and no fix is blamed.
    FailedBefore,
    /// There is no fix to prove.
    NothingToProve,
}

/// A fix that a check failed with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BackedOut {
    /// The rule's number.
    pub rule: String,
    /// The rule's name.
    pub name: String,
    /// What the fix does.
    pub title: String,
    /// The finding.
    pub fingerprint: String,
    /// The check, and what it says.
    pub error: String,
}

/// Why there is no proof.
#[derive(Debug, thiserror::Error)]
pub enum ProofError {
    /// The copy cannot be made or written.
    #[error("the scratch copy for --prove: {0}")]
    Scratch(#[from] crate::write::WriteError),
    /// A check cannot be run.
    #[error("{0}")]
    Check(String),
    /// A process cannot be started.
    #[error("`{command}` cannot be started: {source}; check that it is installed")]
    Start {
        /// What was to run.
        command: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// The system does not say when Ctrl-C is pressed, so a check could not be ended.
    #[error("signals cannot be listened to: {0}; prove in another terminal, or without --prove")]
    Listen(std::io::Error),
    /// Ctrl-C, or a request to end.
    #[error("interrupted during the proof; nothing was written")]
    Interrupted,
}
