; 2.10: an app that builds no backup plan: once, where the app starts. Whether it holds state is told by its stores.
((new_expression) @app
  (#construct? @app "App")
  (#app-has? "Stack")
  (#app-has?
    "aws_dynamodb.Table" "aws_dynamodb.TableV2" "aws_rds.DatabaseInstance" "aws_rds.DatabaseCluster"
    "aws_rds.DatabaseInstanceFromSnapshot" "aws_rds.DatabaseClusterFromSnapshot" "aws_rds.ServerlessCluster"
    "aws_rds.ServerlessClusterFromSnapshot"
    "aws_docdb.DatabaseCluster" "aws_efs.FileSystem" "aws_ec2.Volume" "aws_s3.Bucket" "aws_ssm.StringParameter")
  (#app-lacks?
    "aws_backup.BackupPlan" "aws_backup.CfnBackupPlan"))

; A table that cannot be put back to a point in time.
((new_expression) @table
  (#construct? @table "aws_dynamodb.Table" "aws_dynamodb.TableV2")
  (#lacks-prop? @table "pointInTimeRecovery" "pointInTimeRecoverySpecification"))

; A function whose former versions go with the next deployment.
((new_expression) @function
  (#construct? @function "aws_lambda.Function")
  (#lacks-prop? @function "currentVersionOptions"))

; Backups that were switched off.
((new_expression) @database
  (#construct? @database
    "aws_rds.DatabaseInstance" "aws_rds.DatabaseInstanceFromSnapshot")
  (#has-prop? @database "backupRetention"))

((new_expression) @files
  (#construct? @files "aws_efs.FileSystem")
  (#prop-is? @files "enableAutomaticBackups" "false"))
