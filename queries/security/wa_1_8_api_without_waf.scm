; 1.8: a REST API that nothing filters the requests of, in the whole app.
((new_expression) @api
  (#construct? @api "aws_apigateway.RestApiBase")
  (#app-lacks? "aws_fms.CfnPolicy"))
