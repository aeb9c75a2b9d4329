//! # 2.5 Lambda function without a dead-letter queue
//!
//! ## What is wrong
//! A function that is invoked asynchronously (by EventBridge, SNS, S3 and the like) drops an event when it
//! has failed three times. Without a dead-letter queue nothing keeps the event and nobody learns of it. Where Lambda reads a queue or a
//! stream for the function, what cannot be handled comes back until it expires, and a stream stands still behind it.
//!
//! ## What the fix does
//! It adds an SQS queue beside the function and names it as `deadLetterQueue`. The queue is encrypted with the
//! function's key where the function has one (the function's role is then allowed to use the key: CDK itself
//! adds only `sqs:SendMessage`), else with SQS's own; it refuses plain HTTP and keeps events for 14 days.
//! A queue that Lambda reads for a function gets such a queue as its own `deadLetterQueue`, for messages that were handed out
//! five times; the source of a stream gets it as `onFailure`, and five attempts with `bisectBatchOnError` where nothing bounds them.
//!
//! Where other alarms of the file tell a topic, an alarm tells it of what arrives in the queue.
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
//! `configureAsyncInvoke`, an `EventInvokeConfig` or CloudFormation's); for a `CfnFunction` that nothing in the app starts asynchronously; for Lambda@Edge, which cannot have one; for the handlers of custom resources. For functions fed only by a
//! poller the source is looked at instead: a queue that has a dead-letter queue or is one, and a stream with `onFailure`, or one that
//! is tried for ever on purpose (`retryAttempts: -1`), are well.
//!
//! ## When it refuses
//! Where the role is imported as one that must not change (`mutable: false`), or comes from elsewhere: CDK would then add no permission and
//! say nothing, and Lambda would reject the function when it is deployed; so too where the role of a `CfnFunction` is none that CDK can add a permission to. Where a stream is not built beside its source.
//!
//! ## What to know before deploying
//! The dead-letter configuration belongs to the function's version: a new version is published. An SQS queue that
//! stays empty costs nothing. Of a record of a stream only its place is kept: fetch it before the stream forgets it.
//!
//! ## Other checkers
//! Clears cdk-nag `Serverless-LambdaDLQ` and `NIST.800.53.R5-LambdaDLQ`, Checkov `CKV_AWS_116`; for a queue that is read `AwsSolutions-SQS3`. With a key of one's own, cdk-nag
//! `AwsSolutions-IAM5` reports CDK's own grant `kms:GenerateDataKey*`.
//! Checkov `CKV_AWS_27` asks for a key where none is in scope; SQS then encrypts with its own.

use super::kept_queue::{KeptQueue, name_for};
use super::{polled, raw_function};
use crate::detect::{Findings, Match, Refusal};
use crate::edit::{Builder, no_fix};
use crate::model::{Invocation, Meaning, Model, Prop, Site};
use crate::rule::{Impact, Meta, Pillar, Rule, Tier};
use crate::syntax::Syn;

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
    // An alarm on the queue tells the topic of the others: what to do then is theirs to say.
    raises: &["5.4", "5.8"],
    asks: &[],
    order: 250,
    source: include_str!("wa_2_5_dead_letter_queue.rs"),
    query: include_str!("../../queries/reliability/wa_2_5_dead_letter_queue.scm"),
};

fn check<'a>(m: &Match<'_, 'a>, out: &mut Findings<'a>) -> Option<()> {
    if let Some(source) = m.site("source") {
        return polled::check_queue(&META, m.model, &source, out);
    }
    if let Some(stream) = m.site("stream") {
        return polled::check_stream(&META, m.model, stream, out);
    }
    if let Some(raw) = m.site("raw") {
        return raw_function::check(&META, m.model, raw, out);
    }
    let function = m.site("function")?;
    let is = |class: &str| m.model.builds(&function, class);
    // Lambda@Edge cannot have a queue; CDK's own helpers keep their own counsel.
    if m.model.runs_at_edge(&function) || is("aws_lambda.SingletonFunction") {
        return None;
    }
    let callers: Vec<Invocation> = m.model.invocations(&function).into_iter().map(|(how, _)| how).collect();
    let only_polled = !callers.is_empty() && callers.iter().all(|how| *how == Invocation::Poll);
    let kept =
        m.model.is_called_on(&function, "configureAsyncInvoke") || m.model.has_invoke_config(&function);
    if only_polled || kept || m.model.serves_custom_resource(&function) {
        return None;
    }
    let label = function.label();
    let asynchronous = callers.contains(&Invocation::Async);
    let message = match given_to(m.model, &function).filter(|_| !asynchronous) {
        Some(other) => format!(
            "{label} has no dead-letter queue, and is given to {other}, which may invoke it asynchronously: an event that it fails to \
             handle would be gone without a trace. The fix adds an encrypted queue that keeps them for 14 days; a queue that stays empty \
             costs nothing."
        ),
        None => told(&label, asynchronous),
    };
    out.report(&META, m.model, function.node, message)
        .impact(if asynchronous { Impact::Medium } else { Impact::Low })
        .fix(format!("Add a dead-letter queue to {label}"), move |b| add_queue(b, &function));
    Some(())
}

