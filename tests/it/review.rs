//! The review, driven through a terminal as a person does.

use rustix::process::{Signal, kill_process};

use crate::project::{Project, git_in, same};
use crate::run::{JOB, MANIFEST, program};
use crate::terminal::Terminal;

/// A stack with one construct in a file of its own.
fn stack(name: &str, imports: &str, body: &str) -> String {
    format!(
        "import * as cdk from 'aws-cdk-lib';\n{imports}import {{ Construct }} from 'constructs';\n\n\
         export class {name}Stack extends cdk.Stack {{\n  constructor(scope: Construct, id: string) {{\n    \
         super(scope, id);\n\n{body}  }}\n}}\n"
    )
}

fn job(name: &str) -> String {
    JOB.replace("'Job'", &format!("'{name}'")).replace("JobStack", &format!("{name}Stack"))
}

fn bucket() -> String {
    stack(
        "Data",
        "import * as s3 from 'aws-cdk-lib/aws-s3';\n",
        "    new s3.Bucket(this, 'Uploads', {\n      blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,\n    });\n",
    )
}

fn api() -> String {
    stack(
        "Api",
        "import * as apigateway from 'aws-cdk-lib/aws-apigateway';\n",
        "    new apigateway.RestApi(this, 'Api', {\n      defaultCorsPreflightOptions: {\n        \
         allowOrigins: apigateway.Cors.ALL_ORIGINS,\n      },\n    });\n",
    )
}

const MEMORY: &str = "\
import * as cdk from 'aws-cdk-lib';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';

export interface WorkProps extends cdk.StackProps {
  isProd: boolean;
}

export class WorkStack extends cdk.Stack {
  constructor(scope: Construct, id: string, props: WorkProps) {
    super(scope, id, props);

    new lambda.Function(this, 'Work', {
      runtime: lambda.Runtime.NODEJS_18_X,
      handler: 'index.handler',
      code: lambda.Code.fromInline('exports.handler = async () => {};'),
      memorySize: 1024,
    });
  }
}
";

/// Three functions without a dead-letter queue (2.5) and a bucket that answers over plain HTTP (1.2): four safe fixes in
/// three files.
fn shop() -> Project {
    Project::committed(&[
        ("package.json", MANIFEST),
        ("lib/a.ts", &job("Job")),
        ("lib/b.ts", &two()),
        ("lib/c.ts", &bucket()),
    ])
}

/// Two functions in one file.
fn two() -> String {
    job("Mail").replace(
        "    });\n  }\n",
        "    });\n    new lambda.Function(this, 'Push', {\n      runtime: lambda.Runtime.NODEJS_18_X,\n      \
         handler: 'index.push',\n      code: lambda.Code.fromInline('exports.push = async () => {};'),\n    });\n  }\n",
    )
}

const SHOP: [&str; 3] = ["-i", "--select", "2.5,1.2"];

fn open(project: &Project, arguments: &[&str]) -> Terminal {
    Terminal::start(project.root(), project.home(), arguments)
}

/// The files of a copy of the shop with the fixes of some rules in some files.
fn applied(rules: &str, files: &[&str]) -> Project {
    let project = shop();
    let mut arguments = vec!["apply", "--all", "--quiet", "--exit-zero", "--select", rules];
    arguments.extend(files);
    project.run(&arguments).ends(0);
    project
}

fn text(project: &Project, path: &str) -> String {
    String::from_utf8(project.read(path)).unwrap()
}

#[test]
fn accept_and_skip_write_what_was_accepted_and_nothing_else() {
    let project = shop();
    let mut terminal = open(&project, &SHOP);
    terminal.sees(
        "[1/4] 2.5 lambda-without-dead-letter-queue · reliability · impact low · tier safe · lib/a.ts:9",
    );
    terminal.sees("Fix: ").sees("Before deploying: ").sees("+++ b/lib/a.ts").keys("y");
    terminal.sees("[2/4]").keys("n").sees("[3/4]").keys("n").sees("[4/4]").sees("lib/c.ts").keys("\r");
    terminal.sees("2 of 4 findings accepted, 2 files change.").sees("accepted: 2.5 lib/a.ts:9").keys("w");
    let (code, screen) = terminal.last_screen();
    assert_eq!(code, Some(1), "two findings stay");
    assert!(
        screen.contains("Written to the working tree: 2 files.")
            && screen.contains("2 findings stay as they are."),
        "{screen}"
    );
    same(&project, &applied("2.5,1.2", &["lib/a.ts", "lib/c.ts"]).tree());
    project.run(&["undo", "--quiet"]).ends(0);
    same(&project, &shop().tree());
}

#[test]
fn back_takes_a_decision_back_also_from_the_closing_question() {
    let project = shop();
    let mut terminal = open(&project, &SHOP);
    terminal
        .sees("[1/4]")
        .keys("y")
        .sees("[2/4]")
        .keys("u")
        .sees("[1/4]")
        .sees("Taken back: the decision on 2.5 lib/a.ts:9");
    terminal.keys("n").sees("[2/4]").keys("y").sees("[3/4]").keys("y").sees("[4/4]").keys("y");
    terminal
        .sees("3 of 4 findings accepted")
        .keys("u")
        .sees("[4/4]")
        .keys("n")
        .sees("2 of 4 findings accepted")
        .keys("w");
    assert_eq!(terminal.end().0, Some(1));
    same(&project, &applied("2.5", &["lib/b.ts"]).tree());
}

