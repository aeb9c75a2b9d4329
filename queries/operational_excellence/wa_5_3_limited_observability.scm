; 5.3: what a request passes through, without a trace of it. `PASS_THROUGH` is somebody's choice.
((new_expression) @function
  (#construct? @function "aws_lambda.Function" "aws_lambda.SingletonFunction")
  (#lacks-prop? @function "tracing"))

((new_expression) @function
  (#construct? @function "aws_lambda.Function" "aws_lambda.SingletonFunction")
  (#prop-is? @function "tracing" "aws_lambda.Tracing.DISABLED"))

((new_expression) @api
  (#construct? @api "aws_apigateway.RestApiBase"))

((new_expression) @stage
  (#construct? @stage "aws_apigateway.Stage")
  (#lacks-prop? @stage "tracingEnabled"))

((new_expression) @machine
  (#construct? @machine "aws_stepfunctions.StateMachine")
  (#lacks-prop? @machine "tracingEnabled"))

((new_expression) @graph
  (#construct? @graph "aws_appsync.GraphqlApi")
  (#lacks-prop? @graph "xrayEnabled"))

; A filter for `[ERROR]`: a field of that name, not the word.
((call_expression) @literal
  (#static? @literal "aws_logs.FilterPattern.literal"))

; An alarm on the average of what a filter counts.
((new_expression) @alarm
  (#construct? @alarm "aws_cloudwatch.Alarm")
  (#has-prop? @alarm "metric")
  (#prop-literal? @alarm "threshold"))

; Logs of a function, and nothing to search them with.
((new_expression) @group
  (#construct? @group "aws_logs.LogGroup")
  (#app-has? "aws_lambda.Function")
  (#app-lacks? "aws_logs.QueryDefinition" "aws_logs.CfnQueryDefinition"))

; A log group without a name of its own, which metric filters look at: does anything write to it?
((new_expression) @orphan
  (#construct? @orphan "aws_logs.LogGroup")
  (#lacks-prop? @orphan "logGroupName"))
