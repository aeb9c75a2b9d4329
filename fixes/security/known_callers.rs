//! How an API gets to know its callers: by the answer of whoever owns it.

use super::api_methods::{api_of, set_option, verb};
use super::wa_1_3_api_request_validation::AUTHORIZER;
use super::{name_at, usage_plan};
use crate::detect::Refusal;
use crate::edit::names::is_visible;
use crate::edit::{Builder, no_fix};
use crate::model::{Model, Prop, Site};
use crate::syntax::Syn;

/// Lets only known callers into a REST API.
///
/// # Errors
/// A [`Refusal`] where there is no answer, or the API cannot know its callers in that way.
pub(super) fn rest<'a>(b: &mut Builder<'_, 'a>, api: &Site<'a>) -> Result<(), Refusal> {
    let answer = b.value(&AUTHORIZER)?;
    match answer.to_ascii_lowercase().as_str() {
        "iam" => {
            for call in own_preflights(b.model, api) {
                let open = format!("{}.NONE", b.cdk(call, "aws_apigateway.AuthorizationType")?);
                set_option(b, call, "authorizationType", &open)?;
            }
            let kind = format!("{}.IAM", b.cdk(api.node, "aws_apigateway.AuthorizationType")?);
            default_option(b, api, "authorizationType", &kind)
        }
        "api_key" => {
            for call in own_preflights(b.model, api) {
                set_option(b, call, "apiKeyRequired", "false")?;
            }
            default_option(b, api, "apiKeyRequired", "true")?;
            usage_plan::add(b, api)
        }
        "cognito" => rest_pool(b, api),
        _ => Err(no_fix(
            &format!("`{answer}` needs a function that wa-fix does not know"),
            "answer IAM, COGNITO or API_KEY, or set the authorizer in defaultMethodOptions yourself",
        )),
    }
}

/// Preflights that the app answers by methods of its own: a browser neither signs them nor sends a key. Those
/// that CDK makes of `defaultCorsPreflightOptions` stay open by themselves.
fn own_preflights<'a>(model: &Model<'a>, api: &Site<'a>) -> Vec<Syn<'a>> {
    let own = |call: &Syn<'a>| {
        let resource = call.field("function").and_then(|function| function.field("object"));
        resource.and_then(|resource| api_of(model, resource, 8)).is_none_or(|of| of.node == api.node)
    };
    model.method_calls("addMethod").filter(|call| verb(*call) == Some("OPTIONS")).filter(own).collect()
}

/// Lets those in who sign in to the app's user pool.
fn rest_pool<'a>(b: &mut Builder<'_, 'a>, api: &Site<'a>) -> Result<(), Refusal> {
    if !own_preflights(b.model, api).is_empty() {
        return Err(no_fix(
            "methods of the app's own answer the preflight, and would inherit the authorizer",
            "let defaultCorsPreflightOptions answer it, then run again",
        ));
    }
    let pool = user_pool(b, api)?;
    let statement = b.statement(api.node)?;
    let class = b.cdk(api.node, "aws_apigateway.CognitoUserPoolsAuthorizer")?;
    let name = b.fresh_name(api.node.file, &["authorizer", "apiAuthorizer"]);
    let id = b.sibling_id(api, "Authorizer");
    let scope = b.scope_text(api);
    b.insert_before(
        statement,
        &format!("const {name} = new {class}({scope}, {id}, {{\n  cognitoUserPools: [{pool}],\n}});"),
    );
    default_option(b, api, "authorizer", &name)
}

