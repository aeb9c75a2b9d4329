//! Routes of a REST API whose answers may be cached: which there are, and what makes up the key of an answer.

use crate::detect::Refusal;
use crate::edit::names::{camel_name, is_visible};
use crate::edit::{Builder, no_fix};
use crate::fixes::api::says;
use crate::fixes::performance::distribution::caller_headers;
use crate::fixes::routes::{CatchAll, LAMBDA, Method, Methods, entries_but};
use crate::fixes::security::api_methods::{arguments, calls, path_of};
use crate::model::meaning::words;
use crate::model::props::own_entry;
use crate::model::{Binding, Model, Site};
use crate::syntax::Syn;

/// Last parts of paths by which somebody looks whether the API is alive.
const CHECKS: [&str; 7] = ["health", "healthz", "healthcheck", "ping", "status", "ready", "live"];

/// A path whose GET answers are to be cached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cached {
    /// As API Gateway writes it: `/items/{id}`.
    pub path: String,
    /// The query parameters that the answer depends on.
    pub queries: Vec<String>,
}

impl Cached {
    fn segments(&self) -> Vec<&str> {
        self.path.split('/').filter(|part| !part.is_empty()).collect()
    }
}

/// Reads `/items/{id}?lang&page, /prices`.
pub(super) fn parse(answer: &str) -> Result<Vec<Cached>, Refusal> {
    let plain = |text: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
    };
    let part =
        |part: &str| plain(part.strip_prefix('{').and_then(|part| part.strip_suffix('}')).unwrap_or(part));
    let mut paths: Vec<Cached> = Vec::new();
    for item in answer.split(',').map(str::trim).filter(|item| !item.is_empty()) {
        let (path, query) = item.split_once('?').unwrap_or((item, ""));
        let queries: Vec<String> =
            query.split('&').filter(|name| !name.is_empty()).map(str::to_owned).collect();
        let rest = path.strip_prefix('/');
        let good = rest.is_some_and(|rest| rest.is_empty() || rest.split('/').all(part));
        if !good || !queries.iter().all(|name| plain(name)) {
            return Err(no_fix(
                &format!("`{item}` is no path of an API"),
                "write paths such as /items/{id}?lang, without a catch-all, separated by commas",
            ));
        }
        if path.rsplit('/').next().is_some_and(|last| CHECKS.contains(&last)) {
            return Err(no_fix(
                &format!("{path} tells whether the API is alive, and a check would watch the cache"),
                "leave it out of cached_paths",
            ));
        }
        paths.push(Cached { path: path.to_owned(), queries });
    }
    if paths.is_empty() {
        return Err(no_fix("cached_paths names no path", "write paths such as /items/{id}?lang"));
    }
    Ok(paths)
}

/// Gives every path a GET whose key holds what its answer depends on.
pub(super) fn serve<'a>(
    b: &mut Builder<'_, 'a>,
    api: &Site<'a>,
    methods: &Methods<'a>,
    paths: &[Cached],
) -> Result<(), Refusal> {
    let mut made: Vec<(String, String)> = Vec::new();
    let mut new: Vec<(Syn<'a>, String)> = Vec::new();
    for cached in paths {
        if let Some(method) = methods.at(&cached.path, "GET") {
            key_method(b, api, method, cached)?;
        } else if let Some(any) = methods.at(&cached.path, "ANY") {
            let (statement, code) = beside(b, api, any, cached)?;
            b.insert_below(statement, &code);
        } else if methods.proxies_all {
            return Err(no_fix(
                "its class makes a catch-all route by itself, and takes no other",
                "set proxy: false and add the routes, or apply 1.3, which does, then run again",
            ));
        } else {
            if methods.all.iter().any(|method| method.path.is_empty()) {
                return Err(no_fix(
                    "the paths of some methods cannot be told, and one may be this one",
                    "write their resources with literal names, then run again",
                ));
            }
            let all = methods.catch_all(b.model, &cached.path).ok_or_else(|| {
                no_fix(
                    &format!("no route of the API that can be followed serves {}", cached.path),
                    "name paths that the API has, as cached_paths",
                )
            })?;
            let code = route(b, api, (methods, &all), cached, &mut made)?;
            push(&mut new, all.statement, code);
        }
    }
    for (statement, code) in new {
        b.insert_after(statement, &code);
    }
    Ok(())
}

/// What goes behind one statement goes there together.
fn push<'a>(new: &mut Vec<(Syn<'a>, String)>, statement: Syn<'a>, code: String) {
    match new.iter_mut().find(|(other, _)| *other == statement) {
        Some((_, before)) => {
            before.push_str("\n\n");
            before.push_str(&code);
        }
        None => new.push((statement, code)),
    }
}

