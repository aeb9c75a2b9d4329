; 3.5: a database that functions may reach without a proxy; whether any does is for the rule to say.
((new_expression) @database
  (#construct? @database "aws_rds.DatabaseCluster" "aws_rds.DatabaseInstance")
  (#app-lacks? "aws_rds.DatabaseProxy" "aws_rds.CfnDBProxy"))

; A function whose code may open a client in each invocation.
((new_expression) @function
  (#construct? @function "aws_lambda.Function"))

; The address of a database, in an app that has none of its own.
((new_expression) @address
  (#construct? @address "aws_ssm.StringParameter")
  (#app-lacks? "aws_rds.DatabaseCluster" "aws_rds.DatabaseInstance" "aws_rds.ServerlessCluster" "aws_rds.DatabaseProxy"))

((new_expression) @address
  (#construct? @address "aws_secretsmanager.Secret")
  (#app-lacks? "aws_rds.DatabaseCluster" "aws_rds.DatabaseInstance" "aws_rds.ServerlessCluster" "aws_rds.DatabaseProxy"))
