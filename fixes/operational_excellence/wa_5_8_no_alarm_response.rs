//! # 5.8 Alarms tell people, and nothing else happens
//!
//! ## What is wrong
//! When errors follow a release, an e-mail goes out and somebody has to find the last good version and go back to it by
//! hand. An alarm without any action does not even tell anybody.
//!
//! ## What the fix does
//! * An alarm on the errors of a function that has an alias starts a function which rolls the alias back by one version: only
//!   if the live version was published within the last half hour, no traffic shift is under way, and an earlier version
//!   exists. It starts in dry run: it writes what it would do to its log, until `DRY_RUN` is set to `'false'`.
//! * An alarm on a dead-letter queue starts a function that writes to its log what one of the messages is. It leaves every message where it is.
//! * An alarm on the machine below an EC2 instance (`StatusCheckFailed_System`) lets EC2 start the instance on another machine.
//! * An alarm that tells nobody, or one made of such alarms, tells the topic of the other alarms of its file.
//!
//! Where the topic is encrypted by a key of the app, CloudWatch is allowed to use the key: without that, no message arrives.
//! The function keeps its versions (`RETAIN`), so that there is one to go back to.
//!
//! ## Before
//! ```ts
//! import * as cdk from 'aws-cdk-lib';
//! import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
//! import * as actions from 'aws-cdk-lib/aws-cloudwatch-actions';
//! import * as sns from 'aws-cdk-lib/aws-sns';
//! import * as sqs from 'aws-cdk-lib/aws-sqs';
//! import { Construct } from 'constructs';
//!
//! export class QueueStack extends cdk.Stack {
//!   constructor(scope: Construct, id: string) {
//!     super(scope, id);
//!
//!     const topic = new sns.Topic(this, 'Alarms');
//!     const queue = new sqs.Queue(this, 'Queue');
//!
//!     new cloudwatch.Alarm(this, 'QueueAge', {
//!       metric: queue.metricApproximateAgeOfOldestMessage(),
//!       threshold: 600,
//!       evaluationPeriods: 1,
//!     }).addAlarmAction(new actions.SnsAction(topic));
//!
//!     new cloudwatch.Alarm(this, 'QueueLength', {
//!       metric: queue.metricApproximateNumberOfMessagesVisible(),
//!       threshold: 1000,
//!       evaluationPeriods: 1,
//!     });
//!   }
//! }
//! ```
//!
//! ## After
//! ```ts
//! import * as cdk from 'aws-cdk-lib';
//! import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
//! import * as actions from 'aws-cdk-lib/aws-cloudwatch-actions';
//! import * as sns from 'aws-cdk-lib/aws-sns';
//! import * as sqs from 'aws-cdk-lib/aws-sqs';
//! import { Construct } from 'constructs';
//!
//! export class QueueStack extends cdk.Stack {
//!   constructor(scope: Construct, id: string) {
//!     super(scope, id);
//!
//!     const topic = new sns.Topic(this, 'Alarms');
//!     const queue = new sqs.Queue(this, 'Queue');
//!
//!     new cloudwatch.Alarm(this, 'QueueAge', {
//!       metric: queue.metricApproximateAgeOfOldestMessage(),
//!       threshold: 600,
//!       evaluationPeriods: 1,
//!     }).addAlarmAction(new actions.SnsAction(topic));
//!
//!     new cloudwatch.Alarm(this, 'QueueLength', {
//!       metric: queue.metricApproximateNumberOfMessagesVisible(),
//!       threshold: 1000,
//!       evaluationPeriods: 1,
//!     }).addAlarmAction(new actions.SnsAction(topic));
//!   }
//! }
//! ```
//!
//! ## When it stays silent
//! For alarms that do more than tell a topic, or may: they are passed on, kept in a field, switched off
//! (`actionsEnabled: false`), or an alarm action of the app goes to what cannot be followed. For the errors of a function whose alias
//! `CodeDeploy` moves (5.5), because that goes back by itself. Where the app has automation of its own: an
//! SSM action, a function that listens to a topic, a rule on "CloudWatch Alarm State Change". For throttled
//! calls: more concurrency would hide why they are. For an instance of a group that scales, which replaces it.
//!
//! ## When it refuses
//! Where an alarm tells nobody and no topic of other alarms can be used beside it. Where the alias cannot be named beside
//! the alarm. Before aws-cdk-lib 2.119, whose alarms cannot start functions.
//!
//! ## What to know before deploying
//! Read the remedy's log after a few alarms before you arm it: once armed it changes production by itself. It goes back by one
//! version only, and an alarm that rings for another reason within half an hour of a release rolls back a good one. The next
//! deployment moves the alias forward again. No queue keeps what the remedy fails to handle, because people are told in any case;
//! 2.5 adds one. The function that looks at a dead-letter queue counts as one more receive of that message. EC2 recovers no instance
//! that has instance-store volumes or a dedicated host.
//!
//! ## Other checkers
//! cdk-nag's `AwsSolutions-IAM4` appears for the managed policy of the remedy's role, and `AwsSolutions-IAM5` for the versions (`:*`)
//! that it may read.
//! Checkov says of the remedy what it says of most functions: no limit, no queue, no VPC, no key of
//! one's own (`CKV_AWS_115`, `CKV_AWS_116`, `CKV_AWS_117`, `CKV_AWS_158`, `CKV_AWS_173`).

