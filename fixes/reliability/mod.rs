//! Pillar 2.

mod backup_file;
mod backups;
mod bucket_copy;
mod canary;
mod cdk_pipeline;
mod dependencies;
mod destinations;
mod failover;
mod global_names;
mod kept_queue;
mod parameter_path;
mod polled;
mod second_region;
mod second_stack;
mod state;
mod timeout;
pub mod wa_2_10_no_backup_strategy;
pub mod wa_2_1_single_region;
pub mod wa_2_2_no_health_check;
pub mod wa_2_3_no_circuit_breaker;
pub mod wa_2_4_lambda_timeout;
pub mod wa_2_5_dead_letter_queue;
pub mod wa_2_6_pipeline_swallows_failures;
pub mod wa_2_7_deployment_without_rollback;
pub mod wa_2_8_cold_starts;
pub mod wa_2_9_single_source_bucket;
mod zones;
