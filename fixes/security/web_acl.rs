//! A regional web ACL before something, with the rules that AWS maintains.

use super::{is_typed_as, named};
use crate::detect::Refusal;
use crate::edit::names::is_visible;
use crate::edit::{Builder, no_fix};
use crate::model::{Binding, Model, Release, Site};
use crate::syntax::Syn;

/// What a new ACL is to be like.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Kind {
    /// Whether CloudFront stands in front: the address that requests come from is CloudFront's then.
    pub behind_cloudfront: bool,
    /// Whether it refuses nothing, and only counts what it would.
    pub counts: bool,
}

/// Whether the answer is that an ACL only counts.
///
/// # Errors
/// A [`Refusal`] where it is none.
pub(super) fn counts(b: &Builder<'_, '_>) -> Result<bool, Refusal> {
    match b.value_if_given("web_acl_mode") {
        None | Some("block") => Ok(false),
        Some("count") => Ok(true),
        Some(other) => Err(no_fix(
            &format!("web_acl_mode is {other}"),
            "say block, or count to see for a while what it would refuse",
        )),
    }
}

/// Attaches an ACL behind the statement that builds something: one that the same function builds, else a new one.
///
/// # Errors
/// A [`Refusal`] where no statement can follow, and those of naming classes of the CDK.
pub(super) fn add_acl<'a>(
    b: &mut Builder<'_, 'a>,
    api: &Site<'a>,
    (word, arn): (&str, &str),
    kind: Kind,
) -> Result<(), Refusal> {
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
        None => new_acl(b, api, kind)?,
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
fn new_acl<'a>(b: &mut Builder<'_, 'a>, api: &Site<'a>, kind: Kind) -> Result<(String, String), Refusal> {
    let at = api.node;
    let acl = b.cdk(at, "aws_wafv2.CfnWebACL")?;
    let id = b.sibling_id(api, "WebAcl");
    let name = b.fresh_name(at.file, &["webAcl", "apiWebAcl"]);
    let rule = b.fresh_name(at.file, &["managedRule", "managedWafRule"]);
    let helper = managed_rule(b, at, (&acl, &rule), kind);
    let scope = if at.is("call_expression") { "this" } else { b.scope_text(api) };
    let own = metric("'WebAcl'", "  ");
    let common = if kind.counts {
        format!("    {rule}('AWSManagedRulesCommonRuleSet', 1),\n")
    } else {
        format!(
            "    // Bodies over 8 KB are only counted, so uploads keep working\n    {rule}('AWSManagedRulesCommonRuleSet', 1, \
             ['SizeRestrictions_BODY']),\n"
        )
    };
    let rate = rate_rule(b.value_if_given("web_acl_rate").unwrap_or("2000"), kind)?;
    let code = format!(
        "{helper}\n\nconst {name} = new {acl}({scope}, {id}, {{\n  scope: 'REGIONAL',\n  defaultAction: {{ allow: {{}} \
         }},\n{own}\n  rules: [\n    {rule}('AWSManagedRulesAmazonIpReputationList', 0),\n{common}    \
         {rule}('AWSManagedRulesKnownBadInputsRuleSet', 2),\n    {rule}('AWSManagedRulesSQLiRuleSet', 3),\n{rate}  ],\n}});\n\n"
    );
    Ok((name, code))
}

fn metric(name: &str, indent: &str) -> String {
    format!(
        "{indent}visibilityConfig: {{\n{indent}  cloudWatchMetricsEnabled: true,\n{indent}  metricName: {name},\n{indent}  \
         sampledRequestsEnabled: true,\n{indent}}},"
    )
}

/// The function that makes a rule of a group that AWS maintains.
fn managed_rule<'a>(b: &Builder<'_, 'a>, at: Syn<'a>, (acl, rule): (&str, &str), kind: Kind) -> String {
    let script = b.model.location(at.file).and_then(|file| file.extension());
    let typed = script.is_some_and(|end| end != "js" && end != "mjs" && end != "cjs");
    let each = metric("name", "  ");
    let (counted, action, said) = match (kind.counts, b.model.app.release) {
        (true, _) => (
            "",
            "count",
            "Rules that AWS maintains. They only count: where the metrics show no harm, make it `none`",
        ),
        (_, Some(release)) if release >= OVERRIDES => (
            "\n      ruleActionOverrides: countOnly.map(rule => ({\n        name: rule,\n        actionToUse: { count: {} },\n      })),",
            "none",
            "Rules that AWS maintains; those to count only refuse nothing",
        ),
        _ => (
            "\n      excludedRules: countOnly.map(rule => ({ name: rule })),",
            "none",
            "Rules that AWS maintains; those to count only refuse nothing",
        ),
    };
    let more = match (kind.counts, typed) {
        (true, _) => "",
        (_, true) => ",\n  countOnly: string[] = []",
        _ => ", countOnly = []",
    };
    let head = if typed {
        format!("const {rule} = (\n  name: string,\n  priority: number{more}\n): {acl}.RuleProperty => ({{")
    } else {
        format!("const {rule} = (name, priority{more}) => ({{")
    };
    let group = if counted.is_empty() {
        "managedRuleGroupStatement: { vendorName: 'AWS', name },".to_owned()
    } else {
        format!("managedRuleGroupStatement: {{\n      vendorName: 'AWS',\n      name,{counted}\n    }},")
    };
    format!(
        "// {said}\n{head}\n  name,\n  priority,\n  overrideAction: {{ {action}: {{}} }},\n  statement: {{\n    {group}\n  }},\n{each}\n}});"
    )
}

/// The rule that limits each address.
fn rate_rule(rate: &str, kind: Kind) -> Result<String, Refusal> {
    let limit: u32 = rate.parse().ok().filter(|limit| *limit >= 100).ok_or_else(|| {
        no_fix(
            &format!("web_acl_rate is {rate}, which is no number from 100"),
            "give the requests that one address may make in five minutes, such as 2000",
        )
    })?;
    let action = if kind.counts { "count" } else { "block" };
    let by = if kind.behind_cloudfront {
        format!(
            "        // Behind CloudFront, only this header tells the clients' addresses\n        rateBasedStatement: {{\n          limit: \
             {limit},\n          aggregateKeyType: 'FORWARDED_IP',\n          forwardedIpConfig: {{\n            headerName: \
             'X-Forwarded-For',\n            fallbackBehavior: 'NO_MATCH',\n          }},\n        }},\n"
        )
    } else {
        format!("        rateBasedStatement: {{ limit: {limit}, aggregateKeyType: 'IP' }},\n")
    };
    let metric = metric("'RateLimitPerIp'", "      ");
    Ok(format!(
        "    {{\n      name: 'RateLimitPerIp',\n      priority: 4,\n      action: {{ {action}: {{}} }},\n      statement: {{\n{by}      \
         }},\n{metric}\n    }},\n"
    ))
}

/// The release whose rule groups take `ruleActionOverrides`; before, rules are excluded, which counts them too.
const OVERRIDES: Release = Release { major: 2, minor: 60, patch: 0 };
