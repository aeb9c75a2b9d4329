; 3.7: instances of a function that are kept ready; whether their number follows the traffic is for the rule to say.
((new_expression) @alias
  (#construct? @alias "aws_lambda.Alias"))

((call_expression) @added
  (#method? @added "addAlias"))

; The same of a table: capacity that is provisioned, by default or by choice.
((new_expression) @table
  (#construct? @table "aws_dynamodb.Table"))

; Capacity of a table of the second version, its replicas and its indexes.
((call_expression) @fixed
  (#static? @fixed "aws_dynamodb.Capacity.fixed"))

; Tasks that answer requests.
((new_expression) @service
  (#construct? @service
    "aws_ecs.FargateService"
    "aws_ecs_patterns.ApplicationLoadBalancedFargateService" "aws_ecs_patterns.NetworkLoadBalancedFargateService"))

; Instances that may be more.
((new_expression) @group
  (#construct? @group "aws_autoscaling.AutoScalingGroup")
  (#has-prop? @group "maxCapacity"))
