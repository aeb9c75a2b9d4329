//! Pillar 5.

mod document;
mod recovery;
mod runbook;
pub mod wa_5_2_no_approval_before_production;
pub mod wa_5_4_no_runbook;
pub mod wa_5_6_no_disaster_recovery;
