//! Custom rules through the real program: the examples, the guide, and everything that may be wrong with a rule file.
#![expect(clippy::disallowed_methods, reason = "tests prepare files")]

use std::collections::BTreeSet;
use std::os::unix::fs::symlink;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::project::{Project, same};
use crate::run::{JOB, Ran, copy};
use crate::support::{read_tree, top};
use crate::terminal::Terminal;

/// Where the tests keep their rules.
const CONFIG: &str = "[rules]\ncustom = [\"rules\"]\n";

const FACTS: &str = "+++\nid = \"acme-9\"\npillar = \"security\"\npractice = \"SEC01-BP01\"\nimpact = \"high\"\ntier = \"safe\"\n+++\n";

/// A rule file with a query.
fn rule(query: &str) -> String {
    format!("{FACTS}# A title\n\n## Query\n```scm\n{query}\n```\n")
}

/// What a pattern has to say.
const SAYS: &str = "(#report! @f \"It is so.\") (#refuse! \"it is\" \"let it be\")";

/// A project with a job, and a rule of the name `rule`.
fn with_rule(text: &str) -> Project {
    let project = Project::job();
    project.put("wa-fix.toml", CONFIG);
    project.put("rules/rule.md", text);
    project.commit_all();
    project
}

fn json(ran: &Ran) -> Value {
    serde_json::from_slice(&ran.out).unwrap_or_else(|error| panic!("{error}: {ran}"))
}

/// A project with the rules of the examples and an app that breaks them.
fn acme() -> Project {
    let project = Project::with_git();
    copy(&top().join("examples/custom-rules"), project.root());
    project
        .put("package.json", "{ \"name\": \"acme\", \"dependencies\": { \"aws-cdk-lib\": \"2.204.0\" } }\n");
    project.put("lib/constructs/secure-bucket.ts", SECURE_BUCKET);
    project.put("lib/stacks/app.ts", ACME);
    project.commit_all();
    project
}

const SECURE_BUCKET: &str = "\
import { Bucket, BucketProps } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';

export class SecureBucket extends Bucket {
  constructor(scope: Construct, id: string, props?: BucketProps) {
    super(scope, id, { ...props, enforceSSL: true, versioned: true });
  }
}
";

const ACME: &str = "\
import * as cdk from \"aws-cdk-lib\"
import * as lambda from \"aws-cdk-lib/aws-lambda\"
import * as s3 from \"aws-cdk-lib/aws-s3\"
import * as sns from \"aws-cdk-lib/aws-sns\"
import { Construct } from \"constructs\"

