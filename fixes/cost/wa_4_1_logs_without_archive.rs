//! # 4.1 Logs stay in the most expensive place
//!
//! ## What is wrong
//! Log groups have no cheaper tiers: whatever is kept in CloudWatch Logs is billed as if it were read every day, until it is deleted. And a bucket
//! that collects logs without a lifecycle keeps every object for ever.
//!
//! ## What the fix does
//! A group that keeps events for a month or more keeps the recent ones only (a week, or a month where it kept three months or more). A stream sends everything
//! to a bucket of an archive, which moves it to Glacier after 30 days and deletes it when the group would have, after 120 days at the earliest: Glacier bills at
//! least 90. The archive is a construct in a file of its own. A stack gets one for all its groups, also where its constructs build them, once or several times:
//! these then show their group as a field. Groups that a loop or a method of the class builds are kept in a list for it. A group that cannot be reached from
//! there gets one beside it. Where the code tells environments apart, only production has it. A
//! bucket of logs gets a lifecycle that deletes objects after the days that you name.
//!
//! ## Before
//! ```ts
//! import * as cdk from 'aws-cdk-lib';
//! import * as logs from 'aws-cdk-lib/aws-logs';
//! import { Construct } from 'constructs';
//!
//! export class ShopStack extends cdk.Stack {
//!   constructor(scope: Construct, id: string) {
//!     super(scope, id);
//!
//!     new logs.MetricFilter(this, 'Errors', {
//!       logGroup: new logs.LogGroup(this, 'OrderEvents', {
//!         retention: logs.RetentionDays.ONE_YEAR,
//!       }),
//!       metricName: 'Errors',
//!       metricNamespace: 'shop',
//!       filterPattern: logs.FilterPattern.literal('[ERROR]'),
//!     });
//!   }
//! }
//! ```
//!
//! ## After
//! ```ts
//! import * as cdk from 'aws-cdk-lib';
//! import * as logs from 'aws-cdk-lib/aws-logs';
//! import { Construct } from 'constructs';
//! import { LogArchive } from './log-archive';
//!
//! export class ShopStack extends cdk.Stack {
//!   constructor(scope: Construct, id: string) {
//!     super(scope, id);
//!
//!     const orderEventsGroup = new logs.LogGroup(this, 'OrderEvents', {
//!       retention: logs.RetentionDays.ONE_MONTH,
//!     });
//!
//!     new logs.MetricFilter(this, 'Errors', {
//!       logGroup: orderEventsGroup,
//!       metricName: 'Errors',
//!       metricNamespace: 'shop',
//!       filterPattern: logs.FilterPattern.literal('[ERROR]'),
//!     });
//!
//!     new LogArchive(this, 'LogArchive', {
//!       logGroups: [orderEventsGroup],
//!       expireAfter: cdk.Duration.days(365),
//!     });
//!   }
//! }
//! ```
//!
//! ## When it stays silent
//! For groups that a subscription filter or an export takes care of; for a retention below a month, one that depends on the environment or on a variable, and, where nothing tells
//! environments apart, one below three months; for audit logs (trails, flow logs, access logs, firewalls), groups of another class, groups that only take the events of an
//! EventBridge rule, groups without a retention (6.2 gives them one). For buckets that are deleted with their stack, or get their rules later.
//!
//! ## When it refuses
//! In apps in JavaScript or for CDK v1, and where the name `LogArchive` is taken. For a group that a loop or a function builds again and again, if that does
//! not all happen in one constructor. A bucket's fix needs `log_expiration_days`.
//!
//! ## What to know before deploying
//! CloudWatch **deletes what is older than the new retention at once**, and the archive starts with what comes in from then on: export first what must be kept. Firehose charges for each gigabyte: for logs that
//! nobody has to keep for months, a shorter retention alone (6.2) is the saving, and this fix costs more than it saves. Reading from the archive takes hours. An archive of several groups keeps
//! all of them for as long as the longest. The bucket stays when its stack is deleted.
//!
//! ## Other checkers
//! cdk-nag asks for access logs of the archive's bucket (`AwsSolutions-S1`) and reports what its roles may do there (`AwsSolutions-IAM5`); CDK's
//! stream has a log group of its own without retention. cfn-lint reports a mapping of CDK's as `W7001`.
//! Checkov finds the archive's bucket without access logs and versions (`CKV_AWS_18`, `CKV_AWS_21`), and the stream's log group without a key of
//! one's own (`CKV_AWS_158`).

use super::archive::{archive, list_of};
use super::log_bucket::{EXPIRATION, check_bucket};
use crate::detect::{Findings, Match};
use crate::edit::carry::class_around;
use crate::fixes::sustainability::retention::{days, is_audit};
use crate::model::meaning::has_word;
use crate::model::{Environment, Model, Site};
use crate::rule::{Impact, Meta, Pillar, Rule, Tier};
use crate::syntax::Syn;

/// The rule.
pub const RULE: Rule = Rule { meta: &META, check };

pub(super) const META: Meta = Meta {
    id: "4.1",
    also: &[],
    name: "logs-without-archive",
    title: "Logs stay in the most expensive place",
    pillar: Pillar::Cost,
    impact: Impact::Low,
    tier: Tier::Scaffold,
    practice: "COST04-BP05",
    clears: &[],
    // The archive is the first data that the app keeps.
    raises: &["5.6"],
    asks: &[EXPIRATION],
    // Before 6.2, which changes the retention of what is not archived.
    order: 410,
    source: include_str!("wa_4_1_logs_without_archive.rs"),
    query: include_str!("../../queries/cost/wa_4_1_logs_without_archive.scm"),
};

