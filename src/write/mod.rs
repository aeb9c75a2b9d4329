//! The only room that writes files: the working tree with a journal and an undo, and branches made
//! of git objects alone.
//!
//! Reading order: [`tree`] checks and applies, [`transaction`](self) makes many files one change,
//! `journal` is what survives a crash, [`mod@undo`] runs a transaction backwards. [`guard`] and
//! [`branch`] speak to git.
//!
//! What holds at any moment, a power cut included: after the next run of `wa-fix` every file of an
//! interrupted run is as it was before that run, or every one is as the run wanted it.
#![expect(clippy::disallowed_methods, reason = "this is the room where files are written")]

pub mod branch;
mod content;
mod error;
pub mod guard;
mod journal;
mod output;
mod platform;
mod recover;
mod scratch_tree;
mod state;
mod step;
mod target;
mod transaction;
pub mod tree;
pub mod undo;

pub use branch::{
    BranchOptions, BranchResult, MadeCommit, Note, Pushed, TRAILER, create_branch, free_branch, push,
    remote_url,
};
pub use error::{Refusal, Why, WriteError};
pub use guard::{DirtyFile, DirtyState, dirty_files, require_clean};
pub use output::{Scratch, check_output, output, scratch};
pub use recover::{Kept, Recovery};
pub use scratch_tree::ScratchTree;
pub use state::StateDir;
pub use step::{OnStep, Step};
pub use tree::{Applied, ApplyOptions, apply};
pub use undo::{Undone, undo};
