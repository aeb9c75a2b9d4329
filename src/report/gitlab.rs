//! GitLab's Code Quality report: a JSON array, shown in the merge request.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde_json::json;

use super::Report;
use crate::rule::Impact;

/// Writes the findings that still stand.
///
/// # Errors
/// Those of `out`.
pub fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    // GitLab drops an issue whose fingerprint it has seen: two apps of one repository may have equal constructs.
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let issues: Vec<_> = report
        .remaining()
        .into_iter()
        .map(|finding| {
            let before = seen.entry(&finding.fingerprint).or_default();
            *before += 1;
            let fingerprint = match *before {
                1 => finding.fingerprint.clone(),
                number => format!("{}-{number}", finding.fingerprint),
            };
            json!({
                "description": format!("{} ({} {})", finding.message, finding.rule.id, finding.rule.name),
                "check_name": finding.rule.name,
                "fingerprint": fingerprint,
                "severity": match finding.impact {
                    Impact::High => "critical",
                    Impact::Medium => "major",
                    Impact::Low => "minor",
                    Impact::Info => "info",
                },
                "location": {
                    "path": finding.path,
                    "lines": { "begin": finding.range.start.line, "end": finding.range.end.line },
                },
            })
        })
        .collect();
    serde_json::to_writer_pretty(&mut *out, &issues)?;
    writeln!(out)
}