export class AppStack extends cdk.Stack {
  constructor(scope: Construct, id: string) {
    super(scope, id)

    new lambda.Function(this, \"Job\", {
      runtime: lambda.Runtime.NODEJS_22_X,
      handler: \"index.handler\",
      code: lambda.Code.fromInline(\"exports.handler = async () => {};\"), // small
    })
    const uploads = new s3.Bucket(this, \"Uploads\", { enforceSSL: true })
    new cdk.CfnOutput(this, \"Name\", { value: uploads.bucketName })
    new sns.Topic(this, \"Alarms\", { enforceSSL: true })
  }
}
";

const OURS: [&str; 2] = ["--select", "acme-1,acme-2,acme-3"];

#[test]
fn the_examples_pass_their_own_cases() {
    let project = acme();
    let before = project.tree();
    let ran = project.run(&["test"]).ends(0);
    assert!(ran.text().ends_with("10 cases of 3 rules: all pass\n"), "{ran}");
    let one = project.run(&["test", "bucket-not-ours"]).ends(0);
    assert!(one.text().ends_with("3 cases of 1 rule: all pass\n"), "{one}");
    project.run(&["test", "2.5"]).ends(2).says("is a rule of wa-fix");
    project.run(&["test", "acme-22"]).ends(2).says("did you mean `acme-2`?");
    // In a folder below, as everything else.
    project.run_in("lib/stacks", &["test", "--update"]).ends(0);
    same(&project, &before);
    let none = Project::job();
    none.run(&["test"]).ends(2).says("there is no custom rule").says("`custom` under [rules]");
}

#[test]
fn rules_of_a_team_find_and_mend() {
    let project = acme();
    let before = project.tree();
    let scan = json(&project.run(&[&["scan", "--format", "json"], &OURS[..]].concat()).ends(1));
    let found: Vec<_> = scan["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| {
            format!("{} {} {}", it["rule"], it["outcome"], it["range"]["start"]["line"]).replace('"', "")
        })
        .collect();
    assert_eq!(found, ["acme-1 offered 11", "acme-2 held 16", "acme-3 needs-value 18"]);
    assert_eq!(scan["findings"][1]["fix"]["edits"].as_array().unwrap().len(), 2, "{scan}");
    let values = project.run(&[&["values"], &OURS[..]].concat()).ends(1);
    assert!(
        values.text().contains("on_call_email") && values.text().contains("acme-3 lib/stacks/app.ts:18"),
        "{values}"
    );

    let all = [&OURS[..], &["--all", "--set", "on_call_email=a'b@example.com"]].concat();
    let diff = project.run(&[&["diff"], &all[..]].concat()).ends(1);
    same(&project, &before);
    let by_git = project.copy_patched("", &diff.out).tree();
    project.run(&[&["apply"], &all[..]].concat()).ends(0).says("3 fixed");
    same(&project, &by_git);
    let text = String::from_utf8(project.read("lib/stacks/app.ts")).unwrap();
    for line in [
        "// small\n      loggingFormat: lambda.LoggingFormat.JSON,\n    })\n",
        "import { SecureBucket } from \"../constructs/secure-bucket\"\n",
        "const uploads = new SecureBucket(this, \"Uploads\", { enforceSSL: true })\n",
        "const alarmsTopic = new sns.Topic(this, \"Alarms\", { enforceSSL: true })\n",
        "alarmsTopic.addSubscription(new sns_subscriptions.EmailSubscription(\"a'b@example.com\"))\n",
    ] {
        assert!(text.contains(line), "{line} is missing in\n{text}");
    }
    assert!(!text.contains("import * as s3"), "{text}");
    project.run(&[&["apply", "--allow-dirty"], &all[..]].concat()).ends(0);
    same(&project, &by_git);
    project.run(&["undo"]).ends(0);
    same(&project, &before);
    // What is not there is not imported.
    std::fs::remove_file(project.at("lib/constructs/secure-bucket.ts")).unwrap();
    let scan = json(&project.run(&["scan", "--format", "json", "--select", "acme-2"]).ends(1));
    assert_eq!(scan["findings"][0]["outcome"], "no-fix");
    assert!(
        scan["findings"][0]["detail"]
            .as_str()
            .unwrap()
            .starts_with("the app has no lib/constructs/secure-bucket")
    );
}

#[test]
fn what_a_team_wrote_compiles() {
    let project = acme();
    symlink(crate::npm::home().join("node_modules"), project.outside().join("node_modules")).unwrap();
    project.put(
        "tsconfig.json",
        "{ \"compilerOptions\": { \"strict\": true, \"noEmit\": true, \"skipLibCheck\": true, \"target\": \"es2022\", \
         \"module\": \"node16\", \"moduleResolution\": \"node16\", \"types\": [] }, \"include\": [\"lib\"] }\n",
    );
    project.commit_all();
    let all = ["apply", "--prove", "tsc", "--all", "--set", "on_call_email=a@example.com"];
    let ran = crate::prove::run(&project, &[&all[..], &OURS[..]].concat()).ends(0);
    assert!(ran.err.contains("Proved: `tsc` passes with all 3"), "{ran}");
}

#[test]
fn they_are_configured_suppressed_and_reported_like_others() {
    let project = acme();
    let rules = project.run(&["rules"]).ends(0);
    assert!(rules.text().contains("acme-2   bucket-not-ours"), "{rules}");
    let explained = project.run(&["explain", "acme-1"]).ends(0);
    let text = explained.text();
    assert!(text.starts_with("# acme-1 A function logs plain text\n\n## What is wrong\n"), "{text}");
    assert!(text.contains("## Before") && text.contains("from `rules/logs-not-in-json.md`"), "{text}");
    assert!(!text.contains("#construct?") && !text.contains("### Keeps"), "{text}");
    let asks = project.run(&["explain", "topic-without-subscriber"]).ends(0);
    assert!(asks.text().contains("--set on_call_email=on-call@example.com"), "{asks}");
    let guide = project.run(&["explain", "custom-rules"]).ends(0);
    assert!(guide.text().starts_with("# Custom rules\n"), "{guide}");
    // From elsewhere, by the configuration's name.
    let config = project.at("wa-fix.toml");
    project.run_in("..", &["explain", "acme-1", "--config", config.to_str().unwrap()]).ends(0);
    project.run_in("..", &["explain", "acme-1"]).ends(2).says("no rule is called `acme-1`");

    let outcomes = |arguments: &[&str]| -> BTreeSet<String> {
        let ran = project.run(&[&["scan", "--format", "json", "--exit-zero"], arguments].concat());
        let findings = json(&ran)["findings"].as_array().unwrap().clone();
        findings
            .iter()
            .filter(|it| it["rule"].as_str().unwrap().starts_with("acme"))
            .map(|it| format!("{} {} {}", it["rule"], it["outcome"], it["tier"]).replace('"', ""))
            .collect()
    };
    let set = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(outcomes(&[]).len(), 3);
    assert_eq!(outcomes(&["--ignore", "acme-2,logs-not-in-json"]), set(&["acme-3 needs-value review"]));
    assert_eq!(outcomes(&["--select", "SEC08-BP03"]), set(&["acme-2 held review"]));
    project.put(
        "wa-fix.toml",
        "[rules]\ncustom = [\"rules\"]\nignore = [\"acme-3\"]\ntiers = { acme-2 = \"safe\" }\n\
         [[overrides]]\npaths = [\"lib/stacks/**\"]\nignore = [\"acme-1\"]\n",
    );
    assert_eq!(outcomes(&[]), set(&["acme-2 offered safe"]));
    project.put("wa-fix.toml", CONFIG);
    let line = "    // wa-fix-ignore acme-1 -- it prints for people\n    new lambda.Function";
    project.put("lib/stacks/app.ts", ACME.replace("    new lambda.Function", line));
    assert!(outcomes(&["--verbose"]).contains("acme-1 suppressed safe"));
    // A suppression of a rule that does not run is not judged; one of a rule that finds nothing is.
    let unused = |arguments: &[&str]| {
        let ran = project.run(&[&["scan", "--format", "json", "--exit-zero"], arguments].concat());
        json(&ran)["findings"].as_array().unwrap().iter().any(|it| it["rule"] == "0.1")
    };
    assert!(!unused(&[]) && !unused(&["--ignore", "acme-1"]));
    project.put(
        "lib/stacks/app.ts",
        ACME.replace("new sns.Topic", "// wa-fix-ignore acme-1 -- no\n    new sns.Topic"),
    );
    assert!(unused(&[]));
    project.put("lib/stacks/app.ts", ACME);
    project.run(&["baseline", "accepted.json", "--quiet"]).ends(0);
    project.run(&["scan", "--baseline", "accepted.json", "--select", "acme-1,acme-2,acme-3"]).ends(0);

    let sarif = json(&project.run(&[&["scan", "--format", "sarif"], &OURS[..]].concat()));
    let rules = sarif["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap();
    let ids: Vec<_> = rules.iter().map(|rule| rule["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["acme-1", "acme-2", "acme-3"]);
    assert!(rules[0]["help"]["markdown"].as_str().unwrap().contains("Our log search reads JSON"));
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    assert!(results[0]["fixes"][0]["artifactChanges"].is_array(), "{}", results[0]);
    // A branch has a commit for each, with its documentation.
    project.commit_all();
    project.run(&["apply", "--branch", "ours", "--tier", "review", "--select", "acme-1,acme-2"]).ends(0);
    let log = project.git(&["log", "--format=%s%n%b", "main..ours"]);
    assert!(
        log.contains("Log JSON in Job (acme-1)") && log.contains("Build Uploads as a SecureBucket (acme-2)"),
        "{log}"
    );
    assert!(log.contains("A metric filter on words of a plain line"), "{log}");
}

#[test]
fn the_review_shows_them_answers_them_and_writes_them() {
    let project = acme();
    let mut terminal =
        Terminal::start(project.root(), project.home(), &["-i", "--select", "acme-1,acme-2,acme-3"]);
    terminal.sees("[1/3] acme-1 logs-not-in-json · operational-excellence · impact medium · tier safe");
    terminal
        .sees("A metric filter on words of a plain line")
        .sees("+      loggingFormat: lambda.LoggingFormat.JSON")
        .keys("y");
    terminal.sees("[2/3] acme-2 bucket-not-ours").keys("y");
    terminal
        .sees("[3/3] acme-3")
        .keys("y")
        .sees("Which address do alarms of this app go to?")
        .sees("An e-mail address.");
    terminal
        .line("on-call")
        .sees("is no e-mail address")
        .line("a@b.example")
        .sees("Keep the answer in wa-fix.toml")
        .keys("n");
    terminal.sees("EmailSubscription").keys("y").sees("3 of 3 findings accepted").keys("w");
    assert_eq!(terminal.end().0, Some(0));
    let all = ["apply", "--all", "--set", "on_call_email=a@b.example", "--quiet"];
    let other = acme();
    other.run(&[&all[..], &OURS[..]].concat()).ends(0);
    assert_eq!(project.read("lib/stacks/app.ts"), other.read("lib/stacks/app.ts"));
}

#[test]
fn a_fix_that_is_none_is_dropped_by_the_gates() {
    let site = "((new_expression) @f (#construct? @f \"aws_lambda.Function\") (#report! @f \"x\") (#fix! \"Mend it\")";
    for (edits, why) in [
        ("(#set-prop! @f \"description\" \"'x\")", "syntax error"),
        ("(#set-prop! @f \"description\" \"'x'\")", "still there"),
        ("(#insert-after! @f \"new @{cdk:aws_lambda.Function}(this, @{f.id:Twin}, {});\")", "still there"),
        ("(#remove-prop! @f \"description\")", "description is not there"),
    ] {
        let project = with_rule(&rule(&format!("{site} {edits})")));
        let before = project.tree();
        let ran = project.run(&["apply", "--select", "acme-9", "--format", "json"]);
        let finding = &json(&ran)["findings"][0];
        assert!(["backed-out", "no-fix"].contains(&finding["outcome"].as_str().unwrap()), "{edits}: {ran}");
        assert!(format!("{finding}").contains(why), "{edits}: {ran}");
        same(&project, &before);
    }
    // One that brings the finding of another rule, unless the rule says so.
    let raising = "((new_expression) @f (#construct? @f \"aws_lambda.Function\") (#lacks-prop? @f \"description\")\n\
         (#report! @f \"x\") (#fix! \"Mend it\") (#set-prop! @f \"description\" \"'x'\")\n\
         (#insert-after! @f \"new @{cdk:aws_s3.Bucket}(this, 'Plain');\"))";
    let project = with_rule(&rule(raising));
    let ran = project.run(&["apply", "--select", "acme-9,1.2"]).ends(3);
    assert!(format!("{ran}").contains("raises a finding of rule 1.2"), "{ran}");
    let said = rule(raising).replace("tier = ", "raises = [\"1.2\"]\ntier = ");
    project.put("rules/rule.md", said);
    project.run(&["apply", "--select", "acme-9", "--allow-dirty"]).ends(0);
    // Two rules that undo each other come to rest: neither is applied.
    let on = |id: &str, from: &str, to: &str| {
        rule(&format!(
            "((new_expression) @f (#construct? @f \"aws_lambda.Function\") (#prop-is? @f \"description\" \"{from}\")\n\
             (#report! @f \"x\") (#fix! \"Mend it\") (#set-prop! @f \"description\" \"{to}\"))"
        ))
        .replace("acme-9", id)
        .replace("tier = ", "raises = [\"acme-8\", \"acme-9\"]\ntier = ")
    };
    let project = with_rule(&on("acme-8", "'a'", "'b'"));
    project.put("rules/other.md", on("acme-9", "'b'", "'a'"));
    project.put("lib/job.ts", JOB.replace("handler:", "description: 'a',\n      handler:"));
    project.commit_all();
    let before = project.tree();
    project.run(&["apply", "--select", "acme-8,acme-9"]).ends(1).says("undo each other");
    same(&project, &before);
}

/// A rule file that is wrong, the line, and a part of what is said.
type Mistaken = (String, usize, &'static str);

fn facts_and_headings() -> Vec<Mistaken> {
    let function = "(#construct? @f \"aws_lambda.Function\")";
    let bad_facts =
        |from: &str, to: &str| rule(&format!("((new_expression) @f {function} {SAYS})")).replace(from, to);
    vec![
        (String::new(), 1, "begins with its facts"),
        ("# A title\n".to_owned(), 1, "begins with its facts"),
        (bad_facts("tier =", "teir ="), 6, "did you mean `tier`?"),
        (bad_facts("impact = \"high\"\n", ""), 2, "missing field `impact`"),
        (bad_facts("\"high\"", "\"hihg\""), 5, "did you mean `high`?"),
        (bad_facts("acme-9", "2.5"), 2, "is no id for a custom rule"),
        (bad_facts("acme-9", "bucket-allows-plain-http"), 2, "names rule 1.2 of wa-fix already"),
        (bad_facts("acme-9", "security"), 2, "already"),
        (bad_facts("acme-9", "all"), 2, "already"),
        (bad_facts("acme-9", "custom-rules"), 2, "names the guide already"),
        (bad_facts("tier =", "raises = [\"1.2\", \"9.99\"]\ntier ="), 6, "`raises` names `9.99`"),
        (bad_facts("SEC01-BP01", "SEC1"), 4, "is no best practice"),
        (bad_facts("# A title", "A title"), 8, "there is no `# Title`"),
        (bad_facts("## Query", "## Qeury"), 8, "there is no `## Query`"),
        (bad_facts("scm\n", "scm\n((new_expression) @x\n"), 12, "a bracket is not closed"),
        (format!("{FACTS}# A title\n\n## Query\n```scm\n"), 11, "the block is not closed"),
        (bad_facts("# A title", "# A title\u{1b}[2J"), 8, "has a control character"),
    ]
}

fn queries() -> Vec<Mistaken> {
    let function = "(#construct? @f \"aws_lambda.Function\")";
    vec![
        (rule(&format!("((new_expresion) @f {function} {SAYS})")), 12, "did you mean `new_expression`?"),
        (
            rule(&format!("((new_expression) @f\n\n (#construtc? @f \"App\") {SAYS})")),
            14,
            "did you mean #construct?",
        ),
        (
            rule(&format!("((new_expression) @f\n (#construct? @f \"aws_lambda.Funktion\") {SAYS})")),
            13,
            "did you mean `aws_lambda.Function`?",
        ),
        (
            rule(&format!("((new_expression) @f {function}\n (#lacks-prop? @f \"tracking\") {SAYS})")),
            13,
            "did you mean `tracing`?",
        ),
        (rule(&format!("((new_expression) @f {function})")), 12, "the pattern reports nothing"),
        (rule(&format!("((new_expression) @f {function} (#report! @f \"x\"))")), 12, "neither a fix nor"),
        (
            rule(&format!("((new_expression) @f {function} (#report! @f \"x\")\n (#fix! \"x\"))")),
            13,
            "the fix has no edit",
        ),
        (
            rule(&format!(
                "((new_expression) @f {function} (#report! @f \"x\")\n(#set-prop! @f \"tracing\" \"x\"))"
            )),
            13,
            "have no title",
        ),
        (
            rule(&format!("((new_expression) @f {function} {SAYS}\n(#set-prop! @f \"tracing\" \"x\"))")),
            12,
            "not both",
        ),
        (rule(&format!("((new_expression) @f {function} {SAYS}\n(#report! @f \"y\"))")), 13, "stands twice"),
        (
            rule(&format!(
                "((new_expression) @f {function} (#report! @f \"@{{g}}\") (#refuse! \"x\" \"y\"))"
            )),
            12,
            "@g is not captured",
        ),
        (
            rule(&format!("((new_expression) @f {function} (#report! @f \"@{{f\") (#refuse! \"x\" \"y\"))")),
            12,
            "is not closed",
        ),
        (
            rule(&format!(
                "((new_expression) @f {function} (#report! @f \"@{{f.name}}\") (#refuse! \"x\" \"y\"))"
            )),
            12,
            "a message takes",
        ),
        (
            rule(&format!(
                "((new_expression) @f {function} (#report! @f \"x\") (#fix! \"y\")\n(#set-prop! @f \"tracing\" \"@{{cdk:aws_lambda.Tracing.ACTIV}}\"))"
            )),
            13,
            "has no member of that name",
        ),
        (
            rule(&format!(
                "((new_expression) @f {function} (#report! @f \"x\") (#fix! \"y\")\n(#set-prop! @f \"tracing\" \"@{{value:who}}\"))"
            )),
            13,
            "nothing asks for `who`",
        ),
        (rule(&format!("((call_expression function: (_) @g) @f {SAYS})")), 12, "needs #word?"),
        (
            rule(&format!("((call_expression\n functoin: (_) @g) @f (#word? @g \"x\") {SAYS})")),
            13,
            "none of the grammar",
        ),
        (
            rule(&format!(
                "((new_expression) @f {function} {SAYS})\n((string) @f (#language? \"toml\") {SAYS})"
            )),
            13,
            "#language? takes",
        ),
        (
            rule(
                "((plain_scalar) @f (#language? \"yaml\") (#word? @f \"x\") (#report! @f \"x\") (#fix! \"y\") (#replace! @f \"z\"))",
            ),
            12,
            "edits are for TypeScript",
        ),
    ]
}

#[test]
fn mistakes_are_named_with_file_line_and_what_to_do() {
    let function = "(#construct? @f \"aws_lambda.Function\")";
    let project = with_rule("");
    for (text, line, part) in facts_and_headings().into_iter().chain(queries()) {
        project.put("rules/rule.md", &text);
        for command in ["scan", "rules", "test"] {
            let ran = project.run(&[command]).ends(2);
            assert!(ran.err.starts_with(&format!("wa-fix: rules/rule.md, line {line}: ")), "{text}\n{ran}");
            assert!(ran.err.contains(part), "{part}\n{text}\n{ran}");
            assert!(ran.out.is_empty() && ran.err.lines().count() == 1, "{ran}");
        }
    }
    // All files that are wrong, at once; names that two rules share.
    let good = rule(&format!("((new_expression) @f {function} {SAYS})"));
    project.put("rules/rule.md", &good);
    project.run(&["rules"]).ends(0);
    project.put("rules/second.md", &good);
    project.run(&["rules"]).ends(2).says("rules/second.md, line 2: `acme-9` names rules/rule.md already");
    project.put("rules/second.md", "");
    project.put("rules/third.md", "");
    project.run(&["rules"]).ends(2).says("second.md, line 1").says("third.md, line 1");
    project.put("rules/Third Rule.md", &good);
    project.run(&["rules"]).ends(2).says("take small letters, digits and dashes");
}

/// A rule that asks for something, with the lines of the question.
fn asking(lines: &str, example: &str) -> String {
    let query = "((new_expression) @f (#construct? @f \"aws_lambda.Function\") (#lacks-prop? @f \"environment\")\n\
                 (#report! @f \"x\") (#fix! \"y\") (#set-prop! @f \"environment\" \"{ A: JSON.stringify(@{value:k}) }\"))";
    let asks =
        format!("\n[[asks]]\nkey = \"k\"\nask = \"What?\"\n{lines}\nexample = \"{example}\"\n+++\n# A");
    rule(query).replace("+++\n# A", &asks)
}

#[test]
fn questions_have_a_kind_and_answers_are_checked_by_it() {
    let project = with_rule("");
    for (lines, example, part) in [
        ("kind = \"number\"", "ten", "the example is no answer: `ten` is no whole number"),
        ("kind = \"number\"\nmost = 5", "6", "6 is not a whole number from 0 to 5"),
        ("kind = \"choice\"", "a", "`choices` are the words"),
        ("choices = [\"a\"]", "a", "`choices` are the words"),
        ("least = 5", "a", "`least` and `most` are for"),
        ("kind = \"mail\"", "a@b.example", "unknown variant `mail`"),
        ("kind = \"emial\"", "a@b.example", "did you mean `email`?"),
        ("kind = \"domain\"", "https://a.example", "is no domain"),
    ] {
        project.put("rules/rule.md", asking(lines, example));
        project.run(&["scan"]).ends(2).says("rules/rule.md, line ").says(part);
    }
    for (lines, example, good, code, bad) in [
        ("", "x", "it's", "\"it's\"|'it\\'s'", ""),
        ("kind = \"number\"\nleast = 1\nmost = 900", "30", "007", "7", "901"),
        ("kind = \"choice\"\nchoices = [\"low\", \"high\"]", "low", "HIGH", "'high'", "higher"),
        ("kind = \"list\"", "a,b", "a, b", "['a', 'b']", "a,,b"),
        ("kind = \"urls\"", "https://a.example", "https://b.example", "['https://b.example']", "b.example"),
        ("kind = \"email\"", "a@b.example", "on-call@b.example", "'on-call@b.example'", "on-call"),
        ("kind = \"domain\"", "a.example", "api.a.example", "'api.a.example'", "localhost"),
    ] {
        project.put("rules/rule.md", asking(lines, example));
        let run = |command: &str, answer: &str| {
            let set = format!("k={answer}");
            project.run(&[command, "--select", "acme-9", "--set", &set, "--format", "json"])
        };
        let text = json(&run("scan", good).ends(1))["findings"][0]["fix"]["edits"][0]["text"].clone();
        let written = |code: &str| text.as_str().unwrap().contains(&format!("A: JSON.stringify({code})"));
        assert!(code.split('|').any(written), "{lines}: {text}");
        if !bad.is_empty() {
            let finding = json(&run("scan", bad).ends(1))["findings"][0].clone();
            assert_eq!(finding["outcome"], "no-fix", "{lines}: {finding}");
            assert!(finding["next"].as_str().unwrap().contains(example), "{finding}");
        }
        let values = json(&project.run(&["values", "--select", "acme-9", "--format", "json"]).ends(1));
        let kind = lines.split('"').nth(1).unwrap_or("text");
        assert_eq!(values["values"][0]["type"], kind, "{values}");
    }
}

#[test]
fn folders_are_named_with_care() {
    let project = with_rule(&rule(&format!("((new_expression) @f (#construct? @f \"App\") {SAYS})")));
    for (custom, part) in [
        ("[\"nowhere\"]", "`nowhere` under `custom` in [rules] is no folder"),
        ("[\"lib/job.ts\"]", "is no folder"),
        ("[\"..\"]", "lies outside the folder of the configuration"),
        ("\"rules\"", "line 2"),
    ] {
        project.put("wa-fix.toml", format!("[rules]\ncustom = {custom}\n"));
        project.run(&["scan"]).ends(2).says("wa-fix.toml: ").says(part);
    }
    // Told from the file that names them.
    project.put("shared/base.toml", CONFIG);
    project.put("shared/rules/rule.md", project.read("rules/rule.md"));
    project.put("wa-fix.toml", "extends = \"shared/base.toml\"\n");
    let explained = project.run(&["explain", "acme-9"]).ends(0);
    assert!(explained.text().contains("from `shared/rules/rule.md`"), "{explained}");
    // A README and other files are no rules.
    project.put("shared/rules/README.md", "# Our rules\n");
    project.put("shared/rules/notes.txt", "");
    project.run(&["rules"]).ends(0);
}

#[test]
fn hostile_rule_files_are_bounded() {
    let project = with_rule("");
    let refused = |part: &str| {
        let start = Instant::now();
        project.run(&["scan"]).ends(2).says("rules/rule.md, line ").says(part);
        assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    };
    let file = project.at("rules/rule.md");
    // Too large, too deep, too many.
    project.put("rules/rule.md", "x".repeat(200 * 1024));
    refused("is larger than 128 KiB");
    project.put("rules/rule.md", rule(&"(".repeat(100_000)));
    refused("more than 48 others");
    project.put(
        "rules/rule.md",
        rule(&format!("((array {} ) @f (#word? @f \"x\") {SAYS})", "(_)* ".repeat(1_000))),
    );
    refused("is longer than 2000 characters");
    let one = format!("((new_expression) @f (#construct? @f \"App\") {SAYS})\n");
    project.put("rules/rule.md", rule(&one.repeat(33)));
    refused("more than 32 patterns");
    project.put("rules/rule.md", format!("+++\nid = {}\n+++\n", "[".repeat(100_000)));
    refused("mend it");
    project.put("rules/rule.md", [&b"+++\n"[..], &[0xff, 0xfe]].concat());
    refused("is not UTF-8");
    for number in 0..=200 {
        project.put(&format!("rules/r{number}.md"), "");
    }
    project
        .run(&["scan"])
        .ends(2)
        .says("wa-fix: rules, line 1: the folder of rules holds more than 200 rules");
    for number in 0..=200 {
        std::fs::remove_file(project.at(&format!("rules/r{number}.md"))).unwrap();
    }
    // Links out of the folder, and what is no file.
    project.put("lib/rule.md", rule(&one));
    std::fs::remove_file(&file).unwrap();
    symlink("/etc/passwd", &file).unwrap();
    refused("outside the folder of rules");
    std::fs::remove_file(&file).unwrap();
    symlink(project.at("lib/rule.md"), &file).unwrap();
    refused("outside the folder of rules");
    std::fs::remove_file(&file).unwrap();
    symlink("rule.md", &file).unwrap();
    refused("cannot be read");
    std::fs::remove_file(&file).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&file).status().unwrap().success());
    refused("is no plain file");
    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir(&file).unwrap();
    refused("is no plain file");
    std::fs::remove_dir(&file).unwrap();
    // A folder that is a link out of the project.
    symlink("/etc", project.at("elsewhere")).unwrap();
    project.put("wa-fix.toml", "[rules]\ncustom = [\"elsewhere\"]\n");
    project.run(&["scan"]).ends(2).says("lies outside the folder of the configuration");
}

#[test]
fn a_query_that_relates_anything_to_anything_is_stopped_and_named() {
    let broad = format!("((array (_) @a (_) @b (_) @c (_) @d) @f (#word? @f \"1\") {SAYS})");
    let project = with_rule(&rule(&broad));
    let long = format!("import 'aws-cdk-lib';\nexport const numbers = [{}];\n", "1,\n".repeat(20_000));
    project.put("lib/long.ts", &long);
    project.put("lib/short.ts", "import 'aws-cdk-lib';\nexport const numbers = [1, 2, 3, 4];\n");
    let start = Instant::now();
    let ran = project.run(&["scan", "--select", "acme-9"]).ends(1);
    assert!(start.elapsed() < Duration::from_mins(1), "{:?}", start.elapsed());
    assert!(
        ran.err.contains("lib/long.ts: is not checked by acme-9")
            || ran.err.contains("lib/long.ts is not checked by acme-9"),
        "{ran}"
    );
    assert!(ran.text().contains("lib/short.ts"), "{ran}");
    // Structures that make tree-sitter think.
    for structure in [
        format!("(array {} (number) @n) @f", "(_)* ".repeat(60)),
        format!("(array [{}]) @f", "(number) (string) (object) (array) ".repeat(40)),
        format!("(array {} (number){}) @f", "(".repeat(40), ")*".repeat(40)),
        "(array ((_)+ @a (_)+ @b)+) @f".to_owned(),
    ] {
        project.put("rules/rule.md", rule(&format!("({structure} (#word? @f \"1\") {SAYS})")));
        let start = Instant::now();
        let ran = project.run(&["scan", "--select", "acme-9", "--exit-zero"]);
        assert!(start.elapsed() < Duration::from_mins(1), "{structure}: {:?}", start.elapsed());
        assert!(ran.code.is_some_and(|code| code < 3) && !ran.err.contains("panicked"), "{structure}: {ran}");
    }
}

#[test]
fn cases_that_do_not_hold_are_shown_and_renewed() {
    let project = acme();
    let text = String::from_utf8(project.read("rules/logs-not-in-json.md")).unwrap();
    let wrong = text
        .replacen("      loggingFormat: lambda.LoggingFormat.JSON,\n", "", 1)
        .replace("  loggingFormat: LoggingFormat.TEXT,\n", "");
    for (from, to) in [("\n", "\n"), ("\n", "\r\n")] {
        project.put("rules/logs-not-in-json.md", wrong.replace(from, to));
        let before = project.tree();
        let ran = project.run(&["test", "acme-1"]).ends(1);
        let said = ran.text();
        assert!(
            said.contains("FAIL  Before and After (line 28)\n        the fix makes something else of it:"),
            "{said}"
        );
        assert!(said.contains("+      loggingFormat: lambda.LoggingFormat.JSON,"), "{said}");
        assert!(
            said.contains(
                "FAIL  Keeps: a function that says it (line 71)\n        line 77: it is found: Job logs"
            ),
            "{said}"
        );
        assert!(said.contains("4 cases of 1 rule: 2 fail\n`wa-fix test --update` writes"), "{said}");
        same(&project, &before);
        // What the fix makes is written; what is wrong otherwise stays wrong.
        let ran = project.run(&["test", "acme-1", "--update"]).ends(1);
        assert!(ran.text().contains("new   Before and After") && ran.text().contains(": 1 fails"), "{ran}");
        let healed = String::from_utf8(project.read("rules/logs-not-in-json.md")).unwrap();
        assert_eq!(healed, text.replace("  loggingFormat: LoggingFormat.TEXT,\n", "").replace(from, to));
    }
    // An empty block is filled; code that does not parse and a reason that is none are named.
    let query = "((new_expression) @f (#construct? @f \"aws_sqs.Queue\") (#lacks-prop? @f \"queueName\")\n\
                 (#report! @f \"x\") (#fix! \"Name it\") (#set-prop! @f \"queueName\" \"'q'\"))";
    let code = "import { Stack } from 'aws-cdk-lib';\nimport { Queue } from 'aws-cdk-lib/aws-sqs';\nnew Queue(new Stack(), 'Q');\n";
    let cases = format!(
        "{}## Before\n```ts\n{code}```\n## After\n```ts\n```\n## Cases\n### Keeps: broken\n```ts\nnew (\n```\n\
         ### Refuses: nothing\n```ts\n{code}```\n",
        rule(query)
    );
    let project = with_rule(&cases);
    let ran = project.run(&["test", "--update"]).ends(1);
    assert!(
        ran.text().contains("the code has a syntax error") && ran.text().contains("there is a fix"),
        "{ran}"
    );
    let filled = String::from_utf8(project.read("rules/rule.md")).unwrap();
    assert!(filled.contains("new Queue(new Stack(), 'Q', { queueName: 'q' });\n```\n## Cases"), "{filled}");
    project.put("rules/rule.md", rule(query));
    let ran = project.run(&["test"]).ends(1);
    assert!(ran.text().contains("it has no `## Before` and `## After`"), "{ran}");
}

/// `docs/rules.md` is a session: files are written, commands are run, and print what stands there.
#[test]
fn the_guide_is_so() {
    let text = std::fs::read_to_string(top().join("docs/rules.md")).unwrap();
    let project = Project::with_git();
    let mut lines = text.lines();
    let mut commands = 0;
    while let Some(line) = lines.next() {
        let marks = line.len() - line.trim_start_matches('`').len();
        if marks < 3 {
            continue;
        }
        let fence = "`".repeat(marks);
        let block: Vec<&str> = lines.by_ref().take_while(|line| *line != fence).collect();
        let mut info = line.trim_start_matches('`').split(' ');
        match (info.next(), info.next()) {
            (Some("console"), _) => {
                let session = block.join("\n") + "\n";
                for step in session.split("$ wa-fix ").skip(1) {
                    let (command, wanted) = step.split_once('\n').unwrap();
                    let ran = project.run(&command.split(' ').collect::<Vec<_>>());
                    let printed = if ran.out.is_empty() { ran.err.clone() } else { ran.text().to_owned() };
                    assert_eq!(printed, wanted, "{command}");
                    commands += 1;
                }
            }
            (Some(_), Some(path)) => project.put(path, block.join("\n") + "\n"),
            _ => {}
        }
    }
    assert_eq!(commands, 5);
}

/// Every word of the query language stands in the guide, and nothing else does.
#[test]
fn the_guide_names_every_predicate_and_directive() {
    let text = std::fs::read_to_string(top().join("docs/rules.md")).unwrap();
    let listed = |end: char| -> BTreeSet<String> {
        text.lines()
            .filter_map(|line| line.strip_prefix("| `#"))
            .filter_map(|line| line.split([' ', '`']).next())
            .filter(|word| word.ends_with(end))
            .map(|word| format!("#{word}"))
            .collect()
    };
    let project = with_rule("");
    for (clause, end) in [("#none?", '?'), ("#none!", '!')] {
        project.put("rules/rule.md", rule(&format!("((new_expression) @f ({clause} @f \"x\"))")));
        let ran = project.run(&["scan"]).ends(2);
        let words = ran.err.split("there are ").nth(1).unwrap().split(';').next().unwrap();
        let known: BTreeSet<String> = words.split(", ").map(str::to_owned).collect();
        assert_eq!(listed(end), known);
    }
}

#[test]
fn a_breaking_rule_among_good_ones_is_backed_out_alone_by_name() {
    let project = crate::prove::installed_tap();
    project.put(
        "wa-fix.toml",
        "[rules]\ncustom = [\"rules\"]\nselect = [\"reliability\", \"cost\", \"acme-9\"]\n",
    );
    let query = "((new_expression) @f (#construct? @f \"aws_lambda.Function\") (#lacks-prop? @f \"maxEventAge\")\n\
                 (#report! @f \"It has no limit.\") (#fix! \"Set a limit that is none\")\n\
                 (#set-prop! @f \"maxEventAge\" \"'six hours'\"))";
    project.put("rules/limits-badly.md", rule(query));
    project.commit_all();
    let prove = |ignore: &[&str], branch: &str| {
        let options = ["--prove", "tsc", "--tier", "review", "--format", "json"];
        let ran =
            crate::prove::run(&project, &[&["apply", "--branch", branch], &options[..], ignore].concat());
        let proof = json(&ran)["summary"]["proof"].clone();
        (ran, proof)
    };
    let (good, proof) = prove(&["--ignore", "acme-9"], "good");
    good.ends(1).says("Proved: `tsc` passes");
    assert!(proof["backedOut"].as_array().unwrap().is_empty(), "{proof}");
    let (ran, proof) = prove(&[], "all");
    let ran = ran.ends(3);
    let [culprit] = proof["backedOut"].as_array().unwrap().as_slice() else { panic!("{proof}") };
    assert_eq!((&culprit["rule"], &culprit["name"]), (&"acme-9".into(), &"limits-badly".into()));
    assert!(culprit["error"].as_str().unwrap().contains("TS2322"), "{culprit}");
    assert!(ran.err.contains("acme-9") && ran.err.contains("limits-badly"), "{ran}");
    // The others are as they would be without it, and it cost no more runs than it may.
    assert_eq!(project.git(&["rev-parse", "good^{tree}"]), project.git(&["rev-parse", "all^{tree}"]));
    let (fixes, runs) = (proof["fixes"].as_u64().unwrap(), proof["runs"].as_u64().unwrap());
    assert!(fixes > 8, "{proof}");
    let most = crate::prove::bound(usize::try_from(fixes).unwrap());
    assert!(usize::try_from(runs).unwrap() <= most, "{runs} runs for {fixes} fixes");
    let findings = json(&ran)["findings"].as_array().unwrap().clone();
    let own = findings.iter().find(|it| it["rule"] == "acme-9").unwrap();
    assert_eq!(own["outcome"], "backed-out");
}

#[test]
fn a_case_leaves_nothing_behind() {
    let project = acme();
    let before = read_tree(project.root());
    project.run(&["test"]).ends(0);
    assert_eq!(read_tree(project.root()), before);
}
