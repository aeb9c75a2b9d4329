//! Between which numbers the instances that an alias keeps ready move.

use super::alias_capacity::Alias;
use crate::detect::Refusal;
use crate::edit::config::Field;
use crate::edit::{Builder, no_fix};
use crate::fixes::concurrency::{Reserved, reserved_in_production};
use crate::syntax::Syn;

/// How many times as many instances there may be as are kept ready at least.
const TIMES: u32 = 10;

/// How many instances are kept ready.
#[derive(Clone, Copy)]
pub(super) enum Ready<'a> {
    /// A number.
    Always(u32),
    /// A number where a condition holds.
    When(Syn<'a>, u32),
    /// One number or another.
    Either(Syn<'a>, u32, u32),
    /// A name that holds a number, or nothing.
    Named(Syn<'a>),
    /// Worked out in place.
    Computed,
}

/// What is written: under which condition, between which numbers.
pub(super) struct Range {
    /// The condition, where there is one.
    pub guard: Option<String>,
    /// The least, as code.
    pub least: String,
    /// The most, as code.
    pub most: String,
}

/// What a value says of the instances that are kept ready.
pub(super) fn ready(value: Syn<'_>) -> Ready<'_> {
    let number = |node: Option<Syn<'_>>| node.and_then(number);
    match value.kind() {
        "number" => number(Some(value)).map_or(Ready::Computed, Ready::Always),
        "parenthesized_expression" => value.first().map_or(Ready::Computed, ready),
        "ternary_expression" => {
            let (yes, no) = (value.field("consequence"), value.field("alternative"));
            let nothing = no.is_some_and(|no| matches!(no.text(), "undefined" | "0"));
            match (value.field("condition"), number(yes), number(no)) {
                (Some(condition), Some(yes), _) if nothing => Ready::When(condition, yes),
                (Some(condition), Some(yes), Some(no)) => Ready::Either(condition, yes, no),
                _ => Ready::Computed,
            }
        }
        "identifier" | "member_expression" | "shorthand_property_identifier" => Ready::Named(value),
        _ => Ready::Computed,
    }
}

fn number(node: Syn<'_>) -> Option<u32> {
    node.text().replace('_', "").parse().ok().filter(|number| node.is("number") && *number > 0)
}

/// Code in a message.
pub(super) fn one_line(node: Syn<'_>) -> String {
    node.text().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Between which numbers the instances move.
pub(super) fn range<'a>(
    b: &mut Builder<'_, 'a>,
    alias: &Alias<'a>,
    ready: Ready<'a>,
) -> Result<Range, Refusal> {
    let reserved = reserved(b, alias, matches!(ready, Ready::Either(..)));
    Ok(match ready {
        Ready::Always(number) => {
            let most = most(b, number, reserved)?;
            Range { guard: None, least: number.to_string(), most: most.to_string() }
        }
        Ready::When(condition, number) => {
            let most = most(b, number, reserved)?;
            Range { guard: Some(one_line(condition)), least: number.to_string(), most: most.to_string() }
        }
        Ready::Either(condition, yes, no) => {
            let most = most(b, yes.max(no), reserved)?;
            let share = |number: u32| number.saturating_mul(TIMES).min(most).max(number);
            let either = |yes: u32, no: u32| format!("{} ? {yes} : {no}", one_line(condition));
            Range { guard: None, least: either(yes, no), most: either(share(yes), share(no)) }
        }
        Ready::Named(name) => named_range(b, alias, name, reserved)?,
        Ready::Computed => {
            return Err(no_fix(
                "the number of instances is worked out in place",
                "keep it in a constant, then run again",
            ));
        }
    })
}

/// What is reserved where instances are kept ready: in production, or `everywhere`.
fn reserved<'a>(b: &Builder<'_, 'a>, alias: &Alias<'a>, everywhere: bool) -> Reserved {
    let Some(function) = &alias.function else { return Reserved::Unknown };
    let value = function.props(b.model).get(b.model, "reservedConcurrentExecutions").value();
    let same = value.is_none_or(|value| value.is("number"));
    if everywhere && !same { Reserved::Unknown } else { reserved_in_production(b, function) }
}

/// The most instances there may be: as asked, else ten times the least; below what is reserved.
fn most(b: &Builder<'_, '_>, least: u32, reserved: Reserved) -> Result<u32, Refusal> {
    let asked = asked(b)?;
    let wanted = asked.unwrap_or(least.saturating_mul(TIMES));
    let most = match reserved {
        Reserved::Nothing => wanted,
        Reserved::Number(reserved) => wanted.min(reserved.saturating_sub(1)),
        Reserved::Unknown if asked.is_some() => wanted,
        Reserved::Unknown => {
            return Err(no_fix(
                "its reserved concurrency is not known, and what is provisioned must stay below it",
                "give the maximum with --set provisioned_concurrency_max=…",
            ));
        }
    };
    if most <= least {
        return Err(no_fix(
            "there is no room above the number that is kept ready",
            "raise reservedConcurrentExecutions or the maximum, then run again",
        ));
    }
    Ok(most)
}

fn asked(b: &Builder<'_, '_>) -> Result<Option<u32>, Refusal> {
    let Some(text) = b.value_if_given("provisioned_concurrency_max") else { return Ok(None) };
    let number = text.trim().parse().ok().filter(|number: &u32| *number > 0);
    number
        .map(Some)
        .ok_or_else(|| no_fix("provisioned_concurrency_max is no number above 0", "give one such as 50"))
}

/// The range where the least has a name: a field of a config object gets a neighbour for the most.
fn named_range<'a>(
    b: &mut Builder<'_, 'a>,
    alias: &Alias<'a>,
    name: Syn<'a>,
    reserved: Reserved,
) -> Result<Range, Refusal> {
    let least = name.text().to_owned();
    if let Some(range) = in_config(b, alias, name, reserved)? {
        return Ok(range);
    }
    let constant =
        matches!(b.model.meaning(name), Some(crate::model::Meaning::Value(value)) if value.is("number"));
    let most = match (asked(b)?, reserved) {
        (Some(most), _) => most.to_string(),
        (None, Reserved::Nothing) => format!("{least} * {TIMES}"),
        (None, _) => {
            return Err(no_fix(
                "what is provisioned must stay below the function's reserved concurrency, and the number is not written here",
                "give the maximum with --set provisioned_concurrency_max=…",
            ));
        }
    };
    if constant {
        return Ok(Range { guard: None, least, most });
    }
    // Behind the condition the object is there.
    Ok(Range { guard: Some(least.clone()), least: least.replace("?.", "."), most: most.replace("?.", ".") })
}

fn in_config<'a>(
    b: &mut Builder<'_, 'a>,
    alias: &Alias<'a>,
    name: Syn<'a>,
    reserved: Reserved,
) -> Result<Option<Range>, Refusal> {
    let Some((object, property)) = name.field("object").zip(name.field("property")) else { return Ok(None) };
    let Some(today) = b.config_value(name) else { return Ok(None) };
    let Some(known) = b.environment(alias.node).known().cloned() else { return Ok(None) };
    if known.holder.as_ref().is_none_or(|holder| holder.text != object.text()) {
        return Ok(None);
    }
    let (production, other, sometimes) = match ready(today) {
        Ready::Always(number) => (number, Some(number), false),
        Ready::When(_, number) => (number, None, true),
        Ready::Either(_, yes, no) if reserved == Reserved::Nothing => (yes, Some(no), false),
        Ready::Either(..) | Ready::Named(_) | Ready::Computed => return Ok(None),
    };
    let most = most(b, production, reserved)?;
    let elsewhere = other.map_or_else(
        || "undefined".to_owned(),
        |number| number.saturating_mul(TIMES).min(most).max(number).to_string(),
    );
    let field = format!("{}Max", property.text());
    let field = Field {
        names: &[&field],
        ty: "number",
        optional: sometimes,
        doc: "The most instances that are kept ready, when traffic asks for them.",
        production: &most.to_string(),
        other: &elsewhere,
    };
    let Some(text) = b.config_fields(&known, &[field])?.and_then(|mut texts| texts.pop()) else {
        return Ok(None);
    };
    let least = name.text().to_owned();
    Ok(Some(Range { guard: sometimes.then(|| format!("{least} && {text}")), least, most: text }))
}
