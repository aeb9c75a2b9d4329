//! What is known of a bucket beyond its props.

use crate::model::{Model, Prop, Site};
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
