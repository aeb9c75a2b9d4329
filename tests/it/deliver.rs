//! From findings to a pushed branch with a body, in one command, on a local bare remote.

use std::path::Path;

use crate::npm::{self, SynthCase, TypeCase};
use crate::project::{Project, git_in, same};
use crate::prove::{installed_tap, run};

/// A bare repository beside the project, known to it as `origin`.
fn with_remote(project: &Project) -> std::path::PathBuf {
    let bare = project.outside().join("remote.git");
    git_in(project.outside(), &["init", "--quiet", "--bare", "remote.git"]);
    project.git(&["remote", "add", "origin", bare.to_str().unwrap()]);
    bare
}

fn count(project: &Project, branch: &str) -> usize {
    project.git(&["rev-list", "--count", &format!("HEAD..{branch}")]).parse().unwrap()
}

#[test]
fn one_command_from_a_clone_to_a_pushed_branch_that_compiles_commit_by_commit() {
    let project = installed_tap();
    let bare = with_remote(&project);
    let before = project.tree();
    let body = project.outside().join("body.md");
    let options = [
        "apply",
        "--branch",
        "wa-fix",
        "--select",
        "1.2,2.5,2.6",
        "--prove",
        "tsc",
        "--prove",
        "synth",
        "--pr-body",
        body.to_str().unwrap(),
        "--push",
        "origin",
        "--open",
    ];
    let ran = run(&project, &options);
    let ran = ran.says("pushed wa-fix to origin").says("merge wa-fix by hand");
    assert!(ran.code.is_some_and(|code| code < 2), "{ran}");
    same(&project, &before);
    assert_eq!(git_in(&bare, &["rev-parse", "wa-fix"]), project.git(&["rev-parse", "wa-fix"]));

    let text = std::fs::read_to_string(&body).unwrap();
    for part in [
        "## What was found",
        "## Commits",
        "## Before deploying",
        "## Proof",
        "## CloudFormation",
        "REL08-BP02",
    ] {
        assert!(text.contains(part), "{part} is missing:\n{text}");
    }
    // The real compiler says of each commit that it stands alone.
    let commits = project.git(&["rev-list", "--reverse", "HEAD..wa-fix"]);
    assert!(commits.lines().count() >= 2, "{commits}");
    let tsc = crate::npm::home().join("node_modules/typescript/bin/tsc");
    for commit in commits.lines() {
        let tree = project.outside().join(commit);
        project.git(&["worktree", "add", "--quiet", "--detach", tree.to_str().unwrap(), commit]);
        let done = std::process::Command::new("node")
            .arg(&tsc)
            .args(["--noEmit", "-p", "."])
            .current_dir(&tree)
            .output();
        let done = done.unwrap();
        assert!(done.status.success(), "{commit}: {}", String::from_utf8_lossy(&done.stdout));
    }

    // Nothing new: nothing is done.
    let tip = project.git(&["rev-parse", "wa-fix"]);
    let again =
        run(&project, &["apply", "--branch", "wa-fix", "--select", "1.2,2.5,2.6", "--push", "origin"]);
    again.says("has these commits already").says("nothing was pushed");
    assert_eq!(project.git(&["rev-parse", "wa-fix"]), tip);
}

/// No proof has helped: the real compiler and the real synthesis judge each commit, checked out by git.
#[test]
fn every_commit_of_all_fixes_compiles_and_synthesises() {
    let project = Project::tap();
    let bare = with_remote(&project);
    let values = crate::tap::VALUES.iter().flat_map(|value| ["--set", value]);
    let options = ["apply", "--all", "--branch", "wa-fix", "--push", "origin", "--pr-body", "../body.md"];
    let arguments: Vec<&str> = options.into_iter().chain(values).collect();
    run(&project, &arguments).ends(0).says("pushed");
    let commits =
        git_in(&bare, &["rev-list", "--reverse", "wa-fix", "--not", &project.git(&["rev-parse", "HEAD"])]);
    assert!(commits.lines().count() > 30, "{commits}");
    let tree = project.outside().join("checked-out");
    git_in(
        project.outside(),
        &["clone", "--quiet", "--branch", "wa-fix", bare.to_str().unwrap(), "checked-out"],
    );
    let (mut types, mut syntheses) = (Vec::new(), Vec::new());
    for commit in commits.lines() {
        git_in(&tree, &["checkout", "--quiet", commit]);
        let files = crate::support::read_tree(&tree);
        let name = git_in(&tree, &["log", "-1", "--format=%s", commit]);
        let scripts = files.clone().into_iter().filter(|(path, _)| {
            Path::new(path).extension().is_some_and(|end| end == "ts")
                && !path.starts_with("test/")
                && !path.contains(".test.")
        });
        types.push(TypeCase {
            name: name.clone(),
            version: "base".to_owned(),
            files: scripts.collect(),
            options: std::collections::BTreeMap::new(),
        });
        syntheses.push(SynthCase {
            name,
            version: "base".to_owned(),
            files,
            entry: Some("bin/tap.ts".to_owned()),
            context: std::collections::BTreeMap::from([("environmentSuffix".to_owned(), "prod".to_owned())]),
            nag: false,
        });
    }
    for result in npm::check_types(&types) {
        assert!(result.errors.is_empty(), "{}: {:#?}", result.name, result.errors);
    }
    for result in npm::synth(&syntheses) {
        assert!(result.ok && !result.templates.is_empty(), "{}: {:?}", result.name, result.error);
    }
}

