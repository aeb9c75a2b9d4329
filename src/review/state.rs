//! The state of a review and how keys change it. Nothing here plans, draws or writes: what needs the planner or a
//! terminal comes out as an [`Effect`].

use std::collections::BTreeSet;

use super::action::{Action, BINDINGS, Binding};
use super::item::{Decision, Item, Said, Standing};
use super::view::View;
use crate::edit::Values;
use crate::plan::{Decisions, Replacement};
use crate::rule::Tier;

/// What has to be done outside of the state after a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Nothing: show what there is.
    Show,
    /// Accept the current fix, if it still is what was shown.
    Accept,
    /// Decisions changed: plan again. What they were changed by, for those who are told.
    Plan(String),
    /// Ask the current fix's questions.
    Ask,
    /// Open the current fix in an editor.
    Edit,
    /// Ask why the current finding is accepted as it is.
    AskReason,
    /// Ask what to search.
    AskSearch,
    /// Ask where to go.
    AskNumber,
    /// Move the text.
    Scroll(Action),
    /// Go to the closing question.
    Close,
    /// Leave; ask first if something was accepted.
    Leave,
}

/// What `back` restores.
#[derive(Debug, Clone)]
struct Before {
    at: usize,
    items: Vec<Said>,
    answers: Values,
    kept: BTreeSet<String>,
    what: String,
}

/// A review.
#[derive(Debug)]
pub struct Review {
    items: Vec<Item>,
    at: usize,
    history: Vec<Before>,
    /// How the current finding is shown.
    pub view: View,
    /// Answers given in this review.
    pub answers: Values,
    /// The keys of those that go to `wa-fix.toml`.
    pub kept: BTreeSet<String>,
    /// What was searched last.
    pub searched: String,
    /// Said once, with the next thing that is shown.
    pub message: Option<String>,
}

impl Review {
    /// A review of some findings.
    pub fn new(items: Vec<Item>) -> Self {
        Self {
            items,
            at: 0,
            history: Vec::new(),
            view: View::default(),
            answers: Values::new(),
            kept: BTreeSet::new(),
            searched: String::new(),
            message: None,
        }
    }

    /// Every finding under review.
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// The same, to be told what became of them.
    pub fn items_mut(&mut self) -> &mut Vec<Item> {
        &mut self.items
    }

    /// The finding that is shown, and its number from 0; `None` when all are decided.
    pub fn current(&self) -> Option<(usize, &Item)> {
        self.items.get(self.at).map(|item| (self.at, item))
    }

    /// The finding that is shown, to be changed.
    pub fn current_mut(&mut self) -> Option<&mut Item> {
        self.items.get_mut(self.at)
    }

    /// How many findings wait for a decision.
    pub fn open(&self) -> usize {
        self.items.iter().filter(|item| item.is_open()).count()
    }

    /// How many findings have a decision of a kind.
    pub fn count(&self, wanted: impl Fn(&Decision) -> bool) -> usize {
        self.items.iter().filter(|item| item.decision.as_ref().is_some_and(&wanted)).count()
    }

    /// Whether finishing would write something.
    pub fn writes(&self) -> bool {
        self.count(|decision| matches!(decision, Decision::Accepted | Decision::Suppressed(_))) > 0
            || !self.kept.is_empty()
    }

