//! Statements that allow every action of a service on every resource.

use super::boundary::{is_a_worker, is_capped};
use super::cure::{Cure, in_place, own_statement, principal};
use super::grant::{Service, needed};
use super::statement::{Target, target};
use super::wa_1_1_overly_permissive_iam::{META, capped, refuse};
use crate::detect::Findings;
use crate::model::meaning::words;
use crate::model::{Binding, Meaning, Model, Prop, Site};
use crate::rule::Impact;
use crate::syntax::Syn;

/// Services whose actions name no resources: `*` is all they take.
const WITHOUT_RESOURCES: [&str; 9] = [
    "xray",
    "ec2messages",
    "ssmmessages",
    "textract",
    "comprehend",
    "translate",
    "polly",
    "transcribe",
    "rekognition",
];

/// A statement that may allow too much.
pub(super) struct Statement<'a, 's> {
    /// Where it stands.
    pub node: Syn<'a>,
    /// What it allows.
    pub actions: Vec<&'s str>,
    /// On what.
    pub resources: Vec<&'s str>,
    /// The principal that it allows this, where that is known.
    pub principal: Option<Site<'a>>,
}

/// Reports a statement that allows everything of a service everywhere.
pub(super) fn star_statement<'a>(model: &Model<'a>, site: &Site<'a>, out: &mut Findings<'a>) -> Option<()> {
    let props = site.props(model);
    let strings = |name: &str| match props.get(model, name) {
        Prop::Absent => Some(Vec::new()),
        Prop::Present(entry) => strings_of(model, entry.value),
        Prop::Unknown => None,
    };
    let allows = match props.get(model, "effect") {
        Prop::Absent => true,
        Prop::Present(entry) => model.cdk_name(entry.value)? == "aws_iam.Effect.ALLOW",
        Prop::Unknown => false,
    };
    let (mut actions, mut resources) = (strings("actions")?, strings("resources")?);
    add_later(site, &mut actions, &mut resources);
    if !allows || is_for_a_resource(model, site) {
        return None;
    }
    let cure = star_cure(model, site, &actions, &resources);
    let statement = Statement { node: site.node, actions, resources, principal: allowed(model, site) };
    judge(model, statement, cure, out)
}

/// What `statement.addActions(…)` and the like add.
fn add_later<'a>(site: &Site<'a>, actions: &mut Vec<&'a str>, resources: &mut Vec<&'a str>) {
    let Binding::Variable(name) = site.binding() else { return };
    for used in words(Syn::root(name.file), name.text()).filter_map(|at| name.at(at)) {
        let member = used.parent().filter(|member| member.field("object") == Some(used));
        let Some((member, call)) = member.and_then(|member| Some((member, member.parent()?))) else {
            continue;
        };
        if call.field("function") != Some(member) {
            continue;
        }
        let strings = || {
            let arguments = call.field("arguments").into_iter().flat_map(Syn::children);
            arguments
                .filter(|argument| argument.is("string"))
                .map(|text| text.text().trim_matches(['\'', '"']))
        };
        match member.field("property").map_or("", Syn::text) {
            "addActions" => actions.extend(strings()),
            "addResources" => resources.extend(strings()),
            "addAllResources" => resources.push("*"),
            _ => {}
        }
    }
}

/// Reports what a statement allows, if that is everything of a service everywhere.
pub(super) fn judge<'a>(
    model: &Model<'a>,
    statement: Statement<'a, '_>,
    cure: Option<StarCure<'a>>,
    out: &mut Findings<'a>,
) -> Option<()> {
    let Statement { node, actions, resources, principal } = statement;
    let broad: Vec<&str> = actions.iter().copied().filter(|action| is_star(action)).collect();
    if broad.is_empty() || !resources.contains(&"*") || is_capped(model, principal.as_ref()) {
        return None;
    }
    let list = broad.join(", ");
    let everything = broad.iter().any(|action| matches!(*action, "*" | "*:*"));
    let worker = principal.filter(|principal| cure.is_none() && everything && is_a_worker(model, principal));
    let told = match (&cure, &worker) {
        (Some((cure, ..)), _) => cure.told(),
        (None, Some(_)) => Cure::Boundary.told(),
        (None, None) => "Name the actions and the resources that are needed.".to_owned(),
    };
    let message = format!("This statement allows {list} on every resource of the account. {told}");
    let finding = out.report(&META, model, node, message);
    let sweeping =
        broad.iter().any(|action| matches!(*action, "*" | "*:*" | "iam:*" | "sts:*" | "organizations:*"));
    finding.key(&list).impact(if sweeping { Impact::High } else { Impact::Medium });
    match (cure, worker) {
        (Some((cure, call, receiver, principal)), _) => finding.fix(format!("Narrow {list}"), move |b| {
            let own = own_statement(call)?;
            in_place(b, own, receiver, &principal, &cure)
        }),
        (None, Some(worker)) => capped(finding, worker),
        (None, None) => refuse(finding),
    }
    Some(())
}

