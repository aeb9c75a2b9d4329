; 5.2: a pipeline that deploys without a person's approval. Which of its stages deploy, and whether a gate comes
; before them, is read in the rule: it depends on the order of stages.
((new_expression) @pipeline
  (#construct? @pipeline "aws_codepipeline.Pipeline"))

((new_expression) @cdk
  (#construct? @cdk "pipelines.CodePipeline"))

; The same as CloudFormation has it.
((new_expression) @raw
  (#construct? @raw "aws_codepipeline.CfnPipeline")
  (#has-prop? @raw "stages"))

; A job of a GitHub workflow: whether it deploys to production, and who is asked, is read in the rule.
((block_mapping_pair) @job (#language? "yaml")
  (#word? @job "runs-on"))
