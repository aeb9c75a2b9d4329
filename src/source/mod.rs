//! Discovery of files and their bytes as text. Reads the file system, never writes.

pub mod changed;
pub mod discover;
mod hash;
pub mod mistake;
pub mod position;
pub mod text;

pub use discover::{Candidate, DiscoverOptions, Discovery, SkipKind, Skipped, discover};
pub use hash::content_hash;
pub use mistake::Mistake;
pub use text::{Language, Unreadable, read_text};
