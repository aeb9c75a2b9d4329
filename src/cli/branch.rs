//! `apply --branch`: commits, the body of a pull request, the push, and where to open it.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Result;

use super::apply::commits;
use super::args::{ApplyArgs, CommitPer};
use super::compare::compare_url;
use super::proof::Planned;
use super::run::Run;
use crate::edit::{Commit, FileChange};
use crate::plan::{Plan, Trial};
use crate::prove::bench::Outcome;
use crate::prove::{Bench, ProofError};
use crate::report::pull_request;
use crate::write::{BranchOptions, Note, Pushed, TRAILER, create_branch, push, remote_url};

/// Makes or renews the branch, and delivers it as far as the options ask.
pub(super) fn deliver(run: &Run, args: &ApplyArgs, name: &str, planned: &mut Planned) -> Result<()> {
    let mut err = std::io::stderr().lock();
    let mut commits = grouped(run, args.commit_per, planned);
    if commits.is_empty() {
        writeln!(err, "note: there is nothing to commit; {name} was left as it is")?;
        return Ok(());
    }
    if let Some(bench) = &mut planned.bench {
        let (proven, notes) = each_passes(commits, bench)?;
        commits = proven;
        for note in notes {
            writeln!(err, "note: {note}")?;
        }
    }
    let made =
        create_branch(&run.root, name, &commits, BranchOptions { update: true, ..Default::default() })?;
    for note in &made.notes {
        writeln!(err, "note: {note}")?;
    }
    if let Some(file) = &args.pr_body {
        let body =
            pull_request::body(&planned.plan, &commits, planned.proof.as_ref(), run.options.min_impact);
        crate::write::output(file, body.as_bytes())?;
    }
    let Some(remote) = &args.push else { return Ok(()) };
    let is_new = !made.notes.iter().any(|note| matches!(note, Note::UpToDate(_)));
    match push(&run.root, remote, name)? {
        Pushed::Done => writeln!(err, "note: pushed {name} to {remote}")?,
        Pushed::UpToDate => writeln!(err, "note: {remote} has {name} as it is; nothing was pushed")?,
    }
    if args.open {
        let title = match commits.as_slice() {
            [only] => only.title.clone(),
            _ => "Well-Architected fixes".to_owned(),
        };
        writeln!(err, "note: {}", open(&run.root, remote, name, &title, args.pr_body.as_deref(), is_new)?)?;
    }
    Ok(())
}

/// The commits of a plan.
fn grouped(run: &Run, per: CommitPer, planned: &Planned) -> Vec<Commit> {
    match per {
        CommitPer::Rule => commits(&planned.plan),
        CommitPer::All => all_in_one(&planned.plan),
        CommitPer::Finding => by_finding(run, planned).unwrap_or_else(|| commits(&planned.plan)),
    }
}

fn all_in_one(plan: &Plan) -> Vec<Commit> {
    let parts = commits(plan);
    if parts.len() < 2 {
        return parts;
    }
    let title = format!("Apply Well-Architected fixes of {} rules", parts.len());
    let lines: Vec<String> = parts.iter().map(|part| format!("* {}\n", part.title)).collect();
    let body = format!("{}\n{TRAILER} all\n", lines.concat());
    vec![Commit { title, body, changes: plan.changes.clone() }]
}

/// One commit for each fix; `None` where the fixes one by one do not make what they make together.
fn by_finding(run: &Run, planned: &Planned) -> Option<Vec<Commit>> {
    let mut made = Vec::new();
    let mut only = std::collections::BTreeSet::new();
    let mut state: BTreeMap<PathBuf, FileChange> = BTreeMap::new();
    for step in &planned.plan.steps {
        for (fixed, title) in step.fixed.iter().zip(&step.titles) {
            only.insert(fixed.clone());
            let trial = Trial { backed_out: planned.trial.backed_out.clone(), only: Some(only.clone()) };
            let next = run.plan_with(&trial).changes;
            let changes = difference(&state, &next)?;
            state = next.into_iter().map(|change| (change.file.clone(), change)).collect();
            let part = crate::plan::Step {
                rule: step.rule,
                titles: vec![title.clone()],
                fixed: vec![fixed.clone()],
                changes,
                made: Vec::new(),
            };
            made.extend(commits(&Plan { steps: vec![part], ..Plan::default() }));
        }
    }
    let same = planned.plan.changes.iter().all(|change| state.get(&change.file) == Some(change));
    (same && state.len() == planned.plan.changes.len()).then_some(made)
}

