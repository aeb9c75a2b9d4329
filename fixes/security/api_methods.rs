//! The methods of a REST API, wherever they are added.

use crate::detect::Refusal;
use crate::edit::style::{line_indent, line_start};
use crate::edit::{Builder, no_fix};
use crate::model::meaning::words;
use crate::model::{Meaning, Model, Site};
use crate::syntax::Syn;

/// One call that adds a method or a proxy.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Added<'a> {
    /// The call.
    pub call: Syn<'a>,
    /// What it is called on.
    pub receiver: Syn<'a>,
}

/// Calls of a name (`addMethod`) that belong to an API; `None` where one cannot be told to belong to any.
pub(crate) fn calls<'a>(model: &Model<'a>, api: &Site<'a>, name: &str) -> Option<Vec<Added<'a>>> {
    let mut found = Vec::new();
    for file in model.cdk_files() {
        let root = Syn::root(file);
        for at in words(root, name) {
            let Some(added) = root.at(at).and_then(added) else { continue };
            if name == "addMethod" && is_no_request(model, added.call) {
                continue;
            }
            match api_of(model, added.receiver, 8) {
                Some(owner) if owner.node == api.node => found.push(added),
                Some(_) => {}
                None => return None,
            }
        }
    }
    Some(found)
}

/// The call whose method name a token is.
fn added(token: Syn<'_>) -> Option<Added<'_>> {
    let function = token.parent().filter(|parent| parent.is("member_expression"))?;
    let call = function
        .parent()
        .filter(|call| call.is("call_expression") && call.field("function") == Some(function))?;
    Some(Added { call, receiver: function.field("object")? })
}

/// The arguments of a call.
pub(crate) fn arguments(call: Syn<'_>) -> Vec<Syn<'_>> {
    call.field("arguments").map(|list| list.children().collect()).unwrap_or_default()
}

/// Whether a method answers by itself: the preflight, or a mock.
fn is_no_request<'a>(model: &Model<'a>, call: Syn<'a>) -> bool {
    let arguments = arguments(call);
    let preflight =
        arguments.first().is_some_and(|method| method.text().trim_matches(['\'', '"']) == "OPTIONS");
    let mock = arguments.get(1).and_then(|integration| model.origin(*integration));
    preflight || mock.is_some_and(|site| model.builds(&site, "aws_apigateway.MockIntegration"))
}

/// The verb of `addMethod('GET', …)`, where it is written there.
pub(super) fn verb(call: Syn<'_>) -> Option<&str> {
    let verb = arguments(call).first().copied().filter(|verb| verb.is("string"))?;
    Some(verb.text().trim_matches(['\'', '"']))
}

/// Gives the options of `addMethod` an entry.
///
/// # Errors
/// A [`Refusal`] where they are put together elsewhere.
pub(super) fn set_option<'a>(
    b: &mut Builder<'_, 'a>,
    call: Syn<'a>,
    name: &str,
    value: &str,
) -> Result<(), Refusal> {
    let entry = if name == value { name.to_owned() } else { format!("{name}: {value}") };
    let arguments = arguments(call);
    match arguments.as_slice() {
        [verb] => append(b, *verb, &format!("undefined, {{ {entry} }}")),
        [_, integration] => append(b, *integration, &format!("{{ {entry} }}")),
        [_, _, options] if options.is("object") => b.insert_entry(*options, name, value),
        _ => {
            return Err(no_fix(
                "the options of a method are put together elsewhere",
                "write them as an object literal, then run again",
            ));
        }
    }
    Ok(())
}

/// Adds an argument behind the last, on a line of its own where that has one.
fn append<'a>(b: &mut Builder<'_, 'a>, last: Syn<'a>, code: &str) {
    let style = b.style(last.file);
    let text = &last.file.text;
    let indent = line_indent(text, last.start());
    let alone = line_start(text, last.start()) + indent.len() == last.start();
    let space = if alone { format!("{}{indent}", style.eol) } else { " ".to_owned() };
    b.splice(last, last.end()..last.end(), &format!(",{space}{code}"));
}

/// The API that a resource belongs to: `api.root`, what is added to it, and variables that hold such.
pub(crate) fn api_of<'a>(model: &Model<'a>, resource: Syn<'a>, depth: u8) -> Option<Site<'a>> {
    let depth = depth.checked_sub(1)?;
    match resource.kind() {
        "non_null_expression" | "parenthesized_expression" => api_of(model, resource.first()?, depth),
        "call_expression" => {
            let function = resource.field("function").filter(|function| function.is("member_expression"))?;
            matches!(
                function.field("property")?.text(),
                "addResource" | "addProxy" | "resourceForPath" | "getResource"
            )
            .then_some(())?;
            api_of(model, function.field("object")?, depth)
        }
        "member_expression" if resource.field("property")?.text() == "root" => {
            model.origin(resource.field("object")?)
        }
        "member_expression" | "identifier" => match model.meaning(resource)? {
            Meaning::Value(value) if value != resource => api_of(model, value, depth),
            _ => None,
        },
        _ => None,
    }
}

