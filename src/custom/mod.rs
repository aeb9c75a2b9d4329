//! Custom rules: what a team writes without Rust. One Markdown file holds a rule: facts, documentation, query, cases.
//!
//! Reading order: `file` takes a Markdown file apart, [`load`] reads a folder and makes rules of it, `check` says what is wrong
//! with one before it runs, `template` is the text with `@{…}` in it, `fix` does what the directives of the query say, and [`cases`]
//! tries a rule on its own examples. Everything else treats a custom rule like those of wa-fix.

pub mod cases;
mod check;
mod file;
mod fix;
mod load;
mod template;

pub use load::{CustomRule, load};

/// The guide, as `wa-fix explain custom-rules` prints it.
pub const GUIDE: &str = include_str!("../../docs/rules.md");

/// What the guide is called among rules.
pub const GUIDE_NAME: &str = "custom-rules";

/// What is wrong with a rule file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("{file}, line {line}: {what}")]
pub struct Fault {
    /// The file, as printed.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong and what to do.
    pub what: String,
}
