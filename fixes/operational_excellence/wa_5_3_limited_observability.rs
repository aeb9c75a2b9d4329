//! # 5.3 Limited observability
//!
//! ## What is wrong
//! A request passes through several services, and nothing records its way: when it is slow or fails, each team looks at its
//! own numbers. Or something that was meant to be seen cannot be: a metric filter whose pattern matches no error, an alarm
//! on a number that cannot reach its threshold.
//!
//! ## What the fix does
//! It switches X-Ray on for Lambda functions (`tracing`), REST APIs and their stages (`tracingEnabled`), state machines
//! (`tracingEnabled`) and GraphQL APIs (`xrayEnabled`). It makes a filter for `[ERROR]` look for the word ERROR, has an alarm
//! on what a filter counts look at the sum, and saves two Logs Insights queries for the functions' log groups (recent errors,
//! slow invocations).
//!
//! For a function, the review offers two further ways: tracing together with Lambda Insights, which measures memory, processor and network, and
//! tracing together with Application Signals (Node.js, Python), which is switched on where the context value `adotLayerArn` names the layer.
//!
//! ## Before
//! ```ts
//! import * as cdk from 'aws-cdk-lib';
//! import * as apigateway from 'aws-cdk-lib/aws-apigateway';
//! import * as lambda from 'aws-cdk-lib/aws-lambda';
//! import { Construct } from 'constructs';
//!
//! export class ApiStack extends cdk.Stack {
//!   constructor(scope: Construct, id: string) {
//!     super(scope, id);
//!
//!     const handler = new lambda.Function(this, 'Handler', {
//!       runtime: lambda.Runtime.NODEJS_18_X,
//!       handler: 'index.handler',
//!       code: lambda.Code.fromInline('exports.handler = async () => ({ statusCode: 200 })'),
//!     });
//!
//!     new apigateway.LambdaRestApi(this, 'Api', { handler });
//!   }
//! }
//! ```
//!
//! ## After
//! ```ts
//! import * as cdk from 'aws-cdk-lib';
//! import * as apigateway from 'aws-cdk-lib/aws-apigateway';
//! import * as lambda from 'aws-cdk-lib/aws-lambda';
//! import { Construct } from 'constructs';
//!
//! export class ApiStack extends cdk.Stack {
//!   constructor(scope: Construct, id: string) {
//!     super(scope, id);
//!
//!     const handler = new lambda.Function(this, 'Handler', {
//!       runtime: lambda.Runtime.NODEJS_18_X,
//!       handler: 'index.handler',
//!       code: lambda.Code.fromInline('exports.handler = async () => ({ statusCode: 200 })'),
//!       tracing: lambda.Tracing.ACTIVE,
//!     });
//!
//!     new apigateway.LambdaRestApi(this, 'Api', {
//!       handler,
//!       deployOptions: { tracingEnabled: true },
//!     });
//!   }
//! }
//! ```
//!
//! ## When it stays silent
//! Where tracing is `PASS_THROUGH` or may be set out of sight (a spread, an aspect, the resource underneath); for functions
//! that another tool traces (Datadog, New Relic, Lumigo, OpenTelemetry), functions at the edge and those that serve custom
//! resources; for APIs that deploy no stage; for HTTP APIs, which X-Ray does not know; for filters of two words and more.
//!
//! ## When it refuses
//! For a function whose role is imported: CDK gives that role no permission for X-Ray, and the deployment fails without it.
//! For a pattern that is kept elsewhere; for a log group that metric filters look at and nothing writes to, because it cannot be told whose
//! log it is meant to be; and for log groups that are built where no statement can follow.
//!
//! ## What to know before deploying
//! X-Ray bills for the traces that it records and is asked for. An alarm that could not ring will ring from now on: look at what
//! the filter would have counted. Saved queries cost nothing; each run of one is billed by what it reads. The trace begins at
//! the first service: calls that the code makes are in it once the code uses an instrumented SDK. Lambda Insights and Application
//! Signals are billed by what they record, and each takes one of a function's five layers; Insights has no layer in the newest Regions, where CDK says so,
//! and logs to `/aws/lambda-insights`, a group outside the stack that never expires. Error trackers are a decision of their own.
//!
//! ## Other checkers
//! Clears cdk-nag `AwsSolutions-SF2`, `Serverless-LambdaTracing`, `Serverless-APIGWXrayEnabled` and
//! `Serverless-StepFunctionStateMachineXray`, and Checkov `CKV_AWS_73` (its rules for traces of functions and state machines know Terraform only). The permission that
//! CDK adds for a function or a state machine has `*` as its resource, which cdk-nag reports: `AwsSolutions-IAM5`. Insights and
//! Application Signals bring a managed policy: `AwsSolutions-IAM4`. Checkov `CKV_AWS_173` asks for a key for the variable that switches Application Signals on.

