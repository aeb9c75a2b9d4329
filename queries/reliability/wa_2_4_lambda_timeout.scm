; 2.4: a function whose timeout stands in the code; whether as a number is for the rule to say.
((new_expression) @function
  (#construct? @function "aws_lambda.Function" "aws_lambda.CfnFunction")
  (#has-prop? @function "timeout"))

; A function that takes Lambda's 3 seconds.
((new_expression) @function
  (#construct? @function "aws_lambda.Function" "aws_lambda.CfnFunction")
  (#lacks-prop? @function "timeout"))