/// Puts what an answer depends on into the key of a GET that is there.
pub(super) fn key_method<'a>(
    b: &mut Builder<'_, 'a>,
    api: &Site<'a>,
    method: &Method<'a>,
    cached: &Cached,
) -> Result<(), Refusal> {
    let keys = keys(b.model, api, cached);
    if keys.is_empty() {
        return Ok(());
    }
    let given = arguments(method.added.call);
    let integration = given.get(1).copied().filter(|node| node.text() != "undefined");
    let site = integration.and_then(|node| b.model.origin(node)).filter(|site| b.model.builds(site, LAMBDA));
    let (Some(integration), Some(site)) = (integration, site) else { return Err(no_lambda(&cached.path)) };
    let alone = integration.is("new_expression")
        || words(Syn::root(integration.file), integration.text()).count() <= 2;
    if alone && std::ptr::eq(site.node.file, integration.file) {
        b.set_prop(&site, "cacheKeyParameters", &list(&keys))?;
    } else {
        let code = integration_text(b, api, Some(integration), &keys, integration)?;
        b.replace(integration, &code);
    }
    let declared = declarations(&keys);
    match given.get(2) {
        None => b.insert_argument_after(
            integration,
            &format!("{{\n  requestParameters: {},\n}}", declared.replace('\n', "\n  ")),
        ),
        Some(options) if options.is("object") => match own_entry(*options, "requestParameters") {
            None => b.insert_entry(*options, "requestParameters", &declared),
            Some(own) if own.is("object") => {
                let missing: Vec<&Key> = keys.iter().filter(|key| !own.text().contains(&key.name)).collect();
                for key in missing {
                    b.insert_entry(own, &format!("'{}'", key.name), &key.required.to_string());
                }
            }
            Some(_) => return Err(put_together(&cached.path)),
        },
        Some(_) => return Err(put_together(&cached.path)),
    }
    Ok(())
}

fn put_together(path: &str) -> Refusal {
    no_fix(
        &format!("the options of {path} are put together elsewhere"),
        "write them as an object literal, then run again",
    )
}

fn no_lambda(path: &str) -> Refusal {
    no_fix(
        &format!("the integration of {path} is no Lambda integration that can be followed"),
        "give it cacheKeyParameters and its method requestParameters by hand, and switch the cache on for it",
    )
}

/// A GET beside an `ANY` of the same path.
fn beside<'a>(
    b: &mut Builder<'_, 'a>,
    api: &Site<'a>,
    any: &Method<'a>,
    cached: &Cached,
) -> Result<(Syn<'a>, String), Refusal> {
    let statement = b.statement(any.added.call)?;
    if any.added.receiver.is("call_expression") {
        return Err(unnamed(&cached.path));
    }
    let given = arguments(any.added.call);
    let options = match given.get(2) {
        None => Vec::new(),
        Some(options) if options.is("object") => entries_but(*options, "requestParameters"),
        Some(_) => return Err(put_together(&cached.path)),
    };
    let integration = given.get(1).copied().filter(|node| node.text() != "undefined");
    let keys = keys(b.model, api, cached);
    let code = integration_text(b, api, integration, &keys, statement)?;
    Ok((statement, get_method(any.added.receiver.text(), &code, &options, &keys)))
}

fn unnamed(path: &str) -> Refusal {
    no_fix(
        &format!("the resource of {path} is added inside another expression"),
        "keep it in a constant, then run again",
    )
}

