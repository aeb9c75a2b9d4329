//! Code actions: what can be done about the findings of a place, and what each of them changes.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};

use super::client::Client;
use super::place;
use super::workspace::{Shown, Workspace};
use crate::detect::{Finding, Outcome, Refusal, TextRange};
use crate::edit::FileChange;
use crate::plan::Decisions;
use crate::rule::{Impact, Tier};

/// The kind of the action that an editor may run on saving.
pub(super) const FIX_ALL: &str = "source.fixAll.wa-fix";
/// The command that makes an action's changes.
pub(super) const APPLY: &str = "wa-fix.apply";
/// The command that keeps an answer in the configuration.
pub(super) const ADD_VALUE: &str = "wa-fix.addValue";
/// The editor's command that asks a person for an answer, then runs [`ADD_VALUE`].
const ASK_VALUE: &str = "wa-fix.askValue";
/// The editor's command that asks a person for a reason, then runs [`APPLY`].
const ASK_REASON: &str = "wa-fix.askReason";

/// Reasons to accept a finding, for editors that cannot ask for one.
const REASONS: [&str; 3] = ["intended here", "the risk is accepted", "handled outside this app"];

/// The form of a finding in an editor.
pub(super) fn diagnostic(shown: &Shown) -> Value {
    let finding = &shown.finding;
    let mut message = finding.message.clone();
    match &finding.outcome {
        Outcome::NoFix(refusal) => message.push_str(&format!("\nNo fix: {refusal}.")),
        Outcome::NeedsValue(Refusal::NeedsValue { key, ask, .. }) => {
            message.push_str(&format!("\nThe fix needs {key}: {ask}"));
        }
        _ => {}
    }
    json!({
        "range": place::range(&shown.range),
        "severity": if finding.impact == Impact::Info { 3 } else { 2 },
        "code": finding.rule.id,
        "source": "wa-fix",
        "message": message,
        "data": { "fingerprint": finding.fingerprint },
    })
}

/// The actions for a range of a file, of the kinds that the editor wants; of no kind means of any.
pub(super) fn actions(
    workspace: &Workspace,
    client: &Client,
    file: &Path,
    range: &TextRange,
    kinds: &[&str],
) -> Vec<Value> {
    let wanted =
        |kind: &str| kinds.iter().any(|wanted| kind == *wanted || kind.starts_with(&format!("{wanted}.")));
    let mut actions = Vec::new();
    if kinds.is_empty() || wanted("quickfix") {
        let here: Vec<&Shown> =
            workspace.findings().filter(|shown| shown.file == file && meets(&shown.range, range)).collect();
        actions.extend(here.iter().flat_map(|shown| of_finding(workspace, client, shown)));
        let mut rules = BTreeSet::new();
        for shown in here.iter().filter(|shown| rules.insert(shown.finding.rule.id)) {
            actions.extend(of_rule(workspace, shown));
        }
        actions.extend(here.iter().flat_map(|shown| to_accept(workspace, client, shown)));
    }
    // Fixing everything is for those who ask for it, such as on saving.
    if wanted(FIX_ALL)
        && let Some(app) = workspace.app_of(file)
    {
        let data = json!({ "do": "all", "app": app, "state": workspace.state(), "file": file });
        actions.push(json!({ "title": "Fix what is safe in this file", "kind": FIX_ALL, "data": data }));
    }
    actions
}

/// Whether two ranges have a line in common: who stands on a line means what is found in it.
fn meets(a: &TextRange, b: &TextRange) -> bool {
    a.start.line <= b.end.line && b.start.line <= a.end.line
}

/// The fix of a finding, each way of it, or the question that it waits for.
fn of_finding(workspace: &Workspace, client: &Client, shown: &Shown) -> Vec<Value> {
    let finding = &shown.finding;
    if let Outcome::NeedsValue(Refusal::NeedsValue { key, ask, example, .. }) = &finding.outcome {
        return to_answer(workspace, client, shown, [key, ask, example]);
    }
    let Some(fix) = &finding.fix else { return Vec::new() };
    let titles = std::iter::once(&fix.title).chain(finding.alternatives.iter().map(|way| &way.fix.title));
    titles
        .enumerate()
        .map(|(way, title)| {
            json!({
                "title": format!("{title} ({})", finding.rule.id),
                "kind": "quickfix",
                "isPreferred": way == 0 && finding.tier == Tier::Safe,
                "diagnostics": [diagnostic(shown)],
                "data": {
                    "do": "fix", "app": shown.app, "state": workspace.state(),
                    "fingerprint": finding.fingerprint, "way": way,
                },
            })
        })
        .collect()
}

