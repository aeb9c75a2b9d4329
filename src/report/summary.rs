//! The closing summary: what became of the findings, what holds the rest back, what to run next.
//! A sentence for what there is, nothing for what there is not.

mod proof;

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::counts::{Counts, Impacts};
use super::look::{Look, Role, count, printable, wrap};
use super::{Command, Report};
use crate::detect::{Finding, Outcome, Refusal};
use crate::rule::Tier;
use crate::source::SkipKind;

/// How many skipped files, reasons or names are told before the rest is only counted.
const NAMED: usize = 5;

/// A line of the summary: its first words are coloured, its details stand below.
struct Line {
    role: Role,
    text: String,
    details: Vec<String>,
}

impl Line {
    fn new(role: Role, text: String) -> Self {
        Self { role, text, details: Vec::new() }
    }

    fn with(mut self, details: Vec<String>) -> Self {
        self.details = details;
        self
    }
}

/// Writes the summary. It is prose: not for the stream that a machine format goes to.
///
/// # Errors
/// Those of `out`.
pub fn write(report: &Report<'_>, look: Look, out: &mut dyn Write) -> io::Result<()> {
    let listed = report.listed();
    let counts = report.counts();
    let mut lines = vec![headline(report, &listed, &counts)];
    lines.extend(done(report, &listed, &counts));
    lines.extend(report.proof.map(proof::lines).unwrap_or_default());
    lines.extend(held(&listed));
    lines.extend(needs_value(&listed));
    lines.extend(unfixable(&listed, report.verbose));
    lines.extend(lost(&listed, &counts));
    lines.extend(backed_out(&listed));
    lines.extend(left_out(report, &counts));
    lines.extend(next(report, &counts));
    for (nth, line) in lines.into_iter().enumerate() {
        write_line(nth == 0, &line, report.verbose, look, out)?;
    }
    Ok(())
}

fn write_line(is_head: bool, line: &Line, verbose: bool, look: Look, out: &mut dyn Write) -> io::Result<()> {
    let width = look.width.max(40);
    let indent = if is_head { "" } else { "  " };
    // A command is there to be copied: it is not broken.
    let wide = if line.role == Role::Help { usize::MAX } else { width.saturating_sub(4) };
    for (nth, piece) in wrap(&printable(&line.text), wide).iter().enumerate() {
        // The number and the word behind it carry the colour: `3 held`.
        let cut = piece.match_indices([' ', ':']).nth(1).map_or(piece.len(), |(at, _)| at);
        let (lead, rest) = if nth == 0 { piece.split_at(cut) } else { ("", piece.as_str()) };
        let hang = if nth == 0 { "" } else { "  " };
        writeln!(out, "{indent}{hang}{}{rest}", look.paint(line.role, lead))?;
    }
    let shown = if verbose { line.details.len() } else { NAMED.min(line.details.len()) };
    for detail in line.details.iter().take(shown) {
        for (nth, piece) in wrap(&printable(detail), width.saturating_sub(8)).iter().enumerate() {
            let bullet = if nth == 0 { "- " } else { "  " };
            writeln!(out, "{indent}  {bullet}{piece}")?;
        }
    }
    if shown < line.details.len() {
        writeln!(out, "{indent}  - {} more (--verbose shows all)", line.details.len() - shown)?;
    }
    Ok(())
}

/// `12 findings (3 high, 9 low) in 5 of 20 files, 0.08 s`.
fn headline(report: &Report<'_>, listed: &[&Finding], counts: &Counts) -> Line {
    let files = count(report.scanned, "file");
    let seconds = report.elapsed.as_secs_f64();
    if listed.is_empty() {
        return Line::new(Role::Good, format!("No findings in {files}, {seconds:.2} s."));
    }
    let impacts = Impacts::of(listed);
    let parts =
        [(impacts.high, "high"), (impacts.medium, "medium"), (impacts.low, "low"), (impacts.info, "info")];
    let parts: Vec<_> = parts
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, name)| format!("{number} {name}"))
        .collect();
    let findings = count(listed.len(), "finding");
    let with = counts.files.with_findings;
    Line::new(
        Role::Heading,
        format!("{findings} ({}) in {with} of {files}, {seconds:.2} s.", parts.join(", ")),
    )
}

