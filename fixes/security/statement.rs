//! Where a policy statement goes.

use crate::model::meaning::words;
use crate::model::{Binding, Model, Site};
use crate::syntax::Syn;

/// What a statement is added to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Target<'a> {
    /// The resource policy of a construct: `bucket.addToResourcePolicy(…)`.
    Resource(Site<'a>),
    /// A role, user or group: the receiver of `addToPolicy`, `addToRolePolicy` and the like.
    Identity(Syn<'a>),
    /// It cannot be followed.
    Unknown,
}

/// What the statement at or around a node is added to, through the variable that holds it too.
pub(crate) fn target<'a>(model: &Model<'a>, inside: Syn<'a>) -> Target<'a> {
    if let Some(target) = added_by_call(model, inside) {
        return target;
    }
    let statement = std::iter::once(inside).chain(inside.ancestors()).find_map(|node| model.site_of(node));
    let Some(Binding::Variable(name)) = statement.map(|site| site.binding()) else { return Target::Unknown };
    words(Syn::root(name.file), name.text())
        .filter_map(|at| name.at(at))
        .filter(|node| *node != name && node.is("identifier"))
        .find_map(|node| added_by_call(model, node))
        .unwrap_or(Target::Unknown)
}

fn added_by_call<'a>(model: &Model<'a>, inside: Syn<'a>) -> Option<Target<'a>> {
    inside.ancestors().filter(|node| node.is("call_expression")).find_map(|call| {
        let function = call.field("function").filter(|function| function.is("member_expression"))?;
        let receiver = function.field("object")?;
        match function.field("property")?.text() {
            "addToResourcePolicy" => Some(model.origin(receiver).map_or(Target::Unknown, Target::Resource)),
            "addToPolicy" | "addToRolePolicy" | "addToPrincipalPolicy" => Some(Target::Identity(receiver)),
            _ => None,
        }
    })
}
