//! Part of 2.9: a bucket that is written as CloudFormation has it.

use crate::model::{Model, Prop, Site};
use crate::syntax::Syn;

/// The class.
pub(super) const RAW: &str = "aws_s3.CfnBucket";

/// What the code says of the end of a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// It stays when its stack goes.
    Kept,
    /// It goes with its stack, or nobody can tell.
    Gone,
    /// Nothing: CloudFormation deletes it, if it is empty.
    Unsaid,
}

/// What `applyRemovalPolicy` or `cfnOptions.deletionPolicy` says of a bucket.
pub(super) fn end_of<'a>(model: &Model<'a>, bucket: &Site<'a>) -> End {
    let policies: Vec<Syn<'a>> = model.uses(bucket).into_iter().filter_map(|used| policy_at(used)).collect();
    match policies.as_slice() {
        [] => End::Unsaid,
        all if all.iter().all(|policy| policy.text().contains("RETAIN")) => End::Kept,
        _ => End::Gone,
    }
}

/// The policy that is given to a bucket where it is named: `bucket.applyRemovalPolicy(policy)`,
/// `bucket.cfnOptions.deletionPolicy = policy`.
fn policy_at(used: Syn<'_>) -> Option<Syn<'_>> {
    let member = used.parent().filter(|member| member.field("object") == Some(used))?;
    match member.field("property")?.text() {
        "applyRemovalPolicy" => member.parent()?.field("arguments")?.first(),
        "cfnOptions" => {
            let deletion = member.parent().filter(|outer| outer.text().ends_with("deletionPolicy"))?;
            deletion.parent().filter(|set| set.is("assignment_expression"))?.field("right")
        }
        _ => None,
    }
}

/// Whether a bucket keeps versions of its objects.
pub(super) fn is_versioned<'a>(model: &Model<'a>, bucket: &Site<'a>) -> bool {
    let settings = bucket.props(model).get(model, "versioningConfiguration").value();
    let status = settings.and_then(|settings| model.props_of(settings).get(model, "status").value());
    status.is_some_and(|status| status.text().trim_matches(['\'', '"']) == "Enabled")
}

/// Whether a key of KMS encrypts a bucket, or that cannot be told.
pub(super) fn may_have_key<'a>(model: &Model<'a>, bucket: &Site<'a>) -> bool {
    match bucket.props(model).get(model, "bucketEncryption") {
        Prop::Absent => false,
        Prop::Present(entry) => {
            let text = model.value_of(entry.value).text();
            text.contains("kms") || !text.contains("AES256")
        }
        Prop::Unknown => true,
    }
}

/// The bucket that an expression stands for, through the import by which one of CloudFormation's becomes one of CDK's:
/// `Bucket.fromCfnBucket(raw)`, `Bucket.fromBucketName(this, 'Sources', raw.ref)`.
pub(super) fn behind<'a>(model: &Model<'a>, expression: Syn<'a>) -> Option<Site<'a>> {
    if let Some(site) = model.origin(expression) {
        return Some(site);
    }
    let call = model.value_of(model.source(expression));
    let arguments: Vec<Syn<'a>> = call.field("arguments")?.children().collect();
    match model.cdk_name(call.field("function")?)?.as_str() {
        "aws_s3.Bucket.fromCfnBucket" => model.origin(*arguments.first()?),
        "aws_s3.Bucket.fromBucketName" => model.origin(arguments.get(2)?.field("object")?),
        _ => None,
    }
}

/// Whether a pipeline that is written as CloudFormation has it starts from a bucket.
pub(super) fn starts_raw_pipeline<'a>(model: &Model<'a>, bucket: &Site<'a>) -> bool {
    in_raw_pipeline(model, bucket, "S3Bucket", "Source")
}

/// Whether such a pipeline passes its artifacts through a bucket.
pub(super) fn holds_raw_artifacts<'a>(model: &Model<'a>, bucket: &Site<'a>) -> bool {
    in_raw_pipeline(model, bucket, "location", "")
}

/// Whether a `CfnPipeline` names a bucket under a key, in an action of a category where one is asked for.
fn in_raw_pipeline<'a>(model: &Model<'a>, bucket: &Site<'a>, key: &str, category: &str) -> bool {
    model.uses(bucket).into_iter().any(|used| {
        let mut around = used.ancestors();
        let named =
            around.any(|pair| pair.is("pair") && pair.field("key").is_some_and(|own| own.text() == key));
        let action = used.ancestors().filter(|node| node.is("object")).find(|node| {
            node.children().any(|entry| entry.field("key").is_some_and(|own| own.text() == "actionTypeId"))
        });
        let does = category.is_empty() || action.is_some_and(|action| action.text().contains(category));
        named
            && does
            && used.ancestors().any(|node| {
                model.site_of(node).is_some_and(|site| model.builds(&site, "aws_codepipeline.CfnPipeline"))
            })
    })
}
