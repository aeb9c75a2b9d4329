//! Pillar 5.

pub(crate) mod deployment;
mod runbook;
pub mod wa_5_2_no_approval_before_production;
pub mod wa_5_4_no_runbook;
