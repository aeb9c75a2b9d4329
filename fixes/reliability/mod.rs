//! Pillar 2.

mod backup_file;
mod state;
pub mod wa_2_10_no_backup_strategy;
pub mod wa_2_5_dead_letter_queue;
pub mod wa_2_6_pipeline_swallows_failures;
pub mod wa_2_8_cold_starts;
