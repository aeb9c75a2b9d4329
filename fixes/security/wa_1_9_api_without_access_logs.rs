//! # 1.9 API keeps no access log
//!
//! ## What is wrong
//! The stage of an API writes no access log: after an incident nobody can tell who called what, from where and with which
//! result. Execution logs (`loggingLevel`) are another thing: they follow what API Gateway does, not who asks.
//!
//! ## What the fix does
//! It adds a log group that keeps three months, and has the stage write a line of JSON for each request to it. The group is
//! encrypted with the key that log groups beside it use. The default stage of an HTTP API has no property for this, so
//! that the fix sets it on the `CfnStage` underneath.
//!
//! The review offers a second way for REST APIs: a bucket that keeps a year, behind a Firehose stream (`access_log_target=s3` takes it without a review).
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
//!     const api = new apigateway.RestApi(this, 'Api', {
//!       deployOptions: {
//!         stageName: 'live',
//!       },
//!     });
//!     api.root.addMethod('GET', new apigateway.MockIntegration());
//!   }
//! }
//! ```
//!
//! ## After
//! ```ts
//! import * as cdk from 'aws-cdk-lib';
//! import * as apigateway from 'aws-cdk-lib/aws-apigateway';
//! import * as logs from 'aws-cdk-lib/aws-logs';
//! import { Construct } from 'constructs';
//!
//! export class ApiStack extends cdk.Stack {
//!   constructor(scope: Construct, id: string) {
//!     super(scope, id);
//!
//!     const accessLogGroup = new logs.LogGroup(this, 'ApiAccessLogs', {
//!       retention: logs.RetentionDays.THREE_MONTHS,
//!     });
//!
//!     const api = new apigateway.RestApi(this, 'Api', {
//!       deployOptions: {
//!         stageName: 'live',
//!         accessLogDestination: new apigateway.LogGroupLogDestination(
//!           accessLogGroup
//!         ),
//!         accessLogFormat: apigateway.AccessLogFormat.jsonWithStandardFields(),
//!       },
//!     });
//!     api.root.addMethod('GET', new apigateway.MockIntegration());
//!   }
//! }
//! ```
//!
//! ## When it stays silent
//! For APIs that make no stage (`deploy: false`, `createDefaultStage: false`) and imported ones; where the stage's options come
//! from a variable or a spread; where the access log is set on the resource underneath.
//!
//! ## When it refuses
//! Without a value, where a REST API needs the account's role for logs and nothing in the app says that there is one. For
//! a `CfnStage` of an API that is no HTTP or REST API, for an API built inside another expression or by its own class, and for an `HttpStage` before CDK 2.190.
//!
//! ## What to know before deploying
//! CloudWatch Logs bills for what is written. REST APIs write with a role that is set **once for an account and region**: where an API
//! makes it (`cloudWatchRole: true`), it replaces the one that is there, for every API of the account in that region. HTTP
//! APIs need no role, but who deploys needs the rights of log delivery. A log line holds the caller's IP address.
//!
//! ## Other checkers
//! Clears cdk-nag `AwsSolutions-APIG1` and Checkov `CKV_AWS_76` and `CKV_AWS_95`. Where the fix makes the account's role, its managed policy is one more
//! `AwsSolutions-IAM4`.
//! The bucket has no access log of its own (`AwsSolutions-S1`, `CKV_AWS_18`, `CKV_AWS_21`); CDK's stream has a log group without retention and a role with
//! wildcards (`AwsSolutions-IAM5`, `CKV_AWS_158`), and cfn-lint reports a mapping of it as `W7001`.
//! Where no key is in scope, Checkov `CKV_AWS_158` asks for one on the log group.

use std::fmt::Write as _;

