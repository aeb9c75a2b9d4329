//! Checkstyle's XML, which most servers for continuous integration read (Jenkins' Warnings plugin, reviewdog).

use std::io::{self, Write};

use super::Report;
use super::xml::escaped;
use crate::rule::Impact;

/// Writes the findings that still stand, by file.
///
/// # Errors
/// Those of `out`.
pub fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    writeln!(out, "<checkstyle version=\"4.3\">")?;
    let findings = report.remaining();
    for file in findings.chunk_by(|a, b| a.path == b.path) {
        let name = file.first().map(|finding| escaped(&finding.path)).unwrap_or_default();
        writeln!(out, "  <file name=\"{name}\">")?;
        for finding in file {
            let severity = match finding.impact {
                Impact::High => "error",
                Impact::Medium | Impact::Low => "warning",
                Impact::Info => "info",
            };
            writeln!(
                out,
                "    <error line=\"{}\" column=\"{}\" severity=\"{severity}\" message=\"{}\" source=\"wa-fix.{}.{}\"/>",
                finding.range.start.line,
                finding.range.start.column,
                escaped(&finding.message),
                finding.rule.id,
                finding.rule.name,
            )?;
        }
        writeln!(out, "  </file>")?;
    }
    writeln!(out, "</checkstyle>")
}