#[test]
fn a_second_run_renews_the_branch_and_the_remote() {
    let project = Project::tap();
    let bare = with_remote(&project);
    let options = ["apply", "--branch", "wa-fix", "--push", "origin", "--select"];
    run(&project, &[&options[..], &["2.5"]].concat());
    assert_eq!(count(&project, "wa-fix"), 1);
    run(&project, &[&options[..], &["2.5,2.6"]].concat()).says("pushed");
    assert_eq!(count(&project, "wa-fix"), 2);
    assert_eq!(git_in(&bare, &["rev-parse", "wa-fix"]), project.git(&["rev-parse", "wa-fix"]));
}

#[test]
fn somebodys_own_commits_stay() {
    let project = Project::tap();
    let bare = with_remote(&project);
    let options = ["apply", "--branch", "wa-fix", "--select", "2.5", "--push", "origin"];
    run(&project, &options);
    // On the remote, by somebody else.
    let clone = project.outside().join("clone");
    git_in(
        project.outside(),
        &["clone", "--quiet", "--branch", "wa-fix", bare.to_str().unwrap(), clone.to_str().unwrap()],
    );
    let who = ["-c", "user.name=Bo", "-c", "user.email=bo@example.com"];
    git_in(&clone, &[&who[..], &["commit", "--quiet", "--allow-empty", "-m", "mine"]].concat());
    git_in(&clone, &["push", "--quiet"]);
    let theirs = git_in(&bare, &["rev-parse", "wa-fix"]);
    run(&project, &["apply", "--branch", "wa-fix", "--select", "2.5,2.6", "--push", "origin"])
        .ends(2)
        .says("not wa-fix's");
    assert_eq!(git_in(&bare, &["rev-parse", "wa-fix"]), theirs);
    // In this repository.
    project.git(&["fetch", "--quiet"]);
    project.git(&["branch", "--force", "wa-fix", "origin/wa-fix"]);
    run(&project, &["apply", "--branch", "wa-fix", "--select", "2.5"]).ends(2).says("not wa-fix's (mine)");
    assert_eq!(project.git(&["rev-parse", "wa-fix"]), theirs);
}

#[test]
fn commits_by_finding_and_in_one_make_the_same_tree() {
    let project = Project::tap();
    for per in ["rule", "finding", "all"] {
        run(
            &project,
            &["apply", "--all", "--branch", per, "--commit-per", per, "--select", "reliability,cost"],
        );
    }
    let tree = |branch: &str| project.git(&["rev-parse", &format!("{branch}^{{tree}}")]);
    assert_eq!((tree("finding"), tree("all")), (tree("rule"), tree("rule")));
    assert_eq!(count(&project, "all"), 1);
    assert!(count(&project, "finding") > count(&project, "rule"));
    assert!(project.git(&["log", "-1", "--format=%B", "all"]).contains("Wa-Fix:"));
}

#[test]
fn options_of_a_branch_need_one() {
    let project = Project::job();
    for options in [&["--push", "origin"][..], &["--pr-body", "x.md"], &["--open"]] {
        run(&project, &[&["apply"][..], options].concat()).ends(2);
    }
    run(&project, &["apply", "--branch", "x", "--select", "2.5", "--push", "nowhere"])
        .ends(2)
        .says("no remote `nowhere`");
}
