//! A CloudFront distribution before what answers.

use std::collections::BTreeSet;

use crate::detect::Refusal;
use crate::edit::{Builder, no_fix};
use crate::fixes::api::{call_name, make_regional, says};
use crate::fixes::security::named;
use crate::model::meaning::words;
use crate::model::{Binding, Model, Release, Site};
use crate::syntax::Syn;

/// `OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER` by its id, which is the same in every account.
const EXCEPT_HOST: &str = "b689b0a8-53d0-40ab-baf2-68738e2966ac";
/// A release whose `RestApiOrigin` is known to take every REST API, also one made of an OpenAPI document.
const ANY_REST_API: Release = Release { major: 2, minor: 204, patch: 0 };
/// CloudFront takes no more headers into a key.
const MOST_HEADERS: usize = 10;

/// What stands open to the internet.
#[derive(Clone)]
pub(super) enum Front<'a> {
    /// A REST API.
    Rest(Site<'a>),
    /// An HTTP API.
    Http(Site<'a>),
    /// A function's URL, as a construct or added by a method.
    Url(Syn<'a>, Option<Site<'a>>),
}

impl<'a> Front<'a> {
    /// The expression.
    pub(super) fn node(&self) -> Syn<'a> {
        match self {
            Self::Rest(site) | Self::Http(site) => site.node,
            Self::Url(node, _) => *node,
        }
    }

    /// The construct, where it is one.
    pub(super) fn site(&self) -> Option<&Site<'a>> {
        match self {
            Self::Rest(site) | Self::Http(site) => Some(site),
            Self::Url(_, site) => site.as_ref(),
        }
    }
}

/// Puts a distribution in front of what answers, behind its statement.
pub(super) fn add_distribution<'a>(b: &mut Builder<'_, 'a>, front: &Front<'a>) -> Result<(), Refusal> {
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
        None => call_name(b, at, "functionUrl"),
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
