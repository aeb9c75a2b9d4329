//! The plan of one app.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Options, PASSES, Plan, ROUNDS, RuleSet, Step, WORTH_A_THREAD};
use crate::detect::suppress::{Suppression, suppressions};
use crate::detect::{Candidate, Finding, Findings, Outcome, Refusal, ShownEdit, ShownFix};
use crate::edit::idle::without_idle_imports;
use crate::edit::{Builder, EditSet, FileChange, Proposal};
use crate::model::{App, Model, Overlay};
use crate::rule::{Meta, Rule};
use crate::source::Language;
use crate::source::position::LineIndex;
use crate::syntax::{Parsed, first_error, parse};

/// Everything the rules report of an app, in the stated order.
fn detect<'a>(model: &Model<'a>, rules: &RuleSet) -> Vec<Candidate<'a>> {
    let mut findings = Findings::default();
    for file in &model.app.files {
        let wanted = if file.candidate.language.is_script() {
            file.speaks_cdk()
        } else {
            file.text().is_ok_and(|text| rules.scanner.has_word(text, file.candidate.language))
        };
        let Some(parsed) = wanted.then(|| file.parsed()).flatten() else { continue };
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
    candidates
}

fn place<'c>(candidate: &'c Candidate<'_>) -> (&'c str, usize, usize, &'static str) {
    let span = candidate.node.span();
    (&candidate.node.file.path, span.start, span.end, candidate.rule.id)
}

