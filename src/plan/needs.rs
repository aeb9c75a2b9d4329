//! What fixes still need from a person.

use std::collections::BTreeMap;

use super::proposals::{Proposed, propose};
use super::{Options, RuleSet, scan};
use crate::detect::{Finding, Outcome, Refusal};
use crate::model::App;
use crate::rule::{AnswerType, Tier};

/// A value that fixes need.
#[derive(Debug, Clone)]
pub struct Need {
    /// The key for `--set` and `[values]`.
    pub key: String,
    /// The question.
    pub ask: String,
    /// An answer as it would be typed.
    pub example: String,
    /// What an answer has to be.
    pub kind: AnswerType,
    /// What the app itself suggests.
    pub proposed: Option<Proposed>,
    /// The findings that wait for it.
    pub findings: Vec<Finding>,
}

/// The values that the fixes up to a tier still need, in the order of their findings. A fix may ask a second question once
/// the first is answered: to find it, examples stand for answers.
pub fn needs(apps: &[App], rules: &RuleSet, options: &Options, tier: Tier) -> Vec<Need> {
    let mut options = options.clone();
    let mut order: Vec<String> = Vec::new();
    let mut needs: BTreeMap<String, Need> = BTreeMap::new();
    loop {
        let known = order.len();
        let found = scan(apps, rules, &options, &|_| {}).findings;
        for finding in found {
            let Outcome::NeedsValue(Refusal::NeedsValue { key, ask, kind, example }) = &finding.outcome
            else {
                continue;
            };
            if finding.impact < options.min_impact || finding.tier > tier {
                continue;
            }
            let need = needs.entry(key.clone()).or_insert_with(|| {
                order.push(key.clone());
                Need {
                    key: key.clone(),
                    ask: ask.clone(),
                    example: example.clone(),
                    kind: *kind,
                    proposed: apps.iter().find_map(|app| propose(app, key)),
                    findings: Vec::new(),
                }
            });
            need.findings.push(finding.clone());
        }
        if order.len() == known {
            return order.into_iter().filter_map(|key| needs.remove(&key)).collect();
        }
        for key in order.iter().skip(known) {
            if let Some(need) = needs.get(key) {
                options.values.insert(key.clone(), need.example.clone());
            }
        }
    }
}
