//! Pillar 3.

pub mod wa_3_7_no_scaling;
