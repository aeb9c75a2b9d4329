; 1.8: a REST API that nothing filters the requests of, in the whole app.
((new_expression) @api
  (#construct? @api "aws_apigateway.RestApiBase")
  (#app-lacks? "aws_fms.CfnPolicy"))

; What else the internet reaches, and a regional ACL can stand before.
((new_expression) @front
  (#construct? @front
    "aws_elasticloadbalancingv2.ApplicationLoadBalancer" "aws_ecs_patterns.ApplicationLoadBalancedServiceBase"
    "aws_appsync.GraphqlApi" "aws_cognito.UserPool")
  (#app-lacks? "aws_fms.CfnPolicy"))