use super::access_log_settings::{http_api, raw_stage};
use super::access_log_stream::stream_destination;
use super::api_methods::stage_owner;
use super::bucket::is_built_by_its_class;
use super::holder;
use crate::detect::{Candidate, Findings, Match, Refusal};
use crate::edit::config::name_after;
use crate::edit::names::is_visible;
use crate::edit::{Builder, no_fix};
use crate::model::meaning::words;
use crate::model::scope::Declaration;
use crate::model::{Model, Prop, Site};
use crate::rule::{AnswerType, Impact, Meta, Pillar, Question, Rule, Tier};
use crate::syntax::Syn;

/// The rule.
pub const RULE: Rule = Rule { meta: &META, check };

const ROLE: Question = Question {
    key: "api_gateway_account_role",
    ask: "API Gateway writes logs with a role that is set once for an account and region, and nothing in the app sets it. \
          Is there one (exists), or shall this API make it (create)? One that is made replaces the one that is there.",
    kind: AnswerType::Choice(&["exists", "create"]),
    example: "exists",
};

pub(super) const META: Meta = Meta {
    id: "1.9",
    also: &[],
    name: "api-without-access-logs",
    title: "API keeps no access log",
    pillar: Pillar::Security,
    impact: Impact::Medium,
    // Not safe, even where the role is known: logs are billed.
    tier: Tier::Review,
    practice: "SEC04-BP01",
    clears: &["AwsSolutions-APIG1", "CKV_AWS_76", "CKV_AWS_95"],
    // The bucket that a review offers is state.
    raises: &["5.6"],
    asks: &[ROLE],
    order: 190,
    source: include_str!("wa_1_9_api_without_access_logs.rs"),
    query: include_str!("../../queries/security/wa_1_9_api_without_access_logs.scm"),
};

const REST_API: &str = "aws_apigateway.RestApiBase";

/// Names under which the resource underneath has the setting.
const SETTINGS: [&str; 4] =
    ["accessLogSetting", "accessLogSettings", "AccessLogSetting", "AccessLogSettings"];

fn check<'a>(m: &Match<'_, 'a>, out: &mut Findings<'a>) -> Option<()> {
    let model = m.model;
    if let Some(api) = m.site("rest") {
        return rest_api(model, api, out);
    }
    if let Some(api) = m.site("http") {
        return http_api(model, api, out);
    }
    let stage = m.site("stage").or_else(|| m.site("http_stage"));
    let raw = m.site("raw");
    if is_set_underneath(model, stage.as_ref().or(raw.as_ref())?) {
        return None;
    }
    match stage {
        Some(stage) => own_stage(model, stage, out),
        None => raw_stage(model, raw?, out),
    }
    Some(())
}

/// A stage that is a construct of its own.
fn own_stage<'a>(model: &Model<'a>, stage: Site<'a>, out: &mut Findings<'a>) {
    let is_rest = model.builds(&stage, "aws_apigateway.Stage");
    let message = told(&stage, "");
    let in_bucket = told_of_bucket(&stage, "");
    let title = format!("Keep an access log of {}", stage.label());
    let finding = out.report(&META, model, stage.node, message);
    if is_rest {
        in_group_or_bucket(finding, &title, in_bucket, move |b, bucket| {
            relies_on_role(b)?;
            let entries = rest_entries(b, &stage, 1, bucket)?;
            add_entries(b, &stage, &entries)
        });
        return;
    }
    finding.fix(title, move |b| {
        if !b.model.has_prop(&stage.class, "accessLogSettings") {
            return Err(no_fix(
                "before CDK 2.190 an HttpStage takes no accessLogSettings",
                "set accessLogSettings on its CfnStage, or upgrade aws-cdk-lib and run again",
            ));
        }
        let group = log_group(b, &stage)?;
        let destination = b.cdk(stage.node, "aws_apigatewayv2.LogGroupLogDestination")?;
        let value = format!("{{\n  destination: new {destination}({group}),\n}}");
        b.set_prop(&stage, "accessLogSettings", &value)
    });
}

