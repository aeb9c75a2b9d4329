//! Pillar 5.

pub mod wa_5_2_no_approval_before_production;
