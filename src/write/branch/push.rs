//! Pushing a branch, and never over somebody's own commits.
//!
//! The installed git does it, for every kind of remote: it knows the user's keys, agents and credential helpers, and the hooks of
//! the remote have their say. It never asks a question, and it runs no hook of this repository, which may be code of the
//! project.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use git2::{Oid, Repository};

use super::super::error::WriteError;
use super::{beyond, head, is_own, open};

/// What became of a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pushed {
    /// The remote has the branch now.
    Done,
    /// It had it already.
    UpToDate,
}

/// Pushes a branch to a remote. A branch of this name there is replaced only if its commits are wa-fix's.
///
/// # Errors
/// A [`WriteError`] that says what stands in the way.
pub fn push(repository: &Path, remote: &str, branch: &str) -> Result<Pushed, WriteError> {
    let repository = open(repository)?;
    let reference = format!("refs/heads/{branch}");
    let ours = repository.refname_to_id(&reference).map_err(WriteError::git("find the branch"))?;
    url_of(&repository, remote)?;
    let git = Git { repository: &repository, remote, branch };
    let theirs = git.theirs(&reference)?;
    if theirs == Some(ours) {
        return Ok(Pushed::UpToDate);
    }
    if let Some(theirs) = theirs {
        if repository.find_commit(theirs).is_err() {
            git.run(&["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--", remote, &reference])?;
        }
        check_theirs(&repository, &reference, theirs)?;
    }
    // With a lease: if it is no longer what was looked at, somebody else was faster.
    let seen = theirs.map_or_else(String::new, |id| id.to_string());
    let lease = format!("--force-with-lease={reference}:{seen}");
    let refspec = format!("{reference}:{reference}");
    git.run(&["push", "--porcelain", "--no-verify", &lease, "--", remote, &refspec])?;
    Ok(Pushed::Done)
}

/// The address of a remote, without user and password.
///
/// # Errors
/// There is no such remote.
pub fn remote_url(repository: &Path, remote: &str) -> Result<String, WriteError> {
    url_of(&open(repository)?, remote)
}

fn url_of(repository: &Repository, remote: &str) -> Result<String, WriteError> {
    let found = repository.find_remote(remote).map_err(|_| {
        WriteError::Push(format!("there is no remote `{remote}`; `git remote -v` lists them"))
    })?;
    Ok(without_password(found.url().unwrap_or_default()))
}

/// Refuses to replace commits that somebody else has made.
fn check_theirs(repository: &Repository, reference: &str, theirs: Oid) -> Result<(), WriteError> {
    let foreign = || {
        WriteError::Push(format!(
            "{reference} of the remote has commits that are not wa-fix's; choose another branch name"
        ))
    };
    let base = head(repository)?.id();
    let commits = beyond(repository, base, theirs).map_err(|_| foreign())?;
    let mut others = commits.iter().skip_while(|commit| is_own(commit));
    // Where the history is cut off, what the branch was made from may look like somebody's commit on it.
    let cut_off = repository.is_shallow() && commits.first().is_some_and(is_own);
    if cut_off || others.next().is_none() { Ok(()) } else { Err(foreign()) }
}

/// The installed git, asked about one branch of one remote.
struct Git<'g> {
    repository: &'g Repository,
    remote: &'g str,
    branch: &'g str,
}

impl Git<'_> {
    /// Where the branch stands on the remote.
    fn theirs(&self, reference: &str) -> Result<Option<Oid>, WriteError> {
        let output = self.run(&["ls-remote", "--", self.remote, reference])?;
        let text = String::from_utf8_lossy(&output.stdout);
        let line = text.lines().find_map(|line| line.strip_suffix(reference)?.strip_suffix('\t'));
        line.map(Oid::from_str).transpose().map_err(WriteError::git("read what the remote has"))
    }

    /// Runs git to its end, without any question to the user.
    fn run(&self, arguments: &[&str]) -> Result<Output, WriteError> {
        let folder = self.repository.workdir().unwrap_or_else(|| self.repository.path());
        let mut command = Command::new("git");
        command.current_dir(folder).env("GIT_TERMINAL_PROMPT", "0").env("LC_ALL", "C").stdin(Stdio::null());
        // A program of the user's own is left alone; `GIT_SSH_COMMAND` comes before this setting anyway.
        let configured = self.repository.config().is_ok_and(|it| it.get_string("core.sshCommand").is_ok());
        if !configured && std::env::var_os("GIT_SSH").is_none() {
            command.args(["-c", "core.sshCommand=ssh -o BatchMode=yes"]);
        }
        let output = command.args(arguments).output().map_err(|error| {
            WriteError::Push(format!("git cannot be started: {error}; install it, then push by hand"))
        })?;
        if output.status.success() { Ok(output) } else { Err(WriteError::Push(self.failure(&output))) }
    }

    /// What went wrong, and the next step.
    fn failure(&self, output: &Output) -> String {
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let lines = out.lines().filter(|line| line.starts_with('!')).chain(err.lines());
        let lines = lines.map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("hint:"));
        let said = without_password(&lines.collect::<Vec<_>>().join(" | ").replace('\t', " "));
        let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
        let (remote, branch) = (self.remote, self.branch);
        if has(&["(stale info)", "(fetch first)"]) {
            format!("somebody else pushed {branch} to {remote} at this moment ({said}); run this again")
        } else if has(&["[remote rejected]", "[rejected]"]) {
            format!("{remote} refuses the branch ({said}); push another name, or ask who keeps {remote}")
        } else if has(&[
            "terminal prompts disabled",
            "could not read Username",
            "could not read Password",
            "Authentication failed",
            "Permission denied",
            "Host key verification failed",
        ]) {
            format!(
                "{remote} asks who you are, and wa-fix never answers for you ({said}); push by hand: git push {remote} \
                 {branch}, or set up a credential helper, or a key in the ssh agent"
            )
        } else {
            format!("git fails: {said}; push by hand: git push {remote} {branch}")
        }
    }
}

/// A text in which no address has user and password.
fn without_password(text: &str) -> String {
    let mut parts = text.split("://");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| c == '/' || c.is_whitespace() || c == '\'').unwrap_or(part.len());
        let (place, rest) = part.split_at(end);
        let host =
            place.rsplit_once('@').map_or(place, |(who, host)| if who.contains(':') { host } else { place });
        out.push_str(&format!("://{host}{rest}"));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_not_told() {
        for (text, shown) in [
            ("https://me:secret@host/x.git", "https://host/x.git"),
            ("fatal: 'https://u:p@ss@host/x': no; http://a:b@c", "fatal: 'https://host/x': no; http://c"),
            ("ssh://git@host:22/x", "ssh://git@host:22/x"),
            ("git@host:x.git", "git@host:x.git"),
            ("https://host:8080/x", "https://host:8080/x"),
            ("/srv/git/x.git", "/srv/git/x.git"),
        ] {
            assert_eq!(without_password(text), shown);
        }
    }
}
