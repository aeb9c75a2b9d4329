//! # 4.4 Much concurrency is set aside for one function
//!
//! ## What is wrong
//! Reserved concurrency belongs to one function, used or not: every other function of the account shares what is left, and
//! this one answers 429 above its number. The reservation itself costs nothing, so this is about availability rather than
//! about the bill. Here 50 or more are set aside by a number in the code, and nothing tells whether it is the right one.
//!
//! ## What the fix does
//! It keeps today's number, moves it to where the app keeps what differs between deployments, and adds an alarm
//! at 80 % of it. Where a typed config object is in scope that one function of the app builds, the number, or the whole
//! condition that chooses it, becomes a field of that; elsewhere it can be given as context. The alarm tells the topic that
//! the other alarms of the file tell; if that is encrypted by a key of the app, CloudWatch is allowed to use the key.
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
//!     const orders = new lambda.Function(this, 'Orders', {
//!       runtime: lambda.Runtime.NODEJS_18_X,
//!       handler: 'index.handler',
//!       code: lambda.Code.fromInline('exports.handler = async () => {};'),
//!       reservedConcurrentExecutions: settings.stage === 'prod' ? 100 : 2,
//!     });
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
//! interface Settings {
//!   stage: string;
//!   region: string;
//!   lambdaReservedConcurrency?: number;
//! }
//!
//! function settingsOf(stage: string): Settings {
//!   const isProduction = stage === 'prod';
//!   return {
//!     stage,
//!     region: 'eu-central-1',
//!     lambdaReservedConcurrency: isProduction ? 100 : 2,
//!   };
//! }
//!
//! export class OrdersStack extends cdk.Stack {
//!   constructor(scope: Construct, id: string) {
//!     super(scope, id);
//!     const settings = settingsOf(this.node.tryGetContext('stage') ?? 'dev');
//!
//!     const orders = new lambda.Function(this, 'Orders', {
//!       runtime: lambda.Runtime.NODEJS_18_X,
//!       handler: 'index.handler',
//!       code: lambda.Code.fromInline('exports.handler = async () => {};'),
//!       reservedConcurrentExecutions: settings.lambdaReservedConcurrency,
//!     });
//!
//!     // Tells whether the number is right
//!     if (settings.lambdaReservedConcurrency) {
//!       new cloudwatch.Alarm(this, 'OrdersConcurrencyAlarm', {
//!         alarmDescription: 'Orders is close to its reserved concurrency',
//!         metric: orders.metric('ConcurrentExecutions', {
//!           period: cdk.Duration.minutes(5),
//!           statistic: 'Maximum',
//!         }),
//!         threshold: Math.ceil(settings.lambdaReservedConcurrency * 0.8),
//!         evaluationPeriods: 3,
//!         comparisonOperator:
//!           cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
//!         treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
//!       });
//!     }
//!   }
//! }
//! ```
//!
//! ## When it stays silent
//! Below 50; at 0, which switches a function off; where the number comes from a name or a call, or from an object that several
//! functions share; for a function that reads a queue or a stream, whose limit guards what lies behind it; in code that
//! belongs to one environment; for functions at the edge, singletons, and those that serve custom resources.
//!
//! ## When it refuses
//! Where neither a config object nor the context can be read.
//!
//! ## What to know before deploying
//! The number stays what it is, and a change of it publishes no new version. An alarm is billed. For another number, take
//! the requests per second times the mean duration in seconds, and leave 100 of the account's concurrency unreserved: Lambda
//! demands that, and in a new account with a small quota any reservation fails. Where the topic is encrypted by a key that
//! the app does not build, see that CloudWatch may use it. Provisioned concurrency (2.8) must stay below the number.
//!
//! ## Other checkers
//! cdk-nag's HIPAA pack has `LambdaConcurrency`, which wants a reservation on each function.

