//! # 5.7 No infrastructure metrics
//!
//! ## What is wrong
//! Nobody can say how often the app is released, or how many releases fail: the pipeline's events are sent to people, or to
//! nobody, and nothing counts them. Or a dashboard plots metrics that CodePipeline does not have: the graph is empty, and an
//! alarm on it never rings. CodePipeline publishes two metrics, `FailedPipelineExecutions` and `PipelineDuration`.
//!
//! ## What the fix does
//! It keeps the pipeline's SUCCEEDED and FAILED events in a log group for a year, and counts them there as
//! `SucceededDeployments` and `FailedDeployments` in the namespace `Deployments`, by pipeline. Metrics of failures and of
//! durations get the names that exist; those of successes, which CodePipeline does not count, show the new counter. A dashboard that is
//! built in the same block gets a graph of both counters by day.
//!
//! ## Before
//! ```ts
//! import * as cdk from 'aws-cdk-lib';
//! import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
//! import { Construct } from 'constructs';
//!
//! export class DashboardStack extends cdk.Stack {
//!   constructor(scope: Construct, id: string) {
//!     super(scope, id);
//!
//!     new cloudwatch.Dashboard(this, 'Dashboard').addWidgets(
//!       new cloudwatch.GraphWidget({
//!         left: [
//!           new cloudwatch.Metric({
//!             namespace: 'AWS/CodePipeline',
//!             metricName: 'PipelineExecutionFailure',
//!             dimensionsMap: { PipelineName: 'release' },
//!           }),
//!         ],
//!       })
//!     );
//!   }
//! }
//! ```
//!
//! ## After
//! ```ts
//! import * as cdk from 'aws-cdk-lib';
//! import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
//! import { Construct } from 'constructs';
//!
//! export class DashboardStack extends cdk.Stack {
//!   constructor(scope: Construct, id: string) {
//!     super(scope, id);
//!
//!     new cloudwatch.Dashboard(this, 'Dashboard').addWidgets(
//!       new cloudwatch.GraphWidget({
//!         left: [
//!           new cloudwatch.Metric({
//!             namespace: 'AWS/CodePipeline',
//!             metricName: 'FailedPipelineExecutions',
//!             dimensionsMap: { PipelineName: 'release' },
//!           }),
//!         ],
//!       })
//!     );
//!   }
//! }
//! ```
//!
//! ## When it stays silent
//! Where the pipeline's events go to something that can count them (a function, a log group, a queue, a stream), where the app plots a metric
//! that CodePipeline has, where a build publishes metrics of its own, and where something is called after DORA, whose metrics these are.
//!
//! Where notifications tell people how each release ends, the finding is only counted (`info`).
//!
//! ## When it refuses
//! For a success metric where no pipeline of the app can be given the counter; for metrics of other names; for a pipeline of
//! CDK Pipelines whose stages are added in a loop or out of sight, because nothing may be added once it is built.
//!
//! ## What to know before deploying
//! CodePipeline publishes metrics of pipelines of type V2 only. Where the app's one pipeline has no type and would be V1, the
//! fix makes it V2, which is billed by the minute of its actions instead of by pipeline. The log group's resource policy is
//! one of at most ten in an account and region. The counters start at zero: what was released before is not in them. How long it takes
//! to recover is in the log: from a FAILED event to the next SUCCEEDED one. It is not on the graph: a saved query cannot pair the two, and metrics of
//! a state lose their order where a dashboard makes its periods longer with its range, as it does by itself.
//!
//! ## Other checkers
//! cdk-nag's serverless pack reports that the events' rule has no dead-letter queue: `Serverless-EventBusDLQ`.
//! Checkov `CKV_AWS_158` asks for a key of one's own on the group of the deployments.

use super::release_counter::{Counted, count, pipelines_near};
use crate::detect::{Findings, Match};
use crate::model::imports::string_text;
use crate::model::meaning::has_word;
use crate::model::{Model, Prop, Site};
use crate::rule::{Impact, Meta, Pillar, Rule, Tier};
use crate::syntax::Syn;