use super::alarm_response::{Alarm, Told, named, tell};
use super::dead_letters::{self, Dead};
use super::rollback;
use crate::detect::{Candidate, Findings, Match};
use crate::model::Model;
use crate::model::props::own_entry;
use crate::rule::{Impact, Meta, Pillar, Rule, Tier};

/// The rule.
pub const RULE: Rule = Rule { meta: &META, check };

const META: Meta = Meta {
    id: "5.8",
    also: &[],
    name: "no-alarm-response",
    title: "Alarms tell people, and nothing else happens",
    pillar: Pillar::OperationalExcellence,
    impact: Impact::Low,
    tier: Tier::Scaffold,
    practice: "OPS10-BP07",
    clears: &[],
    // The remedy itself; see "What to know before deploying".
    raises: &["2.5"],
    asks: &[],
    // Behind 5.5, which may leave it nothing to do, and behind the rules that add alarms.
    order: 8000,
    source: include_str!("wa_5_8_no_alarm_response.rs"),
    query: include_str!("../../queries/operational_excellence/wa_5_8_no_alarm_response.scm"),
};

fn check<'a>(m: &Match<'_, 'a>, out: &mut Findings<'a>) -> Option<()> {
    let model = m.model;
    let alarm = Alarm::of(model, m.node("alarm")?)?;
    let told = Told::of(model, &alarm)?;
    if told.actions.is_empty() && tells_nobody(model, &alarm, &told, out).is_some() {
        return Some(());
    }
    if !told.only_people || told.automation || told.unknown {
        return None;
    }
    if watches_the_host(model, &alarm) {
        recovers(model, alarm, out);
        return Some(());
    }
    if let Some(dead) = Dead::of(model, &alarm) {
        looks_at_dead_letters(model, alarm, told, dead, out);
        return Some(());
    }
    rolls_back(model, alarm, told, out)
}

/// Whether an alarm rings when the machine below an instance fails: the metric that EC2 can answer.
fn watches_the_host<'a>(model: &Model<'a>, alarm: &Alarm<'a>) -> bool {
    let metric = alarm.metric.and_then(|metric| model.origin(metric));
    let Some(metric) = metric.filter(|metric| model.builds(metric, "aws_cloudwatch.Metric")) else {
        return false;
    };
    let props = metric.props(model);
    let says = |prop: &str, text: &str| {
        props
            .get(model, prop)
            .value()
            .is_some_and(|value| value.is("string") && value.text().trim_matches(['\'', '"']) == text)
    };
    let instance = ["dimensionsMap", "dimensions"].iter().any(|prop| {
        let dimensions = props.get(model, prop).value().and_then(|value| model.props_of(value).object());
        dimensions.is_some_and(|map| map.children().count() == 1 && own_entry(map, "InstanceId").is_some())
    });
    says("namespace", "AWS/EC2") && says("metricName", "StatusCheckFailed_System") && instance
}

