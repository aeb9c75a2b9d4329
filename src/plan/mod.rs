//! Which fixes, in which order, to a fixpoint.
//!
//! One rule at a time, in the order of [`Meta::order`]: all its fixes that share no text are made
//! together, the result is parsed and searched again, and a fix that leaves a syntax error, does
//! not clear its finding or raises another is taken out alone. Then the next rule, which sees what the
//! former wrote. The round is repeated until nothing is offered, at most [`ROUNDS`] times.

pub mod apps;
mod candidates;
pub mod decisions;
mod fixpoint;
pub mod needs;
pub mod proposals;
pub mod replacement;
mod run;
pub mod scope;
mod suppressing;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use crate::detect::{Finding, Scanner};
use crate::edit::{FileChange, Values};
use crate::rule::{Impact, Meta, Rule, Tier};
use crate::source::Skipped;

pub use apps::find_apps;
pub use candidates::parse_ahead;
pub use decisions::Decisions;
pub use replacement::Replacement;
pub use scope::{Accepted, Scope};

/// Rounds over all rules before the plan stops and says so.
pub const ROUNDS: usize = 8;

/// Passes of one rule over its own result before it is stopped; at least one for each finding.
pub const PASSES: usize = 12;

/// What to plan.
#[derive(Debug, Clone)]
pub struct Options {
    /// The most that is applied.
    pub tier: Tier,
    /// Findings below this are reported as they are and never fixed: what is not listed is not written.
    pub min_impact: Impact,
    /// Only what a person decided, whatever the tier. The plan then tells what each fix makes by itself.
    pub only: Option<Decisions>,
    /// Answers to questions.
    pub values: Values,
    /// Findings are reported only in these files or folders (absolute); empty is everywhere.
    pub within: Vec<PathBuf>,
    /// Threads.
    pub jobs: usize,
    /// What a proof or a saved plan leaves out.
    pub trial: Trial,
}

/// Fixes that a proof or a saved plan leaves out, by fingerprint.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trial {
    /// Fixes that a check failed with or that are refused, each with the reason: they end in `backed-out`.
    pub backed_out: BTreeMap<String, String>,
    /// Where it is given: only these are made, to see how far a check passes, or since nothing else was agreed to. The plan
    /// then tells what each fix makes by itself.
    pub only: Option<BTreeSet<String>>,
}

impl Trial {
    /// Whether a fix is left out.
    pub fn leaves_out(&self, fingerprint: &str) -> bool {
        self.backed_out.contains_key(fingerprint)
            || self.only.as_ref().is_some_and(|only| !only.contains(fingerprint))
    }

    /// What both leave out.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let only = match (&self.only, &other.only) {
            (Some(one), Some(two)) => Some(one.intersection(two).cloned().collect()),
            (one, two) => one.as_ref().or(two.as_ref()).cloned(),
        };
        let mut backed_out = self.backed_out.clone();
        backed_out.extend(other.backed_out.clone());
        Self { backed_out, only }
    }

    /// Whether nothing is left out.
    pub fn is_empty(&self) -> bool {
        self.backed_out.is_empty() && self.only.is_none()
    }
}

/// The rules of a run, their queries read.
pub struct RuleSet {
    rules: Vec<Rule>,
    /// Every rule that there is, those that do not run too.
    known: Vec<&'static Meta>,
    scanner: Scanner,
    scope: Arc<Scope>,
}

impl RuleSet {
    /// Reads the queries of rules.
    ///
    /// # Errors
    /// A sentence that names the rule and what is wrong with its query.
    pub fn new(rules: impl IntoIterator<Item = Rule>) -> Result<Self, String> {
        let mut rules: Vec<Rule> = rules.into_iter().collect();
        rules.sort_by_key(|rule| (rule.meta.order, rule.meta.id));
        let scanner = Scanner::new(rules.iter().map(|rule| rule.meta)).map_err(|(index, error)| {
            let id = rules.get(index).map_or("", |rule| rule.meta.id);
            format!("rule {id}: {error}")
        })?;
        let known = crate::fixes::ALL.iter().map(|rule| rule.meta).collect();
        Ok(Self { rules, known, scanner, scope: Arc::default() })
    }

    /// The same rules, with all among which they were chosen; without it, those of wa-fix.
    #[must_use]
    pub fn among(self, known: impl IntoIterator<Item = &'static Meta>) -> Self {
        Self { known: known.into_iter().collect(), ..self }
    }

    /// The same rules, with what is left aside.
    #[must_use]
    pub fn scoped(self, scope: Scope) -> Self {
        Self { scope: Arc::new(scope), ..self }
    }

    /// Those that a selector names, with the same left aside.
    ///
    /// # Errors
    /// As for [`RuleSet::new`].
    pub fn only(&self, selector: &str) -> Result<Self, String> {
        let named = self.rules.iter().copied().filter(|rule| rule.meta.is_named_by(selector));
        Ok(Self { scope: Arc::clone(&self.scope), ..Self::new(named)? })
    }

    /// Whether a rule is one of them.
    pub fn has(&self, rule: &Meta) -> bool {
        self.rules.iter().any(|own| own.meta.id == rule.id)
    }

    /// Whether all rules that a suppression's selector names are among them; one that names none is no rule's business.
    fn runs(&self, selector: &str) -> bool {
        let mut named = self.known.iter().filter(|rule| selector == "all" || rule.is_named_by(selector));
        named.all(|rule| self.has(rule))
    }