#[test]
fn an_earlier_decision_is_shown_and_changed_where_it_stands() {
    let project = shop();
    let mut terminal = open(&project, &SHOP);
    terminal
        .sees("[1/4]")
        .keys("y")
        .sees("[2/4]")
        .keys("k")
        .sees("[1/4]")
        .sees("Write this fix (accepted before)")
        .keys("n");
    terminal.sees("[2/4]").keys("fn");
    let (code, shown) = terminal.end();
    assert!(code == Some(1) && shown.contains("Nothing was written."), "{shown}");
    same(&project, &shop().tree());
}

#[test]
fn the_rest_of_a_rule_of_a_file_and_of_a_tier() {
    for (keys, told, rules, files) in [
        ("a", "3 accepted", "2.5", &["lib/a.ts", "lib/b.ts"][..]),
        ("A", "4 accepted", "2.5,1.2", &[]),
        ("jd", "2 accepted", "2.5", &["lib/b.ts"]),
    ] {
        let project = shop();
        let mut terminal = open(&project, &SHOP);
        terminal.sees("[1/4]").keys(keys);
        if keys == "A" {
            terminal.sees("4 of 4 findings accepted").keys("w");
        } else {
            terminal.sees(told).keys("f").sees("not decided").keys("w");
        }
        terminal.end();
        same(&project, &applied(rules, files).tree());
    }
}

#[test]
fn a_rule_that_is_off_is_left_alone() {
    let project = shop();
    let mut terminal = open(&project, &SHOP);
    terminal.sees("[1/4]").keys("x").sees("[4/4]").sees("Rule 2.5 is off: 3 left alone").keys("y");
    terminal.sees("1 of 4 findings accepted").sees("rule off: 2.5 lib/b.ts").keys("w");
    assert_eq!(terminal.end().0, Some(1));
    same(&project, &applied("1.2", &[]).tree());
}

#[test]
fn another_way_to_mend_it() {
    let project = Project::committed(&[("package.json", MANIFEST), ("lib/work.ts", MEMORY)]);
    let mut terminal = open(&project, &["-i", "--select", "4.2"]);
    terminal.sees("tier safe").sees("Move the memory of Work to the app's settings (way 1 of 2)").keys("\t");
    terminal.sees("tier review").sees("give it 512 MB elsewhere (way 2 of 2)").sees("? 1024 : 512");
    terminal
        .keys("\t")
        .sees("way 1 of 2")
        .keys("\t")
        .sees("way 2 of 2")
        .keys("y")
        .sees("1 of 1 finding")
        .keys("w");
    assert_eq!(terminal.end().0, Some(0));
    assert!(
        text(&project, "lib/work.ts").contains("memorySize: props.isProd ? 1024 : 512,"),
        "{}",
        text(&project, "lib/work.ts")
    );
    project.run(&["scan", "--select", "4.2"]).ends(0);
}

#[test]
fn a_question_is_typed_checked_kept_and_replayed() {
    let files = [
        ("package.json", MANIFEST),
        ("lib/api.ts", &api()),
        ("wa-fix.toml", "# ours\n[rules]\nignore = []\n"),
    ];
    let project = Project::committed(&files);
    let mut terminal = open(&project, &["-i", "--select", "1.3"]);
    terminal
        .sees("The fix needs something that only you know.")
        .keys("y")
        .sees("Which origins may call the API");
    // By its type at once, by the rule after that.
    terminal
        .line("app")
        .sees("`app` is no web address")
        .line("https://*")
        .sees("Not https://*")
        .keys("\u{15}");
    for _ in 0..20 {
        terminal.keys("\u{7f}");
    }
    terminal.line("https://app.acme.io, https://acme.io").sees("Keep the answer in wa-fix.toml").keys("y");
    terminal.sees("+        allowOrigins: ['https://app.acme.io', 'https://acme.io'],").keys("y");
    terminal.sees("wa-fix.toml keeps allowed_origins").keys("w");
    terminal.end();
    let kept = "# ours\n[rules]\nignore = []\n\n[values]\nallowed_origins = [\"https://app.acme.io\", \"https://acme.io\"]\n";
    assert_eq!(text(&project, "wa-fix.toml"), kept);
    // The same file, and the same as with --set.
    let written = text(&project, "lib/api.ts");
    for arguments in [
        &["apply", "--all"][..],
        &["apply", "--all", "--set", "allowed_origins=https://app.acme.io,https://acme.io"],
    ] {
        let other = Project::committed(&files);
        if arguments.len() == 2 {
            other.put("wa-fix.toml", kept);
        }
        other.run(&[arguments, &["--select", "1.3", "--exit-zero"]].concat()).ends(0);
        assert_eq!(text(&other, "lib/api.ts"), written);
    }
    project.run(&["undo", "--quiet"]).ends(0);
    assert_eq!(text(&project, "wa-fix.toml"), files[2].1);
}

#[test]
fn an_answer_that_is_not_kept_and_a_question_that_is_left() {
    let project = Project::committed(&[("package.json", MANIFEST), ("lib/api.ts", &api())]);
    let mut terminal = open(&project, &["-i", "--select", "1.3"]);
    terminal
        .sees("The fix needs")
        .keys("p")
        .sees("allowed_origins:")
        .line("")
        .sees("The fix needs")
        .keys("p");
    terminal
        .sees("allowed_origins:")
        .line("https://a.acme.io")
        .sees("Keep the answer")
        .keys("n")
        .sees("['https://a.acme.io']");
    // The same key answers otherwise.
    terminal.keys("p").sees("allowed_origins: https://a.acme.io").keys("\u{7f}\u{7f}\u{7f}").line(".com");
    terminal
        .sees("Keep the answer")
        .keys("n")
        .sees("['https://a.acme.com']")
        .keys("y")
        .sees("Write to")
        .keys("w");
    terminal.end();
    assert!(text(&project, "lib/api.ts").contains("allowOrigins: ['https://a.acme.com'],"));
    assert!(!project.at("wa-fix.toml").exists());
}

