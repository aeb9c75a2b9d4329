//! The stages of a pipeline that is written as CloudFormation has it.

use super::deploying_stages::is_not_production;
use crate::model::{Model, Prop, Site};
use crate::syntax::Syn;

/// A stage of a `CfnPipeline`.
pub(super) struct RawStage<'a> {
    /// The element of the array.
    pub node: Syn<'a>,
    /// Its name.
    pub name: &'a str,
    /// What its actions do: `Source`, `Build`, `Deploy`, `Approval` and the like.
    categories: Vec<&'a str>,
}

/// Every stage, in order; `None` where one cannot be read.
pub(super) fn stages<'a>(model: &Model<'a>, pipeline: &Site<'a>) -> Option<Vec<RawStage<'a>>> {
    let list = pipeline.props(model).get(model, "stages").value()?;
    model.array(list)?.children().map(|node| stage(model, node)).collect()
}

fn stage<'a>(model: &Model<'a>, node: Syn<'a>) -> Option<RawStage<'a>> {
    let props = model.props_of(node);
    let actions = model.array(props.get(model, "actions").value()?)?;
    let categories = actions.children().map(|action| {
        let kind = model.props_of(action).get(model, "actionTypeId").value()?;
        literal(model.props_of(kind).get(model, "category").value()?)
    });
    Some(RawStage {
        node,
        name: literal(props.get(model, "name").value()?)?,
        categories: categories.collect::<Option<_>>()?,
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
    let does = |stage: &RawStage<'a>, what: &str| stage.categories.contains(&what);
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
