//! # 3.4 API without CloudFront in front
//!
//! ## What is wrong
//! Clients everywhere talk to the API in its own region: every request crosses the open internet to it, and an answer that is
//! the same for all is computed each time. A flood of requests meets the API itself.
//!
//! ## What the fix does
//! It puts a CloudFront distribution in front. Clients connect to the nearest edge; the edge keeps an answer only where
//! the API's own `Cache-Control` allows it, apart for each query, cookie, `Authorization` and `Origin`, and for headers by which
//! an authorizer of the app knows its callers. An edge-optimised REST API becomes regional: it would have a second CloudFront. The
//! distribution's address becomes an output; the API's own address keeps working.
//!
//! ## Before
//! ```ts
//! import * as cdk from 'aws-cdk-lib';
//! import * as apigateway from 'aws-cdk-lib/aws-apigateway';
//! import { Construct } from 'constructs';
//!
//! export class ApiStack extends cdk.Stack {
//!   constructor(scope: Construct, id: string) {
//!     super(scope, id);
//!
//!     const api = new apigateway.RestApi(this, 'Api');
//!     api.root.addMethod('GET', new apigateway.MockIntegration());
//!   }
//! }
//! ```
//!
//! ## After
//! ```ts
//! import * as cdk from 'aws-cdk-lib';
//! import * as apigateway from 'aws-cdk-lib/aws-apigateway';
//! import * as cloudfront from 'aws-cdk-lib/aws-cloudfront';
//! import * as origins from 'aws-cdk-lib/aws-cloudfront-origins';
//! import { Construct } from 'constructs';
//!
//! export class ApiStack extends cdk.Stack {
//!   constructor(scope: Construct, id: string) {
//!     super(scope, id);
//!
//!     const api = new apigateway.RestApi(this, 'Api', {
//!       endpointConfiguration: {
//!         types: [apigateway.EndpointType.REGIONAL],
//!       },
//!     });
//!
//!     // The edge keeps an answer only where its Cache-Control allows that
//!     const distribution = new cloudfront.Distribution(this, 'ApiDistribution', {
//!       httpVersion: cloudfront.HttpVersion.HTTP2_AND_3,
//!       defaultBehavior: {
//!         origin: new origins.RestApiOrigin(api),
//!         viewerProtocolPolicy: cloudfront.ViewerProtocolPolicy.HTTPS_ONLY,
//!         allowedMethods: cloudfront.AllowedMethods.ALLOW_ALL,
//!         cachePolicy: new cloudfront.CachePolicy(this, 'ApiCachePolicy', {
//!           minTtl: cdk.Duration.seconds(0),
//!           defaultTtl: cdk.Duration.seconds(0),
//!           maxTtl: cdk.Duration.days(1),
//!           headerBehavior: cloudfront.CacheHeaderBehavior.allowList(
//!             'Authorization',
//!             'Origin'
//!           ),
//!           queryStringBehavior: cloudfront.CacheQueryStringBehavior.all(),
//!           cookieBehavior: cloudfront.CacheCookieBehavior.all(),
//!           enableAcceptEncodingGzip: true,
//!           enableAcceptEncodingBrotli: true,
//!         }),
//!         originRequestPolicy:
//!           cloudfront.OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER,
//!       },
//!     });
//!
//!     new cdk.CfnOutput(this, 'ApiDistributionUrl', {
//!       value: `https://${distribution.distributionDomainName}/`,
//!       description: 'Address of the API through CloudFront',
//!     });
//!
//!     api.root.addMethod('GET', new apigateway.MockIntegration());
//!   }
//! }
//! ```
//!
//! ## When it stays silent
//! For private APIs, WebSocket APIs and imported ones; where a distribution of the app has the API, or something that cannot be
//! followed, as its origin; where callers sign their requests (IAM), because a signature holds the API's own host name; where the API's own address is
//! switched off, so that something else must stand in front; where Global Accelerator or a construct of another package does.
//!
//! ## When it refuses
//! Where clients reach the API by a domain name of its own: the distribution has to take over the name, with a
//! certificate in us-east-1. Where a resource policy looks at who calls: it would see CloudFront. Where the API is built inside
//! another expression, has no default stage, or is held in a field whose type is an interface.
//!
//! ## What to know before deploying
//! Nobody gains until clients use the new address. CloudFront bills by request and traffic, and takes some minutes to
//! deploy; it waits 30 seconds for an answer. The API can still be called directly: only a web ACL, or a secret header that it checks, changes that. A limit for each
//! address in a web ACL of the API (1.8) counts CloudFront's addresses from then on: move the ACL to the distribution, or raise
//! the limit. An answer is kept only where the API sends `Cache-Control` with it: `no-store` stays the right one for `/health`.
//!
//! ## Other checkers
//! None asks for CloudFront. cdk-nag has new ones on the distribution: `AwsSolutions-CFR1` (regions), `AwsSolutions-CFR2` (web
//! ACL), `AwsSolutions-CFR3` (access log; the API writes one, see 1.9), `AwsSolutions-CFR4` (only a certificate of your own can
//! demand newer TLS), and cfn-lint none.
//! Checkov wants a web ACL, access logs and a domain's own certificate on the distribution: `CKV_AWS_68`, `CKV_AWS_86`, `CKV_AWS_174`.

