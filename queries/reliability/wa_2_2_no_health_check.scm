; 2.2: an API that nothing calls from outside; whether a canary or a health check of the app does is for the rule to say.
((new_expression) @api
  (#construct? @api "aws_apigateway.RestApiBase"))

((new_expression) @api
  (#construct? @api "aws_apigatewayv2.HttpApi"))

((new_expression) @api
  (#construct? @api "aws_apigatewayv2_alpha.HttpApi"))
