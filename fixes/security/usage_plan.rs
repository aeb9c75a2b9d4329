//! Keys for callers, and the usage plan that throttles each of them.

use super::named;
use crate::detect::{Findings, Refusal};
use crate::edit::{Builder, no_fix};
use crate::model::meaning::words;
use crate::model::{Binding, Model, Prop, Site, statement_of};
use crate::rule::{Impact, Meta};
use crate::syntax::Syn;

/// Requests a second of each caller, if nothing else is said; a burst may be twice as many.
const RATE: u32 = 50;

/// Reports an API that asks for keys which no usage plan holds.
pub(super) fn check<'a>(
    meta: &'static Meta,
    model: &Model<'a>,
    api: &Site<'a>,
    out: &mut Findings<'a>,
) -> Option<()> {
    let says = |word: &str| model.cdk_files().any(|file| words(Syn::root(file), word).next().is_some());
    let planned = [
        "UsagePlan",
        "addUsagePlan",
        "CfnUsagePlan",
        "CfnUsagePlanKey",
        "usagePlan",
        "CfnInclude",
        "fromUsagePlanId",
    ];
    if planned.iter().any(|word| says(word)) || !asks_for_keys(model) {
        return None;
    }
    let mut apis = model.all_sites().filter(|site| model.builds(site, "aws_apigateway.RestApiBase"));
    if apis.next().is_none_or(|first| first.node != api.node) || apis.next().is_some() {
        return None;
    }
    let label = api.label();
    let message = format!(
        "{label} asks its callers for a key, and no usage plan holds one: API Gateway then refuses every call, and nothing throttles a \
         caller. The fix adds a plan with a limit for each key, and a first key; hand it out after the deployment."
    );
    let finding = out.report(meta, model, api.node, message);
    finding.key("usage-plan").impact(Impact::Medium);
    let api = api.clone();
    finding.fix(format!("Give {label} a usage plan"), move |b| add(b, &api));
    Some(())
}

/// Whether a method, or the defaults, ask for a key.
fn asks_for_keys(model: &Model<'_>) -> bool {
    model.cdk_files().any(|file| {
        let root = Syn::root(file);
        words(root, "apiKeyRequired").filter_map(|at| root.at(at)).any(|key| {
            let pair = key.parent().filter(|pair| pair.is("pair"));
            pair.and_then(|pair| pair.field("value")).is_some_and(|value| value.text() == "true")
        })
    })
}

/// Adds a usage plan behind the API, and a key in it.
///
/// # Errors
/// A [`Refusal`] where the API has no stage or no name, or its keys cannot be named.
pub(super) fn add<'a>(b: &mut Builder<'_, 'a>, api: &Site<'a>) -> Result<(), Refusal> {
    let model = b.model;
    let deploys = match api.props(model).get(model, "deploy") {
        Prop::Absent => true,
        Prop::Present(entry) => entry.value.text() == "true",
        Prop::Unknown => false,
    };
    if !deploys {
        return Err(no_fix(
            "the API does not deploy a stage of its own",
            "add the plan with `stage.api.addUsagePlan(…)` where its stage is built",
        ));
    }
    let statement = b.statement(api.node)?;
    let name = named(b, api, statement, "api").ok_or_else(|| {
        no_fix(
            "the API is built inside another expression",
            "keep the API in a variable of its own, then run again",
        )
    })?;
    let rate = match b.value_if_given("usage_plan_rate") {
        Some(text) => text.parse().ok().filter(|rate| *rate > 0).ok_or_else(|| {
            no_fix(
                "usage_plan_rate is no number above 0",
                "give the requests a second of one caller, such as 50",
            )
        })?,
        None => RATE,
    };
    let key = key(b, api, statement, &name)?;
    let plan = b.fresh_name(api.node.file, &["usagePlan", "apiUsagePlan"]);
    let id = b.fresh_id(api.node, &["UsagePlan"]);
    let own = if name == "api" { "api".to_owned() } else { format!("api: {name}") };
    b.insert_after(
        key.known.unwrap_or(statement),
        &format!(
            "// What each caller may send; a key says who that is and proves nothing\n\
             const {plan} = {name}.addUsagePlan('{id}', {{\n  \
               throttle: {{ rateLimit: {rate}, burstLimit: {} }},\n  \
               apiStages: [{{ {own}, stage: {name}.deploymentStage }}],\n\
             }});\n\
             {plan}.addApiKey({});",
            rate.saturating_mul(2),
            key.text
        ),
    );
    Ok(())
}

/// The key that goes into the plan.
struct Key<'a> {
    text: String,
    /// The statement that builds it, if the app does.
    known: Option<Syn<'a>>,
}

fn key<'a>(
    b: &mut Builder<'_, 'a>,
    api: &Site<'a>,
    statement: Syn<'a>,
    name: &str,
) -> Result<Key<'a>, Refusal> {
    let model = b.model;
    let added: Vec<Syn<'a>> = model
        .method_calls("addApiKey")
        .chain(
            model
                .all_sites()
                .filter(|site| model.builds(site, "aws_apigateway.ApiKey"))
                .map(|site| site.node),
        )
        .collect();
    match added.as_slice() {
        [] => {
            let id = b.fresh_id(api.node, &["DefaultClientKey"]);
            Ok(Key { text: format!("{name}.addApiKey('{id}')"), known: None })
        }
        [one] => {
            let own = statement_of(*one).filter(|own| {
                own.parent() == statement.parent()
                    && std::ptr::eq(one.file, statement.file)
                    && own.start() > statement.start()
            });
            match (Binding::of(*one).text(), own) {
                (Some(text), Some(own)) => Ok(Key { text, known: Some(own) }),
                _ => Err(no_fix(
                    "the API's key has no name beside the API",
                    "keep the key in a variable, or add it to a usage plan by hand",
                )),
            }
        }
        _ => Err(no_fix(
            "the API has several keys, and it is not known which belong together",
            "add a usage plan for each kind of caller, and its keys to it",
        )),
    }
}
