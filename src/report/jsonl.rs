//! The findings of [`super::json`], one per line, then one line with the summary: for long runs and
//! for tools that read line by line. Each line says its `type` first.

use std::io::{self, Write};

use serde::Serialize;

use super::Report;
use super::json::{FindingView, SCHEMA, SummaryView};

/// One line.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Line<'a> {
    Finding(FindingView<'a>),
    Summary(Summary<'a>),
}

/// The last line.
#[derive(Debug, Serialize)]
struct Summary<'a> {
    schema: u32,
    #[serde(flatten)]
    summary: SummaryView<'a>,
}

/// Writes the lines.
///
/// # Errors
/// Those of `out`.
pub fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let findings = report.listed().into_iter().map(|finding| Line::Finding(FindingView::of(finding)));
    let summary = Line::Summary(Summary { schema: SCHEMA, summary: SummaryView::of(report) });
    for line in findings.chain([summary]) {
        serde_json::to_writer(&mut *out, &line)?;
        writeln!(out)?;
    }
    Ok(())
}
