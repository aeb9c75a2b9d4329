//! Findings for people: by file, each with its code frame, what is wrong, what became of it and what
//! to do next.

use std::io::{self, Write};

use super::Report;
use super::frame;
use super::look::{Look, Role, count, printable, wrap};
use crate::detect::{Finding, Outcome, Refusal};
use crate::source::position::LineIndex;

/// Messages are not wrapped narrower than this.
const LEAST: usize = 40;
/// Nor wider: long lines are hard to read.
const MOST: usize = 100;
/// Before each line of a message.
const INDENT: &str = "  ";

/// Writes all listed findings. Suppressed ones only if the report is verbose; of fixed ones otherwise
/// only a line, since their code is no longer there.
///
/// # Errors
/// Those of `out`.
pub fn write(report: &Report<'_>, look: Look, out: &mut dyn Write) -> io::Result<()> {
    let mut findings = report.listed();
    findings.retain(|finding| report.verbose || !matches!(finding.outcome, Outcome::Suppressed(_)));
    let mut known = KnownLines::default();
    for (nth, file) in findings.chunk_by(|a, b| a.path == b.path).enumerate() {
        let Some(first) = file.first() else { continue };
        if nth > 0 {
            writeln!(out)?;
        }
        let heading = look.paint(Role::Heading, &printable(&first.path)).into_owned();
        let number = format!("({})", count(file.len(), "finding"));
        writeln!(out, "{heading} {}", look.paint(Role::Dim, &number))?;
        let mut after_frame = false;
        for finding in file {
            let is_line = finding.outcome == Outcome::Fixed && !report.verbose;
            if after_frame || !is_line {
                writeln!(out)?;
            }
            after_frame = !is_line;
            if is_line {
                write_fixed(finding, look, out)?;
            } else {
                write_finding(finding, report.texts.text_of(finding), &mut known, look, out)?;
            }
        }
    }
    Ok(())
}

/// `fixed 186:15 2.6 name: what the fix did`.
fn write_fixed(finding: &Finding, look: Look, out: &mut dyn Write) -> io::Result<()> {
    let start = finding.range.start;
    let title = finding.fix.as_ref().map(|fix| format!(": {}", fix.title)).unwrap_or_default();
    writeln!(
        out,
        "{INDENT}{} {} {} {}{}",
        look.paint(Role::Good, "fixed"),
        look.paint(Role::Dim, &format!("{}:{}", start.line, start.column)),
        finding.rule.id,
        finding.rule.name,
        printable(&title),
    )
}

/// One finding in full.
fn write_finding<'t>(
    finding: &Finding,
    text: Option<&'t str>,
    known: &mut KnownLines<'t>,
    look: Look,
    out: &mut dyn Write,
) -> io::Result<()> {
    let role = Role::Impact(finding.impact);
    let also = match finding.rule.also {
        [] => String::new(),
        also => format!(" (also {})", also.join(", ")),
    };
    let name = format!("{}{also} {}", finding.rule.id, finding.rule.name);
    let facts = format!("{} {}", finding.rule.practice, finding.tier);
    writeln!(
        out,
        "{} {} {}",
        look.paint(role, finding.impact.name()),
        look.paint(Role::Heading, &name),
        look.paint(Role::Dim, &facts),
    )?;
    let start = finding.range.start;
    let place = format!("{}:{}:{}", printable(&finding.path), start.line, start.column);
    let arrow = " ".repeat(start.line.to_string().len());
    writeln!(out, "{arrow}{} {place}", look.paint(Role::Dim, "-->"))?;
    if let Some(text) = text {
        for line in frame::draw(text, known.of(text), &finding.span, role, look) {
            writeln!(out, "{}", line.trim_end())?;
        }
    }
    write_message(finding, look, out)
}

/// What is wrong, what became of it, what to do next.
fn write_message(finding: &Finding, look: Look, out: &mut dyn Write) -> io::Result<()> {
    let width = look.width.saturating_sub(INDENT.len()).clamp(LEAST, MOST);
    for line in wrap(&printable(&finding.message), width) {
        writeln!(out, "{}", format!("{INDENT}{line}").trim_end())?;
    }
    write_labelled(
        outcome_role(&finding.outcome),
        &label(&finding.outcome),
        &told(finding),
        width,
        look,
        out,
    )?;
    if let Some(next) = finding.outcome.next_step() {
        write_labelled(Role::Help, "help", &next, width, look, out)?;
    }
    Ok(())
}

/// `label: text`, the lines after the first indented under the text.
fn write_labelled(
    role: Role,
    label: &str,
    text: &str,
    width: usize,
    look: Look,
    out: &mut dyn Write,
) -> io::Result<()> {
    let label = printable(label);
    let lines = wrap(&format!("{label}: {}", printable(text)), width.saturating_sub(INDENT.len()));
    for (nth, line) in lines.iter().enumerate() {
        match line.strip_prefix(&*label) {
            Some(rest) if nth == 0 => {
                let rest = if text.is_empty() { "" } else { rest };
                writeln!(out, "{INDENT}{}{rest}", look.paint(role, &label))?;
            }
            _ if nth == 0 => writeln!(out, "{INDENT}{line}")?,
            _ => writeln!(out, "{INDENT}{INDENT}{line}")?,
        }
    }
    Ok(())
}

/// The outcome's word, with its detail where that is a name rather than a sentence.
fn label(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Held(_) | Outcome::NeedsValue(_) | Outcome::Conflict(_) => {
            let detail = outcome.detail().unwrap_or_default();
            format!("{} ({detail})", outcome.word())
        }
        _ => outcome.word().to_owned(),
    }
}

/// The sentence behind the word: a reason, a question, or what the fix does.
fn told(finding: &Finding) -> String {
    let fix = finding.fix.as_ref().map(|fix| fix.title.clone());
    match &finding.outcome {
        Outcome::NeedsValue(Refusal::NeedsValue { ask, .. }) => ask.clone(),
        Outcome::NeedsValue(Refusal::NoFix { why, .. }) => why.clone(),
        Outcome::NoFix(_) | Outcome::Suppressed(_) | Outcome::BackedOut(_) => {
            finding.outcome.detail().or(fix).unwrap_or_default()
        }
        Outcome::Fixed | Outcome::Offered | Outcome::Declined | Outcome::Held(_) | Outcome::Conflict(_) => {
            fix.unwrap_or_default()
        }
    }
}

fn outcome_role(outcome: &Outcome) -> Role {
    match outcome {
        Outcome::Fixed | Outcome::Offered => Role::Good,
        Outcome::Declined | Outcome::Suppressed(_) => Role::Dim,
        Outcome::Held(_) | Outcome::NeedsValue(_) | Outcome::Conflict(_) | Outcome::NoFix(_) => {
            Role::Attention
        }
        Outcome::BackedOut(_) => Role::Bad,
    }
}

/// The lines of the text that was shown last: findings come by file, so that one is enough.
#[derive(Default)]
struct KnownLines<'t> {
    last: Option<(&'t str, LineIndex)>,
}

impl<'t> KnownLines<'t> {
    fn of(&mut self, text: &'t str) -> &LineIndex {
        if !self.last.as_ref().is_some_and(|(known, _)| std::ptr::eq(*known, text)) {
            self.last = None;
        }
        &self.last.get_or_insert_with(|| (text, LineIndex::new(text))).1
    }
}
