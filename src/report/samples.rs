//! Hand-made findings of every outcome, for the tests of all formats.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::{Command, Report, Skipped, Texts};
use crate::detect::{Finding, Outcome, Refusal, ShownEdit, ShownFix, ShownWay};
use crate::edit::FileChange;
use crate::rule::{Impact, Meta, Pillar, Tier};
use crate::source::SkipKind;
use crate::source::position::LineIndex;

const BASE: Meta = Meta {
    id: "2.6",
    also: &["5.1"],
    name: "pipeline-swallows-failures",
    title: "A pipeline step hides that its command failed",
    pillar: Pillar::Reliability,
    impact: Impact::High,
    tier: Tier::Safe,
    practice: "REL08-BP02",
    clears: &[],
    raises: &[],
    asks: &[],
    order: 10,
    source: "//! A pipeline step hides that its command failed.\n//!\n//! ## Why\n//! `|| true` is always right.\n",
    query: "",
};
pub(super) static PIPELINE: Meta = BASE;
pub(super) static ORIGINS: Meta = Meta {
    id: "1.3",
    also: &[],
    name: "cors-all-origins",
    title: "An API answers every origin",
    pillar: Pillar::Security,
    impact: Impact::Medium,
    tier: Tier::Review,
    practice: "SEC05-BP02",
    clears: &["AwsSolutions-APIG6", "CKV_AWS_59"],
    raises: &[],
    source: "",
    ..BASE
};
pub(super) static LOGS: Meta = Meta {
    id: "4.10",
    also: &[],
    name: "log-retention-for-ever",
    title: "Logs are kept for ever",
    pillar: Pillar::Cost,
    impact: Impact::Low,
    practice: "COST04-BP05",
    source: "",
    ..BASE
};

pub(super) const PIPELINE_TEXT: &str = "\
import * as cdk from 'aws-cdk-lib';

export class Pipeline extends cdk.Stack {
\treadonly test = new Step('test', { commands: ['npm ci', 'npm test || true'] });
\tconst 名 = 'größe 😀'; run('lint || true');
\treadonly api = new RestApi(this, 'Api', {
\t\tdefaultCorsPreflightOptions: { allowOrigins: Cors.ALL_ORIGINS },
\t\tdeploy: true,
\t});
}
";
pub(super) const BUNDLE_TEXT: &str = "\u{feff}var a=1;\r\nnew LogGroup(this,'L');\r\n";

/// The files of the samples.
fn texts() -> BTreeMap<String, String> {
    [("lib/pipeline.ts", PIPELINE_TEXT), ("lib/bundle.ts", BUNDLE_TEXT)]
        .map(|(path, text)| (path.to_owned(), text.to_owned()))
        .into()
}

/// A finding at the first `word` of a sample file.
pub(super) fn finding(
    rule: &'static Meta,
    path: &str,
    word: &str,
    message: &str,
    outcome: Outcome,
) -> Finding {
    let mut finding = Finding {
        rule,
        impact: rule.impact,
        tier: rule.tier,
        path: path.to_owned(),
        span: 0..0,
        range: LineIndex::new("").range(&(0..0)),
        message: message.to_owned(),
        outcome,
        fix: None,
        alternatives: Vec::new(),
        fingerprint: format!("{}-{}", rule.id, word.len()),
    };
    let texts = texts();
    let text = texts.text_of(&finding).unwrap();
    let start = text.find(word).unwrap();
    finding.span = start..start + word.len();
    finding.range = LineIndex::new(text).range(&finding.span);
    finding
}

/// The same finding with a fix that replaces its code.
fn fixed_by(mut finding: Finding, title: &str, text: &str) -> Finding {
    let edit = ShownEdit {
        path: finding.path.clone(),
        range: finding.range,
        span: finding.span.clone(),
        text: text.to_owned(),
        creates: false,
    };
    finding.fix = Some(ShownFix { title: title.to_owned(), edits: vec![edit] });
    finding
}

fn no_fix(why: &str, next: &str) -> Outcome {
    Outcome::NoFix(Refusal::NoFix { why: why.to_owned(), next: next.to_owned() })
}

