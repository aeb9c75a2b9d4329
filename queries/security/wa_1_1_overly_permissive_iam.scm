; 1.1: a policy of AWS that allows nearly everything of a service, or of the account.
((call_expression) @policy
  (#static? @policy
    "aws_iam.ManagedPolicy.fromAwsManagedPolicyName" "aws_iam.ManagedPolicy.fromManagedPolicyArn")
  (#word? @policy "AdministratorAccess" "PowerUserAccess" "FullAccess" "SecretsManagerReadWrite"))

; The same by ARN, in CloudFormation's own form.
((new_expression) @role
  (#construct? @role "aws_iam.CfnRole" "aws_iam.CfnUser" "aws_iam.CfnGroup")
  (#word? @role "AdministratorAccess" "PowerUserAccess" "FullAccess" "SecretsManagerReadWrite")
  (#has-prop? @role "managedPolicyArns"))

; Every action of a service on every resource.
((new_expression) @statement
  (#construct? @statement "aws_iam.PolicyStatement")
  (#has-prop? @statement "actions")
  (#has-prop? @statement "resources")
  (#lacks-prop? @statement "principals" "notPrincipals" "conditions"))
