//! The body of a pull request, in Markdown: what was found and changed, why, what to know before deploying, and what is left.

use crate::detect::{Finding, Outcome};
use crate::edit::Commit;
use crate::plan::Plan;
use crate::prove::{Proof, Verdict};
use crate::rule::{HAZARDS, Impact, Meta, Pillar, section};

/// The body for a plan, as these commits have it.
pub fn body(plan: &Plan, commits: &[Commit], proof: Option<&Proof>, min_impact: Impact) -> String {
    let listed: Vec<&Finding> = plan.findings.iter().filter(|finding| finding.impact >= min_impact).collect();
    let mut text = String::from("## What was found\n\n");
    text.push_str("| Pillar | Item | Practice | Impact | Place | Outcome |\n|---|---|---|---|---|---|\n");
    let mut by_pillar = listed.clone();
    by_pillar.sort_by_key(|finding| (finding.rule.pillar.name(), std::cmp::Reverse(finding.impact)));
    for finding in by_pillar {
        let pillar: Pillar = finding.rule.pillar;
        text.push_str(&format!(
            "| {pillar} | {} {} | {} | {} | `{}:{}` | {} |\n",
            finding.rule.id,
            cell(finding.rule.title),
            finding.rule.practice,
            finding.impact,
            cell(&finding.path),
            finding.range.start.line,
            finding.outcome.word()
        ));
    }
    text.push_str("\n## Commits\n");
    for commit in commits {
        text.push_str(&format!("\n### {}\n\n{}\n", cell(&commit.title), quoted(&commit.body)));
    }
    text.push_str(&hazards(plan));
    text.push_str(&left(&listed));
    if let Some(proof) = proof {
        text.push_str(&proved(proof));
    }
    text
}

/// What each rule costs and risks at deploy, once.
fn hazards(plan: &Plan) -> String {
    let mut rules: Vec<&'static Meta> = plan.steps.iter().map(|step| step.rule).collect();
    rules.sort_by_key(|rule| rule.id);
    rules.dedup_by_key(|rule| rule.id);
    let mut text = String::new();
    for rule in rules {
        if let Some(hazard) = section(&rule.documentation(), HAZARDS) {
            text.push_str(&format!("\n**{} {}.** {}\n", rule.id, rule.title, hazard.trim()));
        }
    }
    if text.is_empty() { text } else { format!("\n## Before deploying\n{text}") }
}

/// What was held back, needs a value or was backed out, and how to release it.
fn left(listed: &[&Finding]) -> String {
    let mut text = String::new();
    for finding in listed {
        if matches!(finding.outcome, Outcome::Fixed | Outcome::Suppressed(_)) {
            continue;
        }
        let detail =
            finding.outcome.detail().map_or_else(String::new, |detail| format!(" ({})", cell(&detail)));
        let next = finding.outcome.next_step().map_or_else(String::new, |next| format!("; {}", cell(&next)));
        text.push_str(&format!(
            "* {} {} at `{}:{}`: {}{detail}{next}\n",
            finding.rule.id,
            finding.rule.name,
            finding.path,
            finding.range.start.line,
            finding.outcome.word()
        ));
    }
    if text.is_empty() { text } else { format!("\n## Left as it is\n\n{text}") }
}

fn proved(proof: &Proof) -> String {
    let checks = proof.checks.iter().map(|check| format!("`{check}`")).collect::<Vec<_>>().join(", ");
    let word = match proof.verdict {
        Verdict::Passed => "passes with these changes",
        Verdict::FailedBefore => "fails before any change",
        Verdict::NothingToProve => "was not run: nothing changes",
    };
    let mut text = format!("\n## Proof\n\n{checks} {word} ({} runs in a scratch copy).\n", proof.runs);
    for out in &proof.backed_out {
        text.push_str(&format!(
            "* Backed out: {} {}, {}: {}\n",
            out.rule,
            out.name,
            cell(&out.title),
            cell(&out.error)
        ));
    }
    let resources: usize = proof.deltas.iter().map(|delta| delta.resources.len()).sum();
    if resources > 0 {
        text.push_str("\n## CloudFormation\n\n| Fix | Stack | Resource | Type | Change | Properties |\n|---|---|---|---|---|---|\n");
    }
    for delta in &proof.deltas {
        for change in &delta.resources {
            text.push_str(&format!(
                "| {} | {} | {} | {} | {} | {} |\n",
                delta.rule,
                change.stack,
                change.logical_id,
                change.kind,
                change.change,
                change.properties.join(", ")
            ));
        }
    }
    let warnings: Vec<String> = proof
        .deltas
        .iter()
        .flat_map(|delta| {
            delta.warnings.iter().map(|warning| format!("* {}: {}\n", delta.rule, cell(warning)))
        })
        .collect();
    if !warnings.is_empty() {
        text.push_str(&format!("\nTo look at before deploying:\n\n{}", warnings.concat()));
    }
    text
}

/// Text that is no markup and stays in its cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;").replace(['\n', '\r'], " ")
}

/// The body of a commit up to what stands under its own heading already.
fn quoted(body: &str) -> String {
    let end = body.find("\nCheck before deploying:").unwrap_or(body.len());
    let shown = body.get(..end).unwrap_or(body);
    let lines = shown.lines().filter(|line| !line.starts_with(crate::write::TRAILER));
    lines.collect::<Vec<_>>().join("\n").trim().to_owned()
}
