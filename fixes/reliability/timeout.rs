//! What an app says of the timeout of a function, and of the time of what feeds and calls it.

use crate::model::{Invocation, Model, Prop, Site};
use crate::syntax::Syn;

/// The property.
pub(super) const PROP: &str = "timeout";
/// What SQS hides a message for where nothing is said, in seconds.
const HIDDEN: u32 = 30;

/// A `Duration` in the code that is a number.
#[derive(Clone, Copy)]
pub(super) struct Literal<'a> {
    /// `cdk.Duration.seconds(30)`.
    pub call: Syn<'a>,
    /// `30`.
    pub number: Syn<'a>,
    /// `Seconds`.
    pub unit: &'static str,
    /// How many seconds that is.
    pub seconds: u32,
}

/// What is said of the timeout.
#[derive(Clone, Copy)]
pub(super) enum Given<'a> {
    Nothing,
    Number(Literal<'a>),
}

/// The queue that feeds a function, and how long it hides a message.
pub(super) struct Feed<'a> {
    /// The queue.
    pub queue: Site<'a>,
    /// For how many seconds it hides a message.
    pub hidden: u32,
}

/// What Lambda reads for a function.
pub(super) enum Source<'a> {
    /// Nothing, a stream, or something else without a time of its own.
    Other,
    Queue(Feed<'a>),
}

/// The timeout as it stands: a number that this function alone has, or none; `None` where it is neither.
pub(super) fn given<'a>(model: &Model<'a>, function: &Site<'a>) -> Option<Given<'a>> {
    let props = function.props(model);
    let entry = match props.get(model, PROP) {
        Prop::Present(entry) => entry,
        Prop::Absent => return Some(Given::Nothing),
        Prop::Unknown => return None,
    };
    let object = entry.entry.parent().filter(|object| props.object() == Some(*object))?;
    let inline = object.ancestors().any(|around| around == function.node);
    let number = if is_raw(model, function) { seconds(entry.value) } else { literal(model, entry.value) };
    number.filter(|_| inline).map(Given::Number)
}

/// Whether a function is written as CloudFormation has it: with seconds where the others have a `Duration`.
pub(super) fn is_raw<'a>(model: &Model<'a>, function: &Site<'a>) -> bool {
    model.builds(function, "aws_lambda.CfnFunction")
}

/// Whether something that cannot be told may bound the timeout of a function that is written as CloudFormation has it: a queue that is read for
/// it, or CloudFront.
pub(super) fn may_be_bound(model: &Model<'_>) -> bool {
    ["aws_lambda.CfnEventSourceMapping", "aws_lambda.EventSourceMapping", "aws_cloudfront.CfnDistribution"]
        .iter()
        .any(|class| model.app_builds(class))
}

/// A number of seconds.
fn seconds(number: Syn<'_>) -> Option<Literal<'_>> {
    let seconds = number.text().parse().ok().filter(|_| number.is("number"))?;
    Some(Literal { call: number, number, unit: "Seconds", seconds })
}

/// A `Duration` of a number.
fn literal<'a>(model: &Model<'a>, call: Syn<'a>) -> Option<Literal<'a>> {
    let callee = call.field("function").filter(|_| call.is("call_expression"))?;
    let (unit, factor) = match model.cdk_name(callee)?.as_str() {
        "Duration.millis" => ("Millis", 1),
        "Duration.seconds" => ("Seconds", 1000),
        "Duration.minutes" => ("Minutes", 60_000),
        "Duration.hours" => ("Hours", 3_600_000),
        _ => return None,
    };
    let number = call.field("arguments")?.first().filter(|number| number.is("number"))?;
    let millis = number.text().replace('_', "").parse::<u32>().ok()?.checked_mul(factor)?;
    Some(Literal { call, number, unit, seconds: millis.div_ceil(1000) })
}

/// Whether whoever invokes the function ends it earlier than API Gateway would: an authorizer, a Cognito trigger.
pub(super) fn has_own_limit<'a>(model: &Model<'a>, function: &Site<'a>) -> bool {
    let of = |node: Syn<'a>| {
        std::iter::once(node).chain(node.ancestors()).take_while(|around| !around.is("statement_block")).any(
            |around| match around.kind() {
                "new_expression" => {
                    around.field("constructor").is_some_and(|class| class.text().ends_with("Authorizer"))
                }
                "pair" => around.field("key").is_some_and(|key| key.text() == "lambdaTriggers"),
                "call_expression" => around
                    .field("function")
                    .and_then(|callee| callee.field("property"))
                    .is_some_and(|method| method.text() == "addTrigger"),
                _ => false,
            },
        )
    };
    let uses = model.uses(function);
    let around = |node: &Syn<'a>| {
        let mut around = node.ancestors().take_while(|around| !around.is("statement_block"));
        around.find_map(|around| model.site_of(around)).filter(|site| model.builds(site, "aws_lambda.Alias"))
    };
    of(function.node)
        || uses.iter().copied().any(of)
        || uses.iter().filter_map(around).any(|alias| model.uses(&alias).into_iter().any(of))
}

/// What feeds a function; `None` where that cannot be told, or is more than one thing.
pub(super) fn source<'a>(model: &Model<'a>, function: &Site<'a>) -> Option<Source<'a>> {
    let polls = model.invocations(function).into_iter().filter(|(how, _)| *how == Invocation::Poll);
    let sources: Vec<_> = polls.map(|(_, by)| by).collect();
    let by = match sources.as_slice() {
        [] => return Some(Source::Other),
        [by] => *by,
        _ => return None,
    };
    let given = if by.is("call_expression") { by.field("arguments").and_then(Syn::first)? } else { by };
    let site = model.origin(given)?;
    let sqs = model.builds(&site, "aws_lambda_event_sources.SqsEventSource");
    let queue = if sqs {
        model.origin(*site.arguments.first()?)?
    } else if model.builds(&site, "aws_lambda.EventSourceMapping") {
        let arn = site.props(model).get(model, "eventSourceArn").value()?;
        model.origin(arn.field("object")?)?
    } else {
        return Some(Source::Other);
    };
    if !model.builds(&queue, "aws_sqs.Queue") {
        return (!sqs).then_some(Source::Other);
    }
    let hidden = match queue.props(model).get(model, "visibilityTimeout") {
        Prop::Absent => HIDDEN,
        Prop::Present(entry) => literal(model, entry.value)?.seconds,
        Prop::Unknown => return None,
    };
    Some(Source::Queue(Feed { queue, hidden }))
}

/// The seconds that API Gateway waits for a function, if it calls it.
pub(super) fn patience<'a>(model: &Model<'a>, function: &Site<'a>) -> Option<u32> {
    let waits = |by: Syn<'a>| {
        let site = model.site_of(by)?;
        let is = |class: &str| model.builds(&site, class);
        let raised = || site.props(model).get(model, PROP) != Prop::Absent;
        match () {
            () if is("aws_apigateway.LambdaIntegration") && !raised() => Some(29),
            () if is("aws_apigateway.LambdaRestApi") => Some(29),
            () if site.class.ends_with(".HttpLambdaIntegration")
                || site.class.ends_with(".LambdaProxyIntegration") =>
            {
                Some(30)
            }
            () => None,
        }
    };
    let awaited = model.invocations(function).into_iter().filter(|(how, _)| *how == Invocation::Sync);
    awaited.filter_map(|(_, by)| waits(by)).min()
}
