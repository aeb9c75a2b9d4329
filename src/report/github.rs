//! Workflow commands of GitHub Actions: the runner turns each line into an annotation on the code.

use std::io::{self, Write};

use super::Report;
use super::look::printable;
use crate::rule::Impact;

/// Writes one command per finding that still stands.
///
/// # Errors
/// Those of `out`.
pub fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    for finding in report.remaining() {
        let level = match finding.impact {
            Impact::High => "error",
            Impact::Medium => "warning",
            Impact::Low | Impact::Info => "notice",
        };
        let range = finding.range;
        writeln!(
            out,
            "::{level} file={},line={},col={},endLine={},endColumn={},title={}::{}",
            property(&finding.path),
            range.start.line,
            range.start.column,
            range.end.line,
            range.end.column,
            property(&format!("{} {}", finding.rule.id, finding.rule.name)),
            data(&finding.message),
        )?;
    }
    Ok(())
}

/// The message part of a command.
fn data(text: &str) -> String {
    let text = text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    // The log is shown by a terminal sooner or later.
    printable(&text).into_owned()
}

/// The value of a property, which ends at a comma or colon.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