/// The message; `role` is a sentence on the account's role, or nothing.
pub(super) fn told(site: &Site<'_>, role: &str) -> String {
    let fix = "a log group that keeps three months, with a line for each request; CloudWatch Logs bills for what is written.";
    told_with(site, fix, role)
}

/// The same where the log goes to a bucket.
fn told_of_bucket(site: &Site<'_>, role: &str) -> String {
    let fix = "a bucket that keeps a year, and a Firehose stream that writes a line for each request to it; Firehose bills for each \
               gigabyte, and S3 for what it keeps.";
    told_with(site, fix, role)
}

fn told_with(site: &Site<'_>, fix: &str, role: &str) -> String {
    format!(
        "{} writes no access log: after an incident nobody can tell who called what. The fix adds {fix}{role}",
        site.label()
    )
}

fn rest_api<'a>(model: &Model<'a>, api: Site<'a>, out: &mut Findings<'a>) -> Option<()> {
    let props = api.props(model);
    let deploys = match props.get(model, "deploy") {
        Prop::Absent => true,
        Prop::Present(entry) => entry.value.text() == "true",
        Prop::Unknown => false,
    };
    let options = match props.get(model, "deployOptions") {
        Prop::Absent => None,
        Prop::Present(entry) => Some(entry.value).filter(|value| value.is("object")).map(Some)?,
        Prop::Unknown => return None,
    };
    let logs = options
        .is_some_and(|options| model.props_of(options).get(model, "accessLogDestination") != Prop::Absent);
    if !deploys || logs || is_built_by_its_class(&api) || is_set_underneath(model, &api) {
        return None;
    }
    let role = if needs_role(model) {
        " It writes with a role of the account that nothing in the app sets, so the fix asks for it."
    } else {
        ""
    };
    let message = told(&api, role);
    let in_bucket = told_of_bucket(&api, role);
    let title = format!("Keep an access log of {}", api.label());
    let finding = out.report(&META, model, api.node, message);
    in_group_or_bucket(finding, &title, in_bucket, move |b, bucket| {
        let create = needs_role(b.model) && makes_role(b)?;
        let mut entries = rest_entries(b, &api, 2, bucket)?;
        match options {
            Some(options) => {
                b.insert_entries(options, &entries);
                if create { b.set_prop(&api, "cloudWatchRole", "true") } else { Ok(()) }
            }
            None => {
                let lines: Vec<String> = entries
                    .drain(..)
                    .map(|(name, value)| format!("  {name}: {},\n", value.replace('\n', "\n  ")))
                    .collect();
                let mut all = vec![("deployOptions", format!("{{\n{}}}", lines.concat()))];
                if create {
                    all.insert(0, ("cloudWatchRole", "true".to_owned()));
                }
                add_entries(b, &api, &all)
            }
        }
    });
    Some(())
}

/// Gives a finding a log group as its fix, and a bucket as another way, which has a message of its own.
fn in_group_or_bucket<'a>(
    finding: &mut Candidate<'a>,
    title: &str,
    in_bucket: String,
    keep: impl Fn(&mut Builder<'_, 'a>, bool) -> Result<(), Refusal> + Clone + 'a,
) {
    let keep = move |b: &mut Builder<'_, 'a>, bucket: bool| {
        if bucket {
            b.tell(in_bucket.clone());
        }
        keep(b, bucket)
    };
    let other = keep.clone();
    finding.fix(title, move |b| {
        let bucket = match b.value_if_given("access_log_target") {
            None | Some("cloudwatch") => false,
            Some("s3") => true,
            Some(target) => {
                return Err(no_fix(
                    &format!("access_log_target is {target}"),
                    "say cloudwatch, or s3 for a bucket behind a Firehose stream",
                ));
            }
        };
        keep(b, bucket)
    });
    finding.alternative(format!("{title} in a bucket"), Tier::Review, move |b| other(b, true));
}

