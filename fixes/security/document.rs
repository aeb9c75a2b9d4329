//! Policies that are written as IAM writes them: as a document with `Statement`, `Action` and `Resource`.

use super::star_statement::{Statement, judge};
use crate::detect::Findings;
use crate::model::meaning::words;
use crate::model::{Binding, Model, Prop, Site};
use crate::syntax::Syn;

/// What makes a statement one that this rule has nothing to say about.
const OTHER: [&str; 5] = ["Principal", "NotPrincipal", "Condition", "NotAction", "NotResource"];

/// The documents of a class of CloudFormation: a policy, or a role, user or group with policies of its own.
pub(super) fn documents_of<'a>(model: &Model<'a>, site: &Site<'a>, out: &mut Findings<'a>) -> Option<()> {
    if is_boundary(model, site) {
        return None;
    }
    let props = site.props(model);
    let principal = props.get(model, "policies").value().is_some().then(|| site.clone());
    let policies = props.get(model, "policies").value().and_then(|policies| model.array(policies));
    let listed = policies.into_iter().flat_map(Syn::children);
    let listed = listed.filter_map(|policy| model.props_of(policy).get(model, "policyDocument").value());
    for document in listed.chain(props.get(model, "policyDocument").value()) {
        statements(model, document, principal.as_ref(), out);
    }
    Some(())
}

/// `PolicyDocument.fromJson(…)` and `PolicyStatement.fromJson(…)`.
pub(super) fn from_json<'a>(model: &Model<'a>, call: Syn<'a>, out: &mut Findings<'a>) -> Option<()> {
    let json = call.field("arguments")?.first()?;
    let around: Vec<Site<'a>> = call.ancestors().filter_map(|node| model.site_of(node)).collect();
    let keys: Vec<&str> = call
        .ancestors()
        .take_while(|node| !node.kind().ends_with("_statement") && !node.kind().ends_with("_declaration"))
        .filter(|node| node.is("pair"))
        .filter_map(|pair| pair.field("key").map(Syn::text))
        .collect();
    let other = ["policy", "assumeRolePolicy", "assumeRolePolicyDocument", "permissionsBoundary"];
    let policy = around.first();
    if keys.iter().any(|key| other.contains(key)) || policy.is_some_and(|policy| is_boundary(model, policy)) {
        return None;
    }
    let listed = keys.iter().any(|key| matches!(*key, "inlinePolicies" | "initialPolicy"));
    // A document in a variable may be that of a boundary.
    if !listed && words(Syn::root(call.file), "permissionsBoundary").next().is_some() {
        return None;
    }
    let principal = policy.filter(|policy| {
        listed && (model.builds(policy, "aws_iam.Role") || model.builds(policy, "aws_lambda.Function"))
    });
    let whole = call.field("function")?.field("object")?;
    if model.cdk_name(whole)? == "aws_iam.PolicyStatement" {
        return statement(model, json, principal, out);
    }
    statements(model, json, principal, out)
}

fn statements<'a>(
    model: &Model<'a>,
    document: Syn<'a>,
    principal: Option<&Site<'a>>,
    out: &mut Findings<'a>,
) -> Option<()> {
    let listed = model.props_of(document).get(model, "Statement").value()?;
    match model.array(listed) {
        Some(array) => {
            for one in array.children() {
                statement(model, one, principal, out);
            }
        }
        None => {
            statement(model, listed, principal, out);
        }
    }
    Some(())
}

fn statement<'a>(
    model: &Model<'a>,
    json: Syn<'a>,
    principal: Option<&Site<'a>>,
    out: &mut Findings<'a>,
) -> Option<()> {
    let props = model.props_of(json);
    let node = props.object()?;
    let allows = props.get(model, "Effect").value()?.text().trim_matches(['\'', '"']) == "Allow";
    if !allows || OTHER.iter().any(|key| props.get(model, key) != Prop::Absent) {
        return None;
    }
    let strings = |key: &str| {
        let value = model.source(props.get(model, key).value()?);
        let list: Vec<Syn<'a>> = if value.is("array") { value.children().collect() } else { vec![value] };
        let strings = list.into_iter().filter(|item| item.is("string"));
        Some(strings.map(|item| item.text().trim_matches(['\'', '"'])).collect::<Vec<_>>())
    };
    let (actions, resources) = (strings("Action")?, strings("Resource")?);
    judge(model, Statement { node, actions, resources, principal: principal.cloned() }, None, out)
}

/// Whether a policy is the boundary of a role: it says what others may allow at most.
fn is_boundary<'a>(model: &Model<'a>, policy: &Site<'a>) -> bool {
    let Some(text) = (match policy.binding() {
        Binding::Variable(name) | Binding::Field(name) => Some(name.text()),
        Binding::None => None,
    }) else {
        return false;
    };
    model.uses(policy).into_iter().any(|used| {
        let key = used.ancestors().take(3).find(|node| node.is("pair")).and_then(|pair| pair.field("key"));
        key.is_some_and(|key| key.text() == "permissionsBoundary")
    }) || (text.to_lowercase().contains("boundary")
        && words(Syn::root(policy.node.file), text).nth(1).is_some())
}
