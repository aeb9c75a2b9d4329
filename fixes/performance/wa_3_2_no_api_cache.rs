//! # 3.2 REST API that caches nothing
//!
//! ## What is wrong
//! Every GET reaches the function, also where the answer is the same for everybody for minutes: callers wait for it, and each
//! invocation is billed. A stage with `cacheTtl` and no cache is the same: nothing is kept. Where a stage caches every GET,
//! or by `methodOptions` this one, another thing is wrong with a route such as `/items/{id}` whose integration names no `cacheKeyParameters`: the key does not
//! hold the parameter, and whoever asks for one item gets the answer for another.
//!
//! ## What the fix does
//! It asks which paths may be cached, switches a cache of 0.5 GB on, and leaves it off for everything but GET on those
//! paths, for five minutes. The key holds path parameters, the query parameters that you name, and what an authorizer of the
//! app knows callers by. A path that a catch-all route serves so far gets a route of its own, and every segment an `ANY`, because a
//! specific resource hides the catch-all. What the stage says of throttling and logs is repeated for the cached methods: they do
//! not inherit it. The other finding puts the path parameters into the key.
//!
//! ## Before
//! ```ts
//! import * as cdk from 'aws-cdk-lib';
//! import * as apigateway from 'aws-cdk-lib/aws-apigateway';
//! import * as lambda from 'aws-cdk-lib/aws-lambda';
//! import { Construct } from 'constructs';
//!
//! export interface ApiStackProps extends cdk.StackProps {
//!   handler: lambda.IFunction;
//! }
//!
//! export class ApiStack extends cdk.Stack {
//!   constructor(scope: Construct, id: string, props: ApiStackProps) {
//!     super(scope, id, props);
//!
//!     const api = new apigateway.RestApi(this, 'Api', {
//!       deployOptions: { metricsEnabled: true },
//!     });
//!     const integration = new apigateway.LambdaIntegration(props.handler);
//!
//!     api.root.addMethod('ANY', integration);
//!     api.root.addProxy({ defaultIntegration: integration });
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
//!   handler: lambda.IFunction;
//! }
//!
//! export class ApiStack extends cdk.Stack {
//!   constructor(scope: Construct, id: string, props: ApiStackProps) {
//!     super(scope, id, props);
//!
//!     const api = new apigateway.RestApi(this, 'Api', {
//!       deployOptions: {
//!         metricsEnabled: true,
//!         cacheClusterEnabled: true,
//!         cacheClusterSize: '0.5',
//!         cachingEnabled: false,
//!         methodOptions: {
//!           '/products/{id}/GET': {
//!             metricsEnabled: true,
//!             cachingEnabled: true,
//!             cacheDataEncrypted: true,
//!             cacheTtl: cdk.Duration.minutes(5),
//!           },
//!         },
//!       },
//!     });
//!     const integration = new apigateway.LambdaIntegration(props.handler);
//!
//!     api.root.addMethod('ANY', integration);
//!     api.root.addProxy({ defaultIntegration: integration });
//!
//!     // Routes whose answers are cached; each hides the catch-all, so ANY stands beside it
//!     const productsResource = api.root.addResource('products');
//!     productsResource.addMethod('ANY', integration);
//!     const productsIdResource = productsResource.addResource('{id}');
//!     productsIdResource.addMethod('ANY', integration);
//!     productsIdResource.addMethod(
//!       'GET',
//!       new apigateway.LambdaIntegration(props.handler, {
//!         cacheKeyParameters: [
//!           'method.request.path.id',
//!           'method.request.querystring.lang',
//!         ],
//!       }),
//!       {
//!         requestParameters: {
//!           'method.request.path.id': true,
//!           'method.request.querystring.lang': false,
//!         },
//!       }
//!     );
//!   }
//! }
//! ```
//!
//! ## When it stays silent
//! For HTTP and WebSocket APIs, which have no cache (CloudFront in front has one, see 3.4), and for those made of an OpenAPI document.
//! Where the stage has a cache or says that it wants none; where CloudFront stands in front; where no method can be read (only
//! POST and the like) or it cannot be told which API a method belongs to; in code that belongs to one environment; where the stage's
//! options cannot be followed.
//!
//! ## When it refuses
//! Without the paths: which answers are the same for everybody is not in the code. For a path that no route of the API serves, or
//! that ends in `/health` and the like: a check would watch the cache. Where a route stands inside another expression, or its
//! integration is no Lambda integration. Where a `Stage` is built by itself and the key of an answer needs more than its path: a
//! `Deployment` of one's own is not renewed when a method changes.
//!
//! ## What to know before deploying
//! The cache is billed by the hour in every environment, used or not, and takes some minutes to create. An answer may be five
//! minutes old: a release that changes it may want to flush the cache. A signature (IAM) is not part of the key: it is new
//! with every request, and is checked before the cache is asked. On a route of its own the function no longer finds the path in
//! `pathParameters.proxy`.
//!
//! ## Other checkers
//! `APIGWCacheEnabledAndEncrypted` of cdk-nag's HIPAA, NIST and PCI packs stays: it wants the whole stage cached, which would
//! mix up the answers of a catch-all route. Where no authorizer is there, `AwsSolutions-APIG4` and `AwsSolutions-COG4` say of the new
//! routes what they said of the catch-all.
//! Clears Checkov `CKV_AWS_120`. A route that gets a method of its own is one more place where `CKV_AWS_59` misses an authorizer.

