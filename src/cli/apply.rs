//! `apply` and `undo`.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};

use super::args::{ApplyArgs, UndoArgs};
use super::proof::{self, Planned};
use super::run::{Environment, Run, frames};
use super::{branch, plan};
use crate::edit::Commit;
use crate::plan::Plan;
use crate::plan::apps::app_root;
use crate::prove::Verdict;
use crate::report::Command as Kind;
use crate::rule::HAZARDS;
use crate::rule::section;
use crate::write::{ApplyOptions, BranchOptions, StateDir, TRAILER, create_branch, require_clean};

/// Writes the plan to the working tree or to a branch, then reports.
pub(super) fn apply(args: &ApplyArgs, environment: &Environment) -> Result<u8> {
    if let Some(file) = &args.pr_body {
        crate::write::check_output(file)?;
    }
    let (run, mut planned) = if let Some(file) = plan::file_of(args)? {
        plan::reviewed(args, file, environment)?
    } else {
        let run = Run::prepare(&args.run)?;
        let planned = proof::planned(&run, &args.run, environment)?;
        (run, planned)
    };
    // Code frames show the text that the findings are about, so it is read before it changes.
    let texts = frames(&planned.plan, &run, args.run.format);
    let kind = match &args.branch {
        // A project that fails before any fix: the report says so.
        _ if planned.proof.as_ref().is_some_and(|proof| proof.verdict == Verdict::FailedBefore) => Kind::Scan,
        Some(name) => {
            branch::deliver(&run, args, name, &mut planned)?;
            Kind::Branch(name.clone())
        }
        None => {
            write(&run.root, &planned.plan, args.allow_dirty, environment)?;
            Kind::Apply
        }
    };
    let Planned { plan, proof, .. } = planned;
    let counts = run.print(&args.run, environment, &kind, &plan, proof.as_ref(), &texts)?;
    Ok(run.exit_code(&counts, proof.as_ref(), &args.run))
}

/// Writes a plan to the working tree, all of it or nothing.
pub(super) fn write(root: &Path, plan: &Plan, allow_dirty: bool, environment: &Environment) -> Result<()> {
    if plan.changes.is_empty() {
        return Ok(());
    }
    if !allow_dirty {
        require_clean(&plan.changes)?;
    }
    let state = StateDir::locate(&environment.state_home, root)?;
    let applied = crate::write::apply(root, &plan.changes, ApplyOptions { state: &state, on_step: None })?;
    for recovery in &applied.recovered {
        let files = recovery.restored.len();
        writeln!(std::io::stderr(), "note: an interrupted run was put back first ({files} files)")?;
    }
    Ok(())
}

/// Writes commits to a new branch; what is to be said of them.
pub(super) fn branch_of(root: &Path, name: &str, commits: &[Commit]) -> Result<Vec<String>> {
    let made = create_branch(root, name, commits, BranchOptions::default())?;
    Ok(made.notes.iter().map(ToString::to_string).collect())
}

/// One commit for each rule, with a message that says what, why and what to check.
pub(super) fn commits(plan: &Plan) -> Vec<Commit> {
    plan.steps
        .iter()
        .map(|step| {
            let rule = step.rule;
            let titles = &step.titles;
            let subject = match titles.as_slice() {
                [] => rule.title.to_owned(),
                [only] => only.clone(),
                [first, others @ ..] => format!("{first} and {} more", others.len()),
            };
            // Git's own limit for a first line that every tool shows whole.
            let fits = subject.chars().count() + rule.id.len() + 3 <= 72;
            let title = format!("{} ({})", if fits { &subject } else { rule.title }, rule.id);
            let mut body = String::new();
            for line in titles {
                body.push_str(&format!("* {line}\n"));
            }
            let numbers =
                std::iter::once(rule.id).chain(rule.also.iter().copied()).collect::<Vec<_>>().join(", ");
            body.push_str(&format!(
                "\nWhy: {}. Well-Architected {}, pillar {}, items {numbers}; impact {}, tier {}.\n",
                rule.title, rule.practice, rule.pillar, rule.impact, rule.tier
            ));
            if let Some(check) = section(&rule.documentation(), HAZARDS) {
                body.push_str(&format!("\nCheck before deploying:\n{check}\n"));
            }
            body.push_str(&format!("\n{TRAILER} {numbers}\n"));
            Commit { title, body, changes: step.changes.clone() }
        })
        .collect()
}

/// Puts the last apply back.
pub(super) fn undo(args: &UndoArgs, environment: &Environment) -> Result<u8> {
    let path = args.path.clone().unwrap_or_else(|| PathBuf::from("."));
    let place = std::fs::canonicalize(&path)
        .map_err(|error| anyhow!("{}: {error}; name a path of the project", path.display()))?;
    let root = app_root(&place).unwrap_or(place);
    let state = StateDir::locate(&environment.state_home, &root)?;
    let undone = crate::write::undo(&state, None)?;
    if !args.quiet {
        let mut err = std::io::stderr().lock();
        writeln!(
            err,
            "put back: {} files restored, {} created files removed",
            undone.restored.len(),
            undone.removed.len()
        )?;
        for file in undone.restored.iter().chain(&undone.removed) {
            writeln!(err, "  {}", file.display())?;
        }
    }
    Ok(0)
}