/// What was written or is ready to be, and what a person turned down.
fn done(report: &Report<'_>, listed: &[&Finding], counts: &Counts) -> Vec<Line> {
    let outcomes = counts.outcomes;
    let files = count(counts.files.changed, "file");
    let mut lines = Vec::new();
    if outcomes.fixed > 0 {
        let place = match report.command {
            Command::Branch(name) => format!(" on branch {name}"),
            _ => String::new(),
        };
        lines.push(Line::new(Role::Good, format!("{} fixed in {files}{place}.", outcomes.fixed)));
    }
    if outcomes.offered > 0 {
        let fixable = listed.iter().filter(|f| f.outcome == Outcome::Offered).count();
        let verb = if fixable == 1 { "its fix is" } else { "their fixes are" };
        let place = if outcomes.fixed == 0 && counts.files.changed > 0 {
            format!(" and would change {files}")
        } else {
            String::new()
        };
        lines.push(Line::new(Role::Good, format!("{} offered: {verb} ready{place}.", outcomes.offered)));
    }
    if outcomes.declined > 0 {
        lines.push(Line::new(Role::Dim, format!("{} declined.", outcomes.declined)));
    }
    lines
}

/// What the tier holds back, with the flag that releases it. A tier includes those below it.
fn held(listed: &[&Finding]) -> Option<Line> {
    let of = |tier: Tier| listed.iter().filter(|f| f.outcome == Outcome::Held(tier)).count();
    let total = listed.iter().filter(|f| matches!(f.outcome, Outcome::Held(_))).count();
    let mut released = 0;
    let mut parts = Vec::new();
    for tier in [Tier::Safe, Tier::Review, Tier::Scaffold] {
        let number = of(tier);
        released += number;
        match number {
            0 => {}
            _ if released < total => parts.push(format!("--tier {tier} releases {released}")),
            _ if total == 1 => parts.push(format!("--tier {tier} releases it")),
            _ => parts.push(format!("--tier {tier} releases all")),
        }
    }
    (total > 0).then(|| Line::new(Role::Attention, format!("{total} held back: {}.", parts.join(", "))))
}

/// Every value that is missing, once, with how to give it.
fn needs_value(listed: &[&Finding]) -> Option<Line> {
    let mut keys: BTreeMap<&str, (&str, &str, usize)> = BTreeMap::new();
    let mut total = 0;
    for finding in listed {
        if let Outcome::NeedsValue(refusal) = &finding.outcome {
            total += 1;
            if let Refusal::NeedsValue { key, ask, example, .. } = refusal {
                keys.entry(key).or_insert((ask, example, 0)).2 += 1;
            }
        }
    }
    let details = keys
        .into_iter()
        .map(|(key, (ask, example, number))| {
            let set = shell_word(&format!("{key}={example}"));
            format!("{ask} Give it with --set {set}{}", times(number))
        })
        .collect();
    let verb = if total == 1 { "needs" } else { "need" };
    (total > 0).then(|| {
        Line::new(Role::Attention, format!("{total} {verb} a value that only you know:")).with(details)
    })
}

/// What no edit is right for, by rule and reason.
fn unfixable(listed: &[&Finding], verbose: bool) -> Option<Line> {
    let mut reasons: BTreeMap<(String, &str), usize> = BTreeMap::new();
    for finding in listed {
        if let Outcome::NoFix(refusal) = &finding.outcome {
            let why = match refusal {
                Refusal::NoFix { why, .. } => why,
                Refusal::NeedsValue { ask, .. } => ask,
            };
            *reasons.entry((rule(finding), why)).or_default() += 1;
        }
    }
    let total: usize = reasons.values().sum();
    let mut reasons: Vec<_> = reasons.into_iter().collect();
    if !verbose {
        // The most frequent first, since only a few are shown.
        reasons.sort_by_key(|(_, number)| std::cmp::Reverse(*number));
    }
    let details =
        reasons.into_iter().map(|((rule, why), number)| format!("{rule}: {why}{}", times(number))).collect();
    (total > 0).then(|| Line::new(Role::Attention, format!("{total} without a fix:")).with(details))
}

