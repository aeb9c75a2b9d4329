//! Pillar 2.

pub mod wa_2_5_dead_letter_queue;
