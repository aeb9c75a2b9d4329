//! Pillar 5.

mod alarm_response;
mod alias;
mod build_lists;
pub(crate) mod deployment;
mod document;
mod error_filters;
mod nag;
mod recovery;
mod release_commands;
mod release_counter;
mod release_group;
mod rollback;
mod runbook;
mod scripted_release;
pub mod wa_5_1_no_scan_in_pipeline;
pub mod wa_5_2_no_approval_before_production;
pub mod wa_5_3_limited_observability;
pub mod wa_5_4_no_runbook;
pub mod wa_5_5_no_gradual_release;
pub mod wa_5_6_no_disaster_recovery;
pub mod wa_5_7_no_deployment_metrics;
pub mod wa_5_8_no_alarm_response;
