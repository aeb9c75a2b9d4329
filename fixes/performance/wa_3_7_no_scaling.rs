//! # 3.7 Provisioned capacity does not follow the traffic
//!
//! ## What is wrong
//! An alias has provisioned concurrency, and its number is fixed. Above it callers wait for cold starts, exactly when
//! traffic is highest; at night the same number waits and is billed. A DynamoDB table with provisioned capacity is the same: above
//! it requests are refused. Five reads and five writes a second is what it has where the code says nothing.
//!
//! ## What the fix does
//! It registers the alias with Application Auto Scaling: from today's number up to ten times as many, below what is reserved for
//! the function, so that instances are 70 % in use. An alarm tells when even the most are not enough, on the topic that the
//! other alarms of the file use. Where today's number is a field of a typed config object, the maximum becomes one too;
//! `--set provisioned_concurrency_max=40` says another. A table whose capacity is written down scales from there up to ten times
//! as much; one that says nothing is billed by request instead, which follows the traffic by itself.
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
//! replicas, or are scaled.
//!
//! ## When it refuses
//! Where nothing is provisioned yet. Where the reserved concurrency is not known or leaves no room for more. Where the
//! number is worked out in place, or the alias has no name, or one of type `IAlias`, which cannot be scaled. A table whose capacity
//! comes from elsewhere, or that has indexes: each has a capacity of its own.
//!
//! ## What to know before deploying
//! What is billed follows the traffic, up to the maximum. A deployment that publishes a version starts again from the least. The
//! first target of an account creates a service-linked role. An alias that nobody calls may stay where it was: without
//! data nothing scales in. A table can change how it is billed once a day; billed by request, one that is always busy may cost more.
//!
//! ## Other checkers
//! None has a rule for this. `CloudWatchAlarmAction` of cdk-nag's HIPAA, NIST and PCI packs appears where no topic is in reach, and so
//! does rule 5.8.

use super::table_capacity;
use crate::detect::{Findings, Match, Refusal};
use crate::edit::config::Field;
use crate::edit::{Builder, no_fix};
use crate::fixes::concurrency::{Reserved, reserved_in_production};
use crate::fixes::security::named;
use crate::model::{Binding, Model, Prop, Props, Site};
use crate::rule::{Impact, Meta, Pillar, Rule, Tier};
use crate::syntax::Syn;

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
    // Where the app has no topic, its alarm tells nobody yet.
    raises: &["5.8"],
    asks: &[],
    // Behind 2.8, which provisions; before 4.4, which moves the reserved number that this one has to read.
    order: 370,
    source: include_str!("wa_3_7_no_scaling.rs"),
    query: include_str!("../../queries/performance/wa_3_7_no_scaling.scm"),
};

const PROVISIONED: &str = "provisionedConcurrentExecutions";
/// The metric of requests that found no provisioned instance.
const SPILLOVER: &str = "ProvisionedConcurrencySpilloverInvocations";
/// How many times as many instances there may be as are kept ready at least.
const TIMES: u32 = 10;

/// An alias, however it is made.
#[derive(Clone)]
struct Alias<'a> {
    node: Syn<'a>,
    /// Where it is a construct of its own.
    site: Option<Site<'a>>,
    props: Props<'a>,
    function: Option<Site<'a>>,
    label: String,
}

