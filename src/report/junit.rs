//! JUnit's XML: each finding that still stands is a test that failed, each accepted one a test that was skipped.

use std::io::{self, Write};

use super::Report;
use super::xml::escaped;
use crate::detect::{Finding, Outcome};

/// Writes one suite. A run without findings is one test that passed: servers take an empty suite for a fault.
///
/// # Errors
/// Those of `out`.
pub fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut cases = report.listed();
    cases.retain(|finding| finding.outcome != Outcome::Fixed);
    let skipped = cases.iter().filter(|finding| is_accepted(finding)).count();
    let (tests, failures) = (cases.len().max(1), cases.len() - skipped);
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    writeln!(out, "<testsuites tests=\"{tests}\" failures=\"{failures}\" skipped=\"{skipped}\">")?;
    writeln!(
        out,
        "  <testsuite name=\"wa-fix\" tests=\"{tests}\" failures=\"{failures}\" errors=\"0\" skipped=\"{skipped}\">"
    )?;
    if cases.is_empty() {
        writeln!(out, "    <testcase classname=\"wa-fix\" name=\"nothing to report\"/>")?;
    }
    for finding in cases {
        case(finding, out)?;
    }
    writeln!(out, "  </testsuite>")?;
    writeln!(out, "</testsuites>")
}

fn is_accepted(finding: &Finding) -> bool {
    matches!(finding.outcome, Outcome::Suppressed(_))
}

fn case(finding: &Finding, out: &mut dyn Write) -> io::Result<()> {
    let (path, line) = (escaped(&finding.path), finding.range.start.line);
    let rule = finding.rule;
    writeln!(
        out,
        "    <testcase classname=\"{path}\" name=\"{} {} (line {line})\" file=\"{path}\" line=\"{line}\">",
        rule.id, rule.name
    )?;
    if let Outcome::Suppressed(reason) = &finding.outcome {
        writeln!(out, "      <skipped message=\"{}\"/>", escaped(reason))?;
    } else {
        let mut text = format!("{}\n{}:{line}: {}", finding.message, finding.path, finding.outcome.word());
        text.extend(finding.outcome.detail().map(|detail| format!(" ({detail})")));
        text.extend(finding.outcome.next_step().map(|next| format!("\nnext: {next}")));
        writeln!(
            out,
            "      <failure type=\"{}\" message=\"{}\">{}</failure>",
            finding.impact,
            escaped(rule.title),
            escaped(&text)
        )?;
    }
    writeln!(out, "    </testcase>")
}