use super::cached_routes::{Cached, has_authorizer, key_method, parse, serve};
use super::wa_3_4_no_cloudfront::is_fronted;
use crate::detect::{Findings, Match, Refusal};
use crate::edit::{Builder, no_fix};
use crate::fixes::routes::{Method, Methods};
use crate::fixes::security::bucket::is_built_by_its_class;
use crate::model::props::{key_of, own_entry};
use crate::model::{Environment, Model, Prop, Props, Site};
use crate::rule::{AnswerType, Impact, Meta, Pillar, Question, Rule, Tier};
use crate::syntax::Syn;

/// The rule.
pub const RULE: Rule = Rule { meta: &META, check };

const META: Meta = Meta {
    id: "3.2",
    also: &[],
    name: "api-without-cache",
    title: "REST API that caches nothing",
    pillar: Pillar::Performance,
    impact: Impact::Medium,
    tier: Tier::Review,
    practice: "PERF03-BP05",
    clears: &["CKV_AWS_120"],
    // The stage's limits are repeated for the cached methods; 4.5 gives those an environment too.
    raises: &["4.5"],
    asks: &[PATHS],
    // Behind 1.3, whose authorizer belongs into the key, and behind 4.5, whose limits are repeated for the cached methods.
    order: 460,
    source: include_str!("wa_3_2_no_api_cache.rs"),
    query: include_str!("../../queries/performance/wa_3_2_no_api_cache.scm"),
};

const PATHS: Question = Question {
    key: "cached_paths",
    ask: "Which GET paths give everybody the same answer for some minutes? With the query parameters they depend on; comma-separated.",
    kind: AnswerType::List,
    example: "/products/{id}?lang",
};

/// What a method does not inherit from its stage once it has options of its own.
const STAGE: [&str; 7] = [
    "throttlingRateLimit",
    "throttlingBurstLimit",
    "loggingLevel",
    "dataTraceEnabled",
    "metricsEnabled",
    "cacheTtl",
    "cacheDataEncrypted",
];

fn check<'a>(m: &Match<'_, 'a>, out: &mut Findings<'a>) -> Option<()> {
    let model = m.model;
    if let Some(stage) = m.site("stage") {
        return separate_stage(model, stage, out);
    }
    let api = m.site("api")?;
    let props = api.props(model);
    let deploys = match props.get(model, "deploy") {
        Prop::Absent => true,
        Prop::Present(entry) => entry.value.text() == "true",
        Prop::Unknown => false,
    };
    if !deploys || is_built_by_its_class(&api) || model.builds(&api, "aws_apigateway.StepFunctionsRestApi") {
        return None;
    }
    let options = match props.get(model, "deployOptions") {
        Prop::Absent => Props::EMPTY,
        Prop::Present(entry) => model.props_of(entry.value),
        Prop::Unknown => return None,
    };
    let methods = Methods::of(model, &api)?;
    let whole = is_cached(model, &options);
    let keyless = if whole { methods.without_key(model) } else { cached_apart(model, &options, &methods) };
    if whole || !keyless.is_empty() {
        mixed_up(model, &api, keyless, out);
        return Some(());
    }
    let guarded = || model.environment(api.node) == Environment::Guarded;
    if decides(model, &options) || !methods.can_be_read() || is_fronted(model, api.node) || guarded() {
        return None;
    }
    let label = api.label();
    let idle = match options.get(model, "cacheTtl") {
        Prop::Absent => "",
        _ => " Its cacheTtl has no effect: no cache is switched on.",
    };
    let message = format!(
        "{label} passes every GET on to what answers it, also where the answer is the same for everybody for minutes.{idle} The fix \
         keeps the answers of the paths that you name for five minutes, apart for each parameter. The cache is billed by the hour in \
         every environment, and answers may be as old."
    );
    // Where callers are known by name, fewer answers are the same for all of them.
    let impact = if has_authorizer(model) { Impact::Low } else { Impact::Medium };
    out.report(&META, model, api.node, message)
        .impact(impact)
        .fix(format!("Cache GET answers of {label}"), move |b| cache(b, &api, &options, &methods));
    Some(())
}