/// How many instances are kept ready.
#[derive(Clone, Copy)]
enum Ready<'a> {
    /// A number.
    Always(u32),
    /// A number where a condition holds.
    When(Syn<'a>, u32),
    /// One number or another.
    Either(Syn<'a>, u32, u32),
    /// A name that holds a number, or nothing.
    Named(Syn<'a>),
    /// Worked out in place.
    Computed,
}

/// What is written: under which condition, between which numbers.
struct Range {
    guard: Option<String>,
    least: String,
    most: String,
}

fn check<'a>(m: &Match<'_, 'a>, out: &mut Findings<'a>) -> Option<()> {
    let model = m.model;
    if let Some(table) = m.site("table") {
        return table_capacity::check(&META, model, table, out);
    }
    let alias = match m.site("alias") {
        Some(site) => built(model, site),
        None => added(model, m.node("added")?)?,
    };
    if is_scaled(model, &alias) {
        return None;
    }
    let label = alias.label.clone();
    let value = match alias.props.get(model, PROVISIONED) {
        Prop::Present(entry) if entry.value.text() != "0" => entry.value,
        Prop::Absent => return mention(model, &alias, out),
        _ => return None,
    };
    let ready = ready(value);
    let message = format!(
        "{label} keeps a fixed number of instances ready ({}): above it callers wait for cold starts, below it idle ones are \
         billed. The fix lets the number follow the traffic up to a maximum, and what it costs with it; an alarm tells when \
         that is not enough.",
        one_line(value)
    );
    out.report(&META, model, alias.node, message)
        .fix(format!("Let the instances of {label} follow the traffic"), move |b| scale(b, &alias, ready));
    Some(())
}

fn built<'a>(model: &Model<'a>, site: Site<'a>) -> Alias<'a> {
    let props = site.props(model);
    let function = props.get(model, "version").value().and_then(|version| model.invoked_function(version));
    Alias { node: site.node, props, function, label: site.label(), site: Some(site) }
}

/// `fn.addAlias('live', { … })`.
fn added<'a>(model: &Model<'a>, call: Syn<'a>) -> Option<Alias<'a>> {
    let function = model.origin(call.field("function")?.field("object")?)?;
    if !model.builds(&function, "aws_lambda.Function") {
        return None;
    }
    let options = call.field("arguments")?.children().nth(1);
    let props = options.map_or(Props::EMPTY, |options| model.props_of(options));
    let label = function.label();
    Some(Alias { node: call, site: None, props, function: Some(function), label })
}

/// Whether something scales the alias, or may.
fn is_scaled<'a>(model: &Model<'a>, alias: &Alias<'a>) -> bool {
    let of_lambda = |site: &Site<'a>| {
        let target = model.builds(site, "aws_applicationautoscaling.ScalableTarget")
            || model.builds(site, "aws_applicationautoscaling.CfnScalableTarget");
        let space = || site.props(model).get(model, "serviceNamespace").value();
        target && space().is_none_or(|space| space.text().to_lowercase().contains("lambda"))
    };
    let called = model.method_calls("addAutoScaling").any(|call| {
        let object = call.field("function").and_then(|callee| callee.field("object"));
        object.is_none_or(|object| match model.origin(object) {
            Some(site) => site.node == alias.node,
            None => object == alias.node || may_be_alias(model, object, alias),
        })
    });
    called || model.all_sites().any(|site| of_lambda(&site))
}

/// Whether an expression that builds nothing by itself may stand for an alias: an instance of another class does not.
fn may_be_alias<'a>(model: &Model<'a>, object: Syn<'a>, alias: &Alias<'a>) -> bool {
    match model.meaning(object) {
        Some(crate::model::Meaning::Value(value)) if value.is("call_expression") => value == alias.node,
        _ => true,
    }
}

/// An alias that callers wait for and that keeps nothing ready: there is nothing to scale yet.
fn mention<'a>(model: &Model<'a>, alias: &Alias<'a>, out: &mut Findings<'a>) -> Option<()> {
    let function = alias.function.as_ref().filter(|_| alias.site.is_some())?;
    let props = function.props(model);
    let off =
        props.get(model, "reservedConcurrentExecutions").value().is_some_and(|value| value.text() == "0");
    if off || props.get(model, "snapStart") != Prop::Absent || model.awaiting(function).is_empty() {
        return None;
    }
    let message = format!(
        "Nothing scales {}: Lambda starts instances by itself as requests come, and callers wait for each. Once some are kept ready \
         (2.8), their number can follow the traffic.",
        alias.label
    );
    out.report(&META, model, alias.node, message).impact(Impact::Info).refuse(
        "nothing is provisioned that could be scaled",
        "keep instances ready first: --select 2.8,3.7 does both",
    );
    Some(())
}

