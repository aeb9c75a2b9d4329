//! `values`: what fixes still need from a person.

use std::io::Write;

use anyhow::Result;
use serde_json::json;

use super::args::RunArgs;
use super::run::Run;
use crate::plan::needs::{Need, needs};
use crate::report::Format;
use crate::report::look::wrap;
use crate::rule::{AnswerType, Tier};

/// Lists the values that the selected fixes still need, for people or as JSON.
pub(super) fn values(args: &RunArgs) -> Result<u8> {
    super::proves_nothing("values", args)?;
    let run = Run::prepare(args)?;
    // A tier that nobody asked for holds nothing back: who answers a question lets its fix in.
    let tier = if args.tier.is_some() { run.options.tier } else { Tier::Scaffold };
    let needs = needs(&run.apps, &run.rules, &run.options, tier);
    let text = match args.format {
        Format::Text => text(&needs),
        Format::Json => format!("{}\n", json(&needs)),
        other => anyhow::bail!("values are printed as text or json, not as {other}; use --format json"),
    };
    match &args.output {
        Some(file) => crate::write::output(file, text.as_bytes())?,
        None => std::io::stdout().lock().write_all(text.as_bytes())?,
    }
    Ok(u8::from(!needs.is_empty() && !args.exit_zero))
}

fn text(needs: &[Need]) -> String {
    if needs.is_empty() {
        return "No fix needs a value.\n".to_owned();
    }
    let mut text = String::new();
    for need in needs {
        text.push_str(&format!("{}\n", need.key));
        for line in wrap(&format!("{} {}", need.ask, need.kind.hint()), 96) {
            text.push_str(&format!("  {line}\n"));
        }
        let places: Vec<String> = need
            .findings
            .iter()
            .map(|finding| format!("{} {}:{}", finding.rule.id, finding.path, finding.range.start.line))
            .collect();
        text.push_str(&format!("  for {}\n", places.join(", ")));
        let answer = match &need.proposed {
            Some(proposed) => {
                text.push_str(&format!("  proposed by {}: {}\n", proposed.from, proposed.answer));
                &proposed.answer
            }
            None => &need.example,
        };
        text.push_str(&format!("  --set {}\n", super::run::shell_word(&format!("{}={answer}", need.key))));
    }
    text.push_str("\nOr answer in the review (wa-fix --interactive), which keeps answers in wa-fix.toml.\n");
    text
}

fn json(needs: &[Need]) -> serde_json::Value {
    let values: Vec<_> = needs
        .iter()
        .map(|need| {
            let proposed = need
                .proposed
                .as_ref()
                .map(|proposed| json!({ "answer": proposed.answer, "from": proposed.from }));
            let findings: Vec<_> = need
                .findings
                .iter()
                .map(|finding| {
                    json!({
                        "rule": finding.rule.id,
                        "tier": finding.tier,
                        "path": finding.path,
                        "line": finding.range.start.line,
                        "fingerprint": finding.fingerprint,
                    })
                })
                .collect();
            let mut value = json!({
                "key": need.key,
                "ask": need.ask,
                "type": need.kind,
                "example": need.example,
                "proposed": proposed,
                "findings": findings,
            });
            let more = match need.kind {
                AnswerType::Choice(words) => Some(("choices", json!(words))),
                AnswerType::Number { least, most } if most < u64::MAX => {
                    Some(("range", json!([least, most])))
                }
                _ => None,
            };
            if let (Some(fields), Some((name, said))) = (value.as_object_mut(), more) {
                fields.insert(name.to_owned(), said);
            }
            value
        })
        .collect();
    json!({ "schema": 1, "values": values })
}