const MONTH: u16 = 30;
pub(super) const QUARTER: u16 = 90;
const YEAR: u16 = 365;
/// Glacier bills 90 days at least, and objects go there after 30.
pub(super) const ARCHIVED: u16 = 120;

fn check<'a>(m: &Match<'_, 'a>, out: &mut Findings<'a>) -> Option<()> {
    if let Some(bucket) = m.site("bucket") {
        return check_bucket(m.model, bucket, out);
    }
    let model = m.model;
    let group = m.site("group")?;
    let today = kept(model, &group)?;
    if is_archived(model, &group) || takes_events(model, &group) {
        return None;
    }
    let label = group.label();
    let (short, long) = if today < QUARTER { ("a week", ARCHIVED) } else { ("a month", today.max(ARCHIVED)) };
    let honest = if today < QUARTER {
        " For so short a time the stream costs more than it saves: it pays where logs have to be kept for months."
    } else {
        " Events that are older today are deleted at once, so export first what must be kept."
    };
    let place = if model.environment(group.node).known().is_some() {
        "there and, in production,"
    } else {
        "there, and"
    };
    let message = format!(
        "{label} keeps {today} days of events in CloudWatch Logs, which has no cheaper storage for old ones. The fix keeps {short} {place} \
         sends all to a bucket that moves them to Glacier after 30 days and deletes them after {long}.{honest}"
    );
    let finding = out.report(&META, model, group.node, message);
    finding.impact(match today {
        YEAR.. => Impact::Medium,
        QUARTER.. => Impact::Low,
        _ => Impact::Info,
    });
    finding.fix(format!("Archive the logs of {label}"), move |b| archive(b, &group, today));
    Some(())
}

/// The days that a group keeps events, where it is a matter of this rule.
pub(super) fn kept<'a>(model: &Model<'a>, group: &Site<'a>) -> Option<u16> {
    // What 5.7 keeps of each release is a line or two.
    let releases = group.id_text().is_some_and(|id| id.ends_with("DeploymentLog"));
    if group.local.is_some() || releases || is_audit(model, group) {
        return None;
    }
    let value = group.props(model).get(model, "retention").value()?;
    let name = value.is("member_expression").then(|| model.cdk_name(value)).flatten()?;
    let today = days(name.strip_prefix("aws_logs.RetentionDays.")?)?;
    let told = match model.environment(group.node) {
        Environment::Guarded => return None,
        Environment::Known(_) => true,
        Environment::None => false,
    };
    (today >= QUARTER || (today >= MONTH && told)).then_some(today)
}

/// Whether something takes the events of a group elsewhere, or may do so.
pub(super) fn is_archived<'a>(model: &Model<'a>, group: &Site<'a>) -> bool {
    let same = |expression: Syn<'a>| model.origin(expression).is_some_and(|origin| origin.node == group.node);
    let exported = ["createExportTask", "CreateExportTask", "CreateExportTaskCommand"];
    let subscribed = model
        .method_calls("addSubscriptionFilter")
        .any(|call| call.field("function").and_then(|function| function.field("object")).is_some_and(same));
    subscribed
        || model.app.files.iter().any(|file| {
            file.candidate.language.is_script()
                && file.text().is_ok_and(|text| exported.iter().any(|word| has_word(text, word)))
        })
        || model.all_sites().any(|site| {
            let of = |prop: &str| site.props(model).get(model, prop).value();
            if is_archive(&site) {
                let groups = of("logGroups").and_then(|groups| model.array(groups));
                return groups.is_some_and(|groups| groups.children().any(same))
                    || list_of(model, &site).is_some_and(|list| takes(model, list, same));
            }
            if model.builds(&site, "aws_logs.SubscriptionFilter") {
                return of("logGroup").is_some_and(same);
            }
            // By its name, which may be any group's.
            model.builds(&site, "aws_logs.CfnSubscriptionFilter")
                && !has_word(&site.node.file.text, "LogArchive")
        })
}

/// Whether a group is put in a list: `this.archivedGroups.push(group)`.
fn takes<'a>(model: &Model<'a>, list: Syn<'a>, same: impl Fn(Syn<'a>) -> bool) -> bool {
    model.method_calls("push").any(|call| {
        let receiver = call.field("function").and_then(|function| function.field("object"));
        receiver.is_some_and(|receiver| receiver.text() == list.text())
            && class_around(call) == class_around(list)
            && call.field("arguments").and_then(Syn::first).is_some_and(&same)
    })
}

/// Whether a service writes to a group by a policy of the group, or an EventBridge rule does: such records are few.
pub(super) fn takes_events<'a>(model: &Model<'a>, group: &Site<'a>) -> bool {
    let same = |expression: Syn<'a>| model.origin(expression).is_some_and(|origin| origin.node == group.node);
    let written = model
        .method_calls("addToResourcePolicy")
        .any(|call| call.field("function").and_then(|function| function.field("object")).is_some_and(same));
    let told = || {
        model.all_sites().any(|site| {
            model.builds(&site, "aws_events_targets.CloudWatchLogGroup")
                && site.arguments.first().is_some_and(|target| same(*target))
        })
    };
    written || told()
}

/// Whether a site builds the construct that this rule adds.
pub(super) fn is_archive(site: &Site<'_>) -> bool {
    site.local.and_then(|class| class.field("name")).is_some_and(|name| name.text() == "LogArchive")
}
