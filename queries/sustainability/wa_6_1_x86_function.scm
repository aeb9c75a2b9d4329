; 6.1: a function that says nothing of its processor and brings no layer: it gets x86. The rule looks whether its code cares.
((new_expression) @function
  (#construct? @function "aws_lambda.Function")
  (#lacks-prop? @function "architecture" "architectures" "layers" "adotInstrumentation" "filesystem"))
