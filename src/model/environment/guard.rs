//! Places that belong to one environment already, and expressions that depend on which it is.

use super::names::is_environment_word;
use crate::model::Model;
use crate::model::meaning::Meaning;
use crate::syntax::Syn;

impl<'a> Model<'a> {
    /// Whether an expression already depends on the environment: it, or a variable it names, mentions one.
    pub fn mentions_environment(&self, expression: Syn<'a>) -> bool {
        mentions(expression)
            || match self.meaning(expression) {
                Some(Meaning::Value(value)) if value != expression => mentions(value),
                _ => false,
            }
    }
}

/// Whether a node stands in a branch that an environment decides.
pub(super) fn is_guarded(at: Syn<'_>) -> bool {
    let mut inner = at;
    for around in at.ancestors() {
        let condition = match around.kind() {
            "if_statement" | "ternary_expression" => around.field("condition"),
            "switch_statement" => around.field("value"),
            "binary_expression"
                if around.field("operator").is_some_and(|operator| operator.text() == "&&") =>
            {
                around.field("left")
            }
            _ => None,
        };
        if condition.is_some_and(|condition| condition != inner && mentions(condition)) {
            return true;
        }
        inner = around;
    }
    false
}

/// Whether an expression names an environment.
fn mentions(expression: Syn<'_>) -> bool {
    let mut stack = vec![expression];
    while let Some(node) = stack.pop() {
        if matches!(node.kind(), "identifier" | "property_identifier" | "shorthand_property_identifier") {
            if is_environment_word(node.text()) {
                return true;
            }
        } else if !node.is("object") {
            stack.extend(node.children());
        }
    }
    false
}
