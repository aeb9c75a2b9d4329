//! Queries, their predicates, findings and suppressions.

pub mod finding;
pub mod query;
pub mod scan;

pub use scan::{Match, Scanner};
pub use finding::{Finding, Outcome, Position, Refusal, ShownEdit, ShownFix, TextRange};
