//! # 5.4 No runbook
//!
//! ## What is wrong
//! When an alarm rings at night, whoever is called has to find out from the code what runs where, what the alarm
//! means, and how to go back. That costs the minutes that matter, and it costs them again every time.
//!
//! ## What the fix does
//! It writes `docs/runbook.md` from the app's own constructs: who is told, what runs where and how to find it, a section with
//! first steps for each alarm, and procedures for what the app has (go back, stop a release, slow callers down, raise concurrency, run executions and
//! messages again, change a secret). Facts stand between `wa-fix:begin` and `wa-fix:end` comments; what only people know (owner, on call) is left for them to fill in. Each
//! alarm whose description is written in place points to its section.
//!
//! ## Before
//! ```ts
//! import * as cdk from 'aws-cdk-lib';
//! import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
//! import * as sqs from 'aws-cdk-lib/aws-sqs';
//!
//! const app = new cdk.App();
//! const stack = new cdk.Stack(app, 'Jobs');
//! const queue = new sqs.Queue(stack, 'Queue', { enforceSSL: true });
//!
//! new cloudwatch.Alarm(stack, 'OldestMessage', {
//!   metric: queue.metricApproximateAgeOfOldestMessage(),
//!   threshold: 600,
//!   evaluationPeriods: 1,
//!   alarmDescription: 'Messages wait too long.',
//! });
//! ```
//!
//! ## After
//! ```ts
//! import * as cdk from 'aws-cdk-lib';
//! import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
//! import * as sqs from 'aws-cdk-lib/aws-sqs';
//!
//! const app = new cdk.App();
//! const stack = new cdk.Stack(app, 'Jobs');
//! const queue = new sqs.Queue(stack, 'Queue', { enforceSSL: true });
//!
//! new cloudwatch.Alarm(stack, 'OldestMessage', {
//!   metric: queue.metricApproximateAgeOfOldestMessage(),
//!   threshold: 600,
//!   evaluationPeriods: 1,
//!   alarmDescription: 'Messages wait too long. Runbook: docs/runbook.md#oldestmessage',
//! });
//! ```
//!
//! ## When it stays silent
//! Where a document is there by its name (runbook, playbook, troubleshooting, on-call, incident, operations) or as a
//! heading of the README, where the repository around the app has a runbook, where the README names a wiki's runbook,
//! where an alarm's description has a link, where the app builds an SSM document, in libraries, and where there is
//! nothing to operate.
//!
//! ## When it refuses
//! Where git ignores `docs/runbook.md`, so that nobody would get it, and where `docs` is a file. Descriptions of alarms that
//! are put together elsewhere are left alone.
//!
//! ## What to know before deploying
//! Only the alarms' descriptions change. The document is a start: fill in the people, try each procedure once, and
//! review it when an alarm or an owner changes. When the code has changed, the rule renews what stands between its marks, adds
//! new alarms, and leaves every other word alone.
//!
//! ## Other checkers
//! None covers it.

use crate::detect::{Findings, Match};
use crate::edit::Builder;
use crate::model::{Model, Prop};
use crate::rule::{Impact, Meta, Pillar, Rule, Tier};
use crate::syntax::Syn;

use super::document::{is_documented, renewed};
use super::runbook::{Alarm, Runbook, alarms};

/// The rule.
pub const RULE: Rule = Rule { meta: &META, check };

const META: Meta = Meta {
    id: "5.4",
    also: &[],
    name: "no-runbook",
    title: "No runbook",
    pillar: Pillar::OperationalExcellence,
    impact: Impact::Medium,
    tier: Tier::Scaffold,
    practice: "OPS07-BP03",
    clears: &[],
    raises: &[],
    asks: &[],
    // Last of all: the document describes what the other fixes leave.
    order: 9000,
    source: include_str!("wa_5_4_no_runbook.rs"),
    query: include_str!("../../queries/operational_excellence/wa_5_4_no_runbook.scm"),
};

/// Where the document goes.
const PATH: &str = "docs/runbook.md";

/// Parts of names and headings of documents that say how to operate.
const WORDS: [&str; 9] = [
    "runbook",
    "playbook",
    "troubleshoot",
    "on-call",
    "oncall",
    "incident",
    "operations",
    "operating",
    "operation",
];