fn is_star(action: &str) -> bool {
    let service = action.strip_suffix(":*");
    action == "*" || service.is_some_and(|service| !WITHOUT_RESOURCES.contains(&service))
}

/// The strings of an array; `None` where one is no literal.
fn strings_of<'a>(model: &Model<'a>, value: Syn<'a>) -> Option<Vec<&'a str>> {
    let array = match model.meaning(value)? {
        Meaning::Value(array) if array.is("array") => array,
        _ => return None,
    };
    Some(
        array
            .children()
            .filter(|item| item.is("string"))
            .map(|item| item.text().trim_matches(['\'', '"']))
            .collect(),
    )
}

/// Whether a statement belongs to a resource's policy or a boundary after all.
fn is_for_a_resource<'a>(model: &Model<'a>, statement: &Site<'a>) -> bool {
    let of_resource = statement.node.ancestors().any(|node| {
        let method = node.field("function").and_then(|function| function.field("property")).map(Syn::text);
        let key = node.is("pair").then(|| node.field("key")).flatten().map(Syn::text);
        method == Some("addToResourcePolicy")
            || matches!(key, Some("assumeRolePolicy" | "policy" | "permissionsBoundary"))
    });
    let principals_follow = match statement.binding() {
        Binding::Variable(name) => {
            words(Syn::root(name.file), name.text()).filter_map(|at| name.at(at)).any(|node| {
                let method = node.parent().and_then(|member| member.field("property")).map_or("", Syn::text);
                method.starts_with("add") && (method.contains("Principal") || method.contains("Condition"))
            })
        }
        _ => false,
    };
    of_resource || principals_follow || matches!(target(model, statement.node), Target::Resource(_))
}

/// The principal that a statement allows something: the receiver of the call that adds it, or the role around it.
fn allowed<'a>(model: &Model<'a>, statement: &Site<'a>) -> Option<Site<'a>> {
    match target(model, statement.node) {
        Target::Identity(receiver) => principal(model, receiver),
        Target::Resource(_) => None,
        Target::Unknown => {
            let listed = statement.node.ancestors().any(|node| {
                let key = node.is("pair").then(|| node.field("key")).flatten();
                key.is_some_and(|key| matches!(key.text(), "inlinePolicies" | "initialPolicy"))
            });
            let around = || {
                statement.node.ancestors().filter_map(|node| model.site_of(node)).find(|site| {
                    model.builds(site, "aws_iam.Role") || model.builds(site, "aws_lambda.Function")
                })
            };
            listed.then(around).flatten()
        }
    }
}

/// The grant that replaces a statement, the call that adds it, its receiver, and the principal.
pub(super) type StarCure<'a> = (Cure<'a>, Syn<'a>, Syn<'a>, Site<'a>);

fn star_cure<'a>(
    model: &Model<'a>,
    statement: &Site<'a>,
    actions: &[&str],
    resources: &[&str],
) -> Option<StarCure<'a>> {
    let prefix = actions.first()?.split(':').next()?;
    let one_service =
        actions.iter().all(|action| action.split(':').next() == Some(prefix)) && resources == ["*"];
    let call = statement.node.parent()?.parent().filter(|call| call.is("call_expression") && one_service)?;
    let Target::Identity(receiver) = target(model, statement.node) else { return None };
    let principal = principal(model, receiver)?;
    let service = Service::of_prefix(prefix)?;
    let grant = needed(model, &principal, service)?;
    Some((Cure::Grant(Box::new(grant), service), call, receiver, principal))
}
