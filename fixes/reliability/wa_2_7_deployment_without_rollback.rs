//! # 2.7 A pipeline leaves a broken release in place
//!
//! ## What is wrong
//! The stage that deploys ends when its commands have run. Where one of them fails half way, or where what was released does not work, the
//! broken version stays in production until somebody notices and deploys the former one by hand.
//!
//! ## What the fix does
//! When an action of the stage fails, CodePipeline runs the stage's last successful execution again, with the artifacts of that time
//! (`onFailure` with `ROLLBACK`, which pipelines of type V2 have). Where the app has one API that answers unsigned requests, and code in
//! reach serves a health path, an action at the end of the stage asks for it: a release that does not answer counts as failed. Releases of
//! aws-cdk-lib before 2.186.0 get the same template by overrides, and so does the production stage of CDK Pipelines, whose stages know no
//! `onFailure`; a `CfnPipeline` gets CloudFormation's own property. The approval before a release is 5.2's.
//!
//! ## Before
//! ```ts
//! import * as cdk from 'aws-cdk-lib';
//! import * as codebuild from 'aws-cdk-lib/aws-codebuild';
//! import * as codecommit from 'aws-cdk-lib/aws-codecommit';
//! import * as codepipeline from 'aws-cdk-lib/aws-codepipeline';
//! import * as codepipeline_actions from 'aws-cdk-lib/aws-codepipeline-actions';
//! import { Construct } from 'constructs';
//!
//! export class PipelineStack extends cdk.Stack {
//!   constructor(scope: Construct, id: string) {
//!     super(scope, id);
//!
//!     const source = new codepipeline.Artifact();
//!     const repository = new codecommit.Repository(this, 'Repository', { repositoryName: 'app' });
//!     const project = new codebuild.PipelineProject(this, 'DeployProject');
//!     new codepipeline.Pipeline(this, 'Pipeline', {
//!       stages: [
//!         {
//!           stageName: 'Source',
//!           actions: [
//!             new codepipeline_actions.CodeCommitSourceAction({
//!               actionName: 'Source',
//!               repository,
//!               output: source,
//!             }),
//!           ],
//!         },
//!         {
//!           stageName: 'Deploy',
//!           actions: [
//!             new codepipeline_actions.CodeBuildAction({ actionName: 'Deploy', project, input: source }),
//!           ],
//!         },
//!       ],
//!     });
//!   }
//! }
//! ```
//!
//! ## After
//! ```ts
//! import * as cdk from 'aws-cdk-lib';
//! import * as codebuild from 'aws-cdk-lib/aws-codebuild';
//! import * as codecommit from 'aws-cdk-lib/aws-codecommit';
//! import * as codepipeline from 'aws-cdk-lib/aws-codepipeline';
//! import * as codepipeline_actions from 'aws-cdk-lib/aws-codepipeline-actions';
//! import { Construct } from 'constructs';
//!
//! export class PipelineStack extends cdk.Stack {
//!   constructor(scope: Construct, id: string) {
//!     super(scope, id);
//!
//!     const source = new codepipeline.Artifact();
//!     const repository = new codecommit.Repository(this, 'Repository', { repositoryName: 'app' });
//!     const project = new codebuild.PipelineProject(this, 'DeployProject');
//!     new codepipeline.Pipeline(this, 'Pipeline', {
//!       stages: [
//!         {
//!           stageName: 'Source',
//!           actions: [
//!             new codepipeline_actions.CodeCommitSourceAction({
//!               actionName: 'Source',
//!               repository,
//!               output: source,
//!             }),
//!           ],
//!         },
//!         {
//!           stageName: 'Deploy',
//!           actions: [
//!             new codepipeline_actions.CodeBuildAction({ actionName: 'Deploy', project, input: source }),
//!           ],
//!           onFailure: { result: codepipeline.Result.ROLLBACK },
//!         },
//!       ],
//!       pipelineType: codepipeline.PipelineType.V2,
//!     });
//!   }
//! }
//! ```
//!
//! ## When it stays silent
//! Where the stage says what happens on failure; where CodeDeploy or the deployment circuit breaker of ECS undoes a failed deployment itself; for pipelines that
//! only build, for stages named after development or test, for the stage of the sources. CloudFormation undoes a failed update: stages
//! of CDK Pipelines are reported only where steps behind the deployment (`post`) can fail, and stages that do nothing else get impact `low`.
//!
//! ## When it refuses
//! Where the stage itself asks for an approval: a rollback would wait for it. Where stages of CDK Pipelines are added elsewhere than where the pipeline is built. Where the pipeline's type is put together out of sight, where stages of a `CfnPipeline` have no `onFailure` yet, where the pipeline has no name to be changed by on older releases.
//!
//! ## What to know before deploying
//! A rollback needs an earlier execution that succeeded in this stage under the pipeline's present structure: the first release after this change has none. Artifacts must still
//! exist: a bucket that expires them after 30 days bounds how far back it goes. A pipeline of type V2 is billed by the minute of its actions instead of by the month.
//! An authorizer on the API, added later, would refuse the question for its health: let that path stay open, or sign the request.
//!
//! ## Other checkers
//! None covers it. The health question runs under a role of its own, and cdk-nag reports its use of the artifact bucket as `AwsSolutions-IAM5`.

