//! Pillar 4.

mod archive;
mod compute;
pub(crate) mod function;
mod log_bucket;
pub mod wa_4_1_logs_without_archive;
pub mod wa_4_2_hard_coded_memory;
pub mod wa_4_3_build_without_limit;
pub mod wa_4_4_reserved_concurrency;
pub mod wa_4_5_api_throttling;
pub mod wa_4_6_no_cost_allocation_tags;
