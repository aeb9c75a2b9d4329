; 3.2: a REST API; whether its stage keeps answers, and by which key, is for the rule to say.
((new_expression) @api
  (#construct? @api "aws_apigateway.RestApi"))

; A stage that is built by itself.
((new_expression) @stage
  (#construct? @stage "aws_apigateway.Stage"))
