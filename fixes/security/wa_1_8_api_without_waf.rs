//! # 1.8 REST API without a web application firewall
//!
//! ## What is wrong
//! Every request reaches the API: known attack patterns, scanners and floods from one address are answered by the code behind
//! it, and billed.
//!
//! ## What the fix does
//! It puts a web ACL in front of the API's stage, with the rules that AWS maintains for bad addresses, common attacks, known bad
//! inputs and SQL injection, and a limit of 2000 requests in five minutes for one address. Bodies over 8 KB are counted and not
//! refused. A regional ACL that the same function builds before is used instead of a new one. The same for application load balancers that
//! face the internet, those that services of `aws_ecs_patterns` build included, GraphQL APIs, and (as information) user pools, which everybody can try to sign in to.
//! Where CloudFront is in front of the API, the limit is counted by the address that CloudFront forwards: by the sender's it would refuse
//! CloudFront itself. `web_acl_rate` names another limit.
//!
//! The review offers a second way, an ACL that only counts what it would refuse (`web_acl_mode=count` takes it without a review): for an API whose
//! callers are not known well, until its metrics show that nobody is hurt.
//!
//! ## Before
//! ```ts
//! import * as cdk from 'aws-cdk-lib';
//! import * as apigateway from 'aws-cdk-lib/aws-apigateway';
//! import { Construct } from 'constructs';
//!
//! export class ApiStack extends cdk.Stack {
//!   constructor(scope: Construct, id: string) {
//!     super(scope, id);
//!
//!     const api = new apigateway.RestApi(this, 'Api');
//!     api.root.addMethod('GET', new apigateway.MockIntegration());
//!   }
//! }
//! ```
//!
//! ## After
//! ```ts
//! import * as cdk from 'aws-cdk-lib';
//! import * as apigateway from 'aws-cdk-lib/aws-apigateway';
//! import * as wafv2 from 'aws-cdk-lib/aws-wafv2';
//! import { Construct } from 'constructs';
//!
//! export class ApiStack extends cdk.Stack {
//!   constructor(scope: Construct, id: string) {
//!     super(scope, id);
//!
//!     const api = new apigateway.RestApi(this, 'Api');
//!
//!     // Rules that AWS maintains; those to count only refuse nothing
//!     const managedRule = (
//!       name: string,
//!       priority: number,
//!       countOnly: string[] = []
//!     ): wafv2.CfnWebACL.RuleProperty => ({
//!       name,
//!       priority,
//!       overrideAction: { none: {} },
//!       statement: {
//!         managedRuleGroupStatement: {
//!           vendorName: 'AWS',
//!           name,
//!           ruleActionOverrides: countOnly.map(rule => ({
//!             name: rule,
//!             actionToUse: { count: {} },
//!           })),
//!         },
//!       },
//!       visibilityConfig: {
//!         cloudWatchMetricsEnabled: true,
//!         metricName: name,
//!         sampledRequestsEnabled: true,
//!       },
//!     });
//!
//!     const webAcl = new wafv2.CfnWebACL(this, 'ApiWebAcl', {
//!       scope: 'REGIONAL',
//!       defaultAction: { allow: {} },
//!       visibilityConfig: {
//!         cloudWatchMetricsEnabled: true,
//!         metricName: 'WebAcl',
//!         sampledRequestsEnabled: true,
//!       },
//!       rules: [
//!         managedRule('AWSManagedRulesAmazonIpReputationList', 0),
//!         // Bodies over 8 KB are only counted, so uploads keep working
//!         managedRule('AWSManagedRulesCommonRuleSet', 1, ['SizeRestrictions_BODY']),
//!         managedRule('AWSManagedRulesKnownBadInputsRuleSet', 2),
//!         managedRule('AWSManagedRulesSQLiRuleSet', 3),
//!         {
//!           name: 'RateLimitPerIp',
//!           priority: 4,
//!           action: { block: {} },
//!           statement: {
//!             rateBasedStatement: { limit: 2000, aggregateKeyType: 'IP' },
//!           },
//!           visibilityConfig: {
//!             cloudWatchMetricsEnabled: true,
//!             metricName: 'RateLimitPerIp',
//!             sampledRequestsEnabled: true,
//!           },
//!         },
//!       ],
//!     });
//!
//!     new wafv2.CfnWebACLAssociation(this, 'ApiWebAclAssociation', {
//!       resourceArn: api.deploymentStage.stageArn,
//!       webAclArn: webAcl.attrArn,
//!     });
//!
//!     api.root.addMethod('GET', new apigateway.MockIntegration());
//!   }
//! }
//! ```
//!
//! ## When it stays silent
//! For load balancers behind CloudFront and internal ones; for HTTP and WebSocket APIs, to which no ACL can be attached (put CloudFront in front); private APIs, imported ones, and
//! those that make no stage (`deploy: false`). Where any file of the app attaches an ACL to the API, or to something that cannot
//! be followed; where a CloudFront distribution of the app has an ACL; where Firewall Manager is at work; where a construct of another
//! package brings the firewall.
//!
//! ## When it refuses
//! For one that is built inside another expression, or held in a field whose type is no API; where a release of CDK has no
//! `Stage.stageArn`.
//!
//! ## What to know before deploying
//! AWS bills for each ACL, rule and request, in every environment that is deployed. Real requests may be refused: watch
//! the ACL's sampled requests after the deployment. Behind CloudFront, whoever calls the API past it can write any address into the header that
//! the limit counts by: an ACL of the distribution, and an API that only CloudFront may call, is better there.
//!
//! ## Other checkers
//! Clears cdk-nag `AwsSolutions-APIG3`, which only sees an ACL in the same stack. `WAFv2LoggingEnabled` of HIPAA, NIST and PCI
//! appears: the ACL writes no log.
//! Where its rules only count, Checkov `CKV_AWS_192` says that nothing stops Log4j attacks: that is so until they block.