/// The rule.
pub const RULE: Rule = Rule { meta: &META, check };

const META: Meta = Meta {
    id: "5.7",
    also: &[],
    name: "no-deployment-metrics",
    title: "Releases are not counted, or by metrics that CodePipeline does not have",
    pillar: Pillar::OperationalExcellence,
    impact: Impact::Low,
    tier: Tier::Review,
    practice: "OPS09-BP01",
    clears: &[],
    raises: &[],
    asks: &[],
    // After 5.2 and 2.7, which change the stages: CDK Pipelines takes none once it is built.
    order: 570,
    source: include_str!("wa_5_7_no_deployment_metrics.rs"),
    query: include_str!("../../queries/operational_excellence/wa_5_7_no_deployment_metrics.scm"),
};

const FAILED: &str = "FailedPipelineExecutions";
const DURATION: &str = "PipelineDuration";

fn check<'a>(m: &Match<'_, 'a>, out: &mut Findings<'a>) -> Option<()> {
    let model = m.model;
    if let Some(metric) = m.site("metric") {
        return wrong_metric(model, metric, out);
    }
    let counted = match m.site("pipeline") {
        Some(pipeline) => Counted { pipeline, builds_later: false },
        None => Counted { pipeline: m.site("cdk")?, builds_later: true },
    };
    uncounted(model, &counted, out)
}

/// What a metric of `AWS/CodePipeline` is meant to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meant {
    /// One that exists.
    Itself,
    /// One that exists under another name.
    Other(&'static str),
    /// Successes, of which there is none.
    Success,
    /// Not to be told.
    Unknown,
}

fn meant(name: &str) -> Meant {
    let lower = name.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    match () {
        () if name == FAILED || name == DURATION => Meant::Itself,
        () if says(&["action", "stage"]) => Meant::Unknown,
        () if says(&["duration", "executiontime", "elapsed", "latency"]) => Meant::Other(DURATION),
        () if says(&["fail"]) => Meant::Other(FAILED),
        () if says(&["succe"]) => Meant::Success,
        () => Meant::Unknown,
    }
}

/// The metrics of `AWS/CodePipeline` in the app, each with its name's literal.
fn pipeline_metrics<'a>(model: &Model<'a>) -> Vec<(Site<'a>, Syn<'a>)> {
    let of = |site: Site<'a>| {
        let is_metric = ["aws_cloudwatch.Metric", "aws_cloudwatch.CfnAlarm"];
        if !is_metric.iter().any(|class| model.builds(&site, class)) {
            return None;
        }
        let name = metric_name(model, &site)?;
        Some((site, name))
    };
    model.all_sites().filter_map(of).collect()
}

fn metric_name<'a>(model: &Model<'a>, metric: &Site<'a>) -> Option<Syn<'a>> {
    let props = metric.props(model);
    let literal = |name: &str| props.get(model, name).value().filter(|value| value.is("string"));
    literal("namespace").filter(|namespace| string_text(*namespace) == "AWS/CodePipeline")?;
    literal("metricName")
}

fn wrong_metric<'a>(model: &Model<'a>, metric: Site<'a>, out: &mut Findings<'a>) -> Option<()> {
    let literal = metric_name(model, &metric)?;
    let name = string_text(literal);
    match meant(name) {
        Meant::Itself => None,
        Meant::Other(right) => {
            rename(model, &metric, literal, right, out);
            Some(())
        }
        Meant::Success => success(model, metric, literal, out),
        Meant::Unknown => {
            let message =
                format!("CodePipeline publishes no metric {name}: what is plotted of it stays empty.");
            let finding = out.report(&META, model, metric.node, message);
            finding.key(name).refuse(
                "it cannot be told which metric is meant",
                "use FailedPipelineExecutions or PipelineDuration, which pipelines of type V2 publish",
            );
            Some(())
        }
    }
}

