//! Where a branch is checked out: in this working tree, in the main one, or in a linked one.

use std::fs;
use std::path::{Path, PathBuf};

use git2::Repository;

/// The working tree that has a branch checked out, or is in the middle of rebasing it. One that is gone from the disk still has
/// it until `git worktree prune`.
pub(super) fn holder(repository: &Repository, name: &str) -> Option<PathBuf> {
    let common = repository.commondir();
    let main = Repository::open(common).ok().filter(|main| !main.is_bare());
    let main = main.and_then(|main| Some((common.to_owned(), main.workdir()?.to_owned())));
    let linked = fs::read_dir(common.join("worktrees")).into_iter().flatten().filter_map(|entry| {
        let home = entry.ok()?.path();
        let link = fs::read_to_string(home.join("gitdir")).ok()?;
        Some((home, Path::new(link.trim_end()).parent()?.to_owned()))
    });
    let reference = format!("refs/heads/{name}");
    main.into_iter().chain(linked).find(|(home, _)| has(home, &reference)).map(|(_, tree)| tree)
}

/// Whether the git directory of a working tree says that it works on a branch.
fn has(home: &Path, reference: &str) -> bool {
    let says = |file: &str, before: &str| {
        let text = fs::read_to_string(home.join(file)).unwrap_or_default();
        text.trim_end().strip_prefix(before) == Some(reference)
    };
    says("HEAD", "ref: ") || says("rebase-merge/head-name", "") || says("rebase-apply/head-name", "")
}
