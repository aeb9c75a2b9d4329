//! The review: fix by fix, deciding. Nothing is written before the closing question.
//!
//! Reading order: [`state`] is what keys do to decisions, pure; [`session`] joins it with the planner;
//! [`page`] lays out what is shown; [`terminal`] is what a review needs of a terminal, drawn by [`screen`] or spoken line by line
//! by [`plain`]; [`dialogue`] is the loop. What is written, and where, is the business of `src/cli/review.rs`.

pub mod action;
pub mod dialogue;
mod diffs;
mod editing;
pub mod item;
mod keys;
pub mod line;
pub mod page;
pub mod plain;
pub mod questions;
mod raw;
pub mod screen;
pub mod session;
pub mod state;
pub mod terminal;
pub mod view;

pub use action::Action;
pub use item::{Decision, Item, Standing};
pub use session::{Preview, Session};
pub use state::{Effect, Review};
