//! Counts the releases of pipelines: their events in a log group, metric filters on it.

use std::fmt::Write as _;

use super::super::security;
use super::release_graph::draw;
use crate::detect::Refusal;
use crate::edit::config::name_after;
use crate::edit::{Builder, no_fix};
use crate::model::{Model, Prop, Site};
use crate::syntax::Syn;

/// A pipeline whose releases are to be counted.
#[derive(Debug, Clone)]
pub(super) struct Counted<'a> {
    /// Where it is built.
    pub pipeline: Site<'a>,
    /// Whether it is one of CDK Pipelines, which has no pipeline until `buildPipeline()`.
    pub builds_later: bool,
}

impl<'a> Counted<'a> {
    /// Whether its events go to something that can count them, or that cannot be told.
    pub(super) fn is_heard(&self, model: &Model<'a>) -> bool {
        let tells = |expression: Syn<'a>| {
            model.origin(expression).is_some_and(|site| site.class.as_str() == "aws_events_targets.SnsTopic")
        };
        let events = ["onStateChange", "onEvent"].iter().flat_map(|name| model.method_calls(name));
        let mine = |receiver: Syn<'a>| {
            // `pipeline.pipeline.onStateChange` of CDK Pipelines.
            let inner = receiver.field("object").filter(|_| self.builds_later).unwrap_or(receiver);
            model.origin(inner).is_none_or(|origin| origin.node == self.pipeline.node)
        };
        let by_method = events
            .filter(|call| {
                call.field("function").and_then(|function| function.field("object")).is_some_and(mine)
            })
            .any(|call| {
                let options = call.field("arguments").and_then(|list| list.children().nth(1));
                let target = options.map(|options| model.props_of(options).get(model, "target"));
                !matches!(target, Some(Prop::Present(entry)) if tells(entry.value))
            });
        let by_rule = model.all_sites().any(|rule| {
            model.builds(&rule, "aws_events.Rule")
                && rule.node.text().contains("aws.codepipeline")
                && !only_tells(model, &rule, tells)
        });
        by_method || by_rule
    }

    /// Whether notifications of CodeStar tell people of it.
    pub(super) fn notifies(&self, model: &Model<'a>) -> bool {
        let kinds = ["notifyOn", "notifyOnExecutionStateChange", "notifyOnAnyStageStateChange"];
        kinds.iter().flat_map(|kind| model.method_calls(kind)).any(|call| {
            let receiver = call.field("function").and_then(|function| function.field("object"));
            let of =
                |object: Syn<'a>| model.origin(object).is_some_and(|site| site.node == self.pipeline.node);
            receiver.is_some_and(|receiver| of(receiver) || receiver.field("object").is_some_and(of))
        })
    }

    /// Whether a fix can be made: the release knows what it needs, and there is a place.
    pub(super) fn can_be_counted(&self, model: &Model<'a>) -> bool {
        is_known(model) && self.pipeline.statement().is_some() && !is_inside(&self.pipeline)
    }

    fn block(&self) -> Option<Syn<'a>> {
        self.pipeline.statement().and_then(Syn::parent)
    }
}

/// Whether everything that a rule sends its events to is a topic.
fn only_tells<'a>(model: &Model<'a>, rule: &Site<'a>, tells: impl Fn(Syn<'a>) -> bool) -> bool {
    let given = match rule.props(model).get(model, "targets") {
        Prop::Absent => true,
        Prop::Present(entry) => model.array(entry.value).is_some_and(|array| array.children().all(&tells)),
        Prop::Unknown => false,
    };
    given
        && model.method_calls("addTarget").all(|call| {
            let receiver = call.field("function").and_then(|function| function.field("object"));
            let mine = receiver
                .and_then(|receiver| model.origin(receiver))
                .is_none_or(|origin| origin.node == rule.node);
            !mine || call.field("arguments").and_then(Syn::first).is_some_and(&tells)
        })
}

fn is_known(model: &Model<'_>) -> bool {
    model.has_prop("aws_logs.MetricFilter", "dimensions")
        && model.has_member("ArnFormat", "COLON_RESOURCE_NAME")
}

/// Whether a construct is built inside another expression, where it has no name.
fn is_inside(site: &Site<'_>) -> bool {
    site.bound().is_none()
        && site.node.is("new_expression")
        && site.node.parent().is_none_or(|parent| !parent.is("expression_statement"))
}

