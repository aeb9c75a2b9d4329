//! # 2.4 The timeout of a function is a number in the code, or is not given
//!
//! ## What is wrong
//! Lambda ends an invocation at its timeout, in the middle of the work. A function that says nothing gets 3 seconds, which a
//! cold start and one slow call use up. A number in the code is the same in every deployment and takes a change of the
//! program to correct. A queue that shows a message again before its function has finished has it handled twice.
//!
//! ## What the fix does
//! It moves the number to where the app keeps what differs between deployments, and does not change it: a field of the typed
//! config object in scope, where one function of the app builds that, else the context. A function that says nothing gets 29
//! seconds where callers wait for it (API Gateway waits no longer) and 60 elsewhere: in the settings, if the app tells its
//! environments apart. Where an SQS queue feeds the function, the
//! queue keeps a message hidden for six times the timeout, as Lambda recommends. A `CfnFunction` gets the same in seconds.
//!
//! ## Before
//! ```ts
//! import * as cdk from 'aws-cdk-lib';
//! import * as lambda from 'aws-cdk-lib/aws-lambda';
//! import { Construct } from 'constructs';
//!
//! interface Settings {
//!   stage: string;
//!   region: string;
//! }
//!
//! function settingsOf(stage: string): Settings {
//!   return {
//!     stage,
//!     region: 'eu-central-1',
//!   };
//! }
//!
//! export class OrdersStack extends cdk.Stack {
//!   constructor(scope: Construct, id: string) {
//!     super(scope, id);
//!     const settings = settingsOf(this.node.tryGetContext('stage') ?? 'dev');
//!
//!     new lambda.Function(this, 'Orders', {
//!       description: settings.stage,
//!       runtime: lambda.Runtime.NODEJS_18_X,
//!       handler: 'index.handler',
//!       code: lambda.Code.fromInline('exports.handler = async () => {};'),
//!       timeout: cdk.Duration.seconds(20),
//!     });
//!   }
//! }
//! ```
//!
//! ## After
//! ```ts
//! import * as cdk from 'aws-cdk-lib';
//! import * as lambda from 'aws-cdk-lib/aws-lambda';
//! import { Construct } from 'constructs';
//!
//! interface Settings {
//!   stage: string;
//!   region: string;
//!   lambdaTimeoutSeconds: number;
//! }
//!
//! function settingsOf(stage: string): Settings {
//!   return {
//!     stage,
//!     region: 'eu-central-1',
//!     lambdaTimeoutSeconds: 20,
//!   };
//! }
//!
//! export class OrdersStack extends cdk.Stack {
//!   constructor(scope: Construct, id: string) {
//!     super(scope, id);
//!     const settings = settingsOf(this.node.tryGetContext('stage') ?? 'dev');
//!
//!     new lambda.Function(this, 'Orders', {
//!       description: settings.stage,
//!       runtime: lambda.Runtime.NODEJS_18_X,
//!       handler: 'index.handler',
//!       code: lambda.Code.fromInline('exports.handler = async () => {};'),
//!       timeout: cdk.Duration.seconds(settings.lambdaTimeoutSeconds),
//!     });
//!   }
//! }
//! ```
//!
//! ## When it stays silent
//! Where the timeout comes from a name, a call or a condition, or from an object that several functions share; where there is a
//! number and nothing in scope tells environments apart; in code that belongs to one environment; for functions at the edge, authorizers and Cognito triggers, which have limits of their own, for
//! singletons, and for those that serve custom resources or that alarms start. Where a queue feeds the function and hides its messages long enough: the two
//! numbers belong together, so they stay. Where that queue is not in the app or its time is computed. For a `CfnFunction`
//! in an app with a `CfnEventSourceMapping` or a `CfnDistribution`, which may bound it.
//!
//! ## When it refuses
//! Where neither a config object nor the context can be read; where `lambda_timeout_seconds` is more than the caller waits.
//!
//! ## What to know before deploying
//! Moving a number leaves the template as it is. Where there was none, the function gets a new version, and an invocation that
//! hangs is billed until the new timeout. API Gateway stops waiting after 29 s (a REST API; more needs a raised quota and a regional
//! endpoint) or 30 s (an HTTP API, for good): a higher timeout of the function changes nothing for a caller.
//!
//! ## Other checkers
//! Clears cdk-nag `Serverless-LambdaDefaultTimeout`. cfn-lint E3505 reports a queue that hides its messages for less than the timeout.

use super::timeout::{
    Feed, Given, Literal, PROP, Source, given, has_own_limit, is_raw, may_be_bound, patience, source,
};
use crate::detect::{Findings, Match, Refusal};
use crate::edit::{Builder, no_fix};
use crate::fixes::cost::function::{Setting, decides_itself, from_settings, label};
use crate::model::{Environment, Model, Site};
use crate::rule::{AnswerType, Impact, Meta, Pillar, Question, Rule, Tier};
use crate::syntax::Syn;

