//! Services of ECS and groups of instances whose number does not follow the load.

use crate::detect::{Findings, Refusal};
use crate::edit::{Builder, no_fix};
use crate::fixes::scaling::{is_balanced, owner};
use crate::fixes::security::bucket::is_built_by_its_class;
use crate::fixes::security::named;
use crate::model::{Environment, Model, Prop, Site};
use crate::rule::Meta;
use crate::syntax::Syn;

/// How many times as many tasks there may be as at least.
const TIMES: u32 = 5;
/// How busy the processors may be before there are more.
const TARGET: &str = "{ targetUtilizationPercent: 70 }";
/// Services of `aws_ecs_patterns` that hold their service in a field.
const PATTERNS: [&str; 2] = [
    "aws_ecs_patterns.ApplicationLoadBalancedFargateService",
    "aws_ecs_patterns.NetworkLoadBalancedFargateService",
];

/// Reports a Fargate service behind a load balancer with a fixed number of tasks.
pub(super) fn check_service<'a>(
    meta: &'static Meta,
    model: &Model<'a>,
    service: Site<'a>,
    out: &mut Findings<'a>,
) -> Option<()> {
    let pattern = PATTERNS.iter().any(|class| model.builds(&service, class));
    if is_built_by_its_class(&service)
        || model.environment(service.node) == Environment::Guarded
        || !pattern && !is_balanced(model, &service)
        || scales(model, &service, |method| method == "autoScaleTaskCount")
        || has_target(model, "ecs")
    {
        return None;
    }
    let least = match service.props(model).get(model, "desiredCount") {
        Prop::Absent => Some(("1", 1)),
        Prop::Present(entry) => {
            let number = number(model.value_of(entry.value));
            if number == Some(0) {
                return None;
            }
            number.map(|number| (entry.value.text(), number))
        }
        Prop::Unknown => return None,
    };
    let label = service.label();
    let tasks = match least {
        Some((_, 1)) => "one task".to_owned(),
        Some((_, number)) => format!("{number} tasks"),
        None => "a fixed number of tasks".to_owned(),
    };
    let message = format!(
        "{label} answers with {tasks}, whatever the load: above what they can do callers wait or are refused, below it nobody uses what \
         is billed. The fix lets the number follow how busy they are, up to {TIMES} times as many, and what they cost with it."
    );
    let candidate = out.report(meta, model, service.node, message);
    let Some((least, number)) = least else {
        candidate.refuse(
            "its number of tasks is not written here",
            "call autoScaleTaskCount on the service, with that number as the least",
        );
        return Some(());
    };
    let named = least.parse::<u32>().is_err();
    let most = if named { format!("{least} * {TIMES}") } else { number.saturating_mul(TIMES).to_string() };
    candidate.fix(format!("Let the tasks of {label} follow the load"), move |b| {
        let class = if pattern { None } else { Some("aws_ecs.FargateService") };
        let (statement, name) = name_of(b, &service, class, "service")?;
        let name = if pattern { format!("{name}.service") } else { name };
        b.insert_after(
            statement,
            &format!(
                "// The number of tasks follows the load\n{name}\n  .autoScaleTaskCount({{ minCapacity: {least}, maxCapacity: {most} }})\n  \
                 .scaleOnCpuUtilization('CpuScaling', {TARGET});"
            ),
        );
        Ok(())
    });
    Some(())
}

/// Reports a group of instances that has room to grow, which nothing uses.
pub(super) fn check_group<'a>(
    meta: &'static Meta,
    model: &Model<'a>,
    group: Site<'a>,
    out: &mut Findings<'a>,
) -> Option<()> {
    let props = group.props(model);
    let literal = |name: &str| props.get(model, name).value().and_then(|value| number(model.value_of(value)));
    let most = literal("maxCapacity")?;
    let least = match props.get(model, "minCapacity") {
        Prop::Absent => 1,
        _ => literal("minCapacity")?,
    };
    if most <= least
        || is_built_by_its_class(&group)
        || model.environment(group.node) == Environment::Guarded
        || scales(model, &group, |method| method.starts_with("scale"))
        || has_target(model, "ec2")
        || model.app_builds("aws_autoscaling.CfnScalingPolicy")
        || model.app_builds("aws_autoscaling.CfnScheduledAction")
        || is_run_by_another(model, &group)
    {
        return None;
    }
    let label = group.label();
    let message = format!(
        "{label} may grow from {least} to {most} instances, and nothing makes it: no policy scales it, so it stays at the least while \
         callers wait. The fix lets it follow how busy the instances are, and what they cost with it."
    );
    out.report(meta, model, group.node, message).fix(
        format!("Let the instances of {label} follow the load"),
        move |b| {
            let (statement, name) = name_of(b, &group, Some("aws_autoscaling.AutoScalingGroup"), "group")?;
            b.insert_after(statement, &format!("{name}.scaleOnCpuUtilization('CpuScaling', {TARGET});"));
            Ok(())
        },
    );
    Some(())
}

