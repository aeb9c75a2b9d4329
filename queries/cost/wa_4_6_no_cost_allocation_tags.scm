; 4.6: an app none of whose tags says who pays. Tags are set in many ways (`Tags.of(x).add`, `tags` of a stack,
; cdk.json), in any file: the rule collects their keys.
((new_expression) @app
  (#construct? @app "App"))