use super::function::{decides_itself, label, names, scope_text};
use crate::detect::{Findings, Match, Refusal};
use crate::edit::Builder;
use crate::edit::config::Field;
use crate::model::{Environment, Invocation, Model, Prop, Site};
use crate::rule::{Impact, Meta, Pillar, Rule, Tier};
use crate::syntax::Syn;

/// The rule.
pub const RULE: Rule = Rule { meta: &META, check };

const META: Meta = Meta {
    id: "4.4",
    also: &[],
    name: "reserved-concurrency",
    title: "Much concurrency is set aside for one function",
    pillar: Pillar::Cost,
    impact: Impact::Low,
    // An alarm is billed, and a key's policy may grow: not `safe`.
    tier: Tier::Review,
    practice: "COST06-BP02",
    clears: &[],
    // Where the app has no topic, its alarm tells nobody yet.
    raises: &["5.8"],
    asks: &[],
    // Behind 2.8, which reads the number where it stands; it also follows the number into a config object.
    order: 440,
    source: include_str!("wa_4_4_reserved_concurrency.rs"),
    query: include_str!("../../queries/cost/wa_4_4_reserved_concurrency.scm"),
};

const PROP: &str = "reservedConcurrentExecutions";
/// From here on it is much.
const MUCH: u32 = 50;

/// The number as it stands.
#[derive(Clone, Copy)]
enum Reserved<'a> {
    Everywhere(Syn<'a>),
    Tiered { condition: Syn<'a>, yes: Syn<'a>, no: Syn<'a> },
}

fn check<'a>(m: &Match<'_, 'a>, out: &mut Findings<'a>) -> Option<()> {
    let model = m.model;
    let function = m.site("function")?;
    let is = |class: &str| model.builds(&function, class);
    let edge = model.runs_at_edge(&function);
    let other = edge || is("aws_lambda.SingletonFunction") || decides_itself(&function);
    let polled = model.invocations(&function).iter().any(|(how, _)| *how == Invocation::Poll);
    if other || polled || model.serves_custom_resource(&function) {
        return None;
    }
    let props = function.props(model);
    let Prop::Present(entry) = props.get(model, PROP) else { return None };
    let object = entry.entry.parent().filter(|object| props.object() == Some(*object))?;
    if !object.ancestors().any(|around| around == function.node) {
        return None;
    }
    let reserved = reserved(model, entry.value)?;
    if model.environment(entry.value) == Environment::Guarded {
        return None;
    }
    let (label, value) = (label(&function), entry.value);
    let watched = function.bound().filter(|_| !is_watched(model, &function));
    let numbers = match reserved {
        Reserved::Everywhere(number) => format!("{} in every environment", number.text()),
        Reserved::Tiered { yes, no, .. } => format!("{} or {}, by the environment", yes.text(), no.text()),
    };
    let (fix, title) = match &watched {
        Some(_) => {
            ("moves it to the app's settings, and adds an alarm at 80 % of it (billed)", " and watch it")
        }
        None => ("moves it to the app's settings", ""),
    };
    let message = format!(
        "{label} keeps concurrency for itself ({numbers}), and nothing tells whether that is the right number: it costs \
         nothing, but no other function may use it, and above it callers get 429. The fix keeps the number, {fix}."
    );
    let tier = if watched.is_some() { Tier::Review } else { Tier::Safe };
    out.report(&META, model, value, message)
        .tier(tier)
        .fix(format!("Move the reserved concurrency of {label} to the app's settings{title}"), move |b| {
            externalise(b, &function, (value, reserved), watched.as_deref())
        });
    Some(())
}

fn reserved<'a>(model: &Model<'a>, value: Syn<'a>) -> Option<Reserved<'a>> {
    if value.is("number") {
        return (number(value)? >= MUCH).then_some(Reserved::Everywhere(value));
    }
    if !value.is("ternary_expression") {
        return None;
    }
    let condition = value.field("condition").filter(|condition| model.mentions_environment(*condition))?;
    let (yes, no) = (value.field("consequence")?, value.field("alternative")?);
    let size = |branch: Syn<'_>| if branch.text() == "undefined" { Some(0) } else { number(branch) };
    (size(yes)?.max(size(no)?) >= MUCH).then_some(Reserved::Tiered { condition, yes, no })
}

