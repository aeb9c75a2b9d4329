//! What is known of a bucket beyond its props.

use crate::model::{Binding, Model, Site};
use crate::syntax::Syn;

/// `new Mine(…)` of a class of the app whose constructor is judged by itself.
pub(crate) fn is_built_by_its_class(bucket: &Site<'_>) -> bool {
    bucket.node.is("new_expression") && bucket.local.is_some_and(|class| class.text().contains("constructor"))
}

/// The policy that is written by hand for a bucket.
#[derive(Debug, Clone)]
pub(super) enum OwnPolicy<'a> {
    /// There is none.
    None,
    /// This one.
    One(Site<'a>),
    /// One that cannot be followed, or several.
    Unknown,
}

/// What `BucketPolicy` is written by hand for the bucket, or for one that cannot be followed.
pub(super) fn own_policy<'a>(model: &Model<'a>, bucket: &Site<'a>) -> OwnPolicy<'a> {
    let mut found = OwnPolicy::None;
    for policy in model.all_sites().filter(is_policy) {
        match policy_bucket(model, &policy) {
            Some(of) if of.node != bucket.node => {}
            Some(_) if matches!(found, OwnPolicy::None) => found = OwnPolicy::One(policy),
            _ => return OwnPolicy::Unknown,
        }
    }
    found
}

pub(super) fn is_policy(site: &Site<'_>) -> bool {
    matches!(site.class.as_str(), "aws_s3.BucketPolicy" | "aws_s3.CfnBucketPolicy")
}

/// The bucket of a policy that is written by hand.
pub(super) fn policy_bucket<'a>(model: &Model<'a>, policy: &Site<'a>) -> Option<Site<'a>> {
    let value = policy.props(model).get(model, "bucket").value()?;
    model.origin(value).or_else(|| model.origin(value.field("object")?))
}

/// Whether a `BucketPolicy` is written by hand for the bucket, or for one that cannot be followed.
pub(super) fn has_own_policy<'a>(model: &Model<'a>, bucket: &Site<'a>) -> bool {
    !matches!(own_policy(model, bucket), OwnPolicy::None)
}

/// Whether a service of AWS writes logs to the bucket, by name or by use.
pub(crate) fn takes_logs<'a>(model: &Model<'a>, bucket: &Site<'a>) -> bool {
    let name = match bucket.binding() {
        Binding::Variable(name) | Binding::Field(name) => name.text(),
        Binding::None => "",
    };
    let says_log = |text: &str| {
        let lower = text.to_lowercase();
        (lower.contains("log") && !lower.contains("login") && !lower.contains("catalog"))
            || lower.contains("trail")
    };
    says_log(name)
        || says_log(&bucket.label())
        || model.uses(bucket).into_iter().any(|used| is_log_use(model, used))
}

fn is_log_use<'a>(model: &Model<'a>, used: Syn<'a>) -> bool {
    let pair_key = used.parent().filter(|parent| parent.is("pair")).and_then(|pair| pair.field("key"));
    if pair_key.unwrap_or(used).text().to_lowercase().contains("log")
        && (pair_key.is_some() || used.parent().is_some_and(|p| p.is("object")))
    {
        return true;
    }
    for around in used.ancestors() {
        if around.is("call_expression") {
            let method = around.field("function").and_then(|function| function.field("property"));
            return method.is_some_and(|method| matches!(method.text(), "logAccessLogs" | "toS3"));
        }
        if around.is("new_expression") {
            let class = model.site_of(around).map(|site| site.class).unwrap_or_default();
            return ["aws_cloudtrail.", "aws_kinesisfirehose", "aws_config.", "aws_ec2.CfnFlowLog"]
                .iter()
                .any(|start| class.starts_with(start));
        }
    }
    false
}