/// The pipelines of the same block as one, itself among them, in source order: they share a log group.
pub(super) fn pipelines_near<'a>(model: &Model<'a>, counted: &Counted<'a>) -> Vec<Counted<'a>> {
    let class = if counted.builds_later { "pipelines.CodePipeline" } else { "aws_codepipeline.Pipeline" };
    let own = model.sites(counted.pipeline.node.file).iter().filter(|site| model.builds(site, class));
    own.map(|site| Counted { pipeline: site.clone(), builds_later: counted.builds_later })
        .filter(|other| {
            other.pipeline.node == counted.pipeline.node
                || other.block() == counted.block() && !is_inside(&other.pipeline) && !other.is_heard(model)
        })
        .collect()
}

/// Writes the log group, its policy, the rules and the counters behind the last of the pipelines.
pub(super) fn count<'a>(b: &mut Builder<'_, 'a>, near: &[Counted<'a>]) -> Result<(), Refusal> {
    let model = b.model;
    if !is_known(model) {
        return Err(no_fix(
            "this aws-cdk-lib cannot give a metric filter the pipeline as its dimension",
            "update aws-cdk-lib to 2.44.0 or later, then run again",
        ));
    }
    let mut receivers = Vec::new();
    let mut place: Option<Syn<'a>> = None;
    for counted in near {
        let (receiver, last) = receiver(b, counted)?;
        receivers.push((counted, receiver));
        place = place.filter(|other| other.start() > last.start()).or(Some(last));
    }
    let (Some(place), Some(first)) = (place, near.first()) else {
        return Err(no_fix("there is no pipeline", "report this as a fault of wa-fix"));
    };
    let at = first.pipeline.node;
    let scope = b.scope_text(&first.pipeline);
    let scope = if at.is("call_expression") { "this" } else { scope };
    let log = b.fresh_name(at.file, &["deploymentLog", "releaseLog"]);
    let group = group(b, &first.pipeline, scope, &log)?;
    let target = target(b, at, scope, &log)?;
    let mut code = group;
    let mut shown = Vec::new();
    for (counted, receiver) in &receivers {
        let receiver = if counted.builds_later {
            if !builds(model, counted) {
                let _ = write!(code, "{receiver}.buildPipeline();\n\n");
            }
            format!("{receiver}.pipeline")
        } else {
            receiver.clone()
        };
        let _ = write!(
            code,
            "{receiver}.onStateChange('DeploymentEvents', {{\n  eventPattern: {{ detail: {{ state: ['SUCCEEDED', 'FAILED'] }} }},\n  {target},\n}});\n\n"
        );
        shown.push((counted.pipeline.label(), receiver));
    }
    code.push_str(&filters(b, at, &log)?);
    b.insert_after(place, &code);
    draw(b, place, &shown)
}

/// What a pipeline is called, and the last statement of its block that changes it.
fn receiver<'a>(b: &mut Builder<'_, 'a>, counted: &Counted<'a>) -> Result<(String, Syn<'a>), Refusal> {
    let model = b.model;
    let statement = b.statement(counted.pipeline.node)?;
    let name = security::named(b, &counted.pipeline, statement, "pipeline").ok_or_else(|| {
        no_fix(
            "the pipeline is built inside another expression",
            "keep it in a variable of its own, then run again",
        )
    })?;
    let block = counted.block();
    let mut last = statement;
    for method in ["addStage", "addWave", "onStateChange", "onEvent", "addTrigger", "buildPipeline"] {
        for call in model.method_calls(method) {
            let Some(object) = call.field("function").and_then(|function| function.field("object")) else {
                continue;
            };
            let inner = object.field("object").filter(|_| counted.builds_later).unwrap_or(object);
            let mine = [object, inner].into_iter().any(|object| {
                model.origin(object).is_some_and(|origin| origin.node == counted.pipeline.node)
            });
            if !mine {
                continue;
            }
            let own = crate::model::statement_of(call).filter(|own| own.parent() == block);
            match own {
                Some(own) if !is_late(call, own) && own.start() > last.start() => last = own,
                Some(own) if !is_late(call, own) => {}
                _ if counted.builds_later && method != "onStateChange" => {
                    return Err(no_fix(
                        "its stages are added where wa-fix cannot see the last of them, and nothing may be added once the \
                         pipeline is built",
                        "call buildPipeline() behind the last stage, and count its events there",
                    ));
                }
                _ => {}
            }
        }
    }
    if counted.builds_later && !builds(model, counted) {
        // Waves and stages that are kept in variables get more until the end.
        let end = block
            .into_iter()
            .flat_map(Syn::children)
            .filter(|other| !other.is("return_statement") && !other.is("comment"));
        last = end.last().filter(|end| end.start() > last.start()).unwrap_or(last);
    }
    Ok((name, last))
}

