//! # 5.2 No change management: a pipeline deploys without an approval
//!
//! ## What is wrong
//! What is pushed goes to production as soon as the build is green. Nobody decides when, nobody looks at the
//! change and the way back first, and there is no record of who released what.
//!
//! ## What the fix does
//! It adds a stage with a manual approval before the first stage that deploys to production. The stage is one of its
//! own: a retry or a rollback of the deployment does not wait for the approver again. An SNS topic that is in scope
//! tells the approvers. Where the app is deployed once per environment, only the production pipeline gets the stage.
//! In CDK Pipelines the approval is a step in `pre`, or in a wave before the stage where steps in `post` may have it rolled back; a `CfnPipeline` gets a stage as CloudFormation has it.
//!
//! A job of a GitHub workflow that deploys to production with the CDK gets the environment `production` (or what other jobs call it): GitHub holds
//! the job back until one of the reviewers that the repository's settings name for the environment has agreed.
//!
//! Where the app lies at the top of a repository with a `.github` folder, and nothing asks pull requests for their risk and their way back, the fix
//! writes `.github/PULL_REQUEST_TEMPLATE.md` as well.
//!
//! ## Before
//! ```ts
//! import * as cdk from 'aws-cdk-lib';
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
//!     new codepipeline.Pipeline(this, 'Pipeline', {
//!       stages: [
//!         {
//!           stageName: 'Source',
//!           actions: [
//!             new codepipeline_actions.CodeCommitSourceAction({
//!               actionName: 'Source',
//!               repository: new codecommit.Repository(this, 'Repository', { repositoryName: 'app' }),
//!               output: source,
//!             }),
//!           ],
//!         },
//!         {
//!           stageName: 'Deploy',
//!           actions: [
//!             new codepipeline_actions.CloudFormationCreateUpdateStackAction({
//!               actionName: 'Deploy',
//!               stackName: 'App',
//!               templatePath: source.atPath('template.yaml'),
//!               adminPermissions: false,
//!             }),
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
//!     new codepipeline.Pipeline(this, 'Pipeline', {
//!       stages: [
//!         {
//!           stageName: 'Source',
//!           actions: [
//!             new codepipeline_actions.CodeCommitSourceAction({
//!               actionName: 'Source',
//!               repository: new codecommit.Repository(this, 'Repository', { repositoryName: 'app' }),
//!               output: source,
//!             }),
//!           ],
//!         },
//!         {
//!           stageName: 'Approve',
//!           actions: [
//!             new codepipeline_actions.ManualApprovalAction({
//!               actionName: 'ApproveDeployment',
//!               additionalInformation: 'Check the test results and the way back before you approve.',
//!             }),
//!           ],
//!         },
//!         {
//!           stageName: 'Deploy',
//!           actions: [
//!             new codepipeline_actions.CloudFormationCreateUpdateStackAction({
//!               actionName: 'Deploy',
//!               stackName: 'App',
//!               templatePath: source.atPath('template.yaml'),
//!               adminPermissions: false,
//!             }),
//!           ],
//!         },
//!       ],
//!     });
//!   }
//! }
//! ```
//!
//! ## When it stays silent
//! Where a gate is there (an approval before the deployment or at a lower `runOrder`, `beforeEntry` conditions, a
//! disabled transition), for pipelines that only build, for stages named after development or test, and where the
//! stages cannot all be read: one of them may be the gate. For jobs that have an environment or wait for one that does, that start by hand, at a
//! tag or a release, and where neither the command (`cdk deploy Shop-Prod`, `-c stage=prod`) nor a name says that production is deployed.
//!
//! ## When it refuses
//! Where `pre` of a CDK Pipelines stage is put together out of sight. Where a job deploys elsewhere as well: an environment holds back all of it. Where
//! the app itself has the role that the job assumes trust branches only.
//!
//! ## What to know before deploying
//! Every release waits for a person from now on; after seven days without an answer the execution fails. Who may approve is
//! a matter of IAM (`codepipeline:PutApprovalResult`), outside the app. The approval adds a role of its own; with an encrypted
//! topic that role may use the key, which cdk-nag reports as `AwsSolutions-IAM5`. Protection of the branch cannot be
//! expressed here.
//!
//! The environment of a job stops nothing until its required reviewers are set under Settings, Environments; a private repository needs GitHub
//! Enterprise for them. A job with an environment shows AWS a token whose subject ends in `:environment:production` in the place of the branch: a role
//! that trusts `repo:OWNER/NAME:ref:refs/heads/main` refuses it until it trusts that as well.
//!
//! ## Other checkers
//! None covers it.