use std::collections::BTreeSet;

use crate::detect::{Findings, Match, Refusal};
use crate::edit::{Builder, no_fix};
use crate::fixes::api::{has_domain, is_edge_by_choice, is_public, make_regional, says};
use crate::fixes::security::api_methods::{Added, arguments, calls};
use crate::fixes::security::bucket::is_built_by_its_class;
use crate::fixes::security::named;
use crate::model::meaning::words;
use crate::model::{Binding, Model, Prop, Release, Site};
use crate::rule::{Impact, Meta, Pillar, Rule, Tier};
use crate::syntax::Syn;

/// The rule.
pub const RULE: Rule = Rule { meta: &META, check };

const META: Meta = Meta {
    id: "3.4",
    also: &[],
    name: "api-without-cloudfront",
    title: "API without CloudFront in front",
    pillar: Pillar::Performance,
    impact: Impact::Medium,
    tier: Tier::Review,
    practice: "PERF04-BP06",
    clears: &[],
    raises: &[],
    asks: &[],
    // Behind 1.3, whose authorizer and origins belong into the cache's key, and behind 3.2: the API's own cache comes first.
    order: 470,
    source: include_str!("wa_3_4_no_cloudfront.rs"),
    query: include_str!("../../queries/performance/wa_3_4_no_cloudfront.scm"),
};

/// `OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER` by its id, which is the same in every account.
const EXCEPT_HOST: &str = "b689b0a8-53d0-40ab-baf2-68738e2966ac";
/// A release whose `RestApiOrigin` is known to take every REST API, also one made of an OpenAPI document.
const ANY_REST_API: Release = Release { major: 2, minor: 204, patch: 0 };
/// CloudFront takes no more headers into a key.
const MOST_HEADERS: usize = 10;

/// What stands open to the internet.
#[derive(Clone)]
enum Front<'a> {
    Rest(Site<'a>),
    Http(Site<'a>),
    /// A function's URL, as a construct or added by a method.
    Url(Syn<'a>, Option<Site<'a>>),
}

impl<'a> Front<'a> {
    fn node(&self) -> Syn<'a> {
        match self {
            Self::Rest(site) | Self::Http(site) => site.node,
            Self::Url(node, _) => *node,
        }
    }

    fn site(&self) -> Option<&Site<'a>> {
        match self {
            Self::Rest(site) | Self::Http(site) => Some(site),
            Self::Url(_, site) => site.as_ref(),
        }
    }
}