/// Lets only known callers into an HTTP API.
///
/// # Errors
/// As [`rest`].
pub(super) fn http<'a>(b: &mut Builder<'_, 'a>, api: &Site<'a>) -> Result<(), Refusal> {
    let pool = b.value(&AUTHORIZER)?.eq_ignore_ascii_case("cognito");
    let class = if pool { "HttpUserPoolAuthorizer" } else { "HttpIamAuthorizer" };
    if !pool {
        signed(b, "an HTTP API")?;
    }
    let full = format!("aws_apigatewayv2_authorizers.{class}");
    if !b.model.has_class(&full) || !b.model.builds(api, "aws_apigatewayv2.HttpApi") {
        return Err(no_fix(
            &format!("this release of CDK has no {class} (2.114), or it is not known which release this is"),
            "update aws-cdk-lib, then run again",
        ));
    }
    let authorizer = b.cdk(api.node, &full)?;
    if !pool {
        return b.set_prop(api, "defaultAuthorizer", &format!("new {authorizer}()"));
    }
    let pool = user_pool(b, api)?;
    let client = pool_client(b, api)?;
    let id = b.sibling_id(api, "Authorizer");
    b.set_prop(
        api,
        "defaultAuthorizer",
        &format!("new {authorizer}(\n  {id},\n  {pool},\n  {{ userPoolClients: [{client}] }}\n)"),
    )
}

/// The answer, where it is one for what knows callers by their signatures only.
///
/// # Errors
/// A [`Refusal`] where it is another.
pub(super) fn signed(b: &Builder<'_, '_>, what: &str) -> Result<(), Refusal> {
    let answer = b.value(&AUTHORIZER)?;
    answer.eq_ignore_ascii_case("iam").then_some(()).ok_or_else(|| {
        no_fix(
            &format!("`{answer}` is nothing that {what} knows callers by"),
            "answer IAM, or check the callers in the function",
        )
    })
}

/// What the app's only user pool is called where an API is built.
fn user_pool<'a>(b: &Builder<'_, 'a>, api: &Site<'a>) -> Result<String, Refusal> {
    only(b.model, api, "aws_cognito.UserPool").ok_or_else(|| {
        no_fix(
            "the app has no user pool that the API could ask, or several, or builds it after the API",
            "build the pool first and pass it to where the API is built, or answer IAM",
        )
    })
}

/// What the pool's only client is called there.
fn pool_client<'a>(b: &Builder<'_, 'a>, api: &Site<'a>) -> Result<String, Refusal> {
    let added = b.model.method_calls("addClient").next().is_some();
    only(b.model, api, "aws_cognito.UserPoolClient").filter(|_| !added).ok_or_else(|| {
        no_fix(
            "it is not known which clients of the pool may call the API",
            "set an HttpUserPoolAuthorizer with its userPoolClients as the API's defaultAuthorizer",
        )
    })
}

/// What the only construct of a class is called where another is built.
fn only<'a>(model: &Model<'a>, class_at: &Site<'a>, class: &str) -> Option<String> {
    let at = class_at.node;
    let mut all = model.all_sites().filter(|site| model.builds(site, class));
    let one = all.next().filter(|_| all.next().is_none())?;
    let beside = std::ptr::eq(one.node.file, at.file);
    let before = !beside || one.node.end() <= at.start();
    let own = || name_at(&one, at).filter(|_| beside);
    let passed = || model.uses(&one).into_iter().find(|used| is_visible(at, *used));
    before.then(|| own().or_else(|| passed().map(|used| used.text().to_owned()))).flatten()
}

/// Sets an option of all methods of a REST API.
fn default_option<'a>(
    b: &mut Builder<'_, 'a>,
    api: &Site<'a>,
    name: &str,
    value: &str,
) -> Result<(), Refusal> {
    let entry = if name == value { name.to_owned() } else { format!("{name}: {value}") };
    match api.props(b.model).get(b.model, "defaultMethodOptions") {
        Prop::Present(entry) => match b.model.props_of(entry.value).object() {
            Some(options) => b.insert_entry(options, name, value),
            None => {
                return Err(no_fix(
                    "its defaultMethodOptions are put together elsewhere",
                    "write them as an object literal, then run again",
                ));
            }
        },
        _ => b.set_prop(api, "defaultMethodOptions", &format!("{{\n  {entry},\n}}"))?,
    }
    Ok(())
}
