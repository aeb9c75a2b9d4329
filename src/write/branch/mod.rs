//! Writing to a new git branch: commits made of git objects alone. The working tree, the index and
//! `HEAD` are not touched, no hook runs, and the branch appears last or not at all.

mod occupied;
mod push;
mod tracked;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use git2::build::TreeUpdateBuilder;
use git2::{Branch, BranchType, ErrorCode, Oid, Repository, Signature};

pub use self::push::{Pushed, push, remote_url};
use self::tracked::{Overlay, Snapshot};
use super::error::WriteError;
use crate::edit::Commit;

/// How to make the branch.
#[derive(Debug, Clone, Copy, Default)]
pub struct BranchOptions<'a> {
    /// Written to the branch's reflog; `None` for the usual message.
    pub reflog: Option<&'a str>,
    /// A branch of this name that has only commits of wa-fix is made anew instead of refused.
    pub update: bool,
}

/// The trailer of every commit of wa-fix: what it does not stand in is somebody's own.
pub const TRAILER: &str = "Wa-Fix:";

/// A branch that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BranchResult {
    /// Its name.
    pub name: String,
    /// The commit that it starts from, in hexadecimal.
    pub base: String,
    /// Its commits, oldest first.
    pub commits: Vec<MadeCommit>,
    /// What the user should know.
    pub notes: Vec<Note>,
}

/// A commit that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeCommit {
    /// Its id, in hexadecimal.
    pub id: String,
    /// Its first line.
    pub title: String,
    /// The files that it changes, relative to the top of the repository.
    pub paths: Vec<String>,
}

/// Something that the user should know about a branch.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Note {
    /// `commit.gpgsign` is set, and these commits are not signed.
    Unsigned,
    /// A new file matches a `.gitignore`.
    Ignored(String),
    /// A commit would have changed nothing, so it was left out.
    LeftOut(String),
    /// The branch has these commits already.
    UpToDate(String),
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsigned => f.write_str(
                "commit.gpgsign is set, but these commits are not signed; \
                 sign them with `git rebase --exec 'git commit --amend --no-edit -S'`",
            ),
            Self::Ignored(path) => write!(f, "{path} is ignored by git, and committed all the same"),
            Self::LeftOut(title) => write!(f, "left out the commit `{title}`, which changes nothing"),
            Self::UpToDate(name) => {
                write!(f, "the branch {name} has these commits already; it stays as it is")
            }
        }
    }
}

/// Makes the branch `name` from `HEAD` with one commit for each of `commits`.
///
/// `repository` is any path inside the repository. Each file must stand in the last commit as the
/// plan read it from disk, after the filters that `git add` would use: otherwise somebody's
/// uncommitted change would be committed with ours. `HEAD` may be detached, the worktree linked.
///
/// # Errors
/// A [`WriteError`] that names every file in the way; no branch exists then.
pub fn create_branch(
    repository: &Path,
    name: &str,
    commits: &[Commit],
    options: BranchOptions<'_>,
) -> Result<BranchResult, WriteError> {
    let repository = open(repository)?;
    let head = head(&repository)?;
    let former = match check_name(&repository, name)? {
        Some(tip) if options.update => Some(own(&repository, name, &head, tip)?),
        Some(_) => return Err(taken(name)),
        None => None,
    };
    let signatures = Signatures::of(&repository)?;
    let snapshot = Snapshot::new(&repository, &head)?;
    let mut result =
        BranchResult { name: name.to_owned(), base: head.id().to_string(), commits: vec![], notes: vec![] };
    let mut overlay = Overlay::default();
    let mut parent = head;
    for commit in commits {
        let files = snapshot.store(commit, &mut overlay, &mut result.notes)?;
        let Some(made) = write_commit(&repository, &parent, commit, &files, &signatures)? else {
            result.notes.push(Note::LeftOut(commit.title.clone()));
            continue;
        };
        let (id, title, paths) = (made.id().to_string(), commit.title.clone(), files.into_keys().collect());
        result.commits.push(MadeCommit { id, title, paths });
        parent = made;
    }
    if result.commits.is_empty() {
        return Err(WriteError::Branch("there is nothing to commit".to_owned()));
    }
    if repository.config().and_then(|config| config.get_bool("commit.gpgsign")).unwrap_or(false) {
        result.notes.push(Note::Unsigned);
    }
    let message = options.reflog.unwrap_or("branch: Created by wa-fix from HEAD");
    let base = Oid::from_str(&result.base).map_err(WriteError::git("read HEAD"))?;
    if former.as_ref().is_some_and(|former| is_same(former, base, &parent)) {
        result.notes.push(Note::UpToDate(name.to_owned()));
        return Ok(result);
    }
    repository
        .reference(&format!("refs/heads/{name}"), parent.id(), former.is_some(), message)
        .map_err(WriteError::git("create the branch"))?;
    Ok(result)
}

