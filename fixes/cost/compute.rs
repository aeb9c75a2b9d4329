//! On what machine a build runs, where its owner asks for another: Graviton, or Lambda's.

use crate::detect::{Candidate, Refusal};
use crate::edit::{Builder, no_fix};
use crate::model::build::spec_entry;
use crate::model::{Model, Prop, Site};
use crate::rule::Tier;
use crate::syntax::Syn;

/// The key of the answer. Never asked: the review offers it.
const KEY: &str = "codebuild_compute";

/// A machine for a build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compute {
    /// As it is.
    Today,
    /// Servers with Graviton, at a lower price.
    Arm,
    /// Lambda's, billed by the second and without a wait.
    Lambda,
}

/// What the answer asks for.
///
/// # Errors
/// A [`Refusal`] where it names no machine.
pub(super) fn asked(b: &Builder<'_, '_>) -> Result<Compute, Refusal> {
    match b.value_if_given(KEY) {
        None | Some("x86") => Ok(Compute::Today),
        Some("arm") => Ok(Compute::Arm),
        Some("lambda") => Ok(Compute::Lambda),
        Some(other) => Err(no_fix(
            &format!("{KEY} is {other}"),
            "say arm, lambda or x86, which leaves the machine as it is",
        )),
    }
}

/// Offers other machines, where a build can run on them as far as the code tells.
pub(super) fn offer<'a>(
    model: &Model<'a>,
    finding: &mut Candidate<'a>,
    project: &Site<'a>,
    run: impl Fn(&mut Builder<'_, 'a>, Compute) -> Result<(), Refusal> + Clone + 'a,
) {
    let label = project.label();
    let ways = [
        (Compute::Arm, format!("Limit the builds of {label}, and run them on Graviton")),
        (Compute::Lambda, format!("Run the builds of {label} on Lambda")),
    ];
    for (compute, title) in ways {
        if fits(model, project, compute).is_ok() {
            let run = run.clone();
            finding.alternative(title, Tier::Review, move |b| run(b, compute));
        }
    }
}

/// Says why a build cannot run on a machine.
fn fits<'a>(model: &Model<'a>, project: &Site<'a>, compute: Compute) -> Result<(), Refusal> {
    let props = project.props(model);
    let environment = match props.get(model, "environment") {
        Prop::Absent => None,
        Prop::Present(entry) if entry.value.is("object") => Some(model.props_of(entry.value)),
        _ => return Err(elsewhere()),
    };
    let absent = |name: &str| environment.as_ref().is_none_or(|props| props.get(model, name) == Prop::Absent);
    let said = |name: &str| {
        environment
            .as_ref()
            .and_then(|props| props.get(model, name).value())
            .map(|value| model.cdk_name(value))
    };
    let linux = said("buildImage")
        .is_none_or(|image| image.is_some_and(|name| name.starts_with("aws_codebuild.LinuxBuildImage.")));
    let size = said("computeType").is_none_or(|size| {
        size.is_some_and(|name| [".SMALL", ".LARGE"].iter().any(|end| name.ends_with(end)))
    });
    if !linux || !size || !absent("privileged") || !absent("certificate") {
        return Err(no_fix(
            "the build has an image, a size or privileges of its own, which other machines do not have",
            "choose the machine by hand",
        ));
    }
    if compute == Compute::Arm {
        return Ok(());
    }
    if ["cache", "vpc", "badge", "fileSystemLocations"]
        .iter()
        .any(|name| props.get(model, name) != Prop::Absent)
    {
        return Err(no_fix(
            "the build has a cache, a VPC or a badge, which builds on Lambda do not have",
            "say arm, or leave codebuild_compute out",
        ));
    }
    let spec = model.build_spec(project).filter(|spec| spec.complete && !declares_runtimes(model, spec.root));
    let root =
        spec.as_ref().is_some_and(|spec| spec.commands.iter().any(|command| command.text.contains("sudo ")));
    let programs = spec.filter(|_| !root).and_then(|spec| model.build_programs(&spec)).ok_or_else(|| {
        no_fix(
            "the build's commands cannot be seen, work as root, or install a runtime of their own",
            "say arm, or choose the machine by hand",
        )
    })?;
    let roots = programs.iter().find(|program| {
        let global = program.has(&["-g"]) || program.has(&["--global"]);
        matches!(program.name(), "docker" | "yum" | "dnf" | "apt" | "apt-get" | "rpm") || global
    });
    match roots {
        Some(program) => Err(no_fix(
            &format!(
                "the build runs `{}`, which needs rights that builds on Lambda do not have",
                program.words.join(" ")
            ),
            "say arm, or leave codebuild_compute out",
        )),
        None => Ok(()),
    }
}

fn declares_runtimes<'a>(model: &Model<'a>, root: Syn<'a>) -> bool {
    let install = spec_entry(root, "phases")
        .and_then(|phases| model.spec_mapping(phases))
        .and_then(|phases| spec_entry(phases, "install"));
    install.is_some_and(|install| install.text().contains("runtime-versions"))
}

fn elsewhere() -> Refusal {
    no_fix(
        "its environment is put together elsewhere",
        "write it as an object literal where the project is built, then run again",
    )
}

/// Moves a build to another machine; the properties that the project has to get for it.
///
/// # Errors
/// A [`Refusal`] where it cannot run there, or the release of CDK does not know it.
pub(super) fn move_to<'a>(
    b: &mut Builder<'_, 'a>,
    project: &Site<'a>,
    compute: Compute,
) -> Result<Vec<(&'static str, String)>, Refusal> {
    let (class, images) = match compute {
        Compute::Today => return Ok(Vec::new()),
        Compute::Arm => (
            "aws_codebuild.LinuxArmBuildImage",
            ["AMAZON_LINUX_2023_STANDARD_3_0", "AMAZON_LINUX_2_STANDARD_3_0", "AMAZON_LINUX_2_STANDARD_2_0"],
        ),
        Compute::Lambda => (
            "aws_codebuild.LinuxArmLambdaBuildImage",
            ["AMAZON_LINUX_2023_NODE_22", "AMAZON_LINUX_2023_NODE_20", "AMAZON_LINUX_2_NODE_18"],
        ),
    };
    fits(b.model, project, compute)?;
    let image = images.iter().find(|image| b.model.has_member(class, image)).ok_or_else(|| {
        no_fix(
            "this release of CDK has no image for that machine, or it is not known which release this is",
            "update aws-cdk-lib, or leave codebuild_compute out",
        )
    })?;
    let at = project.node;
    let mut entries = vec![("buildImage", format!("{}.{image}", b.cdk(at, class)?))];
    if compute == Compute::Lambda {
        entries.push(("computeType", format!("{}.LAMBDA_2GB", b.cdk(at, "aws_codebuild.ComputeType")?)));
    }
    let Some(entry) = project.props(b.model).get(b.model, "environment").present() else {
        let lines: Vec<String> =
            entries.iter().map(|(name, value)| format!("  {name}: {value},\n")).collect();
        return Ok(vec![("environment", format!("{{\n{}}}", lines.concat()))]);
    };
    let has = |name: &str| b.model.props_of(entry.value).get(b.model, name) != Prop::Absent;
    let (own, new): (Vec<_>, Vec<_>) = entries.into_iter().partition(|(name, _)| has(name));
    b.set_entries(entry.value, &own);
    if !new.is_empty() {
        b.insert_entries(entry.value, &new);
    }
    Ok(Vec::new())
}
