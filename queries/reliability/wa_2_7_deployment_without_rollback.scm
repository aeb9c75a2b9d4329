; 2.7: a pipeline whose deploying stage leaves a broken release in place. Which stages deploy, and what undoes them, is
; read in the rule.
((new_expression) @pipeline
  (#construct? @pipeline "aws_codepipeline.Pipeline"))

((new_expression) @cdk
  (#construct? @cdk "pipelines.CodePipeline"))

((new_expression) @raw
  (#construct? @raw "aws_codepipeline.CfnPipeline"))
