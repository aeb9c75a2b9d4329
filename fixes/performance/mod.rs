//! Pillar 3.

pub mod wa_3_6_build_cache;
