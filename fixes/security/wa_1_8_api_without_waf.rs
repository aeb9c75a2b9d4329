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
//! face the internet, GraphQL APIs, and (as information) user pools, which everybody can try to sign in to.
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
//! the ACL's sampled requests after the deployment. Behind CloudFront the limit counts CloudFront's addresses: use an ACL of the
//! distribution there.
//!
//! ## Other checkers
//! Clears cdk-nag `AwsSolutions-APIG3`, which only sees an ACL in the same stack. `WAFv2LoggingEnabled` of HIPAA, NIST and PCI
//! appears: the ACL writes no log.

use super::api_methods::stage_owner;
use super::bucket::is_built_by_its_class;
use super::{is_typed_as, named};
use crate::detect::{Findings, Match, Refusal};
use crate::edit::names::is_visible;
use crate::edit::{Builder, no_fix};
use crate::fixes::api::is_public;
use crate::model::meaning::words;
use crate::model::{Binding, Model, Prop, Release, Site};
use crate::rule::{Impact, Meta, Pillar, Rule, Tier};
use crate::syntax::Syn;

/// The rule.
pub const RULE: Rule = Rule { meta: &META, check };

const META: Meta = Meta {
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

/// What else a regional ACL can be attached to.
struct Front {
    class: &'static str,
    /// The attribute that is its ARN.
    arn: &'static str,
    /// A word of its type's name, and what it is called in a new name.
    word: &'static str,
    /// What reaches it, for the message.
    reached: &'static str,
    impact: Impact,
}

const FRONTS: [Front; 3] = [
    Front {
        class: "aws_elasticloadbalancingv2.ApplicationLoadBalancer",
        arn: "loadBalancerArn",
        word: "Balancer",
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
        let reached = match front.word {
            "Balancer" => {
                let open =
                    props.get(model, "internetFacing").value().is_some_and(|value| value.text() == "true");
                // CloudFront in front of it is the place for an ACL.
                open && !["LoadBalancerV2Origin", "VpcOrigin"].iter().any(|origin| says(origin))
            }
            "Api" => props.get(model, "visibility") == Prop::Absent,
            _ => !props.is_opaque(),
        };
        reached.then_some(front)
    }
}

/// A load balancer, a GraphQL API or a user pool.
fn check_front<'a>(model: &Model<'a>, site: Site<'a>, out: &mut Findings<'a>) -> Option<()> {
    let front = Front::of(model, &site).filter(|_| site.node.is("new_expression") && site.local.is_none())?;
    let guarded = |association: &Site<'a>| {
        let Some(arn) = association.props(model).get(model, "resourceArn").value() else { return true };
        if stage_owner(model, arn).is_some() {
            return false;
        }
        let of = arn.field("object").and_then(|object| model.origin(object));
        of.is_none_or(|of| of.node == site.node)
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
    out.report(&META, model, site.node, message)
        .impact(front.impact)
        .fix(format!("Put a web ACL in front of {label}"), move |b| add_acl(b, &site, front.word, front.arn));
    Some(())
}

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
    out.report(&META, model, api.node, message).fix(format!("Put a web ACL in front of {label}"), move |b| {
        if !b.model.has_member("aws_apigateway.Stage", "stageArn") {
            return Err(no_fix(
                "this release of CDK has no Stage.stageArn, or it is not known which release this is",
                "name a release in package.json that has it, then run again",
            ));
        }
        add_acl(b, &api, "Api", "deploymentStage.stageArn")
    });
    Some(())
}

