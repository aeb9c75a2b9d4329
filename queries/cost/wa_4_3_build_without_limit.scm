; 4.3: a CodeBuild project on demand that may run for as long as CodeBuild lets it.
((new_expression) @project
  (#construct? @project "aws_codebuild.Project")
  (#lacks-prop? @project "timeout"))
