//! `init --editor`: what an editor needs to show findings, written where it looks; what a person wrote stays.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Result, anyhow, bail};

use super::apply;
use super::args::Editor;
use super::run::Environment;
use crate::edit::{Builder, FileChange, Values};
use crate::model::props::key_of;
use crate::model::{App, Model};
use crate::plan::Plan;
use crate::source::{Candidate, Language};
use crate::syntax::{Parsed, Syn, first_error, parse};

const TASK: &str = include_str!("../../editors/vscode-task.json");
const TOOLS: &str = include_str!("../../editors/jetbrains/wa-fix.xml");
const LUA: &str = include_str!("../../editors/neovim/wa-fix.lua");

/// Writes what an editor needs into a folder.
pub(super) fn set_up(editor: Editor, folder: &Path, environment: &Environment) -> Result<u8> {
    let (name, next) = match editor {
        Editor::Vscode => {
            (".vscode/tasks.json", "run it with Tasks: Run Task; the extension is in docs/editor.md")
        }
        Editor::Jetbrains => (
            ".idea/tools/wa-fix.xml",
            "copy it to the folder `tools` of the IDE's configuration (Help, Show Log has it near), then restart the IDE",
        ),
        Editor::Neovim => (".nvim.lua", "`:set exrc` and `:trust` make Neovim read it"),
    };
    let root = std::fs::canonicalize(folder)?;
    let file = root.join(name);
    let before = match std::fs::read_to_string(&file) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => bail!("{}: {error}; mend that, then run again", file.display()),
    };
    let shown = folder.join(name);
    let after = match (editor, &before) {
        (Editor::Vscode, Some(text)) => with_task(&root, &file, text).map_err(|why| {
            anyhow!("{}: {why}; add the task by hand, docs/editor.md has it", shown.display())
        })?,
        (Editor::Vscode, None) => tasks(),
        (Editor::Jetbrains, _) => TOOLS.to_owned(),
        (Editor::Neovim, _) => LUA.to_owned(),
    };
    let mut err = std::io::stderr();
    match &before {
        Some(text) if *text == after => writeln!(err, "{} has it already", shown.display())?,
        Some(_) if editor != Editor::Vscode => {
            bail!(
                "{}: exists with other content; move it away, run again, then join the two",
                shown.display()
            )
        }
        _ => {
            let before = before.map(|text| Arc::from(text.into_bytes()));
            let after = Arc::from(after.into_bytes());
            let changes = vec![FileChange { file, path: shown.display().to_string(), before, after }];
            // Nothing of the file is lost, whether or not it is committed.
            apply::write(&root, &Plan { changes, ..Plan::default() }, true, environment)?;
            writeln!(err, "wrote {}; {next}", shown.display())?;
        }
    }
    Ok(0)
}

/// A new file of tasks.
fn tasks() -> String {
    let task = TASK.trim_end().replace('\n', "\n    ");
    format!("{{\n  \"version\": \"2.0.0\",\n  \"tasks\": [\n    {task}\n  ]\n}}\n")
}

/// A file of tasks with ours, everything else as it is. One that has a task of this name has it.
fn with_task(root: &Path, file: &Path, text: &str) -> Result<String, String> {
    let candidate =
        Candidate { path: file.display().to_string(), file: PathBuf::from(file), language: Language::Json };
    let app = App::new(root.to_owned(), vec![candidate]);
    let parsed = app.file(file).and_then(|file| file.parsed()).ok_or("cannot be read")?;
    if let Some(offset) = first_error(parsed) {
        let line = 1 + text.get(..offset).unwrap_or_default().matches('\n').count();
        return Err(format!("line {line} is no JSON"));
    }
    let list = Syn::root(parsed).first().and_then(|top| value_of(top, "tasks"));
    if list.is_some_and(|list| list.children().any(is_ours)) {
        return Ok(text.to_owned());
    }
    let (model, values) = (Model::new(&app), Values::new());
    let mut builder = Builder::new(&model, &values);
    match list {
        Some(list) if list.is("array") => builder.append_json(list, TASK.trim_end()),
        Some(_) => return Err("`tasks` is no list".to_owned()),
        None => {
            let task = TASK.trim_end().replace('\n', "\n  ");
            let list = format!("[\n  {task}\n]");
            builder.set_json(parsed, &["tasks"], &list).map_err(|refusal| refusal.to_string())?;
        }
    }
    let proposal = builder.finish().map_err(|refusal| refusal.to_string())?;
    let edits = proposal.edits.get(file).ok_or("cannot be changed")?;
    let after = edits.apply(text).map_err(|overlap| overlap.to_string())?;
    let read: Option<Parsed> = parse(&parsed.path, after.as_str().into(), Language::Json);
    match read.as_ref().map(first_error) {
        Some(None) => Ok(after),
        _ => Err("the task finds no place in it".to_owned()),
    }
}

/// The value of a key.
fn value_of<'a>(object: Syn<'a>, key: &str) -> Option<Syn<'a>> {
    object.children().find(|entry| key_of(*entry) == Some(key))?.field("value")
}

fn is_ours(task: Syn<'_>) -> bool {
    value_of(task, "label").is_some_and(|label| label.text() == "\"wa-fix\"")
}
