//! One module per documented anti-pattern. The list below is the registry.

pub mod reliability;

use crate::rule::Rule;

/// Every rule, by number.
pub const ALL: &[Rule] = &[
    reliability::wa_2_5_dead_letter_queue::RULE,
    reliability::wa_2_6_pipeline_swallows_failures::RULE,
];
