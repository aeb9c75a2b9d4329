; 1.2: a bucket that answers over plain HTTP. Websites of S3 have nothing else.
((new_expression) @bucket
  (#construct? @bucket "aws_s3.Bucket")
  (#lacks-prop? @bucket "enforceSSL" "websiteIndexDocument" "websiteRedirect"))

; Said to be so.
((new_expression) @bucket
  (#construct? @bucket "aws_s3.Bucket")
  (#prop-is? @bucket "enforceSSL" "false")
  (#lacks-prop? @bucket "websiteIndexDocument" "websiteRedirect"))

; The same without CDK's help.
((new_expression) @raw
  (#construct? @raw "aws_s3.CfnBucket")
  (#lacks-prop? @raw "websiteConfiguration"))