#[test]
fn values_lists_what_is_needed_as_text_and_as_json() {
    let project = Project::committed(&[
        ("package.json", MANIFEST),
        ("cdk.json", "{ \"app\": \"x\", \"context\": { \"allowedOrigins\": [\"https://a.acme.io\"] } }"),
        ("lib/api.ts", &api()),
    ]);
    let ran = project.run(&["values", "--select", "1.3"]).ends(1);
    for words in [
        "allowed_origins\n",
        "for 1.3 lib/api.ts:",
        "proposed by cdk.json: https://a.acme.io",
        "--set allowed_origins=https://a.acme.io",
    ] {
        assert!(ran.text().contains(words), "{words}: {ran}");
    }
    let ran = project.run(&["values", "--select", "1.3", "--format", "json"]).ends(1);
    let json: serde_json::Value = serde_json::from_str(ran.text()).unwrap();
    assert_eq!(json["schema"], 1);
    assert_eq!(json["values"][0]["key"], "allowed_origins");
    assert_eq!(json["values"][0]["type"], "urls");
    assert_eq!(json["values"][0]["proposed"]["answer"], "https://a.acme.io");
    assert_eq!(json["values"][0]["findings"][0]["path"], "lib/api.ts");
    project.run(&["values", "--select", "1.3", "--set", "allowed_origins=https://a.acme.io"]).ends(0);
    project.run(&["values", "--select", "1.3", "--tier", "safe"]).ends(0);
    project.run(&["values", "--format", "sarif"]).ends(2).says("use --format json");
    // What is proposed stands in the line already.
    let mut terminal = open(&project, &["-i", "--select", "1.3"]);
    terminal
        .sees("The fix needs")
        .keys("p")
        .sees("Proposed from cdk.json")
        .sees("allowed_origins: https://a.acme.io");
    terminal.keys("\r").sees("Keep the answer").keys("n").sees("['https://a.acme.io']").keys("q");
    terminal.end();
}

/// A review of one function with an editor that is a shell script; `$1` is the file.
fn with_editor(project: &Project, script: &str) -> Terminal {
    let editor = project.outside().join("editor.sh");
    #[expect(clippy::disallowed_methods, reason = "an editor for the test")]
    std::fs::write(&editor, script).unwrap();
    let mut command = program(project.root(), project.home());
    command
        .args(["-i", "--select", "2.5"])
        .env("EDITOR", format!("sh {}", editor.display()))
        .env_remove("VISUAL");
    Terminal::of(command)
}

#[test]
fn what_a_person_writes_instead_passes_the_same_gates() {
    let project = Project::job();
    let mut terminal =
        with_editor(&project, "sed -i \"s/handler: 'index.handler'/handler: 'main.handler'/\" \"$1\"");
    terminal
        .sees("[1/1]")
        .keys("e")
        .sees("Your edit passes")
        .sees("as you edited it")
        .sees("+ handler: 'main.handler',");
    terminal.keys("y").sees("1 of 1 finding accepted").keys("w");
    assert_eq!(terminal.end().0, Some(0));
    let by_rule = Project::job();
    by_rule.run(&["apply", "--select", "2.5"]).ends(0);
    assert_eq!(
        text(&project, "lib/job.ts"),
        text(&by_rule, "lib/job.ts").replace("index.handler", "main.handler")
    );
}

#[test]
fn an_edit_that_does_not_pass_is_refused_and_can_be_dropped() {
    for (script, why) in [
        ("echo '}' >> \"$1\"", "the result has a syntax error"),
        ("git show HEAD:lib/job.ts > \"$1\"; echo '// none' >> \"$1\"", "the finding is still there"),
    ] {
        let project = Project::job();
        let before = project.tree();
        let mut terminal = with_editor(&project, script);
        terminal
            .sees("[1/1]")
            .keys("e")
            .sees("Your edit does not pass")
            .sees(why)
            .keys("y")
            .sees("It cannot be accepted");
        terminal
            .keys("r")
            .sees("Write this fix")
            .sees_no_more("as you edited it")
            .keys("y")
            .sees("Write to")
            .keys("n");
        terminal.end();
        same(&project, &before);
    }
}

#[test]
fn an_editor_that_fails_or_changes_nothing_leaves_the_fix() {
    for (script, said) in [("exit 3", "did not end well"), ("git show HEAD:lib/job.ts > \"$1\"", "")] {
        let project = Project::job();
        let mut terminal = with_editor(&project, script);
        terminal.sees("[1/1]").keys("e");
        if said.is_empty() {
            // The file as it was before the fix.
            terminal.sees("there is nothing to write");
        } else {
            terminal.sees(said);
        }
        terminal.sees("+++ b/lib/job.ts").keys("q");
        terminal.end();
    }
}

