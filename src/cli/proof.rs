//! `--prove`: options to checks, and a plan that passes them.

use std::time::Duration;

use anyhow::{Result, bail};

use super::args::{CONFIGURED, RunArgs};
use super::config::NAME;
use super::run::{Environment, Run};
use crate::detect::Outcome;
use crate::plan::{Plan, Trial};
use crate::prove::{Bench as _, Check, Checks, Proof, Verdict, Workbench, check, measure, prove};

/// A plan, with its proof where one was asked for.
pub(super) struct Planned {
    /// What to write.
    pub plan: Plan,
    /// What the checks say.
    pub proof: Option<Proof>,
    /// Where more states can be tried out.
    pub bench: Option<Workbench>,
    /// What was taken out.
    pub trial: Trial,
}

/// Plans, and takes out what `--prove` fails with.
pub(super) fn planned(run: &Run, args: &RunArgs, environment: &Environment) -> Result<Planned> {
    if args.prove.is_empty() {
        return Ok(Planned { plan: run.plan(), proof: None, bench: None, trial: Trial::default() });
    }
    let mut bench = Workbench::new(checks(run, args, environment)?)?;
    let plan_with = |trial: &Trial| run.plan_with(trial);
    let mut proven = prove(&plan_with, &mut bench)?;
    if proven.proof.verdict == Verdict::Passed {
        proven.proof.deltas = measure(&proven, &plan_with, &mut bench)?;
    }
    if proven.proof.verdict == Verdict::FailedBefore {
        // Nothing is written, so nothing is fixed.
        for finding in &mut proven.plan.findings {
            if finding.outcome == Outcome::Fixed {
                finding.outcome = Outcome::Offered;
            }
        }
    }
    debug_assert!(bench.runs() >= proven.proof.runs);
    Ok(Planned { plan: proven.plan, proof: Some(proven.proof), bench: Some(bench), trial: proven.trial })
}

/// The checks that the options and the configuration name.
pub(super) fn checks(run: &Run, args: &RunArgs, environment: &Environment) -> Result<Checks> {
    let mut list = Vec::new();
    for text in &args.prove {
        let text = match (text.as_str(), &run.proof.command) {
            (CONFIGURED, Some(command)) => command,
            (CONFIGURED, None) => {
                bail!(
                    "--prove needs a command, `tsc` or `synth`; give one, or set `command` under [proof] in {NAME}"
                )
            }
            _ => text,
        };
        if text.trim().is_empty() {
            bail!("--prove has an empty command; give one, such as --prove 'npm test'");
        }
        list.push(Check::named(text));
    }
    let timeout = run.proof.timeout.map_or(check::TIMEOUT, Duration::from_secs);
    if timeout.is_zero() {
        bail!("`timeout` under [proof] in {NAME} is 0; give the seconds that a check may take");
    }
    let apps = run.apps.iter().map(|app| app.root.clone()).collect();
    Ok(Checks { list, timeout, root: run.root.clone(), apps, path: environment.path.clone() })
}
