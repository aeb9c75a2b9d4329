//! Queries, their predicates, findings and suppressions.

pub mod finding;

pub use finding::{Finding, Outcome, Position, Refusal, ShownEdit, ShownFix, TextRange};
