//! HTTP APIs and function URLs that ask nobody who they are.

use super::api_methods::is_said_of;
use super::known_callers;
use crate::detect::{Findings, Refusal};
use crate::edit::Builder;
use crate::model::meaning::words;
use crate::model::{Model, Prop, Props, Site};
use crate::rule::{Impact, Meta};
use crate::syntax::Syn;

/// Parts of names of what strangers call on purpose.
const PUBLIC: [&str; 8] = ["callback", "github", "health", "login", "oauth", "public", "slack", "webhook"];

fn says(model: &Model<'_>, word: &str) -> bool {
    model.cdk_files().any(|file| words(Syn::root(file), word).next().is_some())
}

fn is_public(text: &str) -> bool {
    let text = text.to_lowercase();
    PUBLIC.iter().any(|part| text.contains(part))
}

/// Reports a function URL that is open to everybody by its own words.
pub(super) fn url<'a>(
    meta: &'static Meta,
    model: &Model<'a>,
    (node, props): (Syn<'a>, &Props<'a>),
    out: &mut Findings<'a>,
) -> Option<()> {
    let value = props.get(model, "authType").value()?;
    let open = model.cdk_name(value)? == "aws_lambda.FunctionUrlAuthType.NONE";
    // CloudFront in front of it calls as a stranger.
    let behind =
        ["FunctionUrlOrigin", "HttpOrigin", "customOriginSource"].iter().any(|origin| says(model, origin));
    let property = value.field("property").filter(|_| open && !behind && value.is("member_expression"))?;
    let statement = crate::model::statement_of(node)?;
    if is_public(statement.text().split("code:").next().unwrap_or_default()) {
        return None;
    }
    let message = "This URL lets everybody call the function, and asks nobody who they are. If it is not meant to be public, the fix has \
                   callers sign their requests; each of them gets 403 until it does.";
    let finding = out.report(meta, model, value, message);
    finding.key("authorizer").impact(Impact::Info);
    finding.fix("Let only signed requests call the function's URL", move |b| {
        known_callers::signed(b, "a function URL")?;
        b.replace(property, "AWS_IAM");
        Ok(())
    });
    Some(())
}

/// Reports an HTTP API none of whose routes asks who calls.
pub(super) fn http<'a>(
    meta: &'static Meta,
    model: &Model<'a>,
    api: &Site<'a>,
    out: &mut Findings<'a>,
) -> Option<()> {
    let known = ["authorizer", "defaultAuthorizer", "authorizationType", "CfnAuthorizer", "CfnRoute"];
    let props = api.props(model);
    let routes = says(model, "addRoutes")
        || says(model, "HttpRoute")
        || props.get(model, "defaultIntegration") != Prop::Absent;
    if is_said_of(model, api, &known) || props.is_opaque() || !routes {
        return None;
    }
    let label = api.label();
    if is_public(&label) {
        return None;
    }
    let message = format!(
        "{label} asks nobody who they are: whoever finds its address can call it. If it is not meant to be public, the fix has callers \
         sign their requests or sign in, as you answer; each of them is refused until it does."
    );
    let finding = out.report(meta, model, api.node, message);
    finding.key("authorizer").impact(Impact::Info);
    let Some(caught) = preflights_caught(model, api) else {
        finding.refuse(
            "a route for every method also catches the preflight of browsers, which is never signed",
            "name the methods of each route, then run again",
        );
        return Some(());
    };
    let api = api.clone();
    finding.fix(format!("Let only known callers into {label}"), move |b| {
        for route in &caught {
            split(b, *route)?;
        }
        known_callers::http(b, &api)
    });
    Some(())
}

/// Makes one route for each method, but that of the preflight, of one for all.
fn split<'a>(b: &mut Builder<'_, 'a>, route: Syn<'a>) -> Result<(), Refusal> {
    let class = b.cdk(route, "aws_apigatewayv2.HttpMethod")?;
    let verbs = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"].map(|verb| format!("  {class}.{verb},\n"));
    b.set_entry(route, "methods", &format!("[\n{}]", verbs.concat()));
    Ok(())
}

/// The options of routes of an API for every method, which catch the preflight of browsers as well; `None` where one
/// cannot be split.
fn preflights_caught<'a>(model: &Model<'a>, api: &Site<'a>) -> Option<Vec<Syn<'a>>> {
    let props = api.props(model);
    if props.get(model, "corsPreflight") == Prop::Absent {
        return Some(Vec::new());
    }
    let elsewhere = model.app_builds("aws_apigatewayv2.HttpRoute");
    if props.get(model, "defaultIntegration") != Prop::Absent || elsewhere {
        return None;
    }
    let mut caught = Vec::new();
    for call in model.method_calls("addRoutes") {
        let receiver = call.field("function").and_then(|function| function.field("object"));
        let owner = receiver.and_then(|receiver| model.origin(receiver));
        if owner.as_ref().is_some_and(|owner| owner.node != api.node) {
            continue;
        }
        let options = call.field("arguments").and_then(Syn::first)?;
        let own = options.is("object") && owner.is_some();
        let every = |methods: Syn<'_>| methods.text().contains("ANY");
        match model.props_of(options).get(model, "methods") {
            Prop::Absent if own => caught.push(options),
            Prop::Present(methods) if !every(methods.value) && methods.value.is("array") => {}
            Prop::Present(methods) if own && methods.value.is("array") => caught.push(options),
            _ => return None,
        }
    }
    Some(caught)
}
