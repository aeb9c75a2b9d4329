//! How many of everything, counted once for all formats.

use serde::Serialize;

use super::{Report, remains};
use crate::detect::{Finding, Outcome};
use crate::rule::Impact;
use crate::source::SkipKind;

/// Listed findings by the word they end in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Outcomes {
    /// The fix was written.
    pub fixed: usize,
    /// The fix is ready.
    pub offered: usize,
    /// A person said no.
    pub declined: usize,
    /// The fix's tier was not selected.
    pub held: usize,
    /// A value is missing.
    pub needs_value: usize,
    /// Another fix claims the same text.
    pub conflict: usize,
    /// A check failed.
    pub backed_out: usize,
    /// Accepted in the code.
    pub suppressed: usize,
    /// No edit is right.
    pub no_fix: usize,
}

/// All findings by impact, those that are not listed included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Impacts {
    /// Fix now.
    pub high: usize,
    /// Address soon.
    pub medium: usize,
    /// Optimise over time.
    pub low: usize,
    /// Worth knowing.
    pub info: usize,
}

/// Files by what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Files {
    /// Looked at.
    pub scanned: usize,
    /// With at least one listed finding.
    pub with_findings: usize,
    /// Changed, or to be changed.
    pub changed: usize,
}

/// Everything that a summary counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Listed findings.
    pub listed: usize,
    /// Listed findings that still stand: with any of these a run ends in 1.
    pub remaining: usize,
    /// Files that should have been checked and could not be: with any of these a run ends in 1, too.
    pub problems: usize,
    /// Findings below the impact asked for.
    pub below: usize,
    /// Listed findings by outcome.
    pub outcomes: Outcomes,
    /// All findings by impact.
    pub impacts: Impacts,
    /// Files.
    pub files: Files,
}

impl Counts {
    /// Counts a report.
    pub(super) fn of(report: &Report<'_>) -> Self {
        let listed = report.listed();
        let mut counts = Self {
            listed: listed.len(),
            problems: report.skipped.iter().filter(|skipped| skipped.kind == SkipKind::Problem).count(),
            below: report.findings.len() - listed.len(),
            remaining: listed.iter().filter(|finding| remains(finding)).count(),
            ..Self::default()
        };
        for finding in report.findings {
            *counts.impacts.slot(finding.impact) += 1;
        }
        for finding in &listed {
            *counts.outcomes.slot(&finding.outcome) += 1;
        }
        counts.files = Files {
            scanned: report.scanned,
            with_findings: listed.chunk_by(|a, b| a.path == b.path).count(),
            changed: report.changes.len(),
        };
        counts
    }
}

impl Outcomes {
    fn slot(&mut self, outcome: &Outcome) -> &mut usize {
        match outcome {
            Outcome::Fixed => &mut self.fixed,
            Outcome::Offered => &mut self.offered,
            Outcome::Declined => &mut self.declined,
            Outcome::Held(_) => &mut self.held,
            Outcome::NeedsValue(_) => &mut self.needs_value,
            Outcome::Conflict(_) => &mut self.conflict,
            Outcome::BackedOut(_) => &mut self.backed_out,
            Outcome::Suppressed(_) => &mut self.suppressed,
            Outcome::NoFix(_) => &mut self.no_fix,
        }
    }
}

impl Impacts {
    /// Impacts of some findings.
    pub(super) fn of(findings: &[&Finding]) -> Self {
        let mut impacts = Self::default();
        for finding in findings {
            *impacts.slot(finding.impact) += 1;
        }
        impacts
    }

    fn slot(&mut self, impact: Impact) -> &mut usize {
        match impact {
            Impact::High => &mut self.high,
            Impact::Medium => &mut self.medium,
            Impact::Low => &mut self.low,
            Impact::Info => &mut self.info,
        }
    }
}