/// The resources and methods of a path that a catch-all serves so far.
fn route<'a>(
    b: &mut Builder<'_, 'a>,
    api: &Site<'a>,
    (methods, all): (&Methods<'a>, &CatchAll<'a>),
    cached: &Cached,
    made: &mut Vec<(String, String)>,
) -> Result<String, Refusal> {
    let integration = all.integration.map_or_else(|| "undefined".to_owned(), |node| node.text().to_owned());
    let any = match (all.options.is_empty(), all.integration) {
        (true, None) => "'ANY'".to_owned(),
        (true, _) => format!("'ANY', {integration}"),
        _ => format!("'ANY', {integration}, {{ {} }}", all.options.join(", ")),
    };
    let mut code = String::new();
    if made.is_empty() {
        code.push_str(
            "// Routes whose answers are cached; each hides the catch-all, so ANY stands beside it\n",
        );
    }
    let mut path = all.parent.trim_end_matches('/').to_owned();
    let mut resource = all.resource.clone();
    let below = path.split('/').filter(|part| !part.is_empty()).count();
    for segment in cached.segments().into_iter().skip(below) {
        path = format!("{path}/{segment}");
        if let Some((_, name)) = made.iter().find(|(known, _)| *known == path) {
            resource.clone_from(name);
            continue;
        }
        if let Some(existing) = existing(b.model, api, &path) {
            resource = reachable(existing, all.statement).ok_or_else(|| unnamed(&path))?;
            continue;
        }
        if methods
            .all
            .iter()
            .any(|method| method.path == path || method.path.starts_with(&format!("{path}/")))
        {
            return Err(unnamed(&path));
        }
        if segment.starts_with('{') && methods.has_variable(b.model, api, &path) {
            return Err(no_fix(
                &format!(
                    "another resource beside {path} is a parameter or a catch-all, and API Gateway takes one of them only"
                ),
                "name the parameter as the API does, or leave the path out of cached_paths",
            ));
        }
        let camel = camel_name(&path).unwrap_or_else(|| "cached".to_owned());
        let name = b.fresh_name(all.statement.file, &[&format!("{camel}Resource")]);
        code.push_str(&format!(
            "const {name} = {resource}.addResource('{segment}');\n{name}.addMethod({any});\n"
        ));
        made.push((path.clone(), name.clone()));
        resource = name;
    }
    let keys = keys(b.model, api, cached);
    let cached_integration = integration_text(b, api, all.integration, &keys, all.statement)?;
    code.push_str(&get_method(&resource, &cached_integration, &all.options, &keys));
    Ok(code)
}

/// The call that adds the resource of a path.
fn existing<'a>(model: &Model<'a>, api: &Site<'a>, path: &str) -> Option<Syn<'a>> {
    let all = calls(model, api, "addResource")?;
    all.into_iter().map(|added| added.call).find(|call| path_of(model, *call).as_deref() == Some(path))
}

/// The text of a resource, if it is kept in a name that can be used behind a statement.
fn reachable(resource: Syn<'_>, statement: Syn<'_>) -> Option<String> {
    let declared = crate::model::statement_of(resource)?;
    let near = declared.parent() == statement.parent() && declared.end() <= statement.start();
    Binding::of(resource).text().filter(|_| near)
}

/// `resource.addMethod('GET', …)`.
fn get_method(resource: &str, integration: &str, options: &[String], keys: &[Key]) -> String {
    let mut lines = options.to_vec();
    if !keys.is_empty() {
        lines.push(format!("requestParameters: {}", declarations(keys)));
    }
    let options = match lines.as_slice() {
        [] => String::new(),
        [one] if !one.contains('\n') && one.len() < 60 => format!(",\n  {{ {one} }}"),
        lines => format!(",\n  {{\n    {},\n  }}", lines.join(",\n").replace('\n', "\n    ")),
    };
    format!("{resource}.addMethod(\n  'GET',\n  {}{options}\n);", integration.replace('\n', "\n  "))
}

