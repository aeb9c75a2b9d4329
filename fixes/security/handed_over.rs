//! Functions that look for their secrets in Parameter Store, where 1.4 has made secrets of them.

use super::grant::name_at;
use super::leak::{Under, under};
use super::secret_source::{is_granted, variable};
use super::sensitive::words;
use super::wa_1_5_secret_in_function_environment::{META, grant};
use crate::detect::{Findings, Refusal};
use crate::edit::names::is_visible;
use crate::edit::{Builder, no_fix};
use crate::model::props::key_of;
use crate::model::{Model, Site};
use crate::rule::Impact;
use crate::syntax::Syn;

/// A function that holds no secret, and looks for its secrets under a path of Parameter Store.
pub(super) fn hand_over<'a>(
    model: &Model<'a>,
    function: Site<'a>,
    object: Syn<'a>,
    shown: Syn<'a>,
    out: &mut Findings<'a>,
) -> Option<()> {
    let told = object.children().find_map(|entry| {
        let key = key_of(entry)?;
        let store = ["parameter", "parameters", "param", "params", "ssm"];
        let found = words(key).iter().any(|word| store.contains(&word.as_str()));
        let mut found = found.then(|| under(model, entry.field("value").unwrap_or(entry)))?;
        found.secrets.retain(|secret| !is_told_of(model, object, secret));
        (!found.parameters.is_empty() || !found.secrets.is_empty()).then_some((key, found))
    });
    let (key, Under { parameters, secrets }) = told?;
    let label = function.label();
    let names: Vec<String> = parameters.iter().chain(&secrets).map(Site::label).collect();
    let names = names.join(", ");
    let state = if parameters.is_empty() {
        "while they are secrets of Secrets Manager, which no variable names. The fix hands their ARNs to the function"
    } else {
        "where they are plain parameters until 1.4 makes them secrets. The fix then hands their ARNs to the function"
    };
    let message = format!(
        "No variable of {label} holds a secret, but it looks for its secrets ({names}) under {key} in Parameter Store, {state}; its code \
         has to fetch the values."
    );
    let finding = out.report(&META, model, shown, message);
    finding.impact(Impact::Info);
    finding.fix(format!("Hand the ARNs of its secrets to {label}"), move |b| {
        if let Some(open) = parameters.first() {
            return Err(no_fix(
                &format!("{} is no secret yet", open.label()),
                "apply the fix of 1.4, which makes it one, then run again",
            ));
        }
        give(b, &function, object, &secrets)
    });
    Some(())
}

/// Whether an environment names a secret.
fn is_told_of<'a>(model: &Model<'a>, object: Syn<'a>, secret: &Site<'a>) -> bool {
    object.children().any(|entry| {
        let value = entry.field("value").filter(|value| value.is("member_expression"));
        let object = value
            .filter(|value| value.field("property").is_some_and(|name| name.text().starts_with("secret")))
            .and_then(|value| value.field("object"));
        object.and_then(|object| model.origin(object)).is_some_and(|origin| origin.node == secret.node)
    })
}

fn give<'a>(
    b: &mut Builder<'_, 'a>,
    function: &Site<'a>,
    object: Syn<'a>,
    secrets: &[Site<'a>],
) -> Result<(), Refusal> {
    let statement = b.statement(function.node)?;
    let mut entries: Vec<(String, String)> = Vec::new();
    let mut grants: Vec<String> = Vec::new();
    for secret in secrets {
        let uses = b.model.uses(secret);
        let seen = uses.iter().find(|used| is_visible(object, **used));
        let name = seen.map(|used| used.text().to_owned()).or_else(|| name_at(secret, object));
        let name = name.ok_or_else(|| {
            no_fix(
                &format!("{} is built elsewhere and not passed to {}", secret.label(), function.label()),
                "pass the secret to where the function is built, then run again",
            )
        })?;
        entries.push((variable(&[&upper(&secret.label())]), format!("{name}.secretArn")));
        let granted = seen.is_some_and(|used| is_granted(b.model, *used, function));
        if !granted {
            grants.push(name);
        }
    }
    let entries: Vec<(&str, String)> =
        entries.iter().map(|(key, value)| (key.as_str(), value.clone())).collect();
    b.insert_entries(object, &entries);
    grant(b, function, statement, &grants)
}

/// `ApiKeySecret` as `API_KEY_SECRET`.
fn upper(label: &str) -> String {
    words(label).join("_").to_uppercase()
}
