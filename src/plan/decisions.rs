//! What a person decided, as the planner takes it.

use std::collections::{BTreeMap, BTreeSet};

use super::Replacement;

/// Decisions on the findings of one app, by fingerprint: what is not named here is left alone.
#[derive(Debug, Clone, Default)]
pub struct Decisions {
    /// Fixes to make, whatever their tier.
    pub accepted: BTreeSet<String>,
    /// Which of several fixes: 0 is the first, and need not be said.
    pub alternatives: BTreeMap<String, usize>,
    /// What a person wrote instead of the fix.
    pub replacements: BTreeMap<String, Replacement>,
    /// Findings to accept as they are by a comment, each with its reason.
    pub suppressed: BTreeMap<String, String>,
}