/// The repository around a path, if it has a working tree.
fn open(path: &Path) -> Result<Repository, WriteError> {
    let repository = Repository::discover(path).map_err(|source| match source.code() {
        ErrorCode::NotFound => WriteError::Branch(format!(
            "{} is not in a git repository; run `git init` and commit, or apply to the working tree",
            path.display()
        )),
        _ => WriteError::Git { what: "open the repository", source },
    })?;
    if repository.is_bare() {
        let bare = "the repository is bare and has no files to read; run wa-fix in a clone or worktree of it";
        return Err(WriteError::Branch(bare.to_owned()));
    }
    Ok(repository)
}

/// Refuses names that git refuses; where a branch of the name stands.
fn check_name(repository: &Repository, name: &str) -> Result<Option<Oid>, WriteError> {
    // libgit2 lets these two through; git itself reads them as the current commit.
    let is_head = matches!(name, "@" | "HEAD");
    if is_head || !Branch::name_is_valid(name).map_err(WriteError::git("check the branch name"))? {
        return Err(WriteError::Branch(format!(
            "`{name}` is not a valid branch name; see `git check-ref-format --help`"
        )));
    }
    match repository.find_branch(name, BranchType::Local) {
        Ok(branch) => Ok(branch.get().target()),
        Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
        Err(source) => Err(WriteError::Git { what: "look for the branch", source }),
    }
}

fn taken(name: &str) -> WriteError {
    WriteError::Branch(format!(
        "the branch `{name}` exists already; choose another name or remove it with `git branch -D {name}`"
    ))
}

/// The commits of a branch that are not in `HEAD`, newest first, if all of them are wa-fix's.
fn own<'r>(
    repository: &'r Repository,
    name: &str,
    head: &git2::Commit<'r>,
    tip: Oid,
) -> Result<Vec<git2::Commit<'r>>, WriteError> {
    if let Some(tree) = occupied::holder(repository, name) {
        return Err(WriteError::Branch(format!(
            "the branch `{name}` is checked out in {}; switch to another one there, or choose another name",
            tree.display()
        )));
    }
    let commits = beyond(repository, head.id(), tip).map_err(WriteError::git("read the branch"))?;
    let merged = || repository.find_commit(tip).is_ok_and(|commit| is_own(&commit));
    match commits.iter().find(|commit| !is_own(commit)) {
        // A branch that wa-fix never wrote to is somebody's, though nothing of it would be lost.
        None if commits.is_empty() && !merged() => Err(taken(name)),
        None => Ok(commits),
        Some(other) => Err(WriteError::Branch(format!(
            "the branch `{name}` has commits that are not wa-fix's ({}); choose another name",
            other.summary().ok().flatten().unwrap_or("without a title")
        ))),
    }
}

