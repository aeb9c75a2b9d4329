//! The review: fix by fix, deciding. The state machine is here, its terminal in `screen`. Nothing is
//! written before the closing question.

mod screen;

use std::collections::BTreeSet;

use crate::detect::{Finding, Outcome};
use crate::rule::Impact;

pub(crate) use screen::start;

/// What a person has said of a fix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Write it.
    Accepted,
    /// Leave it.
    Skipped,
}

/// What a key means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Accept this fix.
    Accept,
    /// Leave this fix.
    Skip,
    /// Accept this fix and all of its rule that are undecided.
    AcceptRule,
    /// Leave all undecided fixes of this rule.
    SkipRule,
    /// Accept all undecided fixes in this file.
    AcceptFile,
    /// Back to the fix before, to decide it again.
    Back,
    /// Go to the closing question.
    Finish,
    /// Leave; nothing is written.
    Quit,
    /// Show or hide the rule's documentation.
    Explain,
    /// Show the keys.
    Help,
}

/// A review of the fixes that are ready.
#[derive(Debug)]
pub struct Review {
    items: Vec<Finding>,
    decisions: Vec<Option<Decision>>,
    at: usize,
    /// Whether the documentation of the rule is shown.
    pub explaining: bool,
    /// Whether the keys are shown.
    pub helping: bool,
}

impl Review {
    /// A review of all findings from an impact up that have a fix.
    pub fn new(findings: &[Finding], min_impact: Impact) -> Self {
        let items: Vec<Finding> = findings
            .iter()
            .filter(|finding| finding.impact >= min_impact)
            .filter(|finding| {
                matches!(finding.outcome, Outcome::Offered | Outcome::Held(_)) && finding.fix.is_some()
            })
            .cloned()
            .collect();
        let decisions = vec![None; items.len()];
        Self { items, decisions, at: 0, explaining: false, helping: false }
    }

    /// How many fixes there are.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there is nothing to decide.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The fix to decide now, and its number from 0; `None` when all are decided.
    pub fn current(&self) -> Option<(usize, &Finding)> {
        self.items.get(self.at).map(|item| (self.at, item))
    }

    /// What was said of the current fix before.
    pub fn decision(&self) -> Option<Decision> {
        self.decisions.get(self.at).copied().flatten()
    }

    /// Does what a key means; `false` ends the loop.
    pub fn act(&mut self, action: Action) -> bool {
        let Some(current) = self.items.get(self.at) else { return false };
        let (rule, path) = (current.rule.id, current.path.clone());
        match action {
            Action::Accept => self.decide(Decision::Accepted),
            Action::Skip => self.decide(Decision::Skipped),
            Action::AcceptRule => self.decide_all(Decision::Accepted, |item| item.rule.id == rule),
            Action::SkipRule => self.decide_all(Decision::Skipped, |item| item.rule.id == rule),
            Action::AcceptFile => self.decide_all(Decision::Accepted, |item| item.path == path),
            Action::Back => self.at = self.at.saturating_sub(1),
            Action::Explain => self.explaining = !self.explaining,
            Action::Help => self.helping = !self.helping,
            Action::Finish => return false,
            Action::Quit => {
                self.decisions.fill(None);
                return false;
            }
        }
        self.at < self.items.len()
    }

    fn decide(&mut self, decision: Decision) {
        if let Some(slot) = self.decisions.get_mut(self.at) {
            *slot = Some(decision);
        }
        self.at += 1;
    }

    fn decide_all(&mut self, decision: Decision, wanted: impl Fn(&Finding) -> bool) {
        let at = self.at;
        for (index, (item, slot)) in self.items.iter().zip(&mut self.decisions).enumerate() {
            if wanted(item) && (index == at || slot.is_none()) {
                *slot = Some(decision);
            }
        }
        self.at = self.decisions.iter().position(Option::is_none).unwrap_or(self.items.len());
    }

    /// The fingerprints of the accepted fixes.
    pub fn accepted(&self) -> BTreeSet<String> {
        self.items
            .iter()
            .zip(&self.decisions)
            .filter(|(_, decision)| **decision == Some(Decision::Accepted))
            .map(|(item, _)| item.fingerprint.clone())
            .collect()
    }
}
