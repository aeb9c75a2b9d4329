//! Every printed form of findings and changes. Pure: data in, bytes out; what is a terminal, how wide
//! it is and whether it shows colours is told by the caller.
//!
//! A format is one file with a `write(&Report, &mut dyn Write)`, one variant of [`Format`] and one arm
//! in [`write()`]. Findings come out by path, offset and rule, and no clock and no map order gets into
//! machine output: the same findings are the same bytes.

pub mod checkstyle;
pub mod concise;
pub mod counts;
pub mod diff;
mod frame;
pub mod github;
pub mod gitlab;
pub mod json;
pub mod jsonl;
pub mod junit;
pub mod look;
pub mod progress;
pub mod pull_request;
pub mod rdjson;
pub mod rows;
pub mod sarif;
pub mod summary;
pub mod text;
mod xml;

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write};
use std::str::FromStr;
use std::time::Duration;

pub use counts::Counts;
pub use look::Look;

use crate::detect::{Finding, Outcome};
use crate::edit::FileChange;
use crate::prove::Proof;
use crate::rule::Impact;
pub use crate::source::Skipped;

/// What was asked for: it decides what the text form shows and which step comes next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Findings only.
    Scan,
    /// The unified diff of what `apply` would write.
    Diff,
    /// The same, and the plan was written to a file, or to where this would be shown.
    Plan(Option<String>),
    /// The working tree was written.
    Apply,
    /// Commits were written to a new branch.
    Branch(String),
}

/// Where the text of a finding's file is found.
pub trait Texts {
    /// The text that the finding's span and range refer to: for a fixed one that before the fix.
    fn text_of(&self, finding: &Finding) -> Option<&str>;
}

impl Texts for BTreeMap<String, String> {
    fn text_of(&self, finding: &Finding) -> Option<&str> {
        self.get(&finding.path).map(String::as_str)
    }
}

/// Everything that a run has to say.
#[derive(Clone, Copy)]
pub struct Report<'a> {
    /// All findings, in any order, those below `min_impact` included.
    pub findings: &'a [Finding],
    /// The files as they shall be or were written.
    pub changes: &'a [FileChange],
    /// Files that were not looked at.
    pub skipped: &'a [Skipped],
    /// The texts of the files, for code frames.
    pub texts: &'a dyn Texts,
    /// Findings below this are counted and not listed.
    pub min_impact: Impact,
    /// How many files were looked at.
    pub scanned: usize,
    /// How long the run took.
    pub elapsed: Duration,
    /// Also show what is usually left out: suppressed findings, frames of fixed ones, every skipped file.
    pub verbose: bool,
    /// What was asked for.
    pub command: &'a Command,
    /// The paths and options as they were typed, for the next command: `--tier review lib`.
    pub arguments: &'a str,
    /// What `--prove` found.
    pub proof: Option<&'a Proof>,
}

impl fmt::Debug for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Report")
            .field("findings", &self.findings)
            .field("changes", &self.changes)
            .field("skipped", &self.skipped)
            .field("command", &self.command)
            .finish_non_exhaustive()
    }
}

impl<'a> Report<'a> {
    /// The findings that are listed, in the stated order.
    pub fn listed(&self) -> Vec<&'a Finding> {
        let mut listed: Vec<_> =
            self.findings.iter().filter(|finding| finding.impact >= self.min_impact).collect();
        listed.sort_by_key(|finding| finding.sort_key());
        listed
    }

    /// The listed findings that still stand: neither fixed nor accepted in the code. They alone go to
    /// the formats that mean "a problem is here".
    pub fn remaining(&self) -> Vec<&'a Finding> {
        let mut listed = self.listed();
        listed.retain(|finding| remains(finding));
        listed
    }

    /// How many there are of everything.
    pub fn counts(&self) -> Counts {
        Counts::of(self)
    }
}

/// Whether a finding still stands after the run.
fn remains(finding: &Finding) -> bool {
    !matches!(finding.outcome, Outcome::Fixed | Outcome::Suppressed(_))
}

/// The forms of output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people: code frames, or the unified diff of `wa-fix diff`.
    Text,
    /// One line per finding.
    Concise,
    /// One JSON document.
    Json,
    /// One JSON document per line.
    Jsonl,
    /// SARIF 2.1.0.
    Sarif,
    /// Workflow commands of GitHub Actions.
    Github,
    /// GitLab's Code Quality report.
    Gitlab,
    /// JUnit's XML.
    Junit,
    /// The Reviewdog Diagnostic Format.
    Rdjson,
    /// Checkstyle's XML.
    Checkstyle,
    /// One line per finding, for a problem matcher.
    Vscode,
}

impl Format {
    /// Every format, in the order in which help lists them.
    pub const ALL: [Self; 11] = [
        Self::Text,
        Self::Concise,
        Self::Json,
        Self::Jsonl,
        Self::Sarif,
        Self::Github,
        Self::Gitlab,
        Self::Junit,
        Self::Rdjson,
        Self::Checkstyle,
        Self::Vscode,
    ];

    /// The name used with `--format`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Concise => "concise",
            Self::Json => "json",
            Self::Jsonl => "jsonl",
            Self::Sarif => "sarif",
            Self::Github => "github",
            Self::Gitlab => "gitlab",
            Self::Junit => "junit",
            Self::Rdjson => "rdjson",
            Self::Checkstyle => "checkstyle",
            Self::Vscode => "vscode",
        }
    }

    /// Whether it needs the texts of the files: it shows the code around a finding, or counts bytes.
    pub const fn needs_texts(self) -> bool {
        matches!(self, Self::Text | Self::Rdjson)
    }

    /// Whether a program reads it: then prose has to go elsewhere.
    pub const fn is_for_machines(self) -> bool {
        !matches!(self, Self::Text)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|format| format.name() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("`{text}` is not one of {names}")
        })
    }
}

/// Writes the report in a format. The closing summary is [`summary::write`], for another stream.
///
/// # Errors
/// Those of `out`.
pub fn write(format: Format, report: &Report<'_>, look: Look, out: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Text => match report.command {
            Command::Plan(None) => Ok(()),
            Command::Diff | Command::Plan(_) => diff::write(report.changes, diff::CONTEXT, look, out),
            _ => text::write(report, look, out),
        },
        Format::Concise | Format::Vscode => concise::write(report, out),
        Format::Json => json::write(report, out),
        Format::Jsonl => jsonl::write(report, out),
        Format::Sarif => sarif::write(report, out),
        Format::Github => github::write(report, out),
        Format::Gitlab => gitlab::write(report, out),
        Format::Junit => junit::write(report, out),
        Format::Rdjson => rdjson::write(report, out),
        Format::Checkstyle => checkstyle::write(report, out),
    }
}

#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;
