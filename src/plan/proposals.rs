//! Answers that the app itself suggests. A person is asked all the same: what is proposed is never written unasked.

use std::collections::BTreeMap;

use crate::model::App;

/// An answer, and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposed {
    /// As it would be typed.
    pub answer: String,
    /// The place that suggests it, as printed.
    pub from: String,
}

/// What the app suggests as the answer to a question.
pub fn propose(app: &App, key: &str) -> Option<Proposed> {
    context_value(app, key).or_else(|| match key {
        "allowed_origins" => origin(app),
        "audit_trail_stack" => stack(app),
        "log_retention" => most_frequent(app, "RetentionDays.", |name| {
            name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_') && name != "INFINITE"
        }),
        "lambda_memory_mb" => most_frequent(app, "memorySize: ", |name| name.parse::<u32>().is_ok()),
        "environment.context_key" => context_key(app, &["environment", "env", "stage"]),
        "vpc_context_key" => context_key(app, &["vpc"]),
        _ => None,
    })
}

/// A value of `cdk.json` that is called like the question: `costCenter` for `cost_center`.
fn context_value(app: &App, key: &str) -> Option<Proposed> {
    let context = app.cdk_json.as_ref()?.get("context")?.as_object()?;
    let (_, value) = context.iter().find(|(name, _)| plain(name) == plain(key))?;
    let text = |value: &serde_json::Value| match value {
        serde_json::Value::String(text) => Some(text.clone()),
        serde_json::Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let answer = match value {
        serde_json::Value::Array(items) => items.iter().map(text).collect::<Option<Vec<_>>>()?.join(","),
        other => text(other)?,
    };
    (!answer.is_empty()).then(|| Proposed { answer, from: "cdk.json".to_owned() })
}

/// A name without case and separators.
fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The one web origin that the app's code names; none where it names several, for any choice would be a guess.
fn origin(app: &App) -> Option<Proposed> {
    let foreign = ["amazonaws.", "amazon.", "github.", "example.", "npmjs.", "localhost", "schema", "w3.org"];
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    each_word(app, "https://", &mut |rest, from| {
        let end = rest.find(['\'', '"', '`', '/', ' ', '$', '\n', ')']).unwrap_or(rest.len());
        let (host, after) = rest.split_at(end);
        let whole = after.starts_with(['\'', '"', '`']);
        let named = host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-:".contains(&b));
        if whole && named && host.contains('.') && !foreign.iter().any(|word| host.contains(word)) {
            found.entry(format!("https://{host}")).or_insert_with(|| from.to_owned());
        }
    });
    let (answer, from) = found.pop_first()?;
    found.is_empty().then_some(Proposed { answer, from })
}

/// The stack that sounds like security, else the only one.
fn stack(app: &App) -> Option<Proposed> {
    let mut found: Vec<Proposed> = Vec::new();
    each_word(app, "class ", &mut |rest, from| {
        let name = word(rest);
        let base = rest
            .get(name.len()..)
            .and_then(|rest| rest.trim_start().strip_prefix("extends "))
            .map(str::trim_start);
        let base = base.map(|base| base.split([' ', '{', '<', '\n']).next().unwrap_or_default());
        if base.is_some_and(|base| base.ends_with("Stack")) {
            found.push(Proposed { answer: name.to_owned(), from: from.to_owned() });
        }
    });
    let sounds =
        |name: &str| ["Security", "Audit", "Logging", "Compliance"].iter().any(|word| name.contains(word));
    match found.iter().find(|proposed| sounds(&proposed.answer)) {
        Some(proposed) => Some(proposed.clone()),
        None => (found.len() == 1).then(|| found.pop()).flatten(),
    }
}

/// What most often follows some text.
fn most_frequent(app: &App, before: &str, fits: impl Fn(&str) -> bool) -> Option<Proposed> {
    let mut found: BTreeMap<String, (usize, String)> = BTreeMap::new();
    each_word(app, before, &mut |rest, from| {
        let name = word(rest);
        if !name.is_empty() && fits(name) {
            found.entry(name.to_owned()).or_insert_with(|| (0, from.to_owned())).0 += 1;
        }
    });
    // Of equally frequent ones the first by name: the same app gives the same answer.
    let (answer, (_, from)) = found.into_iter().rev().max_by_key(|(_, (count, _))| *count)?;
    Some(Proposed { answer, from })
}

/// A context key that the app has or reads and whose name has one of some words.
fn context_key(app: &App, words: &[&str]) -> Option<Proposed> {
    let fits = |name: &str| {
        words.iter().any(|word| plain(name).contains(word)) && !name.contains('/') && !name.contains(':')
    };
    let in_json = app.cdk_json.as_ref().and_then(|json| json.get("context")?.as_object());
    if let Some(name) = in_json.and_then(|context| context.keys().find(|name| fits(name))) {
        return Some(Proposed { answer: name.clone(), from: "cdk.json".to_owned() });
    }
    let mut found = None;
    each_word(app, "tryGetContext(", &mut |rest, from| {
        let name = word(rest.trim_start_matches(['\'', '"', '`']));
        if found.is_none() && fits(name) {
            found = Some(Proposed { answer: name.to_owned(), from: from.to_owned() });
        }
    });
    found
}

/// The identifier or number at the start of a text.
fn word(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '-').unwrap_or(text.len());
    text.get(..end).unwrap_or_default()
}

/// Calls `seen` with what follows each place of some text in the app's scripts, and with the place as printed.
fn each_word(app: &App, text: &str, seen: &mut dyn FnMut(&str, &str)) {
    for file in app.files.iter().filter(|file| file.candidate.language.is_script()) {
        let Ok(source) = crate::source::read_text(&file.candidate.file) else { continue };
        for (at, _) in source.match_indices(text) {
            let line = 1 + source.get(..at).unwrap_or_default().matches('\n').count();
            let rest = source.get(at + text.len()..).unwrap_or_default();
            seen(rest, &format!("{}:{line}", file.candidate.path));
        }
    }
}
