//! # 2.3 Callers go on calling what fails
//!
//! ## What is wrong
//! When what a function calls is down, every request still waits for it, until the timeout, and every caller tries again at once:
//! the failure spreads to whoever waits. A circuit breaker gives up for a while on what has failed too often, and tells callers when
//! to come back.
//!
//! ## What the fix does
//! A REST API answers 503 with `Retry-After` where its integration fails or does not answer in time, instead of a bare 502
//! or 504. Beside the handler, also of a function URL, it adds `circuit-breaker.ts`, without imports. Nothing uses it yet: wrap each call to something
//! else, `await breaker.run(() => client.send(command))`, with a breaker for each thing that is called. One around the whole handler would
//! let a single failing route switch off all others. A destination for failed invocations, which the original text suggests,
//! does nothing here: Lambda sends only asynchronous invocations there, and 2.5 keeps those. Where an alias is invoked asynchronously and
//! the destination is configured on its function, which means `$LATEST`, the fix configures it on the alias.
//!
//! ## Before
//! ```ts
//! import * as cdk from 'aws-cdk-lib';
//! import * as apigateway from 'aws-cdk-lib/aws-apigateway';
//! import * as lambda from 'aws-cdk-lib/aws-lambda';
//! import { Construct } from 'constructs';
//!
//! export class QuoteStack extends cdk.Stack {
//!   constructor(scope: Construct, id: string) {
//!     super(scope, id);
//!
//!     const quotes = new lambda.Function(this, 'Quotes', {
//!       runtime: lambda.Runtime.NODEJS_18_X,
//!       handler: 'index.handler',
//!       code: lambda.Code.fromInline(
//!         "exports.handler = async () => (await fetch('https://api.example.org')).json();"
//!       ),
//!     });
//!
//!     const api = new apigateway.LambdaRestApi(this, 'Api', { handler: quotes });
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
//! export class QuoteStack extends cdk.Stack {
//!   constructor(scope: Construct, id: string) {
//!     super(scope, id);
//!
//!     const quotes = new lambda.Function(this, 'Quotes', {
//!       runtime: lambda.Runtime.NODEJS_18_X,
//!       handler: 'index.handler',
//!       code: lambda.Code.fromInline(
//!         "exports.handler = async () => (await fetch('https://api.example.org')).json();"
//!       ),
//!     });
//!
//!     const api = new apigateway.LambdaRestApi(this, 'Api', { handler: quotes });
//!
//!     // Callers of what fails are told when to come back
//!     api.addGatewayResponse('IntegrationFailure', {
//!       type: apigateway.ResponseType.INTEGRATION_FAILURE,
//!       statusCode: '503',
//!       responseHeaders: { 'Retry-After': "'30'" },
//!     });
//!     api.addGatewayResponse('IntegrationTimeout', {
//!       type: apigateway.ResponseType.INTEGRATION_TIMEOUT,
//!       statusCode: '503',
//!       responseHeaders: { 'Retry-After': "'30'" },
//!     });
//!   }
//! }
//! ```
//!
//! ## When it stays silent
//! Where the code has a circuit breaker (opossum, cockatiel, or one of its own that speaks of a circuit), or the API answers integration errors in its own way; where every integration has a
//! timeout of its own;
//! where the code of no function behind the API can be read (other languages, other repositories); for HTTP APIs and function URLs whose functions
//! call nothing; for integrations that are no function. For an alias whose function has a dead-letter queue.
//!
//! ## When it refuses
//! For a REST API built inside another expression, or held in a field whose type is an interface. Where a destination cannot be named
//! beside the alias.
//!
//! ## What to know before deploying
//! Clients and monitors that look for 502 or 504 see 503. The answers carry no CORS headers, like those that they replace.
//! The deployment of the API's stage is a new one. A circuit is open in the execution environment that saw the failures; to cut
//! something off for all of them, keep the state in a table.
//!
//! ## Other checkers
//! None has a rule for this.

use super::dependencies::{Dependencies, FILE, dependencies};
use super::destinations;
use crate::detect::{Findings, Match, Refusal};
use crate::edit::Builder;
use crate::fixes::api::{is_http, own_name, spoken};
use crate::fixes::security::api_methods::{arguments, calls};
use crate::fixes::security::bucket::is_built_by_its_class;
use crate::model::imports::string_text;
use crate::model::meaning::has_word;
use crate::model::{Model, Prop, Site};
use crate::rule::{Impact, Meta, Pillar, Rule, Tier};
use crate::syntax::{Parsed, Syn};

/// The rule.
pub const RULE: Rule = Rule { meta: &META, check };

const META: Meta = Meta {
    id: "2.3",
    also: &[],
    name: "no-circuit-breaker",
    title: "Callers go on calling what fails",
    pillar: Pillar::Reliability,
    impact: Impact::Medium,
    tier: Tier::Scaffold,
    practice: "REL05-BP04",
    clears: &[],
    raises: &[],
    asks: &[],
    order: 230,
    source: include_str!("wa_2_3_no_circuit_breaker.rs"),
    query: include_str!("../../queries/reliability/wa_2_3_no_circuit_breaker.scm"),
};

