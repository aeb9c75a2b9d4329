; 5.6: an app that holds state, and nothing that tests or describes how to get it back. Documents are no code: the rule
; looks for them, and for tests of restores that are not its own.
((new_expression) @app
  (#construct? @app "App")
  (#app-lacks?
    "aws_fis.CfnExperimentTemplate" "aws_resiliencehub.CfnApp" "aws_resiliencehub.CfnResiliencyPolicy")
  (#app-has?
    "aws_s3.Bucket" "aws_dynamodb.Table" "aws_dynamodb.TableV2" "aws_rds.DatabaseInstance" "aws_rds.DatabaseCluster"
    "aws_efs.FileSystem" "aws_cognito.UserPool" "aws_secretsmanager.Secret" "aws_ssm.StringParameter" "aws_kms.Key"
    "aws_opensearchservice.Domain"))

; A plan that copies, and nothing that restores what it copied.
((new_expression) @plan
  (#construct? @plan "aws_backup.BackupPlan")
  (#app-lacks? "aws_backup.CfnRestoreTestingPlan"))

((call_expression) @factory
  (#static? @factory
    "aws_backup.BackupPlan.daily35DayRetention" "aws_backup.BackupPlan.dailyMonthly1YearRetention"
    "aws_backup.BackupPlan.dailyWeeklyMonthly5YearRetention" "aws_backup.BackupPlan.dailyWeeklyMonthly7YearRetention")
  (#app-lacks? "aws_backup.CfnRestoreTestingPlan"))