fn check<'a>(m: &Match<'_, 'a>, out: &mut Findings<'a>) -> Option<()> {
    let model = m.model;
    let (front, label) = front(m)?;
    if is_fronted(model, front.node()) {
        return None;
    }
    let edge = matches!(&front, Front::Rest(api) if is_edge_by_choice(model, api));
    let reads = is_read(model, &front);
    let endpoint = if edge {
        " Its endpoint becomes regional: two CloudFronts in a row would only cost time."
    } else {
        ""
    };
    let (lost, kept) = if reads {
        (
            "distant clients wait longer, and no answer is kept near them",
            "which keeps only what Cache-Control allows",
        )
    } else {
        (
            "distant clients wait longer for each request",
            "which shortens the way; without a GET there is nothing to keep",
        )
    };
    let subject = label.strip_prefix("the ").map_or_else(|| label.clone(), |rest| format!("The {rest}"));
    let message = format!(
        "{subject} is called in its own region from everywhere: {lost}. The fix puts CloudFront in front, {kept}.{endpoint} Clients gain \
         once they use the new address; CloudFront bills by request and traffic."
    );
    let usual = reads && !edge && !matches!(front, Front::Url(..));
    let impact = if usual { Impact::Medium } else { Impact::Low };
    let candidate = out.report(&META, model, front.node(), message);
    candidate.impact(impact);
    if let Some((why, next)) = obstacle(model, &front) {
        candidate.refuse(why, next);
        return Some(());
    }
    candidate.fix(format!("Put CloudFront in front of {label}"), move |b| add_distribution(b, &front));
    Some(())
}

/// What was matched, if the internet reaches it and its callers do not sign, and its name.
fn front<'a>(m: &Match<'_, 'a>) -> Option<(Front<'a>, String)> {
    let model = m.model;
    if let Some(api) = m.site("rest") {
        let own = is_built_by_its_class(&api) || model.builds(&api, "aws_apigateway.StepFunctionsRestApi");
        let open = is_public(model, &api) && !is_switched_off(model, &api) && !signs(model);
        let label = api.label();
        return (!own && open).then_some((Front::Rest(api), label));
    }
    if let Some(api) = m.site("http") {
        let open = !is_built_by_its_class(&api) && !is_switched_off(model, &api) && !signs(model);
        let label = api.label();
        return open.then_some((Front::Http(api), label));
    }
    if let Some(url) = m.site("url") {
        let label = url.label();
        is_open_url(model, url.props(model).get(model, "authType")).then_some(())?;
        return Some((Front::Url(url.node, Some(url)), label));
    }
    let call = m.node("added")?;
    let function = model.invoked_function(call.field("function")?.field("object")?)?;
    let options = call.field("arguments")?.first().map(|options| model.props_of(options))?;
    is_open_url(model, options.get(model, "authType")).then_some(())?;
    Some((Front::Url(call, None), format!("the URL of {}", function.label())))
}

/// A URL asks for a signature, unless it says otherwise.
fn is_open_url<'a>(model: &Model<'a>, kind: Prop<'a>) -> bool {
    let kind = kind.value().and_then(|kind| model.cdk_name(kind));
    kind.as_deref() == Some("aws_lambda.FunctionUrlAuthType.NONE")
}

fn is_switched_off<'a>(model: &Model<'a>, api: &Site<'a>) -> bool {
    match api.props(model).get(model, "disableExecuteApiEndpoint") {
        Prop::Absent => false,
        Prop::Present(entry) => entry.value.text() != "false",
        Prop::Unknown => true,
    }
}

/// Whether a client may read something: unless every method or route that can be told only writes.
fn is_read<'a>(model: &Model<'a>, front: &Front<'a>) -> bool {
    const READS: [&str; 4] = ["GET", "ANY", "HEAD", "'*'"];
    let reads = |text: &str| READS.iter().any(|verb| text.contains(verb));
    match front {
        Front::Rest(api) => {
            let methods = calls(model, api, "addMethod").filter(|methods| !methods.is_empty());
            let proxies = calls(model, api, "addProxy").is_none_or(|proxies| !proxies.is_empty());
            let verb = |method: &Added<'a>| {
                arguments(method.call).first().is_none_or(|verb| !verb.is("string") || reads(verb.text()))
            };
            proxies || methods.is_none_or(|methods| methods.iter().any(verb))
        }
        Front::Http(api) => {
            let routes: Vec<Syn<'a>> = model.method_calls("addRoutes").collect();
            let open = |route: &Syn<'a>| reads(route.text()) || !route.text().contains("methods");
            let fallback = api.props(model).get(model, "defaultIntegration") != Prop::Absent;
            fallback || routes.is_empty() || routes.iter().any(open)
        }
        Front::Url(..) => true,
    }
}

