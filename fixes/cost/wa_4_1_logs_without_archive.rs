//! # 4.1 Logs stay in the most expensive place
//!
//! ## What is wrong
//! Log groups have no cheaper tiers: whatever is kept in CloudWatch Logs is billed as if it were read every day, until it is deleted. And a bucket
//! that collects logs without a lifecycle keeps every object for ever.
//!
//! ## What the fix does
//! A group that keeps events for a month or more keeps the recent ones only (a week, or a month where it kept three months or more). A stream sends everything
//! to a bucket of an archive, which moves it to Glacier after 30 days and deletes it when the group would have, after 120 days at the earliest: Glacier bills at
//! least 90. The archive is a construct in a file of its own, one for the groups of a block; where the code tells environments apart, only production has it. A
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
//! In apps in JavaScript or for CDK v1, and where the name `LogArchive` is taken. A bucket's fix needs `log_expiration_days`.
//!
//! ## What to know before deploying
//! CloudWatch **deletes what is older than the new retention at once**, and the archive starts with what comes in from then on: export first what must be kept. Firehose charges for each gigabyte: for logs that
//! nobody has to keep for months, a shorter retention alone (6.2) is the saving, and this fix costs more than it saves. Reading from the archive takes hours. The bucket stays when its stack is deleted.
//!
//! ## Other checkers
//! cdk-nag asks for access logs of the archive's bucket (`AwsSolutions-S1`) and reports what its roles may do there (`AwsSolutions-IAM5`); CDK's
//! stream has a log group of its own without retention. cfn-lint reports a mapping of CDK's as `W7001`.
//! Checkov finds the archive's bucket without access logs and versions (`CKV_AWS_18`, `CKV_AWS_21`), and the stream's log group without a key of
//! one's own (`CKV_AWS_158`).

use std::path::{Path, PathBuf};

use crate::detect::{Findings, Match, Refusal};
use crate::edit::config::name_after;
use crate::edit::names::camel_name;
use crate::edit::style::line_indent;
use crate::edit::{Builder, no_fix};
use crate::fixes::operational_excellence::deploying_stages::parts;
use crate::fixes::security::named;
use crate::fixes::sustainability::retention::{days, is_audit};
use crate::model::meaning::{has_word, words};
use crate::model::{Binding, Environment, Model, Prop, Site};
use crate::rule::{AnswerType, Impact, Meta, Pillar, Question, Rule, Tier};
use crate::syntax::Syn;

/// The rule.
pub const RULE: Rule = Rule { meta: &META, check };

const EXPIRATION: Question = Question {
    key: "log_expiration_days",
    ask: "After how many days shall logs in buckets be deleted?",
    kind: AnswerType::Number { least: 1, most: 65_535 },
    example: "365",
};

const META: Meta = Meta {
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

/// The construct's source.
const CONSTRUCT: &str = include_str!("log_archive.ts");
/// The same for releases without a stream of the second level.
const PLAIN: &str = include_str!("log_archive_plain.ts");

const MONTH: u16 = 30;
const QUARTER: u16 = 90;
const YEAR: u16 = 365;
/// Glacier bills 90 days at least, and objects go there after 30.
const ARCHIVED: u16 = 120;

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
fn kept<'a>(model: &Model<'a>, group: &Site<'a>) -> Option<u16> {
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
fn is_archived<'a>(model: &Model<'a>, group: &Site<'a>) -> bool {
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
                return groups.is_some_and(|groups| groups.children().any(same));
            }
            if model.builds(&site, "aws_logs.SubscriptionFilter") {
                return of("logGroup").is_some_and(same);
            }
            // By its name, which may be any group's.
            model.builds(&site, "aws_logs.CfnSubscriptionFilter")
                && !has_word(&site.node.file.text, "LogArchive")
        })
}

/// Whether a service writes to a group by a policy of the group, or an EventBridge rule does: such records are few.
fn takes_events<'a>(model: &Model<'a>, group: &Site<'a>) -> bool {
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
fn is_archive(site: &Site<'_>) -> bool {
    site.local.and_then(|class| class.field("name")).is_some_and(|name| name.text() == "LogArchive")
}

