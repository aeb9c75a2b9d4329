//! The language server: findings while somebody types, fixes as code actions. All planning is that of `src/plan`, on
//! the texts of the editor's buffers; nothing is written but what the editor writes itself.

mod action;
mod edits;
mod place;
mod server;
mod workspace;

pub use server::serve;
pub use workspace::Loaded;
