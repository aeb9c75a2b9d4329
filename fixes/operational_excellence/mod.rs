//! Pillar 5.

pub(crate) mod deployment;
mod deployments;
mod error_filters;
mod runbook;
pub mod wa_5_2_no_approval_before_production;
pub mod wa_5_3_limited_observability;
pub mod wa_5_4_no_runbook;
pub mod wa_5_7_no_deployment_metrics;