/// The rule.
pub const RULE: Rule = Rule { meta: &META, check };
const TIMEOUT: Question = Question {
    key: "lambda_timeout_seconds",
    ask: "How many seconds (1 to 900) should functions get that say nothing of their timeout?",
    kind: AnswerType::Number { least: 1, most: 900 },
    example: "29",
};
const META: Meta = Meta {
    id: "2.4",
    also: &[],
    name: "lambda-timeout",
    title: "The timeout of a function is a number in the code, or is not given",
    pillar: Pillar::Reliability,
    impact: Impact::Medium,
    tier: Tier::Review,
    practice: "REL05-BP05",
    clears: &["Serverless-LambdaDefaultTimeout"],
    raises: &[],
    asks: &[TIMEOUT],
    order: 240,
    source: include_str!("wa_2_4_lambda_timeout.rs"),
    query: include_str!("../../queries/reliability/wa_2_4_lambda_timeout.scm"),
};
/// What Lambda gives a function that says nothing, in seconds.
const DEFAULT: u32 = 3;
/// What a function gets that somebody waits for, and any other.
const AWAITED: u32 = 29;
const USUAL: u32 = 60;

fn check<'a>(m: &Match<'_, 'a>, out: &mut Findings<'a>) -> Option<()> {
    let model = m.model;
    let function = m.site("function")?;
    let is = |class: &str| model.builds(&function, class);
    let other = model.runs_at_edge(&function) || is("aws_lambda.SingletonFunction");
    if other
        || decides_itself(&function)
        || model.serves_custom_resource(&function)
        || model.answers_alarms(&function)
        || has_own_limit(model, &function)
    {
        return None;
    }
    let given = given(model, &function)?;
    if is_raw(model, &function) && may_be_bound(model) {
        return None;
    }
    let environment = model.environment(match given {
        Given::Number(today) => today.call,
        Given::Nothing => function.node,
    });
    if environment == Environment::Guarded {
        return None;
    }
    let tiered = environment != Environment::None;
    match (given, source(model, &function)?) {
        (Given::Number(today), Source::Queue(feed)) => shown_again(model, &function, today, feed, out)?,
        (Given::Number(today), Source::Other) if tiered => hard_coded(model, function, today, out),
        // Where nothing differs between deployments, a number in the code is as good as one beside it.
        (Given::Number(_), Source::Other) => return None,
        (Given::Nothing, source) => not_given(model, function, source, tiered, out),
    }
    Some(())
}

fn hard_coded<'a>(model: &Model<'a>, function: Site<'a>, today: Literal<'a>, out: &mut Findings<'a>) {
    let label = label(&function);
    let given = spoken(today);
    let patience = patience(model, &function).filter(|patience| *patience < today.seconds);
    let message = match patience {
        Some(patience) => format!(
            "{label} may run for {given}, a number in the code. API Gateway stops waiting after {patience} s, so the rest does nothing \
             for a caller, and a higher number would not either. The fix keeps the number and moves it to the app's settings, where \
             it can be corrected; the template stays as it is."
        ),
        None => format!(
            "{label} is ended after {given} in every deployment, a number in the code: to correct it is a change of the program. \
             The fix moves the number to the app's settings and keeps it; the template stays as it is."
        ),
    };
    out.report(&META, model, today.call, message)
        .impact(if patience.is_some() { Impact::Info } else { Impact::Low })
        .tier(Tier::Safe)
        .fix(format!("Move the timeout of {label} to the app's settings"), move |b| {
            externalise(b, &function, Given::Number(today), today.number.text())
        });
}

fn spoken(duration: Literal<'_>) -> String {
    let unit = spoken_unit(duration.unit).to_lowercase();
    let number = duration.number.text();
    let one = number == "1";
    format!("{number} {}", if one { unit.trim_end_matches('s') } else { &unit })
}

/// `Milliseconds` of `Duration.millis`.
fn spoken_unit(unit: &str) -> &str {
    if unit == "Millis" { "Milliseconds" } else { unit }
}

fn shown_again<'a>(
    model: &Model<'a>,
    function: &Site<'a>,
    today: Literal<'a>,
    feed: Feed<'a>,
    out: &mut Findings<'a>,
) -> Option<()> {
    let wanted = today.seconds.checked_mul(6)?;
    let Feed { queue, hidden } = feed;
    if hidden >= wanted || wanted > 43_200 {
        return None;
    }
    let (label, name) = (label(function), queue.label());
    let given = spoken(today);
    let (danger, impact) = if hidden < today.seconds {
        (
            format!("less than the {given} that {label} may run: Lambda refuses to read such a queue"),
            Impact::High,
        )
    } else {
        (
            format!(
                "less than six times the {given} that {label} may run: a message that waits behind others \
                 or is tried again can be handled twice"
            ),
            Impact::Low,
        )
    };
    let message = format!(
        "{name} hides a message for {hidden} s, {danger}. The fix lets it hide a message for six times the timeout; a message of a \
         function that crashes then comes back that much later."
    );
    let candidate = out.report(&META, model, queue.node, message);
    candidate.key(&label).impact(impact).fix(
        format!("Hide messages of {name} for six timeouts of {label}"),
        move |b| {
            let (number, unit) = (today.number.text(), today.unit.to_lowercase());
            let duration = b.cdk(queue.node, "Duration")?;
            b.set_prop(&queue, "visibilityTimeout", &format!("{duration}.{unit}(6 * {number})"))
        },
    );
    Some(())
}

