//! The routes of a REST API: which methods it has, and which of them takes a request.

use crate::fixes::security::api_methods::{Added, arguments, calls, path_of};
use crate::model::{Model, Prop, Site};
use crate::syntax::Syn;

/// What hands a request to a function.
pub(crate) const LAMBDA: &str = "aws_apigateway.LambdaIntegration";

/// One method of the API.
#[derive(Clone)]
pub(crate) struct Method<'a> {
    /// The call that adds it.
    pub added: Added<'a>,
    /// Empty where it cannot be told.
    pub path: String,
    verb: &'a str,
}

/// The methods of the API, and the calls that add catch-all resources.
pub(crate) struct Methods<'a> {
    /// Every method whose call is in sight.
    pub all: Vec<Method<'a>>,
    proxies: Vec<Added<'a>>,
    /// Whether its class adds a catch-all route by itself.
    pub proxies_all: bool,
}

/// A route that serves whatever has no route of its own.
pub(crate) struct CatchAll<'a> {
    /// The path below which it serves.
    pub parent: String,
    /// The resource of that path, as it is written.
    pub resource: String,
    /// What answers, where it is not the API's default.
    pub integration: Option<Syn<'a>>,
    /// Options of its method, without its parameters.
    pub options: Vec<String>,
    /// The statement that completes it.
    pub statement: Syn<'a>,
}

impl<'a> Methods<'a> {
    /// `None` where it cannot be told which API a method belongs to.
    pub(crate) fn of(model: &Model<'a>, api: &Site<'a>) -> Option<Self> {
        let mut all = Vec::new();
        for added in calls(model, api, "addMethod")? {
            let verb = arguments(added.call).first().copied()?;
            let verb = match verb.kind() {
                "string" => verb.text().trim_matches(['\'', '"']),
                _ => verb.field("property").filter(|_| model.cdk_name(verb).is_some())?.text(),
            };
            all.push(Method { added, path: path_of(model, added.receiver).unwrap_or_default(), verb });
        }
        let proxies = calls(model, api, "addProxy")?;
        let proxies_all = model.builds(api, "aws_apigateway.LambdaRestApi")
            && api.props(model).get(model, "proxy").value().is_none_or(|value| value.text() != "false");
        Some(Self { all, proxies, proxies_all })
    }

    /// Whether a path has a GET of its own.
    pub(crate) fn has_get(&self, path: &str) -> bool {
        self.all.iter().any(|method| method.path == path && method.verb == "GET")
    }

    /// Whether a GET can reach anything.
    pub(crate) fn can_be_read(&self) -> bool {
        self.proxies_all
            || !self.proxies.is_empty()
            || self.all.iter().any(|method| matches!(method.verb, "GET" | "ANY"))
    }

    /// Whether a GET of a path reaches something.
    pub(crate) fn serve(&self, model: &Model<'a>, path: &str) -> bool {
        self.at(path, "GET").or_else(|| self.at(path, "ANY")).is_some()
            || self.catch_all(model, path).is_some()
    }

    /// Whether a GET of a path, without parameters, may reach something: `false` only where every way into the API is known, and
    /// none takes it.
    pub(crate) fn may_answer(&self, path: &str) -> bool {
        let unknown = self.all.is_empty() || self.all.iter().any(|method| method.path.is_empty());
        let reads = |method: &&Method<'a>| matches!(method.verb, "GET" | "ANY");
        unknown
            || self.proxies_all
            || !self.proxies.is_empty()
            || self.all.iter().filter(reads).any(|method| takes(&method.path, path))
    }

    /// GET methods whose path has a parameter and whose Lambda integration names no key.
    pub(crate) fn without_key(&self, model: &Model<'a>) -> Vec<Method<'a>> {
        let lacks = |method: &&Method<'a>| {
            let integration =
                arguments(method.added.call).get(1).and_then(|integration| model.origin(*integration));
            integration.is_some_and(|site| {
                model.builds(&site, LAMBDA)
                    && site.props(model).get(model, "cacheKeyParameters") == Prop::Absent
            })
        };
        self.all
            .iter()
            .filter(|method| method.verb == "GET" && method.path.contains('{'))
            .filter(lacks)
            .cloned()
            .collect()
    }

    /// Whether a resource beside a path has a parameter, or a catch-all, for its last part.
    pub(crate) fn has_variable(&self, model: &Model<'a>, api: &Site<'a>, path: &str) -> bool {
        let parent = |path: &str| path.rsplit_once('/').map(|(parent, _)| parent.to_owned());
        let beside = |other: &str| {
            parent(other) == parent(path)
                && other.rsplit('/').next().is_some_and(|last| last.starts_with('{'))
        };
        let added = calls(model, api, "addResource").into_iter().flatten().map(|added| added.call);
        let proxies = self.proxies.iter().map(|proxy| proxy.call);
        added.chain(proxies).filter_map(|call| path_of(model, call)).any(|other| beside(&other))
    }

