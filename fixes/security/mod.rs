//! Pillar 1.

mod statement;
pub mod wa_1_10_bucket_encryption_not_enforced;