use super::super::cost::function::{decides_itself, label};
use super::{error_filters, telemetry};
use crate::detect::{Findings, Match, Refusal};
use crate::edit::Builder;
use crate::model::meaning::{has_word, words};
use crate::model::{Invocation, Model, Prop, Props, Site};
use crate::rule::{Impact, Meta, Pillar, Rule, Tier};
use crate::syntax::Syn;

/// The rule.
pub const RULE: Rule = Rule { meta: &META, check };

pub(super) const META: Meta = Meta {
    id: "5.3",
    also: &[],
    name: "limited-observability",
    title: "Requests leave no trace, or errors are looked for where they cannot be seen",
    pillar: Pillar::OperationalExcellence,
    impact: Impact::Medium,
    tier: Tier::Review,
    practice: "OPS04-BP05",
    clears: &["AwsSolutions-SF2", "CKV_AWS_73"],
    raises: &[],
    asks: &[],
    order: 530,
    source: include_str!("wa_5_3_limited_observability.rs"),
    query: include_str!("../../queries/operational_excellence/wa_5_3_limited_observability.scm"),
};

/// Words in a function's props that say that another tool traces it.
const OTHER_TRACERS: [&str; 11] = [
    "datadog",
    "newrelic",
    "new-relic",
    "lumigo",
    "otel",
    "opentelemetry",
    "adot",
    "dynatrace",
    "thundra",
    "epsagon",
    "aws_lambda_exec_wrapper",
];

/// What a trace is for, and what it costs.
const WHY: &str = "when a request is slow or fails, nothing shows in which service the time went";

fn check<'a>(m: &Match<'_, 'a>, out: &mut Findings<'a>) -> Option<()> {
    let model = m.model;
    if let Some(function) = m.site("function") {
        return trace_function(model, function, out);
    }
    if let Some(api) = m.site("api") {
        return trace_api(model, api, out);
    }
    if let Some(stage) = m.site("stage") {
        return trace_by(model, stage, "tracingEnabled", out);
    }
    if let Some(machine) = m.site("machine") {
        return trace_by(model, machine, "tracingEnabled", out);
    }
    if let Some(graph) = m.site("graph") {
        return trace_by(model, graph, "xrayEnabled", out);
    }
    if let Some(call) = m.node("literal") {
        return error_filters::dead_pattern(model, call, out);
    }
    if let Some(alarm) = m.site("alarm") {
        return error_filters::dead_alarm(model, &alarm, out);
    }
    if let Some(group) = m.site("orphan") {
        return error_filters::unwritten(model, &group, out);
    }
    save_queries(model, &m.site("group")?, out)
}

fn trace_function<'a>(model: &Model<'a>, function: Site<'a>, out: &mut Findings<'a>) -> Option<()> {
    if decides_itself(&function)
        || is_custom_resource(&function)
        || model.serves_custom_resource(&function)
        || model.runs_at_edge(&function)
        || is_traced_otherwise(model, &function)
        || is_set_underneath(model, &["tracingConfig", "TracingConfig", "TracingConfig.Mode"])
    {
        return None;
    }
    let label = label(&function);
    let message = format!(
        "{label} sends no trace to X-Ray: {WHY}. The fix switches active tracing on; X-Ray bills for what it records."
    );
    let finding = out.report(&META, model, function.node, message);
    // Somebody waits for the answer: there is a way to follow.
    if model.invocations(&function).iter().all(|(how, _)| *how != Invocation::Sync) {
        finding.impact(Impact::Low);
    }
    if has_imported_role(model, &function) {
        finding.refuse(
            "its role is imported: CDK gives it no permission for X-Ray, and Lambda then refuses the change",
            "let the role do xray:PutTraceSegments and xray:PutTelemetryRecords, and set `tracing` to ACTIVE",
        );
        return Some(());
    }
    telemetry::offer(model, finding, &function, &label);
    finding.fix(format!("Trace {label}"), move |b| {
        let tracing = b.cdk(function.node, "aws_lambda.Tracing")?;
        b.set_prop(&function, "tracing", &format!("{tracing}.ACTIVE"))
    });
    Some(())
}

/// Whether the id says that the function serves custom resources, which may be built far from it.
fn is_custom_resource(function: &Site<'_>) -> bool {
    let id = function.id().map(Syn::text).unwrap_or_default().to_ascii_lowercase();
    ["customresource", "custom-resource", "custom_resource"].iter().any(|word| id.contains(word))
}

