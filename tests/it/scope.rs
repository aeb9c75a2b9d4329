//! What a project or a run leaves aside: configuration, suppressions, baselines, changed code only.
#![expect(clippy::disallowed_methods, reason = "tests prepare files")]

use serde_json::Value;

use crate::project::Project;
use crate::run::{JOB, Ran};
use crate::support::top;

fn json(ran: &Ran) -> Value {
    serde_json::from_slice(&ran.out).unwrap_or_else(|error| panic!("{error}: {ran}"))
}

/// `rule path outcome(detail)` of the findings of a scan.
#[track_caller]
fn found(project: &Project, arguments: &[&str]) -> Vec<String> {
    let ran = project.run(&[&["scan", "--format", "json"], arguments].concat());
    assert!(ran.code == Some(0) || ran.code == Some(1), "{ran}");
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let findings = json(&ran)["findings"].as_array().unwrap().clone();
    findings
        .iter()
        .map(|finding| {
            let parts = [&finding["rule"], &finding["path"], &finding["outcome"]].map(word);
            format!("{} {} {} {}", parts[0], parts[1], parts[2], finding["tier"].as_str().unwrap_or_default())
        })
        .collect()
}

#[test]
fn a_file_extends_another_and_the_nearer_one_wins() {
    let project = Project::job();
    project.put("shared/base.toml", "[rules]\nselect = [\"2.5\", \"6.1\"]\nmin-impact = \"low\"\n");
    project.put("wa-fix.toml", "extends = \"shared/base.toml\"\n[rules]\nselect = [\"2.5\"]\n");
    assert_eq!(found(&project, &[]), ["2.5 lib/job.ts offered safe"]);
    project.put("wa-fix.toml", "extends = \"shared/base.toml\"\n");
    assert_eq!(found(&project, &[]).len(), 2);
    project.put("shared/base.toml", "extends = \"../wa-fix.toml\"\n");
    project.run(&["scan"]).ends(2).says("extends itself");
    project.put("shared/base.toml", "[rules]\nselct = []\n");
    project.run(&["scan"]).ends(2).says("base.toml: line 2, column 1").says("did you mean `select`?");
    project.put("wa-fix.toml", "extends = \"none.toml\"\n");
    project.run(&["scan"]).ends(2).says("none.toml: does not exist");
}

#[test]
fn a_tier_is_changed_for_a_rule_and_at_a_path() {
    let project = Project::job();
    project.put("lib/other.ts", JOB.replace("JobStack", "OtherStack"));
    project.put(
        "wa-fix.toml",
        "[rules]\nselect = [\"2.5\"]\n[rules.tiers]\n\"2.5\" = \"scaffold\"\n\
         [[overrides]]\npaths = [\"lib/other.ts\"]\ntiers = { reliability = \"safe\" }\n",
    );
    assert_eq!(found(&project, &[]), ["2.5 lib/job.ts held scaffold", "2.5 lib/other.ts offered safe"]);
    project.run(&["apply", "--allow-dirty"]).ends(1);
    assert_eq!(project.read("lib/job.ts"), JOB.as_bytes());
    assert!(String::from_utf8(project.read("lib/other.ts")).unwrap().contains("sqs"));
    project.put("wa-fix.toml", "[rules.tiers]\n\"2.55\" = \"safe\"\n");
    project.run(&["scan"]).ends(2).says("no rule is called `2.55`");
}

#[test]
fn rules_are_off_and_impacts_higher_at_paths() {
    let project = Project::job();
    project.put("lib/sandbox/other.ts", JOB.replace("JobStack", "OtherStack"));
    let with = |text: &str| {
        project.put("wa-fix.toml", format!("[rules]\nselect = [\"2.5\", \"6.1\"]\n{text}"));
        found(&project, &[]).iter().filter(|line| line.contains("sandbox")).count()
    };
    assert_eq!(with(""), 2);
    assert_eq!(with("[[overrides]]\npaths = [\"lib/sandbox/**\"]\nignore = [\"2.5\"]\n"), 1);
    assert_eq!(with("[[overrides]]\npaths = [\"lib/sandbox/**\"]\nmin-impact = \"high\"\n"), 0);
    assert_eq!(with("[[overrides]]\npaths = [\"lib/elsewhere/**\"]\nmin-impact = \"high\"\n"), 2);
    project.put("wa-fix.toml", "[[overrides]]\npaths = [\"{lib\"]\n");
    project.run(&["scan"]).ends(2).says("is no glob");
}

