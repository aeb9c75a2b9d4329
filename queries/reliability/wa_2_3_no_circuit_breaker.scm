; 2.3: an API in front of functions; whether its callers are told to come back, and whether the code gives up on what fails, is
; for the rule to say.
((new_expression) @api
  (#construct? @api "aws_apigateway.RestApi"))

((new_expression) @api
  (#construct? @api "aws_apigatewayv2.HttpApi" "aws_apigatewayv2_alpha.HttpApi"))

((new_expression) @url
  (#construct? @url "aws_lambda.FunctionUrl"))

((call_expression) @added
  (#method? @added "addFunctionUrl"))

; An alias whose failed events may go nowhere, as the destination is its function's.
((new_expression) @alias
  (#construct? @alias "aws_lambda.Alias"))
