//! # 1.3 API that checks neither requests nor callers
//!
//! ## What is wrong
//! An API that answers CORS for every origin (`Cors.ALL_ORIGINS`, `'*'`) lets every website in the world call it from a visitor's
//! browser. One without a request validator hands every request to the code behind it. One without an authorizer answers
//! whoever finds its address.
//!
//! ## What the fix does
//! Four findings with a fix each:
//! * **Origins**: the open list becomes the origins that `allowed_origins` names.
//! * **Validator**: the API gets a request validator, and each method carries it. `defaultMethodOptions` and `anyMethod: true` drop a
//!   validator silently, so the methods of a proxy are added by hand; they keep their logical ids. On such routes only the path is
//!   checked: bodies are once a method names a model.
//! * **Authorizer**: with `api_authorizer=IAM`, callers sign their requests. Only counted (`info`) until it is wanted: an API may be public.
//!   Preflights that the app answers by methods of its own stay open. With `COGNITO` they sign in to the app's one user pool.
//!   The same for an HTTP API none of whose routes has an authorizer, and for a function's URL whose `authType` is `NONE`. Routes of an
//!   HTTP API for every method would catch the preflight of browsers, which is never signed: they become one for each other method.
//!   With `api_authorizer=API_KEY` they send a key instead, which a usage plan throttles (`usage_plan_rate` requests a second, else 50).
//! * **Usage plan**: an API that asks for keys, and has no plan that holds one, refuses every call. It gets a plan and a first key.
//!
//! ## Before
//! ```ts
//! import * as cdk from 'aws-cdk-lib';
//! import * as apigateway from 'aws-cdk-lib/aws-apigateway';
//! import * as lambda from 'aws-cdk-lib/aws-lambda';
//! import { Construct } from 'constructs';
//!
//! export interface ApiStackProps extends cdk.StackProps {
//!   readonly handler: lambda.IFunction;
//! }
//!
//! export class ApiStack extends cdk.Stack {
//!   constructor(scope: Construct, id: string, props: ApiStackProps) {
//!     super(scope, id, props);
//!
//!     const api = new apigateway.RestApi(this, 'Api', {
//!       defaultCorsPreflightOptions: {
//!         allowOrigins: apigateway.Cors.ALL_ORIGINS,
//!       },
//!     });
//!     const integration = new apigateway.LambdaIntegration(props.handler);
//!
//!     api.root.addMethod('ANY', integration);
//!     api.root.addProxy({
//!       defaultIntegration: integration,
//!       anyMethod: true,
//!     });
//!   }
//! }
//! ```
//!
//! ## After
//! ```ts
//! import * as cdk from 'aws-cdk-lib';
//! import * as apigateway from 'aws-cdk-lib/aws-apigateway';
//! import * as lambda from 'aws-cdk-lib/aws-lambda';
//! import { Construct } from 'constructs';
//!
//! export interface ApiStackProps extends cdk.StackProps {
//!   readonly handler: lambda.IFunction;
//! }
//!
//! export class ApiStack extends cdk.Stack {
//!   constructor(scope: Construct, id: string, props: ApiStackProps) {
//!     super(scope, id, props);
//!
//!     const api = new apigateway.RestApi(this, 'Api', {
//!       defaultCorsPreflightOptions: {
//!         allowOrigins: ['https://app.example.com'],
//!       },
//!       defaultMethodOptions: {
//!         authorizationType: apigateway.AuthorizationType.IAM,
//!       },
//!     });
//!
//!     const requestValidator = api.addRequestValidator('RequestValidator', {
//!       validateRequestBody: true,
//!       validateRequestParameters: true,
//!     });
//!
//!     const integration = new apigateway.LambdaIntegration(props.handler);
//!
//!     api.root.addMethod('ANY', integration, { requestValidator });
//!     const proxy = api.root.addProxy({
//!       defaultIntegration: integration,
//!       anyMethod: false,
//!     });
//!
//!     proxy.addMethod('ANY', integration, {
//!       requestValidator,
//!       requestParameters: { 'method.request.path.proxy': true },
//!     });
//!   }
//! }
//! ```
//!
//! ## When it stays silent
//! For listed origins and those in variables; where the app validates requests in some way already; for OPTIONS and mock methods, APIs
//! from an OpenAPI document (`SpecRestApi`), imported ones, and validators of HTTP APIs, which do not have them. An authorizer is not missed where a method,
//! the defaults or a resource policy has one, where CloudFront stands in front of a function's URL, and for what strangers call on purpose by its name (webhooks,
//! health, login and the like).
//!
//! ## When it refuses
//! Without a value: which origins may call, and how callers are to be known, is not in the code. Where methods are added in
//! another function, or it cannot be told which API they belong to. Where a route of an HTTP API for every method would catch the preflight of
//! browsers as well, and is not added by `addRoutes` with methods that are written there. Where a user pool is wanted that is not built before the API.
//!
//! ## What to know before deploying
//! A web page that is not listed can no longer call the API from a browser; headers that the function itself sends are not touched.
//! With an authorizer, every client gets 403 until it signs its requests. The changed methods make a new deployment of the API's stage.
//! Where routes for every method are split, each is replaced: there is a moment in which the API answers 404.
//! A key tells callers apart and throttles them; it proves nothing, travels with every request, and is no authentication. Whoever has none gets 403.
//!
//! ## Other checkers
//! Clears cdk-nag `AwsSolutions-APIG2` (validator) and `AwsSolutions-APIG4` (authorizer). `AwsSolutions-COG4` stays: it wants Cognito.
//! Clears Checkov `CKV_AWS_59` (authorizer) and `CKV2_AWS_75` (origins).