#[test]
fn the_schema_is_the_one_in_docs_and_knows_every_key() {
    let project = Project::job();
    let schema = project.run(&["schema"]).ends(0).text().to_owned();
    let path = top().join("docs/wa-fix.schema.json");
    assert!(
        std::fs::read_to_string(&path).is_ok_and(|kept| kept == schema),
        "run `cargo run -- schema > docs/wa-fix.schema.json`"
    );
    let schema: Value = serde_json::from_str(&schema).unwrap();
    assert_eq!(schema["additionalProperties"], false);
    let rules = &schema["$defs"]["Rules"];
    assert!(rules["properties"]["min-impact"].is_object() && rules["properties"]["tiers"].is_object());
}

#[test]
fn init_writes_a_file_that_changes_nothing_and_is_read_back() {
    let project = Project::tap();
    let before = found(&project, &[]);
    project.run(&["init"]).ends(0).says("wrote");
    let text = String::from_utf8(project.read("wa-fix.toml")).unwrap();
    assert!(text.contains("# allowed_origins = [\"https://") && text.contains("[rules]"), "{text}");
    assert_eq!(found(&project, &[]), before);
    // Every commented key is one that the file may have.
    let all: Vec<&str> = text
        .lines()
        .filter(|line| {
            !line.starts_with("# What") && !line.starts_with("# How") && !line.starts_with("# extends")
        })
        .map(|line| {
            let bare = line.strip_prefix("# ").unwrap_or(line);
            let is_key =
                bare.starts_with('[') || bare.split_once(" = ").is_some_and(|(key, _)| !key.contains(' '));
            if is_key { bare } else { line }
        })
        .collect();
    let all = format!("{}\n", all.join("\n"));
    let all = all.replace("lambda-cold-starts", "2.8").replacen("\n[environment]\n\n", "\n", 1);
    project.put("wa-fix.toml", &all);
    project.put("wa-fix-rules/README.md", "# Our rules\n");
    let ran = project.run(&["scan"]);
    assert!(ran.code != Some(2), "{all}\n{ran}");
    project.run(&["init"]).ends(2).says("exists");
}

#[test]
fn a_suppression_without_a_reason_accepts_nothing_and_is_reported() {
    let project = Project::job();
    project.put("wa-fix.toml", "[rules]\nignore = [\"6.1\"]\n");
    let comment = |text: &str| {
        project.put("lib/job.ts", JOB.replace("    new lambda", &format!("{text}\n    new lambda")));
    };
    comment("    // wa-fix-ignore 2.5");
    let lines = found(&project, &[]);
    assert!(lines.contains(&"0.2 lib/job.ts no-fix safe".to_owned()), "{lines:?}");
    assert!(lines.contains(&"2.5 lib/job.ts offered safe".to_owned()), "{lines:?}");
    comment("    // wa-fix-ignore 2.5 -- a demo");
    let lines = found(&project, &[]);
    assert!(!lines.iter().any(|line| line.starts_with("0.")), "{lines:?}");
    assert!(lines.contains(&"2.5 lib/job.ts suppressed safe".to_owned()), "{lines:?}");
}

