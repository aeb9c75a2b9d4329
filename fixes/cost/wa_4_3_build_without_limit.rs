//! # 4.3 A build runs on demand for as long as CodeBuild lets it
//!
//! ## What is wrong
//! The documented item asks for reserved or spot capacity. CodeBuild has no spot option, and a reserved fleet is machines that
//! are billed while they stand idle: for builds that run a few times a day it only costs more. What does cost
//! money on demand is a build that hangs: without a timeout it is billed for 60 minutes, and one that waits for its turn
//! holds its pipeline up for eight hours.
//!
//! ## What the fix does
//! It limits a build to 30 minutes and its wait to 60. It never creates a fleet; with the ARN of one that you have (value
//! `codebuild_fleet_arn`) it moves the build there as well.
//!
//! The review offers two more ways, where the code does not speak against them: builds on Graviton, and on Lambda, which bills by the second and
//! starts at once (`codebuild_compute=arm` and `lambda` take them without a review).
//!
//! ## Before
//! ```ts
//! import * as cdk from 'aws-cdk-lib';
//! import * as codebuild from 'aws-cdk-lib/aws-codebuild';
//! import { Construct } from 'constructs';
//!
//! export class BuildStack extends cdk.Stack {
//!   constructor(scope: Construct, id: string) {
//!     super(scope, id);
//!     new codebuild.PipelineProject(this, 'Build', {
//!       environment: {
//!         buildImage: codebuild.LinuxBuildImage.STANDARD_5_0,
//!         computeType: codebuild.ComputeType.LARGE,
//!       },
//!     });
//!   }
//! }
//! ```
//!
//! ## After
//! ```ts
//! import * as cdk from 'aws-cdk-lib';
//! import * as codebuild from 'aws-cdk-lib/aws-codebuild';
//! import { Construct } from 'constructs';
//!
//! export class BuildStack extends cdk.Stack {
//!   constructor(scope: Construct, id: string) {
//!     super(scope, id);
//!     new codebuild.PipelineProject(this, 'Build', {
//!       environment: {
//!         buildImage: codebuild.LinuxBuildImage.STANDARD_5_0,
//!         computeType: codebuild.ComputeType.LARGE,
//!       },
//!       timeout: cdk.Duration.minutes(30),
//!       queuedTimeout: cdk.Duration.minutes(60),
//!     });
//!   }
//! }
//! ```
//!
//! ## When it stays silent
//! Where a timeout is set or may be; for builds that run on Lambda, which stops them after 15 minutes, or on a fleet; for
//! imported projects and those that CDK Pipelines makes.
//!
//! ## When it refuses
//! Where the props are put together elsewhere; where `build_timeout_minutes` is no number from 5 to 480; where a fleet is given
//! and the project says nothing of its environment, or the CDK is older than 2.145, which knows no fleets. Where another machine is asked for that cannot run
//! the build.
//!
//! ## What to know before deploying
//! A build that takes longer than 30 minutes today will be stopped: look at the durations of the last weeks, and give another
//! limit with `build_timeout_minutes`. A fleet decides the machine (`computeType` no longer does), and its operating system
//! must be that of the image. On Graviton and on Lambda, what is built is for arm64: native modules of a function that runs on x86 break. A build on Lambda has no
//! Docker, no root, no cache, no VPC and 15 minutes.
//!
//! ## Other checkers
//! None has a rule for this.

use super::compute::{self, Compute, asked, offer};
use super::function::decides_itself;
use crate::detect::{Findings, Match, Refusal};
use crate::edit::{Builder, no_fix};
use crate::model::{Model, Prop, Site};
use crate::rule::{AnswerType, Impact, Meta, Pillar, Question, Rule, Tier};
use crate::syntax::Syn;

/// The rule.
pub const RULE: Rule = Rule { meta: &META, check };

/// The ARN of a reserved fleet that should run the builds. Never asked: most apps should have none.
const FLEET: &str = "codebuild_fleet_arn";

const MINUTES: Question = Question {
    key: "build_timeout_minutes",
    ask: "After how many minutes (5 to 480) should a build be stopped? Without an answer it is 30.",
    kind: AnswerType::Number { least: 5, most: 480 },
    example: "30",
};

const META: Meta = Meta {
    id: "4.3",
    also: &[],
    name: "build-without-limit",
    title: "A build runs on demand for as long as CodeBuild lets it",
    pillar: Pillar::Cost,
    impact: Impact::Info,
    tier: Tier::Review,
    practice: "COST06-BP02",
    clears: &[],
    raises: &[],
    asks: &[MINUTES],
    order: 430,
    source: include_str!("wa_4_3_build_without_limit.rs"),
    query: include_str!("../../queries/cost/wa_4_3_build_without_limit.scm"),
};

/// Machines whose hour is worth more than a mention.
const DEAR: [&str; 2] = ["LARGE", "X2_LARGE"];

fn check<'a>(m: &Match<'_, 'a>, out: &mut Findings<'a>) -> Option<()> {
    let model = m.model;
    let project = m.site("project")?;
    if decides_itself(&project) {
        return None;
    }
    let environment = match project.props(model).get(model, "environment") {
        Prop::Absent => None,
        Prop::Present(entry) => Some(entry.value),
        Prop::Unknown => return None,
    };
    let size = match environment {
        Some(environment) => size(model, environment)?,
        None => String::new(),
    };
    let label = project.label();
    let message = format!(
        "{label} builds on demand and has no timeout: a build that hangs is billed for 60 minutes. The fix stops it after 30 \
         (check that no build takes longer). Reserved capacity would only pay for builds that run most of the day, \
         as a fleet is billed while idle, and CodeBuild has no spot option."
    );
    let dear = DEAR.iter().any(|name| size.ends_with(&format!(".{name}")));
    let finding = out.report(&META, model, project.node, message);
    finding.impact(if dear { Impact::Low } else { Impact::Info });
    let other = project.clone();
    offer(model, finding, &project, move |b, compute| limit(b, &other, environment, compute));
    finding.fix(format!("Limit the builds of {label}"), move |b| {
        let compute = asked(b)?;
        limit(b, &project, environment, compute)
    });
    Some(())
}

