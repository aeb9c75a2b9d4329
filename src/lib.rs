//! wa-fix repairs AWS CDK code against the AWS Well-Architected Framework.
//!
//! `ARCHITECTURE.md` has the way through and the invariants.

pub mod detect;
pub mod edit;
pub mod rule;
pub mod write;
