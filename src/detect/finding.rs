//! Findings: what is reported, with the word that each ends in.

use std::ops::Range;

use crate::rule::{AnswerType, Impact, Meta, Tier};

/// A place in a text for people and editors: line and column from 1, columns counted in UTF-16
/// code units as TypeScript and the editors do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Position {
    /// Line, from 1.
    pub line: usize,
    /// Column in UTF-16 code units, from 1.
    pub column: usize,
}

/// Start and end (exclusive) of a piece of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct TextRange {
    /// The first character.
    pub start: Position,
    /// The place after the last character.
    pub end: Position,
}

/// Why a fix is not written, and what to do next. Every variant prints as one sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// A value is needed that only a person knows.
    NeedsValue {
        /// The key to give with `--set KEY=VALUE` or under `[values]`.
        key: String,
        /// What is asked.
        ask: String,
        /// What an answer has to be.
        kind: AnswerType,
        /// An answer as it would be typed.
        example: String,
    },
    /// No edit is right here.
    NoFix {
        /// The reason.
        why: String,
        /// What a person can do instead.
        next: String,
    },
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NeedsValue { key, ask, .. } => write!(f, "{ask} It is called {key}"),
            Self::NoFix { why, next } => write!(f, "{why}; {next}"),
        }
    }
}

/// The word in which a finding ends (`design.md` 3.6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The fix was written.
    Fixed,
    /// The fix is ready and within the selected tier.
    Offered,
    /// A person said no.
    Declined,
    /// The fix is ready but its tier was not selected.
    Held(Tier),
    /// See [`Refusal::NeedsValue`].
    NeedsValue(Refusal),
    /// Another fix claims the same text: its rule id and name.
    Conflict(String),
    /// A check failed with this fix, so it was taken out again: the check's words.
    BackedOut(String),
    /// A comment in the code accepts the finding: its reason.
    Suppressed(String),
    /// See [`Refusal::NoFix`].
    NoFix(Refusal),
}

impl Outcome {
    /// The word for machine output: `fixed`, `offered`, `held`, `needs-value` and so on.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Fixed => "fixed",
            Self::Offered => "offered",
            Self::Declined => "declined",
            Self::Held(_) => "held",
            Self::NeedsValue(_) => "needs-value",
            Self::Conflict(_) => "conflict",
            Self::BackedOut(_) => "backed-out",
            Self::Suppressed(_) => "suppressed",
            Self::NoFix(_) => "no-fix",
        }
    }

    /// What stands in brackets behind the word: the tier, key, winner, check or reason.
    pub fn detail(&self) -> Option<String> {
        match self {
            Self::Fixed | Self::Offered | Self::Declined => None,
            Self::Held(tier) => Some(tier.to_string()),
            Self::Conflict(text) | Self::BackedOut(text) | Self::Suppressed(text) => Some(text.clone()),
            Self::NeedsValue(refusal) | Self::NoFix(refusal) => Some(match refusal {
                Refusal::NeedsValue { key, .. } => key.clone(),
                Refusal::NoFix { why, .. } => why.clone(),
            }),
        }
    }

    /// The next step, where there is one to name.
    pub fn next_step(&self) -> Option<String> {
        match self {
            Self::Held(tier) => Some(format!("release it with --tier {tier}")),
            Self::NeedsValue(Refusal::NeedsValue { key, example, .. }) => {
                Some(format!("give it with --set {key}={example}"))
            }
            Self::NoFix(Refusal::NoFix { next, .. }) => Some(next.clone()),
            _ => None,
        }
    }
}

/// One edit of a fix as reports show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownEdit {
    /// The file, as printed.
    pub path: String,
    /// The replaced text; empty at the start of a file that is to be created.
    pub range: TextRange,
    /// Byte offsets of the same, into the file's bytes.
    pub span: Range<usize>,
    /// What stands there afterwards.
    pub text: String,
    /// Whether the file is created by this edit.
    pub creates: bool,
}

/// A fix as reports show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownFix {
    /// One line in the imperative: what the edit does.
    pub title: String,
    /// All edits, by path and offset. A fix is all its edits or none.
    pub edits: Vec<ShownEdit>,
}

/// Another way to mend a finding, as reports show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownWay {
    /// The tier of this way.
    pub tier: Tier,
    /// What it does. Without edits where it cannot be made here.
    pub fix: ShownFix,
}

/// One anti-pattern at one place, and what became of it.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The rule.
    pub rule: &'static Meta,
    /// Impact here.
    pub impact: Impact,
    /// Tier of the fix here.
    pub tier: Tier,
    /// The file, as printed: `/`-separated, relative to the working directory.
    pub path: String,
    /// Byte offsets into the file.
    pub span: Range<usize>,
    /// The same as lines and columns.
    pub range: TextRange,
    /// What is wrong here, what could happen, what the fix does, what it costs.
    pub message: String,
    /// What became of it.
    pub outcome: Outcome,
    /// The fix, where there is one.
    pub fix: Option<ShownFix>,
    /// What other fixes would do: a person may choose one of them instead.
    pub alternatives: Vec<ShownWay>,
    /// Rule and construct path, hashed: the same under moved lines and renamed files.
    pub fingerprint: String,
}

impl Finding {
    /// The other ways that can be gone here.
    pub fn ways(&self) -> impl Iterator<Item = &ShownWay> {
        let accepted = matches!(self.outcome, Outcome::Suppressed(_));
        self.alternatives.iter().filter(move |way| !accepted && !way.fix.edits.is_empty())
    }

    /// The stated order of every output: path, offset, rule.
    pub fn sort_key(&self) -> (&str, usize, usize, &'static str) {
        (&self.path, self.span.start, self.span.end, self.rule.id)
    }
}