use super::smoke_test::{add_smoke_test, smoke_test};
use super::{cdk_pipeline, raw_pipeline};
use crate::detect::{Findings, Match, Refusal};
use crate::edit::{Builder, no_fix};
use crate::fixes::operational_excellence::deploying_stages::{deploys, is_not_production};
use crate::fixes::security::named;
use crate::model::meaning::has_word;
use crate::model::{Model, PipelineStage, Prop, Site};
use crate::rule::{Impact, Meta, Pillar, Rule, Tier};

/// The rule.
pub const RULE: Rule = Rule { meta: &META, check };

const META: Meta = Meta {
    id: "2.7",
    also: &[],
    name: "deployment-without-rollback",
    title: "A pipeline leaves a broken release in place",
    pillar: Pillar::Reliability,
    impact: Impact::High,
    tier: Tier::Review,
    practice: "OPS06-BP04",
    clears: &[],
    raises: &[],
    asks: &[],
    // After 5.2, whose approval must not be part of what is rolled back.
    order: 270,
    source: include_str!("wa_2_7_deployment_without_rollback.rs"),
    query: include_str!("../../queries/reliability/wa_2_7_deployment_without_rollback.scm"),
};

/// Commands that change what is deployed.
const COMMANDS: [&str; 8] = [
    "cdk deploy",
    "sam deploy",
    "serverless deploy",
    "aws lambda update-",
    "aws cloudformation deploy",
    "aws ecs update-service",
    "kubectl apply",
    "helm upgrade",
];

fn check<'a>(m: &Match<'_, 'a>, out: &mut Findings<'a>) -> Option<()> {
    let model = m.model;
    if let Some(pipeline) = m.site("cdk") {
        return cdk_pipeline::check(&META, model, pipeline, out);
    }
    if let Some(pipeline) = m.site("raw") {
        return raw_pipeline::check(&META, model, &pipeline, out);
    }
    let pipeline = m.site("pipeline")?;
    let label = pipeline.label();
    if is_not_production(&label) {
        return None;
    }
    let stages = model.pipeline_stages(&pipeline)?;
    for stage in stages.into_iter().skip(1) {
        let leaves = (deploys(model, &stage) || runs_deployment(model, &stage))
            && !stage.name.is_some_and(is_not_production)
            && model.props_of(stage.object).get(model, "onFailure") == Prop::Absent
            && !is_overridden(&stage)
            && !is_undone(model, &stage);
        if leaves {
            report(model, &pipeline, stage, out);
        }
    }
    Some(())
}

fn report<'a>(model: &Model<'a>, pipeline: &Site<'a>, stage: PipelineStage<'a>, out: &mut Findings<'a>) {
    let actions = || stage.actions.iter().flatten();
    let name = stage.name.unwrap_or("the deploying stage").to_owned();
    let label = pipeline.label();
    let cloudformation =
        stage.actions.is_some() && actions().all(|action| action.class.contains(".CloudFormation"));
    let smoke = smoke_test(model, pipeline, &stage);
    let asks = match &smoke {
        Some(test) => {
            format!(" It also asks for {} after each release, and counts no answer as a failure.", test.path)
        }
        None => String::new(),
    };
    let message = told((&name, &label), cloudformation, &asks, model.is_pipeline_v2(pipeline) == Some(true));
    let finding = out.report(&META, model, stage.node, message);
    finding.key(&name).impact(if cloudformation { Impact::Low } else { Impact::High });
    if actions().any(|action| action.class.contains("Approval")) {
        finding.refuse(
            "the stage asks for an approval itself, and a rollback would wait for it as well",
            "move the approval to a stage of its own before this one, then run again",
        );
        return;
    }
    let pipeline = pipeline.clone();
    finding.fix(format!("Roll {name} back when it fails"), move |b| {
        if b.model.has_prop("aws_codepipeline.StageProps", "onFailure") {
            let result = b.cdk(stage.object, "aws_codepipeline.Result")?;
            b.insert_entry(stage.object, "onFailure", &format!("{{ result: {result}.ROLLBACK }}"));
            if let Some(test) = &smoke {
                add_smoke_test(b, test)?;
            }
            return make_v2(b, &pipeline);
        }
        override_stage(b, &pipeline, &stage)
    });
}

