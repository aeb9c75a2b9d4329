//! What the internet reaches besides REST APIs, and a web ACL can stand before.

use super::api_methods::stage_owner;
use super::wa_1_8_api_without_waf::{META, guard, is_association, is_guarded_elsewhere};
use super::web_acl::{Kind, add_acl};
use crate::detect::Findings;
use crate::fixes::api::is_unless_told;
use crate::model::meaning::words;
use crate::model::{Model, Prop, Site};
use crate::rule::Impact;
use crate::syntax::Syn;

/// What else a regional ACL can be attached to.
struct Front {
    class: &'static str,
    /// The attribute that is its ARN, by way of others where it is theirs.
    arn: &'static str,
    /// A word of its type's name, and what it is called in a new name.
    word: &'static str,
    /// What reaches it, for the message.
    reached: &'static str,
    impact: Impact,
}

const FRONTS: [Front; 4] = [
    Front {
        class: "aws_elasticloadbalancingv2.ApplicationLoadBalancer",
        arn: "loadBalancerArn",
        word: "Balancer",
        reached: "takes every request from the internet",
        impact: Impact::Medium,
    },
    // A service that builds a balancer of its own.
    Front {
        class: "aws_ecs_patterns.ApplicationLoadBalancedServiceBase",
        arn: "loadBalancer.loadBalancerArn",
        word: "Service",
        reached: "takes every request from the internet",
        impact: Impact::Medium,
    },
    Front {
        class: "aws_appsync.GraphqlApi",
        arn: "arn",
        word: "Api",
        reached: "answers every query",
        impact: Impact::Medium,
    },
    Front {
        class: "aws_cognito.UserPool",
        arn: "userPoolArn",
        word: "Pool",
        reached: "lets everybody try to sign in",
        impact: Impact::Info,
    },
];

impl Front {
    /// What a construct is, if the internet reaches it.
    fn of<'a>(model: &Model<'a>, site: &Site<'a>) -> Option<&'static Self> {
        let front = FRONTS.iter().find(|front| model.builds(site, front.class))?;
        let props = site.props(model);
        let says = |word: &str| model.cdk_files().any(|file| words(Syn::root(file), word).next().is_some());
        // CloudFront in front of a balancer is the place for an ACL.
        let direct = || !["LoadBalancerV2Origin", "VpcOrigin"].iter().any(|origin| says(origin));
        let reached = match front.word {
            "Balancer" => {
                props.get(model, "internetFacing").value().is_some_and(|value| value.text() == "true")
                    && direct()
            }
            "Service" => {
                is_unless_told(model, &props, "publicLoadBalancer")
                    && props.get(model, "loadBalancer") == Prop::Absent
                    && direct()
            }
            "Api" => props.get(model, "visibility") == Prop::Absent,
            _ => !props.is_opaque(),
        };
        reached.then_some(front)
    }
}

/// A load balancer, a service with one, a GraphQL API or a user pool.
pub(super) fn check_front<'a>(model: &Model<'a>, site: Site<'a>, out: &mut Findings<'a>) -> Option<()> {
    let front = Front::of(model, &site).filter(|_| site.node.is("new_expression") && site.local.is_none())?;
    let guarded = |association: &Site<'a>| {
        let Some(arn) = association.props(model).get(model, "resourceArn").value() else { return true };
        if stage_owner(model, arn).is_some() {
            return false;
        }
        let mut of = Some(arn);
        for _ in front.arn.split('.') {
            of = of.and_then(|of| of.field("object"));
        }
        of.and_then(|of| model.origin(of)).is_none_or(|of| of.node == site.node)
    };
    if is_guarded_elsewhere(model) || model.all_sites().any(|other| is_association(&other) && guarded(&other))
    {
        return None;
    }
    let label = site.label();
    let message = format!(
        "{label} {}: known attacks, scanners and floods reach what is behind it. The fix puts a web ACL in front of it, with the rules that \
         AWS maintains and a limit for each address. AWS bills for the ACL, its rules and the requests; watch what it refuses after the \
         deployment.",
        front.reached
    );
    let finding = out.report(&META, model, site.node, message).impact(front.impact);
    guard(finding, &label, move |b, counts| {
        add_acl(b, &site, (front.word, front.arn), Kind { behind_cloudfront: false, counts })
    });
    Some(())
}