#[test]
fn a_finding_that_an_accepted_fix_clears_is_shown_again_and_says_so() {
    let project = Project::committed(&[("package.json", MANIFEST), ("lib/b.ts", &two())]);
    let script =
        "sed -i \"s/handler: 'index.push',/handler: 'index.push', deadLetterQueueEnabled: true,/\" \"$1\"";
    let mut terminal = with_editor(&project, script);
    terminal.sees("[1/2]").keys("e").sees("Your edit passes").keys("y").sees("[2/2]");
    terminal
        .sees("Nothing left to do here: accepting 2.5 lib/b.ts:9 has cleared this finding.")
        .sees("Go on")
        .keys("y");
    terminal.sees("1 of 2 findings accepted").sees("cleared by another fix: 2.5 lib/b.ts:14");
    // Without the fix that cleared it, it is there again.
    terminal
        .keys("u")
        .sees("[1/2]")
        .sees("Taken back")
        .keys("n")
        .sees("[2/2]")
        .sees("Write this fix")
        .sees("+++ b/lib/b.ts");
    terminal
        .keys("k")
        .sees("[1/2]")
        .keys("y")
        .sees("[2/2]")
        .sees("Go on")
        .keys("\r")
        .sees("1 of 2 findings accepted")
        .keys("w");
    assert_eq!(terminal.end().0, Some(0));
    project.run(&["scan", "--select", "2.5"]).ends(0);
}

#[test]
fn a_fix_that_an_accepted_one_changes_is_shown_again_and_says_so() {
    let project = Project::tap();
    let mut terminal = open(&project, &["-i", "--all", "--select", "2.8,4.5"]);
    terminal
        .sees("] 2.8")
        .keys("/")
        .sees("Search for:")
        .line("throttling")
        .sees("4.5 api-throttling")
        .sees("Write this fix")
        .keys("y");
    terminal.sees("] 2.8").sees("Write this fix").keys("y").sees("4.5 api-throttling");
    terminal.sees("Changed: accepting 2.8 lib/constructs/application-infrastructure.ts:103 makes this another fix. Decide again.");
    terminal.keys("y").sees("2 of 2 findings accepted").keys("w");
    assert_eq!(terminal.end().0, Some(0));
    let other = Project::tap();
    other.run(&["apply", "--all", "--select", "2.8,4.5"]).ends(0);
    same(&project, &other.tree());
}

#[test]
fn a_finding_is_accepted_as_it_is_by_a_comment_with_a_reason() {
    let project = shop();
    let mut terminal = open(&project, &SHOP);
    terminal
        .sees("[1/4]")
        .keys("s")
        .sees("Reason:")
        .line("")
        .sees("[1/4]")
        .keys("s")
        .sees("Reason:")
        .line("retried by  the caller");
    terminal
        .sees("[2/4]")
        .keys("k")
        .sees("(suppressed: retried by the caller)")
        .sees("+    // wa-fix-ignore 2.5 -- retried by the caller");
    terminal.keys("f").sees("suppressed (retried by the caller): 2.5 lib/a.ts").keys("w");
    terminal.end();
    let expected = job("Job").replace(
        "    new lambda.Function(this, 'Job'",
        "    // wa-fix-ignore 2.5 -- retried by the caller\n    new lambda.Function(this, 'Job'",
    );
    assert_eq!(text(&project, "lib/a.ts"), expected);
    project.run(&["scan", "--select", "2.5", "lib/a.ts"]).ends(0);
}

#[test]
fn explain_help_and_escape() {
    let project = shop();
    let mut terminal = open(&project, &SHOP);
    terminal
        .sees("[1/4]")
        .keys("i")
        .sees("## What is wrong")
        .sees("[1/4]")
        .keys("\u{1b}")
        .sees("+++ b/lib/a.ts");
    terminal
        .keys("i")
        .sees("## What is wrong")
        .keys("i")
        .sees("+++ b/lib/a.ts")
        .keys("?")
        .sees("accept this fix");
    let screen = terminal.screen();
    for absent in ["another way to mend it", "answer the questions", "take back", "before you edited it"] {
        assert!(!screen.contains(absent), "{absent}: {screen}");
    }
    for present in ["accept the rest of this rule", "accept all that remain", "go to a finding"] {
        assert!(screen.contains(present), "{present}: {screen}");
    }
    // Keys that the help does not list do nothing, and say so.
    terminal.keys("?").sees("+++ b/lib/a.ts").keys("\t").sees("That key does nothing here");
    terminal
        .keys("z")
        .sees("That key does nothing; ?")
        .keys("y")
        .sees("[2/4]")
        .keys("?")
        .sees("take back the last decision");
    terminal.keys("\u{1b}").sees("+++ b/lib/b.ts").keys("q").sees("Leave? (y/n)").keys("y");
    assert_eq!(terminal.end().0, Some(1));
}

#[test]
fn side_by_side_and_context() {
    let project = shop();
    let mut terminal = open(&project, &SHOP);
    terminal
        .sees("[1/4]")
        .keys("k")
        .sees("[4/4]")
        .sees("@@ -8,6 +8,7 @@")
        .keys("v")
        .sees("│")
        .sees("+++ b/lib/c.ts");
    terminal
        .keys("v")
        .sees_no_more("│")
        .keys("-")
        .sees("@@ -10,2 +10,3 @@")
        .keys("-")
        .sees("@@ -10,0 +11 @@");
    terminal.keys("-").sees("That key does nothing here").keys("++").sees("@@ -8,6 +8,7 @@").keys("++++");
    terminal
        .sees("import * as cdk from 'aws-cdk-lib';")
        .keys("+")
        .sees("That key does nothing here")
        .keys("q");
    terminal.end();
    // A wide terminal starts with two columns, a narrow one has none.
    let run = || {
        let mut command = program(project.root(), project.home());
        command.args(SHOP);
        command
    };
    let mut wide = Terminal::sized(run(), 40, 180);
    wide.sees("│").keys("q");
    wide.end();
    let mut narrow = Terminal::sized(run(), 40, 60);
    narrow.sees("[1/4]").keys("v").sees("That key does nothing here").keys("q");
    narrow.end();
}