/// One finding of every outcome, and one of impact `info`, in no order.
pub(super) fn findings() -> Vec<Finding> {
    const PATH: &str = "lib/pipeline.ts";
    let origins = "The API answers requests from every origin, so that any site a user visits can call it \
                   with their session; 100% of the browsers let it:\nonly your own origins should be allowed.";
    let value = Outcome::NeedsValue(Refusal::NeedsValue {
        key: "allowed_origins".to_owned(),
        ask: "Which origins may call this API?".to_owned(),
        kind: crate::rule::AnswerType::Urls,
        example: "https://app.example.com, https://www.example.com".to_owned(),
    });
    let swallowed = "`npm test || true` succeeds whatever the tests say, so that broken code is deployed.";
    let block = "new RestApi(this, 'Api', {\n\t\tdefaultCorsPreflightOptions: { allowOrigins: Cors.ALL_ORIGINS },\n\t\tdeploy: true,\n\t})";
    let mut created = fixed_by(
        finding(
            &LOGS,
            "lib/bundle.ts",
            "new LogGroup(this,'L')",
            "The log group keeps its logs for ever.",
            Outcome::Held(Tier::Review),
        ),
        "Keep the logs for 90 days",
        "new LogGroup(this,'L',{retention:days})",
    );
    created.tier = Tier::Review;
    if let Some(fix) = &mut created.fix {
        let range = LineIndex::new("").range(&(0..0));
        fix.edits.push(ShownEdit {
            path: "lib/shared/days.ts".to_owned(),
            range,
            span: 0..0,
            text: "export const days = 90;\n".to_owned(),
            creates: true,
        });
    }
    let mut info = finding(
        &LOGS,
        PATH,
        "readonly api",
        "The API's name is not said.",
        no_fix("nobody knows its name", "name it"),
    );
    info.impact = Impact::Info;
    let mut offered = fixed_by(
        finding(&PIPELINE, PATH, "'npm test || true'", swallowed, Outcome::Offered),
        "Let the failing tests stop the pipeline",
        "'npm test'",
    );
    let another = fixed_by(offered.clone(), "Leave the tests out", "'true'");
    offered.alternatives = another.fix.into_iter().map(|fix| ShownWay { tier: Tier::Review, fix }).collect();
    vec![
        info,
        created,
        finding(&ORIGINS, PATH, "Cors.ALL_ORIGINS", origins, value),
        offered,
        fixed_by(
            finding(&PIPELINE, PATH, "'lint || true'", "Linting cannot fail.", Outcome::Fixed),
            "Let the failing command stop the pipeline",
            "'lint'",
        ),
        fixed_by(
            finding(&LOGS, PATH, "'größe 😀'", "The name is not said in the stack.", Outcome::Declined),
            "Say the name",
            "name",
        ),
        fixed_by(
            finding(
                &PIPELINE,
                PATH,
                "'npm ci'",
                "The step is not named.",
                Outcome::Conflict("1.3 cors-all-origins".to_owned()),
            ),
            "Name the step",
            "'npm ci --name'",
        ),
        fixed_by(
            finding(
                &ORIGINS,
                PATH,
                block,
                "The API has no access log.",
                Outcome::BackedOut("tsc: TS2304 Cannot find name 'logs'".to_owned()),
            ),
            "Write an access log",
            "x",
        ),
        finding(
            &ORIGINS,
            PATH,
            "deploy: true",
            "The API deploys by itself.",
            Outcome::Suppressed("a sandbox, see decision 12".to_owned()),
        ),
        finding(
            &LOGS,
            "lib/bundle.ts",
            "a=1",
            "The value is a literal.",
            no_fix("the file is generated", "change the generator"),
        ),
    ]
}

pub(super) fn change(path: &str, before: Option<&[u8]>, after: &[u8]) -> FileChange {
    FileChange {
        file: PathBuf::from(path),
        path: path.to_owned(),
        before: before.map(Arc::from),
        after: Arc::from(after),
    }
}

pub(super) fn changes() -> Vec<FileChange> {
    let after = PIPELINE_TEXT.replace("'npm test || true'", "'npm test'");
    vec![
        change("lib/shared/days.ts", None, b"export const days = 90;\n"),
        change("lib/pipeline.ts", Some(PIPELINE_TEXT.as_bytes()), after.as_bytes()),
    ]
}

pub(super) fn skipped() -> Vec<Skipped> {
    let skipped = |path: &str, kind, why: &str| Skipped { path: path.to_owned(), kind, why: why.to_owned() };
    vec![
        skipped("lib/latin 1.ts", SkipKind::Problem, "is not UTF-8 (first bad byte at offset 17)"),
        skipped("test/pipeline.test.ts", SkipKind::LeftOut, "is a test (--tests reads it)"),
    ]
}

/// Runs `look_at` with a report of the samples.
pub(super) fn with_report<T>(command: &Command, look_at: impl FnOnce(Report<'_>) -> T) -> T {
    look_at(Report {
        findings: &findings(),
        changes: &changes(),
        skipped: &skipped(),
        texts: &texts(),
        min_impact: Impact::Low,
        scanned: 12,
        elapsed: Duration::from_millis(83),
        verbose: false,
        command,
        arguments: "lib",
        proof: None,
    })
}