fn rename<'a>(
    model: &Model<'a>,
    metric: &Site<'a>,
    literal: Syn<'a>,
    right: &'static str,
    out: &mut Findings<'a>,
) {
    let name = string_text(literal);
    let untyped = untyped_pipeline(model);
    let kind = if untyped.is_some() {
        " CodePipeline publishes it for pipelines of type V2 only, so the fix also gives the pipeline that type, which changes how \
         it is billed."
    } else {
        ""
    };
    let message = format!(
        "CodePipeline publishes no metric {name}: a graph of it stays empty, an alarm on it never rings. The fix uses {right}, \
         which it does publish.{kind}"
    );
    let finding = out.report(&META, model, metric.node, message);
    finding.key(name).impact(Impact::Medium);
    // What could not ring may ring.
    if !(is_in_alarm(model, metric) || untyped.is_some()) {
        finding.tier(Tier::Safe);
    }
    finding.fix(format!("Use {right}"), move |b| {
        b.splice(literal, literal.start() + 1..literal.end() - 1, right);
        if let Some(pipeline) = &untyped {
            let kind = b.cdk(pipeline.node, "aws_codepipeline.PipelineType")?;
            b.set_prop(pipeline, "pipelineType", &format!("{kind}.V2"))?;
        }
        Ok(())
    });
}

fn is_in_alarm<'a>(model: &Model<'a>, metric: &Site<'a>) -> bool {
    let alarmed = |node: Syn<'a>| {
        node.ancestors().any(|around| {
            let creates = around.is("call_expression")
                && around.field("function").is_some_and(|function| function.text().ends_with(".createAlarm"));
            creates
                || model.site_of(around).is_some_and(|site| model.builds(&site, "aws_cloudwatch.AlarmBase"))
        })
    };
    model.builds(metric, "aws_cloudwatch.CfnAlarm")
        || alarmed(metric.node)
        || model.uses(metric).into_iter().any(alarmed)
}

/// The app's one pipeline, where it has no type and is V1 without one.
fn untyped_pipeline<'a>(model: &Model<'a>) -> Option<Site<'a>> {
    let flag = model.app.context_flag("@aws-cdk/aws-codepipeline:defaultPipelineTypeToV2");
    if flag.is_some_and(|flag| flag.as_bool() == Some(true)) {
        return None;
    }
    let mut pipelines = model.all_sites().filter(|site| model.builds(site, "aws_codepipeline.Pipeline"));
    let pipeline = pipelines.next()?;
    let untyped = pipeline.props(model).get(model, "pipelineType") == Prop::Absent
        && model.has_prop("aws_codepipeline.Pipeline", "pipelineType");
    (untyped && pipelines.next().is_none()).then_some(pipeline)
}

/// A metric of successes: the counter's, where there is one or will be.
fn success<'a>(model: &Model<'a>, metric: Site<'a>, literal: Syn<'a>, out: &mut Findings<'a>) -> Option<()> {
    let name = string_text(literal);
    let counted = model.cdk_files().any(|file| file.text.contains("SucceededDeployments"));
    // The finding of the pipeline brings the counter and the name.
    if !counted && is_plain(model, &metric) && counts_all(model) {
        return None;
    }
    let message = format!(
        "CodePipeline publishes no metric {name}, nor any other of successes: a graph of it stays empty. The fix shows the app's own counter \
         SucceededDeployments."
    );
    let finding = out.report(&META, model, metric.node, message);
    finding.key(name);
    if counted && is_plain(model, &metric) {
        finding.fix("Show the app's counter of releases", move |b| {
            show_counter(b, &metric, literal);
            Ok(())
        });
    } else {
        finding.refuse(
            "nothing in the app counts successes, and no pipeline of it can be given a counter",
            "plot SucceededBuilds of the project that deploys (namespace AWS/CodeBuild), or count the pipeline's SUCCEEDED events",
        );
    }
    Some(())
}

