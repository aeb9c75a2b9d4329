//! Which lines changed since a commit, or are staged. Renamed files count with their changed lines only, untracked ones whole.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use git2::{Diff, DiffFindOptions, DiffOptions, Repository};

/// Lines (from 1) of files as they are on disk, by absolute path.
pub type ChangedLines = BTreeMap<PathBuf, Vec<Range<usize>>>;

/// One hunk: old lines, new lines; both from 1.
type Hunk = (Range<usize>, Range<usize>);

/// The lines that changed since a revision left the history of HEAD, those not committed included.
///
/// # Errors
/// A sentence: there is no repository, or no such revision in it.
pub fn since(root: &Path, revision: &str) -> Result<ChangedLines, String> {
    let repository = open(root, "--since")?;
    let there = repository.revparse_single(revision).and_then(|object| object.peel_to_commit()).map_err(
        |error| {
            format!(
                "--since {revision}: {}; name a commit, branch or tag of this repository (a shallow clone lacks older ones: \
                 fetch with --unshallow)",
                error.message()
            )
        },
    )?;
    let work = || -> Result<ChangedLines, git2::Error> {
        // What others did since on the other branch is no change of this one.
        let head = repository.head().and_then(|head| head.peel_to_commit());
        let base = head
            .and_then(|head| repository.merge_base(there.id(), head.id()))
            .and_then(|id| repository.find_commit(id))
            .unwrap_or_else(|_| there.clone());
        let mut diff =
            repository.diff_tree_to_workdir_with_index(Some(&base.tree()?), Some(&mut options()))?;
        Ok(lines(&repository, &hunks(&mut diff)?))
    };
    work().map_err(|error| format!("--since {revision}: {}", error.message()))
}

/// The lines that are staged, where they stand on disk.
///
/// # Errors
/// A sentence: there is no repository, or git cannot read it.
pub fn staged(root: &Path) -> Result<ChangedLines, String> {
    let repository = open(root, "--staged")?;
    let work = || -> Result<ChangedLines, git2::Error> {
        // Before the first commit, everything is new.
        let head = repository.head().and_then(|head| head.peel_to_tree()).ok();
        let mut staged = repository.diff_tree_to_index(head.as_ref(), None, Some(&mut options()))?;
        let mut staged = hunks(&mut staged)?;
        let mut later = repository.diff_index_to_workdir(None, Some(&mut options()))?;
        for (path, moves) in hunks(&mut later)? {
            if let Some(own) = staged.get_mut(&path) {
                for (_, new) in own.iter_mut() {
                    *new = moved(new.start, &moves).start..moved(new.end.saturating_sub(1), &moves).end;
                }
            }
        }
        Ok(lines(&repository, &staged))
    };
    work().map_err(|error| format!("--staged: {}", error.message()))
}

fn open(root: &Path, option: &str) -> Result<Repository, String> {
    Repository::discover(root)
        .map_err(|_| format!("{option}: {} is in no git repository; leave the option out", root.display()))
}

fn options() -> DiffOptions {
    let mut options = DiffOptions::new();
    options
        .context_lines(0)
        .include_untracked(true)
        .recurse_untracked_dirs(true)
        .show_untracked_content(true);
    options
}

/// The hunks of a diff, renames followed, by new path.
fn hunks(diff: &mut Diff<'_>) -> Result<BTreeMap<PathBuf, Vec<Hunk>>, git2::Error> {
    diff.find_similar(Some(DiffFindOptions::new().renames(true).for_untracked(true)))?;
    let found: RefCell<BTreeMap<PathBuf, Vec<Hunk>>> = RefCell::default();
    diff.foreach(
        &mut |_, _| true,
        None,
        Some(&mut |delta, hunk| {
            if let Some(path) = delta.new_file().path() {
                let old = around(hunk.old_start(), hunk.old_lines());
                let new = around(hunk.new_start(), hunk.new_lines());
                found.borrow_mut().entry(path.to_owned()).or_default().push((old, new));
            }
            true
        }),
        None,
    )?;
    Ok(found.into_inner())
}

/// The lines of one side of a hunk. Where lines went, the two that met are the change.
fn around(start: u32, count: u32) -> Range<usize> {
    let (start, count) = (start as usize, count as usize);
    if count == 0 { start.max(1)..start + 2 } else { start..start + count }
}

/// Where a line of the index stands on disk: within a later change, the lines of that change.
fn moved(line: usize, moves: &[Hunk]) -> Range<usize> {
    let mut result = line..line + 1;
    for (old, new) in moves {
        if old.contains(&line) {
            return new.clone();
        }
        if old.end <= line {
            let at = (line + new.end).saturating_sub(old.end);
            result = at..at + 1;
        }
    }
    result
}

fn lines(repository: &Repository, hunks: &BTreeMap<PathBuf, Vec<Hunk>>) -> ChangedLines {
    let Some(top) = repository.workdir() else { return ChangedLines::new() };
    let top = std::fs::canonicalize(top).unwrap_or_else(|_| top.to_owned());
    hunks
        .iter()
        .map(|(path, hunks)| (top.join(path), hunks.iter().map(|(_, new)| new.clone()).collect()))
        .collect()
}