/// Parses the files of a large app that will be needed for certain, on several threads.
fn parse_ahead(app: &App, jobs: usize) {
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
type Identity = (&'static str, String, usize);

fn identities(candidates: &[Candidate<'_>]) -> Vec<Identity> {
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
type Counts = BTreeMap<&'static str, usize>;

/// How many findings each rule has: a fix may lower its own and raise none.
fn counts(candidates: &[Candidate<'_>]) -> Counts {
    let mut counts = BTreeMap::new();
    for candidate in candidates {
        *counts.entry(candidate.rule.id).or_default() += 1;
    }
    counts
}

/// Texts, line starts and suppressions of the files of an app.
#[derive(Default)]
struct Places {
    lines: BTreeMap<String, LineIndex>,
    suppressed: BTreeMap<String, Vec<Suppression>>,
}

impl Places {
    fn lines(&mut self, file: &Parsed) -> &LineIndex {
        self.lines.entry(file.path.clone()).or_insert_with(|| LineIndex::new(&file.text))
    }

    fn suppression(&mut self, candidate: &Candidate<'_>) -> Option<String> {
        let file = candidate.node.file;
        let line = self.lines(file).position(candidate.node.start()).line;
        let list = self.suppressed.entry(file.path.clone()).or_insert_with(|| suppressions(file));
        list.iter()
            .find(|suppression| suppression.covers(candidate.rule, line))
            .map(|found| found.reason.clone())
    }
}

/// Makes one fix.
fn propose<'a>(model: &Model<'a>, candidate: &Candidate<'a>, options: &Options) -> Result<Proposal, Refusal> {
    let make = candidate.fix.as_ref().map_err(Clone::clone)?;
    if let Some(offset) = first_error(candidate.node.file) {
        let line = 1 + candidate.node.file.text.get(..offset).unwrap_or_default().matches('\n').count();
        return Err(crate::edit::no_fix(
            &format!("the file has a syntax error in line {line}"),
            "mend it, then run again",
        ));
    }
    let mut builder = Builder::new(model, &options.values);
    make(&mut builder)?;
    builder.finish()
}

/// The findings of an app with what each fix would do by itself.
pub(super) fn scan(app: &App, rules: &RuleSet, options: &Options, jobs: usize) -> Plan {
    // The copy is dropped with its texts and trees when the app is done.
    let app = app.with(&Overlay::new());
    parse_ahead(&app, jobs);
    let model = Model::new(&app);
    let candidates = detect(&model, rules);
    let (findings, _) = first_findings(&model, &candidates, options);
    Plan { findings, skipped: app.skipped(), files: app.files.len(), ..Plan::default() }
}

/// Findings of the untouched app, each with its identity.
fn first_findings<'a>(
    model: &Model<'a>,
    candidates: &[Candidate<'a>],
    options: &Options,
) -> (Vec<Finding>, Vec<Identity>) {
    let mut places = Places::default();
    let mut findings = Vec::new();
    let mut kept = Vec::new();
    for (candidate, identity) in candidates.iter().zip(identities(candidates)) {
        if !is_within(model, candidate, options) {
            continue;
        }
        let (outcome, fix) = match places.suppression(candidate) {
            Some(reason) => (Outcome::Suppressed(reason), None),
            None => match propose(model, candidate, options) {
                Ok(proposal) => {
                    let shown = show(model, &mut places, &proposal, &candidate.title);
                    let held = !is_chosen(candidate, &identity, options);
                    (if held { Outcome::Held(candidate.tier) } else { Outcome::Offered }, Some(shown))
                }
                Err(refusal @ Refusal::NeedsValue { .. }) => (Outcome::NeedsValue(refusal), None),
                Err(refusal @ Refusal::NoFix { .. }) => (Outcome::NoFix(refusal), None),
            },
        };
        let file = candidate.node.file;
        let span = candidate.node.span();
        let range = places.lines(file).range(&span);
        findings.push(Finding {
            rule: candidate.rule,
            impact: candidate.impact,
            tier: candidate.tier,
            path: file.path.clone(),
            span,
            range,
            message: candidate.message.clone(),
            outcome,
            fix,
            fingerprint: fingerprint(&identity),
        });
        kept.push(identity);
    }
    (findings, kept)
}

/// Whether the options let a fix through: those named one by one, else those of the selected tiers.
fn is_chosen(candidate: &Candidate<'_>, identity: &Identity, options: &Options) -> bool {
    match &options.only {
        Some(only) => only.contains(&fingerprint(identity)),
        None => candidate.tier <= options.tier,
    }
}

fn is_within(model: &Model<'_>, candidate: &Candidate<'_>, options: &Options) -> bool {
    options.within.is_empty()
        || model
            .location(candidate.node.file)
            .is_some_and(|file| options.within.iter().any(|within| file.starts_with(within)))
}

/// FNV-1a, 64 bits: stable over releases of wa-fix, which the standard hasher does not promise.
fn fingerprint(identity: &Identity) -> String {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let (rule, key, number) = identity;
    for byte in format!("{rule}\n{key}\n{number}").bytes() {
        hash ^= u64::from(byte);
        hash = hash.wrapping_mul(0x0100_0000_01b3);
    }
    format!("{hash:016x}")
}

fn show(model: &Model<'_>, places: &mut Places, proposal: &Proposal, title: &str) -> ShownFix {
    let mut edits = Vec::new();
    for (file, set) in &proposal.edits {
        let Some(parsed) = model.app.file(file).and_then(|file| file.parsed()) else { continue };
        for edit in set.edits() {
            edits.push(ShownEdit {
                path: parsed.path.clone(),
                range: places.lines(parsed).range(&edit.span),
                span: edit.span.clone(),
                text: edit.text.clone(),
                creates: false,
            });
        }
    }
    for (file, text) in &proposal.creates {
        let index = LineIndex::new("");
        edits.push(ShownEdit {
            path: model.app.printed_path(file),
            range: index.range(&(0..0)),
            span: 0..0,
            text: text.to_string(),
            creates: true,
        });
    }
    edits.sort_by(|a, b| (&a.path, a.span.start).cmp(&(&b.path, b.span.start)));
    ShownFix { title: title.to_owned(), edits }
}

/// The texts of an app with the proposals of a pass made.
fn joined(app: &App, overlay: &Overlay, proposals: &[&Proposal]) -> Result<Overlay, String> {
    let mut sets: BTreeMap<&PathBuf, EditSet> = BTreeMap::new();
    let mut next = overlay.clone();
    for proposal in proposals {
        for (file, edits) in &proposal.edits {
            sets.entry(file).or_default().merge(edits).map_err(|overlap| overlap.to_string())?;
        }
        for (file, text) in &proposal.creates {
            if let Some(other) = next.insert(file.clone(), Arc::clone(text))
                && other != *text
            {
                return Err(format!("{} would be created twice", file.display()));
            }
        }
    }
    for (file, edits) in sets {
        let file_of_app = app.file(file).ok_or("a file of the fix cannot be read")?;
        let old = file_of_app.text().map_err(ToString::to_string)?;
        let new = edits.apply(old).map_err(|overlap| overlap.to_string())?;
        let clean = file_of_app.parsed().and_then(|before| without_idle_imports(before, &new));
        next.insert(file.clone(), clean.unwrap_or(new).into());
    }
    Ok(next)
}

/// Why a result must not stand; `None` where it may.
fn objection(
    before: &[Candidate<'_>],
    after: &[Candidate<'_>],
    rule: &Meta,
    cleared: usize,
    changed: &App,
    overlay: &Overlay,
) -> Option<String> {
    for (file, text) in overlay {
        let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let parsed = match changed.file(file) {
            Some(file) => file.parsed().and_then(first_error),
            None => Language::of(name)
                .and_then(|language| parse(name, Arc::clone(text), language))
                .and_then(|parsed| first_error(&parsed)),
        };
        if parsed.is_some() {
            return Some("the result has a syntax error".to_owned());
        }
    }
    let (old, new) = (counts(before), counts(after));
    let own_before = old.get(rule.id).copied().unwrap_or(0);
    let own_after = new.get(rule.id).copied().unwrap_or(0);
    if own_after + cleared > own_before {
        return Some("the finding is still there after the fix".to_owned());
    }
    let raised = new.iter().find(|(id, count)| {
        **id != rule.id && **count > old.get(*id).copied().unwrap_or(0) && !rule.raises.contains(id)
    });
    raised.map(|(id, _)| format!("the fix raises a finding of rule {id}"))
}

/// What became of findings while planning, by identity.
type Fates = BTreeMap<Identity, Outcome>;

/// The app as it stands, and what has been done to it.
struct Progress {
    overlay: Overlay,
    fates: Fates,
    steps: Vec<Step>,
    /// The findings of the untouched app.
    first: Vec<Identity>,
    /// How many findings each rule has in the app as it stands.
    left: Counts,
    /// For each rule that found nothing to do, the state of the app in which that was so.
    idle: BTreeMap<&'static str, u64>,
}

impl Progress {
    /// Nothing done yet.
    fn start(first: &[Identity]) -> Self {
        let mut left = Counts::new();
        for (rule, _, _) in first {
            *left.entry(*rule).or_default() += 1;
        }
        Self {
            overlay: Overlay::new(),
            fates: Fates::new(),
            steps: Vec::new(),
            first: first.to_vec(),
            left,
            idle: BTreeMap::new(),
        }
    }

    /// Whether it is known without looking that a rule has nothing to do in the app as it stands.
    fn is_idle(&self, rule: &Meta) -> bool {
        !self.left.contains_key(rule.id) || self.idle.get(rule.id) == Some(&hash(&self.overlay))
    }

    /// The names that today's candidates had at first: where one of several equal findings is fixed, the
    /// numbers of the others move up.
    fn names(&self, candidates: &[Candidate<'_>]) -> Vec<Identity> {
        identities(candidates)
            .into_iter()
            .map(|(rule, key, number)| {
                let open = self
                    .first
                    .iter()
                    .filter(|(r, k, _)| *r == rule && *k == key)
                    .filter(|identity| self.fates.get(*identity) != Some(&Outcome::Fixed));
                let original = open.map(|(_, _, original)| *original).nth(number);
                (rule, key, original.unwrap_or(number))
            })
            .collect()
    }
}

/// The findings of an app and the joint plan of all fixes that are selected.
pub(super) fn plan(app: &App, rules: &RuleSet, options: &Options, jobs: usize) -> Plan {
    let app = app.with(&Overlay::new());
    parse_ahead(&app, jobs);
    let model = Model::new(&app);
    let candidates = detect(&model, rules);
    let first = identities(&candidates);
    let (mut findings, identities) = first_findings(&model, &candidates, options);
    let mut notes = Vec::new();
    let mut progress = Progress::start(&first);
    if findings.iter().any(|finding| finding.outcome == Outcome::Offered) {
        // Rules that do not come to rest together are left out, and the plan is made again without them:
        // half of a quarrel would be another text after each run.
        let mut barred = Barred::new();
        loop {
            match to_fixpoint(&app, rules, options, &first, &barred) {
                Ok(found) => {
                    progress = found;
                    break;
                }
                Err(quarrel) => {
                    notes.push(quarrel_note(&quarrel));
                    for rule in &quarrel {
                        let others = quarrel.iter().filter(|other| other.id != rule.id).map(|other| other.id);
                        barred.insert(rule.id, others.collect::<Vec<_>>().join(" and "));
                    }
                }
            }
        }
        for (identity, outcome) in barred_fates(&first, &barred) {
            progress.fates.insert(identity, outcome);
        }
        settle(&app, rules, &mut findings, &identities, &progress, options);
    }
    let mut skipped = app.skipped();
    skipped.sort();
    Plan {
        findings,
        changes: changes(&app, &Overlay::new(), &progress.overlay),
        steps: progress.steps,
        skipped,
        files: app.files.len(),
        notes,
    }
}

/// Rules that are left out of a plan, with the others of their quarrel.
type Barred = BTreeMap<&'static str, String>;

/// All rules but the barred, again and again until nothing changes.
///
/// # Errors
/// The rules that undo each other's work, or add to it without end.
fn to_fixpoint(
    app: &App,
    rules: &RuleSet,
    options: &Options,
    first: &[Identity],
    barred: &Barred,
) -> Result<Progress, Vec<&'static Meta>> {
    let mut progress = Progress::start(first);
    // Each state of the app with the rule that made it; a state that comes back is a circle.
    let mut states = vec![hash(&progress.overlay)];
    let mut makers: Vec<&'static Meta> = Vec::new();
    let mut round = 0;
    for _ in 0..ROUNDS {
        round = makers.len();
        for rule in rules.rules.iter().filter(|rule| !barred.contains_key(rule.meta.id)) {
            apply_rule(app, rules, rule, options, &mut progress);
            let now = hash(&progress.overlay);
            if states.last() == Some(&now) {
                continue;
            }
            makers.push(rule.meta);
            if let Some(back) = states.iter().position(|state| *state == now) {
                return Err(by_name(makers.get(back..).unwrap_or_default()));
            }
            states.push(now);
        }
        if makers.len() == round {
            return Ok(progress);
        }
    }
    // Those that were still at work in the last round.
    Err(by_name(makers.get(round..).unwrap_or_default()))
}

/// Each rule once, by number.
fn by_name(rules: &[&'static Meta]) -> Vec<&'static Meta> {
    let unique: BTreeMap<&str, &'static Meta> = rules.iter().map(|rule| (rule.id, *rule)).collect();
    unique.into_values().collect()
}

fn quarrel_note(rules: &[&'static Meta]) -> String {
    let names = rules.iter().map(|rule| format!("{} {}", rule.id, rule.name)).collect::<Vec<_>>();
    match names.as_slice() {
        [only] => format!("the fixes of {only} never come to an end: none of them is applied"),
        _ => format!(
            "the fixes of {} undo each other: none of them is applied; take one of the rules with --select",
            names.join(" and ")
        ),
    }
}

/// The word in which the findings of barred rules end.
fn barred_fates(first: &[Identity], barred: &Barred) -> Vec<(Identity, Outcome)> {
    first
        .iter()
        .filter_map(|identity| {
            let others = barred.get(identity.0)?;
            Some((
                identity.clone(),
                Outcome::Conflict(if others.is_empty() {
                    "its own result".to_owned()
                } else {
                    others.clone()
                }),
            ))
        })
        .collect()
}

/// Applies one rule to its own fixpoint.
fn apply_rule(app: &App, rules: &RuleSet, rule: &Rule, options: &Options, progress: &mut Progress) {
    let start = progress.overlay.clone();
    let mut titles = Vec::new();
    for _ in 0..PASSES.max(progress.first.len() + 1) {
        if progress.is_idle(rule.meta) {
            break;
        }
        let current = app.with(&progress.overlay);
        let model = Model::new(&current);
        let before = detect(&model, rules);
        let named = progress.names(&before);
        let mut places = Places::default();
        let mut chosen: Vec<(Identity, Proposal, String)> = Vec::new();
        for (candidate, identity) in before.iter().zip(named) {
            let settled = matches!(progress.fates.get(&identity), Some(Outcome::BackedOut(_)));
            if candidate.rule.id != rule.meta.id
                || settled
                || candidate.impact < options.min_impact
                || !is_chosen(candidate, &identity, options)
                || !is_within(&model, candidate, options)
                || places.suppression(candidate).is_some()
            {
                continue;
            }
            if let Ok(proposal) = propose(&model, candidate, options) {
                // Names that a fix takes are free only until another fix of the file takes the same.
                let shares_names = |other: &Proposal| {
                    (other.takes_names || proposal.takes_names)
                        && other.edits.keys().any(|file| proposal.edits.contains_key(file))
                };
                if chosen.iter().any(|(_, other, _)| shares_names(other)) {
                    continue;
                }
                let mut with: Vec<&Proposal> = chosen.iter().map(|(_, proposal, _)| proposal).collect();
                with.push(&proposal);
                if joined(&current, &progress.overlay, &with).is_ok() {
                    chosen.push((identity, proposal, candidate.title.clone()));
                } else {
                    progress.fates.insert(identity, Outcome::Conflict(rule.meta.id.to_owned()));
                }
            }
        }
        if chosen.is_empty() {
            progress.idle.insert(rule.meta.id, hash(&progress.overlay));
            break;
        }
        let all: Vec<&Proposal> = chosen.iter().map(|(_, proposal, _)| proposal).collect();
        match attempt(app, &current, rules, rule.meta, &before, &all, &progress.overlay) {
            Ok(next) => {
                for (identity, _, title) in chosen {
                    progress.fates.insert(identity, Outcome::Fixed);
                    titles.push(title);
                }
                (progress.overlay, progress.left) = next;
            }
            // One of them is to blame: try the first alone; the others come again in the next pass.
            Err(why) => {
                let Some((identity, proposal, title)) = chosen.first() else { break };
                let single = if chosen.len() == 1 {
                    Err(why)
                } else {
                    attempt(app, &current, rules, rule.meta, &before, &[proposal], &progress.overlay)
                };
                match single {
                    Ok(next) => {
                        progress.fates.insert(identity.clone(), Outcome::Fixed);
                        titles.push(title.clone());
                        (progress.overlay, progress.left) = next;
                    }
                    Err(why) => {
                        progress.fates.insert(identity.clone(), Outcome::BackedOut(why));
                    }
                }
            }
        }
    }
    let changes = changes(app, &start, &progress.overlay);
    if !changes.is_empty() {
        progress.steps.push(Step { rule: rule.meta, titles, changes });
    }
}

/// Makes proposals and looks at the result: the new texts, and the findings that are left.
fn attempt(
    app: &App,
    current: &App,
    rules: &RuleSet,
    rule: &Meta,
    before: &[Candidate<'_>],
    proposals: &[&Proposal],
    overlay: &Overlay,
) -> Result<(Overlay, Counts), String> {
    let next = joined(current, overlay, proposals)?;
    let changed = app.with(&next);
    let model = Model::new(&changed);
    let after = detect(&model, rules);
    match objection(before, &after, rule, proposals.len(), &changed, &next) {
        None => Ok((next, counts(&after))),
        Some(why) => Err(why),
    }
}

/// Gives every finding its last word.
fn settle(
    app: &App,
    rules: &RuleSet,
    findings: &mut [Finding],
    identities: &[Identity],
    progress: &Progress,
    options: &Options,
) {
    let last = app.with(&progress.overlay);
    let model = Model::new(&last);
    let left: BTreeSet<(&str, String)> =
        detect(&model, rules).into_iter().map(|candidate| (candidate.rule.id, candidate.key)).collect();
    for (finding, identity) in findings.iter_mut().zip(identities) {
        if finding.outcome != Outcome::Offered || finding.impact < options.min_impact {
            continue;
        }
        let (rule, key, _) = identity;
        match progress.fates.get(identity) {
            Some(outcome @ (Outcome::BackedOut(_) | Outcome::Conflict(_))) => {
                finding.outcome = outcome.clone();
            }
            // Made moot by another rule's fix, or never come to its turn.
            None if left.contains(&(*rule, key.clone())) => {
                finding.outcome = Outcome::Conflict("another fix changed the same place".to_owned());
            }
            _ => finding.outcome = Outcome::Fixed,
        }
    }
}

fn hash(overlay: &Overlay) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    overlay.hash(&mut hasher);
    hasher.finish()
}

/// What differs between two states of an app.
fn changes(app: &App, old: &Overlay, new: &Overlay) -> Vec<FileChange> {
    let mut list: Vec<FileChange> = new
        .iter()
        .filter_map(|(file, text)| {
            let on_disk = || app.file(file).and_then(|file| file.text().ok()).cloned();
            let before = old.get(file).cloned().or_else(on_disk);
            (before.as_ref() != Some(text)).then(|| FileChange {
                file: file.clone(),
                path: app.printed_path(file),
                before: before.map(|text| Arc::from(text.as_bytes())),
                after: Arc::from(text.as_bytes()),
            })
        })
        .collect();
    list.sort_by(|a, b| a.path.cmp(&b.path));
    list
}