fn archive<'a>(b: &mut Builder<'_, 'a>, group: &Site<'a>, today: u16) -> Result<(), Refusal> {
    let file = group.node.file;
    let location = b.model.location(file).map(Path::to_owned).unwrap_or_default();
    if location.extension().is_none_or(|end| end != "ts") || file.text.contains("@aws-cdk/") {
        return Err(no_fix(
            "the archive is written in TypeScript for CDK v2, and this app is not",
            "send the events to a bucket with a lifecycle by a subscription filter and Firehose",
        ));
    }
    let statement = b.statement(group.node)?;
    let block = statement.parent().filter(|block| block.is("statement_block"));
    let value = group.props(b.model).get(b.model, "retention").value();
    let days_text = value.and_then(|value| value.field("object")).map_or("logs.RetentionDays", Syn::text);
    let retention = format!("{days_text}.{}", if today < QUARTER { "ONE_WEEK" } else { "ONE_MONTH" });
    let name = match named(b, group, statement, "group") {
        Some(name) => {
            b.set_prop(group, "retention", &retention)?;
            name
        }
        None => hoist(b, group, statement, value, &retention)?,
    };
    if let Some(archive) = block.and_then(|block| archive_in(b.model, block, statement)) {
        return join(b, &archive, &name, today);
    }
    let (target, known) = home(b, group)?;
    let specifier = b.specifier_of(file, &target);
    if b.model.imports(file).binding("LogArchive").is_none() {
        if words(Syn::root(file), "LogArchive").next().is_some() {
            return Err(taken());
        }
        b.import_local(file, &specifier, "LogArchive");
    }
    let id = b.fresh_id(group.node, &["LogArchive"]);
    let scope = b.scope_text(group);
    let props = if today > ARCHIVED {
        let duration = b.cdk(statement, "Duration")?;
        format!("{{\n  logGroups: [{name}],\n  expireAfter: {duration}.days({today}),\n}}")
    } else {
        format!("{{\n  logGroups: [{name}],\n}}")
    };
    let mut code = format!("new LogArchive({scope}, '{id}', {props});");
    if let Environment::Known(known) = b.environment(group.node) {
        code = format!(
            "// The archive outlives the stack, so only production has one\nif ({}) {{\n  {}\n}}",
            known.expression,
            code.replace('\n', "\n  ")
        );
    }
    let last = block.and_then(|block| block.children().filter(|child| !child.is("return_statement")).last());
    b.insert_after(last.unwrap_or(statement), &code);
    if !known {
        let l2 = b.model.has_member("aws_kinesisfirehose.DeliveryStream", "fromDeliveryStreamArn")
            && b.model.has_prop("aws_logs_destinations.FirehoseDestinationProps", "role");
        let text = if l2 { CONSTRUCT } else { PLAIN };
        let text = b.style(file).adapt(text, "").replace("\r\n", "\n");
        b.create(target, &text);
    }
    Ok(())
}

fn taken() -> Refusal {
    no_fix("the name LogArchive is taken in the app", "rename that, then run again")
}

/// Where the construct's file is, or shall be, and whether it is there. The same for all groups of the app.
fn home<'a>(b: &Builder<'_, 'a>, group: &Site<'a>) -> Result<(PathBuf, bool), Refusal> {
    let model = b.model;
    for file in model.cdk_files() {
        if file.text.contains("class LogArchive ") {
            let own = file.text.contains("readonly logGroups: logs.ILogGroup[]");
            let location = model.location(file).filter(|_| own).ok_or_else(taken)?;
            return Ok((location.to_owned(), true));
        }
    }
    let mut groups = model.all_sites().filter(|site| model.builds(site, "aws_logs.LogGroup"));
    let first = groups.find(|site| kept(model, site).is_some());
    let new = b.construct_file(first.as_ref().unwrap_or(group).node, "log-archive")?;
    Ok((new.path, false))
}