fn number(value: Syn<'_>) -> Option<u32> {
    value.text().replace('_', "").parse().ok().filter(|_| value.is("number"))
}

/// Whether an alarm looks at the concurrency of a function already; a graph does not tell anybody.
fn is_watched<'a>(model: &Model<'a>, function: &Site<'a>) -> bool {
    model.method_calls("metric").any(|call| {
        let object = call.field("function").and_then(|callee| callee.field("object"));
        call.text().contains("ConcurrentExecutions")
            && is_for_an_alarm(model, call)
            && object
                .and_then(|object| model.invoked_function(object))
                .is_none_or(|site| site.node == function.node)
    })
}

/// Whether a metric is given to an alarm, or to a name that may be.
fn is_for_an_alarm<'a>(model: &Model<'a>, metric: Syn<'a>) -> bool {
    metric.ancestors().take_while(|around| !around.is("statement_block")).any(|around| {
        matches!(around.kind(), "variable_declarator" | "assignment_expression")
            || around.field("property").is_some_and(|method| method.text() == "createAlarm")
            || model.site_of(around).is_some_and(|site| model.builds(&site, "aws_cloudwatch.Alarm"))
    })
}

fn externalise<'a>(
    b: &mut Builder<'_, 'a>,
    function: &Site<'a>,
    (value, reserved): (Syn<'a>, Reserved<'a>),
    watched: Option<&str>,
) -> Result<(), Refusal> {
    let names = names(b.model, function, "ReservedConcurrency");
    let text = match in_config(b, value, reserved, &names)? {
        Some(text) => text,
        None => from_context(b, function, (reserved, &names.0), watched.is_some())?,
    };
    set(b, function, value, &text)?;
    match watched {
        Some(name) => watch(b, function, name, &text),
        None => Ok(()),
    }
}

/// Sets the number; a short one goes up to the line of its name.
fn set<'a>(b: &mut Builder<'_, 'a>, function: &Site<'a>, old: Syn<'a>, text: &str) -> Result<(), Refusal> {
    let white = |pair: &Syn<'a>| {
        let rest = pair.text().strip_prefix(PROP).and_then(|rest| rest.strip_prefix(':'));
        rest.is_some_and(|rest| rest.trim_start() == old.text())
    };
    let pair = old.parent().filter(white);
    match pair {
        Some(pair) if pair.text().contains('\n') && text.len() <= 40 && !text.contains('\n') => {
            b.replace(pair, &format!("{PROP}: {text}"));
            Ok(())
        }
        _ => b.set_prop(function, PROP, text),
    }
}

/// The field of the config object through which the environment is known.
fn in_config<'a>(
    b: &mut Builder<'_, 'a>,
    value: Syn<'a>,
    reserved: Reserved<'a>,
    names: &(String, String),
) -> Result<Option<String>, Refusal> {
    let Environment::Known(known) = b.environment(value) else { return Ok(None) };
    // Where the object may be undefined, the number would be as well.
    if known.holder.as_ref().is_none_or(|held| held.optional || held.text.contains('?')) {
        return Ok(None);
    }
    let (production, other) = match reserved {
        Reserved::Everywhere(number) => (number, number),
        Reserved::Tiered { condition, yes, no }
            if plain(condition.text()) == plain(&known.expression) && b.means_the_same_in_factory(&known) =>
        {
            (yes, no)
        }
        Reserved::Tiered { .. } => return Ok(None),
    };
    let field = Field {
        names: &[&names.0, &names.1],
        ty: "number",
        optional: true,
        doc: "Concurrency that is set aside for the function; left out, it shares the account's.",
        production: production.text(),
        other: other.text(),
    };
    Ok(b.config_fields(&known, &[field])?.and_then(|mut texts| texts.pop()))
}

