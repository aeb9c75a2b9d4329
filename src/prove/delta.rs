//! What a fix makes of the CloudFormation templates, and what to look at before it is deployed.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use super::bench::{Bench, Outcome};
use super::bisect::{Planner, beginning, order};
use super::exposure::{exposures, permissions};
use super::stateful::{is_stateful, is_version, replaces};
use super::template::Templates;
use super::{ProofError, Proven};

/// What one fix changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Delta {
    /// The rule's number.
    pub rule: String,
    /// What the fix does. Where fixes synthesise only together: what each of them does.
    pub title: String,
    /// The findings.
    pub fingerprints: Vec<String>,
    /// The resources, by stack and logical id.
    pub resources: Vec<ResourceChange>,
    /// What to look at before deploying, one sentence each.
    pub warnings: Vec<String>,
}

/// A resource that is not what it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceChange {
    /// The stack.
    pub stack: String,
    /// The logical id.
    pub logical_id: String,
    /// The type.
    #[serde(rename = "type")]
    pub kind: String,
    /// `added`, `removed` or `changed`.
    pub change: &'static str,
    /// The properties that are not what they were.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub properties: Vec<String>,
}

/// Finds out what each fix of a proved plan changes, by synthesising the states between them. A stretch of fixes that
/// changes nothing costs one run.
///
/// # Errors
/// As [`super::prove`].
pub fn measure(
    proven: &Proven,
    plan_with: Planner<'_>,
    bench: &mut dyn Bench,
) -> Result<Vec<Delta>, ProofError> {
    let Outcome::Passed(Some(first)) = bench.try_out(&[])? else { return Ok(Vec::new()) };
    let Outcome::Passed(Some(last)) = bench.try_out(&proven.plan.changes)? else { return Ok(Vec::new()) };
    let order = order(&proven.plan);
    let mut steps = Vec::new();
    let mut open = vec![((0, first), (order.len(), last))];
    while let Some((from, to)) = open.pop() {
        if *from.1 == *to.1 || from.0 >= to.0 {
            continue;
        }
        // From the middle on, the nearest state that synthesises.
        let middle = usize::midpoint(from.0, to.0);
        let mut found = None;
        for length in (middle..to.0).chain((from.0 + 1..middle).rev()).filter(|length| *length > from.0) {
            let part = plan_with(&beginning(&proven.trial, &order, length));
            if let Outcome::Passed(Some(templates)) = bench.try_out(&part.changes)? {
                found = Some((length, templates));
                break;
            }
        }
        match found {
            Some(middle) => {
                open.push((middle.clone(), to));
                open.push((from, middle));
            }
            None => steps.push((from, to)),
        }
    }
    steps.sort_by_key(|(from, _)| from.0);
    Ok(steps.into_iter().map(|(from, to)| delta(proven, &order, &from, &to)).collect())
}

/// A state, by the number of fixes in it.
type State = (usize, Arc<Templates>);

fn delta(proven: &Proven, order: &[String], from: &State, to: &State) -> Delta {
    let fingerprints = order.get(from.0..to.0).unwrap_or_default().to_vec();
    let mut rules: Vec<&str> = Vec::new();
    let mut titles: Vec<&str> = Vec::new();
    for step in &proven.plan.steps {
        for (fixed, title) in step.fixed.iter().zip(&step.titles) {
            if fingerprints.contains(fixed) {
                titles.push(title);
                rules.push(step.rule.id);
            }
        }
    }
    rules.dedup();
    let resources = changes(&from.1, &to.1);
    let warnings = warnings(&from.1, &to.1, &resources);
    Delta { rule: rules.join(", "), title: titles.join("; "), fingerprints, resources, warnings }
}

type Resources<'t> = BTreeMap<(&'t str, &'t str), &'t Value>;

fn resources(templates: &Templates) -> Resources<'_> {
    templates.resources().map(|(stack, id, resource)| ((stack, id), resource)).collect()
}

/// The resources that differ.
pub fn changes(before: &Templates, after: &Templates) -> Vec<ResourceChange> {
    let (old, new) = (resources(before), resources(after));
    let of = |(stack, id): (&str, &str), resource: &Value, change, properties| ResourceChange {
        stack: stack.to_owned(),
        logical_id: id.to_owned(),
        kind: kind(resource).to_owned(),
        change,
        properties,
    };
    let mut all: Vec<ResourceChange> = Vec::new();
    for (place, resource) in &new {
        match old.get(place) {
            None => all.push(of(*place, resource, "added", Vec::new())),
            Some(was) => {
                let properties = differing(was, resource);
                if !properties.is_empty() {
                    all.push(of(*place, resource, "changed", properties));
                }
            }
        }
    }
    for (place, resource) in old.iter().filter(|(place, _)| !new.contains_key(*place)) {
        all.push(of(*place, resource, "removed", Vec::new()));
    }
    all.sort_by(|a, b| (&a.stack, &a.logical_id).cmp(&(&b.stack, &b.logical_id)));
    all
}

/// The names of properties and attributes that differ; what CDK notes for itself does not count.
fn differing(was: &Value, is: &Value) -> Vec<String> {
    let empty = serde_json::Map::new();
    let fields =
        |value: &Value, name: &str| value.get(name).and_then(Value::as_object).unwrap_or(&empty).clone();
    let mut names = Vec::new();
    let mut compare = |old: &serde_json::Map<String, Value>, new: &serde_json::Map<String, Value>| {
        let keys: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        for key in keys.into_iter().filter(|key| !matches!(key.as_str(), "Metadata" | "Properties")) {
            if old.get(key) != new.get(key) {
                names.push(key.clone());
            }
        }
    };
    compare(&fields(was, "Properties"), &fields(is, "Properties"));
    compare(was.as_object().unwrap_or(&empty), is.as_object().unwrap_or(&empty));
    names
}

