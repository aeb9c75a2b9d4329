; 1.7: functions that are in no VPC. Whether one uses something that is inside one, the rule follows.
((new_expression) @function
  (#construct? @function "aws_lambda.Function")
  (#lacks-prop? @function "vpc"))
