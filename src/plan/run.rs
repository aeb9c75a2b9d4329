//! The plan of one app.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::candidates::{
    Identity, Places, built, chosen_way, detect, fingerprint, identities, is_chosen, is_within, parse_ahead,
    propose, propose_and_tell, title,
};
use super::fixpoint::{Barred, Progress, barred_fates, quarrel_note, to_fixpoint};
use super::suppressing::suppress;
use super::{Options, Plan, RuleSet, Scope};
use crate::detect::{Candidate, Finding, Outcome, Refusal, ShownEdit, ShownFix, ShownWay};
use crate::edit::{FileChange, Proposal};
use crate::model::{App, Model, Overlay};
use crate::source::position::LineIndex;
use crate::syntax::make::MAKEFILES;

/// The findings of an app with what each fix would do by itself.
pub(super) fn scan(app: &App, rules: &RuleSet, options: &Options, jobs: usize) -> Plan {
    // The copy is dropped with its texts and trees when the app is done.
    let app = app.with(&Overlay::new());
    parse_ahead(&app, jobs);
    let model = Model::new(&app);
    let candidates = detect(&model, rules);
    let (findings, _) = findings_of(&model, &candidates, identities(&candidates), options, &rules.scope);
    Plan { findings, skipped: app.skipped(), files: app.files.len(), ..Plan::default() }
}

/// Findings of the app as it stands, each with its identity.
fn findings_of<'a>(
    model: &Model<'a>,
    candidates: &[Candidate<'a>],
    identities: Vec<Identity>,
    options: &Options,
    scope: &Scope,
) -> (Vec<Finding>, Vec<Identity>) {
    let mut places = Places::default();
    let mut findings = Vec::new();
    let mut kept = Vec::new();
    for (candidate, identity) in candidates.iter().zip(identities) {
        if !is_within(model, candidate, options) || scope.is_unchanged(model, candidate) {
            continue;
        }
        let mut told = None;
        let (outcome, fix) =
            match places.suppression(candidate).or_else(|| accepted(scope, model.app, &identity)) {
                Some(reason) => (Outcome::Suppressed(reason), None),
                // It is neither listed nor written, only counted.
                None if candidate.impact < options.min_impact => (Outcome::Held(candidate.tier), None),
                None => match propose_and_tell(model, candidate, &identity, options, &mut told) {
                    Ok(proposal) => {
                        let shown =
                            show(model, &mut places, &proposal, &title(candidate, &identity, options));
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
            tier: chosen_way(candidate, &identity, options).map_or(candidate.tier, |way| way.tier),
            path: file.path.clone(),
            span,
            range,
            message: told.unwrap_or_else(|| candidate.message.clone()),
            outcome,
            fix,
            alternatives: ways(model, &mut places, candidate, options),
            fingerprint: fingerprint(&identity),
        });
        kept.push(identity);
    }
    (findings, kept)
}

/// The other ways to mend a finding; without edits where one cannot be gone.
fn ways<'a>(
    model: &Model<'a>,
    places: &mut Places,
    candidate: &Candidate<'a>,
    options: &Options,
) -> Vec<ShownWay> {
    candidate
        .alternatives
        .iter()
        .map(|way| {
            let fix = match built(model, candidate, &way.make, options, &mut None) {
                Ok(proposal) => show(model, places, &proposal, &way.title),
                Err(_) => ShownFix { title: way.title.clone(), edits: Vec::new() },
            };
            ShownWay { tier: way.tier, fix }
        })
        .collect()
}

/// The word for findings of the baseline.
fn accepted(scope: &Scope, app: &App, identity: &Identity) -> Option<String> {
    (!scope.baseline.is_empty() && scope.baseline.holds(&app.root, &fingerprint(identity)))
        .then(|| "baseline".to_owned())
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
    for (file, text) in &proposal.rewrites {
        let old = model.app.document_at(file).unwrap_or_default();
        let (span, new) = changed_lines(&old, text);
        edits.push(ShownEdit {
            path: model.app.printed_path(file),
            range: LineIndex::new(&old).range(&span),
            span,
            text: new.to_owned(),
            creates: false,
        });
    }
    edits.sort_by(|a, b| (&a.path, a.span.start).cmp(&(&b.path, b.span.start)));
    ShownFix { title: title.to_owned(), edits }
}

/// The lines of a text that become others: where they stand, and the new ones.
fn changed_lines<'t>(old: &str, new: &'t str) -> (std::ops::Range<usize>, &'t str) {
    let same = |(a, b): &(&str, &str)| a == b;
    let head: usize = old
        .split_inclusive('\n')
        .zip(new.split_inclusive('\n'))
        .take_while(same)
        .map(|(line, _)| line.len())
        .sum();
    let (old_rest, new_rest) = (old.get(head..).unwrap_or_default(), new.get(head..).unwrap_or_default());
    let backwards = |text: &'t str| text.split_inclusive('\n').rev();
    let tail: usize = old_rest
        .split_inclusive('\n')
        .rev()
        .zip(backwards(new_rest))
        .take_while(same)
        .map(|(line, _)| line.len())
        .sum();
    (head..old.len() - tail, new_rest.get(..new_rest.len() - tail).unwrap_or_default())
}

