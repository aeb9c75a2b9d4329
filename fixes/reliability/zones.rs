//! Parts of 2.1 inside one region: what stands in one availability zone only.

use super::state::is_kept;
use super::{nodes, tasks};
use crate::detect::{Candidate, Findings, Match, Refusal};
use crate::edit::Builder;
use crate::model::{Environment, Model, Site};
use crate::rule::{Impact, Meta, Tier};
use crate::syntax::Syn;

/// Where findings of one rule go.
pub(super) struct Report<'o, 'm, 'a> {
    pub meta: &'static Meta,
    pub model: &'m Model<'a>,
    pub out: &'o mut Findings<'a>,
}

impl<'a> Report<'_, '_, 'a> {
    /// Reports what stands in one zone; nothing in code that belongs to one environment.
    pub(super) fn add(&mut self, site: &Site<'a>, message: String) -> Option<&mut Candidate<'a>> {
        let impact = match self.model.environment(site.node) {
            Environment::Guarded => return None,
            Environment::Known(_) => Impact::Medium,
            // Samples and tools know no environments.
            Environment::None => Impact::Low,
        };
        let finding = self.out.report(self.meta, self.model, site.node, message);
        finding.key("zone").impact(impact).tier(Tier::Review);
        Some(finding)
    }
}

/// Reports what stands in one zone; `None` where the match is another.
pub(super) fn check<'a>(m: &Match<'_, 'a>, meta: &'static Meta, out: &mut Findings<'a>) -> Option<()> {
    let model = m.model;
    let report = &mut Report { meta, model, out };
    let kept = |name: &str| m.site(name).filter(|site| is_kept(model, site));
    if let Some(database) = kept("database") {
        return database_in_one_zone(report, database);
    }
    if let Some(network) = m.site("network") {
        return network_in_one_zone(report, &network);
    }
    if let Some(writer) = kept("writer") {
        return writer_alone(report, writer);
    }
    if let Some(cluster) = kept("cluster") {
        return one_instance(report, cluster);
    }
    if let Some(files) = kept("files") {
        return files_in_one_zone(report, &files);
    }
    if let Some(cache) = m.site("cache") {
        return nodes::check_cache(report, cache);
    }
    if let Some(domain) = kept("search") {
        return nodes::check_search(report, domain);
    }
    match m.site("service") {
        Some(service) => tasks::check_service(report, service),
        None => tasks::check_group(report, m.site("group")?),
    }
}

/// A number of something: more of it in production, where the app tells.
pub(super) fn set_number<'a>(
    b: &mut Builder<'_, 'a>,
    site: &Site<'a>,
    prop: &str,
    (more, less): (&str, &str),
) -> Result<(), Refusal> {
    match b.environment(site.node).known().map(|known| known.expression.clone()) {
        Some(condition) => b.set_conditional(site, prop, (&condition, more, less)),
        None => b.set_prop(site, prop, more),
    }
}

fn database_in_one_zone<'a>(report: &mut Report<'_, '_, 'a>, database: Site<'a>) -> Option<()> {
    let label = database.label();
    let message = format!(
        "{label} runs in one availability zone: when it fails, the database is down until AWS has another server. The fix keeps a \
         standby in a second zone, in production where the app tells; that doubles the price of the instance."
    );
    let finding = report.add(&database, message)?;
    finding.fix(format!("Keep a standby of {label} in a second zone"), move |b| {
        let value = match b.environment(database.node).known() {
            Some(known) => known.expression.clone(),
            None => "true".to_owned(),
        };
        b.set_prop(&database, "multiAz", &value)
    });
    Some(())
}

fn network_in_one_zone<'a>(report: &mut Report<'_, '_, 'a>, network: &Site<'a>) -> Option<()> {
    let props = network.props(report.model);
    let listed = props.get(report.model, "availabilityZones").value();
    // A list of several zones, or of what cannot be counted.
    if listed.is_some_and(|zones| {
        let one = || zones.children().count() == 1 && !zones.children().any(|zone| zone.is("spread_element"));
        !zones.is("array") || !one()
    }) {
        return None;
    }
    let message = format!(
        "{} spans one availability zone: everything in it stops when that zone fails.",
        network.label()
    );
    report.add(network, message)?.refuse(
        "CDK numbers the subnets anew when a network gets another zone, and replaces those that are there",
        "give it a second zone where the network is built anew, or plan the move of what runs in it",
    );
    Some(())
}

fn writer_alone<'a>(report: &mut Report<'_, '_, 'a>, cluster: Site<'a>) -> Option<()> {
    let writer = cluster.props(report.model).get(report.model, "writer").value()?;
    let label = cluster.label();
    let message = format!(
        "{label} has a writer and no reader: when the writer's zone fails, the cluster is down until a new one has started. The \
         fix adds a reader, which takes over; it is billed like the writer."
    );
    let finding = report.add(&cluster, message)?;
    finding.fix(format!("Give {label} a reader"), move |b| add_reader(b, &cluster, writer));
    Some(())
}

/// A reader that is made as the writer is.
fn add_reader<'a>(b: &mut Builder<'_, 'a>, cluster: &Site<'a>, writer: Syn<'a>) -> Result<(), Refusal> {
    let unknown = || {
        crate::edit::no_fix(
            "its writer is put together where wa-fix cannot follow",
            "add a reader of the same size to readers",
        )
    };
    let function =
        writer.is("call_expression").then(|| writer.field("function")).flatten().ok_or_else(unknown)?;
    let arguments: Vec<Syn<'a>> =
        writer.field("arguments").map(|list| list.children().collect()).unwrap_or_default();
    let rest: Vec<&str> = arguments.iter().skip(1).map(|argument| argument.text()).collect();
    let rest = if rest.is_empty() { String::new() } else { format!(", {}", rest.join(", ")) };
    let serverless = function.text().ends_with("serverlessV2");
    let rest = match (serverless, rest.as_str()) {
        (true, "") => ", { scaleWithWriter: true }".to_owned(),
        _ => rest,
    };
    set_number(b, cluster, "readers", (&format!("[{}('reader'{rest})]", function.text()), "[]"))
}

fn one_instance<'a>(report: &mut Report<'_, '_, 'a>, cluster: Site<'a>) -> Option<()> {
    let label = cluster.label();
    let message = format!(
        "{label} runs one instance, in one availability zone: while it is replaced, nothing answers. The fix runs two, in production \
         where the app tells; both are billed."
    );
    let finding = report.add(&cluster, message)?;
    finding.fix(format!("Run two instances of {label}"), move |b| {
        set_number(b, &cluster, "instances", ("2", "1"))
    });
    Some(())
}

fn files_in_one_zone<'a>(report: &mut Report<'_, '_, 'a>, files: &Site<'a>) -> Option<()> {
    let message = format!(
        "{} keeps its files in one availability zone: while that fails they cannot be reached, and if it is destroyed they are gone.",
        files.label()
    );
    report.add(files, message)?.refuse(
        "where a file system keeps its files is settled when it is created: CloudFormation would replace it by an empty one",
        "build a second one that spans the zones, copy the files with AWS DataSync, then move its clients",
    );
    Some(())
}
