//! What `--prove` found, in the summary.

use super::{Line, Role, count};
use crate::prove::{Delta, Proof, Verdict};

/// How it went, what the templates become, and what to look at.
pub(super) fn lines(proof: &Proof) -> Vec<Line> {
    let checks = proof.checks.iter().map(|check| format!("`{check}`")).collect::<Vec<_>>().join(", ");
    let runs = count(proof.runs, "run");
    let head = match proof.verdict {
        Verdict::Passed => {
            let left = proof.fixes.saturating_sub(proof.backed_out.len());
            let with = match (left, proof.backed_out.len()) {
                (0, _) => "no fix".to_owned(),
                (1, _) => "the fix".to_owned(),
                (_, 0) => format!("all {left} fixes"),
                _ => format!("the other {left} fixes"),
            };
            Line::new(Role::Good, format!("Proved: {checks} passes with {with}, {runs}."))
        }
        Verdict::FailedBefore => {
            let error = proof.error.as_deref().unwrap_or_default();
            let text = format!(
                "Not proved: the project fails before any fix, so nothing is written. {error}. Mend that first, or run \
                 without --prove."
            );
            Line::new(Role::Bad, text)
        }
        Verdict::NothingToProve => {
            Line::new(Role::Dim, format!("Not proved: {checks} was not run, for there is no fix."))
        }
    };
    let mut lines = vec![head];
    lines.extend(deltas(&proof.deltas));
    lines.extend(warnings(&proof.deltas));
    lines
}

fn deltas(deltas: &[Delta]) -> Option<Line> {
    let details: Vec<String> = deltas
        .iter()
        .filter(|delta| !delta.resources.is_empty())
        .map(|delta| {
            let changes: Vec<String> = delta
                .resources
                .iter()
                .map(|change| format!("{} {} ({})", change.change, change.logical_id, change.kind))
                .collect();
            format!("{} {}: {}", delta.rule, delta.title, changes.join(", "))
        })
        .collect();
    let total: usize = deltas.iter().map(|delta| delta.resources.len()).sum();
    (total > 0).then(|| {
        Line::new(Role::Heading, format!("CloudFormation: {} by fix:", count(total, "change"))).with(details)
    })
}

fn warnings(deltas: &[Delta]) -> Option<Line> {
    let details: Vec<String> = deltas
        .iter()
        .flat_map(|delta| delta.warnings.iter().map(|warning| format!("{}: {warning}", delta.rule)))
        .collect();
    let text = format!("{} to look at before deploying:", count(details.len(), "change"));
    (!details.is_empty()).then(|| Line::new(Role::Attention, text).with(details))
}
