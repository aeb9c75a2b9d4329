; 1.9: a REST API whose stage keeps no record of who called what.
((new_expression) @rest
  (#construct? @rest "aws_apigateway.RestApiBase"))

; A stage of its own.
((new_expression) @stage
  (#construct? @stage "aws_apigateway.Stage")
  (#lacks-prop? @stage "accessLogDestination"))

; An HTTP API: its default stage has no props to say it in.
((new_expression) @http
  (#construct? @http "aws_apigatewayv2.HttpApi" "aws_apigatewayv2_alpha.HttpApi"))

((new_expression) @http_stage
  (#construct? @http_stage "aws_apigatewayv2.HttpStage" "aws_apigatewayv2_alpha.HttpStage")
  (#lacks-prop? @http_stage "accessLogSettings"))

; The same without CDK's help.
((new_expression) @raw
  (#construct? @raw "aws_apigateway.CfnStage" "aws_apigatewayv2.CfnStage")
  (#lacks-prop? @raw "accessLogSetting" "accessLogSettings"))
