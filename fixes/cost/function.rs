//! What the rules about settings of functions have in common.

use crate::detect::Refusal;
use crate::edit::config::{Field, name_after};
use crate::edit::style::line_indent;
use crate::edit::{Builder, no_fix};
use crate::model::meaning::is_class;
use crate::model::{Environment, Model, Site};
use crate::syntax::Syn;

/// Whether a class of the app that builds itself on a function decides over its props: the place is its `super(…)`.
pub(crate) fn decides_itself(function: &Site<'_>) -> bool {
    let body =
        function.local.filter(|_| function.node.is("new_expression")).and_then(|class| class.field("body"));
    body.is_some_and(|body| {
        body.children().any(|member| member.field("name").is_some_and(|name| name.text() == "constructor"))
    })
}

/// The function's name for messages: that of its class where it is built by `super(…)`.
pub(crate) fn label(function: &Site<'_>) -> String {
    let class = class_around(function).filter(|_| function.node.is("call_expression"));
    class.map_or_else(|| function.label(), str::to_owned)
}

fn class_around<'a>(function: &Site<'a>) -> Option<&'a str> {
    function.node.ancestors().find(|node| is_class(*node))?.field("name").map(Syn::text)
}

/// What a setting of a function is called, in order of preference: by its function, where the app has several.
pub(crate) fn names<'a>(model: &Model<'a>, function: &Site<'a>, setting: &str) -> (String, String) {
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

/// A number of a function that the app's settings are to hold.
pub(crate) struct Setting<'s> {
    /// What it is called behind the function's name: `MemorySize`.
    pub name: &'s str,
    /// One sentence on what it is, for the config object.
    pub doc: &'s str,
    /// The number.
    pub number: &'s str,
    /// What stands around it on its line, as far as that matters to the line's length: `memorySize: ,`.
    pub around: &'s str,
}

/// The text that reads a number from where the app keeps what differs between deployments: a new field of the config
/// object in scope, else the context. `today` is the number as it stands.
pub(crate) fn from_settings<'a>(
    b: &mut Builder<'_, 'a>,
    function: &Site<'a>,
    today: Option<Syn<'a>>,
    setting: &Setting<'_>,
) -> Result<String, Refusal> {
    match from_config(b, function, today, setting, setting.number)? {
        Some(text) => Ok(text),
        None => {
            let names = names(b.model, function, setting.name);
            from_context(b.model, (function, today), &names.0, setting)
        }
    }
}

/// The same from a new field of the config object in scope, which holds another number outside production; none where there
/// is no such object.
pub(crate) fn from_config<'a>(
    b: &mut Builder<'_, 'a>,
    function: &Site<'a>,
    today: Option<Syn<'a>>,
    setting: &Setting<'_>,
    elsewhere: &str,
) -> Result<Option<String>, Refusal> {
    let names = names(b.model, function, setting.name);
    match b.environment(today.unwrap_or(function.node)) {
        // Where the object may be undefined, the number would be as well.
        Environment::Known(known)
            if known.holder.as_ref().is_some_and(|held| !held.optional && !held.text.contains('?')) =>
        {
            let field = Field {
                names: &[&names.0, &names.1],
                ty: "number",
                optional: false,
                doc: setting.doc,
                production: setting.number,
                other: elsewhere,
            };
            Ok(b.config_fields(&known, &[field])?.and_then(|mut texts| texts.pop()))
        }
        _ => Ok(None),
    }
}

/// `Number(this.node.tryGetContext('lambdaMemorySize') ?? 512)`: the context of the command line holds strings.
fn from_context<'a>(
    model: &Model<'a>,
    (function, today): (&Site<'a>, Option<Syn<'a>>),
    key: &str,
    setting: &Setting<'_>,
) -> Result<String, Refusal> {
    let scope = scope_text(model, function)?;
    let read = format!("{scope}.node.tryGetContext('{key}') ?? {}", setting.number);
    let line = today.unwrap_or(function.node);
    let indent = line_indent(&line.file.text, line.start()).len();
    let deeper = if line == function.node { 2 } else { 0 };
    let wide = indent + deeper + setting.around.len() + "Number()".len() + read.len() > 80;
    Ok(if wide { format!("Number(\n  {read}\n)") } else { format!("Number({read})") })
}

/// A construct whose context can be read where a function is built.
pub(crate) fn scope_text<'a>(model: &Model<'a>, function: &Site<'a>) -> Result<&'a str, Refusal> {
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