/// A stage that is built by itself, of a deployment of its own.
fn separate_stage<'a>(model: &Model<'a>, stage: Site<'a>, out: &mut Findings<'a>) -> Option<()> {
    let options = stage.props(model);
    let deployment = model.origin(options.get(model, "deployment").value()?)?;
    let api = model.origin(deployment.props(model).get(model, "api").value()?)?;
    if !model.builds(&deployment, "aws_apigateway.Deployment")
        || !model.builds(&api, "aws_apigateway.RestApi")
        || is_built_by_its_class(&stage)
        || options.is_opaque()
    {
        return None;
    }
    let methods = Methods::of(model, &api)?;
    let guarded = || model.environment(stage.node) == Environment::Guarded;
    if decides(model, &options) || !methods.can_be_read() || is_fronted(model, api.node) || guarded() {
        return None;
    }
    let label = stage.label();
    let message = format!(
        "{label} passes every GET on to what answers it, also where the answer is the same for everybody for minutes. The fix keeps the \
         answers of the paths that you name for five minutes. The cache is billed by the hour, and answers may be as old."
    );
    let impact = if has_authorizer(model) { Impact::Low } else { Impact::Medium };
    out.report(&META, model, stage.node, message)
        .impact(impact)
        .fix(format!("Cache GET answers of {label}"), move |b| cache_in_stage(b, &stage, &options, &methods));
    Some(())
}

/// A deployment of one's own is not renewed when a method changes: only answers whose key is their path may be cached.
fn cache_in_stage<'a>(
    b: &mut Builder<'_, 'a>,
    stage: &Site<'a>,
    options: &Props<'a>,
    methods: &Methods<'a>,
) -> Result<(), Refusal> {
    let paths = parse(b.value(&PATHS)?)?;
    let keyed =
        |cached: &&Cached| cached.path.contains('{') || !cached.queries.is_empty() || has_authorizer(b.model);
    if let Some(other) = paths.iter().find(keyed) {
        return Err(no_fix(
            &format!(
                "the key of {} needs more than its path, and its Deployment would not be renewed with the method",
                other.path
            ),
            "let the RestApi deploy itself (deployOptions), then run again",
        ));
    }
    if let Some(other) = paths.iter().find(|cached| !methods.has_get(&cached.path)) {
        return Err(no_fix(
            &format!(
                "no GET of its own answers {}, and its Deployment would not be renewed with one",
                other.path
            ),
            "name a path that has a GET, or let the RestApi deploy itself (deployOptions)",
        ));
    }
    switch_on(b, stage, options, &paths)
}

/// Whether the stage has a cache, or says that it wants none.
fn decides<'a>(model: &Model<'a>, options: &Props<'a>) -> bool {
    let given = ["cacheClusterEnabled", "cacheClusterSize", "cachingEnabled"]
        .iter()
        .any(|name| options.get(model, name) != Prop::Absent);
    given
        || match options.get(model, "methodOptions") {
            Prop::Absent => false,
            Prop::Present(entry) => {
                !entry.value.is("object") || entry.value.text().contains("cachingEnabled")
            }
            Prop::Unknown => true,
        }
}

/// Whether options of a stage or of a method switch the cache on.
fn is_cached<'a>(model: &Model<'a>, options: &Props<'a>) -> bool {
    options.get(model, "cachingEnabled").value().is_some_and(|value| value.text() == "true")
}

/// The methods that a stage caches by `methodOptions`, and whose key lacks a parameter of their path.
fn cached_apart<'a>(model: &Model<'a>, options: &Props<'a>, methods: &Methods<'a>) -> Vec<Method<'a>> {
    let apart = options.get(model, "methodOptions").value();
    let entries = apart.and_then(|apart| model.props_of(apart).object()).into_iter().flat_map(Syn::children);
    let cached: Vec<&str> = entries
        .filter(|entry| entry.field("value").is_some_and(|value| is_cached(model, &model.props_of(value))))
        .filter_map(|entry| Some(entry.field("key")?.text().trim_matches(['\'', '"'])))
        .collect();
    let named = |method: &Method<'a>| {
        cached.iter().any(|key| *key == "/*/*" || *key == format!("{}/GET", method.path))
    };
    if cached.is_empty() {
        Vec::new()
    } else {
        methods.without_key(model).into_iter().filter(named).collect()
    }
}

