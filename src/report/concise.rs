//! `path(line,col): warning 2.6: message`, one line per finding that still stands.
//!
//! The shape is that of `tsc`, so that people, `grep` and editors read it at once. Every finding is a
//! `warning`, whatever its impact: an `error` beside the compiler's own would say that the code does
//! not work, and it does. Findings of impact `info` print `info`.
//!
//! VS Code's own `$tsc` pattern reads this but for the code: it wants `TS` and a number, where we
//! print the number of the rule. A task reads it with this pattern:
//!
//! ```json
//! { "regexp": "^(\\S.*)\\((\\d+),(\\d+)\\): (error|warning|info) ([\\w.-]+): (.*)$",
//!   "file": 1, "line": 2, "column": 3, "severity": 4, "code": 5, "message": 6 }
//! ```

use std::io::{self, Write};

use super::Report;
use super::look::printable;
use crate::rule::Impact;

/// Writes the lines.
///
/// # Errors
/// Those of `out`.
pub fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    for finding in report.remaining() {
        let severity = if finding.impact == Impact::Info { "info" } else { "warning" };
        let start = finding.range.start;
        let path = one_line(&finding.path);
        let message = one_line(&finding.message);
        writeln!(out, "{path}({},{}): {severity} {}: {message}", start.line, start.column, finding.rule.id)?;
    }
    Ok(())
}

/// Text on one line.
fn one_line(text: &str) -> String {
    printable(text).split(['\n', '\t']).map(str::trim).collect::<Vec<_>>().join(" ")
}
