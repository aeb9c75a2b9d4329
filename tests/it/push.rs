//! Pushing over every kind of remote: real servers, real refusals, and never a question.
#![expect(clippy::disallowed_methods, reason = "tests prepare files")]

use std::io::BufRead as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::project::{Project, git_in};
use crate::run::{Ran, at_home, finish_within, program};
use crate::support::top;

/// An `ssh` that is on this machine at once: it writes down how it is called, and runs the command that is for the server.
const SSH: &str = "#!/bin/sh
echo \"$@\" >> \"$LOG\"
for last; do :; done
case \"$last\" in git-*) exec sh -c \"$last\" ;; esac
";

/// A bare repository beside the project, known to it as `origin` under some address.
fn with_remote(project: &Project, address: impl Fn(&Path) -> String) -> PathBuf {
    let bare = project.outside().join("remote.git");
    git_in(project.outside(), &["init", "--quiet", "--bare", "remote.git"]);
    git_in(&bare, &["config", "http.receivepack", "true"]);
    project.git(&["remote", "add", "origin", &address(&bare)]);
    bare
}

fn script(file: &Path, text: &str) {
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, text).unwrap();
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// Delivers the fixes of some rules, with a stand-in for ssh on the PATH. A prompt would wait for longer than this does.
#[track_caller]
fn deliver(project: &Project, rules: &str) -> Ran {
    deliver_from(project, project.root(), rules)
}

#[track_caller]
fn deliver_from(project: &Project, folder: &Path, rules: &str) -> Ran {
    let bin = project.outside().join("bin");
    script(&bin.join("ssh"), SSH);
    let mut command = program(folder, project.home());
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    command.env("PATH", path).env("LOG", project.outside().join("log"));
    for (key, value) in [("NAME", "Ada"), ("EMAIL", "ada@example.com")] {
        command.env(format!("GIT_AUTHOR_{key}"), value).env(format!("GIT_COMMITTER_{key}"), value);
    }
    for name in ["GIT_ASKPASS", "SSH_ASKPASS", "GIT_SSH", "GIT_SSH_COMMAND", "http_proxy", "HTTP_PROXY"] {
        command.env_remove(name);
    }
    command.args(["apply", "--branch", "wa-fix", "--push", "origin", "--exit-zero", "--select", rules]);
    finish_within(command, Duration::from_secs(50))
}

#[track_caller]
fn arrived(project: &Project, bare: &Path) {
    assert_eq!(git_in(bare, &["rev-parse", "wa-fix"]), project.git(&["rev-parse", "wa-fix"]));
}

/// A server that goes when the test ends.
struct Server(Child, String);

