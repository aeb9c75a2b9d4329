//! # 6.3 A build that uses more than it needs
//!
//! ## What is wrong
//! Every commit pays for what a build does for nothing: tests that run twice, tools that are installed and never
//! called, dependencies that travel to the next stage and are installed there again, a machine that is larger than the
//! commands ask for, and the rights of `privileged` where no container is built. (A project that names no compute type is not
//! over-provisioned: it gets the smallest.)
//!
//! ## What the fix does
//! One thing at a time, each offered by itself: it leaves one run of the tests, which is asked what both were asked; removes
//! the installation of a tool that nothing calls; keeps `node_modules` out of an artifact; takes `LARGE` back to
//! `MEDIUM`; removes `privileged`; and moves a build of portable commands to Graviton.
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
//!         computeType: codebuild.ComputeType.LARGE,
//!         privileged: true,
//!       },
//!       buildSpec: codebuild.BuildSpec.fromObject({
//!         version: '0.2',
//!         phases: {
//!           install: { commands: ['npm ci'] },
//!           build: {
//!             commands: [
//!               'npx jest --ci',
//!               'echo Checking the coverage...',
//!               'npx jest --coverage',
//!             ],
//!           },
//!         },
//!       }),
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
//!         computeType: codebuild.ComputeType.MEDIUM,
//!       },
//!       buildSpec: codebuild.BuildSpec.fromObject({
//!         version: '0.2',
//!         phases: {
//!           install: { commands: ['npm ci'] },
//!           build: {
//!             commands: [
//!               'npx jest --ci --coverage',
//!             ],
//!           },
//!         },
//!       }),
//!     });
//!   }
//! }
//! ```
//!
//! ## When it stays silent
//! Where a command is out of sight or hides others (`make`, shell scripts, scripts that package.json does not have), where a
//! container may be built, for fleets, Windows and Lambda, and where the machine is chosen by an expression. Graviton is
//! proposed only where every command runs alike there, no dependency has native code or brings a browser, the build says
//! which Node.js it wants (18, 20 or 22), and the CDK knows the image (2.176). `node_modules` stays in an artifact unless every stage
//! that reads it installs its own dependencies or runs nothing that could want them. `MEDIUM` is nobody's mistake.
//! The timeout is rule 4.3's, the cache 3.6's.
//!
//! ## When it refuses
//! Where the compute type or `privileged` stands in an object that other projects share.
//!
//! ## What to know before deploying
//! A smaller machine may be slower: look at the duration and memory of some builds. CodeBuild has no Graviton machines in some
//! Regions, and a binary that a command downloads by itself must fit. Only the builds change, nothing that is deployed.
//!
//! ## Other checkers
//! cdk-nag has no rule for it, and Checkov's for `privileged` knows Terraform only.

use super::portable::{is_plain, native};
use super::wasted_work::{carried_modules, leave_out, remove_install, run_once, twice, unused_install};
use crate::detect::{Findings, Match, Refusal};
use crate::edit::{Builder, no_fix};
use crate::fixes::cost::function::decides_itself;
use crate::model::build::spec_entry;
use crate::model::props::key_of;
use crate::model::{BuildSpec, Model, Prop, Props, Site};
use crate::rule::{Impact, Meta, Pillar, Rule, Tier};
use crate::syntax::Syn;
use crate::syntax::shell::Program;

/// The rule.
pub const RULE: Rule = Rule { meta: &META, check };

const META: Meta = Meta {
    id: "6.3",
    also: &[],
    name: "build-waste",
    title: "A build that uses more than it needs",
    pillar: Pillar::Sustainability,
    impact: Impact::Low,
    tier: Tier::Review,
    practice: "SUS06-BP04",
    clears: &[],
    raises: &[],
    asks: &[],
    // Behind 2.6, 3.6 and 5.1, which edit the same commands.
    order: 630,
    source: include_str!("wa_6_3_build_waste.rs"),
    query: include_str!("../../queries/sustainability/wa_6_3_build_waste.scm"),
};

/// The Graviton image, which came with 2.176; the one before it is at the end of its life.
const ARM: &str = "AMAZON_LINUX_2023_STANDARD_3_0";

/// Packages that say a build is large on purpose, or starts containers from its tests.
const LARGE_ON_PURPOSE: [&str; 6] = ["@nx/workspace", "lerna", "nx", "testcontainers", "turbo", "dockerode"];