/// Gives a group that is built inside another expression a constant before the statement; its name.
fn hoist<'a>(
    b: &mut Builder<'_, 'a>,
    group: &Site<'a>,
    statement: Syn<'a>,
    value: Option<Syn<'a>>,
    retention: &str,
) -> Result<String, Refusal> {
    let refused = || {
        no_fix(
            "the group is built inside another expression",
            "give it a constant of its own, then run again",
        )
    };
    let node = group.node;
    let value = value.filter(|value| node.span().contains(&value.start())).ok_or_else(refused)?;
    let apart = node
        .ancestors()
        .take_while(|around| *around != statement)
        .any(|around| around.kind().contains("function") || around.is("ternary_expression"));
    if apart || !node.is("new_expression") {
        return Err(refused());
    }
    let label = camel_name(&group.label()).unwrap_or_else(|| "log".to_owned());
    let wanted = if label.to_lowercase().ends_with("group") { label } else { format!("{label}Group") };
    let name = b.fresh_name(node.file, &[&wanted, &name_after(&group.label(), "LogGroup")]);
    let text = node.text();
    let (from, to) = (value.start() - node.start(), value.end() - node.start());
    let (Some(head), Some(tail)) = (text.get(..from), text.get(to..)) else { return Err(refused()) };
    let indent = line_indent(&node.file.text, node.start());
    let code = format!("{head}{retention}{tail}").replace("\r\n", "\n").replace(&format!("\n{indent}"), "\n");
    let code = outdented(b, node, &code);
    b.insert_before(statement, &format!("const {name} = {code};"));
    let shorthand = node
        .parent()
        .filter(|pair| pair.is("pair") && pair.field("key").is_some_and(|key| key.text() == name));
    match shorthand {
        Some(pair) => b.replace(pair, &name),
        None => b.replace(node, &name),
    }
    Ok(name)
}

/// A text of the file as a snippet: levels of two blanks.
fn outdented<'a>(b: &mut Builder<'_, 'a>, node: Syn<'a>, code: &str) -> String {
    let unit = b.style(node.file).indent.text(1);
    let mut lines = code.split('\n').map(|line| {
        let mut rest = line;
        let mut depth = 0;
        while let Some(inner) = rest.strip_prefix(unit.as_str()) {
            rest = inner;
            depth += 1;
        }
        format!("{}{rest}", "  ".repeat(depth))
    });
    let first = lines.next().unwrap_or_default();
    lines.fold(first, |all, line| format!("{all}\n{line}"))
}

/// The archive that a block builds behind a statement, in it or in a condition.
fn archive_in<'a>(model: &Model<'a>, block: Syn<'a>, statement: Syn<'a>) -> Option<Site<'a>> {
    model
        .sites(block.file)
        .iter()
        .find(|site| {
            is_archive(site)
                && site.node.start() > statement.end()
                && block.span().contains(&site.node.start())
                && !site
                    .node
                    .ancestors()
                    .take_while(|around| *around != block)
                    .any(|around| around.kind().contains("function"))
        })
        .cloned()
}

/// Adds a group to an archive, which keeps events as long as any of its groups did.
fn join<'a>(b: &mut Builder<'_, 'a>, archive: &Site<'a>, name: &str, today: u16) -> Result<(), Refusal> {
    let props = archive.props(b.model);
    let groups = props.get(b.model, "logGroups").value().filter(|groups| groups.is("array"));
    let last = groups.and_then(|groups| groups.children().last()).ok_or_else(|| {
        no_fix("the groups of the archive are listed out of sight", "add the group to the archive by hand")
    })?;
    match last.parent().filter(|array| !array.text().contains('\n')) {
        // Written anew, so that one group joins at a time and the line is broken where it gets too long.
        Some(array) => {
            let names: Vec<&str> = array.children().map(Syn::text).chain([name]).collect();
            let line = format!("[{}]", names.join(", "));
            let fits = b.fits(array, 0, "logGroups: ,".len() + line.len());
            b.replace(array, &if fits { line } else { format!("[\n  {},\n]", names.join(",\n  ")) });
        }
        None => b.insert_element_after(last, name),
    }
    let known = match props.get(b.model, "expireAfter") {
        Prop::Absent => Some(ARCHIVED),
        Prop::Present(entry) => {
            let text = entry.value.text();
            text.rsplit_once('(').and_then(|(_, days)| days.trim_end_matches(')').parse().ok())
        }
        Prop::Unknown => None,
    };
    if known.is_some_and(|known| known < today) {
        let duration = b.cdk(archive.node, "Duration")?;
        b.set_prop(archive, "expireAfter", &format!("{duration}.days({today})"))?;
    }
    Ok(())
}

