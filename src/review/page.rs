//! What is shown of a finding: a header that stays in view, a text that scrolls, a prompt.

use super::action::Binding;
use super::item::{Decision, Item, Standing};
use super::line::Line;
use super::session::Preview;
use super::state::Review;
use super::{diffs, item};
use crate::report::look::{Role, count, printable, wrap};
use crate::rule::{HAZARDS, section};

/// A page, whatever draws it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// Stays in view.
    pub header: Vec<Line>,
    /// Scrolls.
    pub body: Vec<Line>,
    /// Stays in view, the prompt last.
    pub footer: Vec<Line>,
}

/// The page of the current finding.
pub fn page(review: &Review, preview: &Preview, width: usize) -> Page {
    let Some((at, item)) = review.current() else { return Page::default() };
    let view = &review.view;
    let mut body = Vec::new();
    if view.helps {
        body = help(review.bindings());
    } else if view.explains {
        body.extend(prose(None, &item.finding.rule.documentation(), width));
    } else {
        body.extend(prose(None, &item.finding.message, width));
        body.extend(hazards(item, width));
        body.push(Line::empty());
        body.extend(change(item, preview, review, width));
    }
    let mut footer = Vec::new();
    if let Some(message) = &review.message {
        footer.extend(prose(Some(Role::Attention), message, width));
    }
    footer.extend(
        wrap(&prompt(review, item, preview), width).into_iter().map(|line| Line::of(Role::Help, line)),
    );
    Page { header: header(review, at, item, preview, width), body, footer }
}

fn header(review: &Review, at: usize, item: &Item, preview: &Preview, width: usize) -> Vec<Line> {
    let finding = &item.finding;
    let rule = finding.rule;
    let place = format!(
        "[{}/{}] {} {} · {} · impact {} · tier {} · {}:{}",
        at + 1,
        review.items().len(),
        rule.id,
        rule.name,
        rule.pillar,
        finding.impact,
        finding.tier,
        finding.path,
        finding.range.start.line
    );
    let mut lines: Vec<Line> =
        wrap(&printable(&place), width).into_iter().map(|line| Line::of(Role::Heading, line)).collect();
    if !preview.title.is_empty() {
        let way = match item.ways() {
            1 => String::new(),
            ways => format!(" (way {} of {ways})", item.way + 1),
        };
        let own = if item.replacement.is_some() { ", as you edited it" } else { "" };
        lines.extend(prose(None, &format!("Fix: {}{way}{own}", preview.title), width));
    }
    if let Some(note) = &item.note {
        lines.extend(prose(Some(Role::Attention), note, width));
    }
    let rule = if width > 0 { "─".repeat(width) } else { String::new() };
    lines.push(Line::of(Role::Dim, rule));
    lines
}

/// What to know before deploying: the first sentences; the rest is in the documentation.
fn hazards(item: &Item, width: usize) -> Vec<Line> {
    let documentation = item.finding.rule.documentation();
    let Some(section) = section(&documentation, HAZARDS) else {
        return Vec::new();
    };
    let words = section.split_whitespace().collect::<Vec<_>>().join(" ");
    let first = sentences(&words, 2);
    let more = if first.len() < words.len() { " (i: more)" } else { "" };
    let mut lines = vec![Line::empty()];
    lines.extend(prose(None, &format!("Before deploying: {first}{more}"), width));
    lines
}

/// The first sentences of a text.
fn sentences(text: &str, count: usize) -> &str {
    let end = text.match_indices(". ").nth(count - 1).map_or(text.len(), |(at, _)| at + 1);
    text.get(..end).unwrap_or(text)
}

/// The diff, or what stands in its place.
fn change(item: &Item, preview: &Preview, review: &Review, width: usize) -> Vec<Line> {
    match (&item.standing, &preview.refused) {
        (Standing::Needs(asked), _) => needs(asked, width),
        (Standing::Cleared | Standing::Gone, _) => Vec::new(),
        (_, Some(why)) => prose(Some(Role::Bad), &format!("Not written as things are: {why}."), width),
        _ => {
            let columns = review.view.is_side_by_side();
            preview
                .changes
                .iter()
                .flat_map(|change| diffs::lines(change, review.view.context(), columns, width))
                .collect()
        }
    }
}

fn needs(asked: &item::Asked, width: usize) -> Vec<Line> {
    let mut lines = prose(Some(Role::Attention), "The fix needs something that only you know.", width);
    lines.extend(prose(None, &format!("{} For example: {}", asked.ask, asked.example), width));
    lines
}

fn help(bindings: impl Iterator<Item = &'static Binding>) -> Vec<Line> {
    bindings
        .map(|binding| Line::of(Role::Help, format!("  {:10}", binding.name)).and(None, binding.help))
        .collect()
}

/// The question, what was said before, and the keys that work now.
fn prompt(review: &Review, item: &Item, preview: &Preview) -> String {
    let question = match (&item.standing, &preview.refused) {
        (Standing::Needs(_), _) => "Answer its question",
        (Standing::Cleared | Standing::Gone, _) => "Go on",
        (_, Some(_)) => "Leave it",
        _ => "Write this fix",
    };
    let before = match &item.decision {
        Some(Decision::Suppressed(reason)) => format!(" (suppressed: {reason})"),
        Some(decision) => format!(" ({} before)", decision.word()),
        None => String::new(),
    };
    let keys: Vec<&str> = review
        .bindings()
        .filter(|binding| !binding.action.scrolls())
        .map(|binding| binding.name.split(',').next().unwrap_or_default())
        .collect();
    let more = if review.view.top < review.view.rest {
        let rest = review.view.rest - review.view.top;
        format!("({} more: Space) ", count(rest, "line"))
    } else {
        String::new()
    };
    format!("{more}{question}{before} [{}]?", keys.join(","))
}

/// Wrapped text.
pub(crate) fn prose(role: Option<Role>, text: &str, width: usize) -> Vec<Line> {
    wrap(&printable(text), width)
        .into_iter()
        .map(|line| match role {
            Some(role) => Line::of(role, line),
            None => Line::plain(line),
        })
        .collect()
}
