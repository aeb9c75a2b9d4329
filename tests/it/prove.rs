//! `--prove`: real compilers, real syntheses, and a breaking fix among good ones.

use std::collections::BTreeSet;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;
use wa_fix::detect::Outcome;
use wa_fix::edit::Values;
use wa_fix::plan::{Options, Plan, RuleSet, Trial, find_apps, plan};
use wa_fix::prove::{Bench as _, Check, Checks, Proven, Verdict, Workbench, prove};
use wa_fix::rule::{Impact, Meta, Pillar, Rule, Tier};
use wa_fix::source::{DiscoverOptions, discover};

use crate::npm;
use crate::project::{Project, same};
use crate::run::{Ran, finish_within, program};

/// What loads TypeScript in the CDK app, as ts-node does.
const LOADER: &str = "\
const fs = require('node:fs');
const ts = require('typescript');
require('node:module')._extensions['.ts'] = (module, file) => {
  const compilerOptions = { module: 'commonjs', target: 'es2022', esModuleInterop: true };
  module._compile(ts.transpileModule(fs.readFileSync(file, 'utf8'), { compilerOptions }).outputText, file);
};
";

/// The example app with its packages beside it, so that tsc and the CDK run.
pub(crate) fn installed_tap() -> Project {
    let project = Project::tap();
    symlink(npm::home().join("node_modules"), project.outside().join("node_modules")).unwrap();
    let edit = |path: &str, change: &dyn Fn(&mut Value)| {
        let mut value: Value = serde_json::from_slice(&project.read(path)).unwrap();
        change(&mut value);
        project.put(path, serde_json::to_string_pretty(&value).unwrap() + "\n");
    };
    edit("tsconfig.json", &|it| {
        it["compilerOptions"]["types"] = serde_json::json!(["node"]);
        it["include"] = serde_json::json!(["bin", "lib/*.ts", "lib/config", "lib/constructs"]);
    });
    edit("cdk.json", &|it| it["app"] = "node --require ./load-ts.cjs bin/tap.ts".into());
    project.put("load-ts.cjs", LOADER);
    project.commit_all();
    project
}

/// Runs wa-fix, with patience for node, and a folder of its own for temporary files: nothing may be left in it.
#[track_caller]
pub(crate) fn run(project: &Project, arguments: &[&str]) -> Ran {
    let temporary = project.outside().join("tmp");
    std::fs::create_dir_all(&temporary).unwrap();
    let mut command = program(project.root(), project.home());
    command.env("TMPDIR", &temporary).args(arguments);
    let ran = finish_within(command, Duration::from_mins(5));
    assert_empty(&temporary);
    ran
}

#[track_caller]
fn assert_empty(folder: &Path) {
    let left: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(left.is_empty(), "left over: {left:?}");
}

fn json(ran: &Ran) -> Value {
    serde_json::from_slice(&ran.out).unwrap_or_else(|error| panic!("{error}: {ran}"))
}

#[test]
fn the_compiler_passes_and_the_fixes_are_written() {
    let project = installed_tap();
    let ran = run(&project, &["apply", "--prove", "tsc", "--format", "json"]);
    let ran = ran.ends(1).says("Proved: `tsc` passes with all");
    let proof = &json(&ran)["summary"]["proof"];
    assert_eq!((&proof["verdict"], &proof["runs"]), (&"passed".into(), &2.into()));
    assert!(proof["fixes"].as_u64().unwrap() > 3, "{proof}");
    assert!(project.git(&["status", "--porcelain"]).contains(" M lib/"));
    assert!(!project.at("cdk.out").exists());
}

#[test]
fn a_project_that_fails_before_is_not_blamed_on_a_fix() {
    let project = installed_tap();
    project.put("bin/broken.ts", "const wrong: number = 'text';\n");
    let before = project.tree();
    for format in ["json", "sarif", "text"] {
        let ran = run(&project, &["apply", "--prove", "tsc", "--format", format]).ends(2);
        let ran = ran.says("the project fails before any fix").says("bin/broken.ts(1,7): error TS2322");
        if format == "json" {
            let json = json(&ran);
            assert_eq!(json["summary"]["proof"]["verdict"], "failed-before");
            assert_eq!(json["summary"]["outcomes"]["fixed"], 0);
        }
        if format == "sarif" {
            let invocation = &json(&ran)["runs"][0]["invocations"][0];
            assert_eq!(invocation["executionSuccessful"], false);
            assert_eq!(invocation["properties"]["proof"]["verdict"], "failed-before");
        }
    }
    same(&project, &before);
    assert!(
        run(&project, &["apply", "--branch", "fix", "--prove", "tsc"]).ends(2).err.contains("fails before")
    );
    assert_eq!(project.git(&["branch", "--list", "fix"]), "");
}