/// Whether callers of the app's APIs sign their requests.
fn signs(model: &Model<'_>) -> bool {
    says(model, "HttpIamAuthorizer")
        || model
            .cdk_files()
            .any(|file| ["AuthorizationType.IAM", "AWS_IAM"].iter().any(|text| file.text.contains(text)))
}

/// Whether a distribution has it as its origin, or may.
pub(super) fn is_fronted<'a>(model: &Model<'a>, node: Syn<'a>) -> bool {
    let origins = ["aws_cloudfront_origins.RestApiOrigin", "aws_cloudfront_origins.FunctionUrlOrigin"];
    let named =
        model.all_sites().filter(|site| origins.iter().any(|class| model.builds(site, class))).any(|site| {
            let Some(of) = site.arguments.first() else { return true };
            match (model.origin(*of), model.meaning(*of)) {
                (Some(api), _) => api.node == node,
                (None, Some(crate::model::Meaning::Value(value))) if value.is("call_expression") => {
                    value == node
                }
                _ => true,
            }
        });
    let package = |module: &str| {
        !module.starts_with('.')
            && !module.starts_with("aws-cdk-lib")
            && !module.starts_with("@aws-cdk/")
            && module.contains("cloudfront")
    };
    let elsewhere = ["HttpOrigin", "customOriginSource", "customOriginConfig", "withOriginAccessControl"];
    named
        || elsewhere.iter().any(|word| says(model, word))
        || model.app_builds("aws_cloudfront.CfnDistribution")
        || model
            .cdk_files()
            .any(|file| model.imports(file).imports.iter().any(|import| package(import.module)))
}

/// Why no distribution can be put in front without a person, and what to do.
fn obstacle<'a>(model: &Model<'a>, front: &Front<'a>) -> Option<(&'static str, &'static str)> {
    let api = match front {
        Front::Rest(api) | Front::Http(api) => api,
        Front::Url(..) => return None,
    };
    let props = api.props(model);
    if has_domain(model, api) {
        return Some((
            "clients reach the API by a domain name, which a distribution has to take over with a certificate in us-east-1",
            "add a distribution with that name and certificate, and point the name to it",
        ));
    }
    if props.get(model, "policy") != Prop::Absent {
        return Some((
            "its resource policy looks at who calls, and would see CloudFront instead",
            "let the policy admit CloudFront, then add a distribution",
        ));
    }
    if matches!(front, Front::Http(_)) && props.get(model, "createDefaultStage") != Prop::Absent {
        return Some((
            "it has no default stage, and the path of its stage is not known",
            "add a distribution whose origin path is the stage",
        ));
    }
    None
}

fn add_distribution<'a>(b: &mut Builder<'_, 'a>, front: &Front<'a>) -> Result<(), Refusal> {
    let at = front.node();
    let statement = b.statement(at)?;
    let name = receiver(b, front, statement)?;
    if let Front::Rest(api) = front {
        make_regional(b, api)?;
    }
    let (scope, id, policy_id, output_id) = places(b, front);
    let origin = origin(b, front, &name)?;
    let class = b.cdk(at, "aws_cloudfront.Distribution")?;
    let viewer = b.cdk(at, "aws_cloudfront.ViewerProtocolPolicy")?;
    let methods = b.cdk(at, "aws_cloudfront.AllowedMethods")?;
    let policy = cache_policy(b, statement, (scope, &policy_id))?.replace('\n', "\n    ");
    let forwards = forwards(b, statement, scope, &output_id)?;
    let output = b.cdk(at, "CfnOutput")?;
    let version = if b.model.has_member("aws_cloudfront.HttpVersion", "HTTP2_AND_3") {
        format!("  httpVersion: {}.HTTP2_AND_3,\n", b.cdk(at, "aws_cloudfront.HttpVersion")?)
    } else {
        String::new()
    };
    let distribution = b.fresh_name(at.file, &["distribution", "apiDistribution"]);
    let what = if matches!(front, Front::Url(..)) { "function" } else { "API" };
    let limit = if counts_addresses(b.model) {
        "// Behind it, the web ACL's limit for each address counts addresses of the edge\n"
    } else {
        ""
    };
    b.insert_after(
        statement,
        &format!(
            "// The edge keeps an answer only where its Cache-Control allows that\n{limit}const {distribution} = new {class}({scope}, {id}, \
             {{\n{version}  defaultBehavior: {{\n    origin: {origin},\n    viewerProtocolPolicy: {viewer}.HTTPS_ONLY,\n    \
             allowedMethods: {methods}.ALLOW_ALL,\n    cachePolicy: {policy},\n    originRequestPolicy:{forwards},\n  \
             }},\n}});\n\nnew {output}({scope}, {output_id}, {{\n  value: `https://${{{distribution}.distributionDomainName}}/`,\n  \
             description: 'Address of the {what} through CloudFront',\n}});"
        ),
    );
    Ok(())
}

