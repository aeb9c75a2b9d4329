  /** Copies what is written to a bucket from now on: `replicationRules`, which aws-cdk-lib has since 2.177. */
  public copyFrom(source: s3.IBucket): void {
    const role = new iam.Role(source, 'ReplicationRole', {
      assumedBy: new iam.ServicePrincipal('s3.amazonaws.com'),
    });
    role.addToPolicy(
      new iam.PolicyStatement({
        actions: ['s3:GetReplicationConfiguration', 's3:ListBucket'],
        resources: [source.bucketArn],
      })
    );
    role.addToPolicy(
      new iam.PolicyStatement({
        actions: [
          's3:GetObjectVersionForReplication',
          's3:GetObjectVersionAcl',
          's3:GetObjectVersionTagging',
        ],
        resources: [source.arnForObjects('*')],
      })
    );
    role.addToPolicy(
      new iam.PolicyStatement({
        actions: ['s3:ReplicateObject', 's3:ReplicateDelete', 's3:ReplicateTags'],
        resources: [this.bucket.arnForObjects('*')],
      })
    );
    source.encryptionKey?.grantDecrypt(role);
    role.addToPolicy(
      new iam.PolicyStatement({
        actions: ['kms:Encrypt'],
        resources: [this.kmsKey.keyArn],
      })
    );

    const bucket = source.node.defaultChild as s3.CfnBucket;
    bucket.replicationConfiguration = {
      role: role.roleArn,
      rules: [
        {
          id: 'dr-copy',
          status: 'Enabled',
          priority: 0,
          filter: { prefix: '' },
          deleteMarkerReplication: { status: 'Disabled' },
          sourceSelectionCriteria: {
            sseKmsEncryptedObjects: { status: 'Enabled' },
          },
          destination: {
            bucket: this.bucket.bucketArn,
            encryptionConfiguration: { replicaKmsKeyId: this.kmsKey.keyArn },
          },
        },
      ],
    };
  }
