//! Code actions: what can be done about the findings of a place, and what each of them changes.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};

use super::place;
use super::workspace::Workspace;
use crate::detect::{Finding, Outcome, Refusal, TextRange};
use crate::edit::FileChange;
use crate::plan::Decisions;
use crate::rule::{Impact, Tier};

/// The kind of the action that an editor may run on saving.
const FIX_ALL: &str = "source.fixAll.wa-fix";

/// Reasons to accept a finding, for editors that cannot ask for one.
const REASONS: [&str; 3] = ["intended here", "the risk is accepted", "handled outside this app"];

/// The form of a finding in an editor.
pub(super) fn diagnostic(finding: &Finding) -> Value {
    let severity = if finding.impact == Impact::Info { 3 } else { 2 };
    let mut message = finding.message.clone();
    if let Some(next) = finding.outcome.next_step().filter(|_| matches!(finding.outcome, Outcome::NoFix(_))) {
        message.push_str(&format!("\nNo fix: {next}."));
    }
    json!({
        "range": place::range(&finding.range),
        "severity": severity,
        "code": finding.rule.id,
        "source": "wa-fix",
        "message": message,
        "data": { "fingerprint": finding.fingerprint },
    })
}

/// The actions for a range of a file. `kinds` are those that the editor wants, or none; `asks` is whether the editor
/// can ask a person for a text.
pub(super) fn actions(
    workspace: &Workspace,
    file: &Path,
    range: &TextRange,
    kinds: &[&str],
    asks: bool,
) -> Vec<Value> {
    let wanted =
        |kind: &str| kinds.iter().any(|wanted| kind == *wanted || kind.starts_with(&format!("{wanted}.")));
    let mut actions = Vec::new();
    if kinds.is_empty() || wanted("quickfix") {
        let here = workspace.findings().filter(|(_, place, finding)| {
            *place == file
                && finding.range.start.line <= range.end.line
                && range.start.line <= finding.range.end.line
        });
        let mut rules = BTreeSet::new();
        for (app, _, finding) in here {
            actions.extend(of_finding(app, finding));
            if rules.insert(finding.rule.id) {
                actions.extend(of_rule(workspace, app, file, finding));
            }
            actions.extend(to_accept(app, finding, asks));
        }
    }
    if wanted(FIX_ALL)
        && let Some(app) = workspace.app_of(file)
    {
        let data = json!({ "do": "all", "app": app, "file": file });
        actions.push(json!({ "title": "Fix what is safe in this file", "kind": FIX_ALL, "data": data }));
    }
    actions
}

/// The fix of a finding, each way of it, or the question that it waits for.
fn of_finding(app: usize, finding: &Finding) -> Vec<Value> {
    let diagnostics = [diagnostic(finding)];
    if let Outcome::NeedsValue(Refusal::NeedsValue { key, ask, example }) = &finding.outcome {
        let title = format!("{}: give a value for {key}", finding.rule.id);
        let arguments = [json!({ "key": key, "ask": ask, "example": example })];
        let command = json!({ "title": title, "command": "wa-fix.askValue", "arguments": arguments });
        return vec![
            json!({ "title": title, "kind": "quickfix", "diagnostics": diagnostics, "command": command }),
        ];
    }
    let Some(fix) = &finding.fix else { return Vec::new() };
    let titles = std::iter::once(&fix.title).chain(&finding.alternatives);
    titles
        .enumerate()
        .map(|(way, title)| {
            json!({
                "title": format!("{title} ({})", finding.rule.id),
                "kind": "quickfix",
                "isPreferred": way == 0 && finding.tier == Tier::Safe,
                "diagnostics": diagnostics,
                "data": { "do": "fix", "app": app, "fingerprint": finding.fingerprint, "way": way },
            })
        })
        .collect()
}

