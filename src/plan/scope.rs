//! What a project or a run leaves aside: rules that are off at some paths, other tiers, accepted findings, unchanged code.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::detect::Candidate;
use crate::model::Model;
use crate::rule::{Impact, Meta, Tier};
use crate::source::changed::ChangedLines;
use crate::syntax::Syn;

/// See the module.
#[derive(Debug, Default)]
pub struct Scope {
    /// Tiers that the project gives to fixes of rules: a selector, then the tier. The last that names a rule counts.
    pub tiers: Vec<(String, Tier)>,
    /// What holds at some paths only, in the order of the configuration.
    pub places: Vec<Place>,
    /// Accepted findings.
    pub baseline: Accepted,
    /// Only findings in these lines, or in constructs that have one of them.
    pub changed: Option<ChangedLines>,
}

/// Accepted findings, by fingerprint. Two apps of a repository may have the same construct in the same stack: what is accepted in
/// one is new in the other.
#[derive(Debug, Default)]
pub struct Accepted {
    /// By the folder of the app.
    pub in_app: BTreeMap<PathBuf, BTreeSet<String>>,
    /// In whatever app: a baseline that says none is of before they were told apart.
    pub anywhere: BTreeSet<String>,
}

impl Accepted {
    /// Whether a finding of an app is accepted.
    pub(super) fn holds(&self, app: &Path, fingerprint: &str) -> bool {
        self.anywhere.contains(fingerprint)
            || self.in_app.get(app).is_some_and(|accepted| accepted.contains(fingerprint))
    }

    /// Whether nothing is accepted.
    pub(super) fn is_empty(&self) -> bool {
        self.anywhere.is_empty() && self.in_app.is_empty()
    }
}

/// What holds at some paths.
#[derive(Debug)]
pub struct Place {
    /// The paths.
    pub globs: ignore::overrides::Override,
    /// Selectors of rules that are off there.
    pub ignore: Vec<String>,
    /// Findings below this are not reported there.
    pub min_impact: Option<Impact>,
    /// As [`Scope::tiers`].
    pub tiers: Vec<(String, Tier)>,
}

impl Scope {
    /// Takes away what is off at its path, and gives each finding the tier that the project wants.
    pub(super) fn adjust(&self, model: &Model<'_>, candidates: &mut Vec<Candidate<'_>>) {
        if self.tiers.is_empty() && self.places.is_empty() {
            return;
        }
        candidates.retain_mut(|candidate| {
            let file = model.location(candidate.node.file);
            let here: Vec<&Place> = self
                .places
                .iter()
                .filter(|place| file.is_some_and(|file| place.globs.matched(file, false).is_whitelist()))
                .collect();
            let mut tiers = self.tiers.iter().chain(here.iter().flat_map(|place| &place.tiers));
            if let Some((_, tier)) = tiers.rfind(|(name, _)| candidate.rule.is_named_by(name)) {
                candidate.tier = *tier;
            }
            !here.iter().any(|place| place.leaves_out(candidate.rule, candidate.impact))
        });
    }

    /// Whether the run asks only for changed code, and this is none.
    pub(super) fn is_unchanged<'a>(&self, model: &Model<'a>, candidate: &Candidate<'a>) -> bool {
        let Some(changed) = &self.changed else { return false };
        let Some(lines) = model.location(candidate.node.file).and_then(|file| changed.get(file)) else {
            return true;
        };
        let whole = construct_around(model, candidate.node);
        let line = |offset| 1 + whole.file.text.get(..offset).unwrap_or_default().matches('\n').count();
        let (first, last) = (line(whole.start()), line(whole.end()));
        !lines.iter().any(|range| range.start <= last && first < range.end)
    }
}

impl Place {
    fn leaves_out(&self, rule: &Meta, impact: Impact) -> bool {
        self.min_impact.is_some_and(|least| impact < least)
            || self.ignore.iter().any(|name| rule.is_named_by(name))
    }
}

/// The construct that a node is part of, else the node.
fn construct_around<'a>(model: &Model<'a>, node: Syn<'a>) -> Syn<'a> {
    std::iter::once(node)
        .chain(node.ancestors())
        .find(|around| around.is("new_expression") && model.site_of(*around).is_some())
        .unwrap_or(node)
}