#[test]
fn an_unused_suppression_is_removed_by_its_fix() {
    let project = Project::job();
    let fixed = |text: &str| {
        project.put("lib/job.ts", text);
        project.run(&["apply", "--allow-dirty", "--select", "2.5,1.2,0.1,0.2"]);
        String::from_utf8(project.read("lib/job.ts")).unwrap()
    };
    // The control: what the fix of 2.5 makes by itself.
    let job = JOB.replace("    new lambda", "    // wa-fix-ignore 2.5 -- a demo\n    new lambda");
    assert_eq!(fixed(&job), job);
    assert_eq!(fixed(&format!("// wa-fix-ignore 1.2 -- public\n{job}")), job);
    assert_eq!(fixed(&format!("/* wa-fix-ignore-file 1.2 -- public */\n{job}")), job);
    assert_eq!(fixed(&job.replace("super(scope, id);", "super(scope, id); // wa-fix-ignore 1.2 -- x")), job);
    assert_eq!(fixed(&job.replace("ignore 2.5 --", "ignore 1.2, 2.5 --")), job);
    // A rule that does not run is not judged.
    let other = format!("// wa-fix-ignore 1.3 -- later\n{job}");
    assert_eq!(fixed(&other), other);
    let mixed = format!("// TODO, wa-fix-ignore 1.2 -- later\n{job}");
    assert_eq!(fixed(&mixed), mixed);
}

#[test]
fn a_baseline_only_shrinks() {
    let project = Project::job();
    project.put("wa-fix.toml", "[rules]\nselect = [\"2.5\"]\n");
    project.run(&["scan", "--baseline", "base.json"]).ends(2).says("wa-fix baseline base.json");
    project.run(&["baseline", "base.json"]).ends(0).says("1 findings accepted, 1 added");
    project.run(&["scan", "--baseline", "base.json"]).ends(0);
    assert_eq!(found(&project, &["--baseline", "base.json"]), ["2.5 lib/job.ts suppressed safe"]);
    project.run(&["apply", "--allow-dirty", "--baseline", "base.json"]).ends(0);
    assert_eq!(project.read("lib/job.ts"), JOB.as_bytes());

    // Moved lines and a renamed file change nothing.
    project.put("lib/renamed.ts", format!("// a line\n\n{JOB}"));
    std::fs::remove_file(project.at("lib/job.ts")).unwrap();
    project.run(&["scan", "--baseline", "base.json"]).ends(0);

    // A new finding is not accepted silently.
    project.put("lib/other.ts", JOB.replace("JobStack", "OtherStack"));
    project.run(&["scan", "--baseline", "base.json"]).ends(1);
    project
        .run(&["baseline", "base.json"])
        .ends(1)
        .says("1 findings accepted, 0 added")
        .says("1 new findings");
    project.run(&["scan", "--baseline", "base.json"]).ends(1);
    project.run(&["baseline", "base.json", "--add"]).ends(0).says("2 findings accepted, 1 added");

    // One that is gone goes; rules that do not run keep theirs.
    std::fs::remove_file(project.at("lib/other.ts")).unwrap();
    project.run(&["baseline", "base.json", "--select", "1.2"]).ends(0).says("2 findings accepted");
    project.run(&["baseline", "base.json"]).ends(0).says("1 findings accepted, 0 added, 1 no longer found");
    project.put("base.json", "{}");
    project.run(&["scan", "--baseline", "base.json"]).ends(2).says("is no baseline");
}

#[test]
fn only_what_changed_since_a_revision() {
    let project = Project::job();
    project.put("wa-fix.toml", "[rules]\nselect = [\"2.5\"]\n");
    project.commit_all();
    let since = |project: &Project| found(project, &["--since", "main"]);
    assert!(since(&project).is_empty());
    // Another construct's line.
    project.put("lib/job.ts", JOB.replace("super(scope, id);", "super(scope, id, {});"));
    assert!(since(&project).is_empty());
    // A line of the construct that is no part of what the finding points at.
    project.put("lib/job.ts", JOB.replace("index.handler", "main.handler"));
    assert_eq!(since(&project), ["2.5 lib/job.ts offered safe"]);
    project.git(&["checkout", "--quiet", "-b", "work"]);
    project.commit_all();
    assert_eq!(since(&project).len(), 1);
    // A file that git does not know is new as a whole; one that was only renamed is not.
    project.put("lib/other.ts", JOB.replace("JobStack", "OtherStack"));
    assert_eq!(since(&project).len(), 2);
    project.git(&["checkout", "--quiet", "main"]);
    std::fs::remove_file(project.at("lib/other.ts")).unwrap();
    project.git(&["mv", "lib/job.ts", "lib/moved.ts"]);
    assert!(since(&project).is_empty(), "{:?}", since(&project));
    project.run(&["scan", "--since", "nowhere"]).ends(2).says("--since nowhere");
    // `apply` writes no more than is reported.
    project.run(&["apply", "--allow-dirty", "--since", "main"]).ends(0);
    assert_eq!(project.read("lib/moved.ts"), JOB.as_bytes());
}