/// `cdk.Duration` of `cdk.Duration.seconds(30)`.
fn callee(call: Syn<'_>) -> String {
    let object = call.field("function").and_then(|callee| callee.field("object"));
    object.map_or("cdk.Duration", Syn::text).to_owned()
}

fn not_given<'a>(
    model: &Model<'a>,
    function: Site<'a>,
    source: Source<'a>,
    tiered: bool,
    out: &mut Findings<'a>,
) {
    let label = label(&function);
    let awaited = !model.awaiting(&function).is_empty();
    let called = !model.invocations(&function).is_empty();
    let short = matches!(&source, Source::Queue(feed) if feed.hidden < USUAL);
    let seconds = match &source {
        _ if awaited => AWAITED,
        Source::Queue(feed) if !short => USUAL.min(feed.hidden / 6),
        _ => USUAL,
    };
    let hides = if short { ", and lets its queue hide a message for six times that" } else { "" };
    let message = format!(
        "{label} says nothing of its timeout and is ended after {DEFAULT} seconds, in the middle of the work if a cold start or a slow \
         call takes longer. The fix gives it {seconds} seconds{hides}; an invocation that hangs is billed until then."
    );
    out.report(&META, model, function.node, message)
        .impact(if called { Impact::Medium } else { Impact::Low })
        .fix(format!("Give {label} a timeout"), move |b| {
            let seconds = asked(b, &function, seconds)?;
            match &source {
                Source::Other if tiered => externalise(b, &function, Given::Nothing, &seconds.to_string()),
                Source::Other => set(b, &function, seconds),
                Source::Queue(feed) => with_queue(b, &function, feed, seconds),
            }
        });
}

fn asked<'a>(b: &Builder<'_, 'a>, function: &Site<'a>, usual: u32) -> Result<u32, Refusal> {
    let Some(given) = b.value_if_given(TIMEOUT.key) else { return Ok(usual) };
    let seconds =
        given.parse().ok().filter(|number| (1..=900).contains(number)).ok_or_else(|| {
            no_fix("lambda_timeout_seconds is no number from 1 to 900", "give one such as 29")
        })?;
    match patience(b.model, function) {
        Some(patience) if seconds > patience => Err(no_fix(
            &format!("API Gateway waits {patience} s for this function, less than lambda_timeout_seconds"),
            "give a smaller number; for longer work, answer first and work asynchronously",
        )),
        _ => Ok(seconds),
    }
}

/// The function's timeout and its queue's time belong together: both stay in the code.
fn with_queue<'a>(
    b: &mut Builder<'_, 'a>,
    function: &Site<'a>,
    feed: &Feed<'a>,
    seconds: u32,
) -> Result<(), Refusal> {
    set(b, function, seconds)?;
    if feed.hidden >= 6 * seconds {
        return Ok(());
    }
    let duration = b.cdk(feed.queue.node, "Duration")?;
    b.set_prop(&feed.queue, "visibilityTimeout", &format!("{duration}.seconds(6 * {seconds})"))
}

fn set<'a>(b: &mut Builder<'_, 'a>, function: &Site<'a>, seconds: u32) -> Result<(), Refusal> {
    if is_raw(b.model, function) {
        return b.set_prop(function, PROP, &seconds.to_string());
    }
    let duration = b.cdk(function.node, "Duration")?;
    b.set_prop(function, PROP, &format!("{duration}.seconds({seconds})"))
}

fn externalise<'a>(
    b: &mut Builder<'_, 'a>,
    function: &Site<'a>,
    given: Given<'a>,
    number: &str,
) -> Result<(), Refusal> {
    let (unit, call) = match given {
        Given::Number(today) => (today.unit, Some(today.call)),
        Given::Nothing => ("Seconds", None),
    };
    let waits = patience(b.model, function)
        .map_or_else(String::new, |seconds| format!("; API Gateway waits {seconds} seconds for it"));
    let setting = Setting {
        name: &format!("Timeout{unit}"),
        doc: &format!("{} after which Lambda ends the function{waits}.", spoken_unit(unit)),
        number,
        around: "  ",
    };
    let text = from_settings(b, function, call, &setting)?;
    if let Given::Number(today) = given
        && today.call.text().contains("/*")
    {
        b.replace(today.number, &text);
        return Ok(());
    }
    if is_raw(b.model, function) {
        return b.set_prop(function, PROP, &text);
    }
    let duration = match call {
        Some(call) => callee(call),
        None => b.cdk(function.node, "Duration")?,
    };
    let method = unit.to_lowercase();
    let whole = format!("{duration}.{method}({text})");
    let (place, deep) = call.map_or((function.node, 1), |call| (call, 0));
    let short = !text.contains('\n') && b.fits(place, deep, "timeout: ,".len() + whole.len());
    let broken = format!("{duration}.{method}(\n  {}\n)", text.replace('\n', "\n  "));
    b.set_prop(function, PROP, if short { &whole } else { &broken })
}