/// Refuses where the answer is that an API shall make the account's role: a stage cannot.
///
/// # Errors
/// A [`Refusal`] of this kind.
pub(super) fn relies_on_role(b: &Builder<'_, '_>) -> Result<(), Refusal> {
    if needs_role(b.model) && makes_role(b)? {
        return Err(no_fix(
            "only a RestApi can make the account's role, and this is a stage",
            "set cloudWatchRole on the API, then run again",
        ));
    }
    Ok(())
}

/// Gives a construct several props that it does not have.
fn add_entries<'a>(
    b: &mut Builder<'_, 'a>,
    site: &Site<'a>,
    entries: &[(&str, String)],
) -> Result<(), Refusal> {
    let ((name, value), rest) =
        entries.split_first().ok_or_else(|| no_fix("nothing to add", "report this"))?;
    let mut text = value.clone();
    for (name, value) in rest {
        let _ = write!(text, ",\n{name}: {value}");
    }
    b.set_prop(site, name, &text)
}

/// The answer to whether the API makes the account's role.
fn makes_role(b: &Builder<'_, '_>) -> Result<bool, Refusal> {
    match b.value(&ROLE)? {
        "exists" => Ok(false),
        "create" => Ok(true),
        other => Err(no_fix(&format!("api_gateway_account_role is {other}"), "say exists or create")),
    }
}

/// Whether nothing in the app makes the account's role, or relies on it already.
fn needs_role<'a>(model: &Model<'a>) -> bool {
    let flag = model.app.context_flag("@aws-cdk/aws-apigateway:disableCloudWatchRole");
    let disabled = flag.is_some_and(|flag| flag.as_bool() == Some(true));
    let knows = |api: &Site<'a>| {
        let props = api.props(model);
        let made = match props.get(model, "cloudWatchRole") {
            Prop::Absent => !disabled,
            Prop::Present(entry) => entry.value.text() == "true",
            Prop::Unknown => false,
        };
        let options = props.get(model, "deployOptions").value().map(|options| model.props_of(options));
        let level = options.and_then(|options| options.get(model, "loggingLevel").value());
        made || level.is_some_and(|level| !level.text().ends_with("OFF"))
    };
    !model.app_builds("aws_apigateway.CfnAccount")
        && !model.all_sites().filter(|site| model.builds(site, REST_API)).any(|api| knows(&api))
}

/// The two options of a REST API's stage, `deep` levels below the line of the construct, with the log group or the
/// stream that they name before it.
fn rest_entries<'a>(
    b: &mut Builder<'_, 'a>,
    site: &Site<'a>,
    deep: usize,
    bucket: bool,
) -> Result<Vec<(&'static str, String)>, Refusal> {
    let at = site.node;
    let format = b.cdk(at, "aws_apigateway.AccessLogFormat")?;
    let name = "accessLogDestination";
    let value = if bucket {
        stream_destination(b, site)?
    } else {
        let group = log_group(b, site)?;
        let destination = b.cdk(at, "aws_apigateway.LogGroupLogDestination")?;
        let line = format!("new {destination}({group})");
        if b.fits(at, deep, name.len() + line.len() + 3) {
            line
        } else {
            format!("new {destination}(\n  {group}\n)")
        }
    };
    Ok(vec![(name, value), ("accessLogFormat", format!("{format}.jsonWithStandardFields()"))])
}

/// Says that nothing can stand beside a construct.
pub(super) fn inside() -> Refusal {
    no_fix(
        "it is built inside another expression, where no statement can stand before it",
        "keep it in a variable of its own, then run again",
    )
}