/// The findings of an app and the joint plan of all fixes that are selected.
pub(super) fn plan(app: &App, rules: &RuleSet, options: &Options, jobs: usize) -> Plan {
    let app = app.with(&Overlay::new());
    parse_ahead(&app, jobs);
    let model = Model::new(&app);
    let candidates = detect(&model, rules);
    let first = identities(&candidates);
    let (mut findings, identities) = findings_of(&model, &candidates, first.clone(), options, &rules.scope);
    let mut notes = Vec::new();
    let reported: BTreeSet<&Identity> = identities.iter().collect();
    let left_out: BTreeSet<Identity> = first
        .iter()
        .filter(|identity| !reported.contains(identity) || accepted(&rules.scope, &app, identity).is_some())
        .cloned()
        .collect();
    let mut progress = Progress::start(&first, &left_out, options);
    let offered = findings.iter().any(|finding| finding.outcome == Outcome::Offered);
    if offered {
        // Rules that do not come to rest together are left out, and the plan is made again without them:
        // half of a quarrel would be another text after each run.
        let mut barred = Barred::new();
        loop {
            match to_fixpoint(&app, rules, options, (&first, &left_out), &barred) {
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
    }
    suppress(&app, rules, options, &mut progress);
    if offered || !progress.fates.is_empty() {
        settle(&app, rules, &mut findings, &identities, &progress, options);
    }
    let (cleared, raised) = aftermath(&app, rules, &progress, options);
    let mut skipped = app.skipped();
    skipped.sort();
    Plan {
        findings,
        changes: changes(&app, &Overlay::new(), &progress.overlay),
        steps: progress.steps,
        skipped,
        files: app.files.len(),
        notes,
        cleared,
        raised,
    }
}

/// What else the fixes did that a person chose: findings that went with others, and findings that came.
fn aftermath(
    app: &App,
    rules: &RuleSet,
    progress: &Progress,
    options: &Options,
) -> (BTreeSet<String>, Vec<Finding>) {
    if options.only.is_none() || progress.overlay.is_empty() {
        return Default::default();
    }
    let last = app.with(&progress.overlay);
    let model = Model::new(&last);
    let candidates = detect(&model, rules);
    let named = progress.names(&candidates);
    let left: BTreeSet<&Identity> = named.iter().collect();
    let cleared = progress
        .first
        .iter()
        .filter(|identity| !left.contains(identity) && progress.fates.get(*identity) != Some(&Outcome::Fixed))
        .map(fingerprint)
        .collect();
    let known: BTreeSet<String> = progress.first.iter().map(fingerprint).collect();
    let (mut raised, _) = findings_of(&model, &candidates, named.clone(), options, &rules.scope);
    raised.retain(|finding| !known.contains(&finding.fingerprint));
    (cleared, raised)
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
    let candidates = detect(&model, rules);
    let left: BTreeMap<(&str, String), &Candidate<'_>> =
        candidates.iter().map(|candidate| ((candidate.rule.id, candidate.key.clone()), candidate)).collect();
    for (finding, identity) in findings.iter_mut().zip(identities) {
        let (rule, key, _) = identity;
        if let Some(outcome @ Outcome::Suppressed(_)) = progress.fates.get(identity) {
            finding.outcome = outcome.clone();
            continue;
        }
        // Another fix may have made one possible that was not at first.
        if matches!(finding.outcome, Outcome::NoFix(_) | Outcome::NeedsValue(_))
            && progress.fates.get(identity) == Some(&Outcome::Fixed)
        {
            finding.outcome = Outcome::Fixed;
            continue;
        }
        if let Some(check) = options.trial.backed_out.get(&finding.fingerprint)
            && matches!(finding.outcome, Outcome::Offered | Outcome::NoFix(_) | Outcome::NeedsValue(_))
        {
            finding.outcome = Outcome::BackedOut(check.clone());
            continue;
        }
        let left_out =
            options.trial.leaves_out(&finding.fingerprint) && left.contains_key(&(*rule, key.clone()));
        if finding.outcome != Outcome::Offered || finding.impact < options.min_impact || left_out {
            continue;
        }
        match progress.fates.get(identity) {
            Some(outcome @ Outcome::BackedOut(_)) => finding.outcome = outcome.clone(),
            // What stood in the way may have been the same repair.
            Some(outcome @ Outcome::Conflict(_)) if left.contains_key(&(*rule, key.clone())) => {
                finding.outcome = outcome.clone();
            }
            // Made moot by another rule's fix, or never come to its turn.
            None if left.contains_key(&(*rule, key.clone())) => {
                let candidate = left.get(&(*rule, key.clone()));
                // What the code has become may say itself why the fix no longer fits.
                let refused =
                    candidate.and_then(|candidate| propose(&model, candidate, identity, options).err());
                finding.outcome = match refused {
                    Some(refusal @ Refusal::NeedsValue { .. }) => Outcome::NeedsValue(refusal),
                    Some(refusal @ Refusal::NoFix { .. }) => Outcome::NoFix(refusal),
                    None => Outcome::Conflict("another fix changed the same place".to_owned()),
                };
            }
            _ => finding.outcome = Outcome::Fixed,
        }
    }
}

/// What differs between two states of an app.
pub(super) fn changes(app: &App, old: &Overlay, new: &Overlay) -> Vec<FileChange> {
    let mut list: Vec<FileChange> = new
        .iter()
        .filter_map(|(file, text)| {
            let on_disk = || match app.file(file) {
                Some(file) => file.text().ok().cloned(),
                None if is_document(file) => app.document_at(file),
                None => None,
            };
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

/// Whether a file is one that fixes rewrite as a whole: no grammar of wa-fix reads it.
fn is_document(file: &std::path::Path) -> bool {
    file.extension().is_some_and(|end| end == "md")
        || file.file_name().and_then(|name| name.to_str()).is_some_and(|name| MAKEFILES.contains(&name))
}
