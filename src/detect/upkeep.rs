//! Suppressions that need care: one that accepts nothing, and one without a reason. They are findings like others.

use super::suppress::{Suppression, suppressions};
use super::{Candidate, Findings};
use crate::model::Model;
use crate::rule::{Impact, Meta, Pillar, Rule, Tier};
use crate::source::position::LineIndex;
use crate::syntax::{Parsed, Syn};

/// Both rules. What they find depends on what all others find, so [`look`] reports it, after them.
pub const RULES: &[Rule] =
    &[Rule { meta: &UNUSED, check: |_, _| None }, Rule { meta: &WITHOUT_REASON, check: |_, _| None }];

/// Finds the files that hold a suppression.
const QUERY: &str = "((comment) @comment (#word? @comment \"wa-fix-ignore\"))
((comment) @comment (#word? @comment \"wa-fix-ignore\") (#language? \"yaml\"))";

/// A suppression that accepts nothing.
pub const UNUSED: Meta = Meta {
    id: "0.1",
    also: &[],
    name: "suppression-unused",
    title: "Suppression accepts nothing",
    pillar: Pillar::OperationalExcellence,
    impact: Impact::Low,
    tier: Tier::Safe,
    practice: "OPS05-BP07",
    clears: &[],
    raises: &[],
    asks: &[],
    order: 9000,
    source: "//! # 0.1 Suppression accepts nothing\n//!\n\
        //! A `wa-fix-ignore` comment names a rule that finds nothing on its line or the line below (in the file, for\n\
        //! `wa-fix-ignore-file`). It would hide the next finding of that rule. The fix removes the comment, or the rule\n\
        //! from a comment that names others, too. Rules that the run leaves out are not judged.\n",
    query: QUERY,
};

/// A suppression without a reason.
pub const WITHOUT_REASON: Meta = Meta {
    id: "0.2",
    name: "suppression-without-reason",
    title: "Suppression has no reason, and no effect",
    source: "//! # 0.2 Suppression has no reason, and no effect\n//!\n\
        //! `// wa-fix-ignore 2.6 -- reason`: the reason is mandatory. Without one the comment accepts nothing. There is no\n\
        //! fix, for only a person knows the reason: write it behind `--`, or remove the comment.\n",
    order: 9010,
    ..UNUSED
};

/// Whether a rule is one of these. They cannot be suppressed themselves.
pub fn is_upkeep(rule: &Meta) -> bool {
    rule.id == UNUSED.id || rule.id == WITHOUT_REASON.id
}

/// Reports the suppressions of a file that need care. `runs` tells of a selector whether all its rules run.
pub fn look<'a>(
    model: &Model<'a>,
    file: &'a Parsed,
    candidates: &[Candidate<'a>],
    runs: &dyn Fn(&str) -> bool,
    out: &mut Findings<'a>,
) {
    let all = suppressions(file);
    if all.is_empty() {
        return;
    }
    let index = LineIndex::new(&file.text);
    let here: Vec<(&Meta, usize)> = candidates
        .iter()
        .filter(|candidate| std::ptr::eq(candidate.node.file, file) && !is_upkeep(candidate.rule))
        .map(|candidate| (candidate.rule, index.position(candidate.node.start()).line))
        .collect();
    for suppression in all {
        let Some(comment) = Syn::root(file).at(suppression.span.clone()) else { continue };
        if suppression.reason.is_empty() {
            without_reason(model, comment, &suppression, out);
            continue;
        }
        let accepts = |name: &String| {
            let alone = Suppression { rules: vec![name.clone()], ..suppression.clone() };
            here.iter().any(|(rule, line)| alone.covers(rule, *line))
        };
        let idle: Vec<String> =
            suppression.rules.iter().filter(|name| runs(name) && !accepts(name)).cloned().collect();
        if !idle.is_empty() {
            unused(model, comment, &suppression, &idle, out);
        }
    }
}

fn without_reason<'a>(
    model: &Model<'a>,
    comment: Syn<'a>,
    suppression: &Suppression,
    out: &mut Findings<'a>,
) {
    let rules = suppression.rules.join(", ");
    let message = format!("The suppression of {rules} gives no reason, so it accepts nothing.");
    let candidate = out.report(&WITHOUT_REASON, model, comment, message);
    candidate.key(&rules).follows();
    candidate.refuse("only a person knows the reason", "write it behind --, or remove the comment");
}

fn unused<'a>(
    model: &Model<'a>,
    comment: Syn<'a>,
    suppression: &Suppression,
    idle: &[String],
    out: &mut Findings<'a>,
) {
    let names = idle.join(", ");
    let place = if suppression.line == 0 { "in this file" } else { "here" };
    let message = format!(
        "The suppression of {names} accepts nothing {place}, and would hide the next finding. The fix takes it away."
    );
    let left: Vec<&str> =
        suppression.rules.iter().filter(|name| !idle.contains(name)).map(String::as_str).collect();
    let list = left.join(", ");
    let candidate = out.report(&UNUSED, model, comment, message);
    candidate.key(&names).follows();
    let whole = comment.text().trim_start_matches(['/', '*', '#', ' ', '{']).starts_with("wa-fix-ignore");
    if !whole || comment.text().contains('\n') {
        candidate.refuse("the comment says other things, too", "take the suppression out of it by hand");
        return;
    }
    let old = suppression.rules.clone();
    candidate.fix(format!("Remove the suppression of {names}"), move |b| {
        if list.is_empty() {
            b.remove_comment(comment);
            return Ok(());
        }
        // The names stand between the word and the reason, as they were typed.
        let text = comment.text();
        let (head, reason) = text.split_once("--").unwrap_or((text, ""));
        let at = old.first().and_then(|first| head.find(first.as_str())).unwrap_or(head.len());
        let head = head.get(..at).unwrap_or(head);
        b.replace(comment, &format!("{head}{list} --{reason}"));
        Ok(())
    });
}
