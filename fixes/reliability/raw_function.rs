//! Part of 2.5: a function that is written as CloudFormation has it.

use super::kept_queue::{KeptQueue, name_for};
use super::wa_2_5_dead_letter_queue::{takes_policies, told};
use crate::detect::{Findings, Refusal};
use crate::edit::names::is_visible;
use crate::edit::{Builder, no_fix};
use crate::fixes::security::named;
use crate::model::{Invocation, Model, Site};
use crate::rule::{Impact, Meta};
use crate::syntax::Syn;

/// Services that queue their events with Lambda.
const QUEUEING: [&str; 7] = ["events.", "scheduler.", "sns.", "s3.", "ses.", "iot.", "logs."];

/// Reports a function that is started asynchronously and keeps nothing of what it fails to handle.
pub(super) fn check<'a>(
    meta: &'static Meta,
    model: &Model<'a>,
    function: Site<'a>,
    out: &mut Findings<'a>,
) -> Option<()> {
    let starts = |used: Syn<'a>| invocation(model, used) == Some(Invocation::Async);
    if !model.uses(&function).into_iter().any(starts) || model.has_invoke_config(&function) {
        return None;
    }
    let label = function.label();
    out.report(meta, model, function.node, told(&label, true))
        .impact(Impact::Medium)
        .fix(format!("Add a dead-letter queue to {label}"), move |b| add_queue(b, &function));
    Some(())
}

/// How the resource that names a function starts it: a permission, a rule, a subscription.
fn invocation<'a>(model: &Model<'a>, used: Syn<'a>) -> Option<Invocation> {
    let site = used.ancestors().find_map(|node| model.site_of(node))?;
    let props = site.props(model);
    match site.class.as_str() {
        "aws_lambda.CfnPermission" => {
            let principal = props.get(model, "principal").value()?.text().trim_matches(['\'', '"']);
            QUEUEING.iter().any(|service| principal.starts_with(service)).then_some(Invocation::Async)
        }
        "aws_events.CfnRule" | "aws_scheduler.CfnSchedule" => Some(Invocation::Async),
        "aws_sns.CfnSubscription" => {
            let protocol = props.get(model, "protocol").value()?.text();
            (protocol.trim_matches(['\'', '"']) == "lambda").then_some(Invocation::Async)
        }
        _ => None,
    }
}

fn add_queue<'a>(b: &mut Builder<'_, 'a>, function: &Site<'a>) -> Result<(), Refusal> {
    let statement = b.statement(function.node)?;
    let role = role_of(b.model, function).filter(|role| is_visible(statement, *role)).ok_or_else(|| {
        no_fix(
            "its role is named by its ARN, or written as CloudFormation has it, and Lambda refuses a function whose role may not send to its queue",
            "let the role do sqs:SendMessage on a queue of yours, then set deadLetterConfig",
        )
    })?;
    takes_policies(b.model, role)?;
    let kept = KeptQueue { site: function, key: None, fifo: false };
    let own_name = name_for(&function.label());
    let (name, mut code) = kept.code(b, &[&own_name, "deadLetterQueue"])?;
    code.push_str(&format!("\n{name}.grantSendMessages({});", role.text()));
    code.push_str(&kept.alarm(b, &name, statement)?);
    b.insert_before(statement, &code);
    b.set_prop(function, "deadLetterConfig", &format!("{{ targetArn: {name}.queueArn }}"))?;
    let bound = named(b, function, statement, "function").ok_or_else(|| {
        no_fix("the function is built inside another expression", "keep it in a constant, then run again")
    })?;
    b.insert_after(
        statement,
        &format!(
            "// Lambda tries the role when it sets the queue: its policy has to be there\n{bound}.node.addDependency({});",
            role.text()
        ),
    );
    Ok(())
}

/// The role of CDK whose ARN a function is given: `role` of `role.roleArn`.
fn role_of<'a>(model: &Model<'a>, function: &Site<'a>) -> Option<Syn<'a>> {
    let arn = function.props(model).get(model, "role").value()?;
    let named = arn.is("member_expression") && arn.field("property")?.text() == "roleArn";
    arn.field("object").filter(|_| named)
}
