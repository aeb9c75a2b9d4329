//! What the rules about REST APIs have in common: who reaches an API, and through which kind of endpoint.

use crate::detect::Refusal;
use crate::edit::{Builder, no_fix};
use crate::fixes::security::{declared_type, is_typed_as, named};
use crate::model::meaning::words;
use crate::model::{Binding, Model, Prop, Props, Site};
use crate::syntax::Syn;

const TYPE: &str = "aws_apigateway.EndpointType";

/// Whether a REST API has a stage that the internet reaches, as far as its props tell.
pub(crate) fn is_public<'a>(model: &Model<'a>, api: &Site<'a>) -> bool {
    is_unless_told(model, &api.props(model), "deploy")
        && endpoint(model, api).is_some_and(|types| types.iter().all(|ty| is_open(model, *ty)))
}

/// A switch that is on unless the props say otherwise.
pub(crate) fn is_unless_told<'a>(model: &Model<'a>, props: &Props<'a>, name: &str) -> bool {
    match props.get(model, name) {
        Prop::Absent => true,
        Prop::Present(entry) => entry.value.text() == "true",
        Prop::Unknown => false,
    }
}

/// The types that an API's props give its endpoint; empty where they say nothing, `None` where they cannot be followed.
fn endpoint<'a>(model: &Model<'a>, api: &Site<'a>) -> Option<Vec<Syn<'a>>> {
    let props = api.props(model);
    let list = |types: Prop<'a>| match types {
        Prop::Absent => Some(Vec::new()),
        Prop::Present(entry) => entry.value.is("array").then(|| entry.value.children().collect()),
        Prop::Unknown => None,
    };
    let mut types = list(props.get(model, "endpointTypes"))?;
    types.extend(match props.get(model, "endpointConfiguration") {
        Prop::Absent => Vec::new(),
        Prop::Present(entry) => list(model.props_of(entry.value).get(model, "types"))?,
        Prop::Unknown => return None,
    });
    Some(types)
}

fn is_open<'a>(model: &Model<'a>, ty: Syn<'a>) -> bool {
    is_type(model, ty, "REGIONAL") || is_type(model, ty, "EDGE")
}

fn is_type<'a>(model: &Model<'a>, ty: Syn<'a>, member: &str) -> bool {
    model.cdk_name(ty).is_some_and(|name| {
        name.strip_prefix(TYPE).is_some_and(|rest| rest.trim_start_matches('.') == member)
    })
}

/// Whether the code itself asks for an edge-optimised endpoint, which is what an API gets where it says nothing.
pub(crate) fn is_edge_by_choice<'a>(model: &Model<'a>, api: &Site<'a>) -> bool {
    endpoint(model, api).is_some_and(|types| types.iter().any(|ty| is_type(model, *ty, "EDGE")))
}

/// Gives a public API a regional endpoint, if it has none: an edge-optimised one brings a CloudFront of its own.
///
/// # Errors
/// A [`Refusal`] where its endpoint is written elsewhere.
pub(crate) fn make_regional<'a>(b: &mut Builder<'_, 'a>, api: &Site<'a>) -> Result<(), Refusal> {
    let model = b.model;
    let elsewhere = || {
        no_fix(
            "its endpoint is configured elsewhere",
            "write endpointConfiguration where the API is built, then run again",
        )
    };
    let types = endpoint(model, api).ok_or_else(elsewhere)?;
    if types.iter().any(|ty| is_type(model, *ty, "REGIONAL")) {
        return Ok(());
    }
    let regional = format!("{}.REGIONAL", b.cdk(api.node, TYPE)?);
    if let Some(edge) = types.first() {
        b.replace(*edge, &regional);
        return Ok(());
    }
    let list = format!("[{regional}]");
    match api.props(model).get(model, "endpointConfiguration") {
        Prop::Present(entry) => {
            let object = model.props_of(entry.value).object().ok_or_else(elsewhere)?;
            b.insert_entry(object, "types", &list);
            Ok(())
        }
        _ if model.has_prop(&api.class, "endpointConfiguration") => {
            let short = format!("{{ types: {list} }}");
            let fits = api.props_argument().is_some() && b.fits(api.node, 1, short.len() + 24);
            let value = if fits { short } else { format!("{{\n  types: {list},\n}}") };
            b.set_prop(api, "endpointConfiguration", &value)
        }
        _ => b.set_prop(api, "endpointTypes", &list),
    }
}

