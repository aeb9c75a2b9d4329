//! Tables whose provisioned capacity does not follow the traffic.

use crate::detect::{Findings, Refusal};
use crate::edit::{Builder, no_fix};
use crate::fixes::security::bucket::is_built_by_its_class;
use crate::fixes::security::named;
use crate::model::{Model, Prop, Site};
use crate::rule::Meta;
use crate::syntax::Syn;

/// What a table has where nobody says anything.
const DEFAULT: u32 = 5;
/// How many times as much there may be as at least.
pub(super) const TIMES: u32 = 10;
const MODE: &str = "aws_dynamodb.BillingMode";

/// Reports a table with provisioned capacity that nothing scales.
pub(super) fn check<'a>(
    meta: &'static Meta,
    model: &Model<'a>,
    table: Site<'a>,
    out: &mut Findings<'a>,
) -> Option<()> {
    let props = table.props(model);
    let said = match props.get(model, "billingMode") {
        Prop::Absent => false,
        Prop::Present(entry) => {
            let mode = model.cdk_name(entry.value)?;
            (mode.strip_prefix(MODE)? == ".PROVISIONED").then_some(true)?
        }
        Prop::Unknown => return None,
    };
    // A table with replicas is billed by request, unless it says otherwise.
    if !said && props.get(model, "replicationRegions") != Prop::Absent
        || is_built_by_its_class(&table)
        || is_scaled(model, &table)
    {
        return None;
    }
    let capacities = [props.get(model, "readCapacity"), props.get(model, "writeCapacity")];
    let label = table.label();
    if !said && capacities.iter().all(|capacity| *capacity == Prop::Absent) {
        let message = format!(
            "{label} says nothing of its capacity and gets {DEFAULT} reads and {DEFAULT} writes a second, whatever the traffic: above that, \
             requests are refused. The fix bills it by request, which follows the traffic by itself; a table that is always busy may \
             cost more that way."
        );
        out.report(meta, model, table.node, message).fix(format!("Bill {label} by request"), move |b| {
            if indexes(b.model, &table).any(|call| call.text().contains("Capacity")) {
                return Err(no_fix(
                    "an index of it has a capacity of its own, which a table that is billed by request cannot have",
                    "set billingMode to PAY_PER_REQUEST and take the capacity of the index out",
                ));
            }
            let mode = b.cdk(table.node, MODE)?;
            b.set_prop(&table, "billingMode", &format!("{mode}.PAY_PER_REQUEST"))
        });
        return Some(());
    }
    let [reads, writes] = capacities.map(|capacity| match capacity {
        Prop::Absent => Some(DEFAULT),
        Prop::Present(entry) => number(entry.value),
        Prop::Unknown => None,
    });
    let message = format!(
        "{label} has a fixed capacity, whatever the traffic: above it requests are refused, below it nobody uses what is billed. The fix \
         lets reads and writes follow the traffic up to {TIMES} times as much, and what they cost with them."
    );
    let candidate = out.report(meta, model, table.node, message);
    let Some((reads, writes)) = reads.zip(writes) else {
        candidate.refuse(
            "its capacity is not written here",
            "call autoScaleReadCapacity and autoScaleWriteCapacity on it",
        );
        return Some(());
    };
    candidate.fix(format!("Let the capacity of {label} follow the traffic"), move |b| {
        scale(b, &table, (reads, writes))
    });
    Some(())
}

fn number(node: Syn<'_>) -> Option<u32> {
    node.text().replace('_', "").parse().ok().filter(|number| node.is("number") && *number > 0)
}

/// Whether something scales the table, or may.
fn is_scaled<'a>(model: &Model<'a>, table: &Site<'a>) -> bool {
    let methods = [
        "autoScaleReadCapacity",
        "autoScaleWriteCapacity",
        "autoScaleGlobalSecondaryIndexReadCapacity",
        "autoScaleGlobalSecondaryIndexWriteCapacity",
    ];
    let called = methods.iter().any(|method| calls_on(model, table, method).next().is_some());
    called
        || model.app_builds("aws_applicationautoscaling.ScalableTarget")
        || model.app_builds("aws_applicationautoscaling.CfnScalableTarget")
}

/// The calls of a method on the table, or on what cannot be followed.
fn calls_on<'m, 'a: 'm>(
    model: &'m Model<'a>,
    table: &Site<'a>,
    method: &str,
) -> impl Iterator<Item = Syn<'a>> + 'm {
    let node = table.node;
    model.method_calls(method).filter(move |call| {
        let object = call.field("function").and_then(|callee| callee.field("object"));
        object.and_then(|object| model.origin(object)).is_none_or(|site| site.node == node)
    })
}

fn indexes<'m, 'a: 'm>(model: &'m Model<'a>, table: &Site<'a>) -> impl Iterator<Item = Syn<'a>> + 'm {
    calls_on(model, table, "addGlobalSecondaryIndex")
}

fn scale<'a>(b: &mut Builder<'_, 'a>, table: &Site<'a>, (reads, writes): (u32, u32)) -> Result<(), Refusal> {
    let model = b.model;
    if indexes(model, table).next().is_some() {
        return Err(no_fix(
            "it has indexes, each with a capacity of its own",
            "set billingMode to PAY_PER_REQUEST, or scale the table and each of its indexes",
        ));
    }
    let typed = table.binding().declared_type();
    let statement = b.statement(table.node)?;
    let name = typed
        .is_none_or(|ty| model.cdk_name(ty).as_deref() == Some("aws_dynamodb.Table"))
        .then(|| named(b, table, statement, "table"))
        .flatten()
        .ok_or_else(|| {
            no_fix(
                "it is built inside another expression, or held in a variable of another type",
                "keep it in a variable of type Table, then run again",
            )
        })?;
    let chain = |what: &str, least: u32| {
        format!(
            "{name}\n  .autoScale{what}Capacity({{ minCapacity: {least}, maxCapacity: {} }})\n  .scaleOnUtilization({{ \
             targetUtilizationPercent: 70 }});",
            least.saturating_mul(TIMES)
        )
    };
    b.insert_after(
        statement,
        &format!("// Capacity follows the traffic\n{}\n{}", chain("Read", reads), chain("Write", writes)),
    );
    Ok(())
}