/// A Lambda integration like another, with a key.
fn integration_text<'a>(
    b: &mut Builder<'_, 'a>,
    api: &Site<'a>,
    like: Option<Syn<'a>>,
    keys: &[Key],
    at: Syn<'a>,
) -> Result<String, Refusal> {
    let model = b.model;
    let (function, options) = match like {
        Some(like) => {
            let site = model
                .origin(like)
                .filter(|site| model.builds(site, LAMBDA))
                .ok_or_else(|| no_lambda("the API"))?;
            if keys.is_empty() && !like.is("new_expression") {
                return Ok(like.text().to_owned());
            }
            (site.arguments.first().copied(), site.props_argument())
        }
        None => {
            let props = api.props(model);
            (props.get(model, "handler").value(), props.get(model, "integrationOptions").value())
        }
    };
    let function =
        function.filter(|function| is_visible(at, *function)).ok_or_else(|| no_lambda("the API"))?;
    let mut lines = match options {
        None => Vec::new(),
        Some(options) if options.is("object") => entries_but(options, "cacheKeyParameters"),
        Some(options) => vec![format!("...{}", options.text())],
    };
    if !keys.is_empty() {
        lines.push(format!("cacheKeyParameters: {}", list(keys)));
    }
    let class = b.cdk(api.node, LAMBDA)?;
    Ok(if lines.is_empty() {
        format!("new {class}({})", function.text())
    } else {
        format!("new {class}({}, {{\n  {},\n}})", function.text(), lines.join(",\n").replace('\n', "\n  "))
    })
}

/// A part of the key of a cached answer.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Key {
    /// `method.request.path.id`.
    name: String,
    /// Whether a request without it is refused.
    required: bool,
}

/// What the answer of a path depends on.
fn keys<'a>(model: &Model<'a>, api: &Site<'a>, cached: &Cached) -> Vec<Key> {
    let key = |kind: &str, name: &str, required: bool| Key {
        name: format!("method.request.{kind}.{name}"),
        required,
    };
    let parameter = |part: &&str| part.starts_with('{');
    let mut keys: Vec<Key> = cached
        .segments()
        .into_iter()
        .filter(parameter)
        .map(|part| key("path", part.trim_matches(['{', '}']), true))
        .collect();
    keys.extend(cached.queries.iter().map(|name| key("querystring", name, false)));
    if has_authorizer(model) {
        let headers =
            caller_headers(model).into_iter().filter(|name| name != "Origin" && name != "x-api-key");
        keys.extend(headers.map(|name| key("header", &name, false)));
    }
    if answers_by_origin(model, api) {
        keys.push(key("header", "Origin", false));
    }
    keys
}

/// Whether callers are known by what they send; a signature is new each time, and checked before the cache is asked.
pub(super) fn has_authorizer(model: &Model<'_>) -> bool {
    ["authorizer", "TokenAuthorizer", "RequestAuthorizer", "CognitoUserPoolsAuthorizer"]
        .iter()
        .any(|word| says(model, word))
}

/// Whether the API lets several origins in: what it tells a browser then depends on the one that asks.
fn answers_by_origin<'a>(model: &Model<'a>, api: &Site<'a>) -> bool {
    let cors = api.props(model).get(model, "defaultCorsPreflightOptions").value();
    let origins = cors.and_then(|cors| model.props_of(cors).get(model, "allowOrigins").value());
    origins.is_some_and(|list| list.is("array") && list.children().nth(1).is_some())
}

fn list(keys: &[Key]) -> String {
    match keys {
        [one] => format!("['{}']", one.name),
        keys => {
            let names: Vec<String> = keys.iter().map(|key| format!("  '{}',", key.name)).collect();
            format!("[\n{}\n]", names.join("\n"))
        }
    }
}

fn declarations(keys: &[Key]) -> String {
    match keys {
        [one] => format!("{{ '{}': {} }}", one.name, one.required),
        keys => {
            let lines: Vec<String> =
                keys.iter().map(|key| format!("  '{}': {},", key.name, key.required)).collect();
            format!("{{\n{}\n}}", lines.join("\n"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Cached, parse};

    #[test]
    fn paths_are_read_with_their_query() {
        let cached = |path: &str, queries: &[&str]| Cached {
            path: path.to_owned(),
            queries: queries.iter().map(|name| (*name).to_owned()).collect(),
        };
        assert_eq!(
            parse("/items/{id}?lang&page, /prices,/").unwrap(),
            [cached("/items/{id}", &["lang", "page"]), cached("/prices", &[]), cached("/", &[])]
        );
        for wrong in ["items", "/{proxy+}", "/a//b", "/a?x=1", "", "/health", "/v1/ping"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
