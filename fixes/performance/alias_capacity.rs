//! Aliases whose provisioned concurrency does not follow the traffic.

use super::alias_range::{Range, Ready, one_line, range, ready};
use crate::detect::{Findings, Refusal};
use crate::edit::{Builder, no_fix};
use crate::fixes::security::named;
use crate::model::meaning::words;
use crate::model::{Binding, Model, Prop, Props, Site};
use crate::rule::{Impact, Meta};
use crate::syntax::Syn;

const PROVISIONED: &str = "provisionedConcurrentExecutions";
/// The metric of requests that found no provisioned instance.
const SPILLOVER: &str = "ProvisionedConcurrencySpilloverInvocations";
/// An alias, however it is made.
#[derive(Clone)]
pub(super) struct Alias<'a> {
    /// The expression.
    pub node: Syn<'a>,
    /// Where it is a construct of its own.
    pub site: Option<Site<'a>>,
    props: Props<'a>,
    /// The function behind it, where it can be followed.
    pub function: Option<Site<'a>>,
    label: String,
}

/// Reports an alias, built or added, whose instances are kept ready and do not follow the traffic.
pub(super) fn check<'a>(
    meta: &'static Meta,
    model: &Model<'a>,
    alias: Option<Site<'a>>,
    call: Option<Syn<'a>>,
    out: &mut Findings<'a>,
) -> Option<()> {
    let alias = match alias {
        Some(site) => built(model, site),
        None => added(model, call?)?,
    };
    if is_scaled(model, &alias) {
        return None;
    }
    let label = alias.label.clone();
    let value = match alias.props.get(model, PROVISIONED) {
        Prop::Present(entry) if entry.value.text() != "0" => entry.value,
        Prop::Absent => return mention(meta, model, &alias, out),
        _ => return None,
    };
    let ready = ready(value);
    let message = format!(
        "{label} keeps a fixed number of instances ready ({}): above it callers wait for cold starts, below it idle ones are \
         billed. The fix lets the number follow the traffic up to a maximum, and what it costs with it; an alarm tells when \
         that is not enough.",
        one_line(value)
    );
    out.report(meta, model, alias.node, message)
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
fn mention<'a>(
    meta: &'static Meta,
    model: &Model<'a>,
    alias: &Alias<'a>,
    out: &mut Findings<'a>,
) -> Option<()> {
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
    out.report(meta, model, alias.node, message).impact(Impact::Info).refuse(
        "nothing is provisioned that could be scaled",
        "keep instances ready first: --select 2.8,3.7 does both",
    );
    Some(())
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
    let alarmed = tells_spillover(b.model, alias);
    if !alarmed {
        code.push_str("\n\n");
        code.push_str(&alarm(b, alias, &name)?);
    }
    let note = if alarmed {
        "// Follows the traffic"
    } else {
        "// Follows the traffic, and tells when the maximum is not enough"
    };
    let code = match guard {
        Some(guard) => {
            format!("{note}\nif ({guard}) {{\n  {}\n}}", code.replace('\n', "\n  ").replace("\n  \n", "\n\n"))
        }
        None => format!("{note}\n{code}"),
    };
    b.insert_after(statement, &code);
    Ok(())
}

/// Whether something looks at the requests that find no instance of the alias ready, or may.
fn tells_spillover<'a>(model: &Model<'a>, alias: &Alias<'a>) -> bool {
    let of_others = |at: std::ops::Range<usize>, file| {
        let call = Syn::root(file).at(at)?.ancestors().find(|around| around.is("call_expression"))?;
        let object = call.field("function")?.field("object")?;
        Some(model.origin(object)?.node != alias.node)
    };
    model
        .cdk_files()
        .any(|file| words(Syn::root(file), SPILLOVER).any(|at| of_others(at, file) != Some(true)))
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
    let action =
        b.alarm_action(statement)?.map_or_else(String::new, |action| format!(".addAlarmAction({action})"));
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
