//! What rules about services of ECS and groups of instances have in common: what a load balancer sends to, and what scales it.

use crate::model::{Model, Site};
use crate::syntax::Syn;

/// The construct that a method is called on, also where a pattern holds it (`web.service.autoScaleTaskCount(…)`); `None` where
/// that cannot be followed.
pub(crate) fn owner<'a>(model: &Model<'a>, call: Syn<'a>) -> Option<Syn<'a>> {
    let object = call.field("function")?.field("object")?;
    let of = |node: Syn<'a>| model.origin(node).map(|site| site.node);
    of(object).or_else(|| of(object.field("object")?))
}

/// Whether a load balancer sends requests to a service or a group.
pub(crate) fn is_balanced<'a>(model: &Model<'a>, service: &Site<'a>) -> bool {
    model.uses(service).into_iter().any(|used| {
        let Some(around) = used.parent() else { return false };
        let method = match around.kind() {
            // `service.attachToApplicationTargetGroup(…)`, `service.loadBalancerTarget(…)`.
            "member_expression" => around.field("property").map_or("", Syn::text),
            // `listener.addTargets('Ecs', { targets: [service] })`.
            "array" => {
                let pair = around.parent().filter(|pair| pair.is("pair"));
                pair.and_then(|pair| pair.field("key")).map_or("", Syn::text)
            }
            // `targetGroup.addTarget(service)`.
            "arguments" => {
                let callee = around.parent().and_then(|call| call.field("function"));
                callee.and_then(|callee| callee.field("property")).map_or("", Syn::text)
            }
            _ => "",
        };
        method.starts_with("attachTo")
            || matches!(
                method,
                "loadBalancerTarget" | "registerLoadBalancerTargets" | "targets" | "addTarget"
            )
    })
}
