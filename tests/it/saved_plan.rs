//! Plans that are reviewed now and applied later: what was agreed to and nothing else, whoever wrote the file.
#![expect(clippy::disallowed_methods, reason = "tests prepare files")]

use std::os::unix::fs::symlink;
use std::path::PathBuf;

use serde_json::Value;
use wa_fix::saved::SavedPlan;

use crate::project::{Project, same};
use crate::prove::installed_tap;
use crate::run::{JOB, MANIFEST};

/// Where plans go: beside the project, which stays as it is.
fn file(project: &Project) -> PathBuf {
    project.outside().join("plan.json")
}

/// Makes a plan with some options.
#[track_caller]
fn planned(project: &Project, options: &[&str]) -> SavedPlan {
    let before = project.tree();
    let file = file(project);
    let arguments = [&["plan", "--exit-zero", "-o", file.to_str().unwrap()], options].concat();
    project.run(&arguments).ends(0);
    same(project, &before);
    SavedPlan::from_bytes(&std::fs::read(file).unwrap()).unwrap()
}

/// Puts a plan where [`apply`] finds it, as somebody would who knows how the digest is made.
fn forge(project: &Project, plan: SavedPlan) {
    std::fs::write(file(project), plan.sealed().unwrap().to_bytes().unwrap()).unwrap();
}

fn apply(project: &Project, options: &[&str]) -> crate::run::Ran {
    project.run(&[&["apply", "../plan.json"], options].concat())
}

/// Two jobs in two files.
fn jobs() -> Project {
    let other = JOB.replace("JobStack", "OtherStack").replace("'Job'", "'Other'");
    Project::committed(&[("package.json", MANIFEST), ("lib/job.ts", JOB), ("lib/other.ts", &other)])
}

const ALL: [&str; 3] = ["--all", "--set", "allowed_origins=https://app.acme.io"];

#[test]
fn a_plan_writes_what_apply_writes() {
    for options in [&[][..], &ALL, &["--tier", "review", "lib/constructs"]] {
        let (direct, later) = (Project::tap(), Project::tap());
        let diff = direct.run(&[&["diff"], options].concat());
        let shown = later.run(&[&["plan", "-o", "../plan.json"], options].concat()).ends(1);
        assert_eq!(shown.text(), diff.text());
        shown.says("wa-fix apply ../plan.json");
        let code = direct.run(&[&["apply"], options].concat()).code.unwrap();
        apply(&later, &[]).ends(code);
        same(&later, &direct.tree());
        later.run(&["undo"]).ends(0);
        same(&later, &Project::tap().tree());
    }
}

#[test]
fn a_plan_tells_a_reader_what_it_does() {
    let project = jobs();
    let plan = planned(&project, &["--select", "2.5"]);
    assert_eq!(plan.fixes.len(), 2);
    let fix = &plan.fixes[0];
    assert_eq!((fix.rule.as_str(), fix.place.as_str()), ("2.5", "lib/job.ts:9"));
    assert!(fix.title.contains("dead-letter queue") && fix.message.contains("dead-letter queue"));
    assert!(
        fix.changes[0].diff.iter().any(|line| line.starts_with("+ ") && line.contains("deadLetterQueue"))
    );
    assert_eq!(plan.files[0].hash.as_deref(), Some(project.git(&["rev-parse", "HEAD:lib/job.ts"]).as_str()));
    // The same bytes, wherever in the repository it is made.
    let twice = project.run_in("lib", &["plan", "--select", "2.5", "--exit-zero", ".."]);
    assert_eq!(twice.ends(0).text(), std::fs::read_to_string(file(&project)).unwrap());
}