/// Declares the log group before a construct; its name.
///
/// # Errors
/// A [`Refusal`] where no statement can stand there.
pub(super) fn log_group<'a>(b: &mut Builder<'_, 'a>, site: &Site<'a>) -> Result<String, Refusal> {
    let statement = place_before(b, site)?;
    let at = site.node;
    let class = b.cdk(at, "aws_logs.LogGroup")?;
    let days = b.cdk(at, "aws_logs.RetentionDays")?;
    let id = b.sibling_id(site, "AccessLogs");
    let own = name_after(&site.label(), "AccessLogGroup");
    let apis = b.model.sites(at.file).iter().filter(|other| other.class == site.class).count();
    let names = if apis > 1 { [own.as_str(), "accessLogGroup"] } else { ["accessLogGroup", &own] };
    let name = b.fresh_name(at.file, &names);
    let key = neighbours_key(b.model, statement)
        .map(|key| format!("  encryptionKey: {},\n", key.text()))
        .unwrap_or_default();
    let scope = b.scope_text(site);
    let code =
        format!("const {name} = new {class}({scope}, {id}, {{\n  retention: {days}.THREE_MONTHS,\n{key}}});");
    b.insert_before(statement, &code);
    Ok(name)
}

/// The statement before which something may be built for a construct.
///
/// # Errors
/// A [`Refusal`] where there is none.
pub(super) fn place_before<'a>(b: &Builder<'_, 'a>, site: &Site<'a>) -> Result<Syn<'a>, Refusal> {
    let at = site.node;
    if at.is("call_expression") {
        return Err(no_fix(
            "the API is built by super(…), before which nothing of this construct can be used",
            "give the class its log group as a parameter",
        ));
    }
    let statement = b.statement(at)?;
    if holder(at) != Some(statement) || !stands_alone(at, statement) {
        return Err(inside());
    }
    Ok(statement)
}

/// Whether a construct is built whenever its statement runs, and once: in no branch and no function of it.
fn stands_alone(node: Syn<'_>, statement: Syn<'_>) -> bool {
    node.ancestors().take_while(|around| *around != statement).all(|around| {
        !around.kind().contains("function")
            && !matches!(
                around.kind(),
                "ternary_expression" | "binary_expression" | "class_body" | "method_definition"
            )
    })
}

/// The key of a log group that is built before a statement in the same function: its policy admits the logs service.
pub(crate) fn neighbours_key<'a>(model: &Model<'a>, statement: Syn<'a>) -> Option<Syn<'a>> {
    let function = |node: Syn<'a>| node.ancestors().find(|around| around.is("method_definition"));
    model.sites(statement.file).iter().find_map(|site| {
        let before = model.builds(site, "aws_logs.LogGroup") && site.node.end() <= statement.start();
        if !before || function(site.node) != function(statement) {
            return None;
        }
        let key = site.props(model).get(model, "encryptionKey").value()?;
        (matches!(key.kind(), "identifier" | "member_expression") && is_visible(statement, key))
            .then_some(key)
    })
}

/// Whether the setting is made on the resource underneath, for this API or for one that cannot be followed.
pub(super) fn is_set_underneath<'a>(model: &Model<'a>, api: &Site<'a>) -> bool {
    model.cdk_files().any(|file| {
        let root = Syn::root(file);
        SETTINGS.iter().flat_map(|name| words(root, name)).filter_map(|at| root.at(at)).any(|node| {
            let key = node.parent().is_some_and(|parent| parent.is("pair"));
            !key && !node.is("comment")
                && owner_of_stage(model, node).is_none_or(|owner| owner.node == api.node)
        })
    })
}

/// The API whose stage a statement is about, named in it or through a variable.
fn owner_of_stage<'a>(model: &Model<'a>, inside: Syn<'a>) -> Option<Site<'a>> {
    if let Some(owner) = stage_owner(model, holder(inside)?) {
        return Some(owner);
    }
    let mut head = inside.ancestors().find_map(|around| match around.kind() {
        "assignment_expression" => around.field("left"),
        "call_expression" => around.field("function"),
        _ => None,
    })?;
    while let Some(object) = head.field("object") {
        head = object;
    }
    match model.lookup(head, head.text())? {
        Declaration::Variable { declarator, .. } => stage_owner(model, declarator.field("value")?),
        _ => None,
    }
}
