//! Who may do what, and what the internet reaches: read from the templates, to tell what a fix adds.

use std::collections::BTreeSet;

use serde_json::Value;

use super::template::Templates;

/// Everything that is allowed to somebody, one line for each action, resource and holder.
pub fn permissions(templates: &Templates) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for (_, id, resource) in templates.resources() {
        let properties = resource.get("Properties").unwrap_or(&Value::Null);
        if kind(resource) == "AWS::Lambda::Permission" {
            let who = text(properties.get("Principal"));
            let what = text(properties.get("FunctionName"));
            all.insert(format!("{who} may {} on {what}", text(properties.get("Action"))));
        }
        each_statement(properties, &mut |statement| {
            if statement.get("Effect").and_then(Value::as_str) != Some("Allow") {
                return;
            }
            let who = statement.get("Principal").map_or_else(|| id.to_owned(), |who| text(Some(who)));
            let actions = statement
                .get("Action")
                .map_or_else(|| vec![format!("everything but {}", text(statement.get("NotAction")))], list);
            for action in actions {
                for place in statement.get("Resource").map_or_else(|| vec![id.to_owned()], list) {
                    all.insert(format!("{who} may {action} on {place}"));
                }
            }
        });
    }
    all
}

/// Everything that anybody may reach or use, one line each.
pub fn exposures(templates: &Templates) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for (_, id, resource) in templates.resources() {
        let properties = resource.get("Properties").unwrap_or(&Value::Null);
        let kind = kind(resource);
        all.extend(open_by_property(kind, properties).map(|how| format!("{id} ({kind}) {how}")));
        each_statement(properties, &mut |statement| {
            let allows = statement.get("Effect").and_then(Value::as_str) == Some("Allow");
            if allows && statement.get("Condition").is_none() && is_anybody(statement.get("Principal")) {
                let action = statement.get("Action").map(list).unwrap_or_default().join(", ");
                all.insert(format!("{id} ({kind}) lets anybody {action}"));
            }
        });
        if kind.starts_with("AWS::EC2::SecurityGroup") && !kind.ends_with("Egress") {
            each_object(properties.get("SecurityGroupIngress").unwrap_or(properties), &mut |rule| {
                let open = |name: &str| rule.get(name).and_then(Value::as_str);
                if open("CidrIp") == Some("0.0.0.0/0") || open("CidrIpv6") == Some("::/0") {
                    let port = text(rule.get("FromPort"));
                    all.insert(format!("{id} ({kind}) is open to every address on port {port}"));
                }
            });
        }
    }
    all
}

/// What one property opens.
fn open_by_property(kind: &str, properties: &Value) -> Option<String> {
    let word = |name: &str| properties.get(name).and_then(Value::as_str);
    let flag = |name: &str| properties.get(name).and_then(Value::as_bool);
    match kind {
        "AWS::ApiGateway::Method" if word("AuthorizationType").unwrap_or("NONE") == "NONE" => {
            let is_preflight = word("HttpMethod") == Some("OPTIONS");
            (!is_preflight).then(|| "needs no authorization".to_owned())
        }
        "AWS::Lambda::Url" if word("AuthType") == Some("NONE") => Some("needs no authorization".to_owned()),
        "AWS::Lambda::Permission" if word("Principal") == Some("*") => Some("lets anybody invoke".to_owned()),
        "AWS::RDS::DBInstance" if flag("PubliclyAccessible") == Some(true) => {
            Some("has a public address".to_owned())
        }
        "AWS::ElasticLoadBalancingV2::LoadBalancer" if word("Scheme") == Some("internet-facing") => {
            Some("faces the internet".to_owned())
        }
        "AWS::S3::Bucket" => {
            let blocks = properties.get("PublicAccessBlockConfiguration");
            let names = ["BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"];
            let is_open = |name: &&str| blocks?.get(name)?.as_bool().filter(|flag| !flag);
            let open: Vec<_> = names.into_iter().filter(|name| is_open(name).is_some()).collect();
            if word("AccessControl").is_some_and(|acl| acl.starts_with("Public")) {
                Some("has a public access control list".to_owned())
            } else {
                (!open.is_empty()).then(|| format!("does not block public access ({})", open.join(", ")))
            }
        }
        _ => None,
    }
}

fn kind(resource: &Value) -> &str {
    resource.get("Type").and_then(Value::as_str).unwrap_or_default()
}

/// `"*"`, or `"*"` as an account.
fn is_anybody(principal: Option<&Value>) -> bool {
    match principal {
        Some(Value::String(who)) => who == "*",
        Some(Value::Object(who)) => who.get("AWS").is_some_and(|aws| list(aws).iter().any(|one| one == "*")),
        _ => false,
    }
}

/// The statements of every policy in a value.
fn each_statement(value: &Value, seen: &mut dyn FnMut(&Value)) {
    each_object(value, &mut |object| {
        if object.get("Effect").is_some() {
            seen(object);
        }
    });
}

/// Every object in a value.
fn each_object(value: &Value, seen: &mut dyn FnMut(&Value)) {
    match value {
        Value::Object(fields) => {
            seen(value);
            fields.values().for_each(|inner| each_object(inner, seen));
        }
        Value::Array(items) => items.iter().for_each(|inner| each_object(inner, seen)),
        _ => {}
    }
}

fn list(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().map(|item| text(Some(item))).collect(),
        one => vec![text(Some(one))],
    }
}

/// A value in a few words: `{"Fn::GetAtt": ["Key", "Arn"]}` is `Key.Arn`.
fn text(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "any".to_owned(),
        Some(Value::String(word)) => word.clone(),
        Some(Value::Object(fields)) if fields.len() == 1 => {
            fields.iter().next().map_or_else(String::new, |(name, inner)| match (name.as_str(), inner) {
                ("Fn::GetAtt", Value::Array(parts)) => {
                    parts.iter().map(|part| text(Some(part))).collect::<Vec<_>>().join(".")
                }
                ("Fn::Join", Value::Array(parts)) => parts.get(1).map(list).unwrap_or_default().concat(),
                (_, inner) => text(Some(inner)),
            })
        }
        Some(Value::Array(items)) => items.iter().map(|item| text(Some(item))).collect::<Vec<_>>().join(", "),
        Some(other) => other.to_string(),
    }
}
