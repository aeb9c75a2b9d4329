//! Parts of 2.1 inside one region: what runs in one availability zone only.

use super::state::is_kept;
use crate::detect::{Findings, Match, Refusal};
use crate::edit::Builder;
use crate::model::{Environment, Model, Site};
use crate::rule::{Impact, Meta, Tier};
use crate::syntax::Syn;

/// Reports what stands in one zone; `None` where the match is another.
pub(super) fn check<'a>(m: &Match<'_, 'a>, meta: &'static Meta, out: &mut Findings<'a>) -> Option<()> {
    let model = m.model;
    if let Some(database) = m.site("database") {
        return database_in_one_zone(model, database, meta, out);
    }
    if let Some(network) = m.site("network") {
        return network_in_one_zone(model, &network, meta, out);
    }
    if let Some(writer) = m.site("writer") {
        return writer_alone(model, &writer, meta, out);
    }
    let (site, prop, what) = match (m.site("cluster"), m.site("service")) {
        (Some(cluster), _) => (cluster, "instances", "instance"),
        (_, Some(service)) => (service, "desiredCount", "task"),
        _ => return None,
    };
    one_of_it(model, site, prop, what, meta, out)
}

/// How much it matters where something is built; `None` in code that belongs to one environment.
pub(super) fn impact_at<'a>(model: &Model<'a>, site: &Site<'a>) -> Option<Impact> {
    match model.environment(site.node) {
        Environment::Guarded => None,
        Environment::Known(_) => Some(Impact::Medium),
        // Samples and tools know no environments.
        Environment::None => Some(Impact::Low),
    }
}

fn database_in_one_zone<'a>(
    model: &Model<'a>,
    database: Site<'a>,
    meta: &'static Meta,
    out: &mut Findings<'a>,
) -> Option<()> {
    let impact = impact_at(model, &database).filter(|_| is_kept(model, &database))?;
    let label = database.label();
    let finding = out.report(
        meta,
        model,
        database.node,
        format!(
            "{label} runs in one availability zone: when it fails, the database is down until AWS has another server. The fix keeps a \
             standby in a second zone, in production where the app tells; that doubles the price of the instance."
        ),
    );
    finding.key("zone");
    finding.impact(impact).tier(Tier::Review);
    finding.fix(format!("Keep a standby of {label} in a second zone"), move |b| {
        let value = match b.environment(database.node).known() {
            Some(known) => known.expression.clone(),
            None => "true".to_owned(),
        };
        b.set_prop(&database, "multiAz", &value)
    });
    Some(())
}

fn network_in_one_zone<'a>(
    model: &Model<'a>,
    network: &Site<'a>,
    meta: &'static Meta,
    out: &mut Findings<'a>,
) -> Option<()> {
    let impact = impact_at(model, network)?;
    let finding = out.report(
        meta,
        model,
        network.node,
        format!(
            "{} spans one availability zone: everything in it stops when that zone fails.",
            network.label()
        ),
    );
    finding.key("zone");
    finding.impact(impact).tier(Tier::Review);
    finding.refuse(
        "CDK numbers the subnets anew when a network gets another zone, and replaces those that are there",
        "raise maxAzs where the network is built anew, or plan the move of what runs in it",
    );
    Some(())
}

fn writer_alone<'a>(
    model: &Model<'a>,
    cluster: &Site<'a>,
    meta: &'static Meta,
    out: &mut Findings<'a>,
) -> Option<()> {
    let impact = impact_at(model, cluster).filter(|_| is_kept(model, cluster))?;
    let writer = cluster.props(model).get(model, "writer").value()?;
    let label = cluster.label();
    let finding = out.report(
        meta,
        model,
        cluster.node,
        format!(
            "{label} has a writer and no reader: when the writer's zone fails, the cluster is down until a new one has started. The \
             fix adds a reader, which takes over; it is billed like the writer."
        ),
    );
    finding.key("zone");
    finding.impact(impact).tier(Tier::Review);
    let cluster = cluster.clone();
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
    let known = b.environment(cluster.node).known().map(|known| known.expression.clone());
    let list = format!("[{}('reader'{rest})]", function.text());
    match known {
        Some(condition) => b.set_conditional(cluster, "readers", (&condition, &list, "[]")),
        None => b.set_prop(cluster, "readers", &list),
    }
}

fn one_of_it<'a>(
    model: &Model<'a>,
    site: Site<'a>,
    prop: &'static str,
    what: &'static str,
    meta: &'static Meta,
    out: &mut Findings<'a>,
) -> Option<()> {
    let impact = impact_at(model, &site).filter(|_| prop == "desiredCount" || is_kept(model, &site))?;
    let label = site.label();
    let finding = out.report(
        meta,
        model,
        site.node,
        format!(
            "{label} runs one {what}, in one availability zone: while it is replaced, nothing answers. The fix runs two, in production \
             where the app tells; both are billed."
        ),
    );
    finding.key("zone");
    finding.impact(impact).tier(Tier::Review);
    finding.fix(format!("Run two {what}s of {label}"), move |b| {
        let known = b.environment(site.node).known().map(|known| known.expression.clone());
        // What scales the tasks would go back to its own least.
        for least in least_tasks(b.model, &site) {
            let two =
                known.as_ref().map_or_else(|| "2".to_owned(), |condition| format!("{condition} ? 2 : 1"));
            b.replace(least, &two);
        }
        match known {
            Some(condition) => b.set_conditional(&site, prop, (&condition, "2", "1")),
            None => b.set_prop(&site, prop, "2"),
        }
    });
    Some(())
}

/// Where scaling keeps one task of a service at least: the values of `minCapacity`, in the service's own file.
fn least_tasks<'a>(model: &Model<'a>, service: &Site<'a>) -> Vec<Syn<'a>> {
    let of = |node: Syn<'a>| model.origin(node).map(|site| site.node);
    let calls = model.method_calls("autoScaleTaskCount").filter_map(|call| {
        let object = call.field("function")?.field("object")?;
        // `service.autoScaleTaskCount(…)`, or `pattern.service.autoScaleTaskCount(…)`.
        let owner = of(object).or_else(|| of(object.field("object")?))?;
        let options = call.field("arguments")?.first().filter(|options| options.is("object"))?;
        let least = model.props_of(options).get(model, "minCapacity").value()?;
        (owner == service.node && least.text() == "1" && std::ptr::eq(least.file, service.node.file))
            .then_some(least)
    });
    calls.collect()
}
