//! Parsing, and nodes with their text at hand.

pub mod node;
pub mod parse;

pub use node::Syn;
pub(crate) use parse::grammar;
pub use parse::{Parsed, first_error, parse};
