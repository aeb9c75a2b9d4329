//! Edits, and the builders that make them. Rules speak nodes; only this room speaks bytes.

pub mod alarm;
pub mod builder;
pub mod carry;
pub mod change;
pub mod config;
pub mod environment;
pub mod files;
pub mod idle;
pub mod imports;
pub mod json;
pub mod names;
pub mod props;
mod snippet;
pub mod style;
pub mod suppression;
pub mod text;

pub use crate::syntax::Style;
pub use builder::{Builder, Proposal, Values, no_fix};
pub use change::{Commit, FileChange};
pub use text::{Edit, EditSet, Overlap};
