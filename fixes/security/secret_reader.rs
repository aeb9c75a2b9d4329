//! Who reads a parameter, and how the secret that takes its place gets there.

use super::statement::{Target, target};
use crate::detect::Refusal;
use crate::edit::carry::{Carried, class_around, constructor_of, only_instance};
use crate::edit::{Builder, no_fix};
use crate::model::meaning::{has_word, words};
use crate::model::{Binding, Model, Site, statement_of};
use crate::syntax::Syn;

/// The receiver of the statement that lets somebody read parameters.
fn readers<'a>(model: &Model<'a>) -> Vec<(Syn<'a>, Target<'a>)> {
    let mut found = Vec::new();
    for file in model.cdk_files() {
        let root = Syn::root(file);
        for at in words(root, "ssm") {
            let string = root.at(at).and_then(|token| {
                std::iter::once(token).chain(token.ancestors()).take(2).find(|node| node.is("string"))
            });
            let Some(string) = string else { continue };
            let action = string.text().trim_matches(['\'', '"']);
            if action.starts_with("ssm:GetParameter") || matches!(action, "ssm:*" | "ssm:Get*") {
                found.push((string, target(model, string)));
            }
        }
    }
    found
}

/// Whether the statement around an action is about this parameter: about all, or about a path that shares a word
/// with the parameter's. `None` where its resources are not written there.
fn covers<'a>(model: &Model<'a>, action: Syn<'a>, parameter: &Site<'a>) -> Option<bool> {
    let statement = action.ancestors().find_map(|node| model.site_of(node))?;
    let resources = statement.props(model).get(model, "resources").value()?.text();
    if ["'*'", "\"*\"", "parameter/*"].iter().any(|all| resources.contains(all)) {
        return Some(true);
    }
    let props = parameter.props(model);
    let name = props.get(model, "parameterName").value().or_else(|| props.get(model, "name").value());
    let path = name.and_then(|name| name.text().rsplit_once('/')).map(|(path, _)| path).unwrap_or_default();
    let mut words =
        path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| word.len() > 2 && *word != "this");
    if words.any(|word| has_word(resources, word)) {
        return Some(true);
    }
    resources.contains(['\'', '"', '`']).then_some(false)
}

/// Lets the one that may read parameters read the secret.
///
/// # Errors
/// A [`Refusal`] where it cannot be told who reads the parameter, or the secret cannot be carried there.
pub(super) fn give_to_reader<'a>(
    b: &mut Builder<'_, 'a>,
    parameter: &Site<'a>,
    name: &str,
    secret: &str,
) -> Result<(), Refusal> {
    let unknown = || {
        no_fix(
            "the app lets others read parameters, and wa-fix cannot tell who of them reads this one",
            "build the secret by hand, and call its grantRead for each reader",
        )
    };
    let mut reader: Option<(Syn<'a>, Site<'a>, Syn<'a>)> = None;
    for (action, target) in readers(b.model) {
        match covers(b.model, action, parameter) {
            Some(true) => {}
            Some(false) => continue,
            None => return Err(unknown()),
        }
        let Target::Identity(receiver) = target else { return Err(unknown()) };
        let site = b.model.origin(receiver).ok_or_else(unknown)?;
        if reader.as_ref().is_some_and(|(_, known, _)| known.node != site.node) {
            return Err(unknown());
        }
        let statement = statement_of(action).ok_or_else(unknown)?;
        reader = Some((receiver, site, statement));
    }
    let Some((receiver, _, granted)) = reader else { return Ok(()) };
    let built = b.statement(parameter.node)?;
    if built.parent() == granted.parent() {
        let name = match parameter.binding() {
            Binding::None => {
                b.becomes(parameter, name, secret);
                b.reach(parameter, built).ok_or_else(unnamed)?
            }
            _ => name.to_owned(),
        };
        let later = if built.start() < granted.start() { granted } else { built };
        b.insert_below(later, &format!("{name}.grantRead({});", receiver.text()));
        return Ok(());
    }
    thread(b, parameter, name, secret, receiver, granted).ok_or_else(unknown)?
}

fn unnamed() -> Refusal {
    no_fix(
        "the parameter is built inside another expression",
        "give it a statement of its own, then run again",
    )
}

/// Carries the secret from the construct that builds it to the one that reads it. `None` where the app's structure
/// is another.
fn thread<'a>(
    b: &mut Builder<'_, 'a>,
    parameter: &Site<'a>,
    name: &str,
    secret: &str,
    receiver: Syn<'a>,
    granted: Syn<'a>,
) -> Option<Result<(), Refusal>> {
    let model = b.model;
    let reader = class_around(receiver)?;
    let from = only_instance(model, class_around(parameter.node)?)?;
    let to = only_instance(model, reader)?;
    let (from, at) = (from.statement()?, to.statement()?);
    let object = to.props_argument().filter(|object| object.is("object"))?;
    let in_order = from.parent() == at.parent() && from.end() <= at.start();
    let bare = parameter.node.parent().is_some_and(|parent| parent.is("expression_statement"));
    let in_constructor = granted.parent() == constructor_of(reader)?.field("body");
    if !in_order || !bare || !in_constructor {
        return None;
    }
    b.becomes(parameter, name, secret);
    let known = b.reach(parameter, at)?;
    let home = b.props_home(reader, to.props_index);
    let isecret = match b.cdk(home, "aws_secretsmanager.ISecret") {
        Ok(isecret) => isecret,
        Err(refusal) => return Some(Err(refusal)),
    };
    let member = Carried { name, ty: &isecret, doc: "Holds what its code reads.", required: true };
    let taken = b.take_in_props(reader, to.props_index, &[member]).ok()?;
    b.insert_entry(object, name, &known);
    b.insert_below(granted, &format!("{}.grantRead({});", taken.texts.first()?, receiver.text()));
    Some(Ok(()))
}
