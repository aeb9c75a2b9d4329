//! Pillar 6.

mod portable;
pub(crate) mod retention;
pub(crate) mod unbounded_logs;
pub mod wa_6_1_x86_function;
pub mod wa_6_2_log_retention;
pub mod wa_6_3_build_waste;
mod wasted_work;
