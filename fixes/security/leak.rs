//! What an environment variable holds of a secret.

use super::sensitive::{is_issued_key, is_plain_text, is_sensitive, last_segment};
use crate::model::{Model, Site};
use crate::syntax::Syn;

/// How a secret comes into a variable.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Leak<'a> {
    /// The app unwraps a secret that this expression stands for; whether it may be `undefined`.
    Unwrapped(Syn<'a>, bool),
    /// The app unwraps the secret of this name.
    Named(Syn<'a>),
    /// A text of the code.
    Text(Syn<'a>),
    /// A variable of whoever synthesises.
    Synthesised(Syn<'a>),
    /// A parameter of SSM, resolved when it is deployed.
    Parameter,
    /// Part of a longer text.
    Within,
}

/// What a variable holds of a secret; `None` where it holds none, or nothing that can be followed.
pub(super) fn leak<'a>(model: &Model<'a>, key: &str, value: Syn<'a>) -> Option<Leak<'a>> {
    let value = bare(model.source(bare(value)));
    let secret = is_sensitive(key);
    match value.kind() {
        "call_expression" => call(model, secret, value),
        "string" | "template_string" if is_lone(value) => {
            let named = secret && is_plain_text(model, value) && !is_name_of_secret(key, value);
            let holds = named || is_issued_key(value.text().trim_matches(['\'', '"', '`']));
            holds.then_some(Leak::Text(value))
        }
        "member_expression" | "subscript_expression" if secret => {
            if value.field("object").is_some_and(|object| object.text() == "process.env") {
                return Some(Leak::Synthesised(value));
            }
            let parameter = value.field("property").is_some_and(|property| property.text() == "stringValue");
            parameter.then_some(Leak::Parameter)
        }
        "template_string" | "binary_expression" => {
            value.text().contains(".unsafeUnwrap()").then_some(Leak::Within)
        }
        _ => None,
    }
}

/// A value without what does not change it: parentheses, assertions, a default for `undefined`, quotes around it alone.
fn bare(value: Syn<'_>) -> Syn<'_> {
    let mut value = value;
    loop {
        let inner = match value.kind() {
            "parenthesized_expression" | "as_expression" | "satisfies_expression" | "non_null_expression" => {
                value.first()
            }
            "binary_expression"
                if value.field("operator").is_some_and(|op| matches!(op.text(), "??" | "||")) =>
            {
                let text = value.field("right").filter(|right| right.is("string"));
                text.and_then(|_| value.field("left"))
            }
            "template_string" if value.text().starts_with("`${") && value.text().ends_with("}`") => {
                let mut parts = value.children();
                parts.next().filter(|_| parts.next().is_none()).and_then(Syn::first)
            }
            _ => None,
        };
        match inner {
            Some(inner) => value = inner,
            None => return value,
        }
    }
}

fn call<'a>(model: &Model<'a>, secret: bool, value: Syn<'a>) -> Option<Leak<'a>> {
    let function = value.field("function")?;
    let argument = || value.field("arguments").and_then(Syn::first);
    if let Some(name) = model.cdk_name(function) {
        return match name.strip_prefix("aws_ssm.StringParameter.") {
            Some(method) if method.starts_with("valueFor") || method == "valueFromLookup" => {
                let named = value.field("arguments")?.children().nth(1)?;
                (secret || is_sensitive(&last_segment(named))).then_some(Leak::Parameter)
            }
            _ => None,
        };
    }
    let object = function.field("object")?;
    match function.field("property")?.text() {
        "unsafeUnwrap" => Some(unwrapped(model, object).unwrap_or(Leak::Within)),
        "toString" => unwrapped(model, object),
        "stringify" | "join" => {
            argument().filter(|_| value.text().contains(".unsafeUnwrap()")).map(|_| Leak::Within)
        }
        _ => None,
    }
}

/// The secret behind a `SecretValue`.
fn unwrapped<'a>(model: &Model<'a>, value: Syn<'a>) -> Option<Leak<'a>> {
    let value = bare(model.source(bare(value)));
    let optional = |member: Syn<'a>| member.tokens().any(|token| token.is("optional_chain"));
    match value.kind() {
        "member_expression" => {
            let object = value.field("object")?;
            (value.field("property")?.text() == "secretValue")
                .then_some(Leak::Unwrapped(object, optional(value)))
        }
        "call_expression" => {
            let function = value.field("function")?;
            let argument = value.field("arguments").and_then(Syn::first);
            match model.cdk_name(function).as_deref() {
                Some("SecretValue.secretsManager") => return argument.map(Leak::Named),
                Some("SecretValue.unsafePlainText" | "SecretValue.plainText") => {
                    let text = bare(model.source(bare(argument?)));
                    let given = text.text().starts_with("process.env");
                    return Some(if given { Leak::Synthesised(text) } else { Leak::Text(text) });
                }
                Some(name) if name.starts_with("SecretValue.ssm") => return Some(Leak::Parameter),
                _ => {}
            }
            let object = function.field("object")?;
            (function.field("property")?.text() == "secretValueFromJson")
                .then_some(Leak::Unwrapped(object, optional(function)))
        }
        _ => None,
    }
}

/// Whether a text is written out: no part of it is put in.
fn is_lone(text: Syn<'_>) -> bool {
    !text.children().any(|part| part.is("template_substitution"))
}

/// `DB_SECRET: 'prod/db'` names a secret: words in lower case, put together.
fn is_name_of_secret(key: &str, value: Syn<'_>) -> bool {
    let text = value.text().trim_matches(['\'', '"', '`']);
    let plain = text.chars().all(|c| c.is_ascii_lowercase() || matches!(c, '-' | '/' | '_' | '.'));
    let last = key.to_lowercase();
    let whole = ["secret", "secrets", "credential", "credentials"].iter().any(|end| last.ends_with(end));
    whole && plain && text.contains(['-', '/', '_'])
}

/// The parameters of SSM, secrets that are not encrypted, and the secrets of the app that stand under a path.
#[derive(Debug, Clone, Default)]
pub(super) struct Under<'a> {
    /// Parameters that 1.4 turns into secrets.
    pub parameters: Vec<Site<'a>>,
    /// Secrets.
    pub secrets: Vec<Site<'a>>,
}

/// Parameters of SSM.
const PARAMETERS: [&str; 3] =
    ["aws_ssm.StringParameter", "aws_ssm.StringListParameter", "aws_ssm.CfnParameter"];

/// What the app builds under the path of SSM that a variable holds.
pub(super) fn under<'a>(model: &Model<'a>, path: Syn<'a>) -> Under<'a> {
    let mut under = Under::default();
    let path = model.source(path);
    for site in model.all_sites() {
        let is = |class: &str| model.builds(&site, class);
        if is("aws_secretsmanager.Secret") {
            let name = site.props(model).get(model, "secretName").value();
            if name.is_some_and(|name| starts_with(model, name, path)) {
                under.secrets.push(site);
            }
        } else if PARAMETERS.iter().any(|class| is(class)) {
            let name = super::sensitive::open_parameter(model, &site).and_then(|open| open.name);
            if name.is_some_and(|name| starts_with(model, name, path)) {
                under.parameters.push(site);
            }
        }
    }
    under
}

/// Whether a name is a path and more: `` `${prefix}/api-key` `` and `prefix`, `'/shop/api-key'` and `'/shop'`.
fn starts_with<'a>(model: &Model<'a>, name: Syn<'a>, path: Syn<'a>) -> bool {
    let name = model.source(name);
    if name.is("string") && path.is("string") {
        let text = |node: Syn<'a>| node.text().trim_matches(['\'', '"']);
        let path = text(path).trim_end_matches('/');
        return path.len() > 1 && text(name).strip_prefix(path).is_some_and(|rest| rest.starts_with('/'));
    }
    let first = name
        .children()
        .next()
        .filter(|part| name.text().starts_with("`${") && part.is("template_substitution"));
    first.and_then(Syn::first).is_some_and(|first| model.source(first) == path)
}

#[cfg(test)]
mod tests {
    use super::leak;
    use crate::model::{App, Model, Overlay};
    use crate::syntax::Syn;

    #[test]
    fn a_key_that_a_service_issues_is_a_secret_whatever_it_is_called() {
        // Put together here, so that nobody's scanner takes the test for a leak.
        let key = format!("sk_live_{}", "a1B2".repeat(6));
        let text = format!(
            "import 'aws-cdk-lib';\nconst a = '{key}';\nconst b = 'sk_live_ starts a key';\nuse(a);\nuse(b);\n"
        );
        let overlay = Overlay::from([("/app/a.ts".into(), text.into())]);
        let app = App::new("/app".into(), Vec::new()).with(&overlay);
        let model = Model::new(&app);
        let root = Syn::root(model.cdk_files().next().unwrap());
        let leaks: Vec<bool> = root
            .children()
            .filter(|statement| statement.is("expression_statement"))
            .map(|call| {
                let argument = call.first().unwrap().field("arguments").unwrap().first().unwrap();
                leak(&model, "PAYMENTS", argument).is_some()
            })
            .collect();
        assert_eq!(leaks, [true, false]);
    }
}
