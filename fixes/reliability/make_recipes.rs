//! Part of 2.6: recipes of a Makefile that a build calls, whose failure counts as success.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::missing_script::{Missing, home};
use super::wa_2_6_pipeline_swallows_failures::{HOOKS, list, place};
use crate::detect::Findings;
use crate::model::meaning::has_word;
use crate::model::{Command, Model, Runner};
use crate::rule::{Impact, Meta, Tier};
use crate::syntax::make::{MAKEFILES, MakeCall, Makefile, RecipeLine};
use crate::syntax::shell::{Defaults, Masked, ShellEdit, final_check, folder_at, masked, programs};
use crate::syntax::{Literal, Syn};

/// A Makefile that a build reads.
struct Read {
    path: PathBuf,
    text: Arc<str>,
    file: Makefile,
}

/// Reports the recipes that a command runs through make and that throw the result of a check away.
pub(super) fn check<'a>(
    meta: &'static Meta,
    model: &Model<'a>,
    node: Syn<'a>,
    literal: &Literal,
    out: &mut Findings<'a>,
) -> Option<()> {
    if !has_word(&literal.text, "make") {
        return None;
    }
    let calls = programs(&literal.text)?;
    calls.iter().any(|program| MakeCall::of(program).is_some()).then_some(())?;
    let command = model.command(node)?;
    if command.runner == Runner::PackageScript && HOOKS.contains(&command.owner.as_str()) {
        return None;
    }
    let home = home_of(model, node, &command)?;
    for program in &calls {
        let Some(call) = MakeCall::of(program) else { continue };
        let Some(before) = folder_at(&literal.text, program.span.start) else { continue };
        let mut folder = before.map_or_else(|| home.clone(), |folder| home.join(folder));
        if let Some(other) = call.folder {
            folder.push(other);
        }
        let written = literal.source(&program.span).and_then(|span| node.file.text.get(span));
        if let (Some(read), Some(written)) = (makefile(model, &folder), written) {
            report(meta, model, (node, &command, written), (&read, &folder), &call, out);
        }
    }
    Some(())
}

/// The folder that a command runs in: for workflows the repository's, which is then the app's as well.
fn home_of(model: &Model<'_>, node: Syn<'_>, command: &Command<'_>) -> Option<PathBuf> {
    let home = home(model, node, command)?;
    if command.runner == Runner::PackageScript {
        return Some(home);
    }
    // Where the app is a part of the repository, a build may run in either folder.
    let above = || model.app.folders_to_top().skip(1).any(|folder| name_in(model, folder).is_some());
    (!node.file.text.contains("working-directory") && !above()).then_some(home)
}

/// The Makefile of a folder, by the name that make takes.
fn name_in(model: &Model<'_>, folder: &Path) -> Option<(PathBuf, Arc<str>)> {
    MAKEFILES.iter().find_map(|name| {
        let path = folder.join(name);
        model.app.document_at(&path).map(|text| (path, text))
    })
}

fn makefile(model: &Model<'_>, folder: &Path) -> Option<Read> {
    let (path, text) = name_in(model, folder)?;
    let file = Makefile::of(&text)?;
    Some(Read { path, text, file })
}

/// A recipe's line whose status is thrown away, with what throws it away.
struct Lost {
    at: usize,
    text: String,
    found: Masked,
}

impl Lost {
    fn of(line: &RecipeLine, shell: Defaults) -> Option<Self> {
        let mut found = masked(&line.text, shell).unwrap_or_default();
        if let Some(sign) = line.ignored
            && let Some(check) = final_check(&line.text).or_else(|| final_check(&found.repaired(&line.text)))
        {
            let known = found.checks.iter().any(|other| other.text == check.text);
            if !known {
                found.checks.push(check);
            }
            found.by.insert(0, "-".to_owned());
            found.edits.push(ShellEdit { span: sign..sign + 1, text: String::new() });
        }
        (!found.checks.is_empty()).then(|| Self { at: line.at, text: line.text.clone(), found })
    }
}