fn number(node: Syn<'_>) -> Option<u32> {
    node.text().replace('_', "").parse().ok().filter(|_| node.is("number"))
}

/// Whether something calls one of the methods on a construct, or on what cannot be followed.
fn scales<'a>(model: &Model<'a>, site: &Site<'a>, is: impl Fn(&str) -> bool) -> bool {
    const METHODS: [&str; 7] = [
        "autoScaleTaskCount",
        "scaleOnCpuUtilization",
        "scaleOnIncomingBytes",
        "scaleOnOutgoingBytes",
        "scaleOnRequestCount",
        "scaleOnMetric",
        "scaleOnSchedule",
    ];
    let methods = METHODS.iter().chain(&["scaleToTrackMetric"]).filter(|method| is(method));
    let mut calls = methods.flat_map(|method| model.method_calls(method));
    calls.any(|call| {
        let object = call.field("function").and_then(|callee| callee.field("object"));
        // What `autoScaleTaskCount` gives is scaled by the same methods.
        let chained = object.is_some_and(|object| {
            let of = model.origin(object).is_some_and(|site| site.node.is("call_expression"));
            object.is("call_expression") || of
        });
        !chained && owner(model, call).is_none_or(|node| node == site.node)
    })
}

/// Whether the app builds a scalable target for a service, or one that cannot be told apart.
fn has_target(model: &Model<'_>, space: &str) -> bool {
    model.all_sites().any(|site| {
        let target = model.builds(&site, "aws_applicationautoscaling.ScalableTarget")
            || model.builds(&site, "aws_applicationautoscaling.CfnScalableTarget");
        let named = || site.props(model).get(model, "serviceNamespace").value();
        target && named().is_none_or(|named| named.text().to_lowercase().contains(space))
    })
}

/// Whether something else decides how many instances a group has: a capacity provider, a cluster, a batch, a game server.
fn is_run_by_another<'a>(model: &Model<'a>, group: &Site<'a>) -> bool {
    model.uses(group).into_iter().any(|used| {
        let mut around = used.ancestors().take_while(|around| !around.is("statement_block"));
        around.any(|around| match around.kind() {
            "new_expression" => model.site_of(around).is_none_or(|site| {
                site.local.is_some() || site.class.contains("CapacityProvider") || site.class.is_empty()
            }),
            "call_expression" => {
                let method = around.field("function").and_then(|callee| callee.field("property"));
                let method = method.map_or("", Syn::text);
                method.ends_with("AutoScalingGroup") || method.ends_with("AutoScalingGroupCapacity")
            }
            _ => false,
        })
    })
}

/// The statement that builds a construct, and the text by which it is named behind that.
fn name_of<'a>(
    b: &mut Builder<'_, 'a>,
    site: &Site<'a>,
    class: Option<&str>,
    noun: &str,
) -> Result<(Syn<'a>, String), Refusal> {
    let typed = site.binding().declared_type();
    let statement = b.statement(site.node)?;
    // A pattern is of its own class; what is held as an interface has no such method.
    let scalable = typed.and_then(|ty| b.model.cdk_name(ty)).is_none_or(|name| match class {
        Some(class) => name == class,
        None => PATTERNS.contains(&name.as_str()),
    });
    let name = if scalable { named(b, site, statement, noun) } else { None };
    name.map(|name| (statement, name)).ok_or_else(|| {
        no_fix(
            "it is built inside another expression, or held in a variable or field of another type",
            "keep it in a constant, then run again",
        )
    })
}
