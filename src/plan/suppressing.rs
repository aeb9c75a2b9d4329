//! The comments of findings that a person accepts as they are, written after all fixes are made.

use std::sync::Arc;

use super::candidates::{Identity, Places, detect, fingerprint};
use super::fixpoint::Progress;
use super::run::changes;
use super::{Made, Options, RuleSet, Step};
use crate::detect::{Candidate, Outcome};
use crate::edit::EditSet;
use crate::edit::suppression::suppression;
use crate::model::{App, Model, Overlay};

/// Writes one comment after the other; each has its step. One that cannot be written is backed out, with the reason.
pub(super) fn suppress(app: &App, rules: &RuleSet, options: &Options, progress: &mut Progress) {
    let Some(decisions) = &options.only else { return };
    for (wanted, reason) in &decisions.suppressed {
        let current = app.with(&progress.overlay);
        let model = Model::new(&current);
        let candidates = detect(&model, rules);
        let named = progress.names(&candidates);
        let Some((candidate, identity)) =
            candidates.iter().zip(named).find(|(_, identity)| fingerprint(identity) == *wanted)
        else {
            continue;
        };
        if Places::default().suppression(candidate).is_some() {
            progress.fates.insert(identity, Outcome::Suppressed(reason.clone()));
            continue;
        }
        match commented(&model, candidate, reason, &progress.overlay) {
            Err(why) => {
                progress.fates.insert(identity, Outcome::BackedOut(why));
            }
            Ok(overlay) => record(&current, candidate, identity, reason, overlay, progress),
        }
    }
}

fn record(
    current: &App,
    candidate: &Candidate<'_>,
    identity: Identity,
    reason: &str,
    overlay: Overlay,
    progress: &mut Progress,
) {
    let title = format!("Accept a finding of {} as it is", candidate.rule.id);
    let changes = changes(current, &progress.overlay, &overlay);
    let made = Made { fingerprint: fingerprint(&identity), title: title.clone(), changes: changes.clone() };
    progress.steps.push(Step {
        rule: candidate.rule,
        titles: vec![title],
        fixed: vec![made.fingerprint.clone()],
        changes,
        made: vec![made],
    });
    progress.fates.insert(identity, Outcome::Suppressed(reason.to_owned()));
    progress.overlay = overlay;
}

/// The texts with the comment.
fn commented(
    model: &Model<'_>,
    candidate: &Candidate<'_>,
    reason: &str,
    overlay: &Overlay,
) -> Result<Overlay, String> {
    let file = candidate.node.file;
    let place = model.location(file).ok_or("the file is not part of the app")?;
    let edit = suppression(file, candidate.node.start(), candidate.rule, reason)
        .map_err(|refusal| refusal.to_string())?;
    let mut set = EditSet::default();
    set.insert(edit).map_err(|overlap| overlap.to_string())?;
    let text = set.apply(&file.text).map_err(|overlap| overlap.to_string())?;
    let mut next = overlay.clone();
    next.insert(place.to_owned(), Arc::from(text));
    Ok(next)
}
