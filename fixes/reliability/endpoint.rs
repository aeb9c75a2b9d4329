//! Part of 2.2: what clients call from outside, and by which address.

use super::health_route::{Route, in_handler, route};
use crate::detect::{Match, Refusal};
use crate::edit::{Builder, no_fix};
use crate::fixes::api::{call_name, is_http, is_open_url, is_public, is_unless_told, own_name, spoken};
use crate::fixes::scaling::owner;
use crate::fixes::security::bucket::is_built_by_its_class;
use crate::fixes::security::named;
use crate::model::{Model, Prop, Props, Site};
use crate::syntax::Syn;

/// What it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Rest,
    Http,
    /// The URL of a function.
    Url,
    Balancer,
    /// A service of `aws_ecs_patterns` with a balancer of its own.
    Pattern,
    Distribution,
}

const BALANCER: &str = "aws_elasticloadbalancingv2.ApplicationLoadBalancer";
const PATTERN: &str = "aws_ecs_patterns.ApplicationLoadBalancedServiceBase";
const DISTRIBUTION: &str = "aws_cloudfront.Distribution";
/// Props by which a pattern answers elsewhere than at port 80 of its own balancer.
const ELSEWHERE: [&str; 7] = [
    "certificate",
    "domainName",
    "protocol",
    "redirectHTTP",
    "listenerPort",
    "loadBalancer",
    "protocolVersion",
];

/// What clients call.
#[derive(Clone)]
pub(super) struct Endpoint<'a> {
    pub kind: Kind,
    /// The expression that builds it.
    pub node: Syn<'a>,
    /// The construct that it is, or that it belongs to: the function of a URL.
    pub owner: Site<'a>,
}

/// Whether a construct is called from outside, as far as its class tells.
pub(super) fn is_endpoint<'a>(model: &Model<'a>, site: &Site<'a>) -> bool {
    let classes = ["aws_apigateway.RestApiBase", "aws_lambda.FunctionUrl", BALANCER, PATTERN, DISTRIBUTION];
    is_http(site) || classes.iter().any(|class| model.builds(site, class))
}

impl<'a> Endpoint<'a> {
    /// What was matched, if the internet reaches it.
    pub(super) fn of(m: &Match<'_, 'a>) -> Option<Self> {
        let model = m.model;
        let at = |kind: Kind, owner: Site<'a>| Self { kind, node: owner.node, owner };
        if let Some(api) = m.site("api") {
            let kind = if is_http(&api) { Kind::Http } else { Kind::Rest };
            return (!is_built_by_its_class(&api) && answers(model, &api)).then(|| at(kind, api));
        }
        if let Some(url) = m.site("url") {
            return is_open_url(model, url.props(model).get(model, "authType")).then(|| at(Kind::Url, url));
        }
        if let Some(call) = m.node("added") {
            let owner = model.invoked_function(call.field("function")?.field("object")?)?;
            let options = call.field("arguments")?.first().map(|options| model.props_of(options))?;
            let open = is_open_url(model, options.get(model, "authType"));
            return open.then_some(Self { kind: Kind::Url, node: call, owner });
        }
        if let Some(balancer) = m.site("balancer") {
            let open = listeners(model, &balancer).iter().all(|props| is_unless_told(model, props, "open"));
            return (open && !is_built_by_its_class(&balancer)).then(|| at(Kind::Balancer, balancer));
        }
        if let Some(service) = m.site("pattern") {
            let props = service.props(model);
            let open =
                ["publicLoadBalancer", "openListener"].iter().all(|name| is_unless_told(model, &props, name));
            return (open && !is_built_by_its_class(&service)).then(|| at(Kind::Pattern, service));
        }
        // What stands behind a distribution is looked at itself.
        let distribution = m.site("distribution").filter(|site| !is_built_by_its_class(site))?;
        if !lets_all_in(model, &distribution) {
            return None;
        }
        let others = || model.all_sites().filter(|site| site.node != distribution.node);
        let alone = !others().any(|site| is_endpoint(model, &site))
            && model.method_calls("addFunctionUrl").next().is_none();
        alone.then(|| at(Kind::Distribution, distribution))
    }

