; 4.4: a function that takes concurrency for itself; how much is for the rule to say.
((new_expression) @function
  (#construct? @function "aws_lambda.Function")
  (#has-prop? @function "reservedConcurrentExecutions"))
