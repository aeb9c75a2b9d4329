//! Parts of 2.1 about clusters of nodes: caches and search domains that stand in one availability zone.

use super::zones::Report;
use crate::detect::Refusal;
use crate::edit::{Builder, no_fix};
use crate::model::props::own_entry;
use crate::model::{Model, Prop, Site};
use crate::syntax::Syn;

/// A number in the props, where it is written.
fn number<'a>(model: &Model<'a>, site: &Site<'a>, name: &str) -> Option<u32> {
    let value: Syn<'a> = site.props(model).get(model, name).value()?;
    model.value_of(value).text().parse().ok()
}

/// What a replication group lacks.
#[derive(Clone, Copy)]
struct Lacks {
    /// That another node takes over.
    failover: bool,
    /// Another node.
    node: bool,
    /// Whether its nodes are counted by group.
    by_group: bool,
}

/// Reports a replication group of `ElastiCache` that nothing takes over for, or nothing in another zone.
pub(super) fn check_cache<'a>(report: &mut Report<'_, '_, 'a>, cache: Site<'a>) -> Option<()> {
    let model = report.model;
    let given = |name: &str| cache.props(model).get(model, name) != Prop::Absent;
    let counts = ["numNodeGroups", "numCacheClusters", "replicasPerNodeGroup"];
    let told = counts.iter().all(|name| !given(name) || number(model, &cache, name).is_some());
    // A cluster of several shards fails over by itself, and a part of a global group is led by that.
    let shards = number(model, &cache, "numNodeGroups").unwrap_or(1);
    let others = ["nodeGroupConfiguration", "primaryClusterId", "globalReplicationGroupId", "snapshotName"];
    if !told || shards != 1 || others.iter().any(|name| given(name)) {
        return None;
    }
    let nodes = number(model, &cache, "numCacheClusters");
    let replicas = number(model, &cache, "replicasPerNodeGroup");
    let node = nodes.is_none_or(|nodes| nodes < 2) && replicas.is_none_or(|replicas| replicas == 0);
    let automatic = cache.props(model).get(model, "automaticFailoverEnabled").value();
    let failover = automatic.is_none_or(|value| value.text() != "true");
    // With nothing to take over, AWS refuses the failover itself.
    if node && !failover {
        return None;
    }
    let lacks = Lacks { failover, node, by_group: replicas.is_some() };
    let label = cache.label();
    let billed = if node { " and adds a second node, which is billed" } else { "" };
    let message = if failover {
        format!(
            "Nothing takes over when the node of {label} or its availability zone fails: what it holds is lost, and everything behind it \
             gets the whole load at once. The fix switches automatic failover between zones on{billed}, in production where the app tells."
        )
    } else {
        format!(
            "The nodes of {label} may all stand in one availability zone: automatic failover is on, but not across zones, and with the \
             zone all of them are lost. The fix spreads them."
        )
    };
    let finding = report.add(&cache, message)?;
    finding.fix(format!("Let a node in another zone take over for {label}"), move |b| {
        fail_over(b, &cache, lacks)
    });
    Some(())
}

fn fail_over<'a>(b: &mut Builder<'_, 'a>, cache: &Site<'a>, lacks: Lacks) -> Result<(), Refusal> {
    if !lacks.failover {
        return b.set_prop(cache, "multiAzEnabled", "true");
    }
    let known = b.environment(cache.node).known().map(|known| known.expression.clone());
    let yes = known.clone().unwrap_or_else(|| "true".to_owned());
    let mut entries = vec![("automaticFailoverEnabled", yes.clone()), ("multiAzEnabled", yes)];
    if lacks.node {
        let (name, more, less) =
            if lacks.by_group { ("replicasPerNodeGroup", "1", "0") } else { ("numCacheClusters", "2", "1") };
        let count = known.map_or_else(|| more.to_owned(), |known| format!("{known} ? {more} : {less}"));
        entries.push((name, count));
    }
    let object = cache.props_argument().filter(|object| object.is("object")).ok_or_else(|| {
        no_fix("its props are put together elsewhere", "write them where it is built, then run again")
    })?;
    let (old, new): (Vec<_>, Vec<_>) =
        entries.into_iter().partition(|(name, _)| own_entry(object, name).is_some());
    b.set_entries(object, &old);
    b.insert_entries(object, &new);
    Ok(())
}

/// Reports a search domain of several nodes that all stand in one zone.
pub(super) fn check_search<'a>(report: &mut Report<'_, '_, 'a>, domain: Site<'a>) -> Option<()> {
    let model = report.model;
    let props = domain.props(model);
    let nodes = match props.get(model, "capacity") {
        Prop::Absent => None,
        Prop::Present(entry) => match model.props_of(entry.value).get(model, "dataNodes") {
            Prop::Absent => None,
            Prop::Present(entry) => Some(model.value_of(entry.value).text().parse::<u32>().ok()?),
            Prop::Unknown => return None,
        },
        Prop::Unknown => return None,
    };
    let label = domain.label();
    let message = format!(
        "All nodes of {label} stand in one availability zone: when it fails, nothing can be searched until it is back. The fix spreads \
         them over two zones; the domain is rebuilt behind its address, which takes a while."
    );
    let finding = report.add(&domain, message)?;
    if props.get(model, "vpc") != Prop::Absent {
        finding.refuse(
            "it stands in a VPC, and needs a subnet in each zone",
            "give it subnets in two zones, set zoneAwareness, and count its nodes by two",
        );
    } else if nodes.is_none_or(|nodes| nodes % 2 == 1) {
        finding.refuse(
            "nodes in two zones come in pairs, and its number of them is odd",
            "give capacity.dataNodes an even number, then run again",
        );
    } else {
        finding.fix(format!("Spread the nodes of {label} over two zones"), move |b| {
            b.set_prop(&domain, "zoneAwareness", "{ enabled: true }")
        });
    }
    Some(())
}
