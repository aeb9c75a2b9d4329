//! Reserved and provisioned concurrency of a function: what is provisioned must stay below what is reserved, and
//! only the deployment would say so.

use crate::edit::Builder;
use crate::model::{Model, Prop, Site};
use crate::syntax::Syn;

/// How much concurrency is set aside for a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reserved {
    /// None: it shares the account's.
    Nothing,
    /// So much in production.
    Number(u32),
    /// It cannot be told.
    Unknown,
}

/// What is reserved for a function in production.
pub(crate) fn reserved_in_production<'a>(b: &Builder<'_, 'a>, function: &Site<'a>) -> Reserved {
    match function.props(b.model).get(b.model, "reservedConcurrentExecutions") {
        Prop::Absent => Reserved::Nothing,
        Prop::Present(entry) => {
            let value = b.config_value(entry.value).unwrap_or(entry.value);
            in_production(b.model, value).map_or(Reserved::Unknown, Reserved::Number)
        }
        Prop::Unknown => Reserved::Unknown,
    }
}

/// A number, or that of the branch which holds in production.
fn in_production<'a>(model: &Model<'a>, value: Syn<'a>) -> Option<u32> {
    if value.is("number") {
        return value.text().parse().ok();
    }
    let condition = value.is("ternary_expression").then(|| value.field("condition")).flatten()?;
    let positive = matches!(condition.kind(), "identifier" | "member_expression")
        || condition.field("operator").is_some_and(|operator| operator.text() == "===");
    let production = positive && model.mentions_environment(condition) && names_production(condition);
    value.field("consequence").filter(|yes| production && yes.is("number"))?.text().parse().ok()
}

/// `isProd`, `stage === 'prod'`: not `isDev`.
pub(crate) fn names_production(condition: Syn<'_>) -> bool {
    let text = condition.text().to_lowercase();
    ["prod", "prd", "live"].iter().any(|word| text.contains(word))
        && !text.contains("non")
        && !text.contains("pre")
}
