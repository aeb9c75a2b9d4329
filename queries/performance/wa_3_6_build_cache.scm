; 3.6: a CodeBuild project that says what it runs. The rule reads what of that it keeps for the next build.
((new_expression) @project
  (#construct? @project "aws_codebuild.Project")
  (#has-prop? @project "buildSpec"))

; A pipeline of CDK Pipelines that says nothing of how its steps are built.
((new_expression) @cdk
  (#construct? @cdk "pipelines.CodePipeline")
  (#lacks-prop? @cdk "codeBuildDefaults" "synthCodeBuildDefaults"))
