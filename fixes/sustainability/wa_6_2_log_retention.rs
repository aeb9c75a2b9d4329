//! # 6.2 Logs are kept as long in every environment, or for ever
//!
//! ## What is wrong
//! A log group keeps the events of tests and experiments as long as those of production, or was given no limit
//! at all: AWS stores them, and bills for them, month after month. The groups that Lambda, CodeBuild and API Gateway
//! create by themselves never let an event expire.
//!
//! ## What the fix does
//! Production keeps what it has; every other environment keeps a week. The environment is told by the expression
//! that the code already uses. A group that a service would create by itself is declared in the app, with a
//! retention. Where nothing in scope says which environment this is, a retention that somebody chose is left
//! alone, and where none was chosen the fix asks for it.
//!
//! ## Before
//! ```ts
//! import * as cdk from 'aws-cdk-lib';
//! import * as logs from 'aws-cdk-lib/aws-logs';
//! import { Construct } from 'constructs';
//!
//! export interface ApiStackProps extends cdk.StackProps {
//!   environmentSuffix: string;
//! }
//!
//! export class ApiStack extends cdk.Stack {
//!   constructor(scope: Construct, id: string, props: ApiStackProps) {
//!     super(scope, id, props);
//!
//!     new logs.LogGroup(this, 'ApiLogs', {
//!       logGroupName: `/app/api-${props.environmentSuffix}`,
//!       retention: logs.RetentionDays.THREE_MONTHS,
//!     });
//!   }
//! }
//! ```
//!
//! ## After
//! ```ts
//! import * as cdk from 'aws-cdk-lib';
//! import * as logs from 'aws-cdk-lib/aws-logs';
//! import { Construct } from 'constructs';
//!
//! export interface ApiStackProps extends cdk.StackProps {
//!   environmentSuffix: string;
//! }
//!
//! export class ApiStack extends cdk.Stack {
//!   constructor(scope: Construct, id: string, props: ApiStackProps) {
//!     super(scope, id, props);
//!
//!     new logs.LogGroup(this, 'ApiLogs', {
//!       logGroupName: `/app/api-${props.environmentSuffix}`,
//!       retention:
//!         props.environmentSuffix === 'prod'
//!           ? logs.RetentionDays.THREE_MONTHS
//!           : logs.RetentionDays.ONE_WEEK,
//!     });
//!   }
//! }
//! ```
//!
//! ## When it stays silent
//! Where the retention is a week or less, or depends on the environment or on a variable; for audit logs (trails, flow logs,
//! access logs, firewalls); where a group is retained with its stack and keeps a year or more, which is somebody's
//! decision; for code that belongs to one environment; for functions that serve custom resources (what CDK's provider runs them with is counted as `info`); for a retention that was
//! chosen where nothing says which environment this is; where the repository runs Checkov, which wants a year of logs in every environment
//! (`CKV_AWS_338`), and does not skip that check.
//!
//! ## When it refuses
//! For a function whose role may not be allowed to write to another log group than Lambda's own; for an API that
//! is bound to no name, whose log group therefore cannot be named.
//!
//! ## What to know before deploying
//! A shorter retention deletes older events at once, in the environments that get it. A declared group has a name of its own:
//! the old group stays behind with its events until somebody deletes it. `LogRetention` brings a small
//! function with a role that sets the retention of a group which exists already. A policy that wants a year of logs in every
//! environment (Checkov `CKV_AWS_338`) contradicts this rule. Where the retention that you name is three months or
//! more, 4.1 then offers to keep the older part in an archive.
//!
//! ## Other checkers
//! Clears Checkov `CKV_AWS_66` for groups that had no retention. The function behind `LogRetention` is CDK's own, and
//! cdk-nag reports its role: `AwsSolutions-IAM4`, `AwsSolutions-IAM5`.
//! Checkov reports that function as well (`CKV_AWS_111`, `CKV_AWS_115`, `CKV_AWS_116`, `CKV_AWS_117`), and new groups without a key of
//! one's own (`CKV_AWS_158`).

use super::retention::{
    DEFAULT, RETENTION, Retention, WEEK, assumed, days, in_words, is_audit, is_bounded_to_a_week,
    is_kept_on_purpose, is_wanted_for_a_year, kept, place, retention,
};
use super::unbounded_logs::{
    build_logs, container_logs, execution_logs, unbounded_function, unbounded_provider,
};
use crate::detect::{Findings, Match};
use crate::model::{Environment, Site};
use crate::rule::{Impact, Meta, Pillar, Rule, Tier};

/// The rule.
pub const RULE: Rule = Rule { meta: &META, check };