#[test]
fn a_long_diff_is_paged_with_the_header_in_view() {
    let project = Project::tap();
    let mut command = program(project.root(), project.home());
    command.args(["-i", "--select", "1.6"]);
    let mut terminal = Terminal::sized(command, 24, 80);
    let header = "[1/1] 1.6 no-audit-trail";
    terminal.sees(header).sees("more: Space").sees("Write this fix");
    let first = terminal.screen();
    terminal
        .keys(" ")
        .sees_no_more("Before deploying")
        .sees(header)
        .sees("Write this fix")
        .keys("b")
        .sees("Before deploying")
        .sees(first.lines().last().unwrap());
    assert_eq!(terminal.screen(), first);
    terminal
        .keys("\u{1b}[B")
        .sees_no_more("Nothing in this app records")
        .keys("\u{1b}[A")
        .sees("Nothing in this app records");
    terminal
        .keys(">")
        .sees_no_more("more: Space")
        .sees(header)
        .sees("Write this fix")
        .keys("<")
        .sees("Before deploying");
    terminal.keys("\u{1b}[6~").sees_no_more("Before deploying").keys("\u{1b}[5~").sees("Before deploying");
    terminal.keys("\u{1b}[F").sees_no_more("more: Space").keys("\u{1b}[H").sees("Before deploying").keys("q");
    terminal.end();
}

#[test]
fn moving_searching_and_going_to_a_number() {
    let project = shop();
    let mut terminal = open(&project, &SHOP);
    terminal
        .sees("[1/4]")
        .keys("j")
        .sees("[2/4]")
        .keys("k")
        .sees("[1/4]")
        .keys("k")
        .sees("[4/4]")
        .keys("j")
        .sees("[1/4]");
    terminal.keys("\u{1b}[C").sees("[2/4]").keys("\u{1b}[D").sees("[1/4]");
    terminal
        .keys("/")
        .sees("Search for:")
        .line("uploads")
        .sees("[4/4]")
        .keys("/")
        .sees("Search for: uploads")
        .keys("\r");
    terminal
        .sees("[4/4]")
        .keys("g")
        .sees("Go to number:")
        .line("2")
        .sees("[2/4]")
        .keys("g")
        .sees("Go to number:")
        .line("9");
    terminal
        .sees("Give a number from 1 to 4.")
        .keys("/")
        .sees("Search for:")
        .keys(&"\u{7f}".repeat(9))
        .line("nowhere");
    terminal.sees("Nothing has `nowhere`.").keys("f").sees("Nothing was accepted").keys("n");
    assert_eq!(terminal.end().0, Some(1));
    same(&project, &shop().tree());
}

#[test]
fn quitting_asks_where_decisions_would_be_lost() {
    let project = shop();
    let mut terminal = open(&project, &SHOP);
    terminal
        .sees("[1/4]")
        .keys("y")
        .sees("[2/4]")
        .keys("q")
        .sees("loses 1 decision")
        .keys("n")
        .sees("[2/4]")
        .keys("\u{1b}");
    terminal.sees("Leave? (y/n)").keys("y");
    let (code, shown) = terminal.end();
    assert!(code == Some(1) && shown.contains("Nothing was written."), "{shown}");
    same(&project, &shop().tree());
}

/// A place where the review waits, and how it comes there.
type Place = (&'static str, fn(&mut Terminal));

fn places() -> Vec<Place> {
    vec![
        ("a finding", |_| {}),
        ("help", |terminal| {
            terminal.keys("?").sees("these keys");
        }),
        ("a line", |terminal| {
            terminal.keys("s").sees("Reason:");
            std::thread::sleep(std::time::Duration::from_millis(50));
        }),
        ("yes or no", |terminal| {
            terminal.keys("yq").sees("Leave? (y/n)");
        }),
        ("the closing question", |terminal| {
            terminal.keys("yf").sees("Write to the working tree");
        }),
        ("the name of a branch", |terminal| {
            terminal.keys("yf").sees("Write to the working tree").keys("b").sees("Branch:");
            std::thread::sleep(std::time::Duration::from_millis(50));
        }),
    ]
}

#[test]
fn ctrl_c_leaves_the_terminal_as_it_was_and_the_tree_untouched() {
    for (place, bring) in places() {
        let project = shop();
        let mut terminal = open(&project, &SHOP);
        terminal.sees("[1/4]");
        bring(&mut terminal);
        terminal.keys("\u{3}");
        let (code, shown) = terminal.end();
        assert!(code == Some(1) && shown.contains("Nothing was written."), "{place}: {code:?} {shown}");
        same(&project, &shop().tree());
    }
}

#[test]
fn so_does_a_signal_and_the_end_of_input() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let project = shop();
        let mut terminal = open(&project, &SHOP);
        terminal.sees("[1/4]").keys("y").sees("[2/4]");
        kill_process(terminal.id(), signal).unwrap();
        assert_eq!(terminal.end().0, Some(1), "{signal:?}");
        same(&project, &shop().tree());
    }
    let project = shop();
    let mut terminal = open(&project, &SHOP);
    terminal.sees("[1/4]").keys("\u{4}");
    assert_eq!(terminal.end().0, Some(1));
}

#[test]
fn keys_with_modifiers_and_pieces_of_sequences_decide_nothing() {
    let project = shop();
    let mut terminal = open(&project, &SHOP);
    terminal.sees("[1/4]").keys("\u{1b}[1;5A").sees("That key does nothing; ?").keys("j").sees("[2/4]");
    terminal
        .keys("\u{1b}y")
        .sees("That key does nothing; ?")
        .keys("\u{c}")
        .sees("[2/4]")
        .keys("f")
        .sees("Nothing was accepted")
        .keys("n");
    terminal.end();
    same(&project, &shop().tree());
}

