; 1.3: a REST API: whom it answers, what it checks, whom it asks who they are.
((new_expression) @api
  (#construct? @api "aws_apigateway.RestApi"))

; The same option for one resource.
((call_expression) @preflight
  (#method? @preflight "addCorsPreflight"))

; HTTP APIs and function URLs answer browsers too.
((new_expression) @http
  (#construct? @http "aws_apigatewayv2.HttpApi"))

((new_expression) @url
  (#construct? @url "aws_lambda.FunctionUrl")
  (#has-prop? @url "cors" "authType"))

((call_expression) @add_url
  (#method? @add_url "addFunctionUrl"))