    /// The keys that do something now.
    pub fn bindings(&self) -> impl Iterator<Item = &'static Binding> {
        BINDINGS.iter().filter(|binding| self.allows(binding.action))
    }

    /// Whether an action does something now.
    pub fn allows(&self, action: Action) -> bool {
        let Some((at, item)) = self.current() else { return false };
        let ready = item.standing == Standing::Ready;
        let here = |wanted: &dyn Fn(&Item) -> bool| {
            self.items.iter().enumerate().any(|(index, other)| {
                index != at && other.is_open() && other.standing == Standing::Ready && wanted(other)
            })
        };
        match action {
            Action::Accept
            | Action::Skip
            | Action::Explain
            | Action::Help
            | Action::Finish
            | Action::Quit => true,
            Action::AcceptRule => ready && here(&|other| other.finding.rule.id == item.finding.rule.id),
            Action::AcceptFile => ready && here(&|other| other.finding.path == item.finding.path),
            Action::AcceptSafe => here(&is_safe) || (ready && item.is_open() && is_safe(item)),
            Action::RuleOff | Action::Suppress => {
                !matches!(item.standing, Standing::Cleared | Standing::Gone)
            }
            Action::Back => !self.history.is_empty(),
            Action::NextWay => {
                item.ways() > 1 && !matches!(item.standing, Standing::Cleared | Standing::Gone)
            }
            Action::Answer => {
                matches!(item.standing, Standing::Needs(_)) || !item.finding.rule.asks.is_empty()
            }
            Action::Edit => ready,
            Action::Revert => item.replacement.is_some(),
            Action::MoreContext | Action::LessContext | Action::Layout => {
                ready && self.view.shows_diff() && self.view.allows(action)
            }
            Action::Next | Action::Previous | Action::Search | Action::GoTo => self.items.len() > 1,
            scroll => self.view.allows(scroll),
        }
    }

    /// What a key does.
    pub fn act(&mut self, action: Action) -> Effect {
        if self.current().is_none() {
            return Effect::Close;
        }
        if !self.allows(action) {
            self.message = Some("That key does nothing here; ? lists those that do.".to_owned());
            return Effect::Show;
        }
        match action {
            Action::Accept => self.accept(),
            Action::Skip => self.decide(Decision::Skipped),
            Action::Back => self.back(),
            Action::AcceptRule => {
                self.accept_all(|item, current| item.finding.rule.id == current.finding.rule.id)
            }
            Action::AcceptFile => self.accept_all(|item, current| item.finding.path == current.finding.path),
            Action::AcceptSafe => self.accept_all(|item, _| item.is_open() && is_safe(item)),
            Action::RuleOff => self.rule_off(),
            Action::NextWay => self.next_way(),
            Action::Answer => Effect::Ask,
            Action::Edit => Effect::Edit,
            Action::Revert => self.revert(),
            Action::Suppress => Effect::AskReason,
            Action::Search => Effect::AskSearch,
            Action::GoTo => Effect::AskNumber,
            Action::Next | Action::Previous => self.step(action == Action::Next),
            Action::Finish => Effect::Close,
            Action::Quit => Effect::Leave,
            scroll if scroll.scrolls() => Effect::Scroll(scroll),
            view => {
                self.view.act(view);
                Effect::Show
            }
        }
    }

    fn accept(&mut self) -> Effect {
        match self.current().map(|(_, item)| &item.standing) {
            Some(Standing::Needs(_)) => Effect::Ask,
            Some(Standing::Ready) => Effect::Accept,
            Some(Standing::Refused(_)) => {
                self.message = Some("There is no fix to accept here; n leaves it.".to_owned());
                Effect::Show
            }
            _ => self.read(),
        }
    }

    /// The news of a finding that is over was read.
    fn read(&mut self) -> Effect {
        if let Some(item) = self.current_mut() {
            item.seen = true;
            item.note = None;
        }
        self.advance();
        Effect::Show
    }

    /// Decides the current finding and goes on. The fix of an accepted one is planned by the caller.
    pub fn decide(&mut self, decision: Decision) -> Effect {
        if self.current().is_some_and(|(_, item)| matches!(item.standing, Standing::Cleared | Standing::Gone))
        {
            return self.read();
        }
        let Some((_, item)) = self.current() else { return Effect::Close };
        let what = format!("the decision on {}", item.place());
        let cause = match decision {
            Decision::Accepted => format!("accepting {}", item.place()),
            _ => format!("not accepting {}", item.place()),
        };
        let planned =
            item.decision == Some(Decision::Accepted) || item.decision.as_ref().is_some_and(is_comment);
        let plans = planned || decision == Decision::Accepted || is_comment(&decision);
        self.remember(what);
        if let Some(item) = self.current_mut() {
            item.decision = Some(decision);
            item.note = None;
        }
        self.advance();
        if plans { Effect::Plan(cause) } else { Effect::Show }
    }

    fn accept_all(&mut self, wanted: impl Fn(&Item, &Item) -> bool) -> Effect {
        let Some((at, current)) = self.current() else { return Effect::Close };
        let chosen: Vec<usize> = self
            .items
            .iter()
            .enumerate()
            .filter(|(index, item)| {
                (*index == at || item.is_open()) && item.standing == Standing::Ready && wanted(item, current)
            })
            .map(|(index, _)| index)
            .collect();
        self.remember(format!("{} decisions", chosen.len()));
        for index in &chosen {
            if let Some(item) = self.items.get_mut(*index) {
                item.decision = Some(Decision::Accepted);
                item.note = None;
            }
        }
        self.advance();
        self.message = Some(format!("{} accepted; u takes them back.", chosen.len()));
        Effect::Plan(format!("accepting {} fixes together", chosen.len()))
    }

    fn rule_off(&mut self) -> Effect {
        let Some((at, current)) = self.current() else { return Effect::Close };
        let rule = current.finding.rule;
        self.remember(format!("rule {} off", rule.id));
        let mut count = 0;
        for (index, item) in self.items.iter_mut().enumerate() {
            if item.finding.rule.id == rule.id && (index == at || item.is_open()) {
                item.decision = Some(Decision::RuleOff);
                item.note = None;
                count += 1;
            }
        }
        self.advance();
        self.message = Some(format!("Rule {} is off: {count} left alone; u takes that back.", rule.id));
        Effect::Plan(format!("leaving rule {} alone", rule.id))
    }

    fn next_way(&mut self) -> Effect {
        self.remember("the other way".to_owned());
        if let Some(item) = self.current_mut() {
            item.way = (item.way + 1) % item.ways();
            item.replacement = None;
            reopen(item);
        }
        Effect::Plan("another way to mend it".to_owned())
    }

    fn revert(&mut self) -> Effect {
        self.remember("what you wrote".to_owned());
        if let Some(item) = self.current_mut() {
            item.replacement = None;
            reopen(item);
        }
        Effect::Plan("going back to the fix as it was".to_owned())
    }

    /// Takes what a person wrote instead of the current fix.
    pub fn replace(&mut self, replacement: Replacement) -> Effect {
        self.remember("your edit".to_owned());
        if let Some(item) = self.current_mut() {
            item.replacement = Some(replacement);
            reopen(item);
        }
        Effect::Plan("your edit".to_owned())
    }

    /// Takes an answer.
    pub fn answer(&mut self, key: &str, answer: &str) -> Effect {
        self.remember(format!("the answer to {key}"));
        self.answers.insert(key.to_owned(), answer.to_owned());
        Effect::Plan(format!("the answer to {key}"))
    }

    /// Back from the closing question, to what was decided last if nothing is shown.
    pub fn come_back(&mut self) {
        if self.current().is_none() && self.back() == Effect::Show {
            self.show(self.items.len());
        }
    }

    fn back(&mut self) -> Effect {
        let Some(before) = self.history.pop() else { return Effect::Show };
        for (item, said) in self.items.iter_mut().zip(before.items) {
            item.restore(said);
        }
        self.at = before.at;
        self.answers = before.answers;
        self.kept = before.kept;
        self.view.turn();
        self.message = Some(format!("Taken back: {}.", before.what));
        Effect::Plan("taking a decision back".to_owned())
    }

    /// Remembers how things are, for `back`.
    fn remember(&mut self, what: String) {
        let items = self.items.iter().map(Item::said).collect();
        let (answers, kept) = (self.answers.clone(), self.kept.clone());
        self.history.push(Before { at: self.at, items, answers, kept, what });
    }

    /// Forgets the last decision, which turned out to be none.
    pub fn forget(&mut self) {
        if let Some(before) = self.history.pop() {
            self.at = before.at;
            self.answers = before.answers;
            self.kept = before.kept;
        }
    }

    /// To the next open finding, from here on and around; past the end if there is none.
    pub fn advance(&mut self) {
        let after = self.at + 1;
        let next = self.items.iter().enumerate().skip(after).find(|(_, item)| item.is_open());
        let next = next.or_else(|| self.items.iter().enumerate().find(|(_, item)| item.is_open()));
        self.at = next.map_or(self.items.len(), |(index, _)| index);
        self.view.turn();
    }

    /// Shows a finding that waits for a decision, if the current one does not.
    pub fn settle(&mut self) {
        if self.current().is_none() {
            self.advance();
        }
    }

    /// Shows a finding.
    pub fn show(&mut self, index: usize) {
        self.at = index.min(self.items.len().saturating_sub(1));
        self.view.turn();
    }

    fn step(&mut self, forward: bool) -> Effect {
        let last = self.items.len().saturating_sub(1);
        let to = if forward { self.at + 1 } else { self.at.wrapping_sub(1) };
        // Around the ends.
        let to = if to == usize::MAX {
            last
        } else if to > last {
            0
        } else {
            to
        };
        self.show(to);
        Effect::Show
    }

    /// Goes to the next finding that has words in its rule, file or message; the last words if there are none.
    pub fn search(&mut self, words: &str) {
        let words = words.trim();
        if !words.is_empty() {
            words.clone_into(&mut self.searched);
        }
        let wanted = self.searched.to_lowercase();
        let count = self.items.len();
        let hit = (1..=count).map(|step| (self.at + step) % count).find(|index| {
            self.items.get(*index).is_some_and(|item| text_of(item).to_lowercase().contains(&wanted))
        });
        match hit {
            Some(index) if !wanted.is_empty() => self.show(index),
            _ => self.message = Some(format!("Nothing has `{}`.", self.searched)),
        }
    }

    /// Goes to a finding by its number, from 1.
    pub fn go_to(&mut self, number: &str) {
        match number.trim().parse::<usize>().ok().filter(|number| (1..=self.items.len()).contains(number)) {
            Some(number) => self.show(number - 1),
            None => self.message = Some(format!("Give a number from 1 to {}.", self.items.len())),
        }
    }

    /// The decisions on one app, as the planner takes them.
    pub fn decisions(&self, app: usize) -> Decisions {
        let mut decisions = Decisions::default();
        for item in self.items.iter().filter(|item| item.app == app) {
            let name = || item.finding.fingerprint.clone();
            match &item.decision {
                Some(Decision::Accepted) => {
                    decisions.accepted.insert(name());
                }
                Some(Decision::Suppressed(reason)) => {
                    decisions.suppressed.insert(name(), reason.clone());
                }
                _ => {}
            }
            if item.way > 0 {
                decisions.alternatives.insert(name(), item.way);
            }
            if let Some(replacement) = &item.replacement {
                decisions.replacements.insert(name(), replacement.clone());
            }
        }
        decisions
    }
}

/// Whether a fix may be accepted unseen: what a person wrote is of no tier.
fn is_safe(item: &Item) -> bool {
    item.finding.tier == Tier::Safe && item.replacement.is_none()
}

fn is_comment(decision: &Decision) -> bool {
    matches!(decision, Decision::Suppressed(_))
}

/// What was accepted of it before is another fix now.
fn reopen(item: &mut Item) {
    if item.decision == Some(Decision::Accepted) {
        item.decision = None;
    }
    item.consent = None;
    item.note = None;
}

/// What a search looks at.
fn text_of(item: &Item) -> String {
    let finding = &item.finding;
    let title = finding.fix.as_ref().map_or("", |fix| fix.title.as_str());
    format!(
        "{} {} {} {} {} {} {}",
        finding.rule.id,
        finding.rule.name,
        finding.rule.title,
        finding.rule.pillar,
        finding.path,
        finding.message,
        title
    )
}
