//! A review joined with the planner: what each fix would write with the decisions as they are, and what a decision
//! does to the others. All planning is that of `src/plan`, from the files as they are on disk now.

use std::collections::{BTreeMap, BTreeSet};

use super::item::{Asked, Decision, Item, Standing};
use super::state::{Effect, Review};
use crate::detect::{Finding, Outcome, Refusal};
use crate::edit::FileChange;
use crate::model::App;
use crate::plan::{Made, Options, Plan, RuleSet, Trial, plan};
use crate::report::rows::essence;

/// The cause of what nobody at this terminal did.
const OUTSIDE: &str = "a change that another program made";

/// What a fix would write now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// What the fix does, in the way that was chosen.
    pub title: String,
    /// Its changes, made after the accepted fixes that go before it.
    pub changes: Vec<FileChange>,
    /// Why it would not be written, where it would not.
    pub refused: Option<String>,
}

impl Preview {
    fn nothing(title: &str, refused: Option<String>) -> Self {
        Self { title: title.to_owned(), changes: Vec::new(), refused }
    }
}

/// A review and what it needs to plan.
pub struct Session<'r> {
    apps: &'r [App],
    rules: &'r RuleSet,
    options: Options,
    /// The decisions.
    pub review: Review,
    /// What was shown last, until something changes.
    shown: Option<(usize, Preview)>,
}

impl<'r> Session<'r> {
    /// Finds everything that has a fix, or would have one with an answer.
    pub fn open(apps: &'r [App], rules: &'r RuleSet, options: &Options) -> Self {
        let options = options.clone();
        let mut session = Self { apps, rules, options, review: Review::new(Vec::new()), shown: None };
        let mut items = Vec::new();
        for app in 0..apps.len() {
            let found = session.plan_app(app, None).findings;
            items.extend(found.into_iter().filter_map(|finding| session.item(app, finding)));
        }
        items.sort_by(|a, b| a.finding.sort_key().cmp(&b.finding.sort_key()));
        session.review = Review::new(items);
        session
    }

    fn item(&self, app: usize, finding: Finding) -> Option<Item> {
        let standing = standing(&finding);
        let takes = matches!(standing, Some(Standing::Ready | Standing::Needs(_)));
        (takes && finding.impact >= self.options.min_impact)
            .then(|| Item::new(app, finding, standing.unwrap_or(Standing::Ready)))
    }

    /// The options with the answers of the review.
    pub fn options(&self) -> Options {
        let mut options = self.options.clone();
        options.values.extend(self.review.answers.clone());
        options
    }