fn report<'a>(
    meta: &'static Meta,
    model: &Model<'a>,
    (node, command, written): (Syn<'a>, &Command<'a>, &str),
    (read, folder): (&Read, &Path),
    call: &MakeCall<'_>,
    out: &mut Findings<'a>,
) -> Option<()> {
    let targets =
        if call.targets.is_empty() { vec![read.file.default_target()?] } else { call.targets.clone() };
    let lines = targets.iter().flat_map(|target| read.file.recipe_of(target));
    let lost: Vec<Lost> = lines.filter_map(|line| Lost::of(line, read.file.shell)).collect();
    // As they are written: with the variables of make.
    let own = |lost: &Lost| {
        let (at, text) = (lost.at, &read.text);
        let checks = lost.found.checks.iter();
        checks
            .filter_map(move |check| text.get(at + check.at..at + check.at + check.text.len()))
            .map(on_one_line)
            .collect::<Vec<_>>()
    };
    let checks: Vec<String> = lost.iter().flat_map(own).collect();
    let key = checks.first()?.clone();
    let by = lost.iter().flat_map(|lost| &lost.found.by).map(String::as_str);
    let missing: Vec<Option<Missing>> =
        lost.iter().map(|lost| Missing::of(model, folder, &lost.found)).collect();
    let path = model.app.printed_path(&read.path);
    let told: String = missing.iter().flatten().map(Missing::told).collect();
    let message = format!(
        "{} runs `{written}`, and the recipe in {path} throws the result of {} away with {}: when it fails, the build is green and \
         the release goes on. The fix lets the failure stop make, here and wherever else the target is made.{told}",
        place(command),
        list(checks.iter().map(String::as_str)),
        list(by),
    );
    let finding = out.report(meta, model, node, message);
    finding.key(&format!("{path} {key}")).tier(Tier::Review);
    if command.runner == Runner::PackageScript {
        finding.impact(Impact::Medium);
    }
    if lost.iter().any(|lost| lost.found.unclear) {
        finding.refuse(
            "other commands run before the success is made up, and a cut would change what they do",
            "let the command fail where it stands, and clean up in a target of its own",
        );
        return Some(());
    }
    if lost.iter().any(|lost| lost.found.needs_bash) {
        finding.refuse(
            "the pipeline's status is that of `tee`, and make's shell may not know `pipefail`",
            "say SHELL := /bin/bash and .SHELLFLAGS := -o pipefail -c in the Makefile",
        );
        return Some(());
    }
    let text = repaired(&read.text, &lost, &missing)?;
    let file = read.path.clone();
    finding.fix(format!("Let `{key}` fail {}", targets.join(" ")), move |b| {
        b.rewrite(file.clone(), &text);
        Ok(())
    });
    Some(())
}

/// A command without the backslashes that continue it on other lines.
fn on_one_line(command: &str) -> String {
    command.split_whitespace().filter(|word| *word != "\\").collect::<Vec<_>>().join(" ")
}

/// The Makefile with the edits of its lines made.
fn repaired(text: &str, lost: &[Lost], missing: &[Option<Missing>]) -> Option<String> {
    let mut out = text.to_owned();
    let mut edits: Vec<(usize, usize, &str)> = Vec::new();
    for (lost, missing) in lost.iter().zip(missing) {
        let more = missing.iter().filter_map(|missing| missing.edit.as_ref());
        for edit in lost.found.edits.iter().chain(more) {
            let mut end = edit.span.end;
            // Blanks that stood between the sign and the command go with the sign.
            if edit.text.is_empty() && lost.text.get(..end).is_some_and(|before| before.trim().is_empty()) {
                let raw = text.get(lost.at + end..).unwrap_or_default();
                end += raw.len() - raw.trim_start_matches([' ', '\t']).len();
            }
            edits.push((lost.at + edit.span.start, lost.at + end, &edit.text));
        }
    }
    edits.sort_unstable();
    for (start, end, new) in edits.into_iter().rev() {
        out.get(start..end)?;
        out.replace_range(start..end, new);
    }
    Some(out)
}