pub(super) const META: Meta = Meta {
    id: "6.2",
    also: &[],
    name: "log-retention-in-every-environment",
    title: "Logs are kept as long in every environment, or for ever",
    pillar: Pillar::Sustainability,
    impact: Impact::Low,
    tier: Tier::Review,
    practice: "SUS04-BP03",
    clears: &["CKV_AWS_66"],
    // A retention of three months or more that was answered may be kept at the price of an archive (4.1); a function that
    // has a log group at last has one to save queries for (5.3).
    raises: &["4.1", "5.3"],
    asks: &[RETENTION],
    // After the rules that archive logs (4.1) or add groups: their retention is theirs.
    order: 620,
    source: include_str!("wa_6_2_log_retention.rs"),
    query: include_str!("../../queries/sustainability/wa_6_2_log_retention.scm"),
};

fn check<'a>(m: &Match<'_, 'a>, out: &mut Findings<'a>) -> Option<()> {
    let captures = ["group", "function", "raw", "unbounded", "provider", "project", "api", "driver"];
    let at = captures.iter().find_map(|capture| m.node(capture))?;
    // Fixes keep a week outside production, which Checkov would report.
    if m.model.environment(at).known().is_some() && is_wanted_for_a_year(m.model) {
        return None;
    }
    if let Some(group) = m.site("group") {
        let prop = "retention";
        let audit = is_audit(m.model, &group) || is_kept_on_purpose(m.model, &group);
        return (!audit).then(|| existing(m, out, group, prop)).flatten();
    }
    if let Some(function) = m.site("function") {
        return existing(m, out, function, "logRetention");
    }
    if let Some(group) = m.site("raw") {
        return (!is_audit(m.model, &group)).then(|| in_days(m, out, group)).flatten();
    }
    if let Some(function) = m.site("unbounded") {
        return unbounded_function(m, out, function);
    }
    if let Some(provider) = m.site("provider") {
        return unbounded_provider(m, out, provider);
    }
    if let Some(project) = m.site("project") {
        return build_logs(m, out, project);
    }
    if let Some(api) = m.site("api") {
        return execution_logs(m, out, api);
    }
    container_logs(m, out, m.node("driver")?)
}

/// A retention that is the same in every environment, or a group of the app that has none.
fn existing<'a>(m: &Match<'_, 'a>, out: &mut Findings<'a>, site: Site<'a>, prop: &'static str) -> Option<()> {
    let (today, value) = kept(m.model, site.props(m.model).get(m.model, prop), DEFAULT)?;
    if is_bounded_to_a_week(&today) {
        return None;
    }
    let label = site.label();
    let chosen = value.is_some() && days(&today).is_some();
    let message = match m.model.environment(place(m.model, &site)) {
        Environment::Guarded => return None,
        Environment::None if chosen => return None,
        Environment::None => format!(
            "{label} keeps its events {}, and nobody chose that. The fix sets the retention that you name as log_retention; \
             older events are then deleted.",
            in_words(&today)
        ),
        Environment::Known(known) => format!(
            "{label} keeps its events {} in every environment, those of tests included. The fix keeps them so in \
             production and for a week elsewhere, where older events are deleted.{}",
            in_words(&today),
            assumed(&known)
        ),
    };
    let title = match m.model.environment(place(m.model, &site)) {
        Environment::Known(_) => format!("Keep the logs of {label} for a week outside production"),
        _ => format!("Give {label} a retention"),
    };
    out.report(&META, m.model, site.node, message).fix(title, move |b| {
        let days = match value.and_then(|value| value.field("object")) {
            Some(object) => object.text().to_owned(),
            None => b.cdk(site.node, "aws_logs.RetentionDays")?,
        };
        match retention(b, place(b.model, &site), &today, &days)? {
            Retention::Fixed(value) => b.set_prop(&site, prop, &value),
            Retention::Tiered(condition, yes, no) => b.set_conditional(&site, prop, (&condition, &yes, &no)),
        }
    });
    Some(())
}

/// `new CfnLogGroup(…, { retentionInDays: 90 })`.
fn in_days<'a>(m: &Match<'_, 'a>, out: &mut Findings<'a>, group: Site<'a>) -> Option<()> {
    let value =
        group.props(m.model).get(m.model, "retentionInDays").value().filter(|value| value.is("number"))?;
    let days: u16 = value.text().parse().ok().filter(|days| *days > WEEK)?;
    let known = m.model.environment(place(m.model, &group)).known().cloned()?;
    let label = group.label();
    let message = format!(
        "{label} keeps its events for {days} days in every environment, those of tests included. The fix keeps them so in \
         production and for a week elsewhere, where older events are deleted.{}",
        assumed(&known)
    );
    let today = value.text();
    out.report(&META, m.model, group.node, message).fix(
        format!("Keep the logs of {label} for a week outside production"),
        move |b| {
            let known = b.production(place(b.model, &group))?;
            b.set_conditional(&group, "retentionInDays", (&known.expression, today, "7"))
        },
    );
    Some(())
}