use super::api_methods::is_said_of;
use super::{callers, known_callers, usage_plan, validator};
use crate::detect::{Findings, Match, Refusal};
use crate::edit::no_fix;
use crate::model::{Model, Prop, Site};
use crate::rule::{AnswerType, Impact, Meta, Pillar, Question, Rule, Tier};
use crate::syntax::Syn;

/// The rule.
pub const RULE: Rule = Rule { meta: &META, check };

const META: Meta = Meta {
    id: "1.3",
    also: &[],
    name: "api-without-request-checks",
    title: "API that checks neither requests nor callers",
    pillar: Pillar::Security,
    impact: Impact::High,
    tier: Tier::Review,
    practice: "SEC09-BP03",
    clears: &["AwsSolutions-APIG2", "AwsSolutions-APIG4", "CKV_AWS_59", "CKV2_AWS_75"],
    // The limits of the usage plan are numbers for every environment until 4.5 has seen them.
    raises: &["4.5"],
    asks: &[ORIGINS, AUTHORIZER],
    order: 130,
    source: include_str!("wa_1_3_api_request_validation.rs"),
    query: include_str!("../../queries/security/wa_1_3_api_request_validation.scm"),
};

const ORIGINS: Question = Question {
    key: "allowed_origins",
    ask: "Which origins may call the API from a browser? Comma-separated.",
    kind: AnswerType::Urls,
    example: "https://app.example.com",
};

pub(super) const AUTHORIZER: Question = Question {
    key: "api_authorizer",
    ask: "How shall the API know its callers? IAM: they sign their requests. COGNITO: they sign in to the app's user pool. \
          API_KEY: they send a key, which tells and throttles them but proves nothing.",
    kind: AnswerType::Text,
    example: "IAM",
};

fn check<'a>(m: &Match<'_, 'a>, out: &mut Findings<'a>) -> Option<()> {
    let model = m.model;
    if let Some(api) = m.site("api") {
        let label = api.label();
        if let Some(options) = api.props(model).get(model, "defaultCorsPreflightOptions").value() {
            let open = !has_authorizer(model, &api);
            origins(
                model,
                options,
                "allowOrigins",
                &label,
                if open { Impact::High } else { Impact::Medium },
                out,
            );
        }
        validator::check(&META, model, &api, out);
        usage_plan::check(&META, model, &api, out);
        return authorizer(model, &api, out);
    }
    if let Some(call) = m.node("preflight") {
        let options = call.field("arguments")?.first()?;
        return origins(model, options, "allowOrigins", "This resource", Impact::Medium, out);
    }
    if let Some(api) = m.site("http") {
        callers::http(&META, model, &api, out);
        let options = api.props(model).get(model, "corsPreflight").value()?;
        return origins(model, options, "allowOrigins", &api.label(), Impact::Medium, out);
    }
    if let Some(url) = m.site("url") {
        callers::url(&META, model, (url.node, &url.props(model)), out);
        let options = url.props(model).get(model, "cors").value()?;
        return origins(model, options, "allowedOrigins", &url.label(), Impact::Medium, out);
    }
    let call = m.node("add_url")?;
    let props = model.props_of(call.field("arguments")?.first()?);
    callers::url(&META, model, (call, &props), out);
    origins(
        model,
        props.get(model, "cors").value()?,
        "allowedOrigins",
        "This function's URL",
        Impact::Medium,
        out,
    )
}

