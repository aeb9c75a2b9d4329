//! Which fixes break the project, in as few runs as possible.
//!
//! Fixes are numbered in the order in which the plan makes them. The project as it is passes (that is run first), with
//! all fixes it fails: halving finds the first fix with which it fails. That one is taken out, the plan is made again
//! without it, and the whole is run again. With one culprit among n fixes that is at most log2(n) + 3 runs.

use super::bench::{Bench, Failure, Outcome};
use super::{BackedOut, Proof, ProofError, Verdict};
use crate::plan::{Plan, Trial};

/// A plan that passes, and how that is known.
#[derive(Debug)]
pub struct Proven {
    /// The plan without the fixes that were taken out.
    pub plan: Plan,
    /// What was taken out to get there.
    pub trial: Trial,
    /// For the reports.
    pub proof: Proof,
}

/// Makes plans without some fixes.
pub type Planner<'p> = &'p dyn Fn(&Trial) -> Plan;

/// Runs the checks, and takes out each fix that they fail with.
///
/// # Errors
/// A check cannot be run at all, or a person stops it.
pub fn prove(plan_with: Planner<'_>, bench: &mut dyn Bench) -> Result<Proven, ProofError> {
    let mut trial = Trial::default();
    let mut plan = plan_with(&trial);
    let mut proof = Proof {
        checks: bench.names(),
        verdict: Verdict::NothingToProve,
        runs: 0,
        fixes: order(&plan).len(),
        backed_out: Vec::new(),
        error: None,
        deltas: Vec::new(),
    };
    if plan.changes.is_empty() {
        return Ok(Proven { plan, trial, proof });
    }
    if let Outcome::Failed(failure) = bench.try_out(&[])? {
        proof.verdict = Verdict::FailedBefore;
        proof.error = Some(failure.words());
        proof.runs = bench.runs();
        plan.changes.clear();
        plan.steps.clear();
        return Ok(Proven { plan, trial, proof });
    }
    proof.verdict = Verdict::Passed;
    // The longest beginning of the order that is known to pass.
    let mut good: Vec<String> = Vec::new();
    while !plan.changes.is_empty() {
        let Outcome::Failed(failure) = bench.try_out(&plan.changes)? else { break };
        let order = order(&plan);
        let start = if order.starts_with(&good) { good.len() } else { 0 };
        let (culprit, failure) = first_to_fail(&order, start, failure, &trial, plan_with, bench)?;
        let Some(name) = order.get(culprit) else {
            return Err(ProofError::Check(format!(
                "{} with the fixes, and none of them can be told apart; take them one by one with --select",
                failure.words()
            )));
        };
        good = order.iter().take(culprit).cloned().collect();
        proof.backed_out.push(backed_out(&plan, name, &failure));
        trial.backed_out.insert(name.clone(), failure.words());
        plan = plan_with(&trial);
    }
    proof.runs = bench.runs();
    Ok(Proven { plan, trial, proof })
}

/// The fixes of a plan by fingerprint, in the order in which they are made.
pub(super) fn order(plan: &Plan) -> Vec<String> {
    plan.steps.iter().flat_map(|step| step.fixed.iter().cloned()).collect()
}

/// The number of the first fix with which the checks fail, and their words there. `start` fixes are known to pass.
fn first_to_fail(
    order: &[String],
    start: usize,
    failure: Failure,
    trial: &Trial,
    plan_with: Planner<'_>,
    bench: &mut dyn Bench,
) -> Result<(usize, Failure), ProofError> {
    let (mut passes, mut fails, mut failure) = (start, order.len(), failure);
    while fails > passes + 1 {
        let middle = usize::midpoint(passes, fails);
        let part = plan_with(&beginning(trial, order, middle));
        match bench.try_out(&part.changes)? {
            Outcome::Passed(_) => passes = middle,
            Outcome::Failed(found) => {
                fails = middle;
                failure = found;
            }
        }
    }
    Ok((fails.saturating_sub(1), failure))
}

/// A trial of the first fixes only.
pub(super) fn beginning(trial: &Trial, order: &[String], length: usize) -> Trial {
    Trial { only: Some(order.iter().take(length).cloned().collect()), ..trial.clone() }
}

fn backed_out(plan: &Plan, fingerprint: &str, failure: &Failure) -> BackedOut {
    let step = plan.steps.iter().find(|step| step.fixed.iter().any(|fixed| fixed == fingerprint));
    let title = step.and_then(|step| {
        let at = step.fixed.iter().position(|fixed| fixed == fingerprint)?;
        step.titles.get(at).cloned()
    });
    BackedOut {
        rule: step.map_or("", |step| step.rule.id).to_owned(),
        name: step.map_or("", |step| step.rule.name).to_owned(),
        title: title.unwrap_or_default(),
        fingerprint: fingerprint.to_owned(),
        error: failure.words(),
    }
}