#[test]
fn a_terminal_that_changes_its_size_is_drawn_again() {
    let project = shop();
    let mut terminal = open(&project, &SHOP);
    terminal.sees("[1/4]").sees("+++ b/lib/a.ts").resize(14, 60).sees("[1/4]").sees("Write this fix");
    for line in terminal.screen().lines() {
        assert!(console::measure_text_width(line) <= 60, "{line}");
    }
    terminal
        .sees("more: Space")
        .resize(50, 120)
        .sees("+++ b/lib/a.ts")
        .sees_no_more("more: Space")
        .keys("y")
        .sees("[2/4]")
        .keys("\u{3}");
    terminal.end();
}

#[test]
fn any_size_of_terminal_shows_finding_and_question() {
    let project = shop();
    for (rows, columns) in [(24, 80), (10, 40), (5, 20), (2, 10)] {
        let mut command = program(project.root(), project.home());
        command.args(SHOP);
        let mut terminal = Terminal::sized(command, rows, columns);
        if rows > 4 {
            terminal.sees("Write this fix");
        }
        terminal.keys("nnnn").sees(if rows > 4 { "leave (n)" } else { "" });
        std::thread::sleep(std::time::Duration::from_millis(300));
        terminal.keys("n");
        terminal.end();
    }
}

#[test]
fn colours_and_their_absence() {
    let project = Project::committed(&[("package.json", MANIFEST), ("lib/work.ts", MEMORY)]);
    let shown = |variables: &[(&str, &str)], arguments: &[&str]| {
        let mut command = program(project.root(), project.home());
        command.args(["-i", "--select", "4.2"]).args(arguments).envs(variables.iter().copied());
        let mut terminal = Terminal::of(command);
        terminal.sees("[1/1]").sees("Write this fix").keys("q");
        String::from_utf8_lossy(&terminal.raw_end().1).into_owned()
    };
    let coloured = shown(&[], &[]);
    // Bold headings, green and red lines, and the words of them that differ.
    for code in ["\u{1b}[1m", "\u{1b}[32m", "\u{1b}[31m", "\u{1b}[7m"] {
        assert!(coloured.contains(code), "{code:?}: {coloured:?}");
    }
    for plain in [shown(&[("NO_COLOR", "1")], &[]), shown(&[], &["--color", "never"])] {
        assert!(!plain.contains("\u{1b}[1m") && !plain.contains("\u{1b}[3"), "{plain:?}");
    }
}

#[test]
fn plain_is_line_by_line() {
    for (variable, arguments) in [(None, &["--plain"][..]), (Some(("TERM", "dumb")), &[])] {
        let project = shop();
        let mut command = program(project.root(), project.home());
        command.args(SHOP).args(arguments).envs(variable);
        let mut terminal = Terminal::of(command);
        terminal
            .sees("[1/4]")
            .sees("Write this fix")
            .line("z")
            .sees("That key does nothing; ?")
            .line("y")
            .sees("[2/4]");
        terminal
            .line("s")
            .sees("Reason:")
            .line("asked the team")
            .sees("[3/4]")
            .line("")
            .sees("[3/4]")
            .line("n")
            .sees("[4/4]");
        terminal.line("u").sees("Taken back").line("n").line("y").sees("Write to the working tree").line("w");
        let (code, bytes) = terminal.raw_end();
        assert_eq!(code, Some(1));
        assert!(!bytes.contains(&0x1b), "no redraw, no colour: {}", String::from_utf8_lossy(&bytes));
        let (a, c) = (applied("2.5", &["lib/a.ts"]), applied("1.2", &["lib/c.ts"]));
        assert_eq!(text(&project, "lib/a.ts"), text(&a, "lib/a.ts"));
        assert_eq!(text(&project, "lib/c.ts"), text(&c, "lib/c.ts"));
        assert!(text(&project, "lib/b.ts").contains("// wa-fix-ignore 2.5 -- asked the team"));
    }
}

#[test]
fn plain_ends_with_its_input() {
    let project = shop();
    for end in [None, Some(Signal::TERM)] {
        let mut terminal = open(&project, &[&SHOP[..], &["--plain"]].concat());
        terminal.sees("[1/4]").sees("Write this fix");
        match end {
            None => {
                terminal.keys("\u{4}");
            }
            // A signal is the system's where nothing is drawn.
            Some(signal) => kill_process(terminal.id(), signal).unwrap(),
        }
        assert_eq!(terminal.end().0, end.map_or(Some(1), |_| None));
        same(&project, &shop().tree());
    }
}

#[test]
fn a_new_branch_a_patch_or_nothing() {
    let project = shop();
    let mut terminal = open(&project, &SHOP);
    terminal.sees("[1/4]").keys("A").sees("4 of 4").keys("b").sees("Branch: wa-fix").keys("\r");
    let (code, screen) = terminal.last_screen();
    assert_eq!(code, Some(0), "{screen}");
    same(&project, &shop().tree());
    assert_eq!(project.git(&["rev-list", "--count", "HEAD..wa-fix"]), "2");

    // The name is taken now: another is proposed, and one that is taken is refused with nothing lost.
    let mut terminal = open(&project, &SHOP);
    terminal
        .sees("[1/4]")
        .keys("A")
        .sees("4 of 4")
        .keys("b")
        .sees("Branch: wa-fix-2")
        .keys("\u{7f}\u{7f}")
        .line("");
    terminal.sees("wa-fix").sees("4 of 4").keys("p").sees("File: wa-fix.patch").keys("\r");
    let (code, _) = terminal.last_screen();
    assert_eq!(code, Some(0));
    git_in(project.root(), &["apply", "wa-fix.patch"]);
    for path in ["lib/a.ts", "lib/b.ts", "lib/c.ts"] {
        assert_eq!(text(&project, path), text(&applied("2.5,1.2", &[]), path));
    }

    let project = shop();
    let mut terminal = open(&project, &SHOP);
    terminal.sees("[1/4]").keys("A").sees("4 of 4").keys("n");
    let (code, screen) = terminal.last_screen();
    assert!(code == Some(1) && screen.contains("Nothing was written."), "{screen}");
    same(&project, &shop().tree());
}