    /// The apps under review.
    pub fn apps(&self) -> &'r [App] {
        self.apps
    }

    /// The plan of all decisions without some fixes, for a proof.
    pub fn plan_with(&self, trial: &Trial) -> Plan {
        Plan::join(self.app_numbers().into_iter().map(|app| {
            let mut options = self.options();
            options.only = Some(self.review.decisions(app));
            options.trial = trial.clone();
            let app = self.apps.get(app).map_or(&[][..], std::slice::from_ref);
            plan(app, self.rules, &options, &|_| {})
        }))
    }

    /// Takes back the decisions on fixes that a check fails with, and says so at each.
    pub fn back_out(&mut self, failed: &BTreeMap<String, String>) {
        for item in self.review.items_mut() {
            if let Some(words) = failed.get(&item.finding.fingerprint)
                && item.decision == Some(Decision::Accepted)
            {
                item.withdraw(format!("Backed out: {words}."));
            }
        }
        self.replan("a fix that was backed out");
    }

    fn app_numbers(&self) -> BTreeSet<usize> {
        self.review.items().iter().map(|item| item.app).collect()
    }

    /// The plan of one app with the decisions as they are, and one more fix.
    fn plan_app(&self, app: usize, with: Option<&str>) -> Plan {
        let mut options = self.options();
        let mut decisions = self.review.decisions(app);
        if let Some(fingerprint) = with {
            decisions.accepted.insert(fingerprint.to_owned());
        }
        options.only = Some(decisions);
        self.apps
            .get(app)
            .map_or_else(Plan::default, |app| plan(std::slice::from_ref(app), self.rules, &options, &|_| {}))
    }

    /// What the current fix would write.
    pub fn preview(&mut self) -> Preview {
        let Some((at, item)) = self.review.current() else { return Preview::nothing("", None) };
        if let Some((index, preview)) = &self.shown
            && *index == at
        {
            return preview.clone();
        }
        let comment = matches!(item.decision, Some(Decision::Suppressed(_)));
        let preview = match &item.standing {
            Standing::Ready if comment => self.preview_in(item, &self.plan_app(item.app, None)),
            Standing::Ready => {
                self.preview_in(item, &self.plan_app(item.app, Some(&item.finding.fingerprint)))
            }
            Standing::Refused(why) => Preview::nothing("", Some(why.clone())),
            _ => Preview::nothing(title_of(item), None),
        };
        self.shown = Some((at, preview.clone()));
        preview
    }

    fn preview_in(&self, item: &Item, plan: &Plan) -> Preview {
        let fingerprint = item.finding.fingerprint.as_str();
        match made_in(plan).get(fingerprint) {
            Some(made) => Preview { title: made.title.clone(), changes: made.changes.clone(), refused: None },
            None => Preview::nothing(title_of(item), Some(why_not(plan, fingerprint))),
        }
    }

    /// Accepts the current fix, if it still writes what was shown.
    pub fn accept(&mut self) {
        let shown = self.preview();
        let Some((_, item)) = self.review.current() else { return };
        let (app, fingerprint) = (item.app, item.finding.fingerprint.clone());
        let plan = self.plan_app(app, Some(&fingerprint));
        let now = self.preview_in(item, &plan);
        let (was, is) = (essence(&shown.changes), essence(&now.changes));
        if shown.refused.is_none() && (now.refused.is_some() || was != is) {
            self.outside();
        } else if let Some(why) = now.refused {
            self.shown = None;
            self.review.message = Some(format!("It cannot be accepted: {why}."));
        } else {
            if let Some(item) = self.review.current_mut() {
                item.consent = Some(is);
            }
            if let Effect::Plan(cause) = self.review.decide(Decision::Accepted) {
                self.follow(app, &cause, Some(plan));
            }
        }
    }

    /// Another program changed a file since the fix was shown.
    fn outside(&mut self) {
        self.replan(OUTSIDE);
        if let Some(item) = self.review.current_mut().filter(|item| item.standing == Standing::Ready) {
            item.note =
                Some("Another program changed the file; this is the fix as it would be now.".to_owned());
        }
    }

    /// Plans every app under review again, and tells each finding what became of it.
    pub fn replan(&mut self, cause: &str) -> Vec<Plan> {
        self.app_numbers().into_iter().map(|app| self.follow(app, cause, None)).collect()
    }

    /// Plans an app until no accepted fix changes under the others, and tells each finding what became of it. `plan` is one
    /// that was made with the decisions as they are.
    fn follow(&mut self, app: usize, cause: &str, plan: Option<Plan>) -> Plan {
        self.shown = None;
        let mut plan = plan.unwrap_or_else(|| self.plan_app(app, None));
        // Each time at least one decision is withdrawn, so this ends.
        while self.tell(app, cause, &plan) {
            plan = self.plan_app(app, None);
        }
        let known: BTreeSet<String> = self
            .review
            .items()
            .iter()
            .filter(|item| item.app == app)
            .map(|item| item.finding.fingerprint.clone())
            .collect();
        for finding in &plan.raised {
            if !known.contains(&finding.fingerprint)
                && let Some(mut item) = self.item(app, finding.clone())
            {
                item.raised = true;
                item.note = Some(format!("New: {cause} brought this finding."));
                self.review.items_mut().push(item);
            }
        }
        self.review.settle();
        plan
    }

    /// Tells each finding of an app what a plan makes of it; whether a decision was withdrawn.
    fn tell(&mut self, app: usize, cause: &str, plan: &Plan) -> bool {
        let made = made_in(plan);
        let found: BTreeMap<&str, &Finding> = plan
            .findings
            .iter()
            .chain(&plan.raised)
            .map(|finding| (finding.fingerprint.as_str(), finding))
            .collect();
        let mut withdrawn = false;
        for item in self.review.items_mut().iter_mut().filter(|item| item.app == app) {
            let fingerprint = item.finding.fingerprint.clone();
            let now = match found.get(fingerprint.as_str()) {
                // What a raised finding says of its place holds only until its fix is made.
                None if item.raised && made.contains_key(fingerprint.as_str()) => item.standing.clone(),
                None => Standing::Gone,
                Some(_) if plan.cleared.contains(&fingerprint) => Standing::Cleared,
                Some(finding) => {
                    let now = standing(finding).unwrap_or_else(|| item.standing.clone());
                    item.finding = (*finding).clone();
                    now
                }
            };
            withdrawn |= judge(item, cause, made.get(fingerprint.as_str()).copied(), plan);
            if now != item.standing {
                stand(item, now, cause);
            }
        }
        withdrawn
    }

    /// Takes an answer to a question of the current fix, if the fix can do something with it.
    ///
    /// # Errors
    /// Why not, in the words of the rule.
    pub fn answer(&mut self, key: &str, answer: &str) -> Result<(), String> {
        let Some((_, item)) = self.review.current() else { return Ok(()) };
        let (app, fingerprint) = (item.app, item.finding.fingerprint.clone());
        let Effect::Plan(cause) = self.review.answer(key, answer) else { return Ok(()) };
        let plan = self.plan_app(app, None);
        let found = plan.findings.iter().chain(&plan.raised).find(|found| found.fingerprint == fingerprint);
        let objection = match found.map(|found| &found.outcome) {
            Some(Outcome::NoFix(refusal)) => Some(refusal.to_string()),
            Some(Outcome::NeedsValue(Refusal::NeedsValue { key: again, .. })) if again == key => {
                Some("that is no answer".to_owned())
            }
            _ => None,
        };
        if let Some(why) = objection {
            self.review.forget();
            return Err(why);
        }
        self.replan(&cause);
        Ok(())
    }

    /// The plan of all decisions, from the files as they are now. Nothing of it was not agreed to: where a fix is
    /// another one now, its decision is withdrawn, and `None` comes back.
    pub fn close(&mut self) -> Option<Plan> {
        let before = self.decided();
        let plans = self.replan(OUTSIDE);
        let changed = self.decided().iter().zip(&before).position(|(now, before)| now != before);
        if let Some(first) = changed {
            self.review.show(first);
            return None;
        }
        Some(Plan::join(plans))
    }

    fn decided(&self) -> Vec<Option<Decision>> {
        self.review.items().iter().map(|item| item.decision.clone()).collect()
    }
}

