//! What rules report: candidates with a lazy fix. `src/plan` turns them into findings.

use super::Refusal;
use crate::edit::Builder;
use crate::model::meaning::is_class;
use crate::model::{Model, Site};
use crate::rule::{Impact, Meta, Tier};
use crate::syntax::Syn;

/// Makes the edits of a fix; run only when they are wanted.
pub type MakeFix<'a> = Box<dyn Fn(&mut Builder<'_, 'a>) -> Result<(), Refusal> + 'a>;

/// A place where a rule holds, and its fix.
pub struct Candidate<'a> {
    /// The rule.
    pub rule: &'static Meta,
    /// The node that is shown.
    pub node: Syn<'a>,
    /// Impact here.
    pub impact: Impact,
    /// Tier of the fix here.
    pub tier: Tier,
    /// What is wrong here, what could happen, what the fix does, what it costs.
    pub message: String,
    /// One line in the imperative: what the edit does. Empty where there is no fix.
    pub title: String,
    /// The fix, or why there is none.
    pub fix: Result<MakeFix<'a>, Refusal>,
    /// Rule and construct path: the same under moved lines and renamed files.
    pub key: String,
    /// Whether it follows from the code as it is: any fix may bring it, and its own rule takes it away again.
    pub follows: bool,
}

impl<'a> Candidate<'a> {
    /// States another impact than the rule's usual one.
    pub fn impact(&mut self, impact: Impact) -> &mut Self {
        self.impact = impact;
        self
    }

    /// States another tier than the rule's usual one.
    pub fn tier(&mut self, tier: Tier) -> &mut Self {
        self.tier = tier;
        self
    }

    /// States that any change of the code may bring this finding, as where a document is generated from it.
    pub fn follows(&mut self) -> &mut Self {
        self.follows = true;
        self
    }

    /// Adds to the construct path what tells this finding from others of the same construct.
    pub fn key(&mut self, part: &str) -> &mut Self {
        self.key.push('/');
        self.key.push_str(part);
        self
    }

    /// Gives the fix. `title` is an imperative, such as "Add a dead-letter queue to Handler".
    pub fn fix(
        &mut self,
        title: impl Into<String>,
        make: impl Fn(&mut Builder<'_, 'a>) -> Result<(), Refusal> + 'a,
    ) {
        self.title = title.into();
        self.fix = Ok(Box::new(make));
    }

    /// Says why there is no fix here, and what to do instead.
    pub fn refuse(&mut self, why: &str, next: &str) {
        self.fix = Err(crate::edit::no_fix(why, next));
    }
}

/// Collects what the rules report.
#[derive(Default)]
pub struct Findings<'a> {
    /// Everything reported so far.
    pub candidates: Vec<Candidate<'a>>,
}

impl<'a> Findings<'a> {
    /// Reports a rule at a node. A fix or a refusal is expected to follow.
    pub fn report(
        &mut self,
        rule: &'static Meta,
        model: &Model<'a>,
        node: Syn<'a>,
        message: impl Into<String>,
    ) -> &mut Candidate<'a> {
        self.candidates.push(Candidate {
            rule,
            node,
            impact: rule.impact,
            tier: rule.tier,
            message: message.into(),
            title: String::new(),
            fix: Err(crate::edit::no_fix("the rule has no fix for this form", "change it by hand")),
            key: construct_path(model, node),
            follows: false,
        });
        let last = self.candidates.len() - 1;
        // The element was pushed in this function.
        #[expect(clippy::indexing_slicing, reason = "the index is that of the element just pushed")]
        &mut self.candidates[last]
    }
}

/// The classes and construct ids around a node: `ApiStack/Handler`.
pub fn construct_path<'a>(model: &Model<'a>, node: Syn<'a>) -> String {
    let mut parts: Vec<String> = Vec::new();
    for around in std::iter::once(node).chain(node.ancestors()) {
        if around.is("new_expression") {
            if let Some(site) = model.site_of(around) {
                parts.push(label_part(&site));
            }
        } else if is_class(around) || around.is("function_declaration") {
            parts.extend(around.field("name").map(|name| name.text().to_owned()));
        } else if around.is("pair") && parts.is_empty() {
            parts.extend(around.field("key").map(|key| key.text().to_owned()));
        }
    }
    parts.reverse();
    parts.join("/")
}

fn label_part(site: &Site<'_>) -> String {
    format!("{}#{}", site.class, site.label())
}