/// The compute type; `None` where the build runs on Lambda or on a fleet, or where that is not known.
fn size<'a>(model: &Model<'a>, environment: Syn<'a>) -> Option<String> {
    let props = model.props_of(environment);
    if props.is_opaque() || props.get(model, "fleet") != Prop::Absent {
        return None;
    }
    let name = |prop: &str| match props.get(model, prop) {
        Prop::Absent => Some(String::new()),
        Prop::Present(entry) => Some(model.cdk_name(entry.value).unwrap_or_default()),
        Prop::Unknown => None,
    };
    let (size, image) = (name("computeType")?, name("buildImage")?);
    (!size.contains("LAMBDA") && !image.contains("LambdaBuildImage")).then_some(size)
}

fn limit<'a>(
    b: &mut Builder<'_, 'a>,
    project: &Site<'a>,
    environment: Option<Syn<'a>>,
    compute: Compute,
) -> Result<(), Refusal> {
    let mut entries = compute::move_to(b, project, compute)?;
    // Lambda stops a build after 15 minutes, and takes no limits.
    if compute == Compute::Lambda {
        return match entries.first() {
            Some((name, value)) => b.set_prop(project, name, value),
            None => Ok(()),
        };
    }
    let minutes = match b.value_if_given(MINUTES.key) {
        None => "30",
        Some(text) => {
            let fits = text.parse().is_ok_and(|minutes: u32| (5..=480).contains(&minutes));
            fits.then_some(text).ok_or_else(|| {
                no_fix("build_timeout_minutes is no number from 5 to 480", "give one such as 45")
            })?
        }
    };
    let duration = b.cdk(project.node, "Duration")?;
    entries.push(("timeout", format!("{duration}.minutes({minutes})")));
    let queue = project.props(b.model).get(b.model, "queuedTimeout") == Prop::Absent
        && b.model.has_prop("aws_codebuild.Project", "queuedTimeout");
    if queue {
        entries.push(("queuedTimeout", format!("{duration}.minutes(60)")));
    }
    match project.props_argument() {
        Some(object) if object.is("object") => b.insert_entries(object, &entries),
        _ => {
            // One edit makes the object: the text of the first entry is that of all.
            let all: Vec<String> = entries.iter().map(|(name, value)| format!("{name}: {value}")).collect();
            let all = all.join(",\n");
            if let Some((name, rest)) = all.split_once(": ") {
                b.set_prop(project, name, rest)?;
            }
        }
    }
    match b.value_if_given(FLEET) {
        Some(_) if compute != Compute::Today => Err(no_fix(
            "a fleet decides the machine itself",
            "leave out codebuild_fleet_arn or codebuild_compute",
        )),
        Some(arn) => move_to(b, project, environment, arn),
        None => Ok(()),
    }
}

/// Lets a project build on a fleet that is there.
fn move_to<'a>(
    b: &mut Builder<'_, 'a>,
    project: &Site<'a>,
    environment: Option<Syn<'a>>,
    arn: &str,
) -> Result<(), Refusal> {
    if !b.model.has_prop("aws_codebuild.BuildEnvironment", "fleet") {
        return Err(no_fix(
            "this CDK knows no fleets",
            "update aws-cdk-lib to 2.145.0, or leave the fleet out",
        ));
    }
    if !arn.starts_with("arn:")
        || !arn.contains(":codebuild:")
        || !arn.contains(":fleet/")
        || arn.contains('\'')
    {
        return Err(no_fix(
            "codebuild_fleet_arn is not the ARN of a fleet",
            "copy it from the CodeBuild console",
        ));
    }
    let Some(object) = environment.filter(|environment| environment.is("object")) else {
        return Err(no_fix(
            "the project says nothing of its environment, and a fleet needs the image to fit",
            "give the project an environment with its image, then run again",
        ));
    };
    let fleet = match fleet_in_scope(b.model, project.node) {
        Some(name) => name.to_owned(),
        None => {
            let statement = b.statement(project.node)?;
            let class = b.cdk(project.node, "aws_codebuild.Fleet")?;
            let name = b.fresh_name(project.node.file, &["fleet", "buildFleet"]);
            let id = b.fresh_id(project.node, &["Fleet", "BuildFleet"]);
            let scope = b.scope_text(project);
            let code = format!("const {name} = {class}.fromFleetArn(\n  {scope},\n  '{id}',\n  '{arn}'\n);");
            b.insert_before(statement, &code);
            name
        }
    };
    b.insert_entry(object, "fleet", &fleet);
    Ok(())
}

/// The constant that holds an imported fleet before a place, in one of its blocks.
fn fleet_in_scope<'a>(model: &Model<'a>, at: Syn<'a>) -> Option<&'a str> {
    let blocks = at.ancestors().filter(|node| node.is("statement_block"));
    let before = blocks.flat_map(Syn::children).filter(|statement| statement.end() <= at.start());
    let names = before.flat_map(Syn::children).filter(|child| child.is("variable_declarator"));
    names.into_iter().find_map(|declarator| {
        let function = declarator.field("value")?.field("function")?;
        (model.cdk_name(function)? == "aws_codebuild.Fleet.fromFleetArn")
            .then(|| declarator.field("name").map(Syn::text))
            .flatten()
    })
}
