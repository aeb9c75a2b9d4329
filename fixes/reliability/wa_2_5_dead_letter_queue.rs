//! # 2.5 Lambda function without a dead-letter queue
//!
//! ## What is wrong
//! A function that is invoked asynchronously (by EventBridge, SNS, S3 and the like) drops an event when it
//! has failed three times. Without a dead-letter queue nothing keeps the event and nobody learns of it.
//!
//! ## What the fix does
//! It adds an SQS queue beside the function and names it as `deadLetterQueue`. The queue is encrypted with the
//! function's key where the function has one (the function's role is then allowed to use the key: CDK itself
//! adds only `sqs:SendMessage`), else with SQS's own; it refuses plain HTTP and keeps events for 14 days.
//!
//! ## Before
//! ```ts
//! import * as cdk from 'aws-cdk-lib';
//! import * as lambda from 'aws-cdk-lib/aws-lambda';
//! import { Construct } from 'constructs';
//!
//! export class JobStack extends cdk.Stack {
//!   constructor(scope: Construct, id: string) {
//!     super(scope, id);
//!
//!     new lambda.Function(this, 'Job', {
//!       runtime: lambda.Runtime.NODEJS_18_X,
//!       handler: 'index.handler',
//!       code: lambda.Code.fromInline('exports.handler = async () => {};'),
//!     });
//!   }
//! }
//! ```
//!
//! ## After
//! ```ts
//! import * as cdk from 'aws-cdk-lib';
//! import * as lambda from 'aws-cdk-lib/aws-lambda';
//! import * as sqs from 'aws-cdk-lib/aws-sqs';
//! import { Construct } from 'constructs';
//!
//! export class JobStack extends cdk.Stack {
//!   constructor(scope: Construct, id: string) {
//!     super(scope, id);
//!
//!     const deadLetterQueue = new sqs.Queue(this, 'JobDeadLetterQueue', {
//!       encryption: sqs.QueueEncryption.SQS_MANAGED,
//!       enforceSSL: true,
//!       retentionPeriod: cdk.Duration.days(14),
//!     });
//!
//!     new lambda.Function(this, 'Job', {
//!       runtime: lambda.Runtime.NODEJS_18_X,
//!       handler: 'index.handler',
//!       code: lambda.Code.fromInline('exports.handler = async () => {};'),
//!       deadLetterQueue,
//!     });
//!   }
//! }
//! ```
//!
//! ## When it stays silent
//! Where the props cannot be followed; where events are kept already (`deadLetterTopic`, `onFailure`,
//! `configureAsyncInvoke`); for Lambda@Edge, which cannot have one; for functions fed only by a poller (SQS, Kinesis,
//! DynamoDB), whose source keeps the events.
//!
//! ## When it refuses
//! Where the role is imported and cannot be changed: CDK would then add no permission and say nothing, and Lambda
//! would reject the function when it is deployed.
//!
//! ## What to know before deploying
//! The dead-letter configuration belongs to the function's version: a new version is published. An SQS queue that
//! stays empty costs nothing.
//!
//! ## Other checkers
//! Clears cdk-nag `Serverless-LambdaDLQ` and `NIST.800.53.R5-LambdaDLQ`, Checkov `CKV_AWS_116`. With a key of one's own, cdk-nag
//! `AwsSolutions-IAM5` reports CDK's own grant `kms:GenerateDataKey*`.

use crate::detect::{Findings, Match, Refusal};
use crate::edit::{Builder, no_fix};
use crate::model::{Prop, Site};
use crate::rule::{Impact, Meta, Pillar, Rule, Tier};

/// The rule.
pub const RULE: Rule = Rule { meta: &META, check };

const META: Meta = Meta {
    id: "2.5",
    also: &[],
    name: "lambda-without-dead-letter-queue",
    title: "Lambda function without a dead-letter queue",
    pillar: Pillar::Reliability,
    impact: Impact::Medium,
    tier: Tier::Safe,
    practice: "REL05-BP04",
    clears: &["Serverless-LambdaDLQ", "NIST.800.53.R5-LambdaDLQ", "CKV_AWS_116"],
    raises: &[],
    asks: &[],
    order: 250,
    source: include_str!("wa_2_5_dead_letter_queue.rs"),
    query: include_str!("../../queries/reliability/wa_2_5_dead_letter_queue.scm"),
};

fn check<'a>(m: &Match<'_, 'a>, out: &mut Findings<'a>) -> Option<()> {
    let function = m.site("function")?;
    if function.class.contains("EdgeFunction") {
        return None;
    }
    let label = function.label();
    let finding = out.report(
        &META,
        m.model,
        function.node,
        format!(
            "{label} keeps nothing of an event that it fails to handle: after its retries an asynchronous event is gone \
             without a trace. The fix adds an encrypted queue that keeps such events for 14 days; an empty queue costs nothing."
        ),
    );
    finding.fix(format!("Add a dead-letter queue to {label}"), move |b| add_queue(b, &function));
    Some(())
}

fn add_queue<'a>(b: &mut Builder<'_, 'a>, function: &Site<'a>) -> Result<(), Refusal> {
    let at = function.node;
    let statement = b.statement(at)?;
    let props = function.props(b.model);
    let role = props.get(b.model, "role");
    if let Some(role) = role.value() {
        if b.model.origin(role).is_none() {
            return Err(no_fix(
                "its role may be one that this app cannot change, and a queue it may not send to would fail the deployment",
                "allow the role sqs:SendMessage yourself, then set deadLetterQueue",
            ));
        }
    }
    let scope = b.scope_text(function);
    let label = function.label();
    let id = b.fresh_id(at, &[&format!("{label}DeadLetterQueue")]);
    let name =
        b.fresh_name(at.file, &["deadLetterQueue", &format!("{}DeadLetterQueue", lower_first(&label))]);
    let queue = b.cdk(at, "aws_sqs.Queue")?;
    let encryption = b.cdk(at, "aws_sqs.QueueEncryption")?;
    let duration = b.cdk(at, "Duration")?;
    let key = match props.get(b.model, "environmentEncryption") {
        Prop::Present(entry) => Some(entry.value.text()),
        _ => None,
    };
    let encrypted = match key {
        Some(key) => format!("encryption: {encryption}.KMS,\n  encryptionMasterKey: {key},"),
        None => format!("encryption: {encryption}.SQS_MANAGED,"),
    };
    let mut code = format!(
        "const {name} = new {queue}({scope}, '{id}', {{\n  {encrypted}\n  enforceSSL: true,\n  retentionPeriod: {duration}.days(14),\n}});"
    );
    if let (Some(_), Some(role)) = (key, role.value()) {
        code.push_str(&format!("\n{name}.grantSendMessages({});", role.text()));
    }
    b.insert_before(statement, &code);
    b.set_prop(function, "deadLetterQueue", &name)
}

fn lower_first(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map_or_else(String::new, |first| first.to_ascii_lowercase().to_string() + chars.as_str())
}
