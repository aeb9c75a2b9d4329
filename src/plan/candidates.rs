//! What the rules report of an app as it stands: candidates, their names and their single fixes.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Options, RuleSet, WORTH_A_THREAD};
use crate::detect::suppress::{Suppression, suppressions};
use crate::detect::{Alternative, Candidate, Findings, MakeFix, Refusal, upkeep};
use crate::edit::{Builder, Proposal};
use crate::model::{App, Model};
use crate::source::position::LineIndex;
use crate::syntax::{Parsed, first_error};

/// Everything the rules report of an app, in the stated order.
pub(super) fn detect<'a>(model: &Model<'a>, rules: &RuleSet) -> Vec<Candidate<'a>> {
    let mut findings = Findings::default();
    let mut parsed_files = Vec::new();
    for file in &model.app.files {
        let wanted = if file.candidate.language.is_script() {
            file.speaks_cdk()
        } else {
            file.text().is_ok_and(|text| rules.scanner.has_word(text, file.candidate.language))
        };
        let Some(parsed) = wanted.then(|| file.parsed()).flatten() else { continue };
        parsed_files.push(parsed);
        rules.scanner.file(model, parsed, &mut |rule, matched| {
            if let Some(rule) = rules.rules.get(rule) {
                let _ = (rule.check)(&matched, &mut findings);
            }
        });
    }
    let mut candidates = findings.candidates;
    candidates.sort_by(|a, b| place(a).cmp(&place(b)));
    // One finding per rule and node: two patterns of a query may meet at one.
    candidates.dedup_by(|a, b| a.rule.id == b.rule.id && a.node == b.node && a.key == b.key);
    if rules.rules.iter().any(|rule| upkeep::is_upkeep(rule.meta)) {
        let mut findings = Findings::default();
        for file in parsed_files {
            upkeep::look(model, file, &candidates, &|selector| rules.runs(selector), &mut findings);
        }
        // One of the two may be off.
        candidates.extend(findings.candidates.into_iter().filter(|found| rules.has(found.rule)));
        candidates.sort_by(|a, b| place(a).cmp(&place(b)));
    }
    rules.scope.adjust(model, &mut candidates);
    candidates
}

pub(super) fn place<'c>(candidate: &'c Candidate<'_>) -> (&'c str, usize, usize, &'static str) {
    let span = candidate.node.span();
    (&candidate.node.file.path, span.start, span.end, candidate.rule.id)
}

/// Parses the files of a large app that will be needed for certain, on several threads.
pub fn parse_ahead(app: &App, jobs: usize) {
    if jobs < 2 || app.files.len() < WORTH_A_THREAD {
        return;
    }
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                while let Some(file) = app.files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if file.speaks_cdk() {
                        file.parsed();
                    }
                }
            });
        }
    });
}