/// The fixes of a rule in the file and in the app, where there is more than one.
fn of_rule(workspace: &Workspace, app: usize, file: &Path, finding: &Finding) -> Vec<Value> {
    let rule = finding.rule.id;
    let fixable: Vec<&Path> = workspace
        .findings()
        .filter(|(of, _, other)| *of == app && other.rule.id == rule && other.fix.is_some())
        .map(|(_, place, _)| place)
        .collect();
    let in_file = fixable.iter().filter(|place| **place == file).count();
    let mut actions = Vec::new();
    let mut offer = |title: String, within: Option<&Path>| {
        let data = json!({ "do": "rule", "app": app, "rule": rule, "tier": finding.tier, "within": within });
        actions.push(json!({ "title": title, "kind": "quickfix", "data": data }));
    };
    if in_file > 1 {
        offer(format!("Fix all of {rule} {} in this file", finding.rule.name), Some(file));
    }
    if fixable.len() > 1 {
        offer(format!("Fix all of {rule} {} in the project", finding.rule.name), None);
    }
    actions
}

/// The comment that accepts a finding; a reason is mandatory, so it is asked for or chosen.
fn to_accept(app: usize, finding: &Finding, asks: bool) -> Vec<Value> {
    let accept = format!("Accept {} here", finding.rule.id);
    if asks {
        let title = format!("{accept} with a reason…");
        let arguments = [json!({ "app": app, "fingerprint": finding.fingerprint })];
        let command = json!({ "title": title, "command": "wa-fix.askReason", "arguments": arguments });
        return vec![json!({ "title": title, "kind": "quickfix", "command": command })];
    }
    REASONS
        .iter()
        .map(|reason| {
            let data = json!({
                "do": "accept", "app": app, "fingerprint": finding.fingerprint, "reason": reason,
            });
            json!({ "title": format!("{accept}: {reason}"), "kind": "quickfix", "data": data })
        })
        .collect()
}

/// What an action changes, by its `data`.
///
/// # Errors
/// Why it changes nothing.
pub(super) fn changes(workspace: &Workspace, data: &Value) -> Result<Vec<FileChange>, String> {
    let text = |key: &str| data.get(key).and_then(Value::as_str).unwrap_or_default();
    let number = |key: &str| {
        data.get(key)
            .and_then(Value::as_u64)
            .and_then(|number| usize::try_from(number).ok())
            .unwrap_or_default()
    };
    let app = number("app");
    let fingerprint = text("fingerprint").to_owned();
    match text("do") {
        "fix" => {
            let mut decisions = Decisions::default();
            if number("way") > 0 {
                decisions.alternatives.insert(fingerprint.clone(), number("way"));
            }
            decisions.accepted.insert(fingerprint);
            workspace.decide(app, decisions)
        }
        "accept" if text("reason").trim().is_empty() => Err("a reason is mandatory; give one".to_owned()),
        "accept" => {
            let suppressed = [(fingerprint, text("reason").to_owned())].into();
            workspace.decide(app, Decisions { suppressed, ..Decisions::default() })
        }
        "rule" => {
            let tier = text("tier").parse().unwrap_or(Tier::Safe);
            let within = data.get("within").and_then(Value::as_str).map(Path::new);
            workspace.fix_rule(app, text("rule"), tier, within)
        }
        "all" => workspace.fix_file(app, Path::new(text("file"))),
        _ => Err("this is no action of this server; ask for the actions again".to_owned()),
    }
}

/// What is said of a place when the pointer rests on it.
pub(super) fn hover(workspace: &Workspace, file: &Path, at: &TextRange) -> Option<Value> {
    let place = |range: &TextRange| {
        let key = |position: crate::detect::Position| (position.line, position.column);
        key(range.start) <= key(at.start) && key(at.start) <= key(range.end)
    };
    let here: Vec<&Finding> = workspace
        .findings()
        .filter(|(_, of, finding)| *of == file && place(&finding.range))
        .map(|(_, _, finding)| finding)
        .collect();
    let first = here.first()?;
    let texts: Vec<String> = here
        .iter()
        .map(|finding| format!("{}\n\n{}", finding.message, finding.rule.documentation()))
        .collect();
    Some(json!({
        "contents": { "kind": "markdown", "value": texts.join("\n\n---\n\n") },
        "range": place::range(&first.range),
    }))
}
