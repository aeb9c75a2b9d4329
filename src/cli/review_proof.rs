//! `--interactive --prove`: what was accepted is tried before it is written, and a fix that breaks the project goes back to the
//! person.

use anyhow::Result;

use super::args::RunArgs;
use super::branch::each_passes;
use super::proof::checks;
use super::run::{Environment, Run};
use crate::edit::{Commit, FileChange};
use crate::plan::Plan;
use crate::prove::{Proof, ProofError, Proven, Verdict, Workbench, measure, prove};
use crate::report::look::count;
use crate::review::Session;
use crate::review::terminal::Terminal;

/// What became of a trial.
pub(super) enum Tried {
    /// It may be written.
    Passed,
    /// It may not, and why; the decisions are others now.
    Not(String),
    /// The person stopped it.
    Interrupted,
}

/// The checks of a review.
pub(super) struct Prover<'p> {
    run: &'p Run,
    args: &'p RunArgs,
    environment: &'p Environment,
    /// What passed last, and what was found out.
    passed: Option<(Vec<FileChange>, Proof)>,
    /// Whether a fix was backed out.
    pub backed_out: bool,
}

impl<'p> Prover<'p> {
    /// The checks that the options name.
    ///
    /// # Errors
    /// There is no such check.
    pub(super) fn new(run: &'p Run, args: &'p RunArgs, environment: &'p Environment) -> Result<Self> {
        checks(run, args, environment)?;
        Ok(Self { run, args, environment, passed: None, backed_out: false })
    }

    /// Tries what shall be written.
    pub(super) fn try_out(
        &mut self,
        session: &mut Session<'_>,
        terminal: &mut dyn Terminal,
        plan: &Plan,
    ) -> Result<Tried> {
        let is_known = self.passed.as_ref().is_some_and(|(changes, _)| *changes == plan.changes);
        if self.args.prove.is_empty() || is_known {
            return Ok(Tried::Passed);
        }
        let mut proven = None;
        let asked = &*session;
        terminal.work("Proving in a scratch copy, Ctrl-C stops it …", &mut || {
            proven = Some(self.prove(asked));
        })?;
        let Some(proven) = proven.unless_stopped()? else { return Ok(Tried::Interrupted) };
        let proof = proven.proof;
        if proof.verdict == Verdict::FailedBefore {
            return Ok(Tried::Not(format!(
                "Not proved: the project fails before any fix, so nothing is written. {}. Mend that, then answer again.",
                proof.error.unwrap_or_default()
            )));
        }
        if proof.backed_out.is_empty() {
            self.passed = Some((proven.plan.changes, proof));
            return Ok(Tried::Passed);
        }
        self.backed_out = true;
        let names: Vec<String> = proof
            .backed_out
            .iter()
            .map(|out| format!("{} {}, since {}", out.rule, out.title, out.error))
            .collect();
        session.back_out(&proven.trial.backed_out);
        // The others pass as they are, if they are still what was agreed to.
        self.passed = Some((proven.plan.changes, proof));
        Ok(Tried::Not(format!(
            "Backed out by the proof: {}. Nothing was written yet; answer again for the others.",
            names.join("; ")
        )))
    }

    fn prove(&self, session: &Session<'_>) -> Result<Proven> {
        let mut bench = Workbench::new(checks(self.run, self.args, self.environment)?)?;
        let plan_with = |trial: &_| session.plan_with(trial);
        let mut proven = prove(&plan_with, &mut bench)?;
        if proven.proof.verdict == Verdict::Passed {
            proven.proof.deltas = measure(&proven, &plan_with, &mut bench)?;
        }
        Ok(proven)
    }

    /// Commits of which each passes by itself, and what is to be said of them; `None` where the person stopped it.
    pub(super) fn commits(
        &self,
        commits: Vec<Commit>,
        terminal: &mut dyn Terminal,
    ) -> Result<Option<(Vec<Commit>, Vec<String>)>> {
        if self.args.prove.is_empty() {
            return Ok(Some((commits, Vec::new())));
        }
        let mut tried = None;
        terminal.work("Proving each commit in a scratch copy, Ctrl-C stops it …", &mut || {
            let bench = checks(self.run, self.args, self.environment);
            let bench = bench.and_then(|checks| Ok(Workbench::new(checks)?));
            tried = Some(bench.and_then(|mut bench| Ok(each_passes(commits.clone(), &mut bench)?)));
        })?;
        tried.unless_stopped()
    }

    /// What is to be said of the proof once it is written.
    pub(super) fn said(&self) -> String {
        let Some((_, proof)) = &self.passed else { return String::new() };
        let checks = proof.checks.iter().map(|check| format!("`{check}`")).collect::<Vec<_>>().join(", ");
        let mut said = format!("\nProved: {checks} passes with this, {}.", count(proof.runs, "run"));
        for delta in &proof.deltas {
            for warning in &delta.warnings {
                said.push_str(&format!("\nBefore deploying: {}: {warning}", delta.rule));
            }
        }
        said
    }
}

/// A result that a person may have prevented.
trait Stoppable<T> {
    /// The result; `None` where the person stopped it.
    fn unless_stopped(self) -> Result<Option<T>>;
}

impl<T> Stoppable<T> for Option<Result<T>> {
    fn unless_stopped(self) -> Result<Option<T>> {
        match self {
            Some(Err(error)) if matches!(error.downcast_ref(), Some(ProofError::Interrupted)) => Ok(None),
            other => other.transpose(),
        }
    }
}
