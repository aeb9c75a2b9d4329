; 2.6: a check in a build, a pipeline step, a workflow or a script, whose failure counts as success.
; The words are what throws a status away; the rule reads the shell text around them.
((string) @command
  (#word? @command
    "|| true" "||true" "|| :" "||:" "|| exit 0" "||exit 0" "|| echo" "|| printf" "|| (" "|| {" "||(" "||{"
    "; true" ";true" "; :" "exit 0" "set +e" "| tee" "|tee" "make"))

((template_string) @command
  (#word? @command
    "|| true" "||true" "|| :" "||:" "|| exit 0" "||exit 0" "|| echo" "|| printf" "|| (" "|| {" "||(" "||{"
    "; true" ";true" "; :" "exit 0" "set +e" "| tee" "|tee" "make"))

((plain_scalar) @command (#language? "yaml")
  (#word? @command
    "|| true" "||true" "|| :" "||:" "|| exit 0" "||exit 0" "|| echo" "|| printf" "|| (" "|| {" "||(" "||{"
    "; true" ";true" "; :" "exit 0" "set +e" "| tee" "|tee" "make"))

((single_quote_scalar) @command (#language? "yaml")
  (#word? @command
    "|| true" "||true" "|| :" "||:" "|| exit 0" "||exit 0" "|| echo" "|| printf" "|| (" "|| {" "||(" "||{"
    "; true" ";true" "; :" "exit 0" "set +e" "| tee" "|tee" "make"))

((double_quote_scalar) @command (#language? "yaml")
  (#word? @command
    "|| true" "||true" "|| :" "||:" "|| exit 0" "||exit 0" "|| echo" "|| printf" "|| (" "|| {" "||(" "||{"
    "; true" ";true" "; :" "exit 0" "set +e" "| tee" "|tee" "make"))

((block_scalar) @command (#language? "yaml")
  (#word? @command
    "|| true" "||true" "|| :" "||:" "|| exit 0" "||exit 0" "|| echo" "|| printf" "|| (" "|| {" "||(" "||{"
    "; true" ";true" "true" "; :" "exit 0" "set +e" "| tee" "|tee" "make"))

((string) @command (#language? "json")
  (#word? @command
    "|| true" "||true" "|| :" "||:" "|| exit 0" "||exit 0" "|| echo" "|| printf" "|| (" "|| {" "||(" "||{"
    "; true" ";true" "; :" "exit 0" "set +e" "| tee" "|tee" "make"))

; Switches that let a build go on, whatever its commands say.
((pair) @switch
  (#word? @switch "on-failure"))

((block_mapping_pair) @switch (#language? "yaml")
  (#word? @switch "on-failure" "continue-on-error" "allow_failure"))
