; 1.6: an app that builds no trail: once, where the app starts.
((new_expression) @app
  (#construct? @app "App")
  (#app-has? "Stack")
  (#app-lacks?
    "aws_cloudtrail.Trail" "aws_cloudtrail.CfnTrail" "aws_cloudtrail.CfnEventDataStore"))
