; 6.2: logs that are kept as long in test environments as in production, or for ever.
((new_expression) @group
  (#construct? @group "aws_logs.LogGroup" "aws_logs.LogRetention"))

((new_expression) @raw
  (#construct? @raw "aws_logs.CfnLogGroup")
  (#prop-literal? @raw "retentionInDays"))

((new_expression) @function
  (#construct? @function "aws_lambda.Function")
  (#has-prop? @function "logRetention"))

; Lambda makes the log group itself, and never lets an event expire.
((new_expression) @unbounded
  (#construct? @unbounded "aws_lambda.Function")
  (#lacks-prop? @unbounded "logGroup" "logRetention" "loggingConfig"))

; So it does for those by which CDK runs custom resources.
((new_expression) @provider
  (#construct? @provider "custom_resources.Provider")
  (#lacks-prop? @provider "logGroup" "logRetention" "role" "frameworkOnEventRole"))

; So does CodeBuild.
((new_expression) @project
  (#construct? @project "aws_codebuild.Project")
  (#lacks-prop? @project "logging"))

; So does API Gateway, for its execution logs.
((new_expression) @api
  (#construct? @api "aws_apigateway.RestApi")
  (#has-prop? @api "deployOptions"))

((call_expression) @driver
  (#static? @driver "aws_ecs.LogDrivers.awsLogs" "aws_ecs.LogDriver.awsLogs"))