    /// How it is called in a message.
    pub(super) fn spoken(&self) -> String {
        let label = self.owner.label();
        match self.kind {
            Kind::Url if self.owner.node != self.node => format!("the URL of {label}"),
            Kind::Rest | Kind::Http => spoken(&self.owner),
            _ if label.contains("${") => format!("the {}", self.noun().to_lowercase()),
            _ => label,
        }
    }

    /// What it is to its clients.
    pub(super) const fn noun(&self) -> &'static str {
        match self.kind {
            Kind::Rest | Kind::Http => "API",
            Kind::Url => "function",
            Kind::Balancer | Kind::Pattern => "service",
            Kind::Distribution => "site",
        }
    }

    /// The path that answers when it is well, where the app tells.
    pub(super) fn route(&self, model: &Model<'a>) -> Option<Route> {
        match self.kind {
            Kind::Rest | Kind::Http => route(model, &self.owner),
            Kind::Url => {
                let function = match self.owner.props(model).get(model, "function").value() {
                    Some(function) if self.owner.node == self.node => model.invoked_function(function)?,
                    _ => self.owner.clone(),
                };
                in_handler(model, &function)
            }
            Kind::Balancer | Kind::Pattern => balanced_route(model, &self.owner),
            Kind::Distribution => {
                let root = self.owner.props(model).get(model, "defaultRootObject").value()?;
                let named = root.is("string") && root.text().len() > 2;
                named.then(|| Route { path: String::new(), open: true })
            }
        }
    }

    /// Whether the app itself asks a path whether it is well: no answer of a person knows better.
    pub(super) fn is_checked_at(&self, route: &Route) -> bool {
        matches!(self.kind, Kind::Balancer | Kind::Pattern) && !route.path.is_empty()
    }

    /// Why its address cannot be told, where it cannot.
    pub(super) fn hidden(&self, model: &Model<'a>) -> bool {
        match self.kind {
            Kind::Balancer => !listens_plainly(model, &self.owner),
            Kind::Pattern => {
                let props = self.owner.props(model);
                ELSEWHERE.iter().any(|name| props.get(model, name) != Prop::Absent)
            }
            _ => false,
        }
    }

    /// What it is called behind its statement; one that has no name gets one.
    ///
    /// # Errors
    /// A [`Refusal`] where no statement can follow it.
    pub(super) fn name(&self, b: &mut Builder<'_, 'a>, statement: Syn<'a>) -> Result<String, Refusal> {
        let name = match self.kind {
            Kind::Rest | Kind::Http => return own_name(b, &self.owner, statement),
            Kind::Url if self.node != self.owner.node => call_name(b, self.node, "functionUrl"),
            Kind::Url => named(b, &self.owner, statement, "url"),
            Kind::Balancer => named(b, &self.owner, statement, "balancer"),
            Kind::Pattern => named(b, &self.owner, statement, "service"),
            Kind::Distribution => named(b, &self.owner, statement, "distribution"),
        };
        name.ok_or_else(|| {
            no_fix(
                "it is built inside another expression, where no statement can follow it",
                "keep it in a variable of its own, then run again",
            )
        })
    }

    /// Its address with a path, as the inside of a template literal.
    pub(super) fn url(&self, name: &str, path: &str) -> String {
        match self.kind {
            Kind::Rest | Kind::Url => format!("${{{name}.url}}{path}"),
            Kind::Http => format!("${{{name}.apiEndpoint}}/{path}"),
            Kind::Balancer => format!("http://${{{name}.loadBalancerDnsName}}/{path}"),
            Kind::Pattern => format!("http://${{{name}.loadBalancer.loadBalancerDnsName}}/{path}"),
            Kind::Distribution => format!("https://${{{name}.distributionDomainName}}/{path}"),
        }
    }
}

/// Whether an API answers the internet at an address that the CDK knows.
fn answers<'a>(model: &Model<'a>, api: &Site<'a>) -> bool {
    let props = api.props(model);
    if props.get(model, "disableExecuteApiEndpoint") != Prop::Absent {
        return false;
    }
    if !is_http(api) {
        return is_public(model, api);
    }
    is_unless_told(model, &props, "createDefaultStage")
}