/// A finding's identity within an app: rule, construct path, and which of several equal ones.
pub(super) type Identity = (&'static str, String, usize);

pub(super) fn identities(candidates: &[Candidate<'_>]) -> Vec<Identity> {
    let mut seen: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    candidates
        .iter()
        .map(|candidate| {
            let count = seen.entry((candidate.rule.id, &candidate.key)).or_default();
            *count += 1;
            (candidate.rule.id, candidate.key.clone(), *count - 1)
        })
        .collect()
}

/// How many findings each rule has; rules without one are not in it.
pub(super) type Counts = BTreeMap<&'static str, usize>;

/// How many findings each rule has: a fix may lower its own and raise none.
pub(super) fn counts(candidates: &[Candidate<'_>]) -> Counts {
    let mut counts = BTreeMap::new();
    for candidate in candidates {
        *counts.entry(candidate.rule.id).or_default() += 1;
    }
    counts
}

/// The same without findings that follow from the code as it is, such as a document that has to be renewed.
pub(super) fn standing(candidates: &[Candidate<'_>]) -> Counts {
    let mut counts = BTreeMap::new();
    for candidate in candidates.iter().filter(|candidate| !candidate.follows) {
        *counts.entry(candidate.rule.id).or_default() += 1;
    }
    counts
}

/// Texts, line starts and suppressions of the files of an app.
#[derive(Default)]
pub(super) struct Places {
    lines: BTreeMap<String, LineIndex>,
    suppressed: BTreeMap<String, Vec<Suppression>>,
}

impl Places {
    pub(super) fn lines(&mut self, file: &Parsed) -> &LineIndex {
        self.lines.entry(file.path.clone()).or_insert_with(|| LineIndex::new(&file.text))
    }

    pub(super) fn suppression(&mut self, candidate: &Candidate<'_>) -> Option<String> {
        let file = candidate.node.file;
        let line = self.lines(file).position(candidate.node.start()).line;
        let list = self.suppressed.entry(file.path.clone()).or_insert_with(|| suppressions(file));
        list.iter()
            .find(|suppression| suppression.covers(candidate.rule, line))
            .map(|found| found.reason.clone())
    }
}

/// Makes one fix: what a person wrote, else the way that a person chose, else the first.
pub(super) fn propose<'a>(
    model: &Model<'a>,
    candidate: &Candidate<'a>,
    identity: &Identity,
    options: &Options,
) -> Result<Proposal, Refusal> {
    propose_and_tell(model, candidate, identity, options, &mut None)
}

/// As [`propose`], with the message that the fix gives the finding: also where it is refused.
pub(super) fn propose_and_tell<'a>(
    model: &Model<'a>,
    candidate: &Candidate<'a>,
    identity: &Identity,
    options: &Options,
    told: &mut Option<String>,
) -> Result<Proposal, Refusal> {
    let make = match chosen_way(candidate, identity, options) {
        Some(way) => &way.make,
        None => candidate.fix.as_ref().map_err(Clone::clone)?,
    };
    if let Some(decisions) = &options.only
        && !decisions.replacements.is_empty()
        && let Some(replacement) = decisions.replacements.get(&fingerprint(identity))
    {
        has_no_error(candidate)?;
        return replacement.proposal(model);
    }
    built(model, candidate, make, options, told)
}

/// Makes a fix in one of its ways.
pub(super) fn built<'a>(
    model: &Model<'a>,
    candidate: &Candidate<'a>,
    make: &MakeFix<'a>,
    options: &Options,
    told: &mut Option<String>,
) -> Result<Proposal, Refusal> {
    has_no_error(candidate)?;
    let mut builder = Builder::new(model, &options.values);
    let made = make(&mut builder);
    *told = builder.told();
    made?;
    builder.finish()
}

/// Refuses to change a file that does not parse.
fn has_no_error(candidate: &Candidate<'_>) -> Result<(), Refusal> {
    let Some(offset) = first_error(candidate.node.file) else { return Ok(()) };
    let line = 1 + candidate.node.file.text.get(..offset).unwrap_or_default().matches('\n').count();
    Err(crate::edit::no_fix(
        &format!("the file has a syntax error in line {line}"),
        "mend it, then run again",
    ))
}

/// The way to mend a finding that a person chose instead of the first.
pub(super) fn chosen_way<'c, 'a>(
    candidate: &'c Candidate<'a>,
    identity: &Identity,
    options: &Options,
) -> Option<&'c Alternative<'a>> {
    let decisions = options.only.as_ref().filter(|decisions| !decisions.alternatives.is_empty())?;
    let number = decisions.alternatives.get(&fingerprint(identity))?;
    candidate.alternatives.get(number.checked_sub(1)?)
}

/// What the fix of a finding does, in the way that was chosen.
pub(super) fn title(candidate: &Candidate<'_>, identity: &Identity, options: &Options) -> String {
    chosen_way(candidate, identity, options).map_or(&candidate.title, |way| &way.title).clone()
}

/// Whether the options let a fix through: those named one by one, else those of the selected tiers.
pub(super) fn is_chosen(candidate: &Candidate<'_>, identity: &Identity, options: &Options) -> bool {
    match &options.only {
        Some(decisions) => decisions.accepted.contains(&fingerprint(identity)),
        None => candidate.tier <= options.tier,
    }
}

pub(super) fn is_within(model: &Model<'_>, candidate: &Candidate<'_>, options: &Options) -> bool {
    options.within.is_empty()
        || model
            .location(candidate.node.file)
            .is_some_and(|file| options.within.iter().any(|within| file.starts_with(within)))
}

/// FNV-1a, 64 bits: stable over releases of wa-fix, which the standard hasher does not promise.
pub(super) fn fingerprint(identity: &Identity) -> String {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let (rule, key, number) = identity;
    for byte in format!("{rule}\n{key}\n{number}").bytes() {
        hash ^= u64::from(byte);
        hash = hash.wrapping_mul(0x0100_0000_01b3);
    }
    format!("{hash:016x}")
}
