//! Edits, and the builders that make them. Rules speak nodes; only this room speaks bytes.

pub mod change;
pub mod text;

pub use change::{Commit, FileChange};
pub use text::{Edit, EditSet, Overlap};
