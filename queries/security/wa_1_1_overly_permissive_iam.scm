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
  (#lacks-prop? @statement "principals" "notPrincipals" "conditions"))

; The same as IAM writes it.
((new_expression) @document
  (#construct? @document
    "aws_iam.CfnPolicy" "aws_iam.CfnManagedPolicy" "aws_iam.CfnRolePolicy" "aws_iam.CfnUserPolicy" "aws_iam.CfnGroupPolicy")
  (#has-prop? @document "policyDocument"))

((new_expression) @document
  (#construct? @document "aws_iam.CfnRole" "aws_iam.CfnUser" "aws_iam.CfnGroup")
  (#has-prop? @document "policies"))

((call_expression) @json
  (#static? @json "aws_iam.PolicyDocument.fromJson" "aws_iam.PolicyStatement.fromJson"))