/// Kinds of answers that tell of a failed integration.
const ANSWERS: [&str; 3] = ["INTEGRATION_FAILURE", "INTEGRATION_TIMEOUT", "DEFAULT_5XX"];

/// The code behind an API.
#[derive(Default)]
struct Behind<'a> {
    /// Entries of the functions without a circuit breaker.
    entries: Vec<&'a Parsed>,
    /// What they call besides AWS.
    outside: Vec<&'a str>,
    aws: bool,
    /// Whether the code of a function was read.
    seen: bool,
}

fn check<'a>(m: &Match<'_, 'a>, out: &mut Findings<'a>) -> Option<()> {
    let model = m.model;
    if let Some(alias) = m.site("alias") {
        return destinations::check(&META, model, alias, out);
    }
    let Door { place, label, api, functions } = door(m)?;
    let behind = behind(model, &functions)?;
    let calls = !behind.outside.is_empty() || behind.aws;
    // Only a REST API can answer for what fails: elsewhere there is nothing to do for what calls nothing.
    if !behind.seen || api.is_none() && (!calls || behind.entries.is_empty()) {
        return None;
    }
    let (what, impact) = described(&behind);
    let helper = match (behind.entries.is_empty(), &api) {
        (true, _) => "lets the API answer 503 and say when to come back".to_owned(),
        (false, None) => format!(
            "adds a circuit breaker, {FILE}, beside the handler; nothing uses it until you wrap those calls in it"
        ),
        (false, Some(_)) => format!(
            "lets the API answer 503 and say when to come back, and adds a circuit breaker, {FILE}, beside the handler; nothing uses it \
             until you wrap calls in it"
        ),
    };
    let message = format!("Callers of {label} go on calling a function that fails{what}. The fix {helper}.");
    let tier = if behind.entries.is_empty() { Tier::Review } else { Tier::Scaffold };
    out.report(&META, model, place, message).key(&label).impact(impact).tier(tier).fix(
        format!("Let {label} fail fast"),
        move |b| {
            for entry in &behind.entries {
                if let Some(file) = b.model.location(entry) {
                    b.create(file.with_file_name(FILE), include_str!("circuit_breaker.ts"));
                }
            }
            api.as_ref().map_or(Ok(()), |api| answer(b, api))
        },
    );
    Some(())
}

/// What callers knock at.
struct Door<'a> {
    /// The node that is shown.
    place: Syn<'a>,
    label: String,
    /// The REST API, which can answer for what fails.
    api: Option<Site<'a>>,
    /// What is behind it.
    functions: Vec<Site<'a>>,
}

fn door<'a>(m: &Match<'_, 'a>) -> Option<Door<'a>> {
    let model = m.model;
    let Some(api) = m.site("api") else {
        let (place, named) = match m.site("url") {
            Some(url) => (url.node, url.props(model).get(model, "function").value()?),
            None => {
                let call = m.node("added")?;
                (call, call.field("function")?.field("object")?)
            }
        };
        let function = model.invoked_function(named)?;
        let label = format!("the URL of {}", function.label());
        return Some(Door { place, label, api: None, functions: vec![function] });
    };
    let http = is_http(&api);
    if is_built_by_its_class(&api) || !http && answers_failures(model, &api) {
        return None;
    }
    let integrations = integrations(model, &api);
    let place = integrations.first()?.node;
    // Who says how long each may take has thought of what fails.
    let bounded = |site: &Site<'a>| site.props(model).get(model, "timeout") != Prop::Absent;
    if !http && integrations.iter().all(bounded) {
        return None;
    }
    let invoked = |site: &Site<'a>| model.invoked_function(model.invoked_expression(site.node)?);
    let functions = integrations.iter().filter_map(invoked).collect();
    Some(Door { place, label: spoken(&api), api: (!http).then_some(api), functions })
}

fn described(behind: &Behind<'_>) -> (String, Impact) {
    match (behind.outside.as_slice(), behind.aws) {
        ([], false) => (
            "; it calls nothing else today, so there is little to spread, and each caller still gets a bare 502 or 504".to_owned(),
            Impact::Info,
        ),
        ([], true) => (
            ": it calls services of AWS, and while one of them is down every request waits until the timeout".to_owned(),
            Impact::Low,
        ),
        (names, _) => {
            let names: Vec<String> = names.iter().take(3).map(|name| format!("`{name}`")).collect();
            (
                format!(
                    ": it calls others by {}, and while one of them is down every request waits until the timeout",
                    names.join(", ")
                ),
                Impact::Medium,
            )
        }
    }
}

