//! One module per documented anti-pattern. The list below is the registry.

mod api;
mod concurrency;
pub mod cost;
pub mod operational_excellence;
pub mod performance;
pub mod reliability;
mod routes;
mod scaling;
pub mod security;
pub mod sustainability;

use crate::rule::Rule;

/// Every rule, by number.
pub const ALL: &[Rule] = &[
    security::wa_1_1_overly_permissive_iam::RULE,
    security::wa_1_2_bucket_allows_plain_http::RULE,
    security::wa_1_3_api_request_validation::RULE,
    security::wa_1_4_secret_in_ssm_parameter::RULE,
    security::wa_1_5_secret_in_function_environment::RULE,
    security::wa_1_6_no_audit_trail::RULE,
    security::wa_1_7_function_outside_vpc::RULE,
    security::wa_1_8_api_without_waf::RULE,
    security::wa_1_9_api_without_access_logs::RULE,
    security::wa_1_10_bucket_encryption_not_enforced::RULE,
    reliability::wa_2_1_single_region::RULE,
    reliability::wa_2_2_no_health_check::RULE,
    reliability::wa_2_3_no_circuit_breaker::RULE,
    reliability::wa_2_4_lambda_timeout::RULE,
    reliability::wa_2_5_dead_letter_queue::RULE,
    reliability::wa_2_6_pipeline_swallows_failures::RULE,
    reliability::wa_2_7_deployment_without_rollback::RULE,
    reliability::wa_2_8_cold_starts::RULE,
    reliability::wa_2_9_single_source_bucket::RULE,
    reliability::wa_2_10_no_backup_strategy::RULE,
    performance::wa_3_2_no_api_cache::RULE,
    performance::wa_3_4_no_cloudfront::RULE,
    performance::wa_3_5_no_connection_pooling::RULE,
    performance::wa_3_6_build_cache::RULE,
    performance::wa_3_7_no_scaling::RULE,
    cost::wa_4_1_logs_without_archive::RULE,
    cost::wa_4_2_hard_coded_memory::RULE,
    cost::wa_4_3_build_without_limit::RULE,
    cost::wa_4_4_reserved_concurrency::RULE,
    cost::wa_4_5_api_throttling::RULE,
    cost::wa_4_6_no_cost_allocation_tags::RULE,
    operational_excellence::wa_5_1_no_scan_in_pipeline::RULE,
    operational_excellence::wa_5_2_no_approval_before_production::RULE,
    operational_excellence::wa_5_3_limited_observability::RULE,
    operational_excellence::wa_5_4_no_runbook::RULE,
    operational_excellence::wa_5_5_no_gradual_release::RULE,
    operational_excellence::wa_5_6_no_disaster_recovery::RULE,
    operational_excellence::wa_5_7_no_deployment_metrics::RULE,
    operational_excellence::wa_5_8_no_alarm_response::RULE,
    sustainability::wa_6_1_x86_function::RULE,
    sustainability::wa_6_2_log_retention::RULE,
    sustainability::wa_6_3_build_waste::RULE,
];
