import * as cdk from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as firehose from 'aws-cdk-lib/aws-kinesisfirehose';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';

export interface LogArchiveProps {
  /** The groups whose events are kept. */
  readonly logGroups: logs.ILogGroup[];

  /** When events are deleted from the archive; 120 days by default. */
  readonly expireAfter?: cdk.Duration;
}

/**
 * Keeps the events of log groups in a bucket, at the price of an archive.
 *
 * The bucket outlives its stack.
 */
export class LogArchive extends Construct {
  public readonly bucket: s3.Bucket;

  constructor(scope: Construct, id: string, props: LogArchiveProps) {
    super(scope, id);

    this.bucket = new s3.Bucket(this, 'Bucket', {
      blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
      encryption: s3.BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      removalPolicy: cdk.RemovalPolicy.RETAIN,
      lifecycleRules: [
        {
          transitions: [
            {
              storageClass: s3.StorageClass.GLACIER,
              transitionAfter: cdk.Duration.days(30),
            },
          ],
          // Glacier bills at least 90 days: less than 30 + 90 saves nothing
          expiration: props.expireAfter ?? cdk.Duration.days(120),
        },
      ],
    });

    const writer = new iam.Role(this, 'WriterRole', {
      assumedBy: new iam.ServicePrincipal('firehose.amazonaws.com'),
    });
    const written = this.bucket.grantReadWrite(writer);
    const stream = new firehose.CfnDeliveryStream(this, 'Stream', {
      deliveryStreamEncryptionConfigurationInput: { keyType: 'AWS_OWNED_CMK' },
      extendedS3DestinationConfiguration: {
        bucketArn: this.bucket.bucketArn,
        roleArn: writer.roleArn,
        // CloudWatch Logs sends gzip already: no compression here
        prefix: 'logs/!{timestamp:yyyy/MM/dd}/',
        errorOutputPrefix: 'errors/!{firehose:error-output-type}/',
        // Large objects: Glacier adds 40 KB to each
        bufferingHints: { intervalInSeconds: 900, sizeInMBs: 64 },
      },
    });
    written.applyBefore(stream);

    const feeder = new iam.Role(this, 'FeederRole', {
      assumedBy: new iam.ServicePrincipal('logs.amazonaws.com'),
    });
    feeder.addToPolicy(
      new iam.PolicyStatement({
        actions: ['firehose:PutRecord', 'firehose:PutRecordBatch'],
        resources: [stream.attrArn],
      })
    );

    props.logGroups.forEach((logGroup, index) => {
      const filter = new logs.CfnSubscriptionFilter(
        this,
        `Subscription${index}`,
        {
          logGroupName: logGroup.logGroupName,
          filterPattern: '',
          destinationArn: stream.attrArn,
          roleArn: feeder.roleArn,
        }
      );
      filter.node.addDependency(feeder);
    });
  }
}
