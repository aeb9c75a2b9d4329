//! A request validator on every method of a REST API.

use std::fmt::Write as _;

use super::api_methods::{Added, arguments, calls, is_said_of, set_option, verb};
use super::{holder, named};
use crate::detect::{Findings, Refusal};
use crate::edit::{Builder, no_fix};
use crate::model::{Model, Prop, Site};
use crate::rule::{Impact, Meta, Tier};
use crate::syntax::Syn;

/// What a method checks once it has a validator.
const CHECKED: [&str; 2] = ["requestParameters", "requestModels"];

/// Reports an API none of whose methods validates.
pub(super) fn check<'a>(
    meta: &'static Meta,
    model: &Model<'a>,
    api: &Site<'a>,
    out: &mut Findings<'a>,
) -> Option<()> {
    if is_said_of(model, api, &VALIDATORS) || api.class == "aws_apigateway.StepFunctionsRestApi" {
        return None;
    }
    let proxies_all = model.builds(api, "aws_apigateway.LambdaRestApi")
        && api.props(model).get(model, "proxy").value().is_none_or(|value| value.text() != "false");
    let methods = calls(model, api, "addMethod");
    let proxies = calls(model, api, "addProxy");
    let all = methods.as_ref().zip(proxies.as_ref());
    if !proxies_all && all.is_some_and(|(methods, proxies)| methods.is_empty() && proxies.is_empty()) {
        return None;
    }
    let changes = all.is_some_and(|(methods, _)| {
        methods.iter().any(|method| CHECKED.iter().any(|word| method.call.text().contains(word)))
    });
    let label = api.label();
    let more = if changes {
        " Parameters and models that methods declare are enforced from then on."
    } else {
        " Bodies are checked once a method names a model; on ANY and {proxy+} routes only the path is."
    };
    let message = format!(
        "{label} hands every request on unchecked: no method has a request validator. The fix attaches one to its methods.{more}"
    );
    let finding = out.report(meta, model, api.node, message);
    finding.key("validator").impact(Impact::Medium).tier(if changes { Tier::Review } else { Tier::Safe });
    let Some((methods, proxies)) = methods.zip(proxies) else {
        finding.refuse(
            "some methods are added where it cannot be told which API they belong to",
            "give each method requestValidatorOptions, or a requestValidator of its API",
        );
        return Some(());
    };
    let api = api.clone();
    finding.fix(format!("Attach a request validator to the methods of {label}"), move |b| {
        attach(b, &api, &methods, &proxies, proxies_all)
    });
    Some(())
}

/// What speaks of validators.
const VALIDATORS: [&str; 4] =
    ["requestValidator", "requestValidatorOptions", "addRequestValidator", "RequestValidator"];

fn attach<'a>(
    b: &mut Builder<'_, 'a>,
    api: &Site<'a>,
    methods: &[Added<'a>],
    proxies: &[Added<'a>],
    proxies_all: bool,
) -> Result<(), Refusal> {
    let statement = b.statement(api.node)?;
    let block = statement.parent();
    let reachable = |added: &Added<'a>| {
        added.call.start() >= statement.end() && added.call.ancestors().any(|around| Some(around) == block)
    };
    if !methods.iter().chain(proxies).all(reachable) {
        return Err(no_fix(
            "the methods are added in another function than the API is built in",
            "pass them a requestValidator of the API, or give each requestValidatorOptions",
        ));
    }
    let name = named(b, api, statement, "api").ok_or_else(|| {
        no_fix(
            "the API is built inside another expression",
            "keep the API in a variable of its own, then run again",
        )
    })?;
    let validator = b.fresh_name(api.node.file, &["requestValidator", "apiRequestValidator"]);
    let property = if validator == "requestValidator" {
        validator.clone()
    } else {
        format!("requestValidator: {validator}")
    };
    let mut code = format!(
        "const {validator} = {name}.addRequestValidator('RequestValidator', {{\n  validateRequestBody: true,\n  \
         validateRequestParameters: true,\n}});"
    );
    if proxies_all {
        // What is said of the proxy is true of the methods that stand for it from now on.
        let said = said_of(b, api, "proxy");
        b.set_prop(api, "proxy", "false")?;
        let proxy = b.fresh_name(api.node.file, &["proxy", "apiProxy"]);
        let _ = write!(
            code,
            "\n\n{said}{name}.root.addMethod('ANY', undefined, {{ {property} }});\nconst {proxy} = {name}.root.addProxy({{ anyMethod: false }});\n{}",
            any_method(&proxy, "undefined", &property)
        );
    }
    b.insert_after(statement, &code);
    for method in methods {
        set_option(b, method.call, "requestValidator", &validator)?;
    }
    for proxy in proxies {
        let root_is_there = methods.iter().any(|method| {
            method.receiver.text() == proxy.receiver.text()
                && method.call.start() < proxy.call.start()
                && verb(method.call) == Some("ANY")
        });
        validate_proxy(b, proxy, &property, root_is_there)?;
    }
    Ok(())
}

