; 2.8 and 3.1: a function that somebody waits for, and that starts cold.
((new_expression) @function
  (#construct? @function "aws_lambda.Function")
  (#lacks-prop? @function "snapStart" "durableConfig" "tenancyConfig"))