/// Whether a layer, a wrapper or a handler of another tool is named in the function's props.
fn is_traced_otherwise<'a>(model: &Model<'a>, function: &Site<'a>) -> bool {
    let props = function.props(model);
    let says = |text: &str| {
        let text = text.to_ascii_lowercase();
        OTHER_TRACERS.iter().any(|word| text.contains(word))
    };
    ["layers", "environment", "handler", "adotInstrumentation"].iter().any(|name| {
        match props.get(model, name) {
            Prop::Present(entry) => *name == "adotInstrumentation" || says(entry.value.text()),
            Prop::Absent | Prop::Unknown => false,
        }
    }) || model.cdk_files().any(|file| {
        // Their own constructs wrap every function of a stack.
        ["datadog-cdk-constructs", "DatadogLambda", "@lumigo/cdk", "newrelic-cdk", "@dynatrace/"]
            .iter()
            .any(|word| file.text.contains(word))
    })
}

/// Whether a setting is made on the resource underneath, by an aspect or an override.
fn is_set_underneath(model: &Model<'_>, names: &[&str]) -> bool {
    model.cdk_files().any(|file| {
        let root = Syn::root(file);
        names.iter().flat_map(|name| words(root, name)).filter_map(|at| root.at(at)).any(|node| {
            let property = node.parent().is_some_and(|parent| {
                parent.is("member_expression") && parent.field("property") == Some(node)
            });
            // A path of `addPropertyOverride`.
            let path = node.ancestors().take(3).any(|around| around.is("arguments"))
                && (node.is("string_fragment") || node.is("string"));
            property || path
        })
    })
}

/// Whether CDK cannot give the function's role a permission.
fn has_imported_role<'a>(model: &Model<'a>, function: &Site<'a>) -> bool {
    let Some(role) = function.props(model).get(model, "role").value() else { return false };
    if role.text().contains(".withoutPolicyUpdates(") {
        return true;
    }
    let call = match model.meaning(role) {
        Some(crate::model::Meaning::Value(value)) => value,
        _ => role,
    };
    call.is("call_expression")
        && call
            .field("function")
            .and_then(|function| model.cdk_name(function))
            .is_some_and(|name| name.starts_with("aws_iam.Role.from"))
}

fn trace_api<'a>(model: &Model<'a>, api: Site<'a>, out: &mut Findings<'a>) -> Option<()> {
    let props = api.props(model);
    let deploys = match props.get(model, "deploy") {
        Prop::Absent => true,
        Prop::Present(entry) => entry.value.text() == "true",
        Prop::Unknown => false,
    };
    let options = match props.get(model, "deployOptions") {
        Prop::Absent => None,
        Prop::Present(entry) => Some(model.props_of(entry.value)),
        Prop::Unknown => return None,
    };
    if options.as_ref().is_some_and(|options| options.get(model, "tracingEnabled") != Prop::Absent)
        || !deploys
        || decides_itself(&api)
        || is_set_underneath(model, &["tracingEnabled", "TracingEnabled"])
    {
        return None;
    }
    let label = label(&api);
    let message = format!(
        "{label} starts no trace in X-Ray: {WHY}. The fix switches tracing on for its stage; X-Ray bills for what it records."
    );
    out.report(&META, model, api.node, message).fix(format!("Trace {label}"), move |b| match &options {
        None => b.set_prop(&api, "deployOptions", "{ tracingEnabled: true }"),
        Some(options) => add_to_options(b, &api, options),
    });
    Some(())
}

fn add_to_options<'a>(b: &mut Builder<'_, 'a>, api: &Site<'a>, options: &Props<'a>) -> Result<(), Refusal> {
    match options.object().filter(|object| std::ptr::eq(object.file, api.node.file)) {
        Some(object) => {
            b.insert_entry(object, "tracingEnabled", "true");
            Ok(())
        }
        None => Err(crate::edit::no_fix(
            "its deployOptions are put together elsewhere",
            "add tracingEnabled: true to them",
        )),
    }
}

/// A construct with one switch of its own.
fn trace_by<'a>(
    model: &Model<'a>,
    site: Site<'a>,
    switch: &'static str,
    out: &mut Findings<'a>,
) -> Option<()> {
    let upper = if switch == "xrayEnabled" { "XrayEnabled" } else { "TracingEnabled" };
    let underneath = [switch, upper, "tracingConfiguration", "TracingConfiguration"];
    if decides_itself(&site) || is_set_underneath(model, &underneath) {
        return None;
    }
    let label = label(&site);
    let message = format!(
        "{label} sends no trace to X-Ray: {WHY}. The fix switches tracing on; X-Ray bills for what it records."
    );
    out.report(&META, model, site.node, message)
        .fix(format!("Trace {label}"), move |b| b.set_prop(&site, switch, "true"));
    Some(())
}