/// Whether a web ACL of the app has a limit for each address that calls.
fn counts_addresses(model: &Model<'_>) -> bool {
    says(model, "rateBasedStatement")
        && model.cdk_files().any(|file| file.text.contains("'IP'") || file.text.contains("\"IP\""))
}

/// The text by which the API or URL is given to an origin.
fn receiver<'a>(b: &mut Builder<'_, 'a>, front: &Front<'a>, statement: Syn<'a>) -> Result<String, Refusal> {
    let at = front.node();
    let binding = Binding::of(at);
    let interface = binding.declared_type().is_some_and(|ty| {
        let name = b.model.cdk_name(ty).unwrap_or_default();
        matches!(front, Front::Rest(_))
            && (!name.starts_with("aws_apigateway.") || name == "aws_apigateway.IRestApi")
    });
    let name = match front.site() {
        _ if interface => None,
        Some(site) => named(b, site, statement, if matches!(front, Front::Url(..)) { "url" } else { "api" }),
        None => match binding.text() {
            None if at.parent().is_some_and(|parent| parent.is("expression_statement")) => {
                let name = b.fresh_name(at.file, &["functionUrl"]);
                b.splice(at, at.start()..at.start(), &format!("const {name} = "));
                Some(name)
            }
            text => text,
        },
    };
    name.ok_or_else(|| {
        no_fix(
            "it is built inside another expression, where no statement can follow it, or its variable has another type",
            "keep it in a variable of its own, then run again",
        )
    })
}

/// The scope, and the ids of distribution, cache policy and output.
fn places<'a>(b: &mut Builder<'_, 'a>, front: &Front<'a>) -> (&'a str, String, String, String) {
    let owner = front.site().cloned().or_else(|| {
        let object = front.node().field("function")?.field("object")?;
        b.model.invoked_function(object)
    });
    let Some(owner) = owner else {
        return ("this", "'Distribution'".into(), "'CachePolicy'".into(), "'DistributionUrl'".into());
    };
    let scope = if front.node().field("function").is_some_and(|callee| callee.is("super")) {
        "this"
    } else {
        b.scope_text(&owner)
    };
    let [id, policy, output] =
        ["Distribution", "CachePolicy", "DistributionUrl"].map(|suffix| b.sibling_id(&owner, suffix));
    (scope, id, policy, output)
}

fn origin<'a>(b: &mut Builder<'_, 'a>, front: &Front<'a>, name: &str) -> Result<String, Refusal> {
    let at = front.node();
    let (class, address) = match front {
        Front::Rest(_) => ("aws_cloudfront_origins.RestApiOrigin", None),
        Front::Http(_) => ("", Some(format!("{name}.apiEndpoint"))),
        Front::Url(..) => ("aws_cloudfront_origins.FunctionUrlOrigin", Some(format!("{name}.url"))),
    };
    let takes_any = b.model.app.release.is_some_and(|release| release >= ANY_REST_API);
    let other = matches!(front, Front::Rest(api) if !b.model.builds(api, "aws_apigateway.RestApi"));
    if !class.is_empty() && b.model.has_class(class) && (takes_any || !other) {
        return Ok(format!("new {}({name})", b.cdk(at, class)?));
    }
    let Some(address) = address else {
        return Err(no_fix(
            "this release of CDK has no RestApiOrigin for this kind of API, or it is not known which release this is",
            "name a release in package.json that has it, then run again",
        ));
    };
    let (class, function) = (b.cdk(at, "aws_cloudfront_origins.HttpOrigin")?, b.cdk(at, "Fn")?);
    let host = format!("{function}.select(2, {function}.split('/', {address}))");
    let fits = b.fits(at, 2, class.len() + host.len() + 15);
    Ok(if fits { format!("new {class}({host})") } else { format!("new {class}(\n      {host}\n    )") })
}