/// Reports GET methods that are cached, and whose key lacks a parameter of their path.
fn mixed_up<'a>(model: &Model<'a>, api: &Site<'a>, methods: Vec<Method<'a>>, out: &mut Findings<'a>) {
    for method in methods {
        let message = format!(
            "{} of {} is cached, and its key does not hold the path's parameters: whoever asks for one gets the answer for another. \
             The fix puts them into the key. Query parameters that change the answer belong there too.",
            method.path,
            api.label()
        );
        let key = Cached { path: method.path.clone(), queries: Vec::new() };
        let (api, title) = (api.clone(), format!("Put the parameters of {} into its cache key", method.path));
        out.report(&META, model, method.added.call, message)
            .key(&key.path)
            .impact(Impact::High)
            .fix(title, move |b| key_method(b, &api, &method, &key));
    }
}

fn cache<'a>(
    b: &mut Builder<'_, 'a>,
    api: &Site<'a>,
    options: &Props<'a>,
    methods: &Methods<'a>,
) -> Result<(), Refusal> {
    let mut paths = parse(b.value(&PATHS)?)?;
    let apis = b.model.all_sites().filter(|site| b.model.builds(site, "aws_apigateway.RestApi")).count();
    // Where the app has several APIs, each takes what it serves.
    if apis > 1 && paths.iter().any(|cached| methods.serve(b.model, &cached.path)) {
        paths.retain(|cached| methods.serve(b.model, &cached.path));
    }
    serve(b, api, methods, &paths)?;
    switch_on(b, api, options, &paths)
}

/// Switches the cache on in the options of a stage: an object in the props of `holder`, or those props themselves.
fn switch_on<'a>(
    b: &mut Builder<'_, 'a>,
    holder: &Site<'a>,
    options: &Props<'a>,
    paths: &[Cached],
) -> Result<(), Refusal> {
    let elsewhere = || {
        no_fix(
            "the options of its stage are put together elsewhere",
            "write deployOptions as an object literal, then run again",
        )
    };
    let duration = b.cdk(holder.node, "Duration")?;
    if options.is_empty() {
        let entries = entries(&method_options(None, paths, &duration));
        return b.set_prop(holder, "deployOptions", &format!("{{\n  {},\n}}", entries.replace('\n', "\n  ")));
    }
    let object = options.object().filter(|object| !object.children().any(|entry| entry.is("spread_element")));
    let object = object
        .filter(|object| object.ancestors().any(|around| around == holder.node))
        .ok_or_else(elsewhere)?;
    let methods = method_options(Some(object), paths, &duration);
    match own_entry(object, "methodOptions") {
        Some(own) => {
            for (key, value) in &methods {
                b.insert_entry(own, key, value);
            }
            b.insert_entries(object, &switches());
        }
        None => {
            let mut all = switches();
            all.push(("methodOptions", braced(&methods)));
            b.insert_entries(object, &all);
        }
    }
    Ok(())
}

/// A cache that keeps nothing by itself.
fn switches() -> Vec<(&'static str, String)> {
    vec![
        ("cacheClusterEnabled", "true".to_owned()),
        ("cacheClusterSize", "'0.5'".to_owned()),
        ("cachingEnabled", "false".to_owned()),
    ]
}

fn entries(methods: &[(String, String)]) -> String {
    let mut lines: Vec<String> = switches().iter().map(|(name, value)| format!("{name}: {value}")).collect();
    lines.push(format!("methodOptions: {}", braced(methods)));
    lines.join(",\n")
}

fn braced(methods: &[(String, String)]) -> String {
    let lines: Vec<String> =
        methods.iter().map(|(key, value)| format!("\n  {key}: {},", value.replace('\n', "\n  "))).collect();
    format!("{{{}\n}}", lines.concat())
}

/// The options of the cached methods, by their keys.
fn method_options(stage: Option<Syn<'_>>, paths: &[Cached], duration: &str) -> Vec<(String, String)> {
    let mut lines: Vec<String> = Vec::new();
    for entry in stage.into_iter().flat_map(Syn::children) {
        let Some(name) = key_of(entry).filter(|name| STAGE.contains(name)) else { continue };
        let value = entry.field("value").unwrap_or(entry).text();
        lines.push(if value == name { value.to_owned() } else { format!("{name}: {value}") });
    }
    lines.push("cachingEnabled: true".to_owned());
    for (name, value) in
        [("cacheDataEncrypted", "true".to_owned()), ("cacheTtl", format!("{duration}.minutes(5)"))]
    {
        if !lines.iter().any(|line| line.starts_with(name)) {
            lines.push(format!("{name}: {value}"));
        }
    }
    let value = format!("{{\n  {},\n}}", lines.join(",\n  "));
    paths
        .iter()
        .map(|cached| (format!("'{}/GET'", cached.path.trim_end_matches('/')), value.clone()))
        .collect()
}