fn check<'a>(m: &Match<'_, 'a>, out: &mut Findings<'a>) -> Option<()> {
    let model = m.model;
    let project = m.site("project")?;
    if decides_itself(&project) {
        return None;
    }
    let spec = model.build_spec(&project)?;
    let runs = model.build_programs(&spec);
    check_tests(model, &project, &spec, out);
    check_artifact(model, &project, &spec, out);
    let runs = runs?;
    check_install(model, &project, &spec, &runs, out);
    if !runs.iter().all(is_plain) {
        return None;
    }
    let environment = match project.props(model).get(model, "environment") {
        Prop::Present(entry) => model.props_of(entry.value),
        _ => return None,
    };
    let machine = Machine { project, environment };
    machine.check(model, &spec, out)
}

fn check_tests<'a>(
    model: &Model<'a>,
    project: &Site<'a>,
    spec: &BuildSpec<'a>,
    out: &mut Findings<'a>,
) -> Option<()> {
    let found = twice(model, spec)?;
    let label = project.label();
    let message = format!(
        "{label} runs the same tests twice: `{}` runs again what `{}` ran. The fix leaves the first, and asks of it what both were asked.",
        found.again.text, found.first.text
    );
    let spec = spec.clone();
    let finding = out.report(&META, model, project.node, message);
    finding.key("tests");
    finding.fix(format!("Run the tests of {label} once"), move |b| {
        run_once(b, &spec, &found);
        Ok(())
    });
    Some(())
}

fn check_artifact<'a>(
    model: &Model<'a>,
    project: &Site<'a>,
    spec: &BuildSpec<'a>,
    out: &mut Findings<'a>,
) -> Option<()> {
    let artifacts = carried_modules(model, project, spec)?;
    let label = project.label();
    let finding = out.report(
        &META,
        model,
        project.node,
        format!(
            "The artifact of {label} takes `node_modules` along, through S3 and back, though every later stage installs its own \
             dependencies or needs none. The fix leaves the folder out."
        ),
    );
    finding.key("artifact");
    finding.fix(format!("Leave node_modules out of the artifact of {label}"), move |b| {
        leave_out(b, artifacts);
        Ok(())
    });
    Some(())
}

fn check_install<'a>(
    model: &Model<'a>,
    project: &Site<'a>,
    spec: &BuildSpec<'a>,
    runs: &[Program],
    out: &mut Findings<'a>,
) -> Option<()> {
    let (command, name) = unused_install(spec, runs)?;
    let label = project.label();
    let spec = spec.clone();
    let finding = out.report(
        &META,
        model,
        command.literal,
        format!("{label} installs {name} in every build, and no command of it calls that. The fix removes the installation."),
    );
    finding.key(name);
    finding.fix(format!("No longer install {name} in {label}"), move |b| {
        remove_install(b, b.model, &spec, &command);
        Ok(())
    });
    Some(())
}

/// What a project builds on, all of whose commands are plain.
struct Machine<'a> {
    project: Site<'a>,
    environment: Props<'a>,
}

impl<'a> Machine<'a> {
    fn check(&self, model: &Model<'a>, spec: &BuildSpec<'a>, out: &mut Findings<'a>) -> Option<()> {
        let environment = &self.environment;
        if environment.get(model, "fleet") != Prop::Absent
            || environment.get(model, "dockerServer") != Prop::Absent
        {
            return None;
        }
        let dependencies = model.dependencies_below(&model.app.root);
        if dependencies.iter().any(|name| LARGE_ON_PURPOSE.contains(&name.as_str())) {
            return None;
        }
        let size = model.named_prop(environment, "computeType")?;
        let image = model.named_prop(environment, "buildImage")?;
        let privileged = environment.get(model, "privileged");
        if privileged == Prop::Unknown || size.contains("LAMBDA") || image.contains("Windows") {
            return None;
        }
        let is_privileged = privileged.value().is_some_and(|value| value.text() != "false");
        if let Prop::Present(entry) = privileged
            && entry.value.is("true")
        {
            self.check_privileged(model, entry.entry, out);
        }
        if let Some(size) = size.strip_prefix("aws_codebuild.ComputeType.") {
            self.check_size(model, size, out);
        }
        let moves = !is_privileged && native(&dependencies).is_none() && is_node(model, spec);
        if moves && is_x86(&image) && model.has_member("aws_codebuild.LinuxArmBuildImage", ARM) {
            self.check_image(model, out);
        }
        Some(())
    }