/// What leads from one state to the next; `None` where a file of the first is not in the second.
fn difference(from: &BTreeMap<PathBuf, FileChange>, to: &[FileChange]) -> Option<Vec<FileChange>> {
    let kept = from.keys().all(|file| to.iter().any(|change| change.file == *file));
    kept.then(|| {
        to.iter()
            .filter(|change| from.get(&change.file).is_none_or(|was| was.after != change.after))
            .map(|change| {
                let was = from.get(&change.file).map(|was| was.after.clone());
                FileChange { before: was.or_else(|| change.before.clone()), ..change.clone() }
            })
            .collect()
    })
}

/// Commits of which each passes the checks by itself: one that does not is joined with the next.
pub(super) fn each_passes(
    commits: Vec<Commit>,
    bench: &mut dyn Bench,
) -> Result<(Vec<Commit>, Vec<String>), ProofError> {
    let (mut made, mut notes) = (Vec::new(), Vec::new());
    let mut state: BTreeMap<PathBuf, FileChange> = BTreeMap::new();
    let mut open: Option<Commit> = None;
    let number = commits.len();
    for (nth, commit) in commits.into_iter().enumerate() {
        carry(&mut state, &commit.changes);
        let commit = match open.take() {
            Some(former) => {
                notes.push(format!(
                    "`{}` and `{}` pass only together: they are one commit",
                    former.title, commit.title
                ));
                joined(former, &commit)
            }
            None => commit,
        };
        let changes: Vec<FileChange> = state.values().cloned().collect();
        let is_last = nth + 1 == number;
        if is_last || matches!(bench.try_out(&changes)?, Outcome::Passed(_)) {
            made.push(commit);
        } else {
            open = Some(commit);
        }
    }
    Ok((made, notes))
}

/// Adds changes to those that were made before.
fn carry(state: &mut BTreeMap<PathBuf, FileChange>, changes: &[FileChange]) {
    for change in changes {
        state
            .entry(change.file.clone())
            .and_modify(|held| held.after = change.after.clone())
            .or_insert_with(|| change.clone());
    }
}

fn joined(first: Commit, second: &Commit) -> Commit {
    let mut state = BTreeMap::new();
    carry(&mut state, &first.changes);
    carry(&mut state, &second.changes);
    let body = format!("{}\n{}\n\n{}", first.body, second.title, second.body);
    Commit { title: first.title, body, changes: state.into_values().collect() }
}

/// Opens the pull request with the platform's own program, else says where a person can.
fn open(
    root: &Path,
    remote: &str,
    branch: &str,
    title: &str,
    body: Option<&Path>,
    is_new: bool,
) -> Result<String> {
    let url = remote_url(root, remote)?;
    let body = body.map(std::fs::canonicalize).transpose()?;
    let text = body.as_deref().map(std::fs::read_to_string).transpose()?.unwrap_or_default();
    let mut command = if url.contains("github") {
        let mut gh = Command::new("gh");
        gh.args(["pr", "create", "--head", branch, "--title", title, "--body", &text]);
        gh
    } else {
        let mut glab = Command::new("glab");
        glab.args([
            "mr",
            "create",
            "--yes",
            "--source-branch",
            branch,
            "--title",
            title,
            "--description",
            &text,
        ]);
        glab
    };
    let has_program = url.contains("github") || url.contains("gitlab");
    if has_program && is_new {
        let done = command.current_dir(root).stdin(Stdio::null()).output();
        if let Ok(output) = done
            && output.status.success()
        {
            return Ok(format!("opened {}", String::from_utf8_lossy(&output.stdout).trim()));
        }
    }
    Ok(match compare_url(&url, branch) {
        Some(page) => format!("open the pull request at {page}"),
        None => format!(
            "{remote} ({url}) has no page for pull requests that wa-fix knows; merge {branch} by hand"
        ),
    })
}