/// What is forwarded: all but `Host`, for which API Gateway and functions answer 403.
fn forwards<'a>(b: &mut Builder<'_, 'a>, at: Syn<'a>, scope: &str, output: &str) -> Result<String, Refusal> {
    let class = b.cdk(at, "aws_cloudfront.OriginRequestPolicy")?;
    if b.model.has_member("aws_cloudfront.OriginRequestPolicy", "ALL_VIEWER_EXCEPT_HOST_HEADER") {
        let text = format!("{class}.ALL_VIEWER_EXCEPT_HOST_HEADER");
        let gap = if b.fits(at, 2, text.len() + 22) { " " } else { "\n      " };
        return Ok(format!("{gap}{text}"));
    }
    let id = output
        .replace("DistributionUrl", "OriginRequestPolicy")
        .replace("distribution-url", "origin-request-policy");
    Ok(format!(
        " {class}.fromOriginRequestPolicyId(\n      {scope},\n      {id},\n      // AllViewerExceptHostHeader, which AWS maintains\n      \
         '{EXCEPT_HOST}'\n    )"
    ))
}

/// A policy that keeps nothing by itself, and keeps apart what depends on the caller.
fn cache_policy<'a>(
    b: &mut Builder<'_, 'a>,
    at: Syn<'a>,
    (scope, id): (&str, &str),
) -> Result<String, Refusal> {
    let class = b.cdk(at, "aws_cloudfront.CachePolicy")?;
    let headers = b.cdk(at, "aws_cloudfront.CacheHeaderBehavior")?;
    let queries = b.cdk(at, "aws_cloudfront.CacheQueryStringBehavior")?;
    let cookies = b.cdk(at, "aws_cloudfront.CacheCookieBehavior")?;
    let duration = b.cdk(at, "Duration")?;
    let names: Vec<String> = caller_headers(b.model).iter().map(|name| format!("'{name}'")).collect();
    let line = names.join(", ");
    let names = if b.fits(at, 3, line.len() + headers.len() + 28) {
        line
    } else {
        format!("\n    {}\n  ", names.join(",\n    "))
    };
    Ok(format!(
        "new {class}({scope}, {id}, {{\n  minTtl: {duration}.seconds(0),\n  defaultTtl: {duration}.seconds(0),\n  maxTtl: \
         {duration}.days(1),\n  headerBehavior: {headers}.allowList({names}),\n  queryStringBehavior: {queries}.all(),\n  \
         cookieBehavior: {cookies}.all(),\n  enableAcceptEncodingGzip: true,\n  enableAcceptEncodingBrotli: true,\n}})"
    ))
}

/// The headers that answers depend on: those of every API, and those by which authorizers of the app know callers.
pub(super) fn caller_headers(model: &Model<'_>) -> Vec<String> {
    const NEVER: [&str; 5] = ["authorization", "origin", "host", "cookie", "accept-encoding"];
    let mut more: BTreeSet<String> = BTreeSet::new();
    for file in model.cdk_files() {
        if words(Syn::root(file), "apiKeyRequired").next().is_some() {
            more.insert("x-api-key".to_owned());
        }
        for mark in ["IdentitySource.header('", "IdentitySource.header(\"", "method.request.header."] {
            for rest in file.text.split(mark).skip(1) {
                let end = rest
                    .find(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_')
                    .unwrap_or(rest.len());
                more.extend(rest.get(..end).filter(|name| !name.is_empty()).map(str::to_lowercase));
            }
        }
    }
    let known = ["Authorization", "Origin"].iter().map(|name| (*name).to_owned());
    known.chain(more.into_iter().filter(|name| !NEVER.contains(&name.as_str()))).take(MOST_HEADERS).collect()
}