/// An expression without what does not matter: white space and the kind of quotes.
fn plain(expression: &str) -> String {
    let text: String = expression.chars().filter(|c| !c.is_whitespace()).collect();
    text.trim_matches(['(', ')']).replace('"', "'")
}

/// The number by the context, today's if none is given; named by a constant where it is needed twice.
fn from_context<'a>(
    b: &mut Builder<'_, 'a>,
    function: &Site<'a>,
    (reserved, key): (Reserved<'a>, &str),
    twice: bool,
) -> Result<String, Refusal> {
    let scope = scope_text(b.model, function)?;
    let context = format!("{scope}.node.tryGetContext('{key}')");
    let read = |default: &str| {
        let gap = if context.len() + default.len() > 70 { "\n    " } else { " " };
        format!("Number(\n  {context} ??{gap}{default}\n)")
    };
    let text = match reserved {
        Reserved::Everywhere(number) => read(number.text()),
        Reserved::Tiered { condition, yes, no } => {
            let branch = |branch: Syn<'a>| match branch.text() {
                "undefined" => "undefined".to_owned(),
                number if context.len() + number.len() < 56 => format!("Number({context} ?? {number})"),
                number => read(number).replace('\n', "\n  "),
            };
            if [yes, no].iter().any(|branch| branch.text() == "undefined") {
                format!("{}\n  ? {}\n  : {}", condition.text(), branch(yes), branch(no))
            } else {
                read(&format!("({} ? {} : {})", condition.text(), yes.text(), no.text()))
            }
        }
    };
    if !twice {
        return Ok(text);
    }
    let statement = b.statement(function.node)?;
    let own = crate::edit::config::name_after(&label(function), "ReservedConcurrency");
    let limited = |site: &&Site<'a>| site.props(b.model).get(b.model, PROP) != Prop::Absent;
    let several = b.model.sites(function.node.file).iter().filter(limited).nth(1).is_some();
    let names =
        if several { [own.as_str(), "reservedConcurrency"] } else { ["reservedConcurrency", own.as_str()] };
    let name = b.fresh_name(function.node.file, &names);
    b.insert_before(statement, &format!("const {name} = {text};"));
    Ok(name)
}

/// An alarm at 80 % of the number.
fn watch<'a>(b: &mut Builder<'_, 'a>, function: &Site<'a>, name: &str, number: &str) -> Result<(), Refusal> {
    let at = function.node;
    let statement = b.statement(at)?;
    let alarm = b.cdk(at, "aws_cloudwatch.Alarm")?;
    let operator = b.cdk(at, "aws_cloudwatch.ComparisonOperator")?;
    let missing = b.cdk(at, "aws_cloudwatch.TreatMissingData")?;
    let duration = b.cdk(at, "Duration")?;
    let id = b.sibling_id(function, "ConcurrencyAlarm");
    let action =
        b.alarm_action(statement)?.map_or_else(String::new, |action| format!(".addAlarmAction({action})"));
    let scope = b.scope_text(function);
    // An id that is computed is no name.
    let label = Some(label(function))
        .filter(|label| label.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)))
        .unwrap_or_else(|| "The function".to_owned());
    b.insert_after(
        statement,
        &format!(
            "// Tells whether the number is right\n\
             if ({number}) {{\n  \
               new {alarm}({scope}, {id}, {{\n    \
                 alarmDescription: '{label} is close to its reserved concurrency',\n    \
                 metric: {name}.metric('ConcurrentExecutions', {{\n      \
                   period: {duration}.minutes(5),\n      \
                   statistic: 'Maximum',\n    \
                 }}),\n    \
                 threshold: Math.ceil({number} * 0.8),\n    \
                 evaluationPeriods: 3,\n    \
                 comparisonOperator:\n      \
                   {operator}.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,\n    \
                 treatMissingData: {missing}.NOT_BREACHING,\n  \
               }}){action};\n\
             }}"
        ),
    );
    Ok(())
}
