//! Tables of the second version (`TableV2`) whose provisioned capacity does not follow the traffic.

use super::table_capacity::TIMES;
use crate::detect::Findings;
use crate::model::{Environment, Model};
use crate::rule::Meta;
use crate::syntax::Syn;

/// Reports `Capacity.fixed(10)`: of a table, of one of its replicas or of an index.
pub(super) fn check<'a>(
    meta: &'static Meta,
    model: &Model<'a>,
    fixed: Syn<'a>,
    out: &mut Findings<'a>,
) -> Option<()> {
    let number = fixed.field("arguments")?.first()?;
    let table = fixed.ancestors().find_map(|around| model.site_of(around));
    if model.environment(fixed) == Environment::Guarded {
        return None;
    }
    let label = table.map_or_else(|| "The table".to_owned(), |table| table.label());
    let what = fixed
        .ancestors()
        .find(|around| around.is("pair"))
        .and_then(|pair| pair.field("key"))
        .filter(|key| matches!(key.text(), "readCapacity" | "writeCapacity"))
        .map_or("units", |key| if key.text() == "readCapacity" { "reads" } else { "writes" });
    let message = format!(
        "{label} has {} {what} a second, whatever the traffic: above that requests are refused, below it nobody uses what is billed. The \
         fix lets the number follow the traffic up to {TIMES} times as much, and what it costs with it.",
        number.text()
    );
    let candidate = out.report(meta, model, fixed, message);
    candidate.key(what);
    let Some(least) = number.text().replace('_', "").parse::<u32>().ok().filter(|least| *least > 0) else {
        candidate.refuse(
            "its capacity is not written here",
            "use Capacity.autoscaled, with today's capacity as the least",
        );
        return Some(());
    };
    candidate.fix(format!("Let the {what} of {label} follow the traffic"), move |b| {
        if let Some(method) = fixed.field("function").and_then(|callee| callee.field("property")) {
            b.replace(method, "autoscaled");
        }
        let most = least.saturating_mul(TIMES);
        b.replace(number, &format!("{{ minCapacity: {}, maxCapacity: {most} }}", number.text()));
        Ok(())
    });
    Some(())
}
