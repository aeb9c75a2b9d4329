; 5.7: a metric of CodePipeline under a name that it does not publish.
((new_expression) @metric
  (#construct? @metric "aws_cloudwatch.Metric" "aws_cloudwatch.CfnAlarm")
  (#prop-literal? @metric "namespace")
  (#prop-literal? @metric "metricName"))

; A pipeline whose releases nobody counts: what its events go to is read in the rule.
((new_expression) @pipeline
  (#construct? @pipeline "aws_codepipeline.Pipeline"))

((new_expression) @cdk
  (#construct? @cdk "pipelines.CodePipeline"))
