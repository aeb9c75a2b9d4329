//! What is known of a bucket beyond its props.

use crate::model::{Binding, Model, Prop, Site};
use crate::syntax::Syn;

/// `new Mine(…)` of a class of the app whose constructor is judged by itself.
pub(crate) fn is_built_by_its_class(bucket: &Site<'_>) -> bool {
    bucket.node.is("new_expression") && bucket.local.is_some_and(|class| class.text().contains("constructor"))
}

/// Whether a `BucketPolicy` is written by hand for the bucket, or for one that cannot be followed.
pub(super) fn has_own_policy<'a>(model: &Model<'a>, bucket: &Site<'a>) -> bool {
    let is_policy =
        |site: &Site<'a>| matches!(site.class.as_str(), "aws_s3.BucketPolicy" | "aws_s3.CfnBucketPolicy");
    model.all_sites().filter(is_policy).any(|policy| match policy.props(model).get(model, "bucket") {
        Prop::Present(entry) => {
            let of = |node: Syn<'a>| model.origin(node).map(|site| site.node);
            let named = of(entry.value).or_else(|| of(entry.value.field("object")?));
            named.is_none_or(|node| node == bucket.node)
        }
        Prop::Absent => false,
        Prop::Unknown => true,
    })
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
