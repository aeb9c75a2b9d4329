; 3.4: what the internet calls directly; whether CloudFront stands in front of it is for the rule to say.
((new_expression) @rest
  (#construct? @rest "aws_apigateway.RestApiBase")
  (#app-lacks? "aws_globalaccelerator.Accelerator"))

((new_expression) @http
  (#construct? @http "aws_apigatewayv2.HttpApi" "aws_apigatewayv2_alpha.HttpApi"))

((new_expression) @url
  (#construct? @url "aws_lambda.FunctionUrl"))

((call_expression) @added
  (#method? @added "addFunctionUrl"))