/// How to give the value that a fix waits for: the one that the app suggests, and one that is typed.
fn to_answer(
    workspace: &Workspace,
    client: &Client,
    shown: &Shown,
    [key, ask, example]: [&String; 3],
) -> Vec<Value> {
    let action = |title: String, command: &str, argument: Value| {
        let command = json!({ "title": title, "command": command, "arguments": [argument] });
        json!({
            "title": title, "kind": "quickfix", "diagnostics": [diagnostic(shown)], "command": command,
        })
    };
    let rule = shown.finding.rule.id;
    let proposed = workspace.proposed(shown.app, key);
    let mut actions = Vec::new();
    if let Some(proposed) = &proposed {
        let title = format!("Use {key} = {}, proposed by {} ({rule})", proposed.answer, proposed.from);
        actions.push(action(title, ADD_VALUE, json!({ "key": key, "value": proposed.answer })));
    }
    let answer = proposed.map(|proposed| proposed.answer);
    let argument = json!({ "key": key, "ask": ask, "example": example, "proposed": answer });
    // A server cannot ask for a text by itself: without help from the editor, it says where to write it.
    let (title, command) = if client.asks {
        (format!("Give a value for {key}… ({rule})"), ASK_VALUE)
    } else {
        (format!("How to give a value for {key} ({rule})"), ADD_VALUE)
    };
    actions.push(action(title, command, argument));
    actions
}

/// The fixes of a rule in the file and in the app, where there is more than one.
fn of_rule(workspace: &Workspace, shown: &Shown) -> Vec<Value> {
    let Finding { rule, tier, .. } = shown.finding;
    let files: Vec<&Path> = workspace
        .findings()
        .filter(|other| other.app == shown.app && other.finding.rule.id == rule.id)
        .filter(|other| other.finding.fix.is_some() && other.finding.tier <= tier)
        .map(|other| other.file.as_path())
        .collect();
    let mut actions = Vec::new();
    let mut offer = |place: &str, within: Option<&Path>| {
        let data = json!({
            "do": "rule", "app": shown.app, "state": workspace.state(), "rule": rule.id, "tier": tier,
            "within": within,
        });
        let title = format!("Fix all of {} {} in {place}", rule.id, rule.name);
        actions.push(json!({ "title": title, "kind": "quickfix", "data": data }));
    };
    if files.iter().filter(|file| **file == shown.file).count() > 1 {
        offer("this file", Some(&shown.file));
    }
    if files.len() > 1 {
        offer("the project", None);
    }
    actions
}

/// The comment that accepts a finding; a reason is mandatory, so it is asked for or chosen.
fn to_accept(workspace: &Workspace, client: &Client, shown: &Shown) -> Vec<Value> {
    let title = format!("Accept {} here", shown.finding.rule.id);
    let data = json!({
        "do": "accept", "app": shown.app, "state": workspace.state(), "fingerprint": shown.finding.fingerprint,
    });
    if client.asks {
        let title = format!("{title} with a reason…");
        let command = json!({ "title": title, "command": ASK_REASON, "arguments": [data] });
        return vec![json!({ "title": title, "kind": "quickfix", "command": command })];
    }
    REASONS
        .iter()
        .map(|reason| {
            let mut data = data.clone();
            if let Some(fields) = data.as_object_mut() {
                fields.insert("reason".to_owned(), Value::from(*reason));
            }
            json!({ "title": format!("{title}: {reason}"), "kind": "quickfix", "data": data })
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
        let number = data.get(key).and_then(Value::as_u64).unwrap_or_default();
        usize::try_from(number).unwrap_or_default()
    };
    let app = number("app");
    let fingerprint = text("fingerprint").to_owned();
    match text("do") {
        "fix" => {
            let alternatives = [(fingerprint.clone(), number("way"))].into();
            let accepted = [fingerprint].into();
            workspace.decide(app, Decisions { accepted, alternatives, ..Decisions::default() })
        }
        "accept" if text("reason").trim().is_empty() => Err("a reason is mandatory; give one".to_owned()),
        "accept" => {
            let suppressed = [(fingerprint, text("reason").to_owned())].into();
            workspace.decide(app, Decisions { suppressed, ..Decisions::default() })
        }
        "rule" => {
            let within = data.get("within").and_then(Value::as_str).map(Path::new);
            workspace.fix_rule(app, text("rule"), text("tier").parse()?, within)
        }
        "all" => workspace.fix_file(app, Path::new(text("file"))),
        _ => Err("this is no action of this server; ask for the actions again".to_owned()),
    }
}

/// What is said of a place when the pointer rests on it.
pub(super) fn hover(workspace: &Workspace, client: &Client, file: &Path, at: &TextRange) -> Option<Value> {
    let here: Vec<&Shown> = workspace
        .findings()
        .filter(|shown| shown.file == file && shown.range.start <= at.start && at.start <= shown.range.end)
        .collect();
    let first = here.first()?;
    let texts: Vec<String> = here
        .iter()
        .map(|shown| format!("{}\n\n{}", shown.finding.message, shown.finding.rule.documentation()))
        .collect();
    let kind = if client.markdown { "markdown" } else { "plaintext" };
    Some(json!({
        "contents": { "kind": kind, "value": texts.join("\n\n---\n\n") },
        "range": place::range(&first.range),
    }))
}
