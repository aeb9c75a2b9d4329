//! The questions of a fix, each with what is known of its answer.

use super::item::Standing;
use super::session::Session;
use crate::plan::proposals::propose;
use crate::rule::AnswerType;

/// A question as it is put to a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The key in `[values]`.
    pub key: String,
    /// The question.
    pub ask: String,
    /// An answer as it would be typed.
    pub example: String,
    /// What an answer has to be.
    pub kind: AnswerType,
    /// The answer that is proposed; empty where there is none.
    pub proposal: String,
    /// Where the proposal comes from.
    pub from: Option<String>,
    /// Whether there is no fix without an answer.
    pub needed: bool,
}

impl Question {
    /// What is shown above the line.
    pub fn text(&self) -> String {
        let from = self.from.as_ref().map_or_else(String::new, |from| format!(" Proposed from {from}."));
        format!("{} {} An empty line goes back.{from} Example: {}", self.ask, self.kind.hint(), self.example)
    }

    /// Says what is wrong with an answer at first sight; the rule has the last word.
    ///
    /// # Errors
    /// A sentence.
    pub fn check(&self, answer: &str) -> Result<(), String> {
        if answer.trim().is_empty() { Ok(()) } else { self.kind.check(answer.trim()) }
    }
}

/// The next question of the current fix that was not asked yet: what is open first, then what can be answered otherwise.
pub(super) fn next(session: &Session<'_>, asked: &[String]) -> Option<Question> {
    let (_, item) = session.review.current()?;
    let values = session.options().values;
    let question = |key: &str, ask: &str, kind: AnswerType, example: &str, needed: bool| {
        let given = values.get(key).cloned();
        let proposed = if given.is_none() {
            session.apps().get(item.app).and_then(|app| propose(app, key))
        } else {
            None
        };
        let from = proposed.as_ref().map(|proposed| proposed.from.clone());
        Question {
            key: key.to_owned(),
            ask: ask.to_owned(),
            example: example.to_owned(),
            kind,
            proposal: given.or(proposed.map(|proposed| proposed.answer)).unwrap_or_default(),
            from,
            needed,
        }
    };
    if let Standing::Needs(open) = &item.standing {
        return (!asked.contains(&open.key))
            .then(|| question(&open.key, &open.ask, open.kind, &open.example, true));
    }
    let asks = item.finding.rule.asks;
    let answered = asks.iter().any(|ask| values.contains_key(ask.key));
    asks.iter()
        .filter(|ask| !answered || values.contains_key(ask.key))
        .find(|ask| !asked.iter().any(|key| key == ask.key))
        .map(|ask| question(ask.key, ask.ask, ask.kind, ask.example, false))
}