impl Server {
    fn of(folder: &Path, who: &[&str]) -> Self {
        let mut command = Command::new("python3");
        command.arg(top().join("tests/git-http.py")).arg(folder).args(who);
        let mut child = command.stdout(Stdio::piped()).spawn().expect("python3 is installed");
        let mut port = String::new();
        std::io::BufReader::new(child.stdout.take().unwrap()).read_line(&mut port).unwrap();
        Self(child, port.trim().to_owned())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Pushes, pushes again, renews, and stops at somebody else's commit.
#[track_caller]
fn the_whole_way(project: &Project, bare: &Path) {
    deliver(project, "2.5").ends(0).says("pushed wa-fix to origin");
    arrived(project, bare);
    deliver(project, "2.5").ends(0).says("nothing was pushed");
    deliver(project, "2.5,2.6").ends(0).says("pushed wa-fix to origin");
    arrived(project, bare);
    let clone = project.outside().join("clone");
    let (from, to) = (bare.to_str().unwrap(), clone.to_str().unwrap());
    git_in(project.outside(), &["clone", "--quiet", "--branch", "wa-fix", from, to]);
    let who = ["-c", "user.name=Bo", "-c", "user.email=bo@example.com"];
    git_in(&clone, &[&who[..], &["commit", "--quiet", "--allow-empty", "-m", "mine"]].concat());
    git_in(&clone, &["push", "--quiet"]);
    let theirs = git_in(bare, &["rev-parse", "wa-fix"]);
    deliver(project, "2.5").ends(2).says("commits that are not wa-fix's");
    assert_eq!(git_in(bare, &["rev-parse", "wa-fix"]), theirs);
}

#[test]
fn over_ssh() {
    for scheme in [true, false] {
        let project = Project::tap();
        let bare = with_remote(&project, |bare| {
            let path = bare.display();
            if scheme { format!("ssh://git@host:2222{path}") } else { format!("git@host:{path}") }
        });
        the_whole_way(&project, &bare);
        let log = std::fs::read_to_string(project.outside().join("log")).unwrap();
        // ssh is told not to ask for a passphrase or about a host.
        assert!(log.lines().all(|line| line.contains("BatchMode=yes")), "{log}");
        assert!(log.contains("git-receive-pack"), "{log}");
    }
}

#[test]
fn a_command_for_ssh_of_the_users_own_is_used() {
    let project = Project::tap();
    let bare = with_remote(&project, |bare| format!("git@host:{}", bare.display()));
    let own = project.outside().join("own/ssh");
    script(&own, SSH);
    project.git(&["config", "core.sshCommand", &format!("{} -o Mine=yes", own.display())]);
    deliver(&project, "2.5").ends(0).says("pushed");
    arrived(&project, &bare);
    let log = std::fs::read_to_string(project.outside().join("log")).unwrap();
    assert!(log.contains("Mine=yes") && !log.contains("BatchMode"), "{log}");
}

#[test]
fn over_http() {
    let project = Project::tap();
    let server = Server::of(project.outside(), &[]);
    let bare = with_remote(&project, |_| format!("http://127.0.0.1:{}/remote.git", server.1));
    the_whole_way(&project, &bare);
}

#[test]
fn a_password_is_the_helpers_business_and_is_never_told() {
    let project = Project::tap();
    let server = Server::of(project.outside(), &["ada:right"]);
    let bare = with_remote(&project, |_| format!("http://127.0.0.1:{}/remote.git", server.1));
    let ran = deliver(&project, "2.5").ends(2).says("terminal prompts disabled");
    ran.says("asks who you are").says("push by hand: git push origin wa-fix").says("credential helper");
    // The branch is there: only the push is left to do.
    project.git(&["rev-parse", "wa-fix"]);
    let wrong = format!("http://ada:wrong@127.0.0.1:{}/remote.git", server.1);
    project.git(&["remote", "set-url", "origin", &wrong]);
    deliver(&project, "2.5").ends(2).says("asks who you are").says_not("wrong");
    let address = format!("http://127.0.0.1:{}/remote.git", server.1);
    project.git(&["remote", "set-url", "origin", &address]);
    project.git(&["config", "credential.helper", "!f() { echo username=ada; echo password=right; }; f"]);
    deliver(&project, "2.5").ends(0).says("pushed");
    arrived(&project, &bare);
}

#[test]
fn a_remote_that_is_not_there() {
    let project = Project::tap();
    for address in ["http://127.0.0.1:1/x.git", "/nowhere/x.git", "file:///nowhere/x.git"] {
        project.git(&["remote", "add", "origin", address]);
        deliver(&project, "2.5").ends(2).says("push by hand: git push origin wa-fix");
        project.git(&["remote", "remove", "origin"]);
    }
}

#[test]
fn hooks_of_the_remote_decide_and_those_of_the_repository_do_not_run() {
    let project = Project::tap();
    let bare = with_remote(&project, |bare| bare.display().to_string());
    let mark = project.outside().join("ran");
    script(&project.at(".git/hooks/pre-push"), &format!("#!/bin/sh\ntouch {}\nexit 1\n", mark.display()));
    script(&bare.join("hooks/pre-receive"), "#!/bin/sh\necho 'no pushes on Friday' >&2\nexit 1\n");
    let ran = deliver(&project, "2.5").ends(2).says("origin refuses the branch");
    ran.says("no pushes on Friday").says("pre-receive hook declined");
    std::fs::remove_file(bare.join("hooks/pre-receive")).unwrap();
    deliver(&project, "2.5").ends(0).says("pushed");
    arrived(&project, &bare);
    assert!(!mark.exists());
    // A remote that takes no other history.
    git_in(&bare, &["config", "receive.denyNonFastForwards", "true"]);
    let before = git_in(&bare, &["rev-parse", "wa-fix"]);
    deliver(&project, "2.6").ends(2).says("origin refuses the branch");
    assert_eq!(git_in(&bare, &["rev-parse", "wa-fix"]), before);
}

/// As a nightly run in CI does it: each time from another clone, which knows nothing of the branch.
#[test]
fn a_fresh_and_a_shallow_clone_renew_the_branch() {
    let project = Project::tap();
    let bare = with_remote(&project, |bare| format!("file://{}", bare.display()));
    project.put("notes.md", "more\n");
    project.commit_all();
    project.git(&["push", "--quiet", "origin", "main"]);
    git_in(&bare, &["symbolic-ref", "HEAD", "refs/heads/main"]);
    deliver(&project, "2.5").ends(0).says("pushed");
    let address = format!("file://{}", bare.display());
    for (name, depth, rules) in [
        ("whole", &[][..], "2.6"),
        ("shallow", &["--depth", "1"], "2.5,2.6"),
        ("single", &["--single-branch"], "2.5"),
    ] {
        // The main branch has moved on since.
        let clone = project.outside().join(name);
        let quiet = ["clone", "--quiet", "--branch", "main"];
        git_in(project.outside(), &[&quiet[..], depth, &[&address, clone.to_str().unwrap()]].concat());
        let ran = deliver_from(&project, &clone, rules).ends(0);
        ran.says("pushed wa-fix to origin");
        assert_eq!(
            git_in(&bare, &["rev-parse", "wa-fix"]),
            git_in(&clone, &["rev-parse", "wa-fix"]),
            "{name}"
        );
        project.put("notes.md", format!("more than {name}\n"));
        project.commit_all();
        project.git(&["push", "--quiet", "origin", "main"]);
    }
    // Somebody's commit on it is seen from there, too.
    project.git(&["fetch", "--quiet", "origin", "wa-fix"]);
    project.git(&["switch", "--quiet", "--detach", "FETCH_HEAD"]);
    project.git(&["commit", "--quiet", "--allow-empty", "-m", "mine"]);
    project.git(&["push", "--quiet", "origin", "HEAD:wa-fix"]);
    for (name, depth) in [("late", &[][..]), ("late-shallow", &["--depth", "1"])] {
        let clone = project.outside().join(name);
        let quiet = ["clone", "--quiet", "--branch", "main"];
        git_in(project.outside(), &[&quiet[..], depth, &[&address, clone.to_str().unwrap()]].concat());
        deliver_from(&project, &clone, "2.5").ends(2).says("commits that are not wa-fix's");
    }
}

#[test]
fn a_branch_that_another_working_tree_has_checked_out_is_not_renewed() {
    let project = Project::tap();
    let run = |folder: &Path, rules: &str| {
        let mut command = program(folder, project.home());
        command.args(["apply", "--branch", "wa-fix", "--exit-zero", "--select", rules]);
        finish_within(command, Duration::from_mins(1))
    };
    run(project.root(), "2.5").ends(0);
    let tip = project.git(&["rev-parse", "wa-fix"]);
    let linked = project.outside().join("linked");
    project.git(&["worktree", "add", "--quiet", linked.to_str().unwrap(), "wa-fix"]);
    let refused = run(project.root(), "2.5,2.6").ends(2);
    refused.says(&format!("the branch `wa-fix` is checked out in {}", linked.display()));
    // In itself, and from a third one.
    run(&linked, "2.6").ends(2).says("is checked out in");
    let third = project.outside().join("third");
    project.git(&["worktree", "add", "--quiet", "--detach", third.to_str().unwrap(), "main"]);
    run(&third, "2.5,2.6").ends(2).says("is checked out in");
    // While it is being rebased, HEAD stands elsewhere.
    let mut rebase = Command::new("git");
    rebase.args(["rebase", "--quiet", "--force-rebase", "--exec", "false", "main"]);
    at_home(&mut rebase, &linked, project.home());
    assert!(!rebase.output().unwrap().status.success());
    assert_eq!(git_in(&linked, &["rev-parse", "--abbrev-ref", "HEAD"]), "HEAD");
    run(project.root(), "2.5,2.6").ends(2).says("is checked out in");
    git_in(&linked, &["rebase", "--abort"]);
    assert_eq!(project.git(&["rev-parse", "wa-fix"]), tip);
    // Free again.
    project.git(&["worktree", "remove", "--force", linked.to_str().unwrap()]);
    run(&third, "2.5,2.6").ends(0);
    assert_ne!(project.git(&["rev-parse", "wa-fix"]), tip);
    // The main working tree has it.
    project.git(&["switch", "--quiet", "wa-fix"]);
    run(&third, "2.5").ends(2).says(&format!("is checked out in {}", project.root().display()));
}