    /// The rules in the order in which they are applied.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }
}

/// What one rule changed, for one commit.
#[derive(Debug, Clone)]
pub struct Step {
    /// The rule.
    pub rule: &'static Meta,
    /// What each fix does, one line each.
    pub titles: Vec<String>,
    /// The findings that the fixes were for, by fingerprint, in the order of `titles`.
    pub fixed: Vec<String>,
    /// The files as they stand after this step.
    pub changes: Vec<FileChange>,
    /// What each fix made, where a person decided fix by fix, or a trial is of some fixes only.
    pub made: Vec<Made>,
}

/// What one fix makes by itself of the app as it stands when its turn comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The finding.
    pub fingerprint: String,
    /// What it does.
    pub title: String,
    /// Its changes and no others'.
    pub changes: Vec<FileChange>,
}

/// The result of a plan.
#[derive(Debug, Default)]
pub struct Plan {
    /// Every finding with its outcome, by path, offset, rule.
    pub findings: Vec<Finding>,
    /// The files as they shall be, by path.
    pub changes: Vec<FileChange>,
    /// The same, rule by rule, in the order in which they were made.
    pub steps: Vec<Step>,
    /// Files that were left out, and why.
    pub skipped: Vec<Skipped>,
    /// Files that were read.
    pub files: usize,
    /// What the run wants to say besides, one sentence each.
    pub notes: Vec<String>,
    /// Where a person decided fix by fix: findings (by fingerprint) that other fixes have cleared.
    pub cleared: BTreeSet<String>,
    /// Where a person decided fix by fix: findings that were not there before the fixes.
    pub raised: Vec<Finding>,
}

impl Plan {
    /// Plans of several apps as one, in the stated order.
    #[must_use]
    pub fn join(parts: impl IntoIterator<Item = Self>) -> Self {
        let parts: Vec<Self> = parts.into_iter().collect();
        // At once: a list that grows holds its findings twice.
        let findings = Vec::with_capacity(parts.iter().map(|part| part.findings.len()).sum());
        let mut whole = Self { findings, ..Self::default() };
        for part in parts {
            whole.findings.extend(part.findings);
            whole.changes.extend(part.changes);
            whole.steps.extend(part.steps);
            whole.skipped.extend(part.skipped);
            whole.files += part.files;
            whole.notes.extend(part.notes);
            whole.cleared.extend(part.cleared);
            whole.raised.extend(part.raised);
        }
        whole.findings.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
        whole.changes.sort_by(|a, b| a.path.cmp(&b.path));
        whole.skipped.sort();
        whole.skipped.dedup();
        whole
    }
}

/// Called with the number of files of each app that is done, from any thread.
pub type Done<'d> = &'d (dyn Fn(usize) + Sync);

/// Finds only: no fix is joined with another, nothing is planned.
pub fn scan(apps: &[crate::model::App], rules: &RuleSet, options: &Options, done: Done<'_>) -> Plan {
    let plan = over_apps(apps, options.jobs, |app, jobs| {
        let plan = run::scan(app, rules, options, jobs);
        done(plan.files);
        plan
    });
    with_unchecked(plan, rules)
}

/// Finds, and plans the fixes of the selected tiers.
pub fn plan(apps: &[crate::model::App], rules: &RuleSet, options: &Options, done: Done<'_>) -> Plan {
    let plan = over_apps(apps, options.jobs, |app, jobs| {
        let plan = run::plan(app, rules, options, jobs);
        done(plan.files);
        plan
    });
    with_unchecked(plan, rules)
}

/// Says which files some rule could not look at.
fn with_unchecked(mut plan: Plan, rules: &RuleSet) -> Plan {
    let unchecked = rules.scanner.too_broad();
    if !unchecked.is_empty() {
        plan.skipped.extend(unchecked);
        plan.skipped.sort();
        plan.skipped.dedup();
    }
    plan
}

/// Below this many files a second thread costs more than it gives.
const WORTH_A_THREAD: usize = 50;

/// Runs over apps, in parallel where that is worth a thread, and joins the results in a stated order. `work` is
/// told how many threads it may use itself: an app that is alone has them all.
fn over_apps(
    apps: &[crate::model::App],
    jobs: usize,
    work: impl Fn(&crate::model::App, usize) -> Plan + Sync,
) -> Plan {
    use std::sync::atomic::AtomicUsize;
    let files: usize = apps.iter().map(|app| app.files.len()).sum();
    let threads = if files < WORTH_A_THREAD { 1 } else { jobs.min(apps.len()).max(1) };
    let mut parts: Vec<(usize, Plan)> = Vec::with_capacity(apps.len());
    if threads == 1 {
        parts.extend(apps.iter().map(|app| work(app, jobs)).enumerate());
    } else {
        let next = AtomicUsize::new(0);
        let done = std::sync::Mutex::new(Vec::with_capacity(apps.len()));
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    while let Some((index, app)) = take(apps, &next) {
                        let plan = work(app, jobs / threads);
                        done.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push((index, plan));
                    }
                });
            }
        });
        parts = done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        parts.sort_by_key(|(index, _)| *index);
    }
    Plan::join(parts.into_iter().map(|(_, part)| part))
}

/// The next app that no thread has taken.
fn take<'t>(
    apps: &'t [crate::model::App],
    next: &std::sync::atomic::AtomicUsize,
) -> Option<(usize, &'t crate::model::App)> {
    let index = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    Some((index, apps.get(index)?))
}
