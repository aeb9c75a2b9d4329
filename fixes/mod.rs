//! One module per documented anti-pattern. The list below is the registry.

pub mod reliability;
pub mod sustainability;

use crate::rule::Rule;

/// Every rule, by number.
pub const ALL: &[Rule] = &[
    reliability::wa_2_5_dead_letter_queue::RULE,
    sustainability::wa_6_2_log_retention::RULE,
];