#[test]
fn a_file_that_changes_under_a_fix_is_planned_again_or_named() {
    let wide = job("Job").replace("  ", "    ");
    let fixed = "// wa-fix\n".to_owned() + &job("Job").replace("JobStack", "OtherStack");
    // What another program writes while the first fix is shown, and what is said of it.
    for (edited, said) in [
        (wide.as_str(), "Another program changed the file"),
        (fixed.as_str(), "no longer"),
        ("// gone\n", "no longer has it"),
    ] {
        let project = shop();
        let mut terminal = open(&project, &SHOP);
        terminal.sees("[1/4]").sees("+++ b/lib/a.ts");
        project.put("lib/a.ts", edited);
        terminal.keys("y").sees(said).keys("f").sees("Nothing was accepted").keys("n");
        terminal.end();
        assert_eq!(text(&project, "lib/a.ts"), edited);
    }
}

#[test]
fn a_file_that_changes_before_the_closing_question_is_answered() {
    let wide = job("Job").replace("  ", "    ");
    let project = shop();
    let mut terminal = open(&project, &SHOP);
    terminal.sees("[1/4]").keys("A").sees("4 of 4 findings accepted");
    project.put("lib/a.ts", &wide);
    terminal
        .keys("w")
        .sees("[1/4]")
        .sees("Decide again")
        .sees("Write this fix")
        .keys("y")
        .sees("4 of 4 findings accepted");
    terminal.keys("w").sees("Uncommitted changes are in lib/a.ts (modified)").keys("w");
    assert_eq!(terminal.end().0, Some(0));
    let other = shop();
    other.put("lib/a.ts", &wide);
    other.run(&["apply", "--select", "2.5,1.2", "--allow-dirty"]).ends(0);
    same(&project, &other.tree());
}

#[test]
fn a_file_that_goes_during_the_review_is_named() {
    let project = shop();
    let mut terminal = open(&project, &SHOP);
    terminal.sees("[1/4]").keys("y").sees("[2/4]");
    #[expect(clippy::disallowed_methods, reason = "somebody else does")]
    std::fs::remove_file(project.at("lib/a.ts")).unwrap();
    terminal.keys("f").sees("[1/4]").sees("no longer").keys("\u{3}");
    terminal.end();
    assert!(!project.at("lib/a.ts").exists());
}

#[test]
fn without_findings_there_is_nothing_to_review() {
    let project = shop();
    let mut terminal = open(&project, &["-i", "--select", "2.6"]);
    terminal.sees("There is no fix to review.");
    assert_eq!(terminal.end().0, Some(0));
    project.run(&["--plain"]).ends(2);
}

/// Random keys, from a fixed seed; the closing question says what was accepted, and that is what is written.
#[test]
fn any_keys_write_what_the_closing_question_says() {
    let stall = || {
        let (a, b, c) = (job("Job"), job("Mail"), bucket());
        Project::committed(&[
            ("package.json", MANIFEST),
            ("lib/a.ts", &a),
            ("lib/b.ts", &b),
            ("lib/c.ts", &c),
        ])
    };
    let (before, after) = (stall(), stall());
    after.run(&["apply", "--select", "2.5,1.2"]).ends(0);
    let keys: Vec<char> = "ynuadAxvi+-jk?<> \tr".chars().collect();
    let mut seed: u64 = 0x5eed;
    let mut random = move || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap()
    };
    for _ in 0..5 {
        let project = stall();
        let mut terminal = open(&project, &SHOP);
        terminal.sees("[1/3]");
        let mut typed = String::new();
        let is_closing = |terminal: &Terminal| terminal.screen().contains("findings accepted, ");
        while typed.len() < 16 && !is_closing(&terminal) {
            let key = keys[random() % keys.len()].to_string();
            typed.push_str(&key);
            terminal.key(&key);
        }
        if !is_closing(&terminal) {
            terminal.keys("f");
        }
        terminal.sees("of 3 findings accepted").sees("1.2 lib/c.ts").sees("back (u)");
        let screen = terminal.screen();
        terminal.keys("w");
        if screen.contains("Nothing was accepted") {
            terminal.keys("n");
        }
        terminal.end();
        for (place, path) in
            [("2.5 lib/a.ts", "lib/a.ts"), ("2.5 lib/b.ts", "lib/b.ts"), ("1.2 lib/c.ts", "lib/c.ts")]
        {
            let accepted = screen.contains(&format!("accepted: {place}"));
            let expected = if accepted { &after } else { &before };
            assert_eq!(text(&project, path), text(expected, path), "{typed:?}\n{screen}");
        }
        same_names(&project, &before);
    }
}

/// No file came or went.
fn same_names(project: &Project, other: &Project) {
    assert_eq!(project.tree().keys().collect::<Vec<_>>(), other.tree().keys().collect::<Vec<_>>());
}

