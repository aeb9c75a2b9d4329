; 2.5: a Lambda function that keeps nothing of an event it could not handle.
; CloudFormation's own `deadLetterConfig` is the L1's property.
((new_expression) @function
  (#construct? @function "aws_lambda.Function")
  (#lacks-prop? @function
    "deadLetterQueue" "deadLetterQueueEnabled" "deadLetterTopic" "onFailure"))
