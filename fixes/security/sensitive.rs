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

/// Last words of names of lists whose elements are secrets.
const KEPT: [&str; 10] =
    ["key", "password", "passwd", "passphrase", "secret", "token", "credential", "dsn", "apikey", "string"];

/// What a token is for, where it is one that lets somebody in.
const TOKENS: [&str; 10] =
    ["access", "api", "auth", "bearer", "bot", "github", "refresh", "secret", "service", "webhook"];

/// Whether the elements of a list of this name are meant to be kept secret: `api-keys`, `PartnerPasswords`. The last word tells
/// what they are: `ApiKeyScopes` and a plain `Tokens` may be anything.
fn is_sensitive_list(name: &str) -> bool {
    let mut words = words(name);
    if words.last().is_some_and(|last| last == "list") {
        words.pop();
    }
    let Some(last) = words.pop() else { return false };
    let last = singular(&last);
    let before = words.last().map(String::as_str).unwrap_or_default();
    if !KEPT.contains(&last.as_str()) || last == "token" && !TOKENS.contains(&before) {
        return false;
    }
    words.push(last);
    is_sensitive(&words.join("-"))
}

/// `key` of `keys`, `policy` of `policies`.
fn singular(word: &str) -> String {
    match (word.strip_suffix("ies"), word.strip_suffix('s')) {
        (Some(stem), _) => format!("{stem}y"),
        (None, Some(stem)) if !stem.ends_with('s') => stem.to_owned(),
        _ => word.to_owned(),
    }
}

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
    /// Whether it holds several values.
    pub list: bool,
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
    let name = get("parameterName").or_else(|| get("name"));
    if let Some(value) = get("stringListValue") {
        let open = holds_secret(parameter, name, is_sensitive_list) && holds_plain_text(model, value);
        return open.then_some(OpenParameter { secure, list: true, name, value });
    }
    let value = get("stringValue").or_else(|| get("value"))?;
    let open = secure || (holds_secret(parameter, name, is_sensitive) && is_plain_text(model, value));
    open.then_some(OpenParameter { secure, list: false, name, value })
}

/// Whether the parameter's name or id is that of a secret, and neither that of a reference to one.
fn holds_secret(parameter: &Site<'_>, name: Option<Syn<'_>>, is_sensitive: fn(&str) -> bool) -> bool {
    let label = parameter.label();
    let id = stem(&label);
    let name = name.map(last_segment).unwrap_or_default();
    let points = is_pointer(id) || is_pointer(&name);
    !points && (is_sensitive(id) || is_sensitive(&name))
}

/// Whether a list has text of the app itself among its elements. What is called like a secret is the name of one.
fn holds_plain_text<'a>(model: &Model<'a>, list: Syn<'a>) -> bool {
    let is_open = |element: Syn<'a>| {
        let text = Literal::of(element).map(|literal| literal.text).unwrap_or_default();
        let names = (is_sensitive(&text) || is_pointer(&text)) && !is_placeholder(&text);
        !names && is_plain_text(model, element)
    };
    model.array(list).is_some_and(|array| array.children().any(is_open))
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
    use super::{is_issued_key, is_sensitive, is_sensitive_list};

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
    fn names_of_lists_of_secrets_end_in_what_is_secret() {
        for name in [
            "api-keys",
            "PartnerPasswords",
            "WebhookTokens",
            "DB_CREDENTIALS",
            "ApiKeyList",
            "connection-strings",
        ] {
            assert!(is_sensitive_list(name), "{name}");
        }
        for name in [
            "ApiKeyScopes",
            "Tokens",
            "SupportedTokens",
            "secret-arns",
            "PasswordPolicies",
            "PublicKeys",
            "Regions",
        ] {
            assert!(!is_sensitive_list(name), "{name}");
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