fn ready(value: Syn<'_>) -> Ready<'_> {
    let number = |node: Option<Syn<'_>>| node.and_then(number);
    match value.kind() {
        "number" => number(Some(value)).map_or(Ready::Computed, Ready::Always),
        "parenthesized_expression" => value.first().map_or(Ready::Computed, ready),
        "ternary_expression" => {
            let (yes, no) = (value.field("consequence"), value.field("alternative"));
            let nothing = no.is_some_and(|no| matches!(no.text(), "undefined" | "0"));
            match (value.field("condition"), number(yes), number(no)) {
                (Some(condition), Some(yes), _) if nothing => Ready::When(condition, yes),
                (Some(condition), Some(yes), Some(no)) => Ready::Either(condition, yes, no),
                _ => Ready::Computed,
            }
        }
        "identifier" | "member_expression" | "shorthand_property_identifier" => Ready::Named(value),
        _ => Ready::Computed,
    }
}

fn number(node: Syn<'_>) -> Option<u32> {
    node.text().replace('_', "").parse().ok().filter(|number| node.is("number") && *number > 0)
}

/// Code in a message.
fn one_line(node: Syn<'_>) -> String {
    node.text().split_whitespace().collect::<Vec<_>>().join(" ")
}

fn scale<'a>(b: &mut Builder<'_, 'a>, alias: &Alias<'a>, ready: Ready<'a>) -> Result<(), Refusal> {
    let range = range(b, alias, ready)?;
    let statement = b.statement(alias.node)?;
    let name = name(b, alias, statement)?;
    let Range { guard, least, most } = range;
    let capacity = match format!("{{ minCapacity: {least}, maxCapacity: {most} }}") {
        short if !short.contains('\n') && b.fits(statement, 2, short.len() + 18) => short,
        _ => format!("{{\n    minCapacity: {least},\n    maxCapacity: {most},\n  }}"),
    };
    let mut code = format!(
        "{name}\n  .addAutoScaling({capacity})\n  .scaleOnUtilization({{ utilizationTarget: 0.7 }});"
    );
    if !b.model.cdk_files().any(|file| file.text.contains(SPILLOVER)) {
        code.push_str("\n\n");
        code.push_str(&alarm(b, alias, &name)?);
    }
    let note = "// Follows the traffic, and tells when the maximum is not enough";
    let code = match guard {
        Some(guard) => {
            format!("{note}\nif ({guard}) {{\n  {}\n}}", code.replace('\n', "\n  ").replace("\n  \n", "\n\n"))
        }
        None => format!("{note}\n{code}"),
    };
    b.insert_after(statement, &code);
    Ok(())
}

/// The text by which the alias can be scaled.
fn name<'a>(b: &mut Builder<'_, 'a>, alias: &Alias<'a>, statement: Syn<'a>) -> Result<String, Refusal> {
    let binding = Binding::of(alias.node);
    let typed = binding.declared_type();
    if typed.is_some_and(|ty| b.model.cdk_name(ty).as_deref() != Some("aws_lambda.Alias")) {
        return Err(no_fix(
            "the alias is held in a variable or field of another type than Alias, which has no addAutoScaling",
            "declare it as Alias, then run again",
        ));
    }
    let name = match &alias.site {
        Some(site) => named(b, site, statement, "alias"),
        None => binding.text(),
    };
    name.ok_or_else(|| no_fix("the alias is bound to no name", "assign it to a constant, then run again"))
}