use super::deploying_stages::{deploys, is_not_production, is_production};
use super::{l1_pipeline, pull_requests, workflow_gate};
use crate::detect::{Findings, Match, Refusal};
use crate::edit::names::{capital, is_visible};
use crate::edit::{Builder, no_fix};
use crate::model::meaning::words;
use crate::model::{Environment, Model, PipelineStage, Prop, Site};
use crate::rule::{Impact, Meta, Pillar, Rule, Tier};
use crate::syntax::Syn;

/// The rule.
pub const RULE: Rule = Rule { meta: &META, check };

pub(super) const META: Meta = Meta {
    id: "5.2",
    also: &[],
    name: "no-approval-before-production",
    title: "No change management: a pipeline deploys without an approval",
    pillar: Pillar::OperationalExcellence,
    impact: Impact::Medium,
    tier: Tier::Review,
    practice: "OPS06-BP01",
    clears: &[],
    raises: &[],
    asks: &[],
    // Before 2.7: a rollback of the deployment stage must not include the approval.
    order: 265,
    source: include_str!("wa_5_2_no_approval_before_production.rs"),
    query: include_str!("../../queries/operational_excellence/wa_5_2_no_approval_before_production.scm"),
};

fn check<'a>(m: &Match<'_, 'a>, out: &mut Findings<'a>) -> Option<()> {
    if let Some(runs_on) = m.node("job") {
        return workflow_gate::check(m.model, runs_on, out);
    }
    if let Some(pipeline) = m.site("cdk") {
        return check_cdk(m.model, &pipeline, out);
    }
    match m.site("raw") {
        Some(pipeline) => check_raw(m.model, &pipeline, out),
        None => check_stages(m.model, &m.site("pipeline")?, out),
    }
}

/// A `CfnPipeline`.
fn check_raw<'a>(model: &Model<'a>, pipeline: &Site<'a>, out: &mut Findings<'a>) -> Option<()> {
    let label = pipeline.label();
    let stages = l1_pipeline::stages(model, pipeline)?;
    let stage = l1_pipeline::open_stage(model, pipeline, &stages).filter(|_| !is_not_production(&label))?;
    let (name, node) = (stage.name, stage.node);
    let names: Vec<&str> = stages.iter().map(|stage| stage.name).collect();
    let free = free_name(&names)?;
    let finding = out.report(&META, model, pipeline.node, told(model, pipeline, name));
    let always = is_production(name);
    finding.fix(format!("Ask for an approval before {name}"), move |b| {
        pull_requests::add(b);
        let production = if always { None } else { production(b, node) };
        add_element(b, node, &l1_pipeline::approval(free), production.as_deref())
    });
    Some(())
}

/// What is wrong with a pipeline of stages, and what the fix does.
fn told<'a>(model: &Model<'a>, pipeline: &Site<'a>, stage: &str) -> String {
    let where_told = match model.environment(pipeline.node) {
        Environment::Known(found) if !is_production(stage) => format!(", where `{}`", found.expression),
        _ => String::new(),
    };
    format!(
        "{} releases to {stage} without anyone's approval: whatever is pushed and builds is deployed. \
         The fix adds a stage before it that waits for a person, up to seven days{where_told}.{}",
        pipeline.label(),
        pull_requests::told(model)
    )
}

/// A name that no stage has.
fn free_name(names: &[&str]) -> Option<&'static str> {
    ["Approve", "ApproveDeployment", "ApproveRelease"].into_iter().find(|free| !names.contains(free))
}

fn check_stages<'a>(model: &Model<'a>, pipeline: &Site<'a>, out: &mut Findings<'a>) -> Option<()> {
    let stages = model.pipeline_stages(pipeline)?;
    let label = pipeline.label();
    if is_not_production(&label) {
        return None;
    }
    let index = stages
        .iter()
        .position(|stage| deploys(model, stage) && !stage.name.is_some_and(is_not_production))?;
    let (before, rest) = stages.split_at(index);
    let stage = rest.first()?.clone();
    if rest.iter().take(1).chain(before).any(|stage| is_gated(model, stage)) {
        return None;
    }
    let name = stage.name.unwrap_or("the deployment");
    let always = is_production(name);
    let finding = out.report(&META, model, pipeline.node, told(model, pipeline, name));
    let names: Vec<&str> = stages.iter().filter_map(|stage| stage.name).collect();
    let free = free_name(&names)?;
    let pipeline = pipeline.clone();
    finding.fix(format!("Ask for an approval before {name}"), move |b| {
        pull_requests::add(b);
        let code = approval_stage(b, &pipeline, free)?;
        let production = if always { None } else { production(b, pipeline.node) };
        if stage.in_array {
            add_element(b, stage.node, &code, production.as_deref())
        } else {
            let receiver = stage
                .node
                .field("function")
                .and_then(|function| function.field("object"))
                .map_or("this", Syn::text);
            let mut call = format!("{receiver}.addStage({code});");
            if let Some(production) = production {
                call = format!("if ({production}) {{\n  {}\n}}", call.replace('\n', "\n  "));
            }
            b.insert_before(b.statement(stage.node)?, &call);
            Ok(())
        }
    });
    Some(())
}