/// Whether a metric has its namespace and one dimension, the pipeline, as literals in place.
fn is_plain<'a>(model: &Model<'a>, metric: &Site<'a>) -> bool {
    let props = metric.props(model);
    let dimensions = ["dimensionsMap", "dimensions"].iter().find_map(|name| props.get(model, name).value());
    model.builds(metric, "aws_cloudwatch.Metric")
        && dimensions.is_some_and(|dimensions| {
            dimensions.is("object")
                && dimensions.children().count() == 1
                && has_word(dimensions.text(), "PipelineName")
        })
}

fn show_counter<'a>(b: &mut crate::edit::Builder<'_, 'a>, metric: &Site<'a>, literal: Syn<'a>) {
    let namespace = metric.props(b.model).get(b.model, "namespace").value();
    for (node, text) in [(namespace, "Deployments"), (Some(literal), "SucceededDeployments")] {
        if let Some(node) = node {
            b.splice(node, node.start() + 1..node.end() - 1, text);
        }
    }
}

/// Whether the findings of the app's pipelines bring the counter to every one of them.
fn counts_all(model: &Model<'_>) -> bool {
    let mut pipelines =
        model.all_sites().filter(|site| model.builds(site, "aws_codepipeline.Pipeline")).peekable();
    pipelines.peek().is_some()
        && !model.app_builds("pipelines.CodePipeline")
        && !is_measured(model)
        && pipelines.all(|pipeline| {
            let counted = Counted { pipeline, builds_later: false };
            counted.can_be_counted(model) && !counted.is_heard(model)
        })
}

/// Whether something in the app measures releases already.
fn is_measured(model: &Model<'_>) -> bool {
    let metrics = pipeline_metrics(model);
    let means = |wanted: Meant| metrics.iter().any(|(_, name)| meant(string_text(*name)) == wanted);
    let named = |text: &str| {
        // What counts one pipeline hears its events, and says nothing of another.
        let counter = text.contains("SucceededDeployments") && !text.contains("DeploymentEvents");
        counter
            || ["put-metric-data", "deployment-frequency", "DeploymentFrequency"]
                .iter()
                .any(|word| text.contains(word))
            || has_word(text, "dora")
            || has_word(text, "DORA")
    };
    (means(Meant::Itself) && !means(Meant::Success))
        || model.app.files.iter().any(|file| file.text().is_ok_and(|text| named(text)))
}

fn uncounted<'a>(model: &Model<'a>, counted: &Counted<'a>, out: &mut Findings<'a>) -> Option<()> {
    if counted.is_heard(model) || is_measured(model) {
        return None;
    }
    let near = pipelines_near(model, counted);
    if near.first()?.pipeline.node != counted.pipeline.node {
        return None;
    }
    let all = counts_all(model);
    let empty: Vec<(Site<'a>, Syn<'a>)> = pipeline_metrics(model)
        .into_iter()
        .filter(|(site, name)| all && is_plain(model, site) && meant(string_text(*name)) == Meant::Success)
        .collect();
    let labels: Vec<String> = near.iter().map(|counted| counted.pipeline.label()).collect();
    let (who, verb) = (labels.join(" and "), if labels.len() == 1 { "releases" } else { "release" });
    let shown = if empty.is_empty() {
        ""
    } else {
        " What is plotted of successes now, which CodePipeline does not publish, shows the counter."
    };
    let message = format!(
        "{who} {verb}, and nothing counts how often, or how many releases fail. The fix keeps the pipeline's SUCCEEDED and FAILED events in \
         a log group for a year and counts them by pipeline; CloudWatch bills for two metrics of each pipeline.{shown}"
    );
    let finding = out.report(&META, model, counted.pipeline.node, message);
    finding.key("counter");
    if near.iter().all(|counted| counted.notifies(model)) {
        finding.impact(Impact::Info);
    }
    finding.fix(format!("Count the releases of {who}"), move |b| {
        count(b, &near)?;
        // A metric of the same app, whatever its file: the pipeline's name tells them apart.
        for (metric, literal) in &empty {
            show_counter(b, metric, *literal);
        }
        Ok(())
    });
    Some(())
}
