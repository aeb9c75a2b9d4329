//! From "everything of a service" to what a construct of that service can grant.

use crate::edit::names::is_visible;
use crate::model::{Binding, Model, Prop, Site, statement_of};
use crate::syntax::Syn;

/// The service that functions write their own logs to.
const LOGS: &str = "logs";

/// A service whose constructs know how to grant.
#[derive(Debug, Clone, Copy)]
pub(super) struct Service {
    /// How its actions start: `dynamodb`.
    pub prefix: &'static str,
    /// The policy of AWS that allows all of it.
    pub policy: &'static str,
    class: &'static str,
    /// What replaces it.
    pub grants: &'static [&'static str],
}

const SERVICES: [Service; 13] = [
    service("s3", "AmazonS3FullAccess", "aws_s3.Bucket", &["grantReadWrite"]),
    service("dynamodb", "AmazonDynamoDBFullAccess", "aws_dynamodb.Table", &["grantReadWriteData"]),
    service("sqs", "AmazonSQSFullAccess", "aws_sqs.Queue", &["grantSendMessages", "grantConsumeMessages"]),
    service("sns", "AmazonSNSFullAccess", "aws_sns.Topic", &["grantPublish"]),
    service("secretsmanager", "SecretsManagerReadWrite", "aws_secretsmanager.Secret", &["grantRead"]),
    service(
        "states",
        "AWSStepFunctionsFullAccess",
        "aws_stepfunctions.StateMachine",
        &["grantStartExecution"],
    ),
    service("kinesis", "AmazonKinesisFullAccess", "aws_kinesis.Stream", &["grantReadWrite"]),
    service("events", "AmazonEventBridgeFullAccess", "aws_events.EventBus", &["grantPutEventsTo"]),
    service("lambda", "AWSLambda_FullAccess", "aws_lambda.Function", &["grantInvoke"]),
    service("ssm", "AmazonSSMFullAccess", "aws_ssm.StringParameter", &["grantRead"]),
    service("ecr", "AmazonEC2ContainerRegistryFullAccess", "aws_ecr.Repository", &["grantPullPush"]),
    // AWS has no policy for all of it.
    service("kms", "", "aws_kms.Key", &["grantEncryptDecrypt"]),
    service(LOGS, "CloudWatchLogsFullAccess", "aws_logs.LogGroup", &["grantWrite"]),
];

const fn service(
    prefix: &'static str,
    policy: &'static str,
    class: &'static str,
    grants: &'static [&'static str],
) -> Service {
    Service { prefix, policy, class, grants }
}

impl Service {
    /// The service whose policy of AWS has this name.
    pub(super) fn of_policy(name: &str) -> Option<Self> {
        SERVICES.into_iter().find(|service| service.policy == name)
    }

    /// The service whose actions start like this.
    pub(super) fn of_prefix(prefix: &str) -> Option<Self> {
        SERVICES.into_iter().find(|service| service.prefix == prefix)
    }
}

/// One function and the one construct of a service that it is told of.
#[derive(Debug, Clone)]
pub(super) struct Grant<'a> {
    /// The construct as the function's environment names it.
    pub resource: Syn<'a>,
    /// The function.
    pub function: Site<'a>,
}

/// What a principal needs of a service: the construct that the environment of its one function names, from the start or later. `None` where
/// there are more functions, or none or more than one construct.
pub(super) fn needed<'a>(model: &Model<'a>, principal: &Site<'a>, service: Service) -> Option<Grant<'a>> {
    // Only a role that CDK makes has what the function needs for its own logs.
    if service.prefix == LOGS && !model.builds(principal, "aws_lambda.Function") {
        return None;
    }
    let function = only_function(model, principal)?;
    let mut named: Option<(Syn<'a>, Site<'a>)> = None;
    let mut open: Vec<Syn<'a>> = match function.props(model).get(model, "environment") {
        Prop::Absent => Vec::new(),
        Prop::Present(entry) => model.props_of(entry.value).object()?.children().collect(),
        Prop::Unknown => return None,
    };
    open.extend(told_later(model, &function)?);
    while let Some(node) = open.pop() {
        if node.is("spread_element") {
            return None;
        }
        let object = node.is("member_expression").then(|| node.field("object")).flatten();
        if let Some((object, site)) = object.and_then(|object| Some((object, model.origin(object)?))) {
            match &named {
                _ if !model.builds(&site, service.class) => {}
                Some((_, known)) if known.node != site.node => return None,
                _ => named = Some((object, site)),
            }
            continue;
        }
        open.extend(node.children());
    }
    let (resource, _) = named?;
    Some(Grant { resource, function })
}

/// What `addEnvironment` tells a function; `None` where a call cannot be told to be about another.
fn told_later<'a>(model: &Model<'a>, function: &Site<'a>) -> Option<Vec<Syn<'a>>> {
    let mut told = Vec::new();
    for call in model.method_calls("addEnvironment") {
        let receiver = call.field("function")?.field("object")?;
        if model.origin(receiver)?.node == function.node {
            told.push(call.field("arguments")?.children().nth(1)?);
        }
    }
    Some(told)
}

/// The one function that runs as a principal.
fn only_function<'a>(model: &Model<'a>, principal: &Site<'a>) -> Option<Site<'a>> {
    if model.builds(principal, "aws_lambda.Function") {
        return Some(principal.clone());
    }
    let mut found = None;
    for used in model.uses(principal) {
        let pair = used.parent().filter(|parent| parent.is("pair"));
        let key = pair.and_then(|pair| pair.field("key")).map_or(used.text(), Syn::text);
        if key != "role" || !used.parent().is_some_and(|parent| matches!(parent.kind(), "pair" | "object")) {
            continue;
        }
        let site = used.ancestors().find_map(|node| model.site_of(node))?;
        if found.is_some() || !model.builds(&site, "aws_lambda.Function") {
            return None;
        }
        found = Some(site);
    }
    found
}

impl<'a> Grant<'a> {
    /// The statements that grant, to be written at a place; `None` where its names mean something else there.
    /// Grants that the file has already are left out.
    pub(super) fn code(&self, at: Syn<'a>, grantee: &str, service: Service) -> Option<String> {
        is_visible(at, self.resource).then_some(())?;
        let resource = self.resource.text();
        let lines: Vec<_> = service
            .grants
            .iter()
            .map(|grant| format!("{resource}.{grant}({grantee});"))
            .filter(|line| !at.file.text.contains(line.trim_end_matches(';')))
            .collect();
        Some(lines.join("\n"))
    }
}

/// How a construct is called at a place, if it is bound to a name that means it there.
pub(crate) fn name_at<'a>(site: &Site<'a>, at: Syn<'a>) -> Option<String> {
    match site.binding() {
        Binding::Variable(name) => is_visible(at, name).then(|| name.text().to_owned()),
        Binding::Field(name) => {
            let member = name.parent().filter(|parent| parent.is("member_expression"))?;
            is_visible(at, member).then(|| format!("this.{}", name.text()))
        }
        Binding::None => None,
    }
}

/// The one KMS key that is built before a construct in the same block.
pub(super) fn key_in_scope<'a>(model: &Model<'a>, site: &Site<'a>) -> Option<String> {
    let block = statement_of(site.node)?.parent();
    let mut keys = model.sites(site.node.file).iter().filter(|key| {
        model.builds(key, "aws_kms.Key")
            && key.node.end() < site.node.start()
            && statement_of(key.node).and_then(Syn::parent) == block
    });
    let key = keys.next()?;
    if keys.next().is_some() { None } else { name_at(key, site.node) }
}
