//! The JSON contract of `scan`: field names, their order and their meaning stay within a schema number.

use std::io::{self, Write};

use serde::Serialize;

use super::counts::{Files, Impacts, Outcomes};
use super::{Report, Skipped};
use crate::detect::{Finding, ShownEdit, ShownFix, TextRange};
use crate::prove::Proof;
use crate::rule::{Impact, Pillar, Tier};

/// The number that changes when a reader of the old form would misread the new one.
pub const SCHEMA: u32 = 1;

/// The whole document.
#[derive(Debug, Serialize)]
struct Document<'a> {
    schema: u32,
    findings: Vec<FindingView<'a>>,
    summary: SummaryView<'a>,
}

/// A finding as machines read it.
#[derive(Debug, Serialize)]
pub(super) struct FindingView<'a> {
    rule: &'a str,
    also: &'a [&'a str],
    name: &'a str,
    pillar: Pillar,
    impact: Impact,
    practice: &'a str,
    tier: Tier,
    path: &'a str,
    range: TextRange,
    message: &'a str,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    fix: Option<FixView<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    alternatives: Vec<WayView<'a>>,
    fingerprint: &'a str,
}

/// A fix: all its edits or none.
#[derive(Debug, Serialize)]
struct FixView<'a> {
    title: &'a str,
    edits: Vec<EditView<'a>>,
}

/// Another fix for the same finding, which a person may take instead.
#[derive(Debug, Serialize)]
struct WayView<'a> {
    tier: Tier,
    #[serde(flatten)]
    fix: FixView<'a>,
}

/// An edit against the text that the finding's range refers to.
#[derive(Debug, Serialize)]
struct EditView<'a> {
    path: &'a str,
    range: TextRange,
    text: &'a str,
    #[serde(skip_serializing_if = "is_false")]
    creates: bool,
}

/// What was found and done in all.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SummaryView<'a> {
    listed: usize,
    remaining: usize,
    below_min_impact: usize,
    outcomes: Outcomes,
    impacts: Impacts,
    files: Files,
    skipped: Vec<&'a Skipped>,
    #[serde(skip_serializing_if = "Option::is_none")]
    proof: Option<&'a Proof>,
}

/// Writes the document on one line.
///
/// # Errors
/// Those of `out`.
pub fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let document = Document {
        schema: SCHEMA,
        findings: report.listed().into_iter().map(FindingView::of).collect(),
        summary: SummaryView::of(report),
    };
    serde_json::to_writer(&mut *out, &document)?;
    writeln!(out)
}

impl<'a> FindingView<'a> {
    pub(super) fn of(finding: &'a Finding) -> Self {
        let alternatives =
            finding.ways().map(|way| WayView { tier: way.tier, fix: FixView::of(&way.fix) }).collect();
        Self {
            rule: finding.rule.id,
            also: finding.rule.also,
            name: finding.rule.name,
            pillar: finding.rule.pillar,
            impact: finding.impact,
            practice: finding.rule.practice,
            tier: finding.tier,
            path: &finding.path,
            range: finding.range,
            message: &finding.message,
            outcome: finding.outcome.word(),
            detail: finding.outcome.detail(),
            next: finding.outcome.next_step(),
            fix: finding.fix.as_ref().map(FixView::of),
            alternatives,
            fingerprint: &finding.fingerprint,
        }
    }
}

impl<'a> FixView<'a> {
    fn of(fix: &'a ShownFix) -> Self {
        Self { title: &fix.title, edits: fix.edits.iter().map(EditView::of).collect() }
    }
}

impl<'a> EditView<'a> {
    fn of(edit: &'a ShownEdit) -> Self {
        Self { path: &edit.path, range: edit.range, text: &edit.text, creates: edit.creates }
    }
}

impl<'a> SummaryView<'a> {
    pub(super) fn of(report: &Report<'a>) -> Self {
        let counts = report.counts();
        let mut skipped: Vec<_> = report.skipped.iter().collect();
        skipped.sort_by_key(|skipped| (&skipped.path, &skipped.why));
        Self {
            listed: counts.listed,
            remaining: counts.remaining,
            below_min_impact: counts.below,
            outcomes: counts.outcomes,
            impacts: counts.impacts,
            files: counts.files,
            skipped,
            proof: report.proof,
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_false(flag: &bool) -> bool {
    !*flag
}
