//! # 5.5 A new version takes all traffic at once
//!
//! ## What is wrong
//! A release moves all callers to the new version in one step: the alias jumps, whether CloudFormation moves it or a
//! build script with `aws lambda update-alias`. If the version is broken, every call fails until somebody has noticed and
//! gone back. An ECS service without a circuit breaker keeps on starting tasks that fail, for hours, and stays half
//! released.
//!
//! ## What the fix does
//! * An alias that CloudFormation moves gets a `CodeDeploy` deployment group: 10 % of the traffic for five minutes, then
//!   the rest, and back when an alarm on the alias rings. Where the app knows its environment, only production waits.
//! * A script that moves the alias starts a deployment instead and waits for its end. The group is an L1 construct on
//!   purpose: an L2 group would let CloudFormation move the alias too, and an alias must have one writer.
//! * An ECS service gets `circuitBreaker: { rollback: true }`.
//!
//! The function keeps its versions (`RETAIN`), so that there is one to go back to.
//!
//! ## Before
//! ```ts
//! import * as cdk from 'aws-cdk-lib';
//! import * as apigateway from 'aws-cdk-lib/aws-apigateway';
//! import * as lambda from 'aws-cdk-lib/aws-lambda';
//! import { Construct } from 'constructs';
//!
//! export class OrdersStack extends cdk.Stack {
//!   constructor(scope: Construct, id: string) {
//!     super(scope, id);
//!
//!     const orders = new lambda.Function(this, 'Orders', {
//!       runtime: lambda.Runtime.NODEJS_18_X,
//!       handler: 'index.handler',
//!       code: lambda.Code.fromInline('exports.handler = async () => ({ statusCode: 200 });'),
//!     });
//!     const live = new lambda.Alias(this, 'Live', {
//!       aliasName: 'live',
//!       version: orders.currentVersion,
//!     });
//!
//!     new apigateway.LambdaRestApi(this, 'Api', { handler: live });
//!   }
//! }
//! ```
//!
//! ## After
//! ```ts
//! import * as cdk from 'aws-cdk-lib';
//! import * as apigateway from 'aws-cdk-lib/aws-apigateway';
//! import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
//! import * as codedeploy from 'aws-cdk-lib/aws-codedeploy';
//! import * as lambda from 'aws-cdk-lib/aws-lambda';
//! import { Construct } from 'constructs';
//!
//! export class OrdersStack extends cdk.Stack {
//!   constructor(scope: Construct, id: string) {
//!     super(scope, id);
//!
//!     const orders = new lambda.Function(this, 'Orders', {
//!       runtime: lambda.Runtime.NODEJS_18_X,
//!       handler: 'index.handler',
//!       code: lambda.Code.fromInline('exports.handler = async () => ({ statusCode: 200 });'),
//!       currentVersionOptions: { removalPolicy: cdk.RemovalPolicy.RETAIN },
//!     });
//!     const live = new lambda.Alias(this, 'Live', {
//!       aliasName: 'live',
//!       version: orders.currentVersion,
//!     });
//!
//!     // A new version gets a part of the traffic first, and none when it fails
//!     const liveCanaryAlarm = new cloudwatch.Alarm(this, 'LiveCanaryAlarm', {
//!       alarmDescription:
//!         'A new version behind Live fails: CodeDeploy goes back to the one before',
//!       metric: live.metricErrors({ period: cdk.Duration.minutes(1) }),
//!       threshold: 1,
//!       evaluationPeriods: 1,
//!       comparisonOperator:
//!         cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
//!       treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
//!     });
//!     new codedeploy.LambdaDeploymentGroup(this, 'LiveDeployment', {
//!       alias: live,
//!       deploymentConfig: codedeploy.LambdaDeploymentConfig.CANARY_10PERCENT_5MINUTES,
//!       alarms: [liveCanaryAlarm],
//!       autoRollback: {
//!         failedDeployment: true,
//!         stoppedDeployment: true,
//!         deploymentInAlarm: true,
//!       },
//!     });
//!
//!     new apigateway.LambdaRestApi(this, 'Api', { handler: live });
//!   }
//! }
//! ```
//!
//! ## When it stays silent
//! For aliases of KMS keys and whatever else is called so; for an alias that splits its traffic itself
//! (`additionalVersions`), points to `$LATEST`, or belongs to a function at the edge or of a custom resource; where a
//! deployment group moves it, or may; for commands with `--routing-config`; for ECS services whose deployments are
//! controlled already. An alias that nobody waits for is reported at impact `info`, like a function without any alias.
//!
//! ## When it refuses
//! Where the alias has no name that can be used, or is only known as an interface. Where an alarm already rolls it back (5.8): two
//! engines on one alias work against each other. Where a script's function or alias cannot be followed, the
//! command is part of a longer line, or stands in a file that cannot build the deployment group. Where a circuit breaker
//! would replace the service: older apps need the flag
//! `@aws-cdk/aws-ecs:disableExplicitDeploymentControllerForCircuitBreaker` for it, which the fix sets in cdk.json unless
//! other services rely on its absence.
//!
//! ## What to know before deploying
//! Each release waits at least five minutes. The alarm rings at the first error, so a function that fails now and then needs
//! a higher threshold. Old versions count against the account's code storage of 75 GB. Any later change of a property of the
//! function publishes a version, which is shifted the same way; deploy this fix first, alone. Provisioned
//! concurrency on the alias makes each step slower.
//!
//! ## Other checkers
//! cdk-nag's `AwsSolutions-IAM4` appears for the managed policy of the role that CDK gives to `CodeDeploy`, and `AwsSolutions-IAM5`
//! for the versions (`:*`) that a script's deployment may move and for `cloudwatch:DescribeAlarms`.