#[test]
fn only_what_is_staged_even_where_lines_moved_since() {
    let project = Project::job();
    project.put("wa-fix.toml", "[rules]\nselect = [\"2.5\"]\n");
    project.commit_all();
    project.put("lib/job.ts", JOB.replace("index.handler", "main.handler"));
    assert!(found(&project, &["--staged"]).is_empty());
    project.git(&["add", "lib/job.ts"]);
    assert_eq!(found(&project, &["--staged"]).len(), 1);
    let moved =
        format!("{}{}", "// one more line\n".repeat(20), JOB.replace("index.handler", "main.handler"));
    project.put("lib/job.ts", moved);
    assert_eq!(found(&project, &["--staged"]).len(), 1);
    let outside = Project::new();
    outside.put("lib/job.ts", JOB);
    outside.run(&["scan", "--staged"]).ends(2).says("in no git repository");
}

#[test]
fn a_baseline_tells_apps_apart_and_reads_those_of_before() {
    let project = Project::with_git();
    let mended = JOB.replace("handler:", "deadLetterQueueEnabled: true,\n      handler:");
    let app = |name: &str, job: &str| {
        project.put(&format!("{name}/cdk.json"), "{}");
        project.put(&format!("{name}/package.json"), crate::run::MANIFEST);
        project.put(&format!("{name}/lib/job.ts"), job);
    };
    app("a", JOB);
    app("b", &mended);
    project.run(&["baseline", "ops/accepted.json"]).ends(2).says("name a file in a folder that exists");
    project.put("ops/README.md", "");
    project.run(&["baseline", "ops/accepted.json", "--select", "2.5"]).ends(0).says("1 findings accepted");
    let accepted = || -> Value { serde_json::from_slice(&project.read("ops/accepted.json")).unwrap() };
    assert_eq!(accepted()["findings"][0]["app"], "../a");
    // The same construct of the same stack in another app is a new finding, from wherever the run is started.
    app("b", JOB);
    let scan = |folder: &str, file: &str| {
        project.run_in(
            folder,
            &["scan", "--select", "2.5", "--format", "concise", "--quiet", "--baseline", file],
        )
    };
    assert_eq!(scan("", "ops/accepted.json").ends(1).text().lines().count(), 1);
    assert!(scan("", "ops/accepted.json").text().starts_with("b/lib/job.ts("));
    scan("a", "../ops/accepted.json").ends(0);
    scan("b", "../ops/accepted.json").ends(1);
    project
        .run(&["baseline", "ops/accepted.json", "--select", "2.5"])
        .ends(1)
        .says("1 new findings are not in it");
    // One that was written before says nothing of apps: it counts in all, and says so once it is written again.
    let mut old = accepted();
    old["findings"][0].as_object_mut().unwrap().remove("app");
    project.put("ops/accepted.json", old.to_string());
    scan("", "ops/accepted.json").ends(0);
    let renewed = project.run(&["baseline", "ops/accepted.json", "--select", "2.5"]).ends(0);
    assert!(renewed.err.contains("2 findings accepted, 1 added, 0 no longer found"), "{renewed}");
    let apps: Vec<_> =
        accepted()["findings"].as_array().unwrap().iter().map(|it| it["app"].clone()).collect();
    assert_eq!(apps, ["../a", "../b"]);
    app("a", &mended);
    project
        .run(&["baseline", "ops/accepted.json", "--select", "2.5"])
        .ends(0)
        .says("1 no longer found and removed");
    assert_eq!(accepted()["findings"][0]["app"], "../b");
}