/// The class of another package that a function is given to.
fn given_to<'a>(model: &Model<'a>, function: &Site<'a>) -> Option<&'a str> {
    model.uses(function).into_iter().find_map(|used| {
        let built = used.ancestors().find(|around| around.is("new_expression"))?;
        let class = built.field("constructor")?.text();
        let name = class.split('.').next()?;
        let import = model.imports(built.file).imports.iter().find(|import| import.local == name)?;
        let other = !import.module.starts_with('.') && !import.module.contains("aws-cdk");
        (other && model.site_of(built).is_none()).then_some(class)
    })
}

/// What is wrong with a function that has no dead-letter queue.
pub(super) fn told(label: &str, asynchronous: bool) -> String {
    if asynchronous {
        format!(
            "{label} is invoked asynchronously and keeps nothing of an event that it fails to handle: after two retries \
             the event is gone without a trace. The fix adds an encrypted queue that keeps such events for 14 days; \
             a queue that stays empty costs nothing."
        )
    } else {
        format!(
            "{label} has no dead-letter queue. Nothing in this app invokes it asynchronously, so nothing is lost today; the \
             first EventBridge rule or SNS subscription would lose each event that it fails to handle. The fix adds an \
             encrypted queue that keeps them for 14 days; a queue that stays empty costs nothing."
        )
    }
}

fn add_queue<'a>(b: &mut Builder<'_, 'a>, function: &Site<'a>) -> Result<(), Refusal> {
    let at = function.node;
    let statement = b.statement(at)?;
    let props = function.props(b.model);
    let role = props.get(b.model, "role");
    match role {
        Prop::Unknown => return Err(unknown_role()),
        Prop::Absent => {}
        Prop::Present(entry) => takes_policies(b.model, entry.value)?,
    }
    let key = props.get(b.model, "environmentEncryption").value().map(Syn::text);
    let own_name = name_for(&function.label());
    // Several functions in a file get a queue each: then every queue is called by its function.
    let functions =
        b.model.sites(at.file).iter().filter(|site| b.model.builds(site, "aws_lambda.Function")).count();
    let names =
        if functions > 1 { [own_name.as_str(), "deadLetterQueue"] } else { ["deadLetterQueue", &own_name] };
    let kept = KeptQueue { site: function, key, fifo: false };
    let (name, mut code) = kept.code(b, &names)?;
    if let (Some(_), Some(role)) = (key, role.value()) {
        // CDK lets the function send to the queue, but not use the queue's key.
        code.push_str(&format!("\n{name}.grantSendMessages({});", role.text()));
    }
    // What an alarm starts would be started by that of its own queue again.
    if !b.model.answers_alarms(function) {
        code.push_str(&kept.alarm(b, &name, statement)?);
    }
    b.insert_before(statement, &code);
    b.set_prop(function, "deadLetterQueue", &name)
}

/// That the CDK can add to what a role may do: one that the app builds, or imports without saying that it must not change. A function's
/// role is always one of its own account.
///
/// # Errors
/// A [`Refusal`] where it cannot, or that cannot be told.
pub(super) fn takes_policies<'a>(model: &Model<'a>, role: Syn<'a>) -> Result<(), Refusal> {
    const IMPORTS: [&str; 2] = ["aws_iam.Role.fromRoleArn", "aws_iam.Role.fromRoleName"];
    if model.origin(role).is_some() {
        return Ok(());
    }
    let Some(Meaning::Value(call)) = model.meaning(role) else { return Err(unknown_role()) };
    let callee = call.field("function").filter(|_| call.is("call_expression"));
    let imported =
        callee.and_then(|callee| model.cdk_name(callee)).is_some_and(|name| IMPORTS.contains(&name.as_str()));
    let options = call.field("arguments").and_then(|list| list.children().nth(3));
    let mutable = options.map_or(Prop::Absent, |options| model.props_of(options).get(model, "mutable"));
    match mutable {
        Prop::Absent if imported => Ok(()),
        Prop::Present(entry) if imported && entry.value.text() == "true" => Ok(()),
        Prop::Present(entry) if imported && entry.value.text() == "false" => Err(no_fix(
            "its role is imported with mutable: false, so CDK would add no permission and say nothing, and Lambda refuses a function whose \
             role may not send to its queue",
            "have the role's owner allow sqs:SendMessage on a queue of yours and set deadLetterQueue, or import the role without mutable: false",
        )),
        _ => Err(unknown_role()),
    }
}

fn unknown_role() -> Refusal {
    no_fix(
        "its role may be one that this app cannot change, and Lambda refuses a function whose role may not send to its queue",
        "let the role do sqs:SendMessage on a queue of yours, then set deadLetterQueue",
    )
}
