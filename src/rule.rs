//! What a rule is: its metadata and its check. The list of all rules is in `fixes/mod.rs`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::detect::{Findings, Match};

/// The six pillars of the AWS Well-Architected Framework, in its own order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pillar {
    /// Pillar 1.
    Security,
    /// Pillar 2.
    Reliability,
    /// Pillar 3.
    Performance,
    /// Pillar 4.
    Cost,
    /// Pillar 5.
    OperationalExcellence,
    /// Pillar 6.
    Sustainability,
}

impl Pillar {
    /// The name used in options and in machine output, such as `operational-excellence`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Security => "security",
            Self::Reliability => "reliability",
            Self::Performance => "performance",
            Self::Cost => "cost",
            Self::OperationalExcellence => "operational-excellence",
            Self::Sustainability => "sustainability",
        }
    }

    /// Every pillar, in the framework's order.
    pub const ALL: [Self; 6] = [
        Self::Security,
        Self::Reliability,
        Self::Performance,
        Self::Cost,
        Self::OperationalExcellence,
        Self::Sustainability,
    ];
}

impl fmt::Display for Pillar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How much the anti-pattern matters where it was found. Ordered: `Info` is the least.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Impact {
    /// Worth knowing; only counted unless `--min-impact info`.
    Info,
    /// Optimise over time.
    Low,
    /// Address soon.
    Medium,
    /// Fix now.
    High,
}

impl Impact {
    /// The name used in options and in machine output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

impl fmt::Display for Impact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Impact {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Info, Self::Low, Self::Medium, Self::High]
            .into_iter()
            .find(|impact| impact.name() == text)
            .ok_or_else(|| format!("`{text}` is not one of info, low, medium, high"))
    }
}

/// How much a person has to look before a fix is applied. Ordered: `Safe` is the least.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// Same or strictly stronger behaviour, no value needed, nothing replaced, no bill.
    Safe,
    /// Right, but changes behaviour, cost or a client's view, or needs a value.
    Review,
    /// Adds resources or files that a person completes.
    Scaffold,
}

impl Tier {
    /// The name used in options and in machine output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::Review => "review",
            Self::Scaffold => "scaffold",
        }
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Tier {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Safe, Self::Review, Self::Scaffold]
            .into_iter()
            .find(|tier| tier.name() == text)
            .ok_or_else(|| format!("`{text}` is not one of safe, review, scaffold"))
    }
}

/// A value that a fix needs and only a person knows. Given by `--set KEY=VALUE` or `[values]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question {
    /// The key, such as `allowed_origins`.
    pub key: &'static str,
    /// What is asked, as a sentence.
    pub ask: &'static str,
    /// An answer as it would be typed, for messages: never written into code by itself.
    pub example: &'static str,
}

/// What an answer has to be at first sight. A rule has the last word on its answers: it refuses those that it cannot write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AnswerType {
    /// A whole number.
    Number,
    /// Web addresses, separated by commas.
    Urls,
    /// A word or words.
    Text,
}

impl AnswerType {
    /// The type of answers that look like an example.
    pub fn of(example: &str) -> Self {
        // Four digits and more are the name of something, such as a cost centre.
        if example.parse::<u64>().is_ok() && example.len() < 4 {
            Self::Number
        } else if example.starts_with("https://") {
            Self::Urls
        } else {
            Self::Text
        }
    }

    /// What to say of it beside a question; empty where the question says it all.
    pub const fn hint(self) -> &'static str {
        match self {
            Self::Number => "A whole number.",
            Self::Urls => "Each with its https://.",
            Self::Text => "",
        }
    }

    /// Says what is wrong with an answer.
    ///
    /// # Errors
    /// A sentence that begins small.
    pub fn check(self, answer: &str) -> Result<(), String> {
        match self {
            Self::Number if answer.parse::<u64>().is_err() => Err(format!("`{answer}` is no whole number")),
            Self::Urls => {
                let wrong = answer.split(',').map(str::trim).find(|url| {
                    !url.strip_prefix("https://")
                        .or_else(|| url.strip_prefix("http://"))
                        .is_some_and(|host| !host.is_empty() && !host.contains(char::is_whitespace))
                });
                wrong.map_or(Ok(()), |url| {
                    Err(format!("`{url}` is no web address such as https://app.example.com"))
                })
            }
            _ => Ok(()),
        }
    }
}

/// Everything that is known of a rule without running it.
#[derive(Debug, Clone, Copy)]
pub struct Meta {
    /// The number of the documented anti-pattern, such as `2.6`.
    pub id: &'static str,
    /// Other documented items that the same finding covers.
    pub also: &'static [&'static str],
    /// The kebab-case name for options and suppressions, such as `pipeline-swallows-failures`.
    pub name: &'static str,
    /// One line: what is wrong.
    pub title: &'static str,
    /// The pillar of `id`.
    pub pillar: Pillar,
    /// The usual impact; a finding may state another.
    pub impact: Impact,
    /// The usual tier; a finding may state another.
    pub tier: Tier,
    /// The Well-Architected best practice, such as `REL08-BP02`.
    pub practice: &'static str,
    /// Ids of other checkers (cdk-nag, Checkov) whose finding the fix clears.
    pub clears: &'static [&'static str],
    /// Rules (by id) that may report what this rule's fix has added, and why that is right is in its documentation.
    pub raises: &'static [&'static str],
    /// Values the fix may ask for.
    pub asks: &'static [Question],
    /// Position when fixes touch the same place: the lower goes first.
    pub order: u16,
    /// The rule's own source, `include_str!` of its file: `explain` prints the `//!` lines at its top.
    pub source: &'static str,
    /// The text of the rule's `.scm`.
    pub query: &'static str,
}

impl Meta {
    /// Whether a selector (`2.6`, a name, a pillar, a practice, a cleared id) names this rule.
    pub fn is_named_by(&self, selector: &str) -> bool {
        self.id == selector
            || self.also.contains(&selector)
            || self.name == selector
            || self.pillar.name() == selector
            || self.practice == selector
            || self.clears.contains(&selector)
    }

    /// The documentation in Markdown: the `//!` lines of the rule's source without their marker.
    pub fn documentation(&self) -> String {
        let mut text = String::new();
        for line in self.source.lines().map_while(|line| line.strip_prefix("//!")) {
            text.push_str(line.strip_prefix(' ').unwrap_or(line));
            text.push('\n');
        }
        text
    }
}

/// A rule: its metadata and what it does with a match of its query.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// Everything that is known without running it.
    pub meta: &'static Meta,
    /// Called for each match of the query; reports findings, each with a fix or a refusal.
    pub check: Check,
}

/// See [`Rule::check`]. Returns `None` where the match turns out to be none.
pub type Check = for<'a> fn(&Match<'_, 'a>, &mut Findings<'a>) -> Option<()>;

/// The heading of a rule's documentation under which its hazards stand.
pub const HAZARDS: &str = "## What to know before deploying";

/// The text under a heading of a documentation.
pub fn section<'t>(text: &'t str, heading: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(heading)?;
    rest.split("\n## ").next().map(str::trim)
}