/// Between which numbers the instances move.
fn range<'a>(b: &mut Builder<'_, 'a>, alias: &Alias<'a>, ready: Ready<'a>) -> Result<Range, Refusal> {
    let reserved = reserved(b, alias, matches!(ready, Ready::Either(..)));
    Ok(match ready {
        Ready::Always(number) => {
            let most = most(b, number, reserved)?;
            Range { guard: None, least: number.to_string(), most: most.to_string() }
        }
        Ready::When(condition, number) => {
            let most = most(b, number, reserved)?;
            Range { guard: Some(one_line(condition)), least: number.to_string(), most: most.to_string() }
        }
        Ready::Either(condition, yes, no) => {
            let most = most(b, yes.max(no), reserved)?;
            let share = |number: u32| number.saturating_mul(TIMES).min(most).max(number);
            let either = |yes: u32, no: u32| format!("{} ? {yes} : {no}", one_line(condition));
            Range { guard: None, least: either(yes, no), most: either(share(yes), share(no)) }
        }
        Ready::Named(name) => named_range(b, alias, name, reserved)?,
        Ready::Computed => {
            return Err(no_fix(
                "the number of instances is worked out in place",
                "keep it in a constant, then run again",
            ));
        }
    })
}

/// What is reserved where instances are kept ready: in production, or `everywhere`.
fn reserved<'a>(b: &Builder<'_, 'a>, alias: &Alias<'a>, everywhere: bool) -> Reserved {
    let Some(function) = &alias.function else { return Reserved::Unknown };
    let value = function.props(b.model).get(b.model, "reservedConcurrentExecutions").value();
    let same = value.is_none_or(|value| value.is("number"));
    if everywhere && !same { Reserved::Unknown } else { reserved_in_production(b, function) }
}

/// The most instances there may be: as asked, else ten times the least; below what is reserved.
fn most(b: &Builder<'_, '_>, least: u32, reserved: Reserved) -> Result<u32, Refusal> {
    let asked = asked(b)?;
    let wanted = asked.unwrap_or(least.saturating_mul(TIMES));
    let most = match reserved {
        Reserved::Nothing => wanted,
        Reserved::Number(reserved) => wanted.min(reserved.saturating_sub(1)),
        Reserved::Unknown if asked.is_some() => wanted,
        Reserved::Unknown => {
            return Err(no_fix(
                "its reserved concurrency is not known, and what is provisioned must stay below it",
                "give the maximum with --set provisioned_concurrency_max=…",
            ));
        }
    };
    if most <= least {
        return Err(no_fix(
            "there is no room above the number that is kept ready",
            "raise reservedConcurrentExecutions or the maximum, then run again",
        ));
    }
    Ok(most)
}

fn asked(b: &Builder<'_, '_>) -> Result<Option<u32>, Refusal> {
    let Some(text) = b.value_if_given("provisioned_concurrency_max") else { return Ok(None) };
    let number = text.trim().parse().ok().filter(|number: &u32| *number > 0);
    number
        .map(Some)
        .ok_or_else(|| no_fix("provisioned_concurrency_max is no number above 0", "give one such as 50"))
}

/// The range where the least has a name: a field of a config object gets a neighbour for the most.
fn named_range<'a>(
    b: &mut Builder<'_, 'a>,
    alias: &Alias<'a>,
    name: Syn<'a>,
    reserved: Reserved,
) -> Result<Range, Refusal> {
    let least = name.text().to_owned();
    if let Some(range) = in_config(b, alias, name, reserved)? {
        return Ok(range);
    }
    let constant =
        matches!(b.model.meaning(name), Some(crate::model::Meaning::Value(value)) if value.is("number"));
    let most = match (asked(b)?, reserved) {
        (Some(most), _) => most.to_string(),
        (None, Reserved::Nothing) => format!("{least} * {TIMES}"),
        (None, _) => {
            return Err(no_fix(
                "what is provisioned must stay below the function's reserved concurrency, and the number is not written here",
                "give the maximum with --set provisioned_concurrency_max=…",
            ));
        }
    };
    if constant {
        return Ok(Range { guard: None, least, most });
    }
    // Behind the condition the object is there.
    Ok(Range { guard: Some(least.clone()), least: least.replace("?.", "."), most: most.replace("?.", ".") })
}

