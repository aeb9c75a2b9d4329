//! The stages of a pipeline that is written as CloudFormation has it.

use super::deploying_stages::is_not_production;
use crate::model::{Model, Prop, Site};
use crate::syntax::Syn;

/// A stage of a `CfnPipeline`.
pub(crate) struct RawStage<'a> {
    /// The element of the array.
    pub(crate) node: Syn<'a>,
    /// Its name.
    pub(crate) name: &'a str,
    /// What its actions do (`Source`, `Build`, `Deploy`, `Approval` and the like), and what does it, where that is told.
    actions: Vec<(&'a str, &'a str)>,
}

impl<'a> RawStage<'a> {
    /// What does the actions of a category: `CloudFormation`, `CodeDeploy`; empty where it is not told.
    pub(crate) fn providers(&self, category: &str) -> Vec<&'a str> {
        self.actions.iter().filter(|(what, _)| *what == category).map(|(_, provider)| *provider).collect()
    }
}

/// Every stage, in order; `None` where one cannot be read.
pub(crate) fn stages<'a>(model: &Model<'a>, pipeline: &Site<'a>) -> Option<Vec<RawStage<'a>>> {
    let list = pipeline.props(model).get(model, "stages").value()?;
    model.array(list)?.children().map(|node| stage(model, node)).collect()
}

fn stage<'a>(model: &Model<'a>, node: Syn<'a>) -> Option<RawStage<'a>> {
    let props = model.props_of(node);
    let actions = model.array(props.get(model, "actions").value()?)?;
    let actions = actions.children().map(|action| {
        let kind = model.props_of(model.props_of(action).get(model, "actionTypeId").value()?);
        let provider = kind.get(model, "provider").value().and_then(literal);
        Some((literal(kind.get(model, "category").value()?)?, provider.unwrap_or_default()))
    });
    Some(RawStage {
        node,
        name: literal(props.get(model, "name").value()?)?,
        actions: actions.collect::<Option<_>>()?,
    })
}

fn literal(value: Syn<'_>) -> Option<&str> {
    value.is("string").then(|| value.text().trim_matches(['\'', '"']))
}

/// The first stage that deploys, if nothing holds a release back before it or in it.
pub(super) fn open_stage<'s, 'a>(
    model: &Model<'a>,
    pipeline: &Site<'a>,
    stages: &'s [RawStage<'a>],
) -> Option<&'s RawStage<'a>> {
    let held = ["disableInboundStageTransitions"];
    if held.iter().any(|prop| pipeline.props(model).get(model, prop) != Prop::Absent) {
        return None;
    }
    let does = |stage: &RawStage<'a>, what: &str| !stage.providers(what).is_empty();
    let index = stages.iter().position(|stage| does(stage, "Deploy") && !is_not_production(stage.name))?;
    let (before, rest) = stages.split_at(index);
    let stage = rest.first()?;
    let gated = before.iter().any(|stage| does(stage, "Approval")) || does(stage, "Approval");
    (!gated).then_some(stage)
}

/// The stage that waits for a person.
pub(super) fn approval(name: &str) -> String {
    format!(
        "{{\n  name: '{name}',\n  actions: [\n    {{\n      name: 'ApproveDeployment',\n      actionTypeId: {{\n        \
         category: 'Approval',\n        owner: 'AWS',\n        provider: 'Manual',\n        version: '1',\n      }},\n      \
         configuration: {{\n        CustomData:\n          'Check the test results and the way back before you approve.',\n      }},\n    \
         }},\n  ],\n}}"
    )
}
