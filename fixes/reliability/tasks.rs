//! Parts of 2.1 about what runs behind a load balancer: one task of a service, one instance of a group.

use super::zones::{Report, set_number};
use crate::fixes::scaling::{is_balanced, owner};
use crate::model::{Model, Prop, Site};
use crate::syntax::Syn;

const PATTERNS: [&str; 4] = [
    "aws_ecs_patterns.ApplicationLoadBalancedServiceBase",
    "aws_ecs_patterns.NetworkLoadBalancedServiceBase",
    "aws_ecs_patterns.ApplicationMultipleTargetGroupsServiceBase",
    "aws_ecs_patterns.NetworkMultipleTargetGroupsServiceBase",
];

/// The least that one call of `autoScaleTaskCount` keeps.
#[derive(Clone, Copy)]
struct Least<'a> {
    /// Its options.
    options: Syn<'a>,
    /// Its `minCapacity`; nothing is one.
    value: Option<Syn<'a>>,
}

/// Reports a service behind a load balancer that runs one task, or may be scaled down to one.
pub(super) fn check_service<'a>(report: &mut Report<'_, '_, 'a>, service: Site<'a>) -> Option<()> {
    let model = report.model;
    if !PATTERNS.iter().any(|class| model.builds(&service, class)) && !is_balanced(model, &service) {
        return None;
    }
    // Where nothing is said, a deployment keeps the number that there is.
    let one = match service.props(model).get(model, "desiredCount") {
        Prop::Absent => false,
        Prop::Present(entry) => number(model, entry.value)? == 1,
        Prop::Unknown => return None,
    };
    let scaled = least_tasks(model, &service)?;
    let alone = |least: &Least<'a>| least.value.is_none_or(|value| number(model, value) == Some(1));
    let (all, ones) = (scaled.len(), scaled.iter().copied().filter(alone).collect::<Vec<_>>());
    if ones.is_empty() && (all > 0 || !one) {
        return None;
    }
    let label = service.label();
    let runs = if one { "runs one task" } else { "may be scaled down to one task" };
    let message = format!(
        "{label} {runs}, in one availability zone: while it is replaced, nothing answers. The fix runs two at least, in production where \
         the app tells; both are billed."
    );
    let finding = report.add(&service, message)?;
    finding.fix(format!("Run two tasks of {label}"), move |b| {
        let known = b.environment(service.node).known().map(|known| known.expression.clone());
        let two = known.map_or_else(|| "2".to_owned(), |condition| format!("{condition} ? 2 : 1"));
        // What scales the tasks would go back to its own least.
        for least in &ones {
            match least.value {
                Some(value) => b.replace(value, &two),
                None => b.insert_entry(least.options, "minCapacity", &two),
            }
        }
        if one { set_number(b, &service, "desiredCount", ("2", "1")) } else { Ok(()) }
    });
    Some(())
}

/// What scaling keeps of a service's tasks, each call of it; `None` where one cannot be read in the service's own file.
fn least_tasks<'a>(model: &Model<'a>, service: &Site<'a>) -> Option<Vec<Least<'a>>> {
    let calls = model.method_calls("autoScaleTaskCount");
    let own = calls.filter(|call| owner(model, *call).is_none_or(|node| node == service.node));
    own.map(|call| {
        let options = call.field("arguments")?.first().filter(|options| options.is("object"))?;
        let value = match model.props_of(options).get(model, "minCapacity") {
            Prop::Absent => None,
            Prop::Present(entry) => Some(entry.value),
            Prop::Unknown => return None,
        };
        if let Some(value) = value {
            number(model, value)?;
        }
        std::ptr::eq(call.file, service.node.file).then_some(Least { options, value })
    })
    .collect()
}

/// Reports a group behind a load balancer that may be one instance, and has room for two.
pub(super) fn check_group<'a>(report: &mut Report<'_, '_, 'a>, group: Site<'a>) -> Option<()> {
    let model = report.model;
    let props = group.props(model);
    let given = |name: &str| props.get(model, name).value().and_then(|value| number(model, value));
    let room = given("maxCapacity")? > 1;
    let desired = match props.get(model, "desiredCapacity") {
        Prop::Absent => None,
        _ => Some(given("desiredCapacity")?),
    };
    if !room || !is_balanced(model, &group) {
        return None;
    }
    let label = group.label();
    let message = format!(
        "{label} may be one instance, in one availability zone: while it is replaced, nothing answers. The fix keeps two at least, in \
         production where the app tells; both are billed."
    );
    let finding = report.add(&group, message)?;
    finding.fix(format!("Keep two instances of {label}"), move |b| {
        set_number(b, &group, "minCapacity", ("2", "1"))?;
        if desired == Some(1) { set_number(b, &group, "desiredCapacity", ("2", "1")) } else { Ok(()) }
    });
    Some(())
}

fn number<'a>(model: &Model<'a>, value: Syn<'a>) -> Option<u32> {
    model.value_of(value).text().parse().ok()
}
