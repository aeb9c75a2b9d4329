//! Part of 3.6: the step of CDK Pipelines that builds the app, which downloads its dependencies in each run.

use super::downloads::downloads;
use crate::detect::{Findings, Refusal};
use crate::edit::Builder;
use crate::model::{BuildCommand, BuildSpec, Model, Prop, Site};
use crate::rule::{Impact, Meta};
use crate::syntax::{Literal, Syn};

/// Reports a pipeline whose step that builds the app downloads dependencies and keeps nothing of them.
pub(super) fn check<'a>(
    meta: &'static Meta,
    model: &Model<'a>,
    pipeline: Site<'a>,
    out: &mut Findings<'a>,
) -> Option<()> {
    if !model.has_prop("pipelines.CodeBuildOptions", "cache") {
        return None;
    }
    let step = model.origin(pipeline.props(model).get(model, "synth").value()?)?;
    let builds = model.builds(&step, "pipelines.ShellStep");
    let props = step.props(model);
    let decided = ["cache", "partialBuildSpec", "buildEnvironment"];
    if !builds || decided.iter().any(|name| props.get(model, name) != Prop::Absent) {
        return None;
    }
    let spec = BuildSpec { root: step.node, commands: commands(model, &step)?, complete: true };
    let downloads = downloads(model, &spec)?;
    let first = downloads.first()?.text.clone();
    let label = pipeline.label();
    let message = format!(
        "{label} runs `{first}` to build the app and keeps nothing of it: every run of the pipeline downloads the dependencies again. The fix \
         adds a local cache, which is free and lives on the build host for a while."
    );
    let finding = out.report(meta, model, pipeline.node, message);
    finding.key(&label).impact(Impact::Info);
    finding.fix(format!("Let {label} keep what it downloads"), move |b| {
        let mut folders: Vec<&str> = Vec::new();
        for download in &downloads {
            if !folders.contains(&download.folder) {
                folders.push(download.folder);
            }
            if let Some((literal, at, text)) = &download.option {
                b.splice(*literal, *at..*at, text);
            }
        }
        keep(b, &pipeline, &folders)
    });
    Some(())
}

/// What the step runs; `None` where that is not all written down.
fn commands<'a>(model: &Model<'a>, step: &Site<'a>) -> Option<Vec<BuildCommand<'a>>> {
    let mut found = Vec::new();
    for (name, phase) in [("installCommands", "install"), ("commands", "build")] {
        let list = match step.props(model).get(model, name) {
            Prop::Absent => continue,
            Prop::Present(entry) => model.array(entry.value)?,
            Prop::Unknown => return None,
        };
        for item in list.children().filter(|item| !item.is("comment")) {
            let item: Syn<'a> = item;
            found.push(BuildCommand { item, literal: item, text: Literal::of(item)?.text, phase });
        }
    }
    Some(found)
}

fn keep<'a>(b: &mut Builder<'_, 'a>, pipeline: &Site<'a>, folders: &[&str]) -> Result<(), Refusal> {
    let at = pipeline.node;
    let cache = b.cdk(at, "aws_codebuild.Cache")?;
    let mode = b.cdk(at, "aws_codebuild.LocalCacheMode")?;
    let spec = b.cdk(at, "aws_codebuild.BuildSpec")?;
    let paths: Vec<String> = folders.iter().map(|folder| format!("'{folder}/**/*'")).collect();
    let value = format!(
        "{{\n  cache: {cache}.local({mode}.CUSTOM),\n  partialBuildSpec: {spec}.fromObject({{\n    version: '0.2',\n    cache: {{\n      \
         paths: [{}],\n    }},\n  }}),\n}}",
        paths.join(", ")
    );
    b.set_prop(pipeline, "synthCodeBuildDefaults", &value)
}