use super::api_methods::stage_owner;
use super::bucket::is_built_by_its_class;
use super::fronts::check_front;
use super::web_acl::{Kind, add_acl, counts};
use crate::detect::{Candidate, Findings, Match, Refusal};
use crate::edit::{Builder, no_fix};
use crate::fixes::api::{is_public, says};
use crate::model::meaning::words;
use crate::model::{Model, Prop, Site};
use crate::rule::{Impact, Meta, Pillar, Rule, Tier};
use crate::syntax::Syn;

/// The rule.
pub const RULE: Rule = Rule { meta: &META, check };

pub(super) const META: Meta = Meta {
    id: "1.8",
    also: &[],
    name: "api-without-waf",
    title: "REST API without a web application firewall",
    pillar: Pillar::Security,
    impact: Impact::Medium,
    tier: Tier::Review,
    practice: "SEC05-BP03",
    clears: &["AwsSolutions-APIG3"],
    raises: &[],
    asks: &[],
    order: 180,
    source: include_str!("wa_1_8_api_without_waf.rs"),
    query: include_str!("../../queries/security/wa_1_8_api_without_waf.scm"),
};

fn check<'a>(m: &Match<'_, 'a>, out: &mut Findings<'a>) -> Option<()> {
    let model = m.model;
    if let Some(front) = m.site("front") {
        return check_front(model, front, out);
    }
    let api = m.site("api")?;
    if is_built_by_its_class(&api)
        || !is_public(model, &api)
        || is_guarded_elsewhere(model)
        || model.all_sites().any(|site| is_association(&site) && may_guard(model, &site, &api))
    {
        return None;
    }
    let label = api.label();
    let message = format!(
        "{label} answers every request: known attacks, scanners and floods reach the code behind it. The fix puts a web ACL in front \
         of its stage, with the rules that AWS maintains and a limit for each address. AWS bills for the ACL, its rules and the \
         requests; watch what it refuses after the deployment."
    );
    let behind_cloudfront =
        ["RestApiOrigin", "HttpOrigin", "customOriginSource"].iter().any(|origin| says(model, origin));
    let finding = out.report(&META, model, api.node, message);
    guard(finding, &label, move |b, counts| {
        if !b.model.has_member("aws_apigateway.Stage", "stageArn") {
            return Err(no_fix(
                "this release of CDK has no Stage.stageArn, or it is not known which release this is",
                "name a release in package.json that has it, then run again",
            ));
        }
        add_acl(b, &api, ("Api", "deploymentStage.stageArn"), Kind { behind_cloudfront, counts })
    });
    Some(())
}

/// Gives a finding the ACL that refuses as its fix, and the one that only counts as another way.
pub(super) fn guard<'a>(
    finding: &mut Candidate<'a>,
    label: &str,
    add: impl Fn(&mut Builder<'_, 'a>, bool) -> Result<(), Refusal> + Clone + 'a,
) {
    let other = add.clone();
    finding.fix(format!("Put a web ACL in front of {label}"), move |b| {
        let counts = counts(b)?;
        add(b, counts)
    });
    finding.alternative(
        format!("Put a web ACL in front of {label} that only counts what it would refuse"),
        Tier::Review,
        move |b| other(b, true),
    );
}

/// Whether something that no association tells of filters requests: CloudFront, Firewall Manager, another package.
pub(super) fn is_guarded_elsewhere(model: &Model<'_>) -> bool {
    model.cdk_files().any(|file| {
        let root = Syn::root(file);
        let attached =
            ["webAclId", "webACLId", "WebACLId"].iter().flat_map(|name| words(root, name)).any(|at| {
                let key = root.at(at).filter(|node| !node.is("comment"));
                let association =
                    key.and_then(|key| key.ancestors().find_map(|around| model.site_of(around)));
                key.is_some() && association.is_none_or(|site| !is_association(&site))
            });
        let package = model.imports(file).imports.iter().any(|import| {
            let own = import.module.starts_with('.') || import.module.contains("/aws-waf");
            !own && import.module.to_lowercase().contains("waf")
        });
        attached || package || file.text.contains("Firewall Manager")
    })
}

pub(super) fn is_association(site: &Site<'_>) -> bool {
    matches!(site.class.as_str(), "aws_wafv2.CfnWebACLAssociation" | "aws_wafregional.CfnWebACLAssociation")
}

/// Whether an association is of the API, or of something that cannot be followed.
fn may_guard<'a>(model: &Model<'a>, association: &Site<'a>, api: &Site<'a>) -> bool {
    let Prop::Present(entry) = association.props(model).get(model, "resourceArn") else { return true };
    let arn = entry.value;
    if let Some(owner) = stage_owner(model, arn) {
        return owner.node == api.node;
    }
    let of = arn.field("object").and_then(|object| model.origin(object));
    of.is_none_or(|of| of.class.starts_with("aws_apigateway."))
}