    /// The method of a path and a verb.
    pub(crate) fn at(&self, path: &str, verb: &str) -> Option<&Method<'a>> {
        self.all.iter().find(|method| method.path == path && method.verb == verb)
    }

    /// The catch-all that serves a path so far: the nearest.
    pub(crate) fn catch_all(&self, model: &Model<'a>, path: &str) -> Option<CatchAll<'a>> {
        let mut found: Vec<CatchAll<'a>> = self
            .proxies
            .iter()
            .filter_map(|proxy| self.catch_all_of(model, proxy))
            .filter(|all| path.starts_with(&format!("{}/", all.parent.trim_end_matches('/'))))
            .collect();
        found.sort_by_key(|all| all.parent.len());
        found.pop()
    }

    fn catch_all_of(&self, model: &Model<'a>, proxy: &Added<'a>) -> Option<CatchAll<'a>> {
        let parent = path_of(model, proxy.receiver)?;
        let given = arguments(proxy.call).first().map(|options| model.props_of(*options));
        let get = |name: &str| given.as_ref().and_then(|given| given.get(model, name).value());
        if get("defaultCorsPreflightOptions").is_some() {
            return None;
        }
        let resource = proxy.receiver.text().to_owned();
        let own = format!("{}/{{proxy+}}", parent.trim_end_matches('/'));
        let (integration, options, call) = match self.at(&own, "ANY").or_else(|| self.at(&own, "GET")) {
            Some(method) => {
                let given = arguments(method.added.call);
                let integration = given.get(1).copied().filter(|node| node.text() != "undefined");
                (integration.or_else(|| get("defaultIntegration")), given.get(2).copied(), method.added.call)
            }
            None => (get("defaultIntegration"), get("defaultMethodOptions"), proxy.call),
        };
        let options = match options {
            None => Vec::new(),
            Some(options) if options.is("object") => entries_but(options, "requestParameters"),
            Some(_) => return None,
        };
        let statement = crate::model::statement_of(call)?;
        Some(CatchAll { parent, resource, integration, options, statement })
    }
}

/// The entries of an object as they are written, without one.
pub(crate) fn entries_but(object: Syn<'_>, name: &str) -> Vec<String> {
    object
        .children()
        .filter(|entry| crate::model::props::key_of(*entry) != Some(name) && !entry.is("comment"))
        .map(|entry| entry.text().to_owned())
        .collect()
}

/// Whether a route, as API Gateway writes it, takes a path.
fn takes(route: &str, path: &str) -> bool {
    let (mut route, mut path) = (route.split('/'), path.split('/'));
    loop {
        match (route.next(), path.next()) {
            (Some(part), Some(_)) if part.ends_with("+}") => return true,
            (Some(part), Some(own)) if part == own || part.starts_with('{') => {}
            (None, None) => return true,
            _ => return false,
        }
    }
}

/// Whether a GET of a path may reach something in an HTTP API: `false` only where every route is known, and none takes it.
pub(crate) fn http_may_answer<'a>(model: &Model<'a>, api: &Site<'a>, path: &str) -> bool {
    let elsewhere = [".HttpRoute", ".CfnRoute"];
    let others = || model.all_sites().any(|site| elsewhere.iter().any(|end| site.class.ends_with(end)));
    let reads = |options: Syn<'a>| -> Option<bool> {
        let options = model.props_of(options);
        let route = options.get(model, "path").value().filter(|route| route.is("string"))?;
        let read = match options.get(model, "methods") {
            Prop::Absent => true,
            Prop::Present(entry) => {
                let list = model.array(entry.value)?;
                let verb = |verb: Syn<'a>| ["GET", "ANY"].iter().any(|name| verb.text().ends_with(name));
                list.children().any(|each| verb(each) || model.cdk_name(each).is_none())
            }
            Prop::Unknown => return None,
        };
        Some(read && takes(route.text().trim_matches(['\'', '"']), path))
    };
    if api.props(model).get(model, "defaultIntegration") != Prop::Absent || others() {
        return true;
    }
    let mut known = false;
    for call in model.method_calls("addRoutes") {
        let receiver = call.field("function").and_then(|function| function.field("object"));
        match receiver.and_then(|receiver| model.origin(receiver)) {
            Some(owner) if owner.node != api.node => continue,
            Some(_) => known = true,
            None => return true,
        }
        if arguments(call).first().and_then(|options| reads(*options)).unwrap_or(true) {
            return true;
        }
    }
    !known
}
