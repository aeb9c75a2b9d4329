//! The review's terminal.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};

use anyhow::{Context, Result, bail};
use console::{Key, Term};
use dialoguer::{Input, Select};

use super::{Action, Decision, Review};
use crate::cli::apply;
use crate::cli::args::RunArgs;
use crate::cli::run::{Environment, Run, texts};
use crate::detect::Finding;
use crate::edit::{Edit, EditSet, FileChange};
use crate::report::look::wrap;
use crate::report::{Look, diff};
use crate::source::Language;

const KEYS: [(char, Action, &str); 10] = [
    ('y', Action::Accept, "accept this fix (also Enter)"),
    ('n', Action::Skip, "leave it"),
    ('a', Action::AcceptRule, "accept the rest of this rule"),
    ('x', Action::SkipRule, "leave the rest of this rule"),
    ('d', Action::AcceptFile, "accept the rest of this file"),
    ('u', Action::Back, "back to the fix before"),
    ('i', Action::Explain, "explain the rule"),
    ('f', Action::Finish, "finish: choose where to write"),
    ('q', Action::Quit, "quit: nothing is written"),
    ('?', Action::Help, "these keys"),
];

/// Reviews the fixes of a run, then writes those accepted where the person chooses.
///
/// # Errors
/// Without a terminal, a list of the commands that do the job; otherwise those of writing.
pub(crate) fn start(run: &Run, args: &RunArgs, environment: &Environment) -> Result<u8> {
    if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        bail!(
            "--interactive needs a terminal; without one use\n  wa-fix diff          to see the fixes\n  \
             wa-fix apply         to write those of the tier `safe`\n  wa-fix apply --all   to write all\n  \
             wa-fix apply --branch NAME   to write them to a new branch"
        );
    }
    let found = run.scan();
    let texts = texts(&found, &run.root);
    let mut review = Review::new(&found.findings, run.options.min_impact);
    let term = Term::stdout();
    if review.is_empty() {
        writeln!(&term, "There is no fix to review.")?;
        return Ok(0);
    }
    let colour = environment.colour(args.color, true);
    loop {
        draw(&term, &review, &texts, colour)?;
        let key = term.read_key().context("the terminal went away; nothing was written")?;
        let action = match key {
            Key::Enter => Some(Action::Accept),
            Key::Char(typed) => KEYS.iter().find(|(key, _, _)| *key == typed).map(|(_, action, _)| *action),
            Key::Escape | Key::CtrlC => Some(Action::Quit),
            _ => None,
        };
        if let Some(action) = action
            && !review.act(action)
        {
            break;
        }
    }
    close(run, &review, &term, environment)
}

/// The closing question, and what follows from it.
fn close(run: &Run, review: &Review, mut term: &Term, environment: &Environment) -> Result<u8> {
    let accepted = review.accepted();
    if accepted.is_empty() {
        writeln!(term, "Nothing was accepted, nothing is written.")?;
        return Ok(1);
    }
    let count = accepted.len();
    let mut options = run.options.clone();
    options.only = Some(accepted);
    let plan = crate::plan::plan(&run.apps, &run.rules, &options, &|_| {});
    let files = plan.changes.len();
    writeln!(term, "\n{count} of {} fixes accepted, {files} files change.", review.len())?;
    let places = ["the working tree", "a new branch", "a patch file", "nowhere"];
    let choice = Select::new().with_prompt("Write them to").items(places).default(0).interact_on_opt(term)?;
    match choice {
        Some(0) => {
            apply::write(&run.root, &plan, false, environment)?;
            writeln!(term, "Written. `wa-fix undo` puts it back.")?;
        }
        Some(1) => {
            let name: String =
                Input::new().with_prompt("Branch").default("wa-fix".to_owned()).interact_text_on(term)?;
            apply::branch(run, &plan, &name)?;
            writeln!(term, "Written to branch {name}. Your working tree is as it was.")?;
        }
        Some(2) => {
            let name: String =
                Input::new().with_prompt("File").default("wa-fix.patch".to_owned()).interact_text_on(term)?;
            let mut patch = Vec::new();
            diff::write(&plan.changes, diff::CONTEXT, Look::PLAIN, &mut patch)?;
            crate::write::output(std::path::Path::new(&name), &patch)?;
            writeln!(term, "Written to {name}; `git apply {name}` applies it.")?;
        }
        _ => {
            writeln!(term, "Nothing is written.")?;
            return Ok(1);
        }
    }
    Ok(u8::from(count < review.len()))
}

fn draw(mut term: &Term, review: &Review, texts: &BTreeMap<String, String>, colour: bool) -> Result<()> {
    let Some((number, finding)) = review.current() else { return Ok(()) };
    let width = usize::from(term.size_checked().map_or(80, |(_, columns)| columns));
    let mut out = Vec::new();
    let rule = finding.rule;
    writeln!(
        out,
        "[{}/{}] {} {}  {}  {}  {}:{}",
        number + 1,
        review.len(),
        rule.id,
        rule.pillar,
        finding.impact,
        finding.tier,
        finding.path,
        finding.range.start.line
    )?;
    for line in wrap(&finding.message, width) {
        writeln!(out, "{line}")?;
    }
    if let Some(fix) = &finding.fix {
        writeln!(out, "\nFix: {}", fix.title)?;
    }
    if review.explaining {
        writeln!(out, "\n{}", rule.documentation())?;
    }
    diff::write(&changes(finding, texts), diff::CONTEXT, Look { colour, width }, &mut out)?;
    if review.helping {
        writeln!(out)?;
        for (key, _, meaning) in KEYS {
            writeln!(out, "  {key}  {meaning}")?;
        }
    }
    let before = match review.decision() {
        Some(Decision::Accepted) => " (accepted before)",
        Some(Decision::Skipped) => " (left before)",
        None => "",
    };
    let keys: String = KEYS.iter().map(|(key, _, _)| key.to_string()).collect::<Vec<_>>().join(",");
    write!(out, "Write this fix{before} [{keys}]? ")?;
    term.clear_screen()?;
    term.write_all(&out)?;
    term.flush()?;
    Ok(())
}

/// What one fix would do by itself, as changes that the diff can show.
fn changes(finding: &Finding, texts: &BTreeMap<String, String>) -> Vec<FileChange> {
    let Some(fix) = &finding.fix else { return Vec::new() };
    let mut by_path: BTreeMap<&str, Vec<&crate::detect::ShownEdit>> = BTreeMap::new();
    for edit in &fix.edits {
        by_path.entry(&edit.path).or_default().push(edit);
    }
    by_path
        .into_iter()
        .filter_map(|(path, edits)| {
            let creates = edits.iter().any(|edit| edit.creates);
            let old = if creates { String::new() } else { text_of(path, texts)? };
            let mut set = EditSet::default();
            for edit in edits {
                set.insert(Edit { span: edit.span.clone(), text: edit.text.clone() }).ok()?;
            }
            let new = set.apply(&old).ok()?;
            Some(FileChange {
                file: path.into(),
                path: path.to_owned(),
                before: (!creates).then(|| old.as_bytes().into()),
                after: new.as_bytes().into(),
            })
        })
        .collect()
}

fn text_of(path: &str, texts: &BTreeMap<String, String>) -> Option<String> {
    if let Some(text) = texts.get(path) {
        return Some(text.clone());
    }
    Language::of(path)?;
    crate::source::read_text(std::path::Path::new(path)).ok().map(|text| text.to_string())
}
