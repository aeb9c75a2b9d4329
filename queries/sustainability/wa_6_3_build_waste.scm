; 6.3: a CodeBuild project that says what it runs. The rule compares that with the machine, and with itself.
((new_expression) @project
  (#construct? @project "aws_codebuild.Project")
  (#has-prop? @project "buildSpec"))
