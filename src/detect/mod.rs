//! Queries, their predicates, findings and suppressions.

pub mod directive;
pub mod finding;
pub mod findings;
pub mod query;
pub mod scan;
pub mod suppress;
pub mod upkeep;

pub use finding::{Finding, Outcome, Position, Refusal, ShownEdit, ShownFix, ShownWay, TextRange};
pub use findings::{Alternative, Candidate, Findings, MakeFix, construct_path};
pub use scan::{Match, Scanner};