/// Whether clients reach an API of the app, or may, by a domain name of its own.
pub(crate) fn has_domain<'a>(model: &Model<'a>, api: &Site<'a>) -> bool {
    let props = api.props(model);
    ["domainName", "defaultDomainMapping"].iter().any(|name| props.get(model, name) != Prop::Absent)
        || ["addDomainName", "addBasePathMapping", "addApiMapping"]
            .iter()
            .any(|method| model.method_calls(method).next().is_some())
        || ["aws_apigateway.DomainName", "aws_apigateway.BasePathMapping", "aws_apigateway.CfnDomainName"]
            .iter()
            .chain(&[
                "aws_apigatewayv2.DomainName",
                "aws_apigatewayv2.ApiMapping",
                "aws_apigatewayv2_alpha.DomainName",
            ])
            .any(|class| model.app_builds(class))
}

/// Whether a word stands in a file of the app that speaks to the CDK, outside comments.
pub(crate) fn says(model: &Model<'_>, word: &str) -> bool {
    model.cdk_files().any(|file| {
        let root = Syn::root(file);
        words(root, word).any(|at| root.at(at).is_some_and(|node| !node.is("comment")))
    })
}

/// Whether a name is declared as something without an address: `IRestApi`.
pub(crate) fn is_interface<'a>(model: &Model<'a>, name: Syn<'a>) -> bool {
    let declared = match model.origin(name).map(|site| site.binding()) {
        Some(Binding::Variable(name) | Binding::Field(name)) => name,
        _ => name,
    };
    declared_type(declared).is_some_and(|declared| declared.text().contains("IRestApi"))
}

/// An API in a message: by its id, unless that is computed.
pub(crate) fn spoken(api: &Site<'_>) -> String {
    let label = api.label();
    if label.contains("${") { "the API".to_owned() } else { label }
}

/// What a REST or HTTP API is called after its statement; one that has no name gets one.
///
/// # Errors
/// A refusal where no statement can follow it, or where its type is an interface.
pub(crate) fn own_name<'a>(
    b: &mut Builder<'_, 'a>,
    api: &Site<'a>,
    statement: Syn<'a>,
) -> Result<String, Refusal> {
    let typed = match api.binding() {
        Binding::Variable(name) | Binding::Field(name) => {
            is_typed_as(name, "Api") && !is_interface(b.model, name)
        }
        Binding::None => true,
    };
    typed.then(|| named(b, api, statement, "api")).flatten().ok_or_else(|| {
        no_fix(
            "the API is built inside another expression, where no statement can follow it, or its variable has another type",
            "keep the API in a variable of its own, then run again",
        )
    })
}

/// Whether an API is an HTTP API.
pub(crate) fn is_http(api: &Site<'_>) -> bool {
    api.class.ends_with(".HttpApi")
}

/// Whether everybody may call a function's URL, by its `authType`: it asks for a signature, unless it says otherwise.
pub(crate) fn is_open_url<'a>(model: &Model<'a>, kind: Prop<'a>) -> bool {
    let kind = kind.value().and_then(|kind| model.cdk_name(kind));
    kind.as_deref() == Some("aws_lambda.FunctionUrlAuthType.NONE")
}

/// What the result of a call is called behind its statement; one that is not kept gets a name.
pub(crate) fn call_name<'a>(b: &mut Builder<'_, 'a>, call: Syn<'a>, name: &str) -> Option<String> {
    match Binding::of(call).text() {
        None if call.parent().is_some_and(|parent| parent.is("expression_statement")) => {
            let name = b.fresh_name(call.file, &[name]);
            b.splice(call, call.start()..call.start(), &format!("const {name} = "));
            Some(name)
        }
        text => text,
    }
}