fn in_config<'a>(
    b: &mut Builder<'_, 'a>,
    alias: &Alias<'a>,
    name: Syn<'a>,
    reserved: Reserved,
) -> Result<Option<Range>, Refusal> {
    let Some((object, property)) = name.field("object").zip(name.field("property")) else { return Ok(None) };
    let Some(today) = b.config_value(name) else { return Ok(None) };
    let Some(known) = b.environment(alias.node).known().cloned() else { return Ok(None) };
    if known.holder.as_ref().is_none_or(|holder| holder.text != object.text()) {
        return Ok(None);
    }
    let (production, other, sometimes) = match ready(today) {
        Ready::Always(number) => (number, Some(number), false),
        Ready::When(_, number) => (number, None, true),
        Ready::Either(_, yes, no) if reserved == Reserved::Nothing => (yes, Some(no), false),
        Ready::Either(..) | Ready::Named(_) | Ready::Computed => return Ok(None),
    };
    let most = most(b, production, reserved)?;
    let elsewhere = other.map_or_else(
        || "undefined".to_owned(),
        |number| number.saturating_mul(TIMES).min(most).max(number).to_string(),
    );
    let field = format!("{}Max", property.text());
    let field = Field {
        names: &[&field],
        ty: "number",
        optional: sometimes,
        doc: "The most instances that are kept ready, when traffic asks for them.",
        production: &most.to_string(),
        other: &elsewhere,
    };
    let Some(text) = b.config_fields(&known, &[field])?.and_then(|mut texts| texts.pop()) else {
        return Ok(None);
    };
    let least = name.text().to_owned();
    Ok(Some(Range { guard: sometimes.then(|| format!("{least} && {text}")), least, most: text }))
}

/// An alarm for requests that found no provisioned instance.
fn alarm<'a>(b: &mut Builder<'_, 'a>, alias: &Alias<'a>, name: &str) -> Result<String, Refusal> {
    let at = alias.node;
    let statement = b.statement(at)?;
    let class = b.cdk(at, "aws_cloudwatch.Alarm")?;
    let missing = b.cdk(at, "aws_cloudwatch.TreatMissingData")?;
    let duration = b.cdk(at, "Duration")?;
    let owner =
        alias.site.as_ref().or(alias.function.as_ref()).ok_or_else(|| {
            no_fix("the function of the alias cannot be followed", "add the scaling by hand")
        })?;
    let id = b.sibling_id(owner, "SpilloverAlarm");
    let scope = b.scope_text(owner);
    let action = match b.alarm_topic(statement) {
        Some(topic) => {
            b.let_alarms_reach(topic)?;
            let class = b.cdk(at, "aws_cloudwatch_actions.SnsAction")?;
            format!(".addAlarmAction(new {class}({}))", topic.text())
        }
        None => String::new(),
    };
    let head = format!("metric: {name}.metric('{SPILLOVER}', {{");
    let metric = if b.fits(statement, 2, head.len()) {
        format!("{head}\n    period: {duration}.minutes(5),\n    statistic: 'Sum',\n  }}),")
    } else {
        format!(
            "metric: {name}.metric(\n    '{SPILLOVER}',\n    {{ period: {duration}.minutes(5), statistic: 'Sum' }}\n  ),"
        )
    };
    Ok(format!(
        "new {class}({scope}, {id}, {{\n  alarmDescription: 'Requests found no instance ready: raise the maximum',\n  {metric}\n  \
         threshold: 1,\n  evaluationPeriods: 3,\n  treatMissingData: {missing}.NOT_BREACHING,\n}}){action};"
    ))
}
