//! # 6.1 A function runs on x86 though its code does not care
//!
//! ## What is wrong
//! A function that names no architecture runs on x86. Graviton does the same work with less energy and at a lower price
//! per millisecond, and scripts run there unchanged.
//!
//! ## What the fix does
//! It sets `architecture` to `ARM_64` where the code is visibly at home on both: written in place, bundled scripts, a folder
//! without native parts, or an image that CDK builds of such a folder on Node.js's or Lambda's own images. It leaves the memory alone: how much of it is right, only a measurement can say
//! (AWS Lambda Power Tuning, Compute Optimizer), and rules 3.3 and 4.2 make it a setting.
//!
//! ## Before
//! ```ts
//! import * as cdk from 'aws-cdk-lib';
//! import * as lambda from 'aws-cdk-lib/aws-lambda';
//! import { Construct } from 'constructs';
//!
//! export class JobStack extends cdk.Stack {
//!   constructor(scope: Construct, id: string) {
//!     super(scope, id);
//!     new lambda.Function(this, 'Handler', {
//!       runtime: lambda.Runtime.NODEJS_18_X,
//!       handler: 'index.handler',
//!       code: lambda.Code.fromInline('exports.handler = async () => {};'),
//!     });
//!   }
//! }
//! ```
//!
//! ## After
//! ```ts
//! import * as cdk from 'aws-cdk-lib';
//! import * as lambda from 'aws-cdk-lib/aws-lambda';
//! import { Construct } from 'constructs';
//!
//! export class JobStack extends cdk.Stack {
//!   constructor(scope: Construct, id: string) {
//!     super(scope, id);
//!     new lambda.Function(this, 'Handler', {
//!       runtime: lambda.Runtime.NODEJS_18_X,
//!       architecture: lambda.Architecture.ARM_64,
//!       handler: 'index.handler',
//!       code: lambda.Code.fromInline('exports.handler = async () => {};'),
//!     });
//!   }
//! }
//! ```
//!
//! ## When it stays silent
//! Wherever the code may be made for one kind of machine: packages with native parts or install scripts, binaries in
//! the folder, Python and Ruby packages to be installed, bundling in a container, images whose Dockerfile does more than copying and installing
//! packages, layers, file systems, compiled languages,
//! runtimes before Node.js 18, Python 3.9 and Ruby 3.2. Also where the folder is not there, for functions at the edge and of
//! custom resources, and where an aspect sets the architecture.
//!
//! ## When it refuses
//! Where the props are put together elsewhere, and in apps of CDK v1, whose early releases know no architecture. Where a pipeline or workflow builds
//! an image on x86 that runs commands when it is built.
//!
//! ## What to know before deploying
//! Nothing is replaced, but the function gets a new version, and what does not fit fails when it runs, not when it is
//! deployed: call it once in a test environment. An image that runs commands when it is built needs an Arm machine for that, or emulation. A function that is bundled without a local esbuild is then bundled in an Arm image, which
//! an x86 host has to emulate.
//!
//! ## Other checkers
//! None of cdk-nag, Checkov and cfn-lint covers it.

use super::portable::{is_portable, portable_image};
use crate::detect::{Findings, Match};
use crate::fixes::cost::function::{decides_itself, label};
use crate::model::props::key_of;
use crate::model::{Model, Prop, Site};
use crate::rule::{Impact, Meta, Pillar, Rule, Tier};

/// The rule.
pub const RULE: Rule = Rule { meta: &META, check };

const META: Meta = Meta {
    id: "6.1",
    also: &[],
    name: "x86-function",
    title: "A function runs on x86 though its code does not care",
    pillar: Pillar::Sustainability,
    impact: Impact::Low,
    tier: Tier::Review,
    practice: "SUS05-BP01",
    clears: &[],
    raises: &[],
    asks: &[],
    order: 610,
    source: include_str!("wa_6_1_x86_function.rs"),
    query: include_str!("../../queries/sustainability/wa_6_1_x86_function.scm"),
};

fn check<'a>(m: &Match<'_, 'a>, out: &mut Findings<'a>) -> Option<()> {
    let model = m.model;
    let function = m.site("function")?;
    if decides_itself(&function) || is_special(model, &function) || has_old_insights(model, &function) {
        return None;
    }
    if model.builds(&function, "aws_lambda.DockerImageFunction") {
        return image(model, function, out);
    }
    if !runs_scripts(model, &function)? || is_portable(model, &function) != Some(true) {
        return None;
    }
    let label = label(&function);
    let finding = out.report(
        &META,
        model,
        function.node,
        format!(
            "{label} runs on x86, and nothing in its code asks for that; Graviton does the same for less energy and money. The fix \
             moves it there (a new version: call it once before production). Its memory stays; measure that with AWS Lambda Power \
             Tuning."
        ),
    );
    let v1 = model.imports(function.node.file).imports.iter().any(|import| {
        import.module.starts_with("monocdk")
            || import.module.starts_with("@aws-cdk/") && !import.module.contains("-alpha")
    });
    if v1 || !model.has_prop("aws_lambda.Function", "architecture") {
        finding.refuse(
            "early releases of CDK v1 know no architecture",
            "move the app to aws-cdk-lib, or set it by hand if your release has it",
        );
        return Some(());
    }
    finding.fix(format!("Run {label} on Graviton"), move |b| {
        let value = format!("{}.ARM_64", b.cdk(function.node, "aws_lambda.Architecture")?);
        let runtime = function.props(b.model).get(b.model, "runtime").present().map(|entry| entry.entry);
        let in_place = runtime.filter(|entry| {
            entry.is("pair")
                && entry.parent() == function.props_argument()
                && key_of(*entry) == Some("runtime")
        });
        match in_place {
            Some(entry) => {
                b.insert_entry_after(entry, "architecture", &value);
                Ok(())
            }
            None => b.set_prop(&function, "architecture", &value),
        }
    });
    Some(())
}