use super::alias::{Alias, Shifting, canary_alarm, is_written, keep_versions, spoken};
use super::scripted_release;
use crate::detect::{Findings, Match, Refusal};
use crate::edit::Builder;
use crate::edit::names::camel_name;
use crate::model::{Environment, Model, Prop, Site};
use crate::rule::{Impact, Meta, Pillar, Rule, Tier};
use crate::syntax::Syn;

/// The rule.
pub const RULE: Rule = Rule { meta: &META, check };

pub(super) const META: Meta = Meta {
    id: "5.5",
    also: &[],
    name: "no-gradual-release",
    title: "A new version takes all traffic at once",
    pillar: Pillar::OperationalExcellence,
    impact: Impact::Medium,
    tier: Tier::Review,
    practice: "OPS06-BP03",
    clears: &[],
    raises: &[],
    asks: &[],
    // Behind 2.8, which may add the alias; before 5.8, which leaves an alias alone that CodeDeploy moves.
    order: 550,
    source: include_str!("wa_5_5_no_gradual_release.rs"),
    query: include_str!("../../queries/operational_excellence/wa_5_5_no_gradual_release.scm"),
};

const CONFIG: &str = "aws_codedeploy.LambdaDeploymentConfig";
/// Without it, a circuit breaker also names the deployment controller, and that replaces the service.
const FLAG: &str = "@aws-cdk/aws-ecs:disableExplicitDeploymentControllerForCircuitBreaker";

fn check<'a>(m: &Match<'_, 'a>, out: &mut Findings<'a>) -> Option<()> {
    let model = m.model;
    if let Some(node) = m.node("alias") {
        return check_alias(model, node, out);
    }
    if let Some(function) = m.site("function") {
        return check_function(model, &function, out);
    }
    match m.site("service") {
        Some(service) => check_service(model, &service, out),
        None => scripted_release::check(model, m.node("command")?, out),
    }
}

