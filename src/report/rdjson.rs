//! The Reviewdog Diagnostic Format, with the fix as a suggestion where it stays in one file. Its columns count
//! bytes of UTF-8 from 1, unlike those of all other formats.

use std::io::{self, Write};
use std::ops::Range;

use serde_json::{Value, json};

use super::Report;
use crate::detect::{Finding, Outcome};
use crate::rule::Impact;

/// Writes the findings that still stand.
///
/// # Errors
/// Those of `out`.
pub fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let findings = report.remaining();
    let diagnostics: Vec<_> = findings.iter().map(|finding| diagnostic(report, finding)).collect();
    let document = json!({ "source": { "name": "wa-fix" }, "diagnostics": diagnostics });
    serde_json::to_writer_pretty(&mut *out, &document)?;
    writeln!(out)
}

fn diagnostic(report: &Report<'_>, finding: &Finding) -> Value {
    let text = report.texts.text_of(finding).unwrap_or_default();
    let mut value = json!({
        "message": finding.message,
        "location": { "path": finding.path, "range": range(text, &finding.span) },
        "severity": match finding.impact {
            Impact::High => "ERROR",
            Impact::Medium | Impact::Low => "WARNING",
            Impact::Info => "INFO",
        },
        "code": { "value": finding.rule.id },
    });
    let fix = finding.fix.as_ref().filter(|_| matches!(finding.outcome, Outcome::Offered | Outcome::Held(_)));
    let edits = fix.map(|fix| fix.edits.as_slice()).unwrap_or_default();
    // A suggestion is accepted alone: one of several would leave half a fix.
    if let [edit] = edits
        && edit.path == finding.path
        && !edit.creates
        && let Some(fields) = value.as_object_mut()
    {
        fields.insert(
            "suggestions".to_owned(),
            json!([{ "range": range(text, &edit.span), "text": edit.text }]),
        );
    }
    value
}

fn range(text: &str, span: &Range<usize>) -> Value {
    json!({ "start": position(text, span.start), "end": position(text, span.end) })
}

fn position(text: &str, at: usize) -> Value {
    let before = text.get(..at).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, str::len) + 1;
    json!({ "line": line, "column": column })
}