fn kind(resource: &Value) -> &str {
    resource.get("Type").and_then(Value::as_str).unwrap_or_default()
}

/// What to look at before deploying.
pub fn warnings(before: &Templates, after: &Templates, changes: &[ResourceChange]) -> Vec<String> {
    let (old, new) = (resources(before), resources(after));
    let mut all = Vec::new();
    for change in changes {
        let (id, kind) = (&change.logical_id, &change.kind);
        let place = (change.stack.as_str(), id.as_str());
        match change.change {
            "removed" if !is_version(kind) => all.push(removal(change, &old, &new)),
            "changed" => {
                let replacing: Vec<&str> = change
                    .properties
                    .iter()
                    .map(String::as_str)
                    .filter(|name| replaces(kind, name))
                    .collect();
                if !replacing.is_empty() || old.get(&place).is_some_and(|was| self::kind(was) != kind) {
                    let names = replacing.join(", ");
                    all.push(format!("{id} ({kind}) is replaced, with what it holds: {names} changes"));
                }
            }
            _ => {}
        }
    }
    let added = |of: fn(&Templates) -> std::collections::BTreeSet<String>| {
        let was = of(before);
        of(after).into_iter().filter(move |one| !was.contains(one))
    };
    all.extend(added(permissions).map(|one| format!("new permission: {one}")));
    all.extend(added(exposures).map(|one| format!("new public exposure: {one}")));
    all
}

/// A resource that goes: under another logical id it is made anew.
fn removal(change: &ResourceChange, old: &Resources<'_>, new: &Resources<'_>) -> String {
    let (id, kind) = (&change.logical_id, &change.kind);
    let was = old.get(&(change.stack.as_str(), id.as_str())).copied().unwrap_or(&Value::Null);
    let path = |resource: &Value| resource.get("Metadata")?.get("aws:cdk:path").cloned();
    let successor = new.iter().find(|(place, resource)| {
        !old.contains_key(*place)
            && self::kind(resource) == kind
            && (resource.get("Properties") == was.get("Properties")
                || (path(was).is_some() && path(resource) == path(was)))
    });
    let loss = if is_stateful(kind) { ", and what it holds is not in the new one" } else { "" };
    match successor {
        Some(((_, other), _)) => format!("{id} ({kind}) gets the logical id {other}: it is made anew{loss}"),
        None if is_stateful(kind) => format!("{id} ({kind}) is removed, with what it holds"),
        None => format!("{id} ({kind}) is removed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn stack(resources: &Value) -> Templates {
        Templates { stacks: [("S".to_owned(), json!({ "Resources": resources }))].into() }
    }

    #[expect(clippy::needless_pass_by_value, reason = "literals read better")]
    fn warned(before: Value, after: Value) -> Vec<String> {
        let (before, after) = (stack(&before), stack(&after));
        warnings(&before, &after, &changes(&before, &after))
    }

    #[test]
    fn a_bucket_with_another_name_is_another_bucket() {
        let bucket =
            |name: &str| json!({ "B": { "Type": "AWS::S3::Bucket", "Properties": { "BucketName": name } } });
        let said = warned(bucket("a"), bucket("b"));
        assert_eq!(said, ["B (AWS::S3::Bucket) is replaced, with what it holds: BucketName changes"]);
    }

    #[test]
    fn a_changed_logical_id() {
        let table =
            json!({ "Type": "AWS::DynamoDB::Table", "Properties": { "BillingMode": "PAY_PER_REQUEST" } });
        let said = warned(json!({ "A": table }), json!({ "B": table }));
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(said[0].contains("gets the logical id B") && said[0].contains("what it holds"), "{said:?}");
    }

    #[test]
    fn versions_come_and_go() {
        let version = |id: &str| json!({ id: { "Type": "AWS::Lambda::Version", "Properties": {} } });
        assert!(warned(version("V1"), version("V2")).is_empty());
    }

    #[test]
    fn permissions_and_exposure_that_were_not_there() {
        let policy = |action: &str, who: &str| {
            json!({ "P": { "Type": "AWS::S3::BucketPolicy", "Properties": { "PolicyDocument": { "Statement": [
                { "Effect": "Allow", "Action": action, "Principal": { "AWS": who }, "Resource": "x" }
            ] } } } })
        };
        let said = warned(policy("s3:GetObject", "arn:1"), policy("s3:GetObject", "*"));
        assert!(said.iter().any(|line| line.starts_with("new permission: ")), "{said:?}");
        assert!(said.iter().any(|line| line.starts_with("new public exposure: P")), "{said:?}");
        assert!(warned(policy("s3:GetObject", "*"), policy("s3:GetObject", "*")).is_empty());
        // Less than before is nothing to warn of.
        let none = json!({ "P": { "Type": "AWS::S3::BucketPolicy", "Properties": {} } });
        assert!(warned(policy("s3:GetObject", "*"), none).is_empty());
    }

    #[test]
    fn an_open_port_and_a_public_database() {
        let group = |cidr: &str| {
            json!({ "G": { "Type": "AWS::EC2::SecurityGroup", "Properties": { "SecurityGroupIngress": [
                { "CidrIp": cidr, "FromPort": 22 }
            ] } } })
        };
        let said = warned(group("10.0.0.0/8"), group("0.0.0.0/0"));
        assert!(said[0].contains("open to every address on port 22"), "{said:?}");
        let database = |open: bool| json!({ "D": { "Type": "AWS::RDS::DBInstance", "Properties": { "PubliclyAccessible": open } } });
        assert!(warned(database(false), database(true))[0].contains("public address"));
    }
}