fn check_alias<'a>(model: &Model<'a>, node: Syn<'a>, out: &mut Findings<'a>) -> Option<()> {
    let alias = Alias::of(model, node)?;
    // An alias has one writer: where a script moves it, the script is what is reported.
    if is_written(model, "lambda update-alias") || Shifting::of(model).moves(model, &alias) {
        return None;
    }
    let label = alias.label();
    let awaited = model.awaiting(&alias.function).iter().any(|caller| alias.is_meant(model, *caller));
    let environment = model.environment(node);
    let assumed = match environment.known() {
        Some(known) if known.guessed => {
            " Nothing in the app says what production is called; 'prod' is assumed."
        }
        _ => "",
    };
    let waits = if environment.known().is_some() { "a release to production" } else { "each release" };
    let message = format!(
        "The alias {label} moves all callers to a new version at once: if it fails, every call fails until somebody goes back. \
         The fix lets CodeDeploy try it with 10 % of the traffic for five minutes, and go back at the first error; {waits} takes that much \
         longer, and an alarm is billed.{assumed}"
    );
    let finding = out.report(&META, model, node, message);
    if !awaited {
        finding.impact(Impact::Info);
    }
    if is_rolled_back(model) {
        finding.refuse(
            "an alarm already rolls an alias back, and two engines on one alias work against each other",
            "remove the function that does lambda:UpdateAlias with its alarm action, then run again",
        );
        return Some(());
    }
    finding.fix(format!("Shift the traffic of {label} step by step"), move |b| add_group(b, &alias));
    Some(())
}

/// Whether something that an alarm starts moves aliases (5.8).
fn is_rolled_back(model: &Model<'_>) -> bool {
    let started = model.app_builds("aws_cloudwatch_actions.LambdaAction")
        || model.app_builds("aws_sns_subscriptions.LambdaSubscription");
    started && model.cdk_files().any(|file| file.text.contains("lambda:UpdateAlias"))
}

fn add_group<'a>(b: &mut Builder<'_, 'a>, alias: &Alias<'a>) -> Result<(), Refusal> {
    let name = alias.name()?;
    let statement = b.statement(alias.node)?;
    let at = alias.node;
    let short = name.rsplit('.').next().and_then(camel_name).unwrap_or_else(|| "alias".to_owned());
    let alarm = b.fresh_name(at.file, &[&format!("{short}CanaryAlarm")]);
    let scope = alias.scope(b);
    let (alarm_id, group_id) = (alias.sibling_id(b, "CanaryAlarm"), alias.sibling_id(b, "Deployment"));
    let duration = b.cdk(at, "Duration")?;
    let metric = format!("{name}.metricErrors({{ period: {duration}.minutes(1) }})");
    let label = spoken(&alias.label(), "the alias");
    let alarm_code = canary_alarm(b, statement, (&alarm, scope, &alarm_id), (&metric, &label))?;
    let group = b.cdk(at, "aws_codedeploy.LambdaDeploymentGroup")?;
    let config = deployment_config(b, at, "  deploymentConfig")?;
    let gap = if config.starts_with('\n') { "" } else { " " };
    let given = if name == "alias" { "alias".to_owned() } else { format!("alias: {name}") };
    b.insert_after(
        statement,
        &format!(
            "// A new version gets a part of the traffic first, and none when it fails\n\
             {alarm_code}\n\
             new {group}({scope}, {group_id}, {{\n  \
               {given},\n  \
               deploymentConfig:{gap}{},\n  \
               alarms: [{alarm}],\n  \
               autoRollback: {{\n    \
                 failedDeployment: true,\n    \
                 stoppedDeployment: true,\n    \
                 deploymentInAlarm: true,\n  \
               }},\n\
             }});",
            config.replace('\n', "\n  ")
        ),
    );
    keep_versions(b, &alias.function)
}

/// How the traffic is shifted, as code for a property: step by step, elsewhere than in production at once.
pub(super) fn deployment_config<'a>(
    b: &mut Builder<'_, 'a>,
    at: Syn<'a>,
    property: &str,
) -> Result<String, Refusal> {
    let class = b.cdk(at, CONFIG)?;
    let (canary, at_once) = (format!("{class}.CANARY_10PERCENT_5MINUTES"), format!("{class}.ALL_AT_ONCE"));
    let statement = b.statement(at)?;
    Ok(match b.environment(at) {
        Environment::Known(known) => {
            b.conditional(statement, property, (&known.expression, &canary, &at_once))
        }
        _ => canary,
    })
}

