; 1.5: a function whose environment holds a secret, or looks for it among plain parameters. What each variable holds
; is told by its name and by where its value comes from.
((new_expression) @function
  (#construct? @function "aws_lambda.Function" "aws_lambda.SingletonFunction")
  (#has-prop? @function "environment"))

((call_expression) @call
  (#method? @call "addEnvironment"))
