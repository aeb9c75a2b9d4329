//! Part of 2.7: a pipeline of CDK Pipelines, whose stages know no `onFailure`.

use crate::detect::{Findings, Refusal};
use crate::edit::{Builder, no_fix};
use crate::fixes::operational_excellence::deploying_stages::{is_not_production, is_production};
use crate::fixes::security::named;
use crate::model::meaning::has_word;
use crate::model::{Model, Prop, Site, statement_of};
use crate::rule::{Impact, Meta};
use crate::syntax::{Parsed, Syn};

/// One `pipeline.addStage(new Shop(this, 'Prod'), …)`.
struct Stage<'a> {
    call: Syn<'a>,
    name: &'a str,
}

/// Reports the stage that deploys production, where a failure leaves what it has changed.
pub(super) fn check<'a>(
    meta: &'static Meta,
    model: &Model<'a>,
    pipeline: Site<'a>,
    out: &mut Findings<'a>,
) -> Option<()> {
    // A pipeline that is given is configured where it is built.
    let own = pipeline.props(model).get(model, "codePipeline") == Prop::Absent;
    if !own || is_not_production(&pipeline.label()) {
        return None;
    }
    let stages = stages(model, &pipeline)?;
    let named_so = stages.iter().find(|stage| is_production(stage.name));
    let last = || stages.last().filter(|stage| !is_not_production(stage.name));
    let Stage { call, name } = *named_so.or_else(last)?;
    let text = &call.file.text;
    if has_word(text, "OnFailure") {
        return None;
    }
    let options = call.field("arguments")?.children().nth(1);
    let option =
        |name: &str| options.map_or(Prop::Absent, |options| model.props_of(options).get(model, name));
    let (pre, post) = (option("pre"), option("post"));
    if pre == Prop::Unknown || post == Prop::Unknown {
        return None;
    }
    // CloudFormation undoes an update that fails; what it cannot know is that the release does not work.
    let Prop::Present(post) = post else { return None };
    if post.value.is("array") && post.value.first().is_none() {
        return None;
    }
    let billed = if model.is_pipeline_v2(&pipeline) == Some(true) {
        ""
    } else {
        " That takes a pipeline of type V2, which is billed by the minute."
    };
    let message = format!(
        "A release that fails the steps behind the deployment of {name} stays in place, until somebody deploys the former version by hand. \
         The fix lets CodePipeline run the stage's last successful execution again.{billed}"
    );
    let finding = out.report(meta, model, call, message);
    finding.key(name).impact(Impact::Medium);
    if pre.value().is_some_and(|pre| has_word(pre.text(), "ManualApprovalStep")) {
        finding.refuse(
            "the stage asks for an approval itself, and a rollback would wait for it as well",
            "move the approval to a wave of its own before this stage, then run again",
        );
        return Some(());
    }
    finding.fix(format!("Roll {name} back when it fails"), move |b| roll_back(b, &pipeline, name));
    Some(())
}

/// The stages of a pipeline, in order; `None` where one is added out of sight.
fn stages<'a>(model: &Model<'a>, pipeline: &Site<'a>) -> Option<Vec<Stage<'a>>> {
    let mut stages = Vec::new();
    for call in model.method_calls("addStage") {
        let receiver = call.field("function")?.field("object")?;
        if model.origin(receiver).is_none_or(|origin| origin.node != pipeline.node) {
            continue;
        }
        let stage = call.field("arguments")?.first()?;
        let site = if stage.is("new_expression") { model.site_of(stage)? } else { model.origin(stage)? };
        stages.push(Stage { call, name: site.id_text()? });
    }
    Some(stages)
}

/// Builds the pipeline behind its last stage and overrides what happens when the stage fails.
fn roll_back<'a>(b: &mut Builder<'_, 'a>, pipeline: &Site<'a>, stage: &str) -> Result<(), Refusal> {
    let statement = b.statement(pipeline.node)?;
    let (at, built) = last_use(b.model, pipeline, statement)?;
    let name = named(b, pipeline, statement, "pipeline").ok_or_else(|| {
        no_fix("the pipeline is built inside another expression", "keep it in a constant, then run again")
    })?;
    let mut lines = Vec::new();
    if !built {
        lines.push(format!("{name}.buildPipeline();"));
    }
    let class = b.cdk(pipeline.node, "aws_codepipeline.CfnPipeline")?;
    let file = pipeline.node.file;
    let cfn = b.fresh_name(file, &["cfnPipeline", "rawPipeline"]);
    let index = b.fresh_name(file, &["stageIndex", "rolledBackStage"]);
    let cast = if is_javascript(file) { String::new() } else { format!(" as {class}") };
    lines.push(format!("const {cfn} = {name}.pipeline.node.defaultChild{cast};"));
    lines.push(format!(
        "const {index} = {name}.pipeline.stages.findIndex(\n  stage => stage.stageName === '{stage}'\n);"
    ));
    match b.model.is_pipeline_v2(pipeline) {
        Some(true) => {}
        Some(false) if b.model.has_prop("pipelines.CodePipeline", "pipelineType") => {
            let kind = b.cdk(pipeline.node, "aws_codepipeline.PipelineType")?;
            b.set_prop(pipeline, "pipelineType", &format!("{kind}.V2"))?;
        }
        _ => lines.push(format!("{cfn}.addPropertyOverride('PipelineType', 'V2');")),
    }
    lines.push(format!(
        "{cfn}.addPropertyOverride(\n  `Stages.${{{index}}}.OnFailure.Result`,\n  'ROLLBACK'\n);"
    ));
    let code =
        format!("// A release that fails its checks makes way for the one before\n{}", lines.join("\n"));
    b.insert_after(at, &code);
    Ok(())
}

/// Whether a file is written in JavaScript, which knows no types.
pub(super) fn is_javascript(file: &Parsed) -> bool {
    let end = std::path::Path::new(&file.path).extension().and_then(|end| end.to_str());
    end.is_some_and(|end| matches!(end, "js" | "mjs" | "cjs" | "jsx"))
}

/// The last statement that adds to the pipeline, and whether it is built there already.
fn last_use<'a>(
    model: &Model<'a>,
    pipeline: &Site<'a>,
    statement: Syn<'a>,
) -> Result<(Syn<'a>, bool), Refusal> {
    let elsewhere = || {
        no_fix(
            "stages are added elsewhere than where the pipeline is built, and nothing can be added once it is complete",
            "call buildPipeline() behind the last of them and override OnFailure there",
        )
    };
    let block = statement.parent();
    let mut last = statement;
    let mut built = false;
    for used in model.uses(pipeline) {
        let own = std::iter::once(used)
            .chain(used.ancestors())
            .find(|around| around.parent() == block && std::ptr::eq(around.file, statement.file));
        let own = own.filter(|_| statement_of(used).is_some()).ok_or_else(elsewhere)?;
        built |= own.text().contains(".buildPipeline()");
        if own.start() > last.start() {
            last = own;
        }
    }
    Ok((last, built))
}
