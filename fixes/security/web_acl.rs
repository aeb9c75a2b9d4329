//! A regional web ACL before something, with the rules that AWS maintains.

use super::{is_typed_as, named};
use crate::detect::Refusal;
use crate::edit::names::is_visible;
use crate::edit::{Builder, no_fix};
use crate::model::{Binding, Model, Release, Site};
use crate::syntax::Syn;

/// Attaches an ACL behind the statement that builds something: one that the same function builds, else a new one.
///
/// # Errors
/// A [`Refusal`] where no statement can follow, and those of naming classes of the CDK.
pub(super) fn add_acl<'a>(
    b: &mut Builder<'_, 'a>,
    api: &Site<'a>,
    word: &str,
    arn: &str,
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