/// An alarm on the machine below an instance, which EC2 can move away from it.
fn recovers<'a>(model: &Model<'a>, alarm: Alarm<'a>, out: &mut Findings<'a>) {
    let label = alarm.label.clone();
    let finding = out.report(
        &META,
        model,
        alarm.node,
        format!(
            "When the machine below the instance fails, the alarm {label} tells people, and somebody has to start the instance elsewhere. The \
             fix lets EC2 do so: the instance keeps its id, addresses and volumes, and loses what is in its memory."
        ),
    );
    finding.tier(Tier::Review);
    finding.fix(format!("Recover the instance when {label} rings"), move |b| {
        let name = named(b, &alarm)?;
        let statement = b.statement(alarm.node)?;
        let action = b.cdk(alarm.node, "aws_cloudwatch_actions.Ec2Action")?;
        let recover = b.cdk(alarm.node, "aws_cloudwatch_actions.Ec2InstanceAction")?;
        b.insert_below(statement, &format!("{name}.addAlarmAction(new {action}({recover}.RECOVER));"));
        Ok(())
    });
}

/// An alarm on a dead-letter queue.
fn looks_at_dead_letters<'a>(
    model: &Model<'a>,
    alarm: Alarm<'a>,
    told: Told<'a>,
    dead: Dead<'a>,
    out: &mut Findings<'a>,
) {
    let (label, queue) = (alarm.label.clone(), dead.queue.label());
    let finding = out.report(
        &META,
        model,
        alarm.node,
        format!(
            "When messages end in {queue}, the alarm {label} tells people, and nobody knows which before somebody has looked. The fix adds a \
             function that writes to its log what one of them is: id, age, source and size, the body once LOG_BODY is 'true'. It takes none away."
        ),
    );
    finding.impact(Impact::Info);
    if lacks_lambda_action(model, finding) {
        return;
    }
    finding.fix(format!("Look at {queue} when {label} rings"), move |b| {
        for topic in told.topics(b.model) {
            b.let_alarms_reach(topic)?;
        }
        dead_letters::add(b, &alarm, &dead)
    });
}

/// Refuses where alarms cannot start functions.
fn lacks_lambda_action<'a>(model: &Model<'a>, finding: &mut Candidate<'a>) -> bool {
    let class = "aws_cloudwatch_actions.LambdaAction";
    let known = model.app.release.is_some_and(|release| model.catalogue.has_class(class, release));
    if !known {
        finding.refuse(
            "the app's aws-cdk-lib has no alarm action that starts a function (LambdaAction, 2.119)",
            "update aws-cdk-lib, then run again",
        );
    }
    !known
}

/// An alarm without any action.
fn tells_nobody<'a>(
    model: &Model<'a>,
    alarm: &Alarm<'a>,
    told: &Told<'a>,
    out: &mut Findings<'a>,
) -> Option<()> {
    if told.unknown || !alarm.is_used_nowhere(model) {
        return None;
    }
    let label = &alarm.label;
    let topic = alarm.topic(model);
    // Without a topic anywhere, one finding says it for all alarms.
    if topic.is_none() && (told.others_tell || !told.first) {
        return None;
    }
    let fix = if topic.is_some() {
        " The fix has it tell the topic that the other alarms of the file tell."
    } else {
        ""
    };
    let which = if topic.is_some() {
        format!("The alarm {label} has")
    } else {
        format!("The alarms of this app ({label} is the first) have")
    };
    let finding = out.report(
        &META,
        model,
        alarm.node,
        format!("{which} no action: when it matters, nobody is told.{fix}"),
    );
    finding.impact(Impact::Medium).tier(Tier::Review);
    if topic.is_none() {
        finding.refuse(
            "no topic that could be told is known, nor who should read it",
            "create an sns.Topic with a subscription, and give the alarms new SnsAction(topic)",
        );
        return Some(());
    }
    let alarm = alarm.clone();
    finding.fix(format!("Let {label} tell the alarm topic"), move |b| tell(b, &alarm));
    Some(())
}

/// An alarm on errors of a function that could go back by itself.
fn rolls_back<'a>(model: &Model<'a>, alarm: Alarm<'a>, told: Told<'a>, out: &mut Findings<'a>) -> Option<()> {
    let failing = rollback::Failing::of(model, &alarm)?;
    let (label, function) = (&alarm.label, failing.alias.function.label());
    let finding = out.report(
        &META,
        model,
        alarm.node,
        format!(
            "When {function} fails after a release, the alarm {label} tells people, and somebody has to find the version before and go back by hand. \
             The fix adds a function that does so, if the version is younger than half an hour; it only logs what it would do until DRY_RUN is 'false'."
        ),
    );
    if lacks_lambda_action(model, finding) {
        return Some(());
    }
    finding.fix(format!("Roll {function} back when {label} rings"), move |b| {
        rollback::add(b, &alarm, &told, &failing)
    });
    Some(())
}
