import * as cdk from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';

/** A copy of what is kept in one bucket, in a second region. */
export class ArtifactReplicaStack extends cdk.Stack {
  public readonly bucket: s3.Bucket;
  public readonly kmsKey: kms.Key;

  constructor(scope: Construct, id: string, props: cdk.StackProps) {
    super(scope, id, props);

    // A key belongs to one region: the copy has its own
    this.kmsKey = new kms.Key(this, 'ReplicaKey', {
      description: 'Encrypts the copy of another region',
      enableKeyRotation: true,
    });

    this.bucket = new s3.Bucket(this, 'Replica', {
      versioned: true,
      encryption: s3.BucketEncryption.KMS,
      encryptionKey: this.kmsKey,
      enforceSSL: true,
      blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
      lifecycleRules: [
        {
          noncurrentVersionExpiration: cdk.Duration.days(30),
          abortIncompleteMultipartUploadAfter: cdk.Duration.days(7),
        },
      ],
      removalPolicy: cdk.RemovalPolicy.RETAIN,
    });
    this.bucket.addToResourcePolicy(
      new iam.PolicyStatement({
        sid: 'DenyOtherEncryption',
        effect: iam.Effect.DENY,
        principals: [new iam.AnyPrincipal()],
        actions: ['s3:PutObject'],
        resources: [this.bucket.arnForObjects('*')],
        conditions: {
          // Uploads that name no encryption get the bucket's own
          Null: { 's3:x-amz-server-side-encryption': 'false' },
          StringNotEquals: {
            's3:x-amz-server-side-encryption': ['aws:kms', 'aws:kms:dsse'],
          },
        },
      })
    );
  }
}
