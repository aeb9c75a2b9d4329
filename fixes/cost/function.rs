//! What the rules about settings of functions have in common.

use crate::detect::Refusal;
use crate::edit::config::name_after;
use crate::edit::no_fix;
use crate::model::meaning::is_class;
use crate::model::{Model, Site};
use crate::syntax::Syn;

/// Whether a class of the app that builds itself on a function decides over its props: the place is its `super(…)`.
pub(in crate::fixes) fn decides_itself(function: &Site<'_>) -> bool {
    let body =
        function.local.filter(|_| function.node.is("new_expression")).and_then(|class| class.field("body"));
    body.is_some_and(|body| {
        body.children().any(|member| member.field("name").is_some_and(|name| name.text() == "constructor"))
    })
}

/// The function's name for messages: that of its class where it is built by `super(…)`.
pub(in crate::fixes) fn label(function: &Site<'_>) -> String {
    let class = class_around(function).filter(|_| function.node.is("call_expression"));
    class.map_or_else(|| function.label(), str::to_owned)
}

fn class_around<'a>(function: &Site<'a>) -> Option<&'a str> {
    function.node.ancestors().find(|node| is_class(*node))?.field("name").map(Syn::text)
}

/// What a setting of a function is called, in order of preference: by its function, where the app has several.
pub(super) fn names<'a>(model: &Model<'a>, function: &Site<'a>, setting: &str) -> (String, String) {
    let all: Vec<Site<'a>> =
        model.all_sites().filter(|site| model.builds(site, "aws_lambda.Function")).collect();
    let own = label(function);
    let unique = all.iter().filter(|site| label(site) == own).count() < 2;
    let full = match class_around(function) {
        Some(class) if !unique => format!("{class}-{own}"),
        _ => own,
    };
    let (own, general) = (name_after(&full, setting), format!("lambda{setting}"));
    if all.len() > 1 { (own, general) } else { (general, own) }
}

/// A construct whose context can be read where a function is built.
pub(super) fn scope_text<'a>(model: &Model<'a>, function: &Site<'a>) -> Result<&'a str, Refusal> {
    function
        .scope()
        .filter(|scope| matches!(scope.kind(), "this" | "identifier" | "member_expression"))
        .map(Syn::text)
        .or_else(|| model.has_construct_this(function.node).then_some("this"))
        .ok_or_else(|| {
            no_fix(
                "neither a config object nor the context can be read here",
                "pass the number to this place as a parameter, then run again",
            )
        })
}