#[test]
fn a_synthesis_tells_what_the_templates_become() {
    let project = installed_tap();
    let before = project.tree();
    let ran = run(&project, &["diff", "--prove", "synth", "--select", "2.5,2.6,4.2", "--format", "json"]);
    let ran = ran.ends(1).says("Proved: `synth` passes").says("CloudFormation: ");
    let proof = json(&ran)["summary"]["proof"].clone();
    let deltas = proof["deltas"].as_array().unwrap();
    let queue = deltas.iter().find(|delta| delta["rule"] == "2.5").unwrap_or_else(|| panic!("{proof:#}"));
    let resources = queue["resources"].as_array().unwrap();
    let added = |kind: &str| resources.iter().any(|it| it["type"] == kind && it["change"] == "added");
    assert!(added("AWS::SQS::Queue"), "{queue:#}");
    let changed = resources.iter().find(|it| it["type"] == "AWS::Lambda::Function").unwrap();
    assert_eq!(changed["properties"], serde_json::json!(["DeadLetterConfig"]));
    // The function may send to its queue.
    let warnings = queue["warnings"].as_array().unwrap();
    assert!(warnings.iter().any(|it| it.as_str().unwrap().contains("sqs:SendMessage")), "{queue:#}");
    assert!(
        !deltas.iter().any(|delta| delta["rule"] == "4.2"),
        "a number in a config is no delta: {proof:#}"
    );
    same(&project, &before);
}

#[test]
fn a_command_of_the_users_own() {
    let project = Project::job();
    let script = "test -f lib/job.ts && ! grep -q deadLetterQueue lib/job.ts || { echo 'error: no queues here'; exit 7; }";
    let before = project.tree();
    let ran = run(&project, &["apply", "--select", "2.5", "--prove", script, "--format", "json"]).ends(3);
    ran.clone().says("1 backed out");
    let finding = json(&ran)["findings"][0].clone();
    assert_eq!(finding["outcome"], "backed-out");
    let detail = finding["detail"].as_str().unwrap();
    assert!(detail.ends_with("fails (exit code 7): error: no queues here"), "{detail}");
    assert_eq!(json(&ran)["summary"]["proof"]["runs"], 2);
    same(&project, &before);
    // The copy is written to, the project is not.
    run(&project, &["apply", "--select", "2.5", "--prove", "echo x > lib/new.ts; rm package.json"]).ends(0);
    assert!(!project.at("lib/new.ts").exists() && project.at("package.json").exists());
}

#[test]
fn the_configured_command_and_its_time() {
    let project = Project::job();
    run(&project, &["diff", "--prove"]).ends(2).says("[proof]");
    project.put("wa-fix.toml", "[proof]\ncommand = \"sleep 30\"\ntimeout = 1\n");
    // Not run unless it is asked for.
    let start = Instant::now();
    run(&project, &["diff"]).ends(1);
    assert!(start.elapsed() < Duration::from_secs(1));
    run(&project, &["diff", "--prove"]).ends(2).says("fails (still at");
    project.put("wa-fix.toml", "[proof]\ncomand = \"true\"\n");
    run(&project, &["diff", "--prove"]).ends(2).says("did you mean `command`?");
    run(&project, &["scan", "--prove", "true"]).ends(2);
}

#[test]
fn ctrl_c_leaves_nothing() {
    let project = Project::job();
    let temporary = project.outside().join("tmp");
    std::fs::create_dir_all(&temporary).unwrap();
    let mark = project.outside().join("started");
    let before = project.tree();
    let script = format!("touch {}; sleep 300", mark.display());
    let mut command = program(project.root(), project.home());
    command.env("TMPDIR", &temporary).args(["apply", "--prove", &script]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let start = Instant::now();
    while !mark.exists() {
        assert!(start.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(5));
    }
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::INT)
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(2));
    assert_empty(&temporary);
    same(&project, &before);
}