/// Whether a distribution answers whoever asks, as far as its props tell.
fn lets_all_in<'a>(model: &Model<'a>, distribution: &Site<'a>) -> bool {
    let props = distribution.props(model);
    let behavior = props.get(model, "defaultBehavior").value().map(|behavior| model.props_of(behavior));
    is_unless_told(model, &props, "enabled")
        && props.get(model, "geoRestriction") == Prop::Absent
        && behavior.is_some_and(|behavior| {
            // A function in front may ask for a password.
            let guards = ["trustedKeyGroups", "edgeLambdas", "functionAssociations"];
            guards.iter().all(|name| behavior.get(model, name) == Prop::Absent)
        })
}

/// The options of the listeners that are added to a balancer.
fn listeners<'a>(model: &Model<'a>, balancer: &Site<'a>) -> Vec<Props<'a>> {
    let calls = model.method_calls("addListener").filter(|call| owner(model, *call) == Some(balancer.node));
    calls
        .map(|call| {
            let options = call.field("arguments").and_then(|list| list.children().nth(1));
            options.map_or(Props::EMPTY, |options| model.props_of(options))
        })
        .collect()
}

/// Whether a balancer answers HTTP at port 80, and nothing else: with a certificate it answers to a name that is told elsewhere.
fn listens_plainly<'a>(model: &Model<'a>, balancer: &Site<'a>) -> bool {
    let plain = |props: &Props<'a>| {
        let port = props.get(model, "port").value().is_some_and(|port| port.text() == "80");
        let silent = ["certificates", "sslPolicy", "defaultAction"];
        port && silent.iter().all(|name| props.get(model, name) == Prop::Absent)
    };
    let redirects = model.method_calls("addRedirect").any(|call| owner(model, call) == Some(balancer.node));
    let listeners = listeners(model, balancer);
    !redirects && !listeners.is_empty() && listeners.iter().all(plain)
}

/// The path by which balancers of the app see whether their targets are well; `/`, where none says another.
fn balanced_route<'a>(model: &Model<'a>, owner_of_it: &Site<'a>) -> Option<Route> {
    // A function answers what it likes, and is asked for nothing by itself.
    if model.app_builds("aws_elasticloadbalancingv2_targets.LambdaTarget") {
        return None;
    }
    let mut checks = Vec::new();
    let option = |call: Syn<'a>, at: usize| call.field("arguments").and_then(|list| list.children().nth(at));
    for call in model.method_calls("addTargets") {
        checks.push(model.props_of(option(call, 1)?).get(model, "healthCheck"));
    }
    for group in model
        .all_sites()
        .filter(|site| model.builds(site, "aws_elasticloadbalancingv2.ApplicationTargetGroup"))
    {
        checks.push(group.props(model).get(model, "healthCheck"));
    }
    let mut objects = Vec::new();
    for check in checks {
        match check {
            Prop::Absent => {}
            Prop::Present(entry) => objects.push(entry.value),
            Prop::Unknown => return None,
        }
    }
    for call in model.method_calls("configureHealthCheck") {
        let of =
            call.field("function")?.field("object")?.field("object").and_then(|group| model.origin(group));
        if of.is_none_or(|site| site.node == owner_of_it.node || !model.builds(&site, PATTERN)) {
            objects.push(option(call, 0)?);
        }
    }
    let mut paths = Vec::new();
    for object in objects {
        let props = model.props_of(object);
        // Another status than 200 may be the healthy one.
        if props.get(model, "healthyHttpCodes") != Prop::Absent || props.get(model, "enabled") != Prop::Absent
        {
            return None;
        }
        match props.get(model, "path") {
            Prop::Absent => paths.push(String::new()),
            Prop::Present(entry) if entry.value.is("string") => {
                paths.push(entry.value.text().trim_matches(['\'', '"']).trim_start_matches('/').to_owned());
            }
            _ => return None,
        }
    }
    paths.dedup();
    match paths.as_slice() {
        [] => Some(Route { path: String::new(), open: true }),
        [path] => Some(Route { path: path.clone(), open: true }),
        _ => None,
    }
}