/// What every fix of a plan made, by fingerprint.
fn made_in(plan: &Plan) -> BTreeMap<&str, &Made> {
    plan.steps.iter().flat_map(|step| &step.made).map(|made| (made.fingerprint.as_str(), made)).collect()
}

/// Holds a decision against what a plan made of it; whether it was withdrawn.
fn judge(item: &mut Item, cause: &str, made: Option<&Made>, plan: &Plan) -> bool {
    match (&item.decision, made) {
        (Some(Decision::Accepted), Some(made)) => {
            let is = essence(&made.changes);
            if item.consent.as_ref().is_some_and(|agreed| *agreed != is) {
                item.withdraw(format!("Changed: {cause} makes this another fix. Decide again."));
                return true;
            }
            item.consent = Some(is);
            false
        }
        (Some(Decision::Accepted), None) => {
            let why = why_not(plan, &item.finding.fingerprint);
            item.withdraw(format!("After {cause}, this fix is no longer made: {why}."));
            true
        }
        (Some(Decision::Suppressed(_)), None) => {
            let outcome = outcome_in(plan, &item.finding.fingerprint);
            if matches!(outcome, Some(Outcome::Suppressed(_))) {
                return false;
            }
            let why = why_not(plan, &item.finding.fingerprint);
            item.withdraw(format!("No comment was written: {why}."));
            true
        }
        _ => false,
    }
}

/// Gives an item another standing, and says why.
fn stand(item: &mut Item, now: Standing, cause: &str) {
    let note = match &now {
        Standing::Cleared => Some(format!("Nothing left to do here: {cause} has cleared this finding.")),
        Standing::Gone if item.raised => {
            item.seen = true;
            None
        }
        Standing::Gone => Some(format!("Nothing left to do here: after {cause}, the code no longer has it.")),
        Standing::Refused(_) => Some(format!("After {cause}, there is no fix here.")),
        _ => None,
    };
    if note.is_some() || !matches!(now, Standing::Ready) {
        item.seen = item.raised && now == Standing::Gone;
    }
    if item.note.is_none() || note.is_some() {
        item.note = note;
    }
    item.standing = now;
}

fn outcome_in<'p>(plan: &'p Plan, fingerprint: &str) -> Option<&'p Outcome> {
    let found = plan.findings.iter().chain(&plan.raised).find(|found| found.fingerprint == fingerprint);
    found.map(|found| &found.outcome)
}

/// Why a plan does not make a fix that it was asked for.
fn why_not(plan: &Plan, fingerprint: &str) -> String {
    if plan.cleared.contains(fingerprint) {
        return "another accepted fix clears its finding".to_owned();
    }
    match outcome_in(plan, fingerprint) {
        Some(Outcome::BackedOut(why)) => why.clone(),
        Some(Outcome::Conflict(with)) if with.contains(' ') => with.clone(),
        Some(Outcome::Conflict(with)) => format!("it wants the same text as a fix of {with}"),
        Some(Outcome::NoFix(refusal)) => refusal.to_string(),
        Some(Outcome::NeedsValue(_)) => "a question is open".to_owned(),
        Some(Outcome::Suppressed(_)) => "a comment in the code accepts the finding".to_owned(),
        Some(_) => "with the accepted fixes it is not made".to_owned(),
        None => "the code no longer has the finding".to_owned(),
    }
}

/// What can be done about a finding; `None` where nothing can.
fn standing(finding: &Finding) -> Option<Standing> {
    match &finding.outcome {
        Outcome::Offered | Outcome::Held(_) => Some(Standing::Ready),
        Outcome::NeedsValue(Refusal::NeedsValue { key, ask, kind, example }) => {
            let (key, ask, example) = (key.clone(), ask.clone(), example.clone());
            Some(Standing::Needs(Asked { key, ask, kind: *kind, example }))
        }
        Outcome::NoFix(refusal) => Some(Standing::Refused(refusal.to_string())),
        _ => None,
    }
}

/// What the fix of an item does.
fn title_of(item: &Item) -> &str {
    item.finding.fix.as_ref().map_or("", |fix| fix.title.as_str())
}
