//! A bucket for access logs, and the Firehose stream that fills it.

use super::wa_1_9_api_without_access_logs::place_before;
use crate::detect::Refusal;
use crate::edit::{Builder, no_fix};
use crate::model::Site;

/// Declares the bucket and the stream before a construct; the destination for its stage.
///
/// # Errors
/// A [`Refusal`] where no statement can stand there, or the release of CDK has no such stream.
pub(super) fn stream_destination<'a>(b: &mut Builder<'_, 'a>, site: &Site<'a>) -> Result<String, Refusal> {
    let at = site.node;
    let typed = b.model.location(at.file).and_then(|file| file.extension()).is_some_and(|end| end == "ts");
    if !typed
        || !b.model.has_member("aws_kinesisfirehose.DeliveryStream", "fromDeliveryStreamArn")
        || !b.model.has_class("aws_apigateway.FirehoseLogDestination")
    {
        return Err(no_fix(
            "the stream takes TypeScript and CDK 2.178, and this app has not both",
            "keep the log in CloudWatch (access_log_target=cloudwatch), or update aws-cdk-lib",
        ));
    }
    let statement = place_before(b, site)?;
    let scope = b.scope_text(site);
    let bucket_id = b.sibling_id(site, "AccessLogBucket");
    let stream_id = b.sibling_id(site, "AccessLogStream");
    let bucket = b.fresh_name(at.file, &["accessLogBucket", "apiAccessLogBucket"]);
    let stream = b.fresh_name(at.file, &["accessLogStream", "apiAccessLogStream"]);
    let [class, block, encryption, duration, names, delivery, raw, own, s3] = [
        "aws_s3.Bucket",
        "aws_s3.BlockPublicAccess",
        "aws_s3.BucketEncryption",
        "Duration",
        "Names",
        "aws_kinesisfirehose.DeliveryStream",
        "aws_kinesisfirehose.CfnDeliveryStream",
        "aws_kinesisfirehose.StreamEncryption",
        "aws_kinesisfirehose.S3Bucket",
    ]
    .map(|name| b.cdk(at, name));
    let (class, block, encryption, duration) = (class?, block?, encryption?, duration?);
    let (names, delivery, raw, own, s3) = (names?, delivery?, raw?, own?, s3?);
    b.insert_before(
        statement,
        &format!(
            "const {bucket} = new {class}({scope}, {bucket_id}, {{\n  blockPublicAccess: {block}.BLOCK_ALL,\n  encryption: \
             {encryption}.S3_MANAGED,\n  enforceSSL: true,\n  lifecycleRules: [{{ expiration: {duration}.days(365) }}],\n}});\n\n\
             // API Gateway writes to streams only whose names begin like this\n\
             const {stream} = new {delivery}({scope}, {stream_id}, {{\n  deliveryStreamName: `amazon-apigateway-${{{names}.uniqueResourceName(\n    \
             {bucket},\n    {{ maxLength: 46, separator: '-' }}\n  )}}`,\n  encryption: {own}.awsOwnedKey(),\n  destination: new \
             {s3}({bucket}, {{\n    dataOutputPrefix: 'api-access/',\n    errorOutputPrefix: 'api-access-errors/',\n  }}),\n}});"
        ),
    );
    let destination = b.cdk(at, "aws_apigateway.FirehoseLogDestination")?;
    Ok(format!("new {destination}(\n  {stream}.node.defaultChild as {raw}\n)"))
}
