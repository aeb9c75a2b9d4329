; 2.2: what nothing calls from outside; whether a canary or a health check of the app does is for the rule to say.
((new_expression) @api
  (#construct? @api "aws_apigateway.RestApiBase"))

((new_expression) @api
  (#construct? @api "aws_apigatewayv2.HttpApi"))

((new_expression) @api
  (#construct? @api "aws_apigatewayv2_alpha.HttpApi"))

((new_expression) @url
  (#construct? @url "aws_lambda.FunctionUrl"))

((call_expression) @added
  (#method? @added "addFunctionUrl"))

((new_expression) @balancer
  (#construct? @balancer "aws_elasticloadbalancingv2.ApplicationLoadBalancer")
  (#prop-is? @balancer "internetFacing" "true"))

((new_expression) @pattern
  (#construct? @pattern "aws_ecs_patterns.ApplicationLoadBalancedServiceBase"))

((new_expression) @distribution
  (#construct? @distribution "aws_cloudfront.Distribution"))
