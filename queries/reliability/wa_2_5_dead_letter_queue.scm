; 2.5: a Lambda function that keeps nothing of an event it could not handle.
((new_expression) @function
  (#construct? @function "aws_lambda.Function")
  (#lacks-prop? @function
    "deadLetterQueue" "deadLetterQueueEnabled" "deadLetterTopic" "onFailure"))

; The same as CloudFormation writes it.
((new_expression) @raw
  (#construct? @raw "aws_lambda.CfnFunction")
  (#lacks-prop? @raw "deadLetterConfig"))

; A queue that Lambda reads for a function; what the queue does with its failures is for the rule to say.
((new_expression) @source
  (#construct? @source "aws_lambda_event_sources.SqsEventSource"))

; A stream that stands still behind a record that cannot be handled.
((new_expression) @stream
  (#construct? @stream
    "aws_lambda_event_sources.DynamoEventSource"
    "aws_lambda_event_sources.KinesisEventSource" "aws_lambda_event_sources.KinesisConsumerEventSource")
  (#lacks-prop? @stream "onFailure"))
