//! `lsp`: a server for one editor, with the options of every run.

use std::io::{stdin, stdout};
use std::path::{Path, PathBuf};

use super::apply;
use super::args::RunArgs;
use super::keep::{Kept, keep};
use super::run::{Environment, Run};
use crate::lsp::{Loaded, Project, serve};
use crate::plan::Plan;
use crate::rule::AnswerType;
use crate::source::discover::printed;

/// Serves until the editor says goodbye.
pub(super) fn lsp(args: &RunArgs, environment: &Environment) -> u8 {
    serve(stdin(), stdout(), &Options { args, environment })
}

/// The project that the options and the editor's folders name.
struct Options<'o> {
    args: &'o RunArgs,
    environment: &'o Environment,
}

impl Options<'_> {
    fn run(&self, folders: &[PathBuf]) -> anyhow::Result<Run> {
        let mut args = self.args.clone();
        if args.paths.is_empty() {
            args.paths = folders.to_vec();
        }
        if args.paths.is_empty() {
            // The working directory is the editor's, and may be anything.
            anyhow::bail!("no folder is open; open that of an app");
        }
        Run::prepare(&args)
    }
}

impl Project for Options<'_> {
    fn load(&self, folders: &[PathBuf]) -> Result<Loaded, String> {
        let run = self.run(folders).map_err(|error| format!("{error:#}"))?;
        Ok(Loaded { apps: run.apps, rules: run.rules, options: run.options })
    }

    fn configuration(&self, folders: &[PathBuf]) -> Result<PathBuf, String> {
        Ok(self.run(folders).map_err(|error| format!("{error:#}"))?.configuration())
    }

    fn keep(&self, folders: &[PathBuf], key: &str, answer: &str, kind: AnswerType) -> Result<(), String> {
        let run = self.run(folders).map_err(|error| format!("{error:#}"))?;
        let file = run.configuration();
        let kept = Kept { key: key.to_owned(), answer: answer.to_owned(), kind };
        let change = keep(&file, printed(&file, run.cwd()), &[kept])?;
        let root = file.parent().filter(|_| !file.starts_with(&run.root)).map_or(&*run.root, Path::new);
        let plan = Plan { changes: vec![change], ..Plan::default() };
        // Answers come one after the other: the file may well have one that is not committed.
        apply::write(root, &plan, true, self.environment).map_err(|error| format!("{error:#}"))
    }
}
