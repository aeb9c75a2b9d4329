//! The result of a fix in a person's editor.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::edit::FileChange;
use crate::plan::Replacement;
use crate::report::rows::rows;

/// Gives copies of the changed files to an editor; what the person made of them, as a change of the originals. `None` if the
/// editor did not end well.
///
/// # Errors
/// Those of the copies and of starting the editor.
pub(super) fn edit(
    changes: &[FileChange],
    editor: impl FnOnce(&[&Path], usize) -> io::Result<bool>,
) -> io::Result<Option<Replacement>> {
    let copies: Vec<(PathBuf, &[u8])> =
        changes.iter().map(|change| (PathBuf::from(&change.path), &*change.after)).collect();
    let scratch = crate::write::scratch(&copies)?;
    let files: Vec<&Path> = scratch.files.iter().map(PathBuf::as_path).collect();
    let line = changes.first().map_or(1, first_line);
    if !editor(&files, line)? {
        return Ok(None);
    }
    let mut edited = Vec::new();
    for (change, file) in changes.iter().zip(&files) {
        let text = std::fs::read_to_string(file)?;
        edited.push(FileChange { after: Arc::from(text.into_bytes()), ..change.clone() });
    }
    edited.retain(|change| change.before.as_ref() != Some(&change.after));
    Ok(Some(Replacement::of(&edited)))
}

/// The first line that the fix changed.
fn first_line(change: &FileChange) -> usize {
    rows(change, 0).iter().find_map(|row| row.new).unwrap_or(1)
}

/// Editors that open a file at a line given as `+12`.
const WITH_LINE: [&str; 9] = ["vi", "vim", "nvim", "view", "nano", "emacs", "emacsclient", "micro", "kak"];

/// Runs an editor to its end. The command is a shell's, as git takes it: it may have arguments.
pub(super) fn run(editor: &str, files: &[&Path], line: usize) -> io::Result<bool> {
    let name = editor.split_whitespace().next().unwrap_or_default();
    let name = Path::new(name).file_stem().and_then(|name| name.to_str()).unwrap_or_default();
    let mut command = command(editor);
    if WITH_LINE.contains(&name) {
        command.arg(format!("+{line}"));
    }
    command.args(files);
    Ok(command.status()?.success())
}

#[cfg(unix)]
fn command(editor: &str) -> std::process::Command {
    let mut command = std::process::Command::new("sh");
    command.args(["-c", &format!("{editor} \"$@\""), editor]);
    command
}

#[cfg(not(unix))]
fn command(editor: &str) -> std::process::Command {
    let mut words = editor.split_whitespace();
    let mut command = std::process::Command::new(words.next().unwrap_or("notepad"));
    command.args(words);
    command
}
