; 5.1: what looks for known vulnerabilities may find some, and the build goes on.
((string) @scan
  (#word? @scan
    "audit" "audit-ci" "snyk" "trivy" "grype" "osv-scanner" "dependency-check" "safety" "bandit" "njsscan"))

((template_string) @scan
  (#word? @scan
    "audit" "audit-ci" "snyk" "trivy" "grype" "osv-scanner" "dependency-check" "safety" "bandit" "njsscan"))

((plain_scalar) @scan (#language? "yaml")
  (#word? @scan
    "audit" "audit-ci" "snyk" "trivy" "grype" "osv-scanner" "dependency-check" "safety" "bandit" "njsscan"))

((single_quote_scalar) @scan (#language? "yaml")
  (#word? @scan
    "audit" "audit-ci" "snyk" "trivy" "grype" "osv-scanner" "dependency-check" "safety" "bandit" "njsscan"))

((double_quote_scalar) @scan (#language? "yaml")
  (#word? @scan
    "audit" "audit-ci" "snyk" "trivy" "grype" "osv-scanner" "dependency-check" "safety" "bandit" "njsscan"))

((block_scalar) @scan (#language? "yaml")
  (#word? @scan
    "audit" "audit-ci" "snyk" "trivy" "grype" "osv-scanner" "dependency-check" "safety" "bandit" "njsscan"))

((string) @scan (#language? "json")
  (#word? @scan
    "audit" "audit-ci" "snyk" "trivy" "grype" "osv-scanner" "dependency-check" "safety" "bandit" "njsscan"))

; The same by a setting of the step or job.
((block_mapping_pair) @switch (#language? "yaml")
  (#word? @switch "continue-on-error" "allow_failure"))

; What a build installs, where nothing looks through it. Which install is meant is read in the rule: one finding for an app.
((string) @install
  (#word? @install
    "npm ci" "npm install" "npm i" "npm clean-install" "yarn" "pnpm install" "pnpm i"))

((plain_scalar) @install (#language? "yaml")
  (#word? @install
    "npm ci" "npm install" "npm i" "npm clean-install" "yarn" "pnpm install" "pnpm i"))

((single_quote_scalar) @install (#language? "yaml")
  (#word? @install
    "npm ci" "npm install" "npm i" "npm clean-install" "yarn" "pnpm install" "pnpm i"))

((double_quote_scalar) @install (#language? "yaml")
  (#word? @install
    "npm ci" "npm install" "npm i" "npm clean-install" "yarn" "pnpm install" "pnpm i"))

((block_scalar) @install (#language? "yaml")
  (#word? @install
    "npm ci" "npm install" "npm i" "npm clean-install" "yarn" "pnpm install" "pnpm i"))

; An app whose templates nothing reads before they are deployed.
((new_expression) @app
  (#construct? @app "App"))
