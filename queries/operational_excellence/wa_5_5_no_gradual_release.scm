; 5.5: a release that reaches all callers at once.
; An alias that CloudFormation moves. One that splits its traffic itself does not count.
((new_expression) @alias
  (#construct? @alias "aws_lambda.Alias")
  (#lacks-prop? @alias "additionalVersions"))

((call_expression) @alias
  (#method? @alias "addAlias"))

; A function that callers wait for, without an alias.
((new_expression) @function
  (#construct? @function "aws_lambda.Function"))

; Tasks that replace others, and stay when they fail.
((new_expression) @service
  (#construct? @service
    "aws_ecs.FargateService" "aws_ecs.Ec2Service"
    "aws_ecs_patterns.ApplicationLoadBalancedServiceBase" "aws_ecs_patterns.NetworkLoadBalancedServiceBase"
    "aws_ecs_patterns.QueueProcessingServiceBase")
  (#lacks-prop? @service
    "circuitBreaker" "deploymentAlarms" "deploymentController" "deploymentStrategy" "bakeTime"))

; An alias that a script moves, or a function whose code it replaces in place.
((string) @command
  (#word? @command "lambda update-alias" "lambda update-function-code"))

((template_string) @command
  (#word? @command "lambda update-alias" "lambda update-function-code"))

((plain_scalar) @command (#language? "yaml")
  (#word? @command "lambda update-alias" "lambda update-function-code"))

((single_quote_scalar) @command (#language? "yaml")
  (#word? @command "lambda update-alias" "lambda update-function-code"))

((double_quote_scalar) @command (#language? "yaml")
  (#word? @command "lambda update-alias" "lambda update-function-code"))

((block_scalar) @command (#language? "yaml")
  (#word? @command "lambda update-alias" "lambda update-function-code"))

((string) @command (#language? "json")
  (#word? @command "lambda update-alias" "lambda update-function-code"))
