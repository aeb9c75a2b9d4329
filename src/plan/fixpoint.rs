//! Fixes made together and looked at, rule after rule, until nothing changes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use super::candidates::{
    Counts, Identity, Places, counts, detect, fingerprint, identities, is_chosen, is_within, propose,
    standing, title,
};
use super::run::changes;
use super::{Made, Options, PASSES, ROUNDS, RuleSet, Step};
use crate::detect::{Candidate, Outcome};
use crate::edit::idle::without_idle_imports;
use crate::edit::{EditSet, Proposal};
use crate::model::{App, Model, Overlay};
use crate::rule::{Meta, Rule};
use crate::source::Language;
use crate::syntax::{first_error, has_types, parse};

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
    let mut rewritten: BTreeMap<&PathBuf, &Arc<str>> = BTreeMap::new();
    for (file, text) in proposals.iter().flat_map(|proposal| &proposal.rewrites) {
        if rewritten.insert(file, text).is_some_and(|other| other != text) {
            return Err(format!("{} would be rewritten twice", file.display()));
        }
        next.insert(file.clone(), Arc::clone(text));
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
    (app, changed): (&App, &App),
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
        if !Language::has_types(name)
            && changed.file(file).and_then(|file| file.parsed()).is_some_and(has_types)
            && !app.file(file).and_then(|file| file.parsed()).is_some_and(has_types)
        {
            return Some("the result has types, and the file is JavaScript".to_owned());
        }
    }
    let own = |candidates: &[Candidate<'_>]| candidates.iter().filter(|own| own.rule.id == rule.id).count();
    // What only now follows from the code, such as a document to renew, is the next pass's.
    let brought = after
        .iter()
        .filter(|own| own.rule.id == rule.id && own.follows)
        .filter(|own| !before.iter().any(|other| other.rule.id == rule.id && other.key == own.key));
    if own(after) - brought.count() + cleared > own(before) {
        return Some("the finding is still there after the fix".to_owned());
    }
    // A document that a fix makes out of date is no fault of the fix: its own rule renews it.
    let (old, new) = (standing(before), standing(after));
    let raised = new.iter().find(|(id, count)| {
        **id != rule.id && **count > old.get(*id).copied().unwrap_or(0) && !rule.raises.contains(id)
    });
    raised.map(|(id, _)| format!("the fix raises a finding of rule {id}"))
}

/// What became of findings while planning, by identity.
type Fates = BTreeMap<Identity, Outcome>;

/// The app as it stands, and what has been done to it.
pub(super) struct Progress {
    pub(super) overlay: Overlay,
    pub(super) fates: Fates,
    pub(super) steps: Vec<Step>,
    /// The findings of the untouched app.
    pub(super) first: Vec<Identity>,
    /// Those of them that the run leaves aside: another path, unchanged code, the baseline.
    left_out: BTreeSet<Identity>,
    /// How many findings each rule has in the app as it stands.
    left: Counts,
    /// For each rule that found nothing to do, the state of the app in which that was so.
    idle: BTreeMap<&'static str, u64>,
    /// Where a person chose fixes one by one: the rules that they are of, if all of them are known at first.
    chosen: Option<BTreeSet<&'static str>>,
}

impl Progress {
    /// Nothing done yet.
    pub(super) fn start(first: &[Identity], left_out: &BTreeSet<Identity>, options: &Options) -> Self {
        let mut left = Counts::new();
        for (rule, _, _) in first {
            *left.entry(*rule).or_default() += 1;
        }
        Self {
            overlay: Overlay::new(),
            fates: Fates::new(),
            steps: Vec::new(),
            first: first.to_vec(),
            left_out: left_out.clone(),
            left,
            idle: BTreeMap::new(),
            chosen: chosen_rules(first, options),
        }
    }

    /// Whether it is known without looking that a rule has nothing to do in the app as it stands.
    fn is_idle(&self, rule: &Meta) -> bool {
        self.chosen.as_ref().is_some_and(|rules| !rules.contains(rule.id))
            || !self.left.contains_key(rule.id)
            || self.idle.get(rule.id) == Some(&hash(&self.overlay))
    }