fn check<'a>(m: &Match<'_, 'a>, out: &mut Findings<'a>) -> Option<()> {
    let app = m.site("app")?;
    let model = m.model;
    // One app, one document, however many entries it has.
    if !model.starts_app(&app) {
        return None;
    }
    let alarms = alarms(model);
    if let Some(old) = model.app.document(PATH).filter(|old| old.contains("wa-fix:begin")) {
        return check_old(model, app.node, &old, &alarms, out);
    }
    if is_documented(model, is_named, is_surely_named) || alarms.iter().any(|alarm| has_link(model, alarm)) {
        return None;
    }
    let finding = out.report(
        &META,
        model,
        app.node,
        "Nothing says how to operate this app: whoever is called finds no runbook, and has to learn from the code what runs where, what \
         an alarm means and how to go back. The fix writes docs/runbook.md from the constructs; people, and what they decide, are left \
         to fill in.",
    );
    finding.key("runbook");
    if alarms.is_empty() {
        finding.impact(Impact::Low);
    }
    if let Some(why) = model.app.no_place_for(PATH) {
        finding.refuse(
            &format!("{PATH} has no place: {why}"),
            "make room for it, or name your own document runbook.md",
        );
        return Some(());
    }
    finding.fix("Write a runbook", move |b| {
        write(b, &alarms);
        Ok(())
    });
    Some(())
}

/// The runbook that wa-fix wrote, when the code has changed since.
fn check_old<'a>(
    model: &Model<'a>,
    app: Syn<'a>,
    old: &str,
    alarms: &[Alarm<'a>],
    out: &mut Findings<'a>,
) -> Option<()> {
    let new = renewed(old, &Runbook { model, alarms }.text(), "alarm ")?;
    let message = "docs/runbook.md no longer says what the code does: whoever follows it meets other parts, alarms or limits than it \
                   names. The fix renews what stands between the `wa-fix` marks and leaves every other word alone.";
    let finding = out.report(&META, model, app, message);
    finding.key("runbook-renewed").impact(Impact::Low).tier(Tier::Safe).follows();
    finding.fix("Renew the runbook", move |b| {
        b.rewrite(b.model.app.root.join(PATH), &new);
        Ok(())
    });
    Some(())
}

fn write<'a>(b: &mut Builder<'_, 'a>, alarms: &[Alarm<'a>]) {
    let text = Runbook { model: b.model, alarms }.text();
    b.create(b.model.app.root.join(PATH), &text);
    for alarm in alarms {
        let Some(anchor) = &alarm.anchor else { continue };
        point(b, alarm, &format!("Runbook: {PATH}#{anchor}"));
    }
}

/// Ends an alarm's description with the way to its section.
fn point<'a>(b: &mut Builder<'_, 'a>, alarm: &Alarm<'a>, pointer: &str) {
    match alarm.props.get(b.model, "alarmDescription") {
        Prop::Absent => {
            if let Some(object) =
                alarm.props.object().filter(|object| std::ptr::eq(object.file, alarm.node.file))
            {
                b.insert_entry(object, "alarmDescription", &format!("'{pointer}'"));
            }
        }
        // A description from elsewhere serves others too.
        Prop::Present(entry)
            if matches!(entry.value.kind(), "string" | "template_string")
                && alarm.node.span().contains(&entry.value.start()) =>
        {
            let end = entry.value.end() - 1;
            let inside = entry.value.text().trim_matches(['\'', '"', '`']);
            let gap = if inside.is_empty() || inside.ends_with(' ') { "" } else { " " };
            let stop = if inside.is_empty() || inside.trim_end().ends_with(['.', '!', '?', ':', ';']) {
                ""
            } else {
                "."
            };
            b.splice(entry.value, end..end, &format!("{stop}{gap}{pointer}"));
        }
        _ => {}
    }
}

fn has_link<'a>(model: &Model<'a>, alarm: &Alarm<'a>) -> bool {
    alarm.props.get(model, "alarmDescription").value().is_some_and(|text| {
        let text = text.text().to_ascii_lowercase();
        text.contains("://") || text.contains("runbook") || text.contains("playbook")
    })
}

fn is_named(text: &str) -> bool {
    WORDS.iter().any(|word| text.contains(word))
}

fn is_surely_named(path: &str) -> bool {
    ["runbook", "playbook", "troubleshoot", "on-call", "oncall", "incident"]
        .iter()
        .any(|word| path.contains(word))
}
