//! More than a trace of a function: what Lambda Insights measures, and what Application Signals makes of its calls.

use crate::detect::{Candidate, Refusal};
use crate::edit::{Builder, no_fix};
use crate::fixes::security::named;
use crate::model::scope::lookup;
use crate::model::{Model, Prop, Site};
use crate::rule::Tier;

/// The layers of Lambda Insights, newest first.
const INSIGHTS: [&str; 4] =
    ["VERSION_1_0_333_0", "VERSION_1_0_317_0", "VERSION_1_0_229_0", "VERSION_1_0_119_0"];

/// The context value that names the layer of Application Signals: it differs by Region and by release.
const LAYER: &str = "adotLayerArn";

/// Offers both in the review, where they fit.
pub(super) fn offer<'a>(model: &Model<'a>, finding: &mut Candidate<'a>, function: &Site<'a>, label: &str) {
    if !takes_layers(model, function) {
        return;
    }
    if let Some(version) = insights(model, function) {
        let measured = function.clone();
        finding.alternative(
            format!("Trace {label}, and let Lambda Insights measure its memory, processor and network"),
            Tier::Review,
            move |b| {
                trace(b, &measured)?;
                let class = b.cdk(measured.node, "aws_lambda.LambdaInsightsVersion")?;
                b.set_prop(&measured, "insightsVersion", &format!("{class}.{version}"))
            },
        );
    }
    if speaks_for_itself(model, function) {
        let seen = function.clone();
        finding.alternative(
            format!("Trace {label}, and let Application Signals watch its calls once {LAYER} names a layer"),
            Tier::Scaffold,
            move |b| {
                trace(b, &seen)?;
                signals(b, &seen)
            },
        );
    }
}

/// Whether layers can be given to a function: it is no image, and has none that cannot be counted.
fn takes_layers<'a>(model: &Model<'a>, function: &Site<'a>) -> bool {
    let props = function.props(model);
    let image = model.builds(function, "aws_lambda.DockerImageFunction")
        || model.builds(function, "aws_lambda.SingletonFunction");
    !image
        && !props.is_opaque()
        && props.get(model, "layers") == Prop::Absent
        && function.node.is("new_expression")
}

/// The newest layer of Lambda Insights that the release names, where the function has none.
fn insights<'a>(model: &Model<'a>, function: &Site<'a>) -> Option<&'static str> {
    let free = function.props(model).get(model, "insightsVersion") == Prop::Absent;
    INSIGHTS.into_iter().find(|version| free && model.has_member("aws_lambda.LambdaInsightsVersion", version))
}

/// Whether Application Signals has an agent for the function's language.
fn speaks_for_itself<'a>(model: &Model<'a>, function: &Site<'a>) -> bool {
    let runtime =
        function.props(model).get(model, "runtime").value().and_then(|runtime| model.cdk_name(runtime));
    let newer = model.builds(function, "aws_lambda_nodejs.NodejsFunction");
    runtime.is_some_and(|name| {
        let name = name.trim_start_matches("aws_lambda.Runtime.");
        ["NODEJS_18", "NODEJS_20", "NODEJS_22", "PYTHON_3_1"].iter().any(|start| name.starts_with(start))
    }) || newer && function.props(model).get(model, "runtime") == Prop::Absent
}

fn trace<'a>(b: &mut Builder<'_, 'a>, function: &Site<'a>) -> Result<(), Refusal> {
    let tracing = b.cdk(function.node, "aws_lambda.Tracing")?;
    b.set_prop(function, "tracing", &format!("{tracing}.ACTIVE"))
}

/// The layer, its switch and its permission, behind the function and only where the layer is named.
fn signals<'a>(b: &mut Builder<'_, 'a>, function: &Site<'a>) -> Result<(), Refusal> {
    let at = function.node;
    let statement = b.statement(at)?;
    let name = named(b, function, statement, "function").ok_or_else(|| {
        no_fix(
            "the function is built inside another expression, where no statement can follow it",
            "keep the function in a variable of its own, then run again",
        )
    })?;
    let scope = b.scope_text(function);
    let layer = b.cdk(at, "aws_lambda.LayerVersion")?;
    let policy = b.cdk(at, "aws_iam.ManagedPolicy")?;
    let id = b.sibling_id(function, "AdotLayer");
    let declared = if lookup(statement, LAYER).is_some() {
        String::new()
    } else {
        let annotation = b.annotation(at.file, "unknown");
        format!("const {LAYER}{annotation} = {scope}.node.tryGetContext('{LAYER}');\n")
    };
    b.insert_after(
        statement,
        &format!(
            "// Application Signals; the layer's ARN differs by Region: cdk deploy -c {LAYER}=…\n{declared}\
             if (typeof {LAYER} === 'string') {{\n  \
               {name}.addLayers(\n    {layer}.fromLayerVersionArn({scope}, {id}, {LAYER})\n  );\n  \
               {name}.addEnvironment('AWS_LAMBDA_EXEC_WRAPPER', '/opt/otel-instrument');\n  \
               {name}.role?.addManagedPolicy(\n    \
                 {policy}.fromAwsManagedPolicyName(\n      \
                   'CloudWatchLambdaApplicationSignalsExecutionRolePolicy'\n    \
                 )\n  \
               );\n\
             }}"
        ),
    );
    Ok(())
}
