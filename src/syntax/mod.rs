//! Parsing, and nodes with their text at hand.

pub mod literal;
pub mod make;
pub mod node;
pub mod parse;
pub mod shell;
mod shell_command;
mod shell_words;
mod style;

pub use literal::Literal;
pub use node::Syn;
pub use parse::{Parsed, first_error, has_types, parse};
pub(crate) use parse::{grammar, lone_words};
pub use shell_words::ShellWord;
pub use style::{Indent, Style};
