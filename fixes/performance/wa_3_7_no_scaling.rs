//! # 3.7 Provisioned capacity does not follow the traffic
//!
//! ## What is wrong
//! An alias has provisioned concurrency, and its number is fixed. Above it callers wait for cold starts, exactly when
//! traffic is highest; at night the same number waits and is billed. A DynamoDB table with provisioned capacity is the same: above
//! it requests are refused. Five reads and five writes a second is what it has where the code says nothing. So are a Fargate service
//! behind a load balancer with a fixed number of tasks, and an Auto Scaling group with room to grow that no policy uses.
//!
//! ## What the fix does
//! It registers the alias with Application Auto Scaling: from today's number up to ten times as many, below what is reserved for
//! the function, so that instances are 70 % in use. An alarm tells when even the most are not enough, on the topic that the
//! other alarms of the file use. Where today's number is a field of a typed config object, the maximum becomes one too;
//! `--set provisioned_concurrency_max=40` says another. A table whose capacity is written down scales from there up to ten times
//! as much; one that says nothing is billed by request instead, which follows the traffic by itself. Tasks scale from today's number
//! up to five times as many, and instances between the numbers that the group names, so that their processors are 70 % in use.
//!
//! ## Before
//! ```ts
//! import * as cdk from 'aws-cdk-lib';
//! import * as lambda from 'aws-cdk-lib/aws-lambda';
//! import { Construct } from 'constructs';
//!
//! export interface ApiStackProps extends cdk.StackProps {
//!   isProd: boolean;
//! }
//!
//! export class ApiStack extends cdk.Stack {
//!   constructor(scope: Construct, id: string, props: ApiStackProps) {
//!     super(scope, id, props);
//!
//!     const orders = new lambda.Function(this, 'Orders', {
//!       runtime: lambda.Runtime.NODEJS_18_X,
//!       handler: 'index.handler',
//!       code: lambda.Code.fromInline('exports.handler = async () => ({ statusCode: 200 });'),
//!     });
//!
//!     const live = new lambda.Alias(this, 'OrdersLive', {
//!       aliasName: 'live',
//!       version: orders.currentVersion,
//!       provisionedConcurrentExecutions: props.isProd ? 5 : undefined,
//!     });
//!     live.addFunctionUrl();
//!   }
//! }
//! ```
//!
//! ## After
//! ```ts
//! import * as cdk from 'aws-cdk-lib';
//! import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
//! import * as lambda from 'aws-cdk-lib/aws-lambda';
//! import { Construct } from 'constructs';
//!
//! export interface ApiStackProps extends cdk.StackProps {
//!   isProd: boolean;
//! }
//!
//! export class ApiStack extends cdk.Stack {
//!   constructor(scope: Construct, id: string, props: ApiStackProps) {
//!     super(scope, id, props);
//!
//!     const orders = new lambda.Function(this, 'Orders', {
//!       runtime: lambda.Runtime.NODEJS_18_X,
//!       handler: 'index.handler',
//!       code: lambda.Code.fromInline('exports.handler = async () => ({ statusCode: 200 });'),
//!     });
//!
//!     const live = new lambda.Alias(this, 'OrdersLive', {
//!       aliasName: 'live',
//!       version: orders.currentVersion,
//!       provisionedConcurrentExecutions: props.isProd ? 5 : undefined,
//!     });
//!
//!     // Follows the traffic, and tells when the maximum is not enough
//!     if (props.isProd) {
//!       live
//!         .addAutoScaling({ minCapacity: 5, maxCapacity: 50 })
//!         .scaleOnUtilization({ utilizationTarget: 0.7 });
//!
//!       new cloudwatch.Alarm(this, 'OrdersLiveSpilloverAlarm', {
//!         alarmDescription: 'Requests found no instance ready: raise the maximum',
//!         metric: live.metric('ProvisionedConcurrencySpilloverInvocations', {
//!           period: cdk.Duration.minutes(5),
//!           statistic: 'Sum',
//!         }),
//!         threshold: 1,
//!         evaluationPeriods: 3,
//!         treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
//!       });
//!     }
//!
//!     live.addFunctionUrl();
//!   }
//! }
//! ```
//!
//! ## When it stays silent
//! For functions that keep nothing ready: Lambda scales them by itself. Where the alias, or something that cannot be followed, has
//! `addAutoScaling`; where the app builds a scalable target for Lambda. An alias on which callers wait and that keeps nothing ready is
//! only mentioned (`info`): its number can follow the traffic once 2.8 has given it one. For tables that are billed by request, have
//! replicas, or are scaled. For services that no balancer sends requests to, and those on EC2, whose instances have to follow first; for groups of a
//! fixed size, and those that a capacity provider or a cluster runs.
//!
//! ## When it refuses
//! Where nothing is provisioned yet. Where the reserved concurrency is not known or leaves no room for more. Where the
//! number is worked out in place, or the alias has no name, or one of type `IAlias`, which cannot be scaled. A table whose capacity
//! comes from elsewhere, or that has indexes: each has a capacity of its own. A service whose number of tasks is told elsewhere.
//!
//! ## What to know before deploying
//! What is billed follows the traffic, up to the maximum. A deployment that publishes a version starts again from the least. The
//! first target of an account creates a service-linked role. An alias that nobody calls may stay where it was: without
//! data nothing scales in. A table can change how it is billed once a day; billed by request, one that is always busy may cost more.
//! A deployment that changes `desiredCount` starts again from that number of tasks.
//!
//! ## Other checkers
//! None has a rule for this. `CloudWatchAlarmAction` of cdk-nag's HIPAA, NIST and PCI packs appears where no topic is in reach, and so
//! does rule 5.8.

use super::{alias_capacity, global_table_capacity, service_capacity, table_capacity};
use crate::detect::{Findings, Match};
use crate::rule::{Impact, Meta, Pillar, Rule, Tier};

/// The rule.
pub const RULE: Rule = Rule { meta: &META, check };

const META: Meta = Meta {
    id: "3.7",
    also: &[],
    name: "provisioned-without-scaling",
    title: "Provisioned capacity does not follow the traffic",
    pillar: Pillar::Performance,
    impact: Impact::Low,
    tier: Tier::Review,
    practice: "PERF02-BP05",
    clears: &[],
    // What may be scaled down to one task is 2.1's to say; where the app has no topic, its alarm tells nobody yet.
    raises: &["2.1", "5.8"],
    asks: &[],
    // Behind 2.8, which provisions; before 4.4, which moves the reserved number that this one has to read.
    order: 370,
    source: include_str!("wa_3_7_no_scaling.rs"),
    query: include_str!("../../queries/performance/wa_3_7_no_scaling.scm"),
};

fn check<'a>(m: &Match<'_, 'a>, out: &mut Findings<'a>) -> Option<()> {
    let model = m.model;
    if let Some(table) = m.site("table") {
        return table_capacity::check(&META, model, table, out);
    }
    if let Some(fixed) = m.node("fixed") {
        return global_table_capacity::check(&META, model, fixed, out);
    }
    if let Some(service) = m.site("service") {
        return service_capacity::check_service(&META, model, service, out);
    }
    if let Some(group) = m.site("group") {
        return service_capacity::check_group(&META, model, group, out);
    }
    alias_capacity::check(&META, model, m.site("alias"), m.node("added"), out)
}