/// Whether something that no association tells of filters requests: CloudFront, Firewall Manager, another package.
fn is_guarded_elsewhere(model: &Model<'_>) -> bool {
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

fn is_association(site: &Site<'_>) -> bool {
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

fn add_acl<'a>(b: &mut Builder<'_, 'a>, api: &Site<'a>, word: &str, arn: &str) -> Result<(), Refusal> {
    let at = api.node;
    let statement = b.statement(at)?;
    let typed = match api.binding() {
        Binding::Variable(name) | Binding::Field(name) => is_typed_as(name, word),
        Binding::None => true,
    };
    let receiver = typed.then(|| named(b, api, statement, &word.to_lowercase())).flatten().ok_or_else(|| {
        no_fix(
            "it is built inside another expression, where no statement can follow it, or its variable has another type",
            "keep it in a variable of its own, then run again",
        )
    })?;
    let (name, declaration) = match neighbours_acl(b.model, statement) {
        Some(name) => (name, String::new()),
        None => new_acl(b, api)?,
    };
    let association = b.cdk(at, "aws_wafv2.CfnWebACLAssociation")?;
    let id = b.sibling_id(api, "WebAclAssociation");
    let scope = if at.is("call_expression") { "this" } else { b.scope_text(api) };
    b.insert_after(
        statement,
        &format!(
            "{declaration}new {association}({scope}, {id}, {{\n  resourceArn: {receiver}.{arn},\n  webAclArn: \
             {name}.attrArn,\n}});"
        ),
    );
    Ok(())
}

/// A regional ACL that the same function builds before a statement.
fn neighbours_acl<'a>(model: &Model<'a>, statement: Syn<'a>) -> Option<String> {
    let function = |node: Syn<'a>| node.ancestors().find(|around| around.is("method_definition"));
    model.sites(statement.file).iter().find_map(|site| {
        let before = site.class == "aws_wafv2.CfnWebACL" && site.node.end() <= statement.start();
        let regional = site.props(model).get(model, "scope").value()?.text().contains("REGIONAL");
        if !before || !regional || function(site.node) != function(statement) {
            return None;
        }
        match site.binding() {
            Binding::Variable(name) => is_visible(statement, name).then(|| name.text().to_owned()),
            Binding::Field(name) => Some(format!("this.{}", name.text())),
            Binding::None => None,
        }
    })
}

/// The name and the declaration of a new ACL.
fn new_acl<'a>(b: &mut Builder<'_, 'a>, api: &Site<'a>) -> Result<(String, String), Refusal> {
    let at = api.node;
    let acl = b.cdk(at, "aws_wafv2.CfnWebACL")?;
    let id = b.sibling_id(api, "WebAcl");
    let name = b.fresh_name(at.file, &["webAcl", "apiWebAcl"]);
    let rule = b.fresh_name(at.file, &["managedRule", "managedWafRule"]);
    let script = b.model.location(at.file).and_then(|file| file.extension());
    let typed = script.is_some_and(|end| end != "js" && end != "mjs" && end != "cjs");
    let head = if typed {
        format!(
            "const {rule} = (\n  name: string,\n  priority: number,\n  countOnly: string[] = []\n): {acl}.RuleProperty => ({{"
        )
    } else {
        format!("const {rule} = (name, priority, countOnly = []) => ({{")
    };
    let counted = if b.model.app.release.is_some_and(|release| release >= OVERRIDES) {
        "ruleActionOverrides: countOnly.map(rule => ({\n        name: rule,\n        actionToUse: { count: {} },\n      })),"
    } else {
        "excludedRules: countOnly.map(rule => ({ name: rule })),"
    };
    let scope = if at.is("call_expression") { "this" } else { b.scope_text(api) };
    let metric = |name: &str, indent: &str| {
        format!(
            "{indent}visibilityConfig: {{\n{indent}  cloudWatchMetricsEnabled: true,\n{indent}  metricName: {name},\n{indent}  \
             sampledRequestsEnabled: true,\n{indent}}},"
        )
    };
    let (each, own, rate) =
        (metric("name", "  "), metric("'WebAcl'", "  "), metric("'RateLimitPerIp'", "      "));
    let code = format!(
        "// Rules that AWS maintains; those to count only refuse nothing\n{head}\n  name,\n  priority,\n  overrideAction: {{ none: {{}} \
         }},\n  statement: {{\n    managedRuleGroupStatement: {{\n      vendorName: 'AWS',\n      name,\n      {counted}\n    }},\n  \
         }},\n{each}\n}});\n\nconst {name} = new {acl}({scope}, {id}, {{\n  scope: 'REGIONAL',\n  defaultAction: {{ allow: {{}} \
         }},\n{own}\n  rules: [\n    {rule}('AWSManagedRulesAmazonIpReputationList', 0),\n    // Bodies over 8 KB are only counted, so \
         uploads keep working\n    {rule}('AWSManagedRulesCommonRuleSet', 1, ['SizeRestrictions_BODY']),\n    \
         {rule}('AWSManagedRulesKnownBadInputsRuleSet', 2),\n    {rule}('AWSManagedRulesSQLiRuleSet', 3),\n    {{\n      name: \
         'RateLimitPerIp',\n      priority: 4,\n      action: {{ block: {{}} }},\n      statement: {{\n        rateBasedStatement: {{ \
         limit: 2000, aggregateKeyType: 'IP' }},\n      }},\n{rate}\n    }},\n  ],\n}});\n\n"
    );
    Ok((name, code))
}

/// The release whose rule groups take `ruleActionOverrides`; before, rules are excluded, which counts them too.
const OVERRIDES: Release = Release { major: 2, minor: 60, patch: 0 };
