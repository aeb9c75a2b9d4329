//! Pillar 6.

pub mod wa_6_2_log_retention;