/// Whether a call happens in a function of the statement, not when the statement is run.
fn is_late(call: Syn<'_>, statement: Syn<'_>) -> bool {
    call.ancestors()
        .take_while(|around| *around != statement)
        .any(|around| around.kind().contains("function"))
        || statement.kind().starts_with("for_")
        || matches!(statement.kind(), "while_statement" | "if_statement" | "do_statement")
}

/// Whether the app builds a pipeline of CDK Pipelines itself.
fn builds<'a>(model: &Model<'a>, counted: &Counted<'a>) -> bool {
    model.method_calls("buildPipeline").any(|call| {
        call.field("function").and_then(|function| function.field("object")).is_some_and(|object| {
            model.origin(object).is_some_and(|origin| origin.node == counted.pipeline.node)
        })
    })
}

/// The log group, which EventBridge may write to.
fn group<'a>(
    b: &mut Builder<'_, 'a>,
    pipeline: &Site<'a>,
    scope: &str,
    log: &str,
) -> Result<String, Refusal> {
    let at = pipeline.node;
    // In the order in which imports stand.
    let statement = b.cdk(at, "aws_iam.PolicyStatement")?;
    let principal = b.cdk(at, "aws_iam.ServicePrincipal")?;
    let class = b.cdk(at, "aws_logs.LogGroup")?;
    let days = b.cdk(at, "aws_logs.RetentionDays")?;
    let removal = b.cdk(at, "RemovalPolicy")?;
    let id = b.fresh_id(at, &["DeploymentLog", &name_after(&pipeline.label(), "DeploymentLog")]);
    let around = b.statement(at)?;
    let key = security::wa_1_9_api_without_access_logs::neighbours_key(b.model, around)
        .map(|key| match key.text() {
            "encryptionKey" => "  encryptionKey,\n".to_owned(),
            key => format!("  encryptionKey: {key},\n"),
        })
        .unwrap_or_default();
    Ok(format!(
        "// How each release ended, kept and counted\nconst {log} = new {class}({scope}, '{id}', {{\n  retention: {days}.ONE_YEAR,\n{key}  \
         removalPolicy: {removal}.RETAIN,\n}});\n{log}.addToResourcePolicy(\n  new {statement}({{\n    principals: [\n      \
         new {principal}('events.amazonaws.com'),\n      new {principal}('delivery.logs.amazonaws.com'),\n    ],\n    actions: \
         ['logs:CreateLogStream', 'logs:PutLogEvents'],\n    resources: [{log}.logGroupArn],\n  }})\n);\n\n"
    ))
}

/// The log group as a target. CDK's own target class would add a function to every stack that sets the policy.
fn target<'a>(b: &mut Builder<'_, 'a>, at: Syn<'a>, scope: &str, log: &str) -> Result<String, Refusal> {
    let stack = b.stack_text(at, scope)?;
    let format = b.cdk(at, "ArnFormat")?;
    Ok(format!(
        "target: {{\n    bind: () => ({{\n      arn: {stack}.formatArn({{\n        service: 'logs',\n        resource: 'log-group',\n        \
         resourceName: {log}.logGroupName,\n        arnFormat: {format}.COLON_RESOURCE_NAME,\n      }}),\n    }}),\n  }}"
    ))
}

fn filters<'a>(b: &mut Builder<'_, 'a>, at: Syn<'a>, log: &str) -> Result<String, Refusal> {
    let class = b.cdk(at, "aws_logs.FilterPattern")?;
    let around = b.statement(at)?;
    let one = |b: &mut Builder<'_, 'a>, name: &str, state: &str| {
        let line = format!("{class}.stringValue('$.detail.state', '=', '{state}')");
        let pattern = if b.fits(around, 1, "filterPattern: ,".len() + line.len()) {
            line
        } else {
            format!("{class}.stringValue(\n    '$.detail.state',\n    '=',\n    '{state}'\n  )")
        };
        format!(
            "{log}.addMetricFilter('{name}', {{\n  filterPattern: {pattern},\n  metricNamespace: 'Deployments',\n  metricName: '{name}',\n  \
             metricValue: '1',\n  dimensions: {{ PipelineName: '$.detail.pipeline' }},\n}});"
        )
    };
    let succeeded = one(b, "SucceededDeployments", "SUCCEEDED");
    Ok(format!("{succeeded}\n{}", one(b, "FailedDeployments", "FAILED")))
}
