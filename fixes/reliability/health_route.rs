//! The route by which an API answers whether it is well, and who may call it.

use super::canary::Access;
use crate::fixes::api::is_http;
use crate::fixes::security::api_methods::{api_of, arguments, calls};
use crate::model::meaning::words;
use crate::model::{Meaning, Model, Prop, Site};
use crate::syntax::Syn;

/// What routes to a health check are called.
const ROUTES: [&str; 6] = ["health", "healthz", "healthcheck", "health-check", "ping", "ready"];

/// A route to a health check.
pub(super) struct Route {
    /// Its path, without the slash at its start.
    pub path: String,
    /// Whether it is known to ask its callers for nothing, whatever the API asks elsewhere.
    pub open: bool,
}

/// The route to a health check, where the API is known to have one.
pub(super) fn route<'a>(model: &Model<'a>, api: &Site<'a>) -> Option<Route> {
    routed(model, api).or_else(|| {
        let all = is_open_ended(model, api);
        let mut functions = model.all_sites().filter(|site| all && model.builds(site, "aws_lambda.Function"));
        functions.find_map(|function| {
            let behind = model.invocations(&function).iter().any(|(_, by)| is_integration(model, *by));
            if behind { in_handler(model, &function) } else { None }
        })
    })
}

/// The route to a health check that the code of a function has.
pub(super) fn in_handler<'a>(model: &Model<'a>, function: &Site<'a>) -> Option<Route> {
    let handler = model.handler(function)?;
    let known = |file: Syn<'a>, route: &&str| {
        words(file, route).any(|at| {
            let text = file.at(at).and_then(Syn::parent).filter(|text| text.is("string"));
            text.is_some_and(|text| {
                text.text().get(1..).is_some_and(|rest| rest.starts_with(&format!("/{route}")))
                    && text.text().len() == route.len() + 3
            })
        })
    };
    let roots = || handler.files.iter().map(|file| Syn::root(file));
    let route = ROUTES.iter().find(|route| roots().any(|root| known(root, route)))?;
    Some(Route { path: (*route).to_owned(), open: false })
}

fn is_integration<'a>(model: &Model<'a>, by: Syn<'a>) -> bool {
    model.site_of(by).is_some_and(|site| {
        site.class.ends_with(".LambdaIntegration")
            || site.class.ends_with(".HttpLambdaIntegration")
            || model.builds(&site, "aws_apigateway.LambdaRestApi")
    })
}

/// A route to a health check that the app itself adds to the API.
fn routed<'a>(model: &Model<'a>, api: &Site<'a>) -> Option<Route> {
    let literal = |node: Syn<'a>| {
        let text = node.text().trim_matches(['\'', '"', '`']).trim_start_matches('/');
        ROUTES.iter().find(|route| **route == text).map(|route| (*route).to_owned())
    };
    if is_http(api) {
        let guarded = api.props(model).get(model, "defaultAuthorizer") != Prop::Absent;
        let mut calls = model.method_calls("addRoutes").filter(|call| is_called_on(model, *call, api));
        return calls.find_map(|call| {
            let path =
                literal(model.props_of(arguments(call).first().copied()?).get(model, "path").value()?)?;
            Some(Route { path, open: !guarded && is_free(call, 0) })
        });
    }
    let guarded = api.props(model).get(model, "defaultMethodOptions") != Prop::Absent;
    let added = calls(model, api, "addResource")?;
    let at_root = |receiver: Syn<'a>| receiver.field("property").is_some_and(|name| name.text() == "root");
    added.into_iter().filter(|added| at_root(added.receiver)).find_map(|added| {
        let arguments = arguments(added.call);
        let path = literal(arguments.first().copied()?)?;
        let open = !guarded && arguments.len() == 1 && has_free_methods(model, added.call);
        Some(Route { path, open })
    })
}

/// Whether all methods of a resource, by the call that adds it, are free to call; it has one at least.
fn has_free_methods<'a>(model: &Model<'a>, resource: Syn<'a>) -> bool {
    let of_resource = |call: &Syn<'a>| {
        let object = call.field("function").and_then(|callee| callee.field("object"));
        object.is_some_and(|object| {
            object == resource || model.meaning(object) == Some(Meaning::Value(resource))
        })
    };
    let methods: Vec<_> = model.method_calls("addMethod").filter(of_resource).collect();
    !methods.is_empty() && methods.into_iter().all(|method| is_free(method, 2))
}

