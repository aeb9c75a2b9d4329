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
//! certificate in us-east-1. Where a resource policy looks at who calls: it would see CloudFront. Where an integration may take
//! longer than CloudFront waits. Where the API is built inside
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

use super::distribution::{Front, add_distribution};
use crate::detect::{Findings, Match};
use crate::fixes::api::{has_domain, is_edge_by_choice, is_open_url, is_public, says};
use crate::fixes::security::api_methods::{Added, arguments, calls};
use crate::fixes::security::bucket::is_built_by_its_class;
use crate::model::{Model, Prop, Site};
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

/// Whether an integration of a REST API is given more time than the 29 seconds that API Gateway has by itself, or may be.
fn waits_longer<'a>(model: &Model<'a>, api: &Site<'a>) -> bool {
    let seconds = |time: Syn<'a>| {
        let name = time.field("function").and_then(|callee| model.cdk_name(callee))?;
        let number: u32 = time.field("arguments")?.first()?.text().parse().ok()?;
        match name.as_str() {
            "Duration.millis" => Some(number.div_ceil(1000)),
            "Duration.seconds" => Some(number),
            _ => None,
        }
    };
    let slow = |site: &Site<'a>| {
        let time = site.props(model).get(model, "timeout").value();
        time.is_some_and(|time| seconds(time).is_none_or(|seconds| seconds > 30))
    };
    let own = model.builds(api, "aws_apigateway.LambdaRestApi")
        && api.props(model).get(model, "integrationOptions").value().is_some_and(|options| {
            model
                .props_of(options)
                .get(model, "timeout")
                .value()
                .is_some_and(|time| seconds(time).is_none_or(|s| s > 30))
        });
    own || model
        .all_sites()
        .any(|site| model.builds(&site, "aws_apigateway.LambdaIntegration") && slow(&site))
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
    if matches!(front, Front::Rest(_)) && waits_longer(model, api) {
        return Some((
            "an integration of it may take longer than the 30 seconds that CloudFront waits by itself",
            "have the quota of the origin's response timeout raised, then add a distribution with that readTimeout",
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
