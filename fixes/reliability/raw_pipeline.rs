//! Part of 2.7: a pipeline that is written as CloudFormation has it.

use super::wa_2_7_deployment_without_rollback::told;
use crate::detect::{Findings, Refusal};
use crate::edit::{Builder, no_fix};
use crate::fixes::operational_excellence::deploying_stages::is_not_production;
use crate::fixes::operational_excellence::l1_pipeline::{RawStage, stages};
use crate::model::{Model, Prop, Site};
use crate::rule::{Impact, Meta};

/// Reports the stages of a `CfnPipeline` that deploy, where a failure leaves what they have changed.
pub(super) fn check<'a>(
    meta: &'static Meta,
    model: &Model<'a>,
    pipeline: &Site<'a>,
    out: &mut Findings<'a>,
) -> Option<()> {
    let label = pipeline.label();
    if is_not_production(&label) {
        return None;
    }
    for stage in stages(model, pipeline)?.into_iter().skip(1) {
        let providers = stage.providers("Deploy");
        // CodeDeploy undoes what it could not deploy.
        let leaves = providers.iter().any(|provider| !provider.starts_with("CodeDeploy"));
        let open = model.props_of(stage.node).get(model, "onFailure") == Prop::Absent;
        if !leaves || !open || is_not_production(stage.name) {
            continue;
        }
        let cloudformation = providers.iter().all(|provider| provider.starts_with("CloudFormation"));
        let message =
            told((stage.name, &label), cloudformation, "", model.is_pipeline_v2(pipeline) == Some(true));
        let finding = out.report(meta, model, stage.node, message);
        finding.key(stage.name).impact(if cloudformation { Impact::Low } else { Impact::High });
        if !stage.providers("Approval").is_empty() {
            finding.refuse(
                "the stage asks for an approval itself, and a rollback would wait for it as well",
                "move the approval to a stage of its own before this one, then run again",
            );
            continue;
        }
        let pipeline = pipeline.clone();
        finding
            .fix(format!("Roll {} back when it fails", stage.name), move |b| roll_back(b, &pipeline, &stage));
    }
    Some(())
}

fn roll_back<'a>(b: &mut Builder<'_, 'a>, pipeline: &Site<'a>, stage: &RawStage<'a>) -> Result<(), Refusal> {
    // The L1 of every release that has the construct's own `onFailure` has it, too.
    if !b.model.has_prop("aws_codepipeline.StageProps", "onFailure") {
        return Err(no_fix(
            "stages of this release of aws-cdk-lib may have no onFailure",
            "update aws-cdk-lib to 2.186.0 or later, then run again",
        ));
    }
    let object = Some(stage.node).filter(|object| object.is("object")).ok_or_else(|| {
        no_fix("the stage is put together elsewhere", "write it in the list of stages, then run again")
    })?;
    b.insert_entry(object, "onFailure", "{ result: 'ROLLBACK' }");
    match b.model.is_pipeline_v2(pipeline) {
        Some(true) => Ok(()),
        Some(false) => b.set_prop(pipeline, "pipelineType", "'V2'"),
        None => Err(no_fix(
            "wa-fix cannot tell which type the pipeline has, and V1 knows no rollback",
            "write pipelineType: 'V2', then run again",
        )),
    }
}
