//! The contracts of the command line: exit codes, streams, formats, and that what is shown is what is written.
#![expect(clippy::disallowed_methods, reason = "tests prepare files")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::process::Command;

use serde_json::Value;
use wa_fix::fixes::ALL;

use crate::project::{Project, same, try_git};
use crate::run::{JOB, MANIFEST, Ran};

const ONLY: [&str; 2] = ["--select", "2.5"];

fn args<'a>(parts: &[&[&'a str]]) -> Vec<&'a str> {
    parts.concat()
}

fn json(ran: &Ran) -> Value {
    serde_json::from_slice(&ran.out).unwrap_or_else(|error| panic!("{error}: {ran}"))
}

/// The rules that a scan reports.
fn rules_of(ran: &Ran) -> BTreeSet<String> {
    let json = json(ran);
    let findings = json["findings"].as_array().unwrap();
    findings.iter().map(|finding| finding["rule"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn exit_codes() {
    let project = Project::job();
    // 1: findings remain, also in a preview of their fixes.
    for command in ["scan", "diff"] {
        project.run(&args(&[&[command], &ONLY])).ends(1);
        project.run(&args(&[&[command, "--exit-zero"], &ONLY])).ends(0);
    }
    project.run(&ONLY).ends(1);
    // 2: the run failed, and --exit-zero does not hide it.
    project.run(&["scan", "nowhere", "--exit-zero"]).ends(2);
    project.run(&["scan", "--nonsense"]).ends(2);
    // 0: nothing left.
    project.run(&args(&[&["apply"], &ONLY])).ends(0);
    project.run(&args(&[&["scan"], &ONLY])).ends(0);
    project.run(&args(&[&["diff"], &ONLY])).ends(0);
    project.run(&["--help"]).ends(0);
    project.run(&["--version"]).ends(0);
    // A fix of a tier that was not asked for is a finding that remains.
    let tap = Project::tap();
    tap.run(&["apply", "--quiet"]).ends(1);
    tap.run(&["apply", "--quiet", "--allow-dirty", "--exit-zero"]).ends(0);
}

#[test]
fn the_diff_is_what_apply_writes() {
    for (folder, options) in [
        ("", &[][..]),
        ("", &["--all"]),
        ("", &["--tier", "review"]),
        ("", &["--select", "reliability"]),
        ("", &["--select", "2.5,2.6"]),
        ("", &["--ignore", "2.5", "--all"]),
        ("", &["--all", "--min-impact", "high"]),
        ("", &["--all", "--min-impact", "info", "--tests"]),
        ("", &["--all", "lib/constructs/pipeline-infrastructure.ts"]),
        ("", &["--all", "--jobs", "4"]),
        ("lib", &["--all"]),
        ("lib/constructs", &["--select", "2.5,2.6"]),
    ] {
        let project = Project::tap();
        let before = project.tree();
        let diff = project.run_in(folder, &args(&[&["diff"], options]));
        same(&project, &before);
        let by_git =
            if diff.out.is_empty() { before } else { project.copy_patched(folder, &diff.out).tree() };
        project.run_in(folder, &args(&[&["apply"], options]));
        same(&project, &by_git);
        // And a second run has nothing to do.
        project.run_in(folder, &args(&[&["apply", "--allow-dirty"], options]));
        same(&project, &by_git);
    }
}

#[test]
fn a_diff_that_reaches_out_of_the_folder_is_refused_whole() {
    let project = Project::tap();
    let before = project.tree();
    let diff = project.run_in("lib/constructs", &["diff", "--all"]).ends(1);
    assert!(diff.text().contains("--- a/../config/pipeline-config.ts"), "{diff}");
    assert!(diff.err.contains("lie outside the working directory"), "{diff}");
    std::fs::write(project.outside().join("patch.diff"), &diff.out).unwrap();
    let (applied, why) = try_git(&project.at("lib/constructs"), &["apply", "../../../patch.diff"]);
    assert!(!applied && why.contains("invalid path"), "{why}");
    same(&project, &before);
}

#[test]
fn no_command_is_diff() {
    let project = Project::tap();
    let (bare, named) = (project.run(&["--all"]), project.run(&["diff", "--all"]));
    assert_eq!(bare.out, named.out);
    assert_eq!(bare.code, named.code);
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let project = Project::with_git();
    // Enough apps and files that more than one thread gets work.
    for app in 0..12 {
        project.put(&format!("app{app}/cdk.json"), "{}");
        project.put(&format!("app{app}/package.json"), MANIFEST);
        for file in 0..6 {
            project.put(&format!("app{app}/lib/f{file}.ts"), JOB.replace("JobStack", &format!("S{file}")));
        }
    }
    project.commit_all();
    for command in ["scan", "diff"] {
        for format in ["text", "json", "sarif"] {
            let run = |jobs| project.run(&args(&[&[command, "--jobs", jobs, "--format", format], &ONLY]));
            let (one, four) = (run("1"), run("4"));
            assert!(!one.out.is_empty());
            assert_eq!(one.out, four.out, "{command} {format}");
            assert_eq!(one.timeless(), four.timeless().replace("--jobs 4", "--jobs 1"));
            assert_eq!(run("4").out, four.out);
        }
    }
    let copy = project.copy_patched("", &project.run(&args(&[&["diff"], &ONLY])).out);
    project.run(&args(&[&["apply", "--jobs", "4"], &ONLY])).ends(0).says("72 fixed in 72 files");
    same(&project, &copy.tree());
}

#[test]
fn undo_restores_every_byte() {
    let project = Project::tap();
    let before = project.tree();
    project.run(&["apply", "--all", "--exit-zero"]).ends(0);
    assert_ne!(project.tree(), before);
    // From a subfolder, by the project's path, or bare.
    project.run_in("lib", &["undo"]).ends(0).says("put back");
    same(&project, &before);
    project.run(&["apply", "--all", "--exit-zero"]).ends(0);
    project.run(&["undo", "lib/constructs", "--quiet"]).ends(0);
    same(&project, &before);
    assert!(try_git(project.root(), &["diff", "--quiet"]).0);
    project.run(&["undo"]).ends(2).says("nothing to undo");
    // What was edited since is not thrown away.
    project.run(&args(&[&["apply"], &ONLY])).ends(0);
    let file = project
        .tree()
        .iter()
        .find(|(path, file)| before.get(*path) != Some(file))
        .map(|(path, _)| path.clone())
        .unwrap();
    project.put(&file, [project.read(&file).as_slice(), b"// mine\n"].concat());
    let edited = project.tree();
    project.run(&["undo"]).ends(2).says(&file);
    same(&project, &edited);
}

#[test]
fn a_branch_leaves_everything_else_alone() {
    let project = Project::tap();
    project.put("untracked.txt", "mine\n");
    project.put("README.md", "changed\n");
    let before = project.tree();
    let state = || {
        ["rev-parse HEAD", "symbolic-ref HEAD", "--no-optional-locks status --porcelain", "stash list"]
            .map(|command| project.git(&command.split(' ').collect::<Vec<_>>()))
    };
    let was = state();
    let ran = project.run(&["apply", "--all", "--branch", "wa-fix/all", "--exit-zero"]).ends(0);
    assert!(ran.err.contains("on branch wa-fix/all"), "{ran}");
    same(&project, &before);
    assert_eq!(state(), was);
    // The branch holds what apply would have written.
    let applied = Project::tap();
    applied.run(&["apply", "--all", "--exit-zero"]).ends(0);
    applied.git(&["add", "--all"]);
    let tree = applied.git(&["write-tree"]);
    assert_eq!(project.git(&["rev-parse", "wa-fix/all^{tree}"]), tree);
    // One commit for each rule, each with its reason.
    let commits = project.git(&["rev-list", "--reverse", "main..wa-fix/all"]);
    let mut seen = BTreeSet::new();
    for commit in commits.lines() {
        let message = project.git(&["log", "-1", "--format=%B", commit]);
        let (title, body) = message.split_once("\n\n").unwrap();
        assert!(title.chars().count() <= 72, "{title}");
        let id = title.rsplit('(').next().unwrap().trim_end_matches(')');
        let rule = ALL.iter().find(|rule| rule.meta.id == id).unwrap_or_else(|| panic!("{title}"));
        assert!(seen.insert(id.to_owned()), "{id} has two commits");
        let why = body.lines().find(|line| line.starts_with("Why: ")).unwrap_or_else(|| panic!("{message}"));
        assert!(why.contains(rule.meta.practice) && why.contains(rule.meta.pillar.name()), "{why}");
        assert!(body.lines().any(|line| line.starts_with("* ")), "{message}");
    }
    assert!(seen.len() > 1, "{commits}");
    project.git(&["fsck", "--strict", "--no-dangling"]);
}

#[test]
fn the_dirty_guard_is_per_file() {
    let project = Project::job();
    project.put("lib/other.ts", JOB.replace("JobStack", "OtherStack"));
    project.commit_all();
    project.put("README.md", "not a matter of ours\n");
    project.put("lib/other.ts", format!("{}\n", JOB.replace("JobStack", "OtherStack")));
    let before = project.tree();
    let ran = project.run(&args(&[&["apply"], &ONLY])).ends(2).says("lib/other.ts (modified)");
    assert!(!ran.err.contains("README.md") && ran.err.contains("--allow-dirty"), "{ran}");
    assert!(ran.out.is_empty(), "{ran}");
    same(&project, &before);
    // The other file is clean.
    project.run(&args(&[&["apply", "lib/job.ts"], &ONLY])).ends(0).says("1 fixed in 1 file");
    project.run(&args(&[&["apply", "--allow-dirty"], &ONLY])).ends(0).says("1 fixed in 1 file");
}

#[test]
fn rules_are_selected_by_every_name_they_have() {
    let project = Project::tap();
    let all = rules_of(&project.run(&["scan", "--format", "json"]));
    assert!(all.contains("2.5") && all.len() > 1, "{all:?}");
    for name in
        ["2.5", "lambda-without-dead-letter-queue", "REL05-BP04", "CKV_AWS_116", "Serverless-LambdaDLQ"]
    {
        let select = rules_of(&project.run(&["scan", "--format", "json", "--select", name]));
        assert!(select.contains("2.5") && select.len() <= all.len(), "{name}: {select:?}");
        let ignore = rules_of(&project.run(&["scan", "--format", "json", "--ignore", name]));
        assert!(!ignore.contains("2.5"), "{name}: {ignore:?}");
        assert_eq!(&(&select | &ignore), &all, "{name}");
    }
    for rule in ALL {
        let meta = rule.meta;
        let names = [meta.id, meta.name, meta.pillar.name(), meta.practice];
        for name in names.into_iter().chain(meta.also.iter().copied()).chain(meta.clears.iter().copied()) {
            let ran = project.run(&["scan", "--quiet", "--exit-zero", "--select", name, "bin"]);
            assert_eq!(ran.code, Some(0), "{name}: {ran}");
        }
        project.run(&["explain", meta.id]).ends(0);
        project.run(&["explain", meta.name]).ends(0);
    }
    let pillar = rules_of(&project.run(&["scan", "--format", "json", "--select", "reliability"]));
    assert!(
        pillar
            .iter()
            .all(|id| ALL.iter().any(|rule| rule.meta.id == id && rule.meta.pillar.name() == "reliability"))
    );
    let two = rules_of(&project.run(&["scan", "--format", "json", "--select", "2.5", "--select", "2.6"]));
    assert!(two.iter().all(|id| id == "2.5" || id == "2.6"), "{two:?}");
}

#[test]
fn every_format_is_what_it_says() {
    let project = Project::tap();
    let formats = ["json", "jsonl", "sarif", "github", "concise", "vscode"];
    for command in [&["scan"][..], &["diff"], &["apply", "--allow-dirty", "--all"]] {
        for format in formats {
            let project = Project::tap();
            let ran = project.run(&args(&[command, &["--format", format]]));
            assert!(matches!(ran.code, Some(0 | 1)), "{ran}");
            check_format(format, &ran);
            // Prose is on the other stream, and with --quiet there is none.
            assert!(ran.err.contains("finding"), "{ran}");
            let quiet = Project::tap().run(&args(&[command, &["--format", format, "--quiet"]]));
            assert!(quiet.err.is_empty(), "{quiet}");
            assert_eq!(quiet.out, ran.out);
        }
    }
    // To a file, the same bytes, and nothing on standard output.
    for format in formats.into_iter().chain(["text"]) {
        let there = project.run(&["scan", "--format", format]);
        let report = format!("../report.{format}");
        let to_file = project.run(&["scan", "--format", format, "--output", &report]);
        assert!(to_file.out.is_empty(), "{to_file}");
        assert_eq!(std::fs::read(project.outside().join(format!("report.{format}"))).unwrap(), there.out);
    }
}

fn check_format(format: &str, ran: &Ran) {
    assert!(!ran.out.contains(&0x1b), "colours in {format}");
    match format {
        "json" => {
            let document = json(ran);
            assert_eq!(document["schema"], 1);
            for finding in document["findings"].as_array().unwrap() {
                for key in [
                    "rule",
                    "also",
                    "name",
                    "pillar",
                    "impact",
                    "practice",
                    "tier",
                    "path",
                    "range",
                    "message",
                    "outcome",
                    "fingerprint",
                ] {
                    assert!(!finding[key].is_null(), "{key} is missing: {finding}");
                }
                assert!(finding["range"]["start"]["line"].as_u64().unwrap() >= 1);
            }
        }
        "jsonl" => {
            let lines: Vec<Value> =
                ran.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            let (last, findings) = lines.split_last().unwrap();
            assert_eq!(last["type"], "summary");
            assert!(!findings.is_empty() && findings.iter().all(|line| line["type"] == "finding"));
        }
        "sarif" => {
            let log = json(ran);
            assert_eq!(log["version"], "2.1.0");
            let run = &log["runs"][0];
            let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
            for result in run["results"].as_array().unwrap() {
                let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
                assert_eq!(rules[index]["id"], result["ruleId"]);
                let location = &result["locations"][0]["physicalLocation"];
                assert!(location["artifactLocation"]["uri"].is_string(), "{result}");
                assert!(location["region"]["startLine"].as_u64().unwrap() >= 1);
                assert!(result["partialFingerprints"].is_object(), "{result}");
            }
        }
        "github" => {
            for line in ran.text().lines() {
                let levels = ["::error file=", "::warning file=", "::notice file="];
                assert!(levels.iter().any(|level| line.starts_with(level)), "{line}");
                assert!(line.contains(",line=") && line.matches("::").count() >= 2, "{line}");
            }
        }
        _ => {
            for line in ran.text().lines() {
                let (place, rest) = line.split_once("): ").unwrap_or_else(|| panic!("{line}"));
                let (path, numbers) = place.rsplit_once('(').unwrap();
                assert!(!path.is_empty() && numbers.split(',').all(|n| n.parse::<u32>().is_ok()), "{line}");
                assert!(rest.starts_with("warning ") || rest.starts_with("info "), "{line}");
            }
        }
    }
}

#[test]
fn colours_are_asked_for() {
    let project = Project::job();
    let coloured = |variables: &[(&str, &str)], arguments: &[&str]| {
        let mut command = crate::run::program(project.root(), project.home());
        command.args(arguments).envs(variables.iter().copied());
        let ran = crate::run::finish(command);
        (ran.out.contains(&0x1b), ran.err.contains('\u{1b}'))
    };
    for command in ["scan", "diff"] {
        assert_eq!(coloured(&[], &[command]), (false, false), "to a pipe");
        assert_eq!(coloured(&[("CLICOLOR_FORCE", "1")], &[command]), (true, true));
        assert_eq!(coloured(&[("CLICOLOR_FORCE", "0")], &[command]), (false, false));
        assert_eq!(coloured(&[], &[command, "--color", "always"]), (true, true));
        assert_eq!(coloured(&[("CLICOLOR_FORCE", "1")], &[command, "--color", "never"]), (false, false));
        assert_eq!(coloured(&[("NO_COLOR", "1")], &[command, "--color", "always"]), (true, true));
        assert_eq!(coloured(&[("NO_COLOR", "1")], &[command]), (false, false));
    }
    // Machines never get them.
    assert_eq!(
        coloured(&[("CLICOLOR_FORCE", "1")], &["scan", "--format", "json", "--quiet"]),
        (false, false)
    );
    // A terminal gets them, unless it says no.
    for (variables, expected) in [(None, true), (Some(("NO_COLOR", "1")), false)] {
        let mut command = crate::run::program(project.root(), project.home());
        command.args(["scan"]).envs(variables);
        let (_, shown) = crate::terminal::Terminal::of(command).raw_end();
        assert_eq!(shown.contains(&0x1b), expected);
    }
}

#[test]
fn help_of_every_command() {
    let project = Project::new();
    let mut text = String::new();
    for command in [
        "",
        "scan",
        "diff",
        "apply",
        "values",
        "undo",
        "init",
        "baseline",
        "schema",
        "explain",
        "rules",
        "completions",
        "man",
    ] {
        for flag in ["-h", "--help"] {
            let mut arguments: Vec<&str> = command.split_whitespace().collect();
            arguments.push(flag);
            let ran = project.run(&arguments).ends(0);
            assert!(ran.err.is_empty(), "{ran}");
            if flag == "--help" {
                writeln!(text, "$ wa-fix {}\n{}", arguments.join(" "), ran.text()).unwrap();
            }
        }
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots/cli");
    insta::with_settings!({ snapshot_path => path, prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("help", text);
    });
}

#[test]
fn completions_and_manual_are_valid() {
    let project = Project::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let ran = project.run(&["completions", shell]).ends(0);
        assert!(ran.text().contains("interactive") && ran.err.is_empty(), "{shell}");
        project.put(shell, &ran.out);
    }
    assert!(Command::new("bash").arg("-n").arg(project.at("bash")).status().unwrap().success());
    for shell in ["zsh", "fish"] {
        if let Ok(status) = Command::new(shell).arg("-n").arg(project.at(shell)).status() {
            assert!(status.success(), "{shell}");
        }
    }
    let man = project.run(&["man"]).ends(0);
    assert!(man.text().starts_with(".ie ") || man.text().contains(".TH wa-fix 1"), "{man}");
    for section in ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS"] {
        assert!(man.text().contains(&format!(".SH {section}")), "{section}");
    }
}

#[test]
fn paths_are_relative_to_where_one_stands() {
    let project = Project::job();
    let first = |ran: &Ran| ran.text().split('(').next().unwrap().to_owned();
    let concise = ["scan", "--select", "2.5", "--format", "concise"];
    let run = |folder: &str, path: &[&str]| first(&project.run_in(folder, &args(&[&concise, path])).ends(1));
    assert_eq!(run("", &[]), "lib/job.ts");
    assert_eq!(run("lib", &[]), "job.ts");
    assert_eq!(run("lib", &[".."]), "job.ts");
    assert_eq!(run("lib", &["../lib/./job.ts"]), "job.ts");
    let absolute = project.at("lib/job.ts");
    assert_eq!(run("", &[absolute.to_str().unwrap()]), "lib/job.ts");
    assert_eq!(run("lib", &[absolute.to_str().unwrap()]), "job.ts");
    // Not below the working directory: the whole path.
    project.put("elsewhere/.keep", "");
    assert_eq!(run("elsewhere", &["../lib"]), absolute.to_str().unwrap());
    // The next step works from there, too.
    let ran = project.run_in("elsewhere", &["scan", "--select", "2.5", "../lib"]).ends(1);
    assert!(ran.err.contains("`wa-fix apply --select 2.5 ../lib` writes them"), "{ran}");
    project.run_in("elsewhere", &["apply", "--select", "2.5", "../lib"]).ends(0).says("1 fixed in 1 file");
}

#[test]
fn a_named_file_has_its_own_findings_and_the_model_of_the_whole_app() {
    let user = "\
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import { Construct } from 'constructs';
import { JobStack } from './job';

export class Timer extends Construct {
  constructor(scope: Construct, id: string, stack: JobStack) {
    super(scope, id);
    new events.Rule(this, 'Daily', { targets: [new targets.LambdaFunction(stack.job)] });
  }
}
";
    let app = "\
import { App } from 'aws-cdk-lib';
import { JobStack } from '../lib/job';
import { Timer } from '../lib/timer';

const stack = new JobStack(new App(), 'Jobs');
new Timer(stack, 'Timer', stack);
";
    let job = JOB
        .replace("    new lambda.Function", "    this.job = new lambda.Function")
        .replace("  constructor", "  readonly job: lambda.Function;\n\n  constructor");
    let project = Project::committed(&[
        ("package.json", MANIFEST),
        ("cdk.json", "{}"),
        ("lib/job.ts", &job),
        ("lib/timer.ts", user),
        ("lib/other.ts", &JOB.replace("JobStack", "OtherStack")),
        ("bin/app.ts", app),
    ]);
    let one = project.run(&["scan", "--select", "2.5", "--format", "json", "lib/job.ts"]).ends(1);
    let found = json(&one);
    let [finding] = found["findings"].as_array().unwrap().as_slice() else { panic!("{one}") };
    assert_eq!(finding["path"], "lib/job.ts");
    // Only the other file knows that the function is invoked by a rule.
    assert_eq!(finding["impact"], "medium", "{one}");
    let all = project.run(&["scan", "--select", "2.5", "--format", "json"]).ends(1);
    let all = json(&all);
    let same =
        all["findings"].as_array().unwrap().iter().find(|other| other["path"] == "lib/job.ts").unwrap();
    assert_eq!(same, finding);
    // Only the named file is written.
    project.run(&["apply", "--select", "2.5", "lib/job.ts"]).ends(0);
    assert_eq!(project.git(&["diff", "--name-only"]), "lib/job.ts");
}

#[test]
fn skipped_files_are_told_by_kind() {
    let project = Project::job();
    project.put("lib/latin.ts", b"// \xe9\n");
    project.put("lib/job.test.ts", JOB);
    project.put("lib/types.d.ts", JOB);
    project.put("lib/made.ts", format!("// @generated\n{JOB}"));
    project.put("lib/small.min.js", JOB);
    std::os::unix::fs::symlink("job.ts", project.at("lib/link.ts")).unwrap();
    let plain = project.run(&args(&[&["scan"], &ONLY])).ends(1);
    plain.clone().says("1 file could not be checked or fixed:").says("lib/latin.ts: is not UTF-8");
    for quiet in ["test.ts", "d.ts", "made.ts", "min.js", "link.ts"] {
        assert!(!plain.err.contains(quiet), "{plain}");
    }
    let verbose = project.run(&args(&[&["scan", "--verbose"], &ONLY])).ends(1);
    verbose
        .says("1 file could not be checked or fixed:")
        .says("5 files left out:")
        .says("lib/job.test.ts: is a test (--tests reads it)")
        .says("lib/types.d.ts: is a declaration file")
        .says("lib/made.ts: is generated")
        .says("lib/small.min.js: is minified")
        .says("lib/link.ts: is a symbolic link");
    let found = json(&project.run(&args(&[&["scan", "--format", "json"], &ONLY])));
    let skipped = found["summary"]["skipped"].as_array().unwrap();
    let kinds: Vec<_> = skipped.iter().filter(|file| file["kind"] == "problem").collect();
    assert_eq!((skipped.len(), kinds.len()), (6, 1), "{skipped:?}");
    let sarif = json(&project.run(&args(&[&["scan", "--format", "sarif"], &ONLY])));
    let told = sarif["runs"][0]["invocations"][0]["toolExecutionNotifications"].as_array().unwrap();
    assert_eq!(told.iter().filter(|told| told["level"] == "warning").count(), 1);
    // A test that is named gets a word, and no failure.
    project
        .run(&args(&[&["scan", "lib/job.test.ts"], &ONLY]))
        .ends(0)
        .says("lib/job.test.ts is left out: it is a test (--tests reads it)");
}

#[test]
fn the_other_ways_to_mend_a_finding_are_reported_with_their_edits() {
    let project = Project::tap();
    let scan = |format: &str| json(&project.run(&["scan", "--select", "4.2", "--format", format]).ends(1));
    let document = scan("json");
    let findings = document["findings"].as_array().unwrap();
    let finding = findings.iter().find(|it| it["alternatives"].is_array()).unwrap();
    let way = &finding["alternatives"][0];
    assert!(way["title"].as_str().unwrap().contains("MB elsewhere"), "{way}");
    assert_eq!(way["tier"], "review");
    let edits = way["edits"].as_array().unwrap();
    assert!(!edits.is_empty() && way["edits"] != finding["fix"]["edits"], "{way}");
    assert!(edits.iter().all(|edit| edit["range"]["start"]["line"].is_u64() && edit["path"].is_string()));
    // SARIF has them behind the one that `apply` makes.
    let log = scan("sarif");
    let results = log["runs"][0]["results"].as_array().unwrap();
    let result =
        results.iter().find(|it| it["fixes"].as_array().is_some_and(|fixes| fixes.len() == 2)).unwrap();
    assert_eq!(result["fixes"][0]["description"]["text"], finding["fix"]["title"]);
    assert_eq!(result["fixes"][1]["description"]["text"], way["title"]);
    assert!(result["fixes"][1]["artifactChanges"][0]["replacements"].is_array(), "{result}");
}

/// What `--help` says of each option that takes a number, a file or a check, typed.
#[test]
fn options_do_what_their_help_says_or_say_why_not() {
    let project = Project::job();
    for jobs in ["x", "-1", "99999"] {
        project
            .run(&["scan", &format!("--jobs={jobs}")])
            .ends(2)
            .says("give a number from 0 (one per core) to 1024");
    }
    for command in [&["scan"][..], &["values"], &["baseline", "b.json"]] {
        project
            .run(&[command, &["--prove", "tsc"]].concat())
            .ends(2)
            .says("makes no fix that --prove could try");
    }
    // Quiet is without a summary, not without a reason.
    let ran = project.run(&["diff", "--select", "2.5", "--quiet", "--prove", "false"]).ends(2);
    assert_eq!(ran.err.lines().count(), 1, "{ran}");
    assert!(ran.err.starts_with(
        "wa-fix: the project fails before any fix, so nothing is proved or written: `false` fails"
    ));
    let lost = project
        .run(&["apply", "--select", "2.5", "--quiet", "--prove", "! grep -q aws-sqs lib/job.ts"])
        .ends(3);
    assert!(
        lost.err.starts_with("wa-fix: backed out: 2.5 lambda-without-dead-letter-queue: `! grep"),
        "{lost}"
    );
    // A cause is told once.
    let ran = project.run(&["scan", "--output", "nowhere/report.txt"]).ends(2);
    assert_eq!(ran.err.matches("No such file").count(), 1, "{ran}");
    // The default of a format, and colour only where it is asked for.
    assert_eq!(project.run(&["scan"]).out, project.run(&["scan", "--format", "text"]).out);
    let coloured = |when: &str| project.run(&["scan", "--color", when]).text().contains('\u{1b}');
    assert!(coloured("always") && !coloured("never") && !coloured("auto"));
}
