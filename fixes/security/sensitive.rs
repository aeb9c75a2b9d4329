//! Names that are given to secrets, and values that lie open.

use crate::model::types::Type;
use crate::model::{Model, Site};
use crate::syntax::{Literal, Syn};

/// Last words of names that point at a secret, or tell of one, and are none.
const POINTERS: [&str; 40] = [
    "arn",
    "arns",
    "id",
    "ids",
    "name",
    "names",
    "url",
    "uri",
    "path",
    "prefix",
    "endpoint",
    "host",
    "port",
    "region",
    "table",
    "bucket",
    "queue",
    "topic",
    "ttl",
    "expiry",
    "expiration",
    "timeout",
    "validity",
    "length",
    "policy",
    "count",
    "limit",
    "version",
    "role",
    "function",
    "lambda",
    "rotation",
    "enabled",
    "alias",
    "type",
    "issuer",
    "audience",
    "header",
    "param",
    "parameter",
];

/// Whether a value under this name is meant to be kept secret: `api-key`, `DB_PASSWORD`, `stripeSecretKey`.
pub(super) fn is_sensitive(name: &str) -> bool {
    let words = words(name);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let Some(last) = words.last() else { return false };
    if POINTERS.contains(last) || words.contains(&"public") {
        return false;
    }
    let password =
        ["password", "passwd", "passphrase", "apikey", "dsn"].iter().any(|word| words.contains(word));
    let said = matches!(
        words.as_slice(),
        [.., "secret" | "secrets" | "token" | "credential" | "credentials"]
            | [.., "secret" | "token", "key" | "value" | "string"]
            | [.., "private" | "signing", "key"]
            | [.., "secret", "access", "key"]
            | [.., "db" | "database", "connection"]
    );
    let pairs = [("api", "key"), ("connection", "string"), ("conn", "string"), ("conn", "str")];
    let pair = words.windows(2).any(|two| matches!(two, [a, b] if pairs.contains(&(*a, *b))));
    password || said || pair
}

/// What begins the secret keys that services issue, and how long these are at least: Stripe, GitHub, GitLab, Slack, `SendGrid`, npm.
/// Source: the patterns that these services register for secret scanning.
const ISSUED: [(&str, usize); 14] = [
    ("sk_live_", 24),
    ("rk_live_", 24),
    ("whsec_", 30),
    ("ghp_", 40),
    ("gho_", 40),
    ("ghs_", 40),
    ("ghu_", 40),
    ("github_pat_", 60),
    ("glpat-", 26),
    ("xoxb-", 40),
    ("xoxp-", 40),
    ("xapp-", 40),
    ("SG.", 60),
    ("npm_", 40),
];

/// Whether a text is a secret key as a service issues it, whatever it is called.
pub(super) fn is_issued_key(text: &str) -> bool {
    let one_word = || text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'));
    ISSUED.iter().any(|(start, length)| text.starts_with(start) && text.len() >= *length) && one_word()
        || text.starts_with("-----BEGIN ") && text.contains("PRIVATE KEY-----")
}

/// Whether a name ends as those of references do: `tokenTableName`, `secretArn`.
pub(super) fn is_pointer(name: &str) -> bool {
    words(name).last().is_some_and(|last| POINTERS.contains(&last.as_str()))
}

/// A parameter of SSM that holds a secret, and does not encrypt it.
#[derive(Debug, Clone, Copy)]
pub(super) struct OpenParameter<'a> {
    /// Whether it asks for a `SecureString`, which CloudFormation cannot create.
    pub secure: bool,
    /// Its name, where it has one.
    pub name: Option<Syn<'a>>,
    /// What it holds.
    pub value: Syn<'a>,
}

/// What makes a parameter one that 1.4 turns into a secret; `None` where it is not.
pub(super) fn open_parameter<'a>(model: &Model<'a>, parameter: &Site<'a>) -> Option<OpenParameter<'a>> {
    if parameter.local.is_some() {
        return None;
    }
    let props = parameter.props(model);
    let get = |name: &str| props.get(model, name).value();
    let secure = get("type").is_some_and(|kind| {
        kind.text().trim_matches(['\'', '"']) == "SecureString"
            || model.cdk_name(kind).is_some_and(|name| name == "aws_ssm.ParameterType.SECURE_STRING")
    });
    let value = get("stringValue").or_else(|| get("value"))?;
    let name = get("parameterName").or_else(|| get("name"));
    let open = secure || (holds_secret(parameter, name) && is_plain_text(model, value));
    open.then_some(OpenParameter { secure, name, value })
}

/// Whether the parameter's name or id is that of a secret, and neither that of a reference to one.
fn holds_secret(parameter: &Site<'_>, name: Option<Syn<'_>>) -> bool {
    let label = parameter.label();
    let id = stem(&label);
    let name = name.map(last_segment).unwrap_or_default();
    let points = is_pointer(id) || is_pointer(&name);
    !points && (is_sensitive(id) || is_sensitive(&name))
}