/// What tells production from other deployments of the same pipeline; nothing where there is only one.
fn production<'a>(b: &Builder<'_, 'a>, at: Syn<'a>) -> Option<String> {
    match b.environment(at) {
        Environment::Known(found) => Some(found.expression),
        Environment::Guarded | Environment::None => None,
    }
}

fn approval_stage<'a>(b: &mut Builder<'_, 'a>, pipeline: &Site<'a>, name: &str) -> Result<String, Refusal> {
    let action = b.cdk(pipeline.node, "aws_codepipeline_actions.ManualApprovalAction")?;
    let topic = topic(b.model, pipeline).map_or_else(String::new, |topic| match topic {
        "notificationTopic" => "\n      notificationTopic,".to_owned(),
        topic => format!("\n      notificationTopic: {topic},"),
    });
    Ok(format!(
        "{{\n  stageName: '{name}',\n  actions: [\n    new {action}({{\n      actionName: 'ApproveDeployment',{topic}\n      \
         additionalInformation: 'Check the test results and the way back before you approve.',\n    }}),\n  ],\n}}"
    ))
}

fn add_element<'a>(
    b: &mut Builder<'_, 'a>,
    stage: Syn<'a>,
    code: &str,
    production: Option<&str>,
) -> Result<(), Refusal> {
    let one_line = stage.parent().is_some_and(|array| !array.text().contains('\n'));
    if one_line {
        // Among names, a name.
        let name = b.fresh_name(stage.file, &["approveStage", "approvalStage"]);
        let statement = b.statement(stage)?;
        b.insert_before(statement, &format!("const {name} = {code};"));
        let element =
            production.map_or(name.clone(), |production| format!("...({production} ? [{name}] : [])"));
        b.insert_element_before(stage, &element);
        return Ok(());
    }
    let element = match production {
        Some(production) => {
            let inner = code.replace('\n', "\n      ");
            format!("...({production}\n  ? [\n      {inner},\n    ]\n  : [])")
        }
        None => code.to_owned(),
    };
    b.insert_element_before(stage, &element);
    Ok(())
}

/// A topic that the approvers can be told by: one in scope whose name says nothing of alarms.
fn topic<'a>(model: &Model<'a>, pipeline: &Site<'a>) -> Option<&'a str> {
    let around = pipeline
        .node
        .ancestors()
        .find(|node| matches!(node.kind(), "method_definition" | "function_declaration" | "program"))?;
    let mut found: Vec<&str> = Vec::new();
    for token in tokens_with(around, "opic") {
        let expression = match token.parent() {
            Some(member) if member.is("member_expression") && member.field("property") == Some(token) => {
                member
            }
            _ => token,
        };
        let name = expression.text();
        let unfit = name.to_ascii_lowercase().contains("alarm") || name.contains('(');
        let early = expression.field("object").is_some_and(|object| object.is("this"))
            && expression.start() > pipeline.node.start();
        if unfit || early || found.contains(&name) || !is_visible(pipeline.node, expression) {
            continue;
        }
        if model.origin(expression).is_some_and(|origin| model.builds(&origin, "aws_sns.Topic")) {
            found.push(name);
        }
    }
    match found.as_slice() {
        [one] => Some(*one),
        _ => None,
    }
}

/// Names in a node that contain a part.
fn tokens_with<'a>(within: Syn<'a>, part: &str) -> Vec<Syn<'a>> {
    let mut tokens: Vec<Syn<'a>> = Vec::new();
    let name = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    for word in within.text().split(|c| !name(c)).filter(|word| word.contains(part)) {
        for at in words(within, word) {
            let token = within.at(at).filter(|token| {
                matches!(token.kind(), "identifier" | "property_identifier") && !tokens.contains(token)
            });
            tokens.extend(token);
        }
    }
    tokens
}

/// Whether a stage holds a release back, or may do so.
fn is_gated<'a>(model: &Model<'a>, stage: &PipelineStage<'a>) -> bool {
    let props = model.props_of(stage.object);
    let held = ["beforeEntry", "transitionToEnabled", "transitionDisabledReason"];
    held.iter().any(|name| props.get(model, name) != Prop::Absent)
        || stage.actions.as_ref().is_none_or(|actions| {
            actions.iter().any(|action| {
                let known = action.class.starts_with("aws_codepipeline_actions.");
                !known || action.class.contains("Approval") || action.local.is_some()
            })
        })
}

