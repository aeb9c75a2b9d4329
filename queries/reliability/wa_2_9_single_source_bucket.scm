; 2.9: a versioned bucket in one region only. Whether sources or the like are kept in it is told by its use and its name.
((new_expression) @bucket
  (#construct? @bucket "aws_s3.Bucket")
  (#has-prop? @bucket "versioned")
  (#lacks-prop? @bucket
    "replicationRules" "autoDeleteObjects" "websiteIndexDocument" "websiteRedirect"))

; The same as CloudFormation writes it.
((new_expression) @raw
  (#construct? @raw "aws_s3.CfnBucket")
  (#has-prop? @raw "versioningConfiguration")
  (#lacks-prop? @raw "replicationConfiguration" "websiteConfiguration"))