/// Reports options that let every origin in.
fn origins<'a>(
    model: &Model<'a>,
    options: Syn<'a>,
    prop: &str,
    label: &str,
    impact: Impact,
    out: &mut Findings<'a>,
) -> Option<()> {
    let value =
        model.props_of(options).get(model, prop).value().filter(|value| is_every_origin(model, *value))?;
    let message = format!(
        "{label} tells browsers that every website may call it, so any page can use it from a visitor's browser. The fix \
         allows only the origins that you list; pages elsewhere stop working against it."
    );
    let finding = out.report(&META, model, value, message);
    finding.key("origins").impact(impact);
    finding.fix(format!("Let only listed origins call {label}"), move |b| {
        let list = listed(b.value(&ORIGINS)?)?;
        let single = format!("[{}]", list.join(", "));
        let code = if single.len() > 80 { format!("[\n  {},\n]", list.join(",\n  ")) } else { single };
        b.replace(value, &code);
        Ok(())
    });
    Some(())
}

/// `Cors.ALL_ORIGINS`, or a list with `'*'`.
fn is_every_origin<'a>(model: &Model<'a>, value: Syn<'a>) -> bool {
    let star = |item: Syn<'_>| item.is("string") && item.text().trim_matches(['\'', '"']) == "*";
    model.cdk_name(value).as_deref() == Some("aws_apigateway.Cors.ALL_ORIGINS")
        || value.is("array") && value.children().any(star)
}

/// The answer as string literals.
fn listed(answer: &str) -> Result<Vec<String>, Refusal> {
    let origins: Vec<&str> = answer.split(',').map(str::trim).filter(|origin| !origin.is_empty()).collect();
    let is_origin = |origin: &&str| {
        let host = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
        host.is_some_and(|host| !host.is_empty() && !host.contains(['/', '*', '\'', '"', '\\', ' ']))
    };
    if origins.is_empty() || !origins.iter().all(is_origin) {
        return Err(no_fix(
            &format!("`{answer}` is no list of origins"),
            "write origins such as https://app.example.com, without a path or a wildcard, separated by commas",
        ));
    }
    Ok(origins.iter().map(|origin| format!("'{origin}'")).collect())
}

/// Whether anything says who may call: an option of the API or of one of its methods, or a resource policy.
fn has_authorizer<'a>(model: &Model<'a>, api: &Site<'a>) -> bool {
    is_said_of(model, api, &["authorizer", "authorizationType", "defaultAuthorizer", "apiKeyRequired"])
        || api.props(model).get(model, "policy") != Prop::Absent
}

/// Reports an API that asks nobody who they are.
fn authorizer<'a>(model: &Model<'a>, api: &Site<'a>, out: &mut Findings<'a>) -> Option<()> {
    if has_authorizer(model, api) || api.props(model).is_opaque() {
        return None;
    }
    let label = api.label();
    let message = format!(
        "{label} asks nobody who they are: whoever finds its address can call it. If it is not meant to be public, the fix \
         has callers sign their requests, sign in, or send a key, as you answer; each of them is refused until it does."
    );
    let finding = out.report(&META, model, api.node, message);
    finding.key("authorizer").impact(Impact::Info);
    let api = api.clone();
    finding.fix(format!("Let only known callers into {label}"), move |b| known_callers::rest(b, &api));
    Some(())
}