/// What is wrong with a stage of a pipeline, and what the fix does.
pub(super) fn told((stage, pipeline): (&str, &str), cloudformation: bool, asks: &str, v2: bool) -> String {
    let left = if cloudformation {
        "CloudFormation undoes the update of one stack, but not of those that went before it in the stage"
    } else {
        "what it has changed until then stays in place, until somebody deploys the former version by hand"
    };
    let billed = if v2 { "" } else { " That takes a pipeline of type V2, which is billed by the minute." };
    format!(
        "When {stage} of {pipeline} fails half way, {left}. The fix lets CodePipeline run the stage's last successful execution \
         again.{asks}{billed}"
    )
}

/// Whether the file overrides what happens when the stage fails: this one, or one that it does not name.
fn is_overridden(stage: &PipelineStage<'_>) -> bool {
    let text = &stage.node.file.text;
    let named = |quote: char, name: &str| text.contains(&format!("stageName === {quote}{name}{quote}"));
    let this = |name: &str| named('\'', name) || named('"', name);
    has_word(text, "OnFailure") && (stage.name.is_none_or(this) || !text.contains("stageName === "))
}

/// Whether the stage runs a command that deploys: a build project, by its specification in place or in a file of the app, or an action
/// that lists commands.
fn runs_deployment<'a>(model: &Model<'a>, stage: &PipelineStage<'a>) -> bool {
    let deploys = |text: &str| COMMANDS.iter().any(|command| text.contains(command));
    stage.actions.iter().flatten().any(|action| {
        let props = action.props(model);
        let project = props.get(model, "project").value().and_then(|project| model.origin(project));
        let listed = props.get(model, "commands").value().and_then(|list| model.array(list));
        listed.is_some_and(|list| deploys(list.text()))
            || project.is_some_and(|site| {
                let spec = model.build_spec(&site);
                deploys(site.node.text())
                    || spec.is_some_and(|spec| spec.commands.iter().any(|command| deploys(&command.text)))
            })
    })
}

/// Whether all that the stage deploys undoes a failure itself: CodeDeploy does, ECS where it is told to.
fn is_undone<'a>(model: &Model<'a>, stage: &PipelineStage<'a>) -> bool {
    let Some(actions) = &stage.actions else { return true };
    actions.iter().all(|action| {
        let breaker = || {
            let service = action.props(model).get(model, "service").value();
            let site = service.and_then(|service| model.origin(service));
            site.is_some_and(|site| site.props(model).get(model, "circuitBreaker") != Prop::Absent)
        };
        action.class.contains(".CodeDeploy")
            || (action.class == "aws_codepipeline_actions.EcsDeployAction" && breaker())
    })
}

/// Makes the pipeline one of type V2: V1 knows no rollback.
fn make_v2<'a>(b: &mut Builder<'_, 'a>, pipeline: &Site<'a>) -> Result<(), Refusal> {
    match b.model.is_pipeline_v2(pipeline) {
        Some(true) => Ok(()),
        Some(false) => {
            let class = b.cdk(pipeline.node, "aws_codepipeline.PipelineType")?;
            b.set_prop(pipeline, "pipelineType", &format!("{class}.V2"))
        }
        None => Err(no_fix(
            "wa-fix cannot tell which type the pipeline has, and V1 knows no rollback",
            "write pipelineType: PipelineType.V2, then run again",
        )),
    }
}

/// The same by overrides of the template, where the stages of this release have no `onFailure`.
fn override_stage<'a>(
    b: &mut Builder<'_, 'a>,
    pipeline: &Site<'a>,
    stage: &PipelineStage<'a>,
) -> Result<(), Refusal> {
    let statement = b.statement(pipeline.node)?;
    let at = if stage.in_array { statement } else { b.statement(stage.node)? };
    let (Some(name), Some(bound)) = (stage.name, named(b, pipeline, statement, "pipeline")) else {
        return Err(no_fix(
            "this release of aws-cdk-lib has no onFailure, and the pipeline or its stage has no name to be changed by",
            "update aws-cdk-lib to 2.186.0 or later, then run again",
        ));
    };
    let class = b.cdk(pipeline.node, "aws_codepipeline.CfnPipeline")?;
    let cfn = b.fresh_name(pipeline.node.file, &["cfnPipeline", "rawPipeline"]);
    let index = b.fresh_name(pipeline.node.file, &["stageIndex", "rolledBackStage"]);
    let cast =
        if cdk_pipeline::is_javascript(pipeline.node.file) { String::new() } else { format!(" as {class}") };
    b.insert_after(
        at,
        &format!(
            "const {cfn} = {bound}.node.defaultChild{cast};\n\
             const {index} = {bound}.stages.findIndex(stage => stage.stageName === '{name}');\n\
             {cfn}.addPropertyOverride('PipelineType', 'V2');\n\
             {cfn}.addPropertyOverride(`Stages.${{{index}}}.OnFailure.Result`, 'ROLLBACK');"
        ),
    );
    Ok(())
}