/// The integrations of an API that call functions: each once, in source order.
fn integrations<'a>(model: &Model<'a>, api: &Site<'a>) -> Vec<Site<'a>> {
    let mut values: Vec<Syn<'a>> =
        api.props(model).get(model, "defaultIntegration").value().into_iter().collect();
    let option = |call: Syn<'a>, at: usize, name: &str| {
        arguments(call).get(at).and_then(|options| model.props_of(*options).get(model, name).value())
    };
    if is_http(api) {
        for call in model.method_calls("addRoutes") {
            let object = call.field("function").and_then(|callee| callee.field("object"));
            if object.and_then(|object| model.origin(object)).is_some_and(|site| site.node == api.node) {
                values.extend(option(call, 0, "integration"));
            }
        }
    } else {
        let of = |name: &str| calls(model, api, name).unwrap_or_default();
        values.extend(of("addMethod").into_iter().filter_map(|added| arguments(added.call).get(1).copied()));
        for name in ["addProxy", "addResource"] {
            let at = usize::from(name == "addResource");
            values.extend(
                of(name).into_iter().filter_map(|added| option(added.call, at, "defaultIntegration")),
            );
        }
    }
    let mut sites: Vec<Site<'a>> = values.into_iter().filter_map(|value| model.origin(value)).collect();
    if model.builds(api, "aws_apigateway.LambdaRestApi") {
        sites.insert(0, api.clone());
    }
    sites.retain(|site| model.invoked_expression(site.node).is_some());
    let mut seen: Vec<Syn<'a>> = Vec::new();
    sites.retain(|site| {
        let new = !seen.contains(&site.node);
        seen.push(site.node);
        new
    });
    sites
}

/// What the code of functions calls; `None` where one of them has a circuit breaker.
fn behind<'a>(model: &Model<'a>, functions: &[Site<'a>]) -> Option<Behind<'a>> {
    let mut behind = Behind::default();
    for function in functions {
        let found = match model.handler(function) {
            Some(handler) => {
                let found = dependencies(model, &handler);
                behind.entries.extend(handler.typed_entry().filter(|_| !found.breaker));
                found
            }
            None => match inline(model, function) {
                Some(found) => found,
                None => continue,
            },
        };
        if found.breaker {
            return None;
        }
        behind.seen = true;
        behind.aws |= found.aws;
        for name in found.outside {
            if !behind.outside.contains(&name) {
                behind.outside.push(name);
            }
        }
    }
    Some(behind)
}

/// What code in a string calls.
fn inline<'a>(model: &Model<'a>, function: &Site<'a>) -> Option<Dependencies<'a>> {
    let code = function.props(model).get(model, "code").value().filter(|code| code.is("call_expression"))?;
    let made = model.cdk_name(code.field("function")?)?;
    let text = code.field("arguments")?.first().filter(|_| made.ends_with("Code.fromInline"))?;
    let text = if text.is("string") { string_text(text) } else { text.text() };
    let outside = ["fetch", "https", "http", "axios"].into_iter().find(|name| has_word(text, name));
    Some(Dependencies {
        outside: outside.into_iter().collect(),
        aws: text.contains("aws-sdk") || has_word(text, "boto3"),
        breaker: false,
    })
}

/// Whether an API answers failures of its integrations in its own way, or one that cannot be told apart does.
fn answers_failures<'a>(model: &Model<'a>, api: &Site<'a>) -> bool {
    let about = |node: Syn<'a>| ANSWERS.iter().any(|kind| node.text().contains(kind));
    let is = |owner: Option<Site<'a>>| owner.is_none_or(|owner| owner.node == api.node);
    let by_method = model.method_calls("addGatewayResponse").any(|call| {
        let object = call.field("function").and_then(|callee| callee.field("object"));
        about(call) && is(object.and_then(|object| model.origin(object)))
    });
    by_method
        || model.all_sites().any(|site| {
            let response = matches!(
                site.class.as_str(),
                "aws_apigateway.GatewayResponse" | "aws_apigateway.CfnGatewayResponse"
            );
            response && about(site.node)
        })
}

/// Lets a REST API answer 503 where its integration fails.
fn answer<'a>(b: &mut Builder<'_, 'a>, api: &Site<'a>) -> Result<(), Refusal> {
    let statement = b.statement(api.node)?;
    let receiver = own_name(b, api, statement)?;
    let kind = b.cdk(api.node, "aws_apigateway.ResponseType")?;
    let response = |id: &str, name: &str| {
        format!(
            "{receiver}.addGatewayResponse('{id}', {{\n  type: {kind}.{name},\n  statusCode: '503',\n  responseHeaders: {{ 'Retry-After': \
             \"'30'\" }},\n}});"
        )
    };
    let code = format!(
        "// Callers of what fails are told when to come back\n{}\n{}",
        response("IntegrationFailure", "INTEGRATION_FAILURE"),
        response("IntegrationTimeout", "INTEGRATION_TIMEOUT")
    );
    b.insert_after(statement, &code);
    Ok(())
}
