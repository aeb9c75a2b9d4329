; 1.4: parameters that may hold a secret. Whether one does is told by its name and its value.
((new_expression) @parameter
  (#construct? @parameter "aws_ssm.StringParameter" "aws_ssm.StringListParameter" "aws_ssm.CfnParameter"))