/// Whether one of some words (`authorizer`, `requestValidator`) is said of an API, or where it cannot be told of which.
pub(super) fn is_said_of<'a>(model: &Model<'a>, api: &Site<'a>, said: &[&str]) -> bool {
    let of_this = |token: Syn<'a>| owner(model, token).is_none_or(|owner| owner.node == api.node);
    model.cdk_files().any(|file| {
        let root = Syn::root(file);
        let tokens = said.iter().flat_map(|word| words(root, word)).filter_map(|at| root.at(at));
        tokens.filter(|token| !only_names(*token)).any(of_this)
    })
}

/// Whether a token only names what is built there, declared or imported: what it is used for stands elsewhere.
fn only_names(token: Syn<'_>) -> bool {
    let Some(around) = token.parent() else { return false };
    let builds = |value: Option<Syn<'_>>| value.is_some_and(|value| value.is("new_expression"));
    match around.kind() {
        "variable_declarator" => around.field("name") == Some(token) && builds(around.field("value")),
        "public_field_definition" => around.field("name") == Some(token) && around.field("value").is_none(),
        "member_expression" => {
            let outer = around.parent().filter(|outer| outer.is("assignment_expression"));
            outer.is_some_and(|outer| outer.field("left") == Some(around) && builds(outer.field("right")))
        }
        _ => token.ancestors().any(|around| around.is("import_statement")),
    }
}

/// The API that the call or the construct around a token is about.
fn owner<'a>(model: &Model<'a>, token: Syn<'a>) -> Option<Site<'a>> {
    for around in token.ancestors() {
        match around.kind() {
            "call_expression" => {
                let function = around.field("function").filter(|function| function.is("member_expression"));
                let Some(receiver) = function.and_then(|function| function.field("object")) else { continue };
                match function.and_then(|function| function.field("property")).map_or("", Syn::text) {
                    "addMethod" | "addProxy" | "addResource" | "resourceForPath" => {
                        return api_of(model, receiver, 8);
                    }
                    "addRequestValidator" | "addRoutes" => return model.origin(receiver),
                    _ => {}
                }
            }
            "new_expression" => {
                let Some(site) = model.site_of(around) else { continue };
                let is = |class: &str| model.builds(&site, class);
                if is("aws_apigateway.RestApiBase") || is("aws_apigatewayv2.HttpApi") {
                    return Some(site);
                }
                let of =
                    |prop: &str| site.props(model).get(model, prop).value().and_then(|api| model.origin(api));
                if is("aws_apigateway.RequestValidator") {
                    return of("restApi");
                }
                if is("aws_apigatewayv2.HttpRoute") {
                    return of("httpApi");
                }
            }
            "variable_declarator" => {
                // `const requestValidator = api.addRequestValidator(…)`
                let value = around.field("value").filter(|value| !value.span().contains(&token.start()))?;
                return owner(model, value.field("arguments")?);
            }
            "statement_block" => return None,
            _ => {}
        }
    }
    None
}

/// The path of a resource as API Gateway writes it: `/` for the root, `/items/{id}`; `None` where it cannot be told.
pub(crate) fn path_of<'a>(model: &Model<'a>, resource: Syn<'a>) -> Option<String> {
    let path = path_at(model, resource, 8)?;
    Some(if path.is_empty() { "/".to_owned() } else { path })
}

fn path_at<'a>(model: &Model<'a>, resource: Syn<'a>, depth: u8) -> Option<String> {
    let depth = depth.checked_sub(1)?;
    match resource.kind() {
        "non_null_expression" | "parenthesized_expression" => path_at(model, resource.first()?, depth),
        "call_expression" => {
            let function = resource.field("function").filter(|function| function.is("member_expression"))?;
            let parent = path_at(model, function.field("object")?, depth)?;
            let part = || {
                let part = arguments(resource).first().copied().filter(|part| part.is("string"))?;
                Some(part.text().trim_matches(['\'', '"']))
            };
            match function.field("property")?.text() {
                "addProxy" => Some(format!("{parent}/{{proxy+}}")),
                "addResource" | "getResource" => Some(format!("{parent}/{}", part()?)),
                "resourceForPath" => Some(format!("{parent}/{}", part()?.trim_matches('/'))),
                _ => None,
            }
        }
        "member_expression" if resource.field("property")?.text() == "root" => Some(String::new()),
        "member_expression" | "identifier" => match model.meaning(resource)? {
            Meaning::Value(value) if value != resource => path_at(model, value, depth),
            _ => None,
        },
        _ => None,
    }
}

/// The API whose stage is named in an expression: `api.deploymentStage`.
pub(crate) fn stage_owner<'a>(model: &Model<'a>, within: Syn<'a>) -> Option<Site<'a>> {
    ["deploymentStage", "defaultStage"].iter().flat_map(|name| words(within, name)).find_map(|at| {
        let member = within.at(at)?.parent().filter(|parent| parent.is("member_expression"))?;
        model.origin(member.field("object")?)
    })
}
