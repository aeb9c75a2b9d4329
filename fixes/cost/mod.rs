//! Pillar 4.

pub mod wa_4_5_api_throttling;
