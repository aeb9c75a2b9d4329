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
    /// What an answer has to be.
    pub kind: AnswerType,
    /// An answer as it would be typed, for messages: never written into code by itself.
    pub example: &'static str,
}

/// What an answer has to be at first sight. A rule has the last word on its answers: it refuses those that it cannot write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerType {
    /// A word or words.
    Text,
    /// A whole number in a range.
    Number {
        /// The smallest.
        least: u64,
        /// The largest.
        most: u64,
    },
    /// One of some words.
    Choice(&'static [&'static str]),
    /// Words, separated by commas.
    List,
    /// Web addresses, separated by commas.
    Urls,
    /// An e-mail address.
    Email,
    /// The name of a domain.
    Domain,
}

impl AnswerType {
    /// Any whole number.
    pub const NUMBER: Self = Self::Number { least: 0, most: u64::MAX };

    /// Its name in machine output and in rule files.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number { .. } => "number",
            Self::Choice(_) => "choice",
            Self::List => "list",
            Self::Urls => "urls",
            Self::Email => "email",
            Self::Domain => "domain",
        }
    }

    /// What to say of it beside a question; empty where the question says it all.
    pub fn hint(self) -> String {
        match self {
            Self::Text => String::new(),
            Self::Number { least: 0, most: u64::MAX } => "A whole number.".to_owned(),
            Self::Number { least, most: u64::MAX } => format!("A whole number from {least}."),
            Self::Number { least, most } => format!("A whole number from {least} to {most}."),
            Self::Choice(words) => format!("One of {}.", words.join(", ")),
            Self::List => "Separated by commas.".to_owned(),
            Self::Urls => "Each with its https://.".to_owned(),
            Self::Email => "An e-mail address.".to_owned(),
            Self::Domain => "The name of a domain.".to_owned(),
        }
    }

    /// Whether answers are several values.
    pub const fn is_list(self) -> bool {
        matches!(self, Self::List | Self::Urls)
    }

    /// Says what is wrong with an answer.
    ///
    /// # Errors
    /// A sentence that begins small.
    pub fn check(self, answer: &str) -> Result<(), String> {
        let parts = || answer.split(',').map(str::trim);
        let wrong = match self {
            Self::Text => None,
            Self::Number { least, most } => match answer.trim().parse::<u64>() {
                Err(_) => Some(format!("`{answer}` is no whole number")),
                Ok(number) if number < least || number > most => {
                    let hint = self.hint().to_lowercase();
                    Some(format!("{number} is not {}", hint.trim_end_matches('.')))
                }
                Ok(_) => None,
            },
            Self::Choice(words) => {
                let known = words.iter().any(|word| word.eq_ignore_ascii_case(answer.trim()));
                (!known).then(|| format!("`{answer}` is not one of {}", words.join(", ")))
            }
            Self::List => parts()
                .any(str::is_empty)
                .then(|| format!("`{answer}` has an empty place between its commas")),
            Self::Urls => parts()
                .find(|url| !is_url(url))
                .map(|url| format!("`{url}` is no web address such as https://app.example.com")),
            Self::Email => (!is_email(answer.trim()))
                .then(|| format!("`{answer}` is no e-mail address such as on-call@example.com")),
            Self::Domain => (!is_domain(answer.trim()))
                .then(|| format!("`{answer}` is no domain such as api.example.com")),
        };
        wrong.map_or(Ok(()), Err)
    }
}

impl Serialize for AnswerType {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

fn is_url(url: &str) -> bool {
    url.strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"))
        .is_some_and(|host| !host.is_empty() && !host.contains(char::is_whitespace))
}

fn is_email(address: &str) -> bool {
    let plain =
        |name: &str| !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || "@<>,;\"".contains(c));
    address.rsplit_once('@').is_some_and(|(name, domain)| plain(name) && is_domain(domain))
}

fn is_domain(domain: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    domain.len() <= 253 && domain.contains('.') && domain.trim_end_matches('.').split('.').all(label)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_checked_by_their_kind() {
        let number = AnswerType::Number { least: 1, most: 900 };
        let choice = AnswerType::Choice(&["low", "high"]);
        for (kind, good, bad) in [
            (AnswerType::Text, "any thing", None),
            (number, "900", Some("901")),
            (number, "1", Some("0")),
            (AnswerType::NUMBER, "4711", Some("4.5")),
            (choice, "High", Some("higher")),
            (AnswerType::List, "a, b", Some("a,,b")),
            (AnswerType::Urls, "https://a.example, http://b", Some("https://a.example, b")),
            (AnswerType::Email, "on-call+eu@example.com", Some("on call@example.com")),
            (AnswerType::Email, "a@b.co", Some("a@b")),
            (AnswerType::Email, "a@b.co", Some("a.example.com")),
            (AnswerType::Domain, "api.example.com", Some("https://example.com")),
            (AnswerType::Domain, "xn--bcher-kva.example", Some("example")),
            (AnswerType::Domain, "a.b", Some("-a.b")),
        ] {
            assert_eq!(kind.check(good), Ok(()), "{kind:?}");
            if let Some(bad) = bad {
                assert!(kind.check(bad).is_err(), "{kind:?} {bad}");
            }
        }
        assert_eq!(number.check("0").unwrap_err(), "0 is not a whole number from 1 to 900");
    }

    /// The example of every question is an answer to it.
    #[test]
    fn questions_declare_what_their_examples_are() {
        for rule in crate::fixes::ALL {
            for question in rule.meta.asks {
                assert_eq!(
                    question.kind.check(question.example),
                    Ok(()),
                    "{} {}",
                    rule.meta.id,
                    question.key
                );
            }
        }
    }
}
