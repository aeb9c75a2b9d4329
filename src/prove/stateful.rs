//! Resources that hold what cannot be made again, and the properties that CloudFormation replaces them for.
//! From the "Update requires: Replacement" notes of the CloudFormation resource reference.

/// Types that hold data, with the properties whose change replaces the resource.
const STATEFUL: [(&str, &[&str]); 24] = [
    ("AWS::Backup::BackupVault", &["BackupVaultName", "EncryptionKeyArn"]),
    ("AWS::Cognito::UserPool", &["UsernameAttributes", "AliasAttributes", "UsernameConfiguration"]),
    ("AWS::DocDB::DBCluster", &["DBClusterIdentifier", "KmsKeyId", "StorageEncrypted", "DBSubnetGroupName"]),
    ("AWS::DynamoDB::GlobalTable", &["TableName", "KeySchema", "LocalSecondaryIndexes"]),
    (
        "AWS::DynamoDB::Table",
        &["TableName", "KeySchema", "LocalSecondaryIndexes", "ImportSourceSpecification"],
    ),
    ("AWS::EC2::Volume", &["Encrypted", "KmsKeyId", "SnapshotId"]),
    ("AWS::ECR::Repository", &["RepositoryName", "EncryptionConfiguration"]),
    ("AWS::EFS::FileSystem", &["Encrypted", "KmsKeyId", "PerformanceMode", "AvailabilityZoneName"]),
    ("AWS::ElastiCache::ReplicationGroup", &["AtRestEncryptionEnabled", "KmsKeyId", "ReplicationGroupId"]),
    ("AWS::Elasticsearch::Domain", &["DomainName"]),
    ("AWS::FSx::FileSystem", &["KmsKeyId", "FileSystemType", "SubnetIds", "BackupId"]),
    ("AWS::KMS::Key", &["KeySpec", "KeyUsage", "MultiRegion"]),
    ("AWS::Kinesis::Stream", &["Name"]),
    ("AWS::Logs::LogGroup", &["LogGroupName"]),
    ("AWS::Neptune::DBCluster", &["DBClusterIdentifier", "KmsKeyId", "StorageEncrypted"]),
    ("AWS::OpenSearchService::Domain", &["DomainName"]),
    (
        "AWS::RDS::DBCluster",
        &["DBClusterIdentifier", "KmsKeyId", "StorageEncrypted", "DBSubnetGroupName", "DatabaseName"],
    ),
    (
        "AWS::RDS::DBInstance",
        &["DBInstanceIdentifier", "KmsKeyId", "StorageEncrypted", "DBSubnetGroupName", "DBName"],
    ),
    ("AWS::Redshift::Cluster", &["ClusterIdentifier", "DBName", "MasterUsername"]),
    ("AWS::S3::Bucket", &["BucketName"]),
    ("AWS::SQS::Queue", &["QueueName", "FifoQueue"]),
    ("AWS::SSM::Parameter", &["Name"]),
    ("AWS::SecretsManager::Secret", &["Name"]),
    ("AWS::Timestream::Table", &["DatabaseName", "TableName"]),
];

/// Types whose logical ids change with their content by design: each is one version of something else.
const VERSIONS: [&str; 2] = ["AWS::ApiGateway::Deployment", "AWS::Lambda::Version"];

/// Whether a type holds data.
pub fn is_stateful(kind: &str) -> bool {
    STATEFUL.iter().any(|(name, _)| *name == kind)
}

/// Whether a change of this property replaces the resource, data and all.
pub fn replaces(kind: &str, property: &str) -> bool {
    STATEFUL.iter().any(|(name, properties)| *name == kind && properties.contains(&property))
}

/// Whether resources of a type come and go with their content.
pub fn is_version(kind: &str) -> bool {
    VERSIONS.contains(&kind)
}