/// A function that comes as an image, which CDK builds for the machine that the function names.
fn image<'a>(model: &Model<'a>, function: Site<'a>, out: &mut Findings<'a>) -> Option<()> {
    let runs = portable_image(model, &function)?.runs;
    let label = label(&function);
    let emulates = if runs {
        ", and an x86 machine that builds it has to emulate that (Docker Desktop does, a plain Linux host needs QEMU's binfmt)"
    } else {
        ""
    };
    let message = format!(
        "{label} is an image for x86, and nothing in its Dockerfile asks for that; Graviton does the same for less energy and money. The fix \
         lets CDK build it for Graviton{emulates}. It gets a new version: call it once before production."
    );
    let finding = out.report(&META, model, function.node, message);
    if runs && is_built_on_x86(model) {
        finding.refuse(
            "a build of the app makes the image on an x86 machine, where the commands of its Dockerfile could not run",
            "run that build on Arm (6.3 does so for CodeBuild) or set up QEMU there, then set architecture to ARM_64",
        );
        return Some(());
    }
    finding.fix(format!("Run {label} on Graviton"), move |b| {
        let value = format!("{}.ARM_64", b.cdk(function.node, "aws_lambda.Architecture")?);
        b.set_prop(&function, "architecture", &value)
    });
    Some(())
}

/// Whether a pipeline or a workflow may build the app's images on an x86 machine.
fn is_built_on_x86(model: &Model<'_>) -> bool {
    let arm = model.cdk_files().any(|file| file.text.contains("LinuxArmBuildImage"));
    let project = ["aws_codebuild.Project", "aws_codebuild.PipelineProject", "pipelines.CodePipeline"];
    let builds = project.iter().any(|class| model.app_builds(class));
    let workflow =
        |text: &String| text.contains("cdk deploy") && !text.contains("-arm") && !text.contains("setup-qemu");
    builds && !arm || model.app.workflows_above().iter().any(workflow)
}

/// Whether a function runs where there is no choice, or somebody else chooses.
fn is_special<'a>(model: &Model<'a>, function: &Site<'a>) -> bool {
    let edge = |at: crate::syntax::Syn<'a>| {
        at.ancestors().filter_map(key_of).any(|key| {
            matches!(
                key,
                "edgeLambdas" | "lambdaFunctionAssociations" | "additionalBehaviors" | "defaultBehavior"
            )
        })
    };
    model.runs_at_edge(function)
        || model.builds(function, "aws_lambda.SingletonFunction")
        || model.serves_custom_resource(function)
        || model.is_called_on(function, "addLayers")
        || model.uses(function).into_iter().any(edge)
        || model.cdk_files().any(|file| file.text.contains("Aspects") && file.text.contains("rchitectures"))
}

/// Whether the runtime is one of scripts that both machines have; for a `NodejsFunction` that names none it is.
fn runs_scripts<'a>(model: &Model<'a>, function: &Site<'a>) -> Option<bool> {
    let runtime = match function.props(model).get(model, "runtime") {
        Prop::Absent => return Some(model.builds(function, "aws_lambda_nodejs.NodejsFunction")),
        Prop::Present(entry) => model.cdk_name(entry.value)?,
        Prop::Unknown => return None,
    };
    let runtime = runtime.strip_prefix("aws_lambda.Runtime.")?;
    let version = |head: &str, least: u32| {
        let number =
            runtime.strip_prefix(head).and_then(|rest| rest.trim_end_matches("_X").parse::<u32>().ok());
        number.is_some_and(|number| number >= least)
    };
    Some(
        version("NODEJS_", 18)
            || runtime == "NODEJS_LATEST"
            || version("PYTHON_3_", 9)
            || version("RUBY_3_", 2),
    )
}

/// Whether a function has Lambda Insights of a release that there is for x86 only.
fn has_old_insights<'a>(model: &Model<'a>, function: &Site<'a>) -> bool {
    let version = match function.props(model).get(model, "insightsVersion") {
        Prop::Absent => return false,
        Prop::Present(entry) => model.cdk_name(entry.value).unwrap_or_default(),
        Prop::Unknown => return true,
    };
    let minor =
        version.rsplit_once("VERSION_1_0_").and_then(|(_, rest)| rest.split('_').next()?.parse::<u32>().ok());
    minor.is_none_or(|minor| minor < 119)
}
