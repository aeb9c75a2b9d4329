; 5.4: an app that is operated, without a document that says how. Documents are no code: the rule looks for them.
((new_expression) @app
  (#construct? @app "App")
  (#app-lacks? "aws_ssm.CfnDocument")
  (#app-has?
    "aws_lambda.Function" "aws_cloudwatch.AlarmBase" "aws_codepipeline.Pipeline" "pipelines.CodePipeline"
    "aws_ecs.BaseService" "aws_ecs_patterns.ApplicationLoadBalancedServiceBase" "aws_apigateway.RestApiBase"
    "aws_stepfunctions.StateMachine" "aws_rds.DatabaseInstance" "aws_rds.DatabaseCluster" "aws_ec2.Instance"))
