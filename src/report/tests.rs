//! What every format prints for the same findings, and what holds for all of them.

use serde_json::Value;

use super::samples::{change, findings, with_report};
use super::*;
use crate::source::SkipKind;

/// Snapshots live at the top of the repository, where a reader looks for them.
fn snapshot(name: &str, text: &str) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots/report");
    insta::with_settings!({ snapshot_path => path, prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(name, text);
    });
}

fn printed(format: Format, look: Look, command: &Command) -> String {
    with_report(command, |report| to_text(|out| write(format, &report, look, out)))
}

fn to_text(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> String {
    let mut out = Vec::new();
    write(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn every_format_has_its_form() {
    for format in Format::ALL {
        snapshot(format.name(), &printed(format, Look::PLAIN, &Command::Scan));
    }
    snapshot("diff", &printed(Format::Text, Look::PLAIN, &Command::Diff));
}

#[test]
fn text_fits_narrow_terminals_and_shows_everything_if_asked() {
    let narrow = Look { width: 44, ..Look::PLAIN };
    snapshot("text-narrow", &printed(Format::Text, narrow, &Command::Scan));
    let verbose = with_report(&Command::Apply, |mut report| {
        report.verbose = true;
        report.min_impact = Impact::Info;
        to_text(|out| text::write(&report, Look::PLAIN, out))
    });
    snapshot("text-verbose", &verbose);
}

#[test]
fn summaries_say_what_is_left_and_what_comes_next() {
    let branch = Command::Branch("wa-fix/all".to_owned());
    for (name, command) in
        [("scan", Command::Scan), ("diff", Command::Diff), ("apply", Command::Apply), ("branch", branch)]
    {
        let text = with_report(&command, |report| to_text(|out| summary::write(&report, Look::PLAIN, out)));
        snapshot(&format!("summary-{name}"), &text);
    }
}

#[test]
fn a_summary_of_nothing_is_one_sentence() {
    let text = with_report(&Command::Scan, |report| {
        let report = Report { findings: &[], changes: &[], skipped: &[], ..report };
        to_text(|out| summary::write(&report, Look::PLAIN, out))
    });
    assert_eq!(text, "No findings in 12 files, 0.08 s.\n");
}

#[test]
fn long_lists_are_cut_unless_asked_for() {
    let skipped: Vec<_> = (1..=7)
        .map(|n| Skipped { path: format!("f{n}.ts"), kind: SkipKind::Problem, why: "not UTF-8".to_owned() })
        .collect();
    let text = |verbose| {
        with_report(&Command::Scan, |report| {
            let report = Report { findings: &[], changes: &[], skipped: &skipped, verbose, ..report };
            to_text(|out| summary::write(&report, Look::PLAIN, out))
        })
    };
    assert!(
        text(false).ends_with("    - f5.ts: not UTF-8\n    - 2 more (--verbose shows all)\n"),
        "{}",
        text(false)
    );
    assert!(text(true).ends_with("    - f7.ts: not UTF-8\n"));
}

#[test]
fn colours_change_nothing_but_colours() {
    let coloured = Look { colour: true, ..Look::PLAIN };
    for command in [Command::Scan, Command::Diff, Command::Apply] {
        let plain = printed(Format::Text, Look::PLAIN, &command);
        let text = printed(Format::Text, coloured, &command);
        assert!(text.contains('\u{1b}'));
        assert!(!plain.contains('\u{1b}'));
        assert_eq!(console::strip_ansi_codes(&text), plain);
        let summary =
            |look| with_report(&command, |report| to_text(|out| summary::write(&report, look, out)));
        assert_eq!(console::strip_ansi_codes(&summary(coloured)), summary(Look::PLAIN));
    }
    snapshot("text-colour", &printed(Format::Text, coloured, &Command::Scan).replace('\u{1b}', "␛"));
}

#[test]
fn the_order_of_findings_does_not_matter() {
    for format in Format::ALL {
        let forth = printed(format, Look::PLAIN, &Command::Scan);
        let mut findings = findings();
        findings.reverse();
        let back = with_report(&Command::Scan, |report| {
            let report = Report { findings: &findings, ..report };
            to_text(|out| write(format, &report, Look::PLAIN, out))
        });
        assert_eq!(forth, back, "{format}");
    }
}

#[test]
fn the_json_contract_holds() {
    let text = printed(Format::Json, Look::PLAIN, &Command::Scan);
    assert_eq!(text.lines().count(), 1);
    // Field names and order, as text: a parser would lose the order.
    let mut rest =
        text.split_once(r#"{"rule":"2.6""#).map(|(before, _)| text.split_at(before.len()).1).unwrap();
    for field in [
        "rule",
        "also",
        "name",
        "pillar",
        "impact",
        "practice",
        "tier",
        "path",
        "range",
        "start",
        "line",
        "column",
        "end",
        "line",
        "column",
        "message",
        "outcome",
        "fix",
        "title",
        "edits",
        "path",
        "range",
        "text",
        "fingerprint",
    ] {
        rest = rest.split_once(&format!("\"{field}\":")).unwrap_or_else(|| panic!("no {field} in {rest}")).1;
    }
    assert!(text.starts_with(r#"{"schema":1,"findings":[{"rule":"#));
    assert!(text.contains(r#"}],"summary":{"#));
    let document: Value = serde_json::from_str(&text).unwrap();
    let findings = document["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 9);
    for finding in findings {
        for field in [
            "rule",
            "name",
            "pillar",
            "impact",
            "practice",
            "tier",
            "path",
            "message",
            "outcome",
            "fingerprint",
        ] {
            assert!(finding[field].is_string(), "{field} of {finding}");
        }
        assert!(finding["also"].as_array().unwrap().iter().all(Value::is_string));
        assert!(finding["fix"].is_null() || finding["fix"]["edits"].is_array());
        assert!(finding["range"]["start"]["line"].as_u64().unwrap() >= 1);
        assert!(finding["range"]["end"]["column"].as_u64().unwrap() >= 1);
    }
    for (outcome, number) in document["summary"]["outcomes"].as_object().unwrap() {
        assert_eq!(number, 1, "{outcome}");
        assert!(findings.iter().any(|finding| finding["outcome"] == outcome.as_str()));
    }
    assert_eq!(document["summary"]["impacts"]["info"], 1);
    assert_eq!(document["summary"]["belowMinImpact"], 1);
}

#[test]
fn json_lines_are_the_same_findings_and_one_summary() {
    let document: Value = serde_json::from_str(&printed(Format::Json, Look::PLAIN, &Command::Scan)).unwrap();
    let text = printed(Format::Jsonl, Look::PLAIN, &Command::Scan);
    let mut lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let summary = lines.pop().unwrap();
    assert_eq!(summary["type"], "summary");
    assert_eq!(summary["files"], document["summary"]["files"]);
    for line in &mut lines {
        assert_eq!(line.as_object_mut().unwrap().remove("type").unwrap(), "finding");
    }
    assert_eq!(Value::Array(lines), document["findings"]);
}

#[test]
fn formats_of_problems_leave_out_what_is_settled() {
    for format in [Format::Concise, Format::Vscode, Format::Github] {
        let text = printed(format, Look::PLAIN, &Command::Scan);
        assert_eq!(text.lines().count(), 7, "{text}");
        assert!(!text.contains("Linting cannot fail"), "fixed");
        assert!(!text.contains("deploys by itself"), "suppressed");
    }
    let concise = printed(Format::Concise, Look::PLAIN, &Command::Scan);
    assert!(concise.contains("lib/pipeline.ts(4,58): warning 2.6: `npm test"), "{concise}");
}

#[test]
fn formats_of_servers_hold_the_same_problems() {
    let gitlab: Value = serde_json::from_str(&printed(Format::Gitlab, Look::PLAIN, &Command::Scan)).unwrap();
    let issues = gitlab.as_array().unwrap();
    assert_eq!(issues.len(), 7);
    let prints: std::collections::BTreeSet<_> =
        issues.iter().map(|issue| issue["fingerprint"].as_str()).collect();
    assert_eq!(prints.len(), 7, "GitLab drops an issue whose fingerprint it knows");
    let rdjson: Value = serde_json::from_str(&printed(Format::Rdjson, Look::PLAIN, &Command::Scan)).unwrap();
    let diagnostics = rdjson["diagnostics"].as_array().unwrap();
    assert_eq!(diagnostics.len(), 7);
    let suggested = diagnostics.iter().filter(|one| one["suggestions"].is_array()).count();
    assert_eq!(
        suggested, 1,
        "the held fix creates a file, the declined and the losing one are no suggestions"
    );
    let named = diagnostics
        .iter()
        .find(|one| one["message"].as_str().unwrap().contains("name is not said in"))
        .unwrap();
    assert_eq!(named["location"]["range"]["end"]["column"], 28, "bytes and not characters");
    let checkstyle = printed(Format::Checkstyle, Look::PLAIN, &Command::Scan);
    assert_eq!(checkstyle.matches("<error ").count(), 7);
    assert_eq!(checkstyle.matches("<file ").count(), 2);
    let junit = printed(Format::Junit, Look::PLAIN, &Command::Scan);
    assert_eq!((junit.matches("<failure ").count(), junit.matches("<skipped ").count()), (7, 1));
    let clean = with_report(&Command::Scan, |report| {
        let report = Report { findings: &[], ..report };
        to_text(|out| write(Format::Junit, &report, Look::PLAIN, out))
    });
    assert!(clean.contains("tests=\"1\" failures=\"0\""), "{clean}");
}

#[test]
fn xml_holds_any_text() {
    let mut finding = findings().pop().unwrap();
    finding.path = "a\"<b>&\u{1b}.ts".to_owned();
    finding.message = "]]> \u{ffff}\n'x'".to_owned();
    for format in [Format::Junit, Format::Checkstyle] {
        let text = with_report(&Command::Scan, |report| {
            let report = Report { findings: std::slice::from_ref(&finding), ..report };
            to_text(|out| write(format, &report, Look::PLAIN, out))
        });
        assert!(
            text.contains("a&quot;&lt;b&gt;&amp;␛.ts")
                && text.contains("]]&gt;")
                && !text.contains('\u{ffff}'),
            "{text}"
        );
    }
}

#[test]
fn formats_are_read_by_name() {
    for format in Format::ALL {
        assert_eq!(format.name().parse(), Ok(format));
    }
    assert_eq!(
        "xml".parse::<Format>(),
        Err("`xml` is not one of text, concise, json, jsonl, sarif, github, gitlab, junit, rdjson, checkstyle, vscode".to_owned())
    );
}

#[test]
fn hostile_names_cannot_forge_lines() {
    let mut finding = findings().pop().unwrap();
    finding.path = "a,b:c\n::error::x\u{1b}[2J.ts".to_owned();
    finding.message = "50%\n::stop".to_owned();
    for (format, expected) in [
        (
            Format::Github,
            "::notice file=a%2Cb%3Ac%0A%3A%3Aerror%3A%3Ax␛[2J.ts,line=1,col=5,endLine=1,endColumn=8,title=4.10 log-retention-for-ever::50%25%0A::stop\n",
        ),
        (Format::Concise, "a,b:c ::error::x␛[2J.ts(1,5): warning 4.10: 50% ::stop\n"),
    ] {
        let text = with_report(&Command::Scan, |report| {
            let report = Report { findings: std::slice::from_ref(&finding), ..report };
            to_text(|out| write(format, &report, Look::PLAIN, out))
        });
        assert_eq!(text, expected);
    }
}

#[test]
fn a_changed_line_has_its_words_marked() {
    let change = change("a.ts", Some(b"const a = one(1);\r\n"), b"const a = two(1);\r\n");
    let look = Look { colour: true, ..Look::PLAIN };
    let text = to_text(|out| diff::write_file(&change, 3, look, out));
    assert!(text.contains("\u{1b}[31m\u{1b}[7mone"), "{text:?}");
    assert!(text.contains("\u{1b}[0m\r\n"), "the colour ends before the line does: {text:?}");
}
