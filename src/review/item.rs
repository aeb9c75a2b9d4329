//! One finding under review.

use crate::detect::Finding;
use crate::plan::Replacement;
use crate::rule::AnswerType;

/// What a person has said of a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Write the fix.
    Accepted,
    /// Leave it.
    Skipped,
    /// Leave it, as all of its rule.
    RuleOff,
    /// Accept the finding as it is, by a comment with this reason.
    Suppressed(String),
}

impl Decision {
    /// As a participle: `accepted`.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Skipped => "skipped",
            Self::RuleOff => "rule off",
            Self::Suppressed(_) => "suppressed",
        }
    }
}

/// A question that a fix asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The key in `[values]`.
    pub key: String,
    /// The question.
    pub ask: String,
    /// What an answer has to be.
    pub kind: AnswerType,
    /// An answer as it would be typed.
    pub example: String,
}

/// What can be done about a finding, with the decisions as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// A fix is ready.
    Ready,
    /// The fix needs an answer.
    Needs(Asked),
    /// There is no fix with these answers.
    Refused(String),
    /// An accepted fix has cleared the finding.
    Cleared,
    /// The finding is no longer in the code.
    Gone,
}

/// What a person said of a finding: all that `back` restores.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    decision: Option<Decision>,
    way: usize,
    replacement: Option<Replacement>,
    consent: Option<String>,
    seen: bool,
}

/// One finding under review.
#[derive(Debug, Clone)]
pub struct Item {
    /// The position of its app.
    pub app: usize,
    /// The finding, as it stands in the code on disk.
    pub finding: Finding,
    /// What was said of it.
    pub decision: Option<Decision>,
    /// What can be done.
    pub standing: Standing,
    /// What has happened to it since it was last decided, in a sentence.
    pub note: Option<String>,
    /// Which of several fixes, from 0.
    pub way: usize,
    /// What a person wrote instead of the fix.
    pub replacement: Option<Replacement>,
    /// The change that was agreed to; `None` for one accepted together with others.
    pub consent: Option<String>,
    /// Whether the news that there is nothing left to do was read.
    pub seen: bool,
    /// Whether an accepted fix brought the finding.
    pub raised: bool,
}

impl Item {
    /// A finding that nothing was said of yet.
    pub fn new(app: usize, finding: Finding, standing: Standing) -> Self {
        Self {
            app,
            finding,
            decision: None,
            standing,
            note: None,
            way: 0,
            replacement: None,
            consent: None,
            seen: false,
            raised: false,
        }
    }

    /// Whether a person still has to look at it.
    pub fn is_open(&self) -> bool {
        let over = matches!(self.standing, Standing::Cleared | Standing::Gone);
        self.decision.is_none() && !(over && self.seen)
    }

    /// What a person said of it, to come back to.
    pub fn said(&self) -> Said {
        Said {
            decision: self.decision.clone(),
            way: self.way,
            replacement: self.replacement.clone(),
            consent: self.consent.clone(),
            seen: self.seen,
        }
    }

    /// Comes back to what was said of it before.
    pub fn restore(&mut self, said: Said) {
        if said != self.said() {
            self.note = None;
        }
        self.decision = said.decision;
        self.way = said.way;
        self.replacement = said.replacement;
        self.consent = said.consent;
        self.seen = said.seen;
    }

    /// How many ways there are to mend it.
    pub fn ways(&self) -> usize {
        1 + self.finding.alternatives.len()
    }

    /// Takes a decision back, and says why.
    pub fn withdraw(&mut self, note: String) {
        self.decision = None;
        self.consent = None;
        self.seen = false;
        self.note = Some(note);
    }

    /// `2.5 lib/x.ts:12`, to name it elsewhere.
    pub fn place(&self) -> String {
        format!("{} {}:{}", self.finding.rule.id, self.finding.path, self.finding.range.start.line)
    }
}