fn check_bucket<'a>(model: &Model<'a>, bucket: Site<'a>, out: &mut Findings<'a>) -> Option<()> {
    let same =
        |expression: Syn<'a>| model.origin(expression).is_some_and(|origin| origin.node == bucket.node);
    let props = bucket.props(model);
    let dropped = props.get(model, "removalPolicy").value().and_then(|value| model.cdk_name(value));
    let ruled = model
        .method_calls("addLifecycleRule")
        .any(|call| call.field("function").and_then(|function| function.field("object")).is_some_and(same));
    if bucket.local.is_some()
        || ruled
        || dropped.is_some_and(|policy| policy.ends_with(".DESTROY"))
        || !collects_logs(model, &bucket)
    {
        return None;
    }
    let label = bucket.label();
    let message = format!(
        "{label} collects logs, and nothing is ever deleted from it or moved to cheaper storage. The fix deletes objects after the days that you \
         name as log_expiration_days, and moves them to Glacier after 30 where those are 120 or more."
    );
    let finding = out.report(&META, model, bucket.node, message);
    finding.impact(Impact::Low).tier(Tier::Review);
    finding.fix(format!("Give the logs in {label} an end"), move |b| {
        let answer = b.value(&EXPIRATION)?;
        let days: u16 = answer.trim().parse().ok().filter(|days| *days > 0).ok_or_else(|| {
            no_fix(&format!("log_expiration_days is {answer}, which is no number of days"), "give one such as 365")
        })?;
        let duration = b.cdk(bucket.node, "Duration")?;
        let mut rule = String::new();
        if days >= ARCHIVED {
            let class = b.cdk(bucket.node, "aws_s3.StorageClass")?;
            rule = format!(
                "\n    transitions: [\n      {{ storageClass: {class}.GLACIER, transitionAfter: {duration}.days(30) }},\n    ],"
            );
        }
        let versioned = bucket.props(b.model).get(b.model, "versioned") != Prop::Absent;
        let old = if versioned {
            format!("\n    noncurrentVersionExpiration: {duration}.days(30),")
        } else {
            String::new()
        };
        let rules = format!("[\n  {{{rule}\n    expiration: {duration}.days({days}),{old}\n  }},\n]");
        b.set_prop(&bucket, "lifecycleRules", &rules)
    });
    Some(())
}

/// Whether a bucket is one for logs: by its name, or because another bucket sends its access logs there.
fn collects_logs<'a>(model: &Model<'a>, bucket: &Site<'a>) -> bool {
    let bound = match bucket.binding() {
        Binding::Variable(name) | Binding::Field(name) => name.text(),
        Binding::None => "",
    };
    let name = bucket.props(model).get(model, "bucketName").value().map(Syn::text).unwrap_or_default();
    let says =
        |name: &str| parts(name).iter().any(|word| matches!(word.as_str(), "log" | "logs" | "logging"));
    if says(&bucket.label()) || says(bound) || says(name) {
        return true;
    }
    let told = model.cdk_files().any(|file| has_word(&file.text, "serverAccessLogsBucket"));
    told && model.all_sites().any(|site| {
        let target = site.props(model).get(model, "serverAccessLogsBucket").value();
        site.node != bucket.node
            && target.and_then(|target| model.origin(target)).is_some_and(|origin| origin.node == bucket.node)
    })
}