/// A stage of CDK Pipelines: `pipeline.addStage(new App(this, 'Prod'), options)`.
fn check_cdk<'a>(model: &Model<'a>, pipeline: &Site<'a>, out: &mut Findings<'a>) -> Option<()> {
    let file = Syn::root(pipeline.node.file);
    // Steps reach a stage in many ways (`addPre`, `stackSteps`, waves): one approval anywhere is taken for the gate.
    let gates = ["ManualApprovalStep", "ConfirmPermissionsBroadening", "addWave"];
    if gates.iter().any(|gate| words(file, gate).next().is_some()) {
        return None;
    }
    let mut stages = Vec::new();
    for call in model.method_calls("addStage") {
        let receiver = call.field("function")?.field("object")?;
        if model.origin(receiver).is_none_or(|origin| origin.node != pipeline.node) {
            continue;
        }
        let stage = call.field("arguments")?.first()?;
        let site = if stage.is("new_expression") { model.site_of(stage)? } else { model.origin(stage)? };
        stages.push((call, site.id_text()?));
    }
    let named = stages.iter().find(|(_, id)| is_production(id));
    let (call, id) = *named.or_else(|| stages.last().filter(|(_, id)| !is_not_production(id)))?;
    let label = pipeline.label();
    let finding = out.report(
        &META,
        model,
        call,
        format!(
            "{label} deploys {id} without anyone's approval: whatever is pushed and builds goes out. The fix adds an approval step \
             before it; the pipeline then waits for a person, up to seven days.{}",
            pull_requests::told(model)
        ),
    );
    finding.fix(format!("Ask for an approval before {id}"), move |b| {
        pull_requests::add(b);
        let step = b.cdk(call, "pipelines.ManualApprovalStep")?;
        let step = format!("new {step}('{}')", step_name(id));
        let production = if is_production(id) { None } else { production(b, call) };
        if is_checked(b.model, call) {
            return add_wave(b, call, &step, production.as_deref());
        }
        let list = production
            .map_or_else(|| format!("[{step}]"), |production| format!("{production} ? [{step}] : []"));
        add_pre(b, call, &list, &step)
    });
    Some(())
}

/// `PromoteToProd`; ids that are no words keep theirs out of the name.
fn step_name(id: &str) -> String {
    if id.chars().all(char::is_alphanumeric) {
        format!("PromoteTo{}", capital(id))
    } else {
        "PromoteToProduction".to_owned()
    }
}

/// Whether steps behind the deployment of a stage may fail: 2.7 then rolls it back, and a rollback would wait for an approval that is
/// part of the stage.
fn is_checked<'a>(model: &Model<'a>, call: Syn<'a>) -> bool {
    let options = call.field("arguments").and_then(|list| list.children().nth(1));
    let post = options.and_then(|options| model.props_of(options).get(model, "post").value());
    post.is_some_and(|post| !post.is("array") || post.first().is_some())
}

/// An approval in a wave of its own, before the stage.
fn add_wave<'a>(
    b: &mut Builder<'_, 'a>,
    call: Syn<'a>,
    step: &str,
    production: Option<&str>,
) -> Result<(), Refusal> {
    let receiver =
        call.field("function").and_then(|function| function.field("object")).map_or("this", Syn::text);
    let short = format!("{receiver}.addWave('Approve', {{ pre: [{step}] }});");
    let wave = if b.fits(b.statement(call)?, usize::from(production.is_some()), short.len()) {
        short
    } else {
        format!("{receiver}.addWave('Approve', {{\n  pre: [{step}],\n}});")
    };
    let code = match production {
        Some(production) => format!("if ({production}) {{\n  {}\n}}", wave.replace('\n', "\n  ")),
        None => wave,
    };
    b.insert_before(b.statement(call)?, &code);
    Ok(())
}

fn add_pre<'a>(b: &mut Builder<'_, 'a>, call: Syn<'a>, list: &str, step: &str) -> Result<(), Refusal> {
    let refused = || no_fix("its options are put together out of sight", "add a ManualApprovalStep to `pre`");
    let arguments: Vec<_> = call.field("arguments").map(|list| list.children().collect()).unwrap_or_default();
    let [stage, options @ ..] = arguments.as_slice() else { return Err(refused()) };
    let Some(options) = options.first() else {
        b.insert_argument_after(*stage, &format!("{{ pre: {list} }}"));
        return Ok(());
    };
    let object = Some(*options).filter(|options| options.is("object")).ok_or_else(refused)?;
    match b.model.props_of(object).get(b.model, "pre") {
        Prop::Absent => b.insert_entry(object, "pre", list),
        Prop::Present(entry) if entry.value.is("array") => match entry.value.first() {
            Some(first) => b.insert_element_before(first, step),
            None => b.replace(entry.value, list),
        },
        _ => return Err(refused()),
    }
    Ok(())
}