#[test]
fn fixes_of_files_that_moved_are_refused_by_name_and_the_others_are_made() {
    let project = jobs();
    planned(&project, &["--select", "2.5"]);
    let mine = format!("// mine\n{JOB}");
    project.put("lib/job.ts", &mine);
    project.commit_all();
    let ran = apply(&project, &["--format", "json"]).ends(3);
    let ran = ran.says("1 backed out:").says("2.5 lambda-without-dead-letter-queue at lib/job.ts:10");
    let json: Value = serde_json::from_slice(&ran.out).unwrap();
    let refused = json["findings"].as_array().unwrap().iter().find(|it| it["path"] == "lib/job.ts").unwrap();
    assert_eq!(refused["detail"], "lib/job.ts was changed after the plan was made; make the plan again");
    let outcomes: Vec<_> = json["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| (&finding["path"], &finding["outcome"]))
        .collect();
    assert!(outcomes.contains(&(&"lib/job.ts".into(), &"backed-out".into())), "{json:#}");
    assert!(outcomes.contains(&(&"lib/other.ts".into(), &"fixed".into())), "{json:#}");
    assert_eq!(project.read("lib/job.ts"), mine.as_bytes());
    assert!(String::from_utf8(project.read("lib/other.ts")).unwrap().contains("deadLetterQueue"));
    // What is done is no failure: nobody has to make a plan again for it.
    project.commit_all();
    project.put("lib/job.ts", JOB);
    project.commit_all();
    apply(&project, &[]).ends(0).says("there is nothing left to fix (lib/other.ts was changed");
    apply(&project, &["--allow-dirty"]).ends(0);
}

#[test]
fn a_fix_of_two_files_is_made_whole_or_not_at_all() {
    let project = Project::tap();
    let plan = planned(&project, &["--select", "4.2,2.5"]);
    let config = "lib/config/pipeline-config.ts";
    let touches = |fix: &&wa_fix::saved::SavedFix| fix.changes.iter().any(|change| change.path == config);
    let fix = plan.fixes.iter().find(touches).unwrap();
    assert!(fix.changes.len() > 1, "{fix:#?}");
    let text = format!("{}\n// moved\n", String::from_utf8(project.read(config)).unwrap());
    project.put(config, &text);
    project.commit_all();
    apply(&project, &[])
        .ends(3)
        .says("4.2 hard-coded-memory")
        .says("lib/config/pipeline-config.ts was changed");
    assert_eq!(project.read(config), text.as_bytes());
    // Exactly what the other fix does.
    let other = Project::tap();
    other.put(config, &text);
    other.commit_all();
    other.run(&["apply", "--select", "2.5"]);
    same(&project, &other.tree());
}

#[test]
fn a_file_that_is_gone_or_came_counts_as_moved() {
    let project = jobs();
    let mut plan = planned(&project, &["--select", "2.5"]);
    std::fs::remove_file(project.at("lib/job.ts")).unwrap();
    apply(&project, &["--allow-dirty"]).says("lib/job.ts is gone").ends(0);
    project.git(&["checkout", "--quiet", "--", "."]);
    plan.files[0].hash = None;
    forge(&project, plan);
    apply(&project, &[]).ends(3).says("lib/job.ts was created");
}

#[test]
fn to_a_branch_and_with_a_proof() {
    let project = jobs();
    planned(&project, &["--select", "2.5"]);
    let before = project.tree();
    apply(&project, &["--branch", "reviewed", "--commit-per", "finding", "--pr-body", "../body.md"]).ends(0);
    same(&project, &before);
    assert_eq!(project.git(&["rev-list", "--count", "HEAD..reviewed"]), "2");
    let check = "! grep -q deadLetterQueue lib/other.ts || { echo 'error: not there'; exit 1; }";
    apply(&project, &["--prove", check]).ends(3).says("error: not there");
    assert!(String::from_utf8(project.read("lib/job.ts")).unwrap().contains("deadLetterQueue"));
    assert!(!String::from_utf8(project.read("lib/other.ts")).unwrap().contains("deadLetterQueue"));
    // What a proof takes out is not in the plan either.
    project.git(&["checkout", "--quiet", "--", "."]);
    let file = file(&project);
    let ran = project.run(&["plan", "-o", file.to_str().unwrap(), "--select", "2.5", "--prove", check]);
    ran.ends(3);
    assert_eq!(SavedPlan::from_bytes(&std::fs::read(file).unwrap()).unwrap().fixes.len(), 1);
    // A project that fails before is not written to.
    apply(&project, &["--prove", "false"]).ends(2).says("fails before any fix");
    same(&project, &before);
}

#[test]
fn the_real_compiler_judges_a_plan() {
    let project = installed_tap();
    planned(&project, &["--tier", "review", "--select", "reliability"]);
    let ran = crate::prove::run(&project, &["apply", "../plan.json", "--prove", "tsc"]);
    assert!(ran.code.is_some_and(|code| code < 2), "{ran}");
    ran.says("Proved: `tsc` passes with all");
    assert!(project.git(&["status", "--porcelain"]).contains(" M lib/"));
}

#[test]
fn through_a_pipe_and_with_rules_left_out() {
    let project = jobs();
    let ran = project.shell("\"$WA_FIX\" plan --exit-zero -o - lib | \"$WA_FIX\" apply - --ignore 2.5");
    ran.ends(1);
    assert_eq!(project.git(&["status", "--porcelain"]), "");
    let ran = project.shell("\"$WA_FIX\" plan --quiet --exit-zero lib | \"$WA_FIX\" apply - --select 2.5");
    ran.ends(1);
    assert_eq!(project.git(&["status", "--porcelain"]).lines().count(), 2);
    project.shell("\"$WA_FIX\" apply - < /dev/null").ends(2).says("standard input is no plan of wa-fix");
}

#[test]
fn what_the_plan_has_decided_cannot_be_decided_again() {
    let project = jobs();
    planned(&project, &["--select", "2.5"]);
    for options in
        [&["--all"][..], &["--set", "a=b"], &["--since", "HEAD"], &["--tests"], &["--min-impact", "high"]]
    {
        apply(&project, options).ends(2).says("was decided when the plan was made");
    }
    apply(&project, &["lib"]).ends(2).says("a plan is applied alone");
    apply(&project, &["--select", "nonsense"]).ends(2).says("no rule is called `nonsense`");
    project.run(&["plan", "--format", "json"]).ends(2).says("the plan has one form");
    project.run(&["plan", "-o", "nowhere/plan.json"]).ends(2);
    assert_eq!(project.git(&["status", "--porcelain"]), "");
    // Files of the app that are JSON are paths, as ever.
    project.run(&["apply", "package.json", "--exit-zero"]).ends(0);
    // Elsewhere.
    let elsewhere = Project::committed(&[("package.json", MANIFEST)]);
    std::fs::copy(file(&project), file(&elsewhere)).unwrap();
    apply(&elsewhere, &[]).ends(2).says("run this where the plan was made");
}

/// Changes a plan.
type Forging = fn(&mut SavedPlan, &Project);

#[test]
fn a_forged_plan_changes_nothing() {
    let project = jobs();
    let secret = project.outside().join("secret.ts");
    std::fs::write(&secret, JOB).unwrap();
    let plan = planned(&project, &["--select", "2.5"]);
    let cases: &[(&str, &str, Forging)] = &[
        ("out of the tree", "no place below the top", |plan, _| plan.files[0].path = "../secret.ts".into()),
        ("absolute", "no place below the top", |plan, project| {
            plan.files[0].path = project.outside().join("secret.ts").to_str().unwrap().into();
        }),
        ("a change out of the tree", "no place below the top", |plan, _| {
            plan.fixes[0].changes[0].path = "lib/../../secret.ts".into();
        }),
        ("git's own", "no place below the top", |plan, _| plan.files[0].path = ".git/config".into()),
        ("other paths", "no place below the top", |plan, _| plan.settings.paths = vec!["..".into()]),
        ("the root", "no place below the top", |plan, _| plan.settings.paths = vec!["/".into()]),
        ("a place that is not there", "does not exist", |plan, _| plan.settings.paths = vec!["app".into()]),
        ("an unlisted file", "`files` does not list", |plan, _| {
            plan.fixes[0].changes[0].path = "x.ts".into();
        }),
        ("an unknown rule", "no rule is called", |plan, _| plan.settings.rules.push("77.1".into())),
        ("another form", "is a plan of form 2", |plan, _| plan.version = 2),
    ];
    let before = project.tree();
    for (name, words, forging) in cases {
        let mut forged = plan.clone();
        forging(&mut forged, &project);
        assert_ne!(forged, plan, "{name}");
        forge(&project, forged);
        let ran = apply(&project, &[]);
        assert_eq!(ran.code, Some(2), "{name}: {ran}");
        assert!(ran.err.contains(words), "{name}: {ran}");
        same(&project, &before);
    }
    assert_eq!(std::fs::read_to_string(&secret).unwrap(), JOB);
    // A link that leads out of the tree.
    symlink(&secret, project.at("lib/link.ts")).unwrap();
    let mut forged = plan;
    forged.files[0].path = "lib/link.ts".into();
    forged.fixes[0].changes[0].path = "lib/link.ts".into();
    forge(&project, forged);
    apply(&project, &[]).ends(2).says("`lib/link.ts`, which is no place below the top");
    assert_eq!(std::fs::read_to_string(&secret).unwrap(), JOB);
}

#[test]
fn lines_that_wa_fix_would_not_write_are_not_written() {
    let project = jobs();
    let plan = planned(&project, &["--select", "2.5"]);
    let before = project.tree();
    // By hand, so that the result would not parse: the digest tells.
    let text = String::from_utf8(plan.to_bytes().unwrap()).unwrap();
    let edited = text.replace("deadLetterQueue", "deadLetterQueue: ((");
    assert_ne!(edited, text);
    std::fs::write(file(&project), edited).unwrap();
    apply(&project, &[]).ends(2).says("was changed after wa-fix wrote it");
    same(&project, &before);
    // By somebody who makes the digest anew: each such fix is refused.
    let mut forged = plan.clone();
    for fix in &mut forged.fixes {
        fix.changes[0].diff.push("+require('child_process').exec('curl evil');".to_owned());
    }
    forge(&project, forged);
    apply(&project, &[]).ends(3).says("it would write other lines than").says("lib/other.ts:9");
    same(&project, &before);
    // A fix that the plan leaves out is not made.
    let mut forged = plan;
    forged.fixes.truncate(1);
    forge(&project, forged);
    apply(&project, &[]).ends(1);
    assert_eq!(project.git(&["status", "--porcelain"]), " M lib/job.ts");
}

#[test]
fn what_is_no_plan_is_refused() {
    let project = jobs();
    let plan = planned(&project, &["--select", "2.5"]).to_bytes().unwrap();
    let before = project.tree();
    for (name, bytes) in [
        ("empty", Vec::new()),
        ("cut off", plan[..plan.len() / 2].to_vec()),
        ("another JSON", b"{\"findings\":[]}".to_vec()),
        ("no text", vec![0xff, 0xfe, 0x00]),
        ("deep", [b"{\"wa-fix-plan\":1,\"fixes\":".to_vec(), vec![b'['; 4 << 20]].concat()),
    ] {
        std::fs::write(file(&project), bytes).unwrap();
        let ran = apply(&project, &[]);
        assert!(ran.code == Some(2) && ran.err.contains("is no plan of wa-fix"), "{name}: {ran}");
    }
    let huge = std::fs::File::create(file(&project)).unwrap();
    huge.set_len(1 << 40).unwrap();
    apply(&project, &[]).ends(2).says("larger than 64 MiB");
    std::fs::remove_file(file(&project)).unwrap();
    apply(&project, &[]).ends(2).says("name a plan that exists");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        file(&project),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
        0,
    )
    .unwrap();
    apply(&project, &[]).ends(2).says("is no regular file");
    same(&project, &before);
}
