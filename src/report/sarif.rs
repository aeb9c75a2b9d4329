//! SARIF 2.1.0, for code scanning services and editors.

use std::io::{self, Write};

use serde_json::{Map, Value, json};

use super::{Report, Skipped};
use crate::detect::{Finding, Outcome, ShownEdit, ShownFix, TextRange};
use crate::prove::Verdict;
use crate::rule::{Impact, Meta};
use crate::source::SkipKind;

/// Where the schema is published.
const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
/// The base of all relative paths: the working directory.
const BASE: &str = "%SRCROOT%";

/// Writes the log.
///
/// # Errors
/// Those of `out`.
pub fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let findings = report.listed();
    let rules = rules(&findings);
    let results: Vec<_> = findings.iter().map(|finding| result(finding, &rules)).collect();
    let mut skipped: Vec<_> = report.skipped.iter().collect();
    skipped.sort_by_key(|skipped| (&skipped.path, &skipped.why));
    let mut invocation = json!({
        "executionSuccessful": report.proof.is_none_or(|proof| proof.verdict != Verdict::FailedBefore),
        "toolExecutionNotifications": skipped.into_iter().map(notification).collect::<Vec<_>>(),
    });
    if let (Some(proof), Some(fields)) = (report.proof, invocation.as_object_mut()) {
        fields.insert("properties".to_owned(), json!({ "proof": proof }));
    }
    let log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "wa-fix",
                "version": env!("CARGO_PKG_VERSION"),
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules.iter().map(|rule| descriptor(rule)).collect::<Vec<_>>(),
            }},
            "columnKind": "utf16CodeUnits",
            "originalUriBaseIds": { BASE: { "description": { "text": "The working directory of the run." } } },
            "invocations": [invocation],
            "results": results,
        }],
    });
    serde_json::to_writer_pretty(&mut *out, &log)?;
    writeln!(out)
}

/// The rules that the findings are of, in the order of their numbers.
fn rules(findings: &[&Finding]) -> Vec<&'static Meta> {
    let mut rules: Vec<_> = findings.iter().map(|finding| finding.rule).collect();
    rules.sort_by_key(|rule| (number(rule.id), rule.id));
    rules.dedup_by_key(|rule| rule.id);
    rules
}

/// `2.10` after `2.9`.
fn number(id: &str) -> Vec<u32> {
    id.split('.').map(|part| part.parse().unwrap_or(u32::MAX)).collect()
}

fn descriptor(rule: &Meta) -> Value {
    let documentation = rule.documentation();
    let documentation = if documentation.trim().is_empty() { rule.title } else { documentation.trim_end() };
    let mut tags = vec![rule.pillar.name(), rule.practice];
    tags.extend(rule.also.iter().chain(rule.clears).copied());
    // SARIF wants tags to be a set.
    let mut seen = std::collections::BTreeSet::new();
    tags.retain(|tag| !tag.is_empty() && seen.insert(*tag));
    json!({
        "id": rule.id,
        "name": rule.name,
        "shortDescription": { "text": rule.title },
        "help": { "text": documentation, "markdown": documentation },
        "defaultConfiguration": { "level": level(rule.impact) },
        "properties": { "pillar": rule.pillar, "practice": rule.practice, "tier": rule.tier, "tags": tags },
    })
}

/// SARIF's word for an impact. `info` is a `note` too: `none` would say that nothing was found.
const fn level(impact: Impact) -> &'static str {
    match impact {
        Impact::High => "error",
        Impact::Medium => "warning",
        Impact::Low | Impact::Info => "note",
    }
}