/// The commits that lead to `tip` and not to `base`, newest first.
fn beyond(repository: &Repository, base: Oid, tip: Oid) -> Result<Vec<git2::Commit<'_>>, git2::Error> {
    let mut walk = repository.revwalk()?;
    walk.set_sorting(git2::Sort::TOPOLOGICAL)?;
    walk.push(tip)?;
    walk.hide(base)?;
    walk.map(|id| repository.find_commit(id?)).collect()
}

fn is_own(commit: &git2::Commit<'_>) -> bool {
    commit.message().is_ok_and(|message| message.lines().any(|line| line.starts_with(TRAILER)))
}

/// Whether a branch has the commits already that were made: the same trees and messages on the same base.
fn is_same(former: &[git2::Commit<'_>], base: Oid, made: &git2::Commit<'_>) -> bool {
    let mut next = Some(made.clone());
    for old in former {
        let Some(new) = next else { return false };
        if old.tree_id() != new.tree_id() || old.message_bytes() != new.message_bytes() {
            return false;
        }
        next = new.parent(0).ok();
        if old.parent_id(0).ok() == Some(base) {
            return next.is_some_and(|parent| parent.id() == base);
        }
    }
    false
}

/// The commit that `HEAD` stands on.
fn head(repository: &Repository) -> Result<git2::Commit<'_>, WriteError> {
    let head = repository.head().map_err(|source| match source.code() {
        ErrorCode::UnbornBranch => WriteError::Branch(
            "the repository has no commit yet; make the first commit, then run this again".to_owned(),
        ),
        _ => WriteError::Git { what: "read HEAD", source },
    })?;
    head.peel_to_commit().map_err(WriteError::git("read HEAD"))
}

/// Who the commits are by.
struct Signatures {
    author: Signature<'static>,
    committer: Signature<'static>,
}

impl Signatures {
    /// As `git commit` finds them: `GIT_AUTHOR_NAME` and its like, else the configuration.
    fn of(repository: &Repository) -> Result<Self, WriteError> {
        let found = repository.author_from_env().and_then(|author| {
            let committer = repository.committer_from_env()?;
            Ok(Self { author, committer })
        });
        found.map_err(|error| {
            WriteError::Branch(format!(
                "git does not know who you are ({}); run `git config user.name 'Your Name'` and \
                 `git config user.email you@example.com`",
                error.message()
            ))
        })
    }
}

/// Writes one commit; `None` if it would change nothing.
fn write_commit<'r>(
    repository: &'r Repository,
    parent: &git2::Commit<'r>,
    commit: &Commit,
    files: &BTreeMap<String, tracked::Stored>,
    signatures: &Signatures,
) -> Result<Option<git2::Commit<'r>>, WriteError> {
    let before = parent.tree().map_err(WriteError::git("read the last commit"))?;
    let mut update = TreeUpdateBuilder::new();
    for (path, stored) in files {
        update.upsert(path.as_str(), stored.id, stored.mode);
    }
    let tree = update.create_updated(repository, &before).map_err(WriteError::git("write the tree"))?;
    if tree == before.id() {
        return Ok(None);
    }
    let tree = repository.find_tree(tree).map_err(WriteError::git("write the tree"))?;
    let message = git2::message_prettify(format!("{}\n\n{}\n", commit.title, commit.body), None)
        .map_err(WriteError::git("write the commit message"))?;
    repository
        .commit(None, &signatures.author, &signatures.committer, &message, &tree, &[parent])
        .and_then(|id| repository.find_commit(id))
        .map(Some)
        .map_err(WriteError::git("write the commit"))
}

/// A name for a branch that no branch of the repository has: the wanted one, else with a number.
pub fn free_branch(repository: &Path, wanted: &str) -> String {
    let Ok(repository) = open(repository) else { return wanted.to_owned() };
    let is_free = |name: &String| repository.find_branch(name, git2::BranchType::Local).is_err();
    std::iter::once(wanted.to_owned())
        .chain((2..1000).map(|number| format!("{wanted}-{number}")))
        .find(is_free)
        .unwrap_or_else(|| wanted.to_owned())
}
