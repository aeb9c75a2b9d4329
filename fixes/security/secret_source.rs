//! The secret that a function gets instead of a value, and what the variable is called that names it.

use super::grant::key_in_scope;
use super::leak::Leak;
use super::sensitive::words;
use super::wa_1_5_secret_in_function_environment::Held;
use crate::detect::Refusal;
use crate::edit::names::{camel_name, capital, is_visible};
use crate::edit::{Builder, no_fix};
use crate::model::meaning::words as places;
use crate::model::scope::Declaration;
use crate::model::{Model, Site};
use crate::syntax::Syn;

/// A secret as the function gets it.
pub(super) struct Secret {
    /// The expression that stands for it.
    pub receiver: String,
    /// Whether it may be `undefined`.
    optional: bool,
    /// Statements that build it.
    pub code: Option<String>,
    /// Whether the function may read it already.
    pub granted: bool,
}

impl Secret {
    /// The expression of its ARN.
    pub(super) fn arn(&self) -> String {
        let ending = if self.optional { " ?? ''" } else { "" };
        format!("{}.secretArn{ending}", self.receiver)
    }
}

/// The secret that takes the place of a value: the app's own, else a new one that is built before a statement.
///
/// # Errors
/// A [`Refusal`] where it cannot be told which secret that is.
pub(super) fn secret_for<'a>(
    b: &mut Builder<'_, 'a>,
    function: &Site<'a>,
    before: Syn<'a>,
    held: &Held<'a>,
) -> Result<Secret, Refusal> {
    let own_words = words(held.key);
    let base = own_words.strip_suffix(&["secret".to_owned()]).unwrap_or(&own_words);
    let id: String = base.iter().map(|word| capital(word)).collect::<String>() + "Secret";
    let new = |b: &mut Builder<'_, 'a>| {
        let name = b.fresh_name(before.file, &[&camel_name(&id).unwrap_or_else(|| "secret".to_owned())]);
        let id = b.fresh_id(function.node, &[&id]);
        b.cdk(function.node, "aws_secretsmanager.Secret").map(|class| (class, name, id))
    };
    let scope = b.scope_text(function);
    match held.leak {
        Leak::Unwrapped(secret, optional) => {
            if !is_visible(before, secret) && !held.node.span().contains(&secret.start()) {
                return Err(no_fix(
                    &format!(
                        "`{}` is unwrapped in another place, and only its value is passed on",
                        secret.text()
                    ),
                    "pass the secret itself to where the function is built, then run again",
                ));
            }
            let mark = if optional { "?" } else { "" };
            let granted = is_granted(b.model, secret, function);
            Ok(Secret { receiver: format!("{}{mark}", secret.text()), optional, code: None, granted })
        }
        Leak::Named(argument) => {
            let text = argument.text();
            let arn = text.to_lowercase().contains("arn");
            if arn || !(argument.is("string") || is_visible(before, argument)) {
                return Err(no_fix(
                    &format!("wa-fix cannot tell whether `{text}` is a secret's name or its full ARN"),
                    "import the secret with Secret.fromSecretNameV2 or fromSecretCompleteArn, and pass its secretArn",
                ));
            }
            let (class, name, id) = new(b)?;
            let code = format!("const {name} = {class}.fromSecretNameV2({scope}, '{id}', {text});");
            Ok(Secret { receiver: name, optional: false, code: Some(code), granted: false })
        }
        Leak::Text(_) | Leak::Synthesised(_) => {
            let (class, name, id) = new(b)?;
            let key = key_in_scope(b.model, function).map_or_else(String::new, |key| {
                if key == "encryptionKey" {
                    "\n  encryptionKey,".to_owned()
                } else {
                    format!("\n  encryptionKey: {key},")
                }
            });
            let code = format!(
                "const {name} = new {class}({scope}, '{id}', {{\n  description: '{} of {}',{key}\n}});",
                held.key,
                function.label().replace('\'', "")
            );
            Ok(Secret { receiver: name, optional: false, code: Some(code), granted: false })
        }
        Leak::Parameter => Err(no_fix(
            &format!("{} is resolved from a parameter of SSM that is kept outside", held.key),
            "pass the parameter's name, let the function read it (grantRead), and fetch it with GetParameter",
        )),
        Leak::Within => Err(no_fix(
            &format!("{} is put together from a secret and other text", held.key),
            "pass the secret's ARN and the other parts, and put them together in the function",
        )),
    }
}

/// Whether a function, or its role, may read a secret already.
pub(super) fn is_granted<'a>(model: &Model<'a>, secret: Syn<'a>, function: &Site<'a>) -> bool {
    let role = function.props(model).get(model, "role").value().and_then(|role| model.origin(role));
    let origin = model.origin(secret);
    model.method_calls("grantRead").any(|call| {
        let receiver = call.field("function").and_then(|function| function.field("object"));
        let grantee = call.field("arguments").and_then(Syn::first).and_then(|to| model.origin(to));
        let same = receiver.is_some_and(|receiver| match &origin {
            Some(origin) => model.origin(receiver).is_some_and(|other| other.node == origin.node),
            None => receiver.text() == secret.text() && std::ptr::eq(receiver.file, secret.file),
        });
        let reads = grantee.is_some_and(|grantee| {
            grantee.node == function.node || role.as_ref().is_some_and(|role| role.node == grantee.node)
        });
        same && reads
    })
}

/// Removes the constant that held a value, where nothing else uses it.
pub(super) fn drop_constant<'a>(b: &mut Builder<'_, 'a>, value: Syn<'a>) {
    if !value.is("identifier") || places(Syn::root(value.file), value.text()).count() != 2 {
        return;
    }
    let Some(Declaration::Variable { declarator, constant: true }) = b.model.lookup(value, value.text())
    else {
        return;
    };
    let alone = declarator
        .parent()
        .filter(|statement| statement.is("lexical_declaration") && statement.children().count() == 1)
        .filter(|statement| statement.parent().is_some_and(|around| !around.is("export_statement")));
    if let Some(statement) = alone {
        b.remove_statement(statement);
    }
}

/// The variable that names the secret behind others: `DB_SECRET_ARN` for `DB_USER` and `DB_PASSWORD`.
pub(super) fn variable(keys: &[&str]) -> String {
    let all: Vec<Vec<String>> = keys.iter().map(|key| words(key)).collect();
    let Some((first, rest)) = all.split_first() else { return String::new() };
    let common = first
        .iter()
        .enumerate()
        .take_while(|(at, word)| rest.iter().all(|other| other.get(*at) == Some(*word)))
        .count();
    let mut parts: Vec<String> = first.iter().take(common.max(1)).cloned().collect();
    if parts.last().is_none_or(|last| last != "secret") {
        parts.push("secret".to_owned());
    }
    parts.push("arn".to_owned());
    if keys.iter().any(|key| key.contains(|c: char| c.is_ascii_lowercase())) {
        let whole: String = parts.iter().map(|word| capital(word)).collect();
        return camel_name(&whole).unwrap_or(whole);
    }
    parts.join("_").to_uppercase()
}