/// A construct id without the words that say it is a parameter.
pub(super) fn stem(id: &str) -> &str {
    let mut stem = id;
    for end in ["Parameter", "parameter", "Param", "param", "SSM", "Ssm", "ssm"] {
        stem = stem.strip_suffix(end).unwrap_or(stem).trim_end_matches(['-', '_']);
    }
    if stem.is_empty() { id } else { stem }
}

/// `api-key` of `` `/${prefix}/api-key` ``.
pub(super) fn last_segment(name: Syn<'_>) -> String {
    let text = Literal::of(name).map(|literal| literal.text).unwrap_or_default();
    text.rsplit('/').next().unwrap_or_default().to_owned()
}

/// The words of a name, in lower case: `DBPassword`, `db-password` and `DB_PASSWORD` alike.
pub(super) fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let chars: Vec<char> = name.chars().collect();
    let mut open = false;
    for (index, c) in chars.iter().enumerate() {
        if !c.is_ascii_alphanumeric() {
            open = false;
            continue;
        }
        let before = index.checked_sub(1).and_then(|at| chars.get(at));
        let hump = c.is_ascii_uppercase()
            && before.is_some_and(|before| {
                !before.is_ascii_uppercase() || chars.get(index + 1).is_some_and(char::is_ascii_lowercase)
            });
        match words.last_mut().filter(|_| open && !hump) {
            Some(word) => word.push(c.to_ascii_lowercase()),
            None => words.push(c.to_ascii_lowercase().to_string()),
        }
        open = true;
    }
    words
}

/// Whether a value is text of the app itself: a literal, a variable of type `string`. What a resource tells of
/// itself when it is deployed is none, nor is a number, a switch, an ARN or an address.
pub(super) fn is_plain_text<'a>(model: &Model<'a>, value: Syn<'a>) -> bool {
    match value.kind() {
        "string" => is_worth_hiding(value.text().trim_matches(['\'', '"'])),
        "template_string" => {
            let mut parts = value.children().filter(|part| part.is("template_substitution"));
            is_worth_hiding(value.text().trim_matches('`'))
                && parts.all(|part| part.first().is_some_and(|inner| is_text(model, inner)))
        }
        _ => is_text(model, value),
    }
}

fn is_text<'a>(model: &Model<'a>, value: Syn<'a>) -> bool {
    let name = value.field("property").unwrap_or(value);
    !is_pointer(name.text()) && matches!(model.type_of(value).ty, Type::String | Type::Literals(_))
}

fn is_worth_hiding(text: &str) -> bool {
    let address = text.starts_with("http") && !text.contains('@');
    let switch =
        matches!(text.to_lowercase().as_str(), "" | "true" | "false" | "none" | "null" | "undefined");
    !address && !switch && !text.starts_with("arn:") && !text.starts_with('/') && text.parse::<f64>().is_err()
}

/// Whether a text only keeps the place of a value that people put there by hand.
pub(crate) fn is_placeholder(text: &str) -> bool {
    let lower = text.to_lowercase();
    [
        "placeholder",
        "change",
        "replace",
        "todo",
        "dummy",
        "example",
        "your",
        "xxx",
        "tbd",
        "<",
        "set_me",
        "set-me",
        "initial",
    ]
    .iter()
    .any(|word| lower.contains(word))
}

#[cfg(test)]
mod tests {
    use super::{is_issued_key, is_sensitive};

    #[test]
    fn keys_are_known_by_their_form() {
        // Put together here, so that nobody's scanner takes the test for a leak.
        let key = |start: &str, length: usize| format!("{start}{}", "a1B2".repeat(length / 4));
        assert!(is_issued_key(&key("sk_live_", 24)) && is_issued_key(&key("ghp_", 36)));
        assert!(is_issued_key("-----BEGIN RSA PRIVATE KEY-----\\nMIIE"));
        for text in ["ghp_", "npm_config_registry", "SG.eu", "sk_live_ is the prefix of a key of Stripe"] {
            assert!(!is_issued_key(text), "{text}");
        }
    }

    #[test]
    fn names_of_secrets_are_told_from_names_of_references() {
        for name in [
            "api-key",
            "APIKey",
            "DB_PASSWORD",
            "db-connection",
            "stripeSecretKey",
            "connection_string",
            "GithubToken",
        ] {
            assert!(is_sensitive(name), "{name}");
        }
        for name in [
            "db-secret-arn",
            "apiKeyId",
            "ApiKeyName",
            "token-ttl",
            "public-api-key",
            "monkey",
            "TokenTable",
            "connection",
        ] {
            assert!(!is_sensitive(name), "{name}");
        }
    }
}