fn result(finding: &Finding, rules: &[&Meta]) -> Value {
    let mut result = json!({
        "ruleId": finding.rule.id,
        "level": level(finding.impact),
        "message": { "text": finding.message },
        "locations": [{ "physicalLocation": {
            "artifactLocation": artifact(&finding.path),
            "region": region(finding.range),
        }}],
        "partialFingerprints": { "waFix/v1": finding.fingerprint },
        "properties": properties(finding),
    });
    let Some(fields) = result.as_object_mut() else { return result };
    if let Some(index) = rules.iter().position(|rule| rule.id == finding.rule.id) {
        fields.insert("ruleIndex".to_owned(), json!(index));
    }
    if let Some(fix) = finding.fix.as_ref().filter(|_| may_be_taken(&finding.outcome)) {
        // The first is the one that `apply` makes.
        let fixes = std::iter::once(fix).chain(finding.ways().map(|way| &way.fix));
        fields.insert("fixes".to_owned(), fixes.map(self::fix).collect());
    }
    match &finding.outcome {
        // The rule was broken and no longer is. SARIF allows no level but `none` with it.
        Outcome::Fixed => {
            fields.insert("kind".to_owned(), json!("pass"));
            fields.insert("level".to_owned(), json!("none"));
        }
        Outcome::Suppressed(reason) => {
            let suppression = json!([{ "kind": "inSource", "justification": reason }]);
            fields.insert("suppressions".to_owned(), suppression);
        }
        _ => {}
    }
    result
}

fn properties(finding: &Finding) -> Value {
    let mut properties = Map::new();
    properties.insert("outcome".to_owned(), json!(finding.outcome.word()));
    for (key, text) in [("detail", finding.outcome.detail()), ("next", finding.outcome.next_step())] {
        if let Some(text) = text {
            properties.insert(key.to_owned(), json!(text));
        }
    }
    properties.insert("pillar".to_owned(), json!(finding.rule.pillar));
    properties.insert("practice".to_owned(), json!(finding.rule.practice));
    properties.insert("impact".to_owned(), json!(finding.impact));
    properties.insert("tier".to_owned(), json!(finding.tier));
    properties.insert("also".to_owned(), json!(finding.rule.also));
    Value::Object(properties)
}

/// Whether a reader may apply the fix: not one that is in the file already or broke a check.
const fn may_be_taken(outcome: &Outcome) -> bool {
    !matches!(outcome, Outcome::Fixed | Outcome::BackedOut(_) | Outcome::Suppressed(_))
}

fn fix(fix: &ShownFix) -> Value {
    let changes: Vec<_> = fix.edits.chunk_by(|a, b| a.path == b.path).map(artifact_change).collect();
    json!({ "description": { "text": fix.title }, "artifactChanges": changes })
}

/// The edits of one file.
fn artifact_change(edits: &[ShownEdit]) -> Value {
    let replacements: Vec<_> = edits
        .iter()
        .map(|edit| json!({ "deletedRegion": region(edit.range), "insertedContent": { "text": edit.text } }))
        .collect();
    let path = edits.first().map_or("", |edit| &edit.path);
    let mut change = json!({ "artifactLocation": artifact(path), "replacements": replacements });
    if let Some(fields) = change.as_object_mut().filter(|_| edits.iter().any(|edit| edit.creates)) {
        // SARIF has no word for a new file.
        fields.insert("properties".to_owned(), json!({ "creates": true }));
    }
    change
}

fn region(range: TextRange) -> Value {
    json!({
        "startLine": range.start.line,
        "startColumn": range.start.column,
        "endLine": range.end.line,
        "endColumn": range.end.column,
    })
}

fn notification(skipped: &Skipped) -> Value {
    json!({
        "level": if skipped.kind == SkipKind::Problem { "warning" } else { "note" },
        "message": { "text": format!("{}: {}", skipped.path, skipped.why) },
        "locations": [{ "physicalLocation": { "artifactLocation": artifact(&skipped.path) } }],
    })
}

/// A path as a URI reference, relative to the base unless it is absolute.
fn artifact(path: &str) -> Value {
    let is_drive = path.as_bytes().get(1) == Some(&b':');
    let encoded = encode(path);
    if path.starts_with('/') {
        json!({ "uri": format!("file://{encoded}") })
    } else if is_drive {
        json!({ "uri": format!("file:///{}", encoded.replacen("%3A", ":", 1)) })
    } else {
        json!({ "uri": encoded, "uriBaseId": BASE })
    }
}

