//! The language server: findings while somebody types, fixes as code actions. All planning is that of `src/plan`, on
//! the texts of the editor's buffers; what is changed, the editor changes.

mod action;
mod client;
mod edits;
mod place;
mod requests;
mod server;
mod wire;
mod workspace;

use std::path::{Path, PathBuf};

use crate::edit::Values;
use crate::model::App;
use crate::plan::{Options, RuleSet, Trial};
use crate::rule::{AnswerType, Impact, Tier};

pub use server::serve;

/// What the command line makes of its options: apps as they are on disk, rules, and how to plan.
pub struct Loaded {
    /// The apps.
    pub apps: Vec<App>,
    /// The rules.
    pub rules: RuleSet,
    /// What to plan.
    pub options: Options,
}

impl Loaded {
    /// No app, for as long as none could be read.
    fn nothing() -> Result<Self, String> {
        let options = Options {
            tier: Tier::Safe,
            min_impact: Impact::Low,
            only: None,
            values: Values::new(),
            within: Vec::new(),
            jobs: 1,
            trial: Trial::default(),
        };
        Ok(Self { apps: Vec::new(), rules: RuleSet::new([])?, options })
    }
}

/// The project as the command line sees it.
pub trait Project {
    /// Reads the apps in some folders, with their configuration.
    ///
    /// # Errors
    /// What is wrong, where, and what to do.
    fn load(&self, folders: &[PathBuf]) -> Result<Loaded, String>;

    /// The configuration that answers are kept in.
    ///
    /// # Errors
    /// As for [`Project::load`].
    fn configuration(&self, folders: &[PathBuf]) -> Result<PathBuf, String>;

    /// Keeps an answer in the configuration.
    ///
    /// # Errors
    /// As for [`Project::load`].
    fn keep(&self, folders: &[PathBuf], key: &str, answer: &str, kind: AnswerType) -> Result<(), String>;
}

/// The innermost folder of an app around a file, else the file's own.
fn home(file: &Path) -> Option<PathBuf> {
    crate::plan::apps::app_root(file).or_else(|| file.parent().map(Path::to_owned))
}
