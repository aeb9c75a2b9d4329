//! Writing to a new git branch: commits made of git objects alone. The working tree, the index and
//! `HEAD` are not touched, no hook runs, and the branch appears last or not at all.

mod tracked;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use git2::build::TreeUpdateBuilder;
use git2::{Branch, BranchType, ErrorCode, Repository, Signature};

use self::tracked::{Overlay, Snapshot};
use super::error::WriteError;
use crate::edit::Commit;

/// How to make the branch.
#[derive(Debug, Clone, Copy, Default)]
pub struct BranchOptions<'a> {
    /// Written to the branch's reflog; `None` for the usual message.
    pub reflog: Option<&'a str>,
}

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
    check_name(&repository, name)?;
    let head = head(&repository)?;
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
    repository
        .reference(&format!("refs/heads/{name}"), parent.id(), false, message)
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

/// Refuses names that git refuses, and names that are taken.
fn check_name(repository: &Repository, name: &str) -> Result<(), WriteError> {
    // libgit2 lets these two through; git itself reads them as the current commit.
    let is_head = matches!(name, "@" | "HEAD");
    if is_head || !Branch::name_is_valid(name).map_err(WriteError::git("check the branch name"))? {
        return Err(WriteError::Branch(format!(
            "`{name}` is not a valid branch name; see `git check-ref-format --help`"
        )));
    }
    match repository.find_branch(name, BranchType::Local) {
        Ok(_) => Err(WriteError::Branch(format!(
            "the branch `{name}` exists already; choose another name or remove it with `git branch -D {name}`"
        ))),
        Err(error) if error.code() == ErrorCode::NotFound => Ok(()),
        Err(source) => Err(WriteError::Git { what: "look for the branch", source }),
    }
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
