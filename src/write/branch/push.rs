//! Pushing a branch, and never over somebody's own commits.

use std::path::Path;
use std::process::{Command, Stdio};

use git2::{Direction, Oid, PushOptions, RemoteCallbacks, Repository};

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
/// Local and `file://` remotes are spoken to by libgit2; all others by the installed git, which knows the user's keys,
/// agents and credential helpers.
///
/// # Errors
/// A [`WriteError`] that says what stands in the way.
pub fn push(repository: &Path, remote: &str, branch: &str) -> Result<Pushed, WriteError> {
    let repository = open(repository)?;
    let reference = format!("refs/heads/{branch}");
    let ours = repository.refname_to_id(&reference).map_err(WriteError::git("find the branch"))?;
    let url = url_of(&repository, remote)?;
    if is_local(&url) {
        by_library(&repository, remote, &reference, ours)
    } else {
        by_git(&repository, remote, &reference)
    }
}

/// The address of a remote.
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
    Ok(found.url().unwrap_or_default().to_owned())
}

/// A path or a `file://` address; `host:path` is neither.
fn is_local(url: &str) -> bool {
    url.starts_with("file://") || url.starts_with(['/', '.']) || !url.contains(':')
}

fn by_library(
    repository: &Repository,
    remote: &str,
    reference: &str,
    ours: Oid,
) -> Result<Pushed, WriteError> {
    let mut remote = repository.find_remote(remote).map_err(WriteError::git("find the remote"))?;
    remote.connect(Direction::Push).map_err(WriteError::git("connect to the remote"))?;
    let heads = remote.list().map_err(WriteError::git("list the remote's branches"))?;
    let theirs = heads.iter().find(|head| head.name() == reference).map(git2::RemoteHead::oid);
    if theirs == Some(ours) {
        return Ok(Pushed::UpToDate);
    }
    if let Some(theirs) = theirs {
        check_theirs(repository, reference, theirs)?;
    }
    let mut refused = None;
    let mut callbacks = RemoteCallbacks::new();
    callbacks.push_update_reference(|_, status| {
        refused = status.map(str::to_owned);
        Ok(())
    });
    let mut options = PushOptions::new();
    options.remote_callbacks(callbacks);
    remote
        .push(&[format!("+{reference}:{reference}")], Some(&mut options))
        .map_err(WriteError::git("push the branch"))?;
    drop(options);
    match refused {
        None => Ok(Pushed::Done),
        Some(why) => Err(WriteError::Push(format!("the remote refuses the branch: {why}"))),
    }
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
    if commits.iter().all(is_own) { Ok(()) } else { Err(foreign()) }
}

/// With a lease: what the remote has must be what this repository last saw there.
fn by_git(repository: &Repository, remote: &str, reference: &str) -> Result<Pushed, WriteError> {
    let folder = repository.workdir().unwrap_or_else(|| repository.path());
    let output = Command::new("git")
        .current_dir(folder)
        .args([
            "push",
            "--porcelain",
            "--force-with-lease",
            "--",
            remote,
            &format!("{reference}:{reference}"),
        ])
        .stdin(Stdio::null())
        .output()
        .map_err(|error| {
            WriteError::Push(format!("git cannot be started: {error}; install it, then push by hand"))
        })?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let said =
            said.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" | ");
        return Err(WriteError::Push(format!("git push fails: {said}; push by hand: git push {remote}")));
    }
    let said = String::from_utf8_lossy(&output.stdout);
    Ok(if said.contains("[up to date]") { Pushed::UpToDate } else { Pushed::Done })
}
