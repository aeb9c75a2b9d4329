//! Pillar 3.

mod alias_capacity;
mod alias_range;
mod cached_routes;
mod client;
mod database_proxy;
mod distribution;
mod downloads;
mod global_table_capacity;
mod pipeline_cache;
mod service_capacity;
mod table_capacity;
pub mod wa_3_2_no_api_cache;
pub mod wa_3_4_no_cloudfront;
pub mod wa_3_5_no_connection_pooling;
pub mod wa_3_6_build_cache;
pub mod wa_3_7_no_scaling;