/// A rule that writes what does not compile, as a user's own might: made between the good ones.
static BREAKS: Meta = Meta {
    id: "9.0",
    also: &[],
    name: "locks-badly",
    title: "A bucket without a lock",
    pillar: Pillar::Security,
    impact: Impact::High,
    tier: Tier::Safe,
    practice: "SEC01-BP01",
    clears: &[],
    raises: &[],
    asks: &[],
    order: 255,
    source: "",
    query: "((new_expression) @site (#construct? @site \"aws_lambda.Function\") (#lacks-prop? @site \"maxEventAge\"))",
};

const BREAKING: Rule = Rule {
    meta: &BREAKS,
    check: |m, out| {
        let site = m.site("site")?;
        out.report(&BREAKS, m.model, site.node, "It has no limit.")
            .fix("Set a limit that is none", move |b| b.set_prop(&site, "maxEventAge", "'six hours'"));
        Some(())
    },
};

/// The most runs of a proof that one culprit may cost.
pub(crate) fn bound(fixes: usize) -> usize {
    let halvings = f64::from(u32::try_from(fixes).unwrap()).log2();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small positive number")]
    let runs = (2.0 * halvings).floor() as usize;
    runs + 2
}

#[test]
fn a_breaking_rule_among_good_ones_is_backed_out_alone() {
    let project = installed_tap();
    let good = |rule: &Rule| ["2.", "4."].iter().any(|start| rule.meta.id.starts_with(start));
    let good: Vec<Rule> = wa_fix::fixes::ALL.iter().copied().filter(good).collect();
    let rules: Vec<Rule> = good.iter().copied().chain([BREAKING]).collect();
    let good = proved(&project, &good, Check::Tsc);
    let (proven, runs) = proved(&project, &rules, Check::Tsc);
    let proof = &proven.proof;
    assert_eq!((good.0.proof.verdict, proof.verdict), (Verdict::Passed, Verdict::Passed));
    assert!(good.0.proof.backed_out.is_empty(), "{:?}", good.0.proof.backed_out);

    let [culprit] = proof.backed_out.as_slice() else { panic!("{:?}", proof.backed_out) };
    assert_eq!((culprit.rule.as_str(), culprit.name.as_str()), ("9.0", "locks-badly"));
    assert!(culprit.error.contains("application-infrastructure.ts(") && culprit.error.contains("TS2322"));
    let finding = proven.plan.findings.iter().find(|finding| finding.rule.id == "9.0").unwrap();
    assert_eq!(finding.outcome, Outcome::BackedOut(culprit.error.clone()));
    // The others are as they would be without it.
    assert_eq!(proven.plan.changes, good.0.plan.changes);
    let fixed = |plan: &Plan| plan.steps.iter().flat_map(|step| step.fixed.clone()).collect::<BTreeSet<_>>();
    assert_eq!(fixed(&proven.plan), fixed(&good.0.plan));
    assert!(proof.fixes > 8, "{}", proof.fixes);
    assert!(runs <= bound(proof.fixes), "{runs} runs for {} fixes", proof.fixes);
    assert_eq!(good.1, 2);
}

/// Plans some rules for a project, and proves the plan; how many runs that took.
fn proved(project: &Project, rules: &[Rule], check: Check) -> (Proven, usize) {
    let root = project.root().to_owned();
    let options = DiscoverOptions::at(root.clone());
    let found = discover(std::slice::from_ref(&root), &options);
    let apps = find_apps(found, std::slice::from_ref(&root));
    let set = RuleSet::new(rules.iter().copied()).unwrap();
    let options = Options {
        tier: Tier::Review,
        min_impact: Impact::Info,
        only: None,
        values: Values::new(),
        within: Vec::new(),
        jobs: 1,
        trial: Trial::default(),
    };
    let plan_with =
        |trial: &Trial| plan(&apps, &set, &Options { trial: trial.clone(), ..options.clone() }, &|_| {});
    let checks = Checks {
        list: vec![check],
        timeout: Duration::from_mins(2),
        root: root.clone(),
        apps: vec![root],
        path: std::env::var_os("PATH").unwrap(),
    };
    let mut bench = Workbench::new(checks).unwrap();
    let proven = prove(&plan_with, &mut bench).unwrap();
    let runs = bench.runs();
    (proven, runs)
}
