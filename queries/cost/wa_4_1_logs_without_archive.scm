; 4.1: logs that stay in CloudWatch for a month or more, and buckets of logs that nothing is ever deleted from. How long
; and what for is read in the rule.
((new_expression) @group
  (#construct? @group "aws_logs.LogGroup")
  (#has-prop? @group "retention")
  (#lacks-prop? @group "logGroupClass"))

((new_expression) @bucket
  (#construct? @bucket "aws_s3.Bucket")
  (#lacks-prop? @bucket "lifecycleRules"))
