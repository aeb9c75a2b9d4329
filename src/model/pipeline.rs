//! The stages of a delivery pipeline, in the order in which it runs them.

use super::{Meaning, Model, Prop, Site};
use crate::syntax::Syn;

/// One stage of a `codepipeline.Pipeline`.
#[derive(Debug, Clone)]
pub struct PipelineStage<'a> {
    /// The element of the `stages` array, or the `addStage(…)` call.
    pub node: Syn<'a>,
    /// Whether `node` is an element of an array.
    pub in_array: bool,
    /// The stage's object literal.
    pub object: Syn<'a>,
    /// Its name, where it is a literal.
    pub name: Option<&'a str>,
    /// Its actions; `None` where one cannot be followed.
    pub actions: Option<Vec<Site<'a>>>,
}

/// The flag that makes V2 the type of pipelines that name none; CloudFormation has V1.
const DEFAULT_V2: &str = "@aws-cdk/aws-codepipeline:defaultPipelineTypeToV2";

impl<'a> Model<'a> {
    /// Whether a pipeline, in whatever form it is written (`Pipeline`, `CfnPipeline`, CDK Pipelines), is of type V2;
    /// `None` where that is told out of sight.
    pub fn is_pipeline_v2(&self, pipeline: &Site<'a>) -> Option<bool> {
        match pipeline.props(self).get(self, "pipelineType") {
            Prop::Absent => {
                let by_flag = || self.app.context_flag(DEFAULT_V2).and_then(serde_json::Value::as_bool);
                Some(!self.builds(pipeline, "aws_codepipeline.CfnPipeline") && by_flag() == Some(true))
            }
            Prop::Present(entry) => match self.cdk_name(entry.value) {
                Some(name) => Some(name == "aws_codepipeline.PipelineType.V2"),
                // As CloudFormation has it.
                None => {
                    let kind = self.value_of(entry.value);
                    kind.is("string").then(|| super::imports::string_text(kind) == "V2")
                }
            },
            Prop::Unknown => None,
        }
    }

    /// The stages of a `codepipeline.Pipeline`: those in its props, then those that are added in the same file.
    /// `None` where they cannot all be read.
    pub fn pipeline_stages(&self, pipeline: &Site<'a>) -> Option<Vec<PipelineStage<'a>>> {
        let mut stages = Vec::new();
        match pipeline.props(self).get(self, "stages") {
            Prop::Absent => {}
            Prop::Unknown => return None,
            Prop::Present(entry) => {
                for element in self.array(entry.value)?.children() {
                    for stage in elements(element)? {
                        stages.push(self.stage_of(stage, stage, true)?);
                    }
                }
            }
        }
        for call in self.method_calls("addStage") {
            let Some(receiver) = call.field("function").and_then(|function| function.field("object")) else {
                continue;
            };
            if self.origin(receiver).is_none_or(|origin| origin.node != pipeline.node) {
                continue;
            }
            // Stages that are added elsewhere, in a loop or at a place of their own have no order that is known.
            let within =
                |node: Syn<'a>| node.ancestors().find(|outer| outer.is("method_definition")).map(Syn::span);
            let repeated = call.ancestors().take_while(|outer| !outer.is("method_definition")).any(|outer| {
                outer.kind().starts_with("for_") || outer.is("while_statement") || outer.is("arrow_function")
            });
            if !std::ptr::eq(call.file, pipeline.node.file)
                || within(call) != within(pipeline.node)
                || repeated
            {
                return None;
            }
            let argument = call.field("arguments")?.first()?;
            let stage = self.stage_of(argument, call, false)?;
            if self.props_of(argument).get(self, "placement") != Prop::Absent {
                return None;
            }
            stages.push(stage);
        }
        Some(stages)
    }

    /// The array literal that an expression stands for, if nothing is put into it later.
    pub fn array(&self, expression: Syn<'a>) -> Option<Syn<'a>> {
        if expression.is("array") {
            return Some(expression);
        }
        let Some(Meaning::Value(value)) = self.meaning(expression) else { return None };
        let name = expression.text();
        let grows = super::meaning::words(Syn::root(expression.file), name).any(|at| {
            expression.at(at).and_then(Syn::parent).is_some_and(|parent| {
                parent.is("member_expression")
                    && parent.parent().is_some_and(|call| call.is("call_expression"))
            })
        });
        (value.is("array") && !grows).then_some(value)
    }

    fn stage_of(&self, expression: Syn<'a>, node: Syn<'a>, in_array: bool) -> Option<PipelineStage<'a>> {
        let props = self.props_of(expression);
        let object = props.object()?;
        let name = props
            .get(self, "stageName")
            .value()
            .filter(|name| name.is("string"))
            .map(super::imports::string_text);
        let mut actions = match props.get(self, "actions") {
            Prop::Absent => Some(Vec::new()),
            Prop::Unknown => None,
            Prop::Present(entry) => self
                .array(entry.value)
                .and_then(|array| array.children().map(|element| self.action_of(element)).collect()),
        };
        if !in_array {
            actions = actions.and_then(|actions| self.added_actions(node, actions));
        }
        Some(PipelineStage { node, in_array, object, name, actions })
    }

    fn action_of(&self, expression: Syn<'a>) -> Option<Site<'a>> {
        if expression.is("new_expression") { self.site_of(expression) } else { self.origin(expression) }
    }

    /// Actions given to `stage.addAction(…)` later.
    fn added_actions(&self, stage: Syn<'a>, mut actions: Vec<Site<'a>>) -> Option<Vec<Site<'a>>> {
        for call in self.method_calls("addAction") {
            let Some(receiver) = call.field("function").and_then(|function| function.field("object")) else {
                continue;
            };
            if receiver == stage || self.meaning(receiver) == Some(Meaning::Value(stage)) {
                actions.push(self.action_of(call.field("arguments")?.first()?)?);
            }
        }
        Some(actions)
    }
}

/// The elements that an element of an array stands for: itself, or all those of `...(condition ? [a] : [])`.
fn elements(element: Syn<'_>) -> Option<Vec<Syn<'_>>> {
    if !element.is("spread_element") {
        return Some(vec![element]);
    }
    let mut found = Vec::new();
    let mut open: Vec<Syn<'_>> = element.first().into_iter().collect();
    while let Some(node) = open.pop() {
        match node.kind() {
            "parenthesized_expression" => open.push(node.first()?),
            "ternary_expression" => {
                open.push(node.field("alternative")?);
                open.push(node.field("consequence")?);
            }
            "binary_expression" if node.field("operator").is_some_and(|operator| operator.text() == "&&") => {
                open.push(node.field("right")?);
            }
            "array" if !node.children().any(|inner| inner.is("spread_element")) => {
                found.extend(node.children());
            }
            _ => return None,
        }
    }
    Some(found)
}
