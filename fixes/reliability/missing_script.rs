//! Part of 2.6: a check that runs a script which package.json does not have, so that it has checked nothing so far.

use std::path::{Path, PathBuf};

use crate::model::{Command, Model, Runner};
use crate::syntax::Syn;
use crate::syntax::shell::{Masked, ShellEdit};

/// A script that a masked command runs and package.json does not have.
pub(super) struct Missing {
    name: String,
    /// Has the command pass until the script is there, where the package manager can.
    pub(super) edit: Option<ShellEdit>,
}

impl Missing {
    /// What a message says of it.
    pub(super) fn told(&self) -> String {
        let rest = if self.edit.is_some() {
            "so it has checked nothing so far; with `--if-present` it passes until the script is there"
        } else {
            "so without the mask this command fails until the script is there"
        };
        format!(" package.json has no script `{}`, {rest}.", self.name)
    }

    /// The script that masked commands run in a folder, where package.json does not have it.
    pub(super) fn of(model: &Model<'_>, home: &Path, found: &Masked) -> Option<Self> {
        found.checks.iter().find_map(|check| {
            let script = check.script.as_ref().filter(|script| !script.elsewhere)?;
            let folder = script.folder.as_ref().map_or_else(|| home.to_owned(), |folder| home.join(folder));
            // A folder without a package.json of its own is not in this repository, or not where the build runs.
            if script.folder.is_some() && model.app.file(&folder.join("package.json")).is_none() {
                return None;
            }
            let package = model.package_json(&folder)?;
            // A package.json without any script is not the one that the build reads.
            let has = package.get("scripts")?.get(&script.name).is_some();
            let runs_binary = matches!(script.manager.as_str(), "yarn" | "pnpm")
                && !check.text.contains(" run ")
                && script.name != "test";
            if has || runs_binary {
                return None;
            }
            let at = check.at + if script.manager == "pnpm" { script.span.start } else { script.span.end };
            let present = check.text.contains("--if-present");
            let text = if script.manager == "pnpm" { "--if-present " } else { " --if-present" };
            let edit = (!present && matches!(script.manager.as_str(), "npm" | "pnpm"))
                .then(|| ShellEdit { span: at..at, text: text.to_owned() });
            (!present).then(|| Self { name: script.name.clone(), edit })
        })
    }
}

/// The folder that a command runs in, as far as its own text does not change it; `None` where that cannot be told.
pub(super) fn home(model: &Model<'_>, node: Syn<'_>, command: &Command<'_>) -> Option<PathBuf> {
    // A `cd` of an earlier command holds for the later ones.
    let moved = command.list.is_some_and(|list| {
        list.children().filter(|item| item.end() <= node.start()).any(|item| {
            item.text().trim_start_matches(['\'', '"', '`', '-', ' ']).starts_with("cd ")
                || item.text().contains("&& cd ")
        })
    });
    match command.runner {
        _ if moved => None,
        Runner::PackageScript => Some(model.location(node.file)?.parent()?.to_owned()),
        _ => Some(model.app.root.clone()),
    }
}
