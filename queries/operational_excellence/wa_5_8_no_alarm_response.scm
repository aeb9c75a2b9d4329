; 5.8: an alarm that tells people at most. What it is given to do is asked of the whole app.
((new_expression) @alarm
  (#construct? @alarm "aws_cloudwatch.Alarm" "aws_cloudwatch.CompositeAlarm"))

((call_expression) @alarm
  (#method? @alarm "createAlarm"))
