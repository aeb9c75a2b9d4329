import * as cdk from 'aws-cdk-lib';
import * as firehose from 'aws-cdk-lib/aws-kinesisfirehose';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as destinations from 'aws-cdk-lib/aws-logs-destinations';
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

    const stream = new firehose.DeliveryStream(this, 'Stream', {
      encryption: firehose.StreamEncryption.awsOwnedKey(),
      destination: new firehose.S3Bucket(this.bucket, {
        // CloudWatch Logs sends gzip already: no compression here
        dataOutputPrefix: 'logs/!{timestamp:yyyy/MM/dd}/',
        errorOutputPrefix: 'errors/!{firehose:error-output-type}/',
        // Large objects: Glacier adds 40 KB to each
        bufferingInterval: cdk.Duration.minutes(15),
        bufferingSize: cdk.Size.mebibytes(64),
      }),
    });

    props.logGroups.forEach((logGroup, index) => {
      new logs.SubscriptionFilter(this, `Subscription${index}`, {
        logGroup,
        destination: new destinations.FirehoseDestination(stream),
        filterPattern: logs.FilterPattern.allEvents(),
      });
    });
  }
}