/// The walk through the example app that stands in the README. To renew it: `WA_FIX_README=1 cargo test --test it walk`.
#[test]
fn the_walk_in_the_readme_is_what_the_review_shows() {
    let project = Project::tap();
    let mut walk = String::new();
    let mut command = program(project.root(), project.home());
    command.args(["-i", "--select", "1.2,1.3,2.5"]).env("NO_COLOR", "1");
    let mut terminal = Terminal::sized(command, 26, 100);
    let mut scene = |terminal: &Terminal, key: &str| {
        walk.push_str(&format!("{}\n\n> {key}\n\n", terminal.screen().trim_end()));
    };
    let steps = [
        ("[1/6]", "y", "y: accept this fix"),
        ("[2/6]", "?", "?: what can be done here"),
        ("these keys", "A", "A: accept all that remain and are safe"),
        ("The fix needs something that only you know", "y", "y: answer"),
        ("allowed_origins:", "https://app.acme.io\r", "typed: https://app.acme.io"),
        ("Keep the answer", "y", "y: keep it"),
        ("+        allowOrigins", "y", "y: accept this fix"),
        ("Write to the working tree", "w", "w: to the working tree"),
    ];
    for (words, key, told) in steps {
        terminal.sees(words).settled();
        scene(&terminal, told);
        terminal.keys(key);
    }
    let (_, screen) = terminal.last_screen();
    walk.push_str(&format!("{}\n", screen.trim_end()));
    let walk = format!(
        "<details>\n<summary>A review of the example app, as the screen shows it</summary>\n\n```text\n\
         $ wa-fix --interactive --select 1.2,1.3,2.5\n{walk}```\n\n</details>\n"
    );
    crate::readme::shows("walk", &walk);
}

/// Fails as soon as one of the files has a queue.
const NO_QUEUE: &str = "! grep -q deadLetterQueue lib/a.ts || { echo 'error: no queue in a'; exit 1; }";

#[test]
fn a_proof_comes_before_writing_and_gives_back_what_fails() {
    let project = shop();
    let before = project.tree();
    let mut terminal = open(&project, &[&SHOP[..], &["--prove", NO_QUEUE]].concat());
    terminal.sees("[1/4]").keys("A").sees("4 of 4 findings accepted").keys("w");
    terminal
        .sees("Backed out by the proof: 2.5 Add a dead-letter queue to Job, since")
        .sees("error: no queue in a");
    terminal.sees("3 of 4 findings accepted, 2 files change. 1 not decided.").settled();
    same(&project, &before);
    // Back at the finding, the reason stands there.
    terminal.keys("u").sees("[1/4]").sees("Backed out: ").sees("error: no queue in a");
    terminal.keys("f").sees("3 of 4 findings accepted").keys("w");
    let (code, screen) = terminal.last_screen();
    assert_eq!(code, Some(3), "{screen}");
    assert!(screen.contains("Written to the working tree: 2 files."), "{screen}");
    assert!(screen.contains("Proved: `! grep"), "{screen}");
    same(&project, &applied("2.5,1.2", &["lib/b.ts", "lib/c.ts"]).tree());
}

#[test]
fn a_proof_that_passes_writes_at_once_also_spoken_and_to_a_branch() {
    let project = shop();
    let mut terminal = open(&project, &[&SHOP[..], &["--plain", "--prove", "grep -q Job lib/a.ts"]].concat());
    terminal
        .sees("[1/4]")
        .keys("A\r")
        .sees("Write to the working tree (w)")
        .keys("b\r")
        .sees("Branch")
        .keys("side\r");
    let (code, shown) = terminal.end();
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("Proving in a scratch copy") && shown.contains("Proving each commit"), "{shown}");
    assert!(shown.contains("Proved: `grep -q Job lib/a.ts` passes with this, 2 runs."), "{shown}");
    assert_eq!(project.git(&["rev-list", "--count", "HEAD..side"]), "2");
    assert_eq!(project.git(&["status", "--porcelain"]), "");
}

#[test]
fn a_proof_that_cannot_be_made_writes_nothing() {
    let project = shop();
    let before = project.tree();
    // Keys that are typed while the check runs are not taken for answers to what comes after.
    let mark = project.outside().join("started");
    let script = format!("touch {}; sleep 1; exit 1", mark.display());
    let mut terminal = open(&project, &[&SHOP[..], &["--prove", &script]].concat());
    terminal.sees("[1/4]").keys("A").sees("4 of 4 findings accepted").keys("w");
    until(&mark);
    terminal.keys("nnn").sees("Not proved: the project fails before any fix").settled();
    terminal.sees("Not proved").keys("n");
    assert_eq!(terminal.end().0, Some(1));
    same(&project, &before);
    // A signal ends check and review.
    let mark = project.outside().join("started-again");
    let script = format!("touch {}; sleep 300", mark.display());
    let mut terminal = open(&project, &[&SHOP[..], &["--prove", &script]].concat());
    terminal.sees("[1/4]").keys("A").sees("4 of 4 findings accepted").keys("w");
    until(&mark);
    kill_process(terminal.id(), Signal::INT).unwrap();
    let (code, shown) = terminal.end();
    assert!(code == Some(1) && shown.contains("Nothing was written."), "{shown}");
    same(&project, &before);
    // A check that is none is said before any decision.
    let (code, shown) = open(&project, &["-i", "--prove"]).end();
    assert!(code == Some(2) && shown.contains("[proof]"), "{shown}");
}

#[track_caller]
fn until(mark: &std::path::Path) {
    let start = std::time::Instant::now();
    while !mark.exists() {
        assert!(start.elapsed() < std::time::Duration::from_mins(1));
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}
