//! HTTP APIs and function URLs that ask nobody who they are.

use super::wa_1_3_api_request_validation::AUTHORIZER;
use crate::detect::{Candidate, Findings, Refusal};
use crate::edit::{Builder, no_fix};
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
        signed(b, "a function URL")?;
        b.replace(property, "AWS_IAM");
        Ok(())
    });
    Some(())
}

/// The answer, where it is one for what has no keys.
fn signed(b: &Builder<'_, '_>, what: &str) -> Result<(), Refusal> {
    let answer = b.value(&AUTHORIZER)?;
    answer.eq_ignore_ascii_case("iam").then_some(()).ok_or_else(|| {
        no_fix(
            &format!("`{answer}` is nothing that {what} knows callers by"),
            "answer IAM, or check the callers in the function",
        )
    })
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
    if known.iter().any(|word| says(model, word)) || props.is_opaque() || !routes {
        return None;
    }
    let label = api.label();
    if is_public(&label) {
        return None;
    }
    let message = format!(
        "{label} asks nobody who they are: whoever finds its address can call it. If it is not meant to be public, the fix has callers \
         sign their requests; each of them gets 403 until it does."
    );
    let finding = out.report(meta, model, api.node, message);
    finding.key("authorizer").impact(Impact::Info);
    if preflight_is_caught(model, &props, finding) {
        return Some(());
    }
    let api = api.clone();
    finding.fix(format!("Let only signed requests into {label}"), move |b| {
        signed(b, "an HTTP API")?;
        let class = "aws_apigatewayv2_authorizers.HttpIamAuthorizer";
        if !b.model.has_class(class) || !b.model.builds(&api, "aws_apigatewayv2.HttpApi") {
            return Err(no_fix(
                "this release of CDK has no HttpIamAuthorizer (2.114), or it is not known which release this is",
                "update aws-cdk-lib, then run again",
            ));
        }
        let authorizer = b.cdk(api.node, class)?;
        b.set_prop(&api, "defaultAuthorizer", &format!("new {authorizer}()"))
    });
    Some(())
}

/// Refuses where a route for every method catches the preflight of browsers too, which is never signed.
fn preflight_is_caught<'a>(model: &Model<'a>, props: &Props<'a>, finding: &mut Candidate<'a>) -> bool {
    let any = props.get(model, "defaultIntegration") != Prop::Absent
        || model.method_calls("addRoutes").any(|call| {
            let options = call.field("arguments").and_then(Syn::first).map(|options| model.props_of(options));
            let methods = options.map_or(Prop::Unknown, |options| options.get(model, "methods"));
            methods.value().is_none_or(|methods| methods.text().contains("ANY"))
        });
    let caught = any && props.get(model, "corsPreflight") != Prop::Absent;
    if caught {
        finding.refuse(
            "a route for every method also catches the preflight of browsers, which is never signed",
            "name the methods of each route, then run again",
        );
    }
    caught
}
