//! Pillar 3.

mod client;
mod database_proxy;
pub mod wa_3_5_no_connection_pooling;