/// The comments of a prop that is true and will not be any more, as lines of their own before the code that takes its place.
fn said_of<'a>(b: &mut Builder<'_, 'a>, site: &Site<'a>, prop: &str) -> String {
    let props = site.props(b.model);
    match props.get(b.model, prop) {
        Prop::Present(entry) if entry.entry.parent() == site.props_argument() => taken(b, entry.entry),
        _ => String::new(),
    }
}

fn taken<'a>(b: &mut Builder<'_, 'a>, entry: Syn<'a>) -> String {
    b.take_comments(entry).into_iter().map(|line| line + "\n").collect()
}

/// `anyMethod` drops a validator, so the method is added by hand: its logical id stays.
fn validate_proxy<'a>(
    b: &mut Builder<'_, 'a>,
    proxy: &Added<'a>,
    property: &str,
    root_is_there: bool,
) -> Result<(), Refusal> {
    let elsewhere = || {
        no_fix("a proxy resource is put together elsewhere", "give its methods a requestValidator by hand")
    };
    let options = arguments(proxy.call).first().copied();
    let props = options.map(|options| b.model.props_of(options));
    let any = props.as_ref().map_or(Prop::Absent, |props| props.get(b.model, "anyMethod"));
    if any.value().is_some_and(|value| value.text() == "false") {
        return Ok(());
    }
    // Where none is passed, the resource's default is taken: one that is built there is not built twice.
    let integration = props
        .as_ref()
        .and_then(|props| props.get(b.model, "defaultIntegration").value())
        .filter(|integration| matches!(integration.kind(), "identifier" | "member_expression"))
        .map_or("undefined", Syn::text);
    let statement = b.statement(proxy.call)?;
    if holder(proxy.call) != Some(statement)
        || options.is_some_and(|options| !options.is("object"))
        || any == Prop::Unknown
    {
        return Err(elsewhere());
    }
    let parent = proxy.call.parent().ok_or_else(elsewhere)?;
    let name = match parent.kind() {
        "variable_declarator" => {
            parent.field("name").filter(|name| name.is("identifier")).ok_or_else(elsewhere)?.text().to_owned()
        }
        "expression_statement" => {
            let name = b.fresh_name(proxy.call.file, &["proxy", "proxyResource"]);
            b.splice(proxy.call, proxy.call.start()..proxy.call.start(), &format!("const {name} = "));
            name
        }
        _ => return Err(elsewhere()),
    };
    let mut said = String::new();
    match (any, options) {
        (Prop::Present(entry), _) => {
            if entry.entry.parent() == options {
                said = taken(b, entry.entry);
            }
            b.replace(entry.value, "false");
        }
        (_, Some(options)) => b.insert_entry(options, "anyMethod", "false"),
        (_, None) => {
            let list = proxy.call.field("arguments").ok_or_else(elsewhere)?;
            b.splice(list, list.start() + 1..list.start() + 1, "{ anyMethod: false }");
        }
    }
    // A proxy of the root adds the root's own method too, with the root's integration; and with a path parameter that the root
    // does not have.
    let is_root = proxy.receiver.field("property").is_some_and(|property| property.text() == "root");
    if is_root && !root_is_there {
        b.insert_before(
            statement,
            &format!("{}.addMethod('ANY', undefined, {{ {property} }});", proxy.receiver.text()),
        );
    }
    b.insert_after(statement, &format!("{said}{}", any_method(&name, integration, property)));
    Ok(())
}

fn any_method(name: &str, integration: &str, property: &str) -> String {
    format!(
        "{name}.addMethod('ANY', {integration}, {{\n  {property},\n  requestParameters: {{ 'method.request.path.proxy': true }},\n}});"
    )
}