    fn check_privileged(&self, model: &Model<'a>, entry: Syn<'a>, out: &mut Findings<'a>) {
        let label = self.project.label();
        let message = format!(
            "{label} is privileged, which gives its commands the build host's devices, and none of them starts a container. The fix \
             removes the right."
        );
        let finding = out.report(&META, model, self.project.node, message);
        finding.key("privileged");
        if self.is_elsewhere(entry) {
            finding.refuse(
                "`privileged` stands in an object that others may share",
                "remove it where no build needs it",
            );
            return;
        }
        finding.fix(format!("Build {label} without privileges"), move |b| {
            // An object that holds a comment stays for its sake.
            let object = entry.parent().filter(|object| object.node.named_child_count() == 1);
            let whole = object.and_then(Syn::parent).filter(|pair| key_of(*pair) == Some("environment"));
            b.remove_entry(whole.unwrap_or(entry));
            Ok(())
        });
    }

    fn check_size(&self, model: &Model<'a>, size: &str, out: &mut Findings<'a>) -> Option<()> {
        if !matches!(size, "LARGE" | "X_LARGE" | "X2_LARGE") {
            return None;
        }
        let entry = self.environment.get(model, "computeType").present()?;
        let label = self.project.label();
        let message = format!(
            "{label} builds on a {size} machine, and nothing it runs asks for one: no container, no large workspace. The fix takes \
             it to MEDIUM (4 processors, 7 GB); compare the duration of some builds."
        );
        let property = entry.value.field("property");
        let finding = out.report(&META, model, self.project.node, message);
        finding.key("size");
        match property.filter(|_| !self.is_elsewhere(entry.entry)) {
            Some(property) => finding.fix(format!("Build {label} on a smaller machine"), move |b| {
                b.replace(property, "MEDIUM");
                Ok(())
            }),
            None => {
                finding
                    .refuse("the compute type stands in an object that others may share", "lower it there");
            }
        }
        Some(())
    }

    fn check_image(&self, model: &Model<'a>, out: &mut Findings<'a>) -> Option<()> {
        let entry = self.environment.get(model, "buildImage").present()?;
        if self.is_elsewhere(entry.entry) || !entry.value.is("member_expression") {
            return None;
        }
        let label = self.project.label();
        let finding = out.report(
            &META,
            model,
            self.project.node,
            format!(
                "{label} builds on x86, and everything it runs is at home on Graviton too, which does the same for less energy and \
                 money. The fix moves the build to Amazon Linux 2023 on Arm (not in every Region)."
            ),
        );
        finding.impact(Impact::Info).key("image");
        let at = self.project.node;
        finding.fix(format!("Build {label} on Graviton"), move |b| arm(b, at, entry.value));
        Some(())
    }

    /// Whether an entry stands outside of the project's own expression.
    fn is_elsewhere(&self, entry: Syn<'a>) -> bool {
        !std::ptr::eq(entry.file, self.project.node.file)
            || !self.project.node.span().contains(&entry.start())
    }
}

fn arm<'a>(b: &mut Builder<'_, 'a>, at: Syn<'a>, image: Syn<'a>) -> Result<(), Refusal> {
    let class = b.cdk(at, "aws_codebuild.LinuxArmBuildImage")?;
    if !image.is("member_expression") {
        return Err(no_fix("the image is not named in place", "name it in the project, then run again"));
    }
    b.replace(image, &format!("{class}.{ARM}"));
    Ok(())
}

fn is_x86(image: &str) -> bool {
    image
        .strip_prefix("aws_codebuild.LinuxBuildImage.")
        .is_some_and(|image| image.starts_with("STANDARD_") || image.starts_with("AMAZON_LINUX_2"))
}

/// Whether a build says that it wants a Node.js that the Graviton image has, and nothing else.
fn is_node<'a>(model: &Model<'a>, spec: &BuildSpec<'a>) -> bool {
    let versions = || {
        let phases = model.spec_mapping(spec_entry(spec.root, "phases")?)?;
        let install = model.spec_mapping(spec_entry(phases, "install")?)?;
        model.spec_mapping(spec_entry(install, "runtime-versions")?)
    };
    let Some(versions) = versions() else { return false };
    let mut entries = versions.children();
    let (Some(_), None) = (entries.next(), entries.next()) else { return false };
    spec_entry(versions, "nodejs")
        .is_some_and(|version| matches!(version.text().trim_matches(['\'', '"']), "18" | "20" | "22"))
}