/// Whether a call that adds a method or a route, with its options at a position, asks its callers for nothing.
fn is_free(call: Syn<'_>, at: usize) -> bool {
    !["uthoriz", "apiKeyRequired", "..."].iter().any(|word| call.text().contains(word))
        && arguments(call).get(at).is_none_or(|options| options.is("object"))
}

fn is_called_on<'a>(model: &Model<'a>, call: Syn<'a>, api: &Site<'a>) -> bool {
    let object = call.field("function").and_then(|callee| callee.field("object"));
    object.and_then(|object| model.origin(object)).is_some_and(|site| site.node == api.node)
}

/// Whether every path of the API leads to a function, so that the function's own routes are the API's.
fn is_open_ended<'a>(model: &Model<'a>, api: &Site<'a>) -> bool {
    let props = api.props(model);
    if model.builds(api, "aws_apigateway.LambdaRestApi") {
        return props.get(model, "proxy").value().is_none_or(|proxy| proxy.text() == "true");
    }
    if is_http(api) {
        let mut routes = model.method_calls("addRoutes").filter(|call| is_called_on(model, *call, api));
        return props.get(model, "defaultIntegration") != Prop::Absent
            || routes.any(|call| call.text().contains("{proxy+}"));
    }
    let mut proxies = model.method_calls("addProxy");
    proxies.any(|call| {
        let resource = call.field("function").and_then(|callee| callee.field("object"));
        resource.and_then(|resource| api_of(model, resource, 8)).is_some_and(|owner| owner.node == api.node)
    })
}

/// Who may call the API, as far as its props and methods tell.
pub(super) fn access<'a>(model: &Model<'a>, api: &Site<'a>) -> Access {
    if is_http(api) {
        return access_to_http(model, api);
    }
    let props = api.props(model);
    let mut texts: Vec<&str> = Vec::new();
    texts.extend(props.get(model, "defaultMethodOptions").present().map(|entry| entry.entry.text()));
    for name in ["addMethod", "addProxy", "addResource"] {
        texts.extend(model.method_calls(name).map(Syn::text));
    }
    let says = |word: &str| texts.iter().any(|text| text.contains(word));
    let closed = ["uthorizer", "apiKeyRequired", "AuthorizationType.COGNITO", "AuthorizationType.CUSTOM"];
    match () {
        () if closed.iter().any(|word| says(word)) => Access::Closed,
        () if says("AuthorizationType.IAM") => Access::Signed,
        () => Access::Open,
    }
}

/// The same of an HTTP API: the strictest of what its routes and the API itself ask for.
fn access_to_http<'a>(model: &Model<'a>, api: &Site<'a>) -> Access {
    let asked = |prop: Prop<'a>| match prop {
        Prop::Absent => Access::Open,
        Prop::Present(entry) => match model.origin(entry.value).map(|site| site.class.to_string()) {
            Some(class) if class.ends_with(".HttpIamAuthorizer") => Access::Signed,
            Some(class) if class.ends_with(".HttpNoneAuthorizer") => Access::Open,
            _ => Access::Closed,
        },
        Prop::Unknown => Access::Closed,
    };
    let routes = model.method_calls("addRoutes").filter(|call| is_called_on(model, *call, api)).map(|call| {
        let options = arguments(call).first().copied();
        options.map_or(Access::Closed, |options| asked(model.props_of(options).get(model, "authorizer")))
    });
    let all: Vec<Access> = routes.chain([asked(api.props(model).get(model, "defaultAuthorizer"))]).collect();
    let any = |access: Access| all.contains(&access);
    // Its signature needs the ARN of a route.
    let signed = model.has_member("aws_apigatewayv2.IHttpApi", "arnForExecuteApi");
    match () {
        () if any(Access::Closed) || any(Access::Signed) && !signed => Access::Closed,
        () if any(Access::Signed) => Access::Signed,
        () => Access::Open,
    }
}