/// A function that callers wait for, and that has no alias which could be moved.
fn check_function<'a>(model: &Model<'a>, function: &Site<'a>, out: &mut Findings<'a>) -> Option<()> {
    let is = |class: &str| model.builds(function, class);
    let other = model.runs_at_edge(function) || is("aws_lambda.SingletonFunction");
    if other || model.serves_custom_resource(function) || model.awaiting(function).is_empty() {
        return None;
    }
    let aliases = model
        .all_sites()
        .filter(|site| model.builds(site, "aws_lambda.Alias") || model.builds(site, "aws_lambda.Version"));
    let may_have =
        |site: Site<'a>| model.invoked_function(site.node).is_none_or(|behind| behind.node == function.node);
    if model.is_called_on(function, "addAlias") || aliases.into_iter().any(may_have) {
        return None;
    }
    let label = function.label();
    out.report(
        &META,
        model,
        function.node,
        format!(
            "Callers of {label} use its latest code, so a release reaches all of them at once, and there is no version to go back to."
        ),
    )
    .impact(Impact::Info)
    .refuse(
        "the function has no alias that could be moved step by step",
        "give it an alias and let callers use that (the fix of 2.8 does so), then run again",
    );
    Some(())
}

fn check_service<'a>(model: &Model<'a>, service: &Site<'a>, out: &mut Findings<'a>) -> Option<()> {
    if !service.node.is("new_expression") || !model.has_prop(&service.class, "circuitBreaker") {
        return None;
    }
    let label = service.label();
    let flagged = model.app.context_flag(FLAG).is_some_and(|value| value == &serde_json::Value::Bool(true));
    let flag_too = if flagged {
        ""
    } else {
        ", and sets the flag in cdk.json without which CDK would replace the service"
    };
    let finding = out.report(
        &META,
        model,
        service.node,
        format!(
            "When a new release of {label} does not start, ECS tries again for hours, and nothing brings the old one back. The fix switches \
             the circuit breaker on, which ends such a deployment and rolls it back{flag_too}. It costs nothing."
        ),
    );
    finding.impact(Impact::Low).tier(if flagged { Tier::Safe } else { Tier::Review });
    if !flagged {
        let too_old = model.app.release.is_some_and(|release| release.major < 2 || release.minor < 51);
        let others = model.all_sites().any(|site| {
            model.has_prop(&site.class, "circuitBreaker")
                && site.props(model).get(model, "circuitBreaker") != Prop::Absent
        });
        if too_old {
            finding.refuse(
                "before aws-cdk-lib 2.51 a circuit breaker also names the deployment controller, and that replaces the service",
                "update aws-cdk-lib, then run again",
            );
            return Some(());
        }
        if others {
            finding.refuse(
                &format!("without the flag {FLAG} a circuit breaker replaces this service, and with it those that have one already"),
                "set circuitBreaker: { rollback: true } by hand where a replacement is no loss",
            );
            return Some(());
        }
    }
    let manifest = model.app.file(&model.app.root.join("cdk.json")).and_then(|file| file.parsed());
    if !flagged && manifest.is_none() {
        finding.refuse(
            &format!(
                "a circuit breaker would replace the service, and there is no cdk.json for the flag {FLAG}"
            ),
            "set the flag in the app's context, then circuitBreaker: { rollback: true }",
        );
        return Some(());
    }
    let service = service.clone();
    finding.fix(format!("Roll back failed deployments of {label}"), move |b| {
        b.set_prop(&service, "circuitBreaker", "{ rollback: true }")?;
        match manifest.filter(|_| !flagged) {
            Some(manifest) => b.set_json(manifest, &["context", FLAG], "true"),
            None => Ok(()),
        }
    });
    Some(())
}
