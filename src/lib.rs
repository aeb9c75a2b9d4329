//! wa-fix repairs AWS CDK code against the AWS Well-Architected Framework.
//!
//! `ARCHITECTURE.md` has the way through and the invariants.

pub mod cli;
pub mod custom;
pub mod detect;
pub mod edit;
mod interrupt;
pub mod lsp;
pub mod model;
pub mod plan;
pub mod prove;
pub mod report;
pub mod review;
pub mod rule;
pub mod saved;
pub mod source;
pub mod syntax;
pub mod write;

#[path = "../fixes/mod.rs"]
pub mod fixes;