/// Percent-encodes what a URI path may not hold, the colon included: in a relative one it would end
/// a scheme.
fn encode(path: &str) -> String {
    path.bytes()
        .map(|byte| match byte {
            _ if byte.is_ascii_alphanumeric() || b"/-._~@+!$&'()*,;=".contains(&byte) => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples::with_report;
    use crate::report::{Command, Report};

    fn run() -> Value {
        let log = with_report(&Command::Scan, |report: Report<'_>| {
            let mut out = Vec::new();
            write(&report, &mut out).unwrap();
            serde_json::from_slice::<Value>(&out).unwrap()
        });
        assert_eq!(log["version"], "2.1.0");
        log["runs"][0].clone()
    }

    fn result_of(outcome: &str) -> Value {
        let run = run();
        let results = run["results"].as_array().unwrap();
        results.iter().find(|result| result["properties"]["outcome"] == outcome).unwrap().clone()
    }

    #[test]
    fn every_result_names_a_rule_and_a_place() {
        let run = run();
        let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
        let ids: Vec<_> = rules.iter().map(|rule| rule["id"].as_str().unwrap()).collect();
        assert_eq!(ids, ["1.3", "2.6", "4.10"]);
        for rule in rules {
            assert!(!rule["help"]["text"].as_str().unwrap().is_empty());
            assert!(rule.get("helpUri").is_none());
        }
        for result in run["results"].as_array().unwrap() {
            let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(rules[index]["id"], result["ruleId"]);
            assert!(result["message"]["text"].is_string());
            let place = &result["locations"][0]["physicalLocation"];
            assert!(place["artifactLocation"]["uri"].is_string());
            for field in ["startLine", "startColumn", "endLine", "endColumn"] {
                assert!(place["region"][field].as_u64().unwrap() >= 1, "{field}");
            }
        }
    }

    #[test]
    fn only_fixes_that_may_be_taken_are_given() {
        // What `apply` would do first, then what a person may choose instead.
        let titles = |result: &Value| -> Vec<Value> {
            let fixes = result["fixes"].as_array().unwrap();
            fixes.iter().map(|fix| fix["description"]["text"].clone()).collect()
        };
        assert_eq!(titles(&result_of("offered")).len(), 2);
        assert_eq!(titles(&result_of("held")).len(), 1);
        for outcome in ["offered", "held", "declined", "conflict"] {
            let result = result_of(outcome);
            let replacement = &result["fixes"][0]["artifactChanges"][0]["replacements"][0];
            assert!(replacement["deletedRegion"]["startLine"].is_u64(), "{outcome}");
            assert!(replacement["insertedContent"]["text"].is_string(), "{outcome}");
        }
        for outcome in ["fixed", "backed-out", "suppressed", "no-fix", "needs-value"] {
            assert!(result_of(outcome).get("fixes").is_none(), "{outcome}");
        }
        assert_eq!(result_of("held")["fixes"][0]["artifactChanges"][1]["properties"]["creates"], true);
    }

    #[test]
    fn what_is_settled_is_no_open_problem() {
        let suppressed = result_of("suppressed");
        assert_eq!(suppressed["suppressions"][0]["kind"], "inSource");
        assert_eq!(suppressed["suppressions"][0]["justification"], "a sandbox, see decision 12");
        let fixed = result_of("fixed");
        assert_eq!((&fixed["kind"], &fixed["level"]), (&json!("pass"), &json!("none")));
    }

    #[test]
    fn paths_become_uri_references() {
        assert_eq!(artifact("my lib/é.ts"), json!({ "uri": "my%20lib/%C3%A9.ts", "uriBaseId": BASE }));
        assert_eq!(artifact("/srv/a b"), json!({ "uri": "file:///srv/a%20b" }));
        assert_eq!(artifact("C:/a"), json!({ "uri": "file:///C:/a" }));
    }

    #[test]
    fn rules_are_in_the_order_of_their_numbers() {
        assert!(number("2.10") > number("2.9"));
    }
}