/// What another fix stands in the way of.
fn lost(listed: &[&Finding], counts: &Counts) -> Option<Line> {
    let mut pairs: BTreeMap<(String, &str), usize> = BTreeMap::new();
    for finding in listed {
        if let Outcome::Conflict(winner) = &finding.outcome {
            *pairs.entry((rule(finding), winner)).or_default() += 1;
        }
    }
    let total: usize = pairs.values().sum();
    let when = if counts.outcomes.fixed > 0 { "run again" } else { "apply, then run again" };
    let details = pairs
        .into_iter()
        .map(|((rule, winner), number)| format!("{rule} to {winner}{}", times(number)))
        .collect();
    (total > 0).then(|| {
        let text = format!("{total} lost to another fix of the same code; {when} to get them:");
        Line::new(Role::Attention, text).with(details)
    })
}

/// What a check took out again: each by name and place, for these need a look.
fn backed_out(listed: &[&Finding]) -> Option<Line> {
    let details: Vec<_> = listed
        .iter()
        .filter_map(|finding| match &finding.outcome {
            Outcome::BackedOut(check) => {
                let start = finding.range.start;
                Some(format!(
                    "{} at {}:{}:{}: {check}",
                    rule(finding),
                    finding.path,
                    start.line,
                    start.column
                ))
            }
            _ => None,
        })
        .collect();
    (!details.is_empty())
        .then(|| Line::new(Role::Bad, format!("{} backed out:", details.len())).with(details))
}

/// What is not listed, and files that were not read.
fn left_out(report: &Report<'_>, counts: &Counts) -> Vec<Line> {
    let mut lines = Vec::new();
    if counts.outcomes.suppressed > 0 {
        let text = format!("{} suppressed in the code.", counts.outcomes.suppressed);
        lines.push(Line::new(Role::Dim, text));
    }
    if counts.below > 0 {
        let least = report.findings.iter().map(|finding| finding.impact).min();
        let least = least.map_or("info", |impact| impact.name());
        let kind = if counts.below == counts.impacts.info { "info finding" } else { "finding" };
        let text = format!("{} not listed: --min-impact {least} lists all.", count(counts.below, kind));
        lines.push(Line::new(Role::Dim, text));
    }
    let problems = skipped(report, SkipKind::Problem);
    if !problems.is_empty() {
        let text = format!("{} could not be checked or fixed:", count(problems.len(), "file"));
        lines.push(Line::new(Role::Bad, text).with(problems));
    }
    let on_purpose = skipped(report, SkipKind::LeftOut);
    if report.verbose && !on_purpose.is_empty() {
        let text = format!("{} left out:", count(on_purpose.len(), "file"));
        lines.push(Line::new(Role::Dim, text).with(on_purpose));
    }
    lines
}

/// The skipped files of a kind, each with its reason.
fn skipped(report: &Report<'_>, kind: SkipKind) -> Vec<String> {
    let mut details: Vec<_> = report
        .skipped
        .iter()
        .filter(|skipped| skipped.kind == kind)
        .map(|skipped| format!("{}: {}", skipped.path, skipped.why))
        .collect();
    details.sort();
    details
}

/// The command that goes on from here.
fn next(report: &Report<'_>, counts: &Counts) -> Option<Line> {
    let arguments = report.arguments.trim();
    let run = |command: &str| {
        if arguments.is_empty() {
            format!("wa-fix {command}")
        } else {
            format!("wa-fix {command} {arguments}")
        }
    };
    let text = match report.command {
        Command::Scan if counts.outcomes.offered > 0 => {
            format!("Next: `{}` shows the fixes, `{}` writes them.", run("diff"), run("apply"))
        }
        Command::Diff if counts.files.changed > 0 => format!("Next: `{}` writes this.", run("apply")),
        Command::Plan(file) if counts.files.changed > 0 => {
            let file = file.as_deref().map_or_else(|| "FILE".to_owned(), shell_word);
            format!(
                "Next: `wa-fix apply {file}` writes this, and refuses fixes in files that change until then."
            )
        }
        Command::Apply if counts.files.changed > 0 => "Next: `wa-fix undo` puts the files back.".to_owned(),
        Command::Branch(name) if counts.files.changed > 0 => {
            let name = shell_word(name);
            format!("Next: `git diff HEAD...{name}` shows the branch, `git merge {name}` takes it.")
        }
        _ => return None,
    };
    Some(Line::new(Role::Help, text))
}

/// `2.6 pipeline-swallows-failures`.
fn rule(finding: &Finding) -> String {
    format!("{} {}", finding.rule.id, finding.rule.name)
}

/// How often, where it is more than once.
fn times(number: usize) -> String {
    if number == 1 { String::new() } else { format!(" ({number} times)") }
}

/// A word as a POSIX shell reads it back.
fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}