/// The log groups of the app's functions, by path and offset.
fn function_groups<'a>(model: &Model<'a>) -> Vec<Site<'a>> {
    let is_function = |site: &Site<'a>| model.builds(site, "aws_lambda.Function");
    let given: Vec<Site<'a>> = model
        .all_sites()
        .filter(is_function)
        .filter_map(|site| model.origin(site.props(model).get(model, "logGroup").value()?))
        .collect();
    model
        .all_sites()
        .filter(|site| model.builds(site, "aws_logs.LogGroup"))
        .filter(|site| {
            let named = site.props(model).get(model, "logGroupName").value();
            given.iter().any(|group| group.node == site.node)
                || named.is_some_and(|name| name.text().contains("/aws/lambda/"))
        })
        .collect()
}

fn save_queries<'a>(model: &Model<'a>, group: &Site<'a>, out: &mut Findings<'a>) -> Option<()> {
    let mut groups = function_groups(model);
    groups.retain(|group| !model.may_run_again(group.node));
    // One finding for the app, at its first group.
    if groups.first()?.node != group.node || group.bound().is_none() || has_saved_queries(model) {
        return None;
    }
    let block = |site: &Site<'a>| site.statement().and_then(Syn::parent);
    let near: Vec<Site<'a>> =
        groups.into_iter().filter(|other| block(other) == block(group) && other.bound().is_some()).collect();
    let message = format!(
        "{} holds the logs of a function, and the app saves no query for them: in an incident somebody writes one from memory. The \
         fix saves two, for recent errors and for slow invocations; a query is billed when it is run.",
        group.label()
    );
    let finding = out.report(&META, model, group.node, message);
    finding.impact(Impact::Info).tier(Tier::Safe).key("queries");
    let group = group.clone();
    finding.fix("Save queries for the functions' logs", move |b| {
        let last = near.last().unwrap_or(&group);
        let statement = b.statement(last.node)?;
        let class = b.cdk(group.node, "aws_logs.QueryDefinition")?;
        let query = b.cdk(group.node, "aws_logs.QueryString")?;
        let scope = b.scope_text(&group);
        let stack = b.stack_text(group.node, scope)?;
        let names: Vec<String> = near.iter().filter_map(Site::bound).collect();
        let line = names.join(", ");
        let groups = if b.fits(statement, 1, "logGroups: [],".len() + line.len()) {
            format!("logGroups: [{line}]")
        } else {
            format!("logGroups: [\n    {},\n  ]", names.join(",\n    "))
        };
        let head = |id: &str, name: &str| {
            format!(
                "new {class}({scope}, '{id}', {{\n  queryDefinitionName: `${{{stack}.stackName}}/{name}`,\n  {groups},\n  \
                 queryString: new {query}({{\n"
            )
        };
        let (errors, slow) = (b.fresh_id(group.node, &["RecentErrorsQuery"]), b.fresh_id(group.node, &["SlowInvocationsQuery"]));
        let has = |prop: &str| b.model.has_prop("aws_logs.QueryString", prop);
        let (many, sums) = (has("filterStatements"), has("statsStatements"));
        let errors_only = "'@message like /(?i)(error|exception|task timed out)/'";
        let wide = b.fits(group.node, 2, "filterStatements: [],".len() + errors_only.len());
        let filter = |text: &str, wide: bool| match (many, wide) {
            (true, true) => format!("filterStatements: [{text}]"),
            (true, false) => format!("filterStatements: [\n      {text},\n    ]"),
            (false, _) => format!("filter: {text}"),
        };
        let stats = "'count(*) as invocations, pct(@duration, 99) as p99, max(@maxMemoryUsed / 1000000) as maxMemoryMb by bin(5m)'";
        let stats = if sums {
            format!("statsStatements: [\n      {stats},\n    ]")
        } else {
            format!("stats:\n      {stats}")
        };
        b.insert_after(
            statement,
            &format!(
                "{}    fields: ['@timestamp', '@requestId', '@message'],\n    {},\n    sort: '@timestamp desc',\n    limit: 50,\n  }}),\n}});\n\n\
                 {}    {},\n    {stats},\n  }}),\n}});",
                head(&errors, "recent-errors"),
                filter(errors_only, wide),
                head(&slow, "slow-invocations"),
                filter("'@type = \"REPORT\"'", true),
            ),
        );
        Ok(())
    });
    Some(())
}

/// Whether a template that is included, or an override, may hold saved queries.
fn has_saved_queries(model: &Model<'_>) -> bool {
    model.cdk_files().any(|file| has_word(&file.text, "AWS::Logs::QueryDefinition"))
}
