//! What a GitHub workflow says: what starts it, its jobs, what they wait for, and their steps.

use crate::model::command::{yaml_key, yaml_pairs};
use crate::syntax::{Literal, Syn};

/// A job of a workflow.
#[derive(Clone, Copy)]
pub(super) struct Job<'a> {
    /// What `needs` calls it.
    pub(super) id: &'a str,
    /// Its settings.
    pub(super) mapping: Syn<'a>,
    /// The settings of the workflow.
    workflow: Syn<'a>,
}

/// A step of a job: its settings.
#[derive(Clone, Copy)]
pub(super) struct Step<'a>(pub(super) Syn<'a>);

impl<'a> Job<'a> {
    /// The job that a `runs-on` belongs to.
    pub(super) fn of(runs_on: Syn<'a>) -> Option<Self> {
        let path = runs_on.file.path.to_ascii_lowercase();
        if yaml_key(runs_on) != "runs-on" || !path.contains(".github/workflows/") {
            return None;
        }
        let around = yaml_pairs(runs_on);
        let [own, jobs] = around.as_slice() else { return None };
        let workflow = jobs.parent().filter(|_| yaml_key(*jobs) == "jobs")?;
        Some(Self { id: yaml_key(*own), mapping: runs_on.parent()?, workflow })
    }

    /// A setting of the job.
    pub(super) fn setting(&self, key: &str) -> Option<Syn<'a>> {
        setting(self.mapping, key)
    }

    /// A setting of the workflow that it is a job of.
    pub(super) fn of_workflow(&self, key: &str) -> Option<Syn<'a>> {
        setting(self.workflow, key)
    }

    /// The jobs that have to end before it starts.
    pub(super) fn needed(&self) -> Vec<Self> {
        let mut found: Vec<Self> = Vec::new();
        let mut open = vec![*self];
        while let Some(job) = open.pop() {
            for id in job.setting("needs").into_iter().flat_map(texts) {
                let jobs = self.of_workflow("jobs");
                let other = jobs.and_then(pairs_of).into_iter().flatten().find(|pair| yaml_key(*pair) == id);
                let Some(other) = other else { continue };
                let Some(mapping) = other.field("value").map(inner) else { continue };
                let job = Self { id: yaml_key(other), mapping, workflow: self.workflow };
                if found.iter().all(|known| known.mapping != mapping) {
                    found.push(job);
                    open.push(job);
                }
            }
        }
        found
    }

    /// Its steps.
    pub(super) fn steps(&self) -> Vec<Step<'a>> {
        self.setting("steps").into_iter().flat_map(items).map(Step).collect()
    }

    /// The settings of an event that starts the workflow; the key itself where it has none.
    pub(super) fn event(&self, name: &str) -> Option<Syn<'a>> {
        let on = self.of_workflow("on")?;
        match pairs_of(on) {
            Some(pairs) => pairs
                .into_iter()
                .find(|pair| yaml_key(*pair) == name)
                .map(|pair| pair.field("value").map_or(pair, inner)),
            None => items(on).into_iter().find(|item| text(*item).as_deref() == Some(name)),
        }
    }
}

impl<'a> Step<'a> {
    /// A setting of the step.
    pub(super) fn setting(&self, key: &str) -> Option<Syn<'a>> {
        setting(self.0, key)
    }

    /// The text of a setting.
    pub(super) fn says(&self, key: &str) -> Option<String> {
        text(self.setting(key)?)
    }
}

/// The pairs of a mapping; `None` where it is none.
fn pairs_of(mapping: Syn<'_>) -> Option<Vec<Syn<'_>>> {
    matches!(mapping.kind(), "block_mapping" | "flow_mapping").then(|| mapping.children().collect())
}

/// The value of a key of a mapping.
pub(super) fn setting<'a>(mapping: Syn<'a>, key: &str) -> Option<Syn<'a>> {
    let pair = pairs_of(mapping)?.into_iter().find(|pair| yaml_key(*pair) == key)?;
    pair.field("value").map(inner)
}

/// The keys of a mapping whose values are texts, with these.
pub(super) fn variables(mapping: Syn<'_>) -> Vec<(&str, String)> {
    let pairs = pairs_of(mapping).unwrap_or_default();
    pairs.into_iter().filter_map(|pair| Some((yaml_key(pair), text(inner(pair.field("value")?))?))).collect()
}

/// The texts of a sequence, or the one that stands in its place.
pub(super) fn texts(node: Syn<'_>) -> Vec<String> {
    items(node).into_iter().filter_map(text).collect()
}

/// The items of a sequence, or what stands in its place.
fn items(node: Syn<'_>) -> Vec<Syn<'_>> {
    match node.kind() {
        "block_sequence" => node.children().filter_map(Syn::first).map(inner).collect(),
        "flow_sequence" => node.children().map(inner).collect(),
        _ => vec![node],
    }
}

/// A scalar's text.
pub(super) fn text(node: Syn<'_>) -> Option<String> {
    Literal::of(node).map(|literal| literal.text)
}

/// What stands behind anchors and tags.
fn inner(node: Syn<'_>) -> Syn<'_> {
    let mut node = node;
    while matches!(node.kind(), "block_node" | "flow_node") {
        let Some(last) = node.children().last() else { break };
        node = last;
    }
    node
}
