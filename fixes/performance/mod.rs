//! Pillar 3.

pub mod wa_3_4_no_cloudfront;
pub mod wa_3_6_build_cache;
pub mod wa_3_7_no_scaling;