    /// The names that today's candidates had at first: where one of several equal findings is fixed, the
    /// numbers of the others move up.
    pub(super) fn names(&self, candidates: &[Candidate<'_>]) -> Vec<Identity> {
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

/// The rules of the fixes that a person chose. None where one of these is not among the first findings, for it may come up
/// under any rule.
fn chosen_rules(first: &[Identity], options: &Options) -> Option<BTreeSet<&'static str>> {
    let chosen = &options.only.as_ref()?.accepted;
    let known: Vec<&Identity> =
        first.iter().filter(|identity| chosen.contains(&fingerprint(identity))).collect();
    (known.len() == chosen.len()).then(|| known.iter().map(|(rule, _, _)| *rule).collect())
}

/// Rules that are left out of a plan, with the others of their quarrel.
pub(super) type Barred = BTreeMap<&'static str, String>;

/// All rules but the barred, again and again until nothing changes.
///
/// # Errors
/// The rules that undo each other's work, or add to it without end.
pub(super) fn to_fixpoint(
    app: &App,
    rules: &RuleSet,
    options: &Options,
    (first, left_out): (&[Identity], &BTreeSet<Identity>),
    barred: &Barred,
) -> Result<Progress, Vec<&'static Meta>> {
    let mut progress = Progress::start(first, left_out, options);
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

pub(super) fn quarrel_note(rules: &[&'static Meta]) -> String {
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
pub(super) fn barred_fates(first: &[Identity], barred: &Barred) -> Vec<(Identity, Outcome)> {
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

/// A fix that is to be made in a pass.
struct Chosen {
    identity: Identity,
    proposal: Proposal,
    title: String,
}

/// Applies one rule to its own fixpoint.
fn apply_rule(app: &App, rules: &RuleSet, rule: &Rule, options: &Options, progress: &mut Progress) {
    let start = progress.overlay.clone();
    let mut titles = Vec::new();
    let mut fixed = Vec::new();
    let mut made = Vec::new();
    for _ in 0..PASSES.max(progress.first.len() + 1) {
        if progress.is_idle(rule.meta) {
            break;
        }
        let current = app.with(&progress.overlay);
        let model = Model::new(&current);
        let before = detect(&model, rules);
        let mut chosen = choose(&model, rule.meta, &before, options, progress);
        if chosen.is_empty() {
            progress.idle.insert(rule.meta.id, hash(&progress.overlay));
            break;
        }
        let all: Vec<&Proposal> = chosen.iter().map(|fix| &fix.proposal).collect();
        let next = match attempt(app, &current, rules, rule.meta, &before, &all, &progress.overlay) {
            Err(why) if chosen.len() == 1 => Err(why),
            Ok(next) => Ok(next),
            // One of them is to blame: try the first alone; the others come again in the next pass.
            Err(_) => {
                chosen.truncate(1);
                let first: Vec<&Proposal> = chosen.iter().map(|fix| &fix.proposal).collect();
                attempt(app, &current, rules, rule.meta, &before, &first, &progress.overlay)
            }
        };
        match next {
            Ok(next) => {
                if options.only.is_some() || options.trial.tells {
                    made.extend(chosen.iter().map(|fix| made_by(fix, &current, &progress.overlay)));
                }
                for fix in chosen {
                    fixed.push(fingerprint(&fix.identity));
                    progress.fates.insert(fix.identity, Outcome::Fixed);
                    titles.push(fix.title);
                }
                (progress.overlay, progress.left) = next;
            }
            Err(why) => {
                progress
                    .fates
                    .extend(chosen.into_iter().map(|fix| (fix.identity, Outcome::BackedOut(why.clone()))));
            }
        }
    }
    let changes = changes(app, &start, &progress.overlay);
    if !changes.is_empty() {
        progress.steps.push(Step { rule: rule.meta, titles, fixed, changes, made });
    }
}

/// The fixes of a rule that can be made together in the app as it stands.
fn choose<'a>(
    model: &Model<'a>,
    rule: &Meta,
    candidates: &[Candidate<'a>],
    options: &Options,
    progress: &mut Progress,
) -> Vec<Chosen> {
    let mut places = Places::default();
    let mut chosen: Vec<Chosen> = Vec::new();
    for (candidate, identity) in candidates.iter().zip(progress.names(candidates)) {
        let settled = matches!(progress.fates.get(&identity), Some(Outcome::BackedOut(_)));
        if candidate.rule.id != rule.id
            || settled
            || (!options.trial.is_empty() && options.trial.leaves_out(&fingerprint(&identity)))
            || progress.left_out.contains(&identity)
            || candidate.impact < options.min_impact
            || !is_chosen(candidate, &identity, options)
            || !is_within(model, candidate, options)
            || places.suppression(candidate).is_some()
        {
            continue;
        }
        let Ok(proposal) = propose(model, candidate, &identity, options) else { continue };
        // Names that a fix takes are free only until another fix of the file takes the same.
        let shares_names = |other: &Proposal| {
            (other.takes_names || proposal.takes_names)
                && other.edits.keys().any(|file| proposal.edits.contains_key(file))
        };
        if chosen.iter().any(|other| shares_names(&other.proposal)) {
            continue;
        }
        let mut with: Vec<&Proposal> = chosen.iter().map(|fix| &fix.proposal).collect();
        with.push(&proposal);
        if joined(model.app, &progress.overlay, &with).is_ok() {
            let title = title(candidate, &identity, options);
            chosen.push(Chosen { identity, proposal, title });
        } else {
            progress.fates.insert(identity, Outcome::Conflict(rule.id.to_owned()));
        }
    }
    chosen
}

/// What one fix makes by itself.
fn made_by(fix: &Chosen, current: &App, overlay: &Overlay) -> Made {
    let changes = joined(current, overlay, &[&fix.proposal])
        .map(|next| changes(current, overlay, &next))
        .unwrap_or_default();
    Made { fingerprint: fingerprint(&fix.identity), title: fix.title.clone(), changes }
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
    match objection(before, &after, rule, proposals.len(), (app, &changed), &next) {
        None => Ok((next, counts(&after))),
        Some(why) => Err(why),
    }
}

pub(super) fn hash(overlay: &Overlay) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    overlay.hash(&mut hasher);
    hasher.finish()
}
