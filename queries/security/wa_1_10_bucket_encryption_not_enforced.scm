; 1.10: a bucket with a key of its own that takes objects under any other encryption.
((new_expression) @bucket
  (#construct? @bucket "aws_s3.Bucket")
  (#prop-is? @bucket "encryption"
    "aws_s3.BucketEncryption.KMS" "aws_s3.BucketEncryption.KMS_MANAGED"
    "aws_s3.BucketEncryption.DSSE" "aws_s3.BucketEncryption.DSSE_MANAGED"))

; The key alone makes it KMS.
((new_expression) @bucket
  (#construct? @bucket "aws_s3.Bucket")
  (#has-prop? @bucket "encryptionKey")
  (#lacks-prop? @bucket "encryption"))

; A Deny that also hits the uploads that name no encryption, which the bucket would encrypt by itself.
((new_expression) @statement
  (#construct? @statement "aws_iam.PolicyStatement")
  (#word? @statement "s3:x-amz-server-side-encryption")
  (#word? @statement "StringNot")
  (#prop-is? @statement "effect" "aws_iam.Effect.DENY")
  (#has-prop? @statement "conditions"))
