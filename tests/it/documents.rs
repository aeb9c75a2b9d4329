//! The documents that rules 5.4 and 5.6 write follow the code, and keep what people wrote.

use std::process::Command;

use wa_fix::detect::Outcome;
use wa_fix::edit::Values;
use wa_fix::fixes::ALL;
use wa_fix::rule::Rule;

use crate::npm::Files;
use crate::support::{TempApp, after, plan_files, read_tree};

fn rules(ids: &[&str]) -> Vec<Rule> {
    ALL.iter().filter(|rule| ids.contains(&rule.meta.id)).copied().collect()
}

/// An app with both documents, in which somebody has written a line.
fn documented() -> Files {
    let app = "import * as cdk from 'aws-cdk-lib';\n\
               import * as lambda from 'aws-cdk-lib/aws-lambda';\n\
               import * as s3 from 'aws-cdk-lib/aws-s3';\n\n\
               const app = new cdk.App();\n\
               const stack = new cdk.Stack(app, 'Jobs');\n\
               new s3.Bucket(stack, 'Files', { enforceSSL: true });\n\
               new lambda.Function(stack, 'Job', {\n  runtime: lambda.Runtime.NODEJS_18_X,\n  handler: 'index.handler',\n  \
               code: lambda.Code.fromInline('exports.handler = async () => {};'),\n});\n";
    let package = "{ \"name\": \"jobs\", \"dependencies\": { \"aws-cdk-lib\": \"2.204.0\" } }\n";
    let files = Files::from([
        ("bin/app.ts".to_owned(), app.to_owned()),
        ("cdk.json".to_owned(), "{ \"app\": \"npx ts-node bin/app.ts\" }\n".to_owned()),
        ("package.json".to_owned(), package.to_owned()),
    ]);
    let mut files = after(&files, &plan_files(&files, &rules(&["5.4", "5.6"]), &Values::new()));
    for document in ["docs/runbook.md", "docs/disaster-recovery.md"] {
        files.get_mut(document).unwrap().push_str("\nAsk Maria.\n");
    }
    files
}

#[test]
fn a_fix_that_makes_a_document_old_is_kept_and_the_document_renewed() {
    let files = documented();
    let all = rules(&["2.5", "5.4", "5.6"]);
    let plan = plan_files(&files, &all, &Values::new());
    let outcomes: Vec<_> =
        plan.findings.iter().map(|finding| (finding.rule.id, finding.outcome.clone())).collect();
    assert_eq!(outcomes, [("2.5", Outcome::Fixed)]);
    let changed: Vec<&str> = plan.changes.iter().map(|change| change.path.as_str()).collect();
    assert_eq!(changed, ["bin/app.ts", "docs/runbook.md"]);
    assert!(plan.changes.iter().all(|change| change.before.is_some()));
    let now = after(&files, &plan);
    assert!(now["docs/runbook.md"].contains("| Queue `JobDeadLetterQueue` |"));
    assert!(now["docs/runbook.md"].ends_with("\nAsk Maria.\n"));
    assert_eq!(plan_files(&now, &all, &Values::new()).findings.len(), 0);

    // Without the document's rule, the fix stands alone, and the next run says what is old.
    let alone = after(&files, &plan_files(&files, &rules(&["2.5"]), &Values::new()));
    let next = plan_files(&alone, &all, &Values::new());
    let found: Vec<_> = next.findings.iter().map(|finding| finding.rule.id).collect();
    assert_eq!(found, ["5.4"]);
    assert_eq!(after(&alone, &next), now);
}

#[test]
fn a_renewed_document_is_written_and_put_back() {
    let mut files = documented();
    let app = files.get_mut("bin/app.ts").unwrap();
    *app = app.replace("enforceSSL: true", "enforceSSL: true, versioned: true");
    let folder = TempApp::new(&files);
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wa-fix"));
        command.current_dir(folder.root()).args(arguments).output().unwrap()
    };
    let shown = run(&["diff", "--select", "5.4,5.6"]);
    let diff = String::from_utf8(shown.stdout).unwrap();
    assert!(diff.contains("--- a/docs/disaster-recovery.md") && diff.contains("+| Bucket `Files`"), "{diff}");
    let applied = run(&["apply", "--select", "5.4,5.6"]);
    assert!(applied.status.success(), "{}", String::from_utf8_lossy(&applied.stderr));
    let now = read_tree(&folder.root());
    assert!(now["docs/disaster-recovery.md"].contains("old versions, in the same bucket"));
    assert!(now["docs/disaster-recovery.md"].ends_with("\nAsk Maria.\n"));
    let undone = run(&["undo"]);
    assert!(undone.status.success(), "{}", String::from_utf8_lossy(&undone.stderr));
    assert_eq!(read_tree(&folder.root()), files);
}

#[test]
fn a_runbook_is_one_where_code_is_excluded() {
    let mut files = documented();
    let runbook = files.remove("docs/runbook.md").unwrap();
    files.insert("ops/runbook.md".to_owned(), runbook.replace("wa-fix:", "once:"));
    let bucket = "import * as s3 from 'aws-cdk-lib/aws-s3';\nexport const make = (scope: any) => new s3.Bucket(scope, 'Old');\n";
    files.insert("ops/old.ts".to_owned(), bucket.to_owned());
    let found = |files: &Files| {
        let folder = TempApp::new(files);
        let mut command = Command::new(env!("CARGO_BIN_EXE_wa-fix"));
        command.current_dir(folder.root()).args(["scan", "--format", "json", "--min-impact", "info"]);
        let output = command.output().unwrap();
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let places: Vec<String> = report["findings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|finding| {
                format!("{} {}", finding["rule"].as_str().unwrap(), finding["path"].as_str().unwrap())
            })
            .collect();
        (
            places.iter().any(|place| place == "5.4 bin/app.ts"),
            places.iter().any(|place| place.ends_with("ops/old.ts")),
        )
    };
    assert_eq!(found(&files), (false, true));
    files.insert("wa-fix.toml".to_owned(), "[paths]\nexclude = [\"ops/**\"]\n".to_owned());
    assert_eq!(found(&files), (false, false));
    files.remove("ops/runbook.md");
    assert_eq!(found(&files), (true, false));
}
