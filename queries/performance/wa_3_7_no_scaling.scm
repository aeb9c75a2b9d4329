; 3.7: instances of a function that are kept ready; whether their number follows the traffic is for the rule to say.
((new_expression) @alias
  (#construct? @alias "aws_lambda.Alias"))

((call_expression) @added
  (#method? @added "addAlias"))

; The same of a table: capacity that is provisioned, by default or by choice.
((new_expression) @table
  (#construct? @table "aws_dynamodb.Table"))
