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
//! decision; for code that belongs to one environment; for what serves custom resources; for a retention that was
//! chosen where nothing says which environment this is.
//!
//! ## When it refuses
//! For a function whose role may not be allowed to write to another log group than Lambda's own; for an API that
//! is bound to no name, whose log group therefore cannot be named.
//!
//! ## What to know before deploying
//! A shorter retention deletes older events at once, in the environments that get it. A declared group has a name of its own:
//! the old group stays behind with its events until somebody deletes it. `LogRetention` brings a small
//! function with a role that sets the retention of a group which exists already. A policy that wants a year of logs in every
//! environment (Checkov `CKV_AWS_338`) contradicts this rule: suppress one of them. Where the retention that you name is three months or
//! more, 4.1 then offers to keep the older part in an archive.
//!
//! ## Other checkers
//! Clears Checkov `CKV_AWS_66` for groups that had no retention. The function behind `LogRetention` is CDK's own, and
//! cdk-nag reports its role: `AwsSolutions-IAM4`, `AwsSolutions-IAM5`.

use crate::detect::{Candidate, Findings, Match, Refusal};
use crate::edit::config::name_after;
use crate::edit::{Builder, no_fix};
use crate::model::{Binding, Discriminator, Environment, Model, Prop, Site};
use crate::rule::{Impact, Meta, Pillar, Question, Rule, Tier};
use crate::syntax::Syn;

/// The rule.
pub const RULE: Rule = Rule { meta: &META, check };

const RETENTION: Question = Question {
    key: "log_retention",
    ask: "How long shall logs be kept that have no limit today? A member of RetentionDays; older events are deleted.",
    example: "ONE_YEAR",
};

const META: Meta = Meta {
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

/// Members of `RetentionDays`, with their days.
const DAYS: [(&str, u16); 22] = [
    ("ONE_DAY", 1),
    ("THREE_DAYS", 3),
    ("FIVE_DAYS", 5),
    ("ONE_WEEK", 7),
    ("TWO_WEEKS", 14),
    ("ONE_MONTH", 30),
    ("TWO_MONTHS", 60),
    ("THREE_MONTHS", 90),
    ("FOUR_MONTHS", 120),
    ("FIVE_MONTHS", 150),
    ("SIX_MONTHS", 180),
    ("ONE_YEAR", 365),
    ("THIRTEEN_MONTHS", 400),
    ("EIGHTEEN_MONTHS", 545),
    ("TWO_YEARS", 731),
    ("THREE_YEARS", 1096),
    ("FIVE_YEARS", 1827),
    ("SIX_YEARS", 2192),
    ("SEVEN_YEARS", 2557),
    ("EIGHT_YEARS", 2922),
    ("NINE_YEARS", 3288),
    ("TEN_YEARS", 3653),
];

const WEEK: u16 = 7;
const YEAR: u16 = 365;
const SHORT: &str = "ONE_WEEK";
/// What CDK gives a group that says nothing.
const DEFAULT: &str = "TWO_YEARS";
const NEVER: &str = "INFINITE";
/// Names of logs that are kept because somebody may ask for them.
const AUDIT: [&str; 8] = ["trail", "audit", "flowlog", "flow-log", "flow_log", "waf", "compliance", "access"];

fn check<'a>(m: &Match<'_, 'a>, out: &mut Findings<'a>) -> Option<()> {
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
    if let Some(project) = m.site("project") {
        return build_logs(m, out, project);
    }
    if let Some(api) = m.site("api") {
        return execution_logs(m, out, api);
    }
    container_logs(m, out, m.node("driver")?)
}

/// How long a property keeps logs today: a member of `RetentionDays`. `None` where it is no constant.
fn kept<'a>(model: &Model<'a>, prop: Prop<'a>, absent: &'static str) -> Option<(String, Option<Syn<'a>>)> {
    match prop {
        Prop::Absent => Some((absent.to_owned(), None)),
        Prop::Present(entry) if entry.value.is("member_expression") => {
            let name = model.cdk_name(entry.value)?;
            Some((name.strip_prefix("aws_logs.RetentionDays.")?.to_owned(), Some(entry.value)))
        }
        _ => None,
    }
}

/// The days of a member; `None` is for ever.
pub(crate) fn days(member: &str) -> Option<u16> {
    DAYS.iter().find(|(name, _)| *name == member).map(|(_, days)| *days)
}

fn is_bounded_to_a_week(member: &str) -> bool {
    days(member).is_some_and(|days| days <= WEEK)
}

fn in_words(member: &str) -> String {
    days(member).map_or_else(|| "for ever".to_owned(), |days| format!("for {days} days"))
}

/// Whether a group's names say that somebody may ask for its logs later.
pub(crate) fn is_audit<'a>(model: &Model<'a>, group: &Site<'a>) -> bool {
    let name = group.props(model).get(model, "logGroupName").value().map(Syn::text).unwrap_or_default();
    let bound = match group.binding() {
        Binding::Variable(name) | Binding::Field(name) => name.text(),
        Binding::None => "",
    };
    let id = group.id().map(Syn::text).unwrap_or_default();
    let text = format!("{id} {name} {bound}").to_lowercase();
    AUDIT.iter().any(|word| text.contains(word))
}

/// `RETAIN` and a year or more: a decision. A delivery group has a fixed retention.
fn is_kept_on_purpose<'a>(model: &Model<'a>, group: &Site<'a>) -> bool {
    let props = group.props(model);
    let named = |prop: &str| props.get(model, prop).value().and_then(|value| model.cdk_name(value));
    let long = named("retention").is_some_and(|name| {
        let member = name.rsplit('.').next().unwrap_or_default();
        days(member).is_none_or(|days| days >= YEAR)
    });
    let delivery = named("logGroupClass").is_some_and(|class| class.ends_with(".DELIVERY"));
    delivery || long && named("removalPolicy").is_some_and(|policy| policy.ends_with("RemovalPolicy.RETAIN"))
}

/// Where the fix will write: the expression in scope there decides.
fn place<'a>(model: &Model<'a>, site: &Site<'a>) -> Syn<'a> {
    site.props(model).object().filter(|object| std::ptr::eq(object.file, site.node.file)).unwrap_or(site.node)
}

/// A sentence on what production is, for messages.
fn assumed(known: &Discriminator<'_>) -> &'static str {
    if known.guessed { " Nothing in the app says what production is called; 'prod' is assumed." } else { "" }
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

/// What a fix writes.
enum Retention {
    Fixed(String),
    Tiered(String, String, String),
}

impl Retention {
    /// As one expression on one line.
    fn line(self) -> String {
        match self {
            Self::Fixed(value) => value,
            Self::Tiered(condition, yes, no) => format!("{condition} ? {yes} : {no}"),
        }
    }
}

/// Production keeps `today`, the others a week; without an environment the value that was answered.
fn retention<'a>(b: &Builder<'_, 'a>, at: Syn<'a>, today: &str, days: &str) -> Result<Retention, Refusal> {
    match b.environment(at) {
        Environment::Known(known) => {
            Ok(Retention::Tiered(known.expression, format!("{days}.{today}"), format!("{days}.{SHORT}")))
        }
        _ => {
            let answer = b.value(&RETENTION)?;
            if !DAYS.iter().any(|(name, _)| *name == answer) && answer != NEVER {
                return Err(no_fix(
                    &format!("log_retention is {answer}, which is no member of RetentionDays"),
                    "give one such as ONE_YEAR",
                ));
            }
            Ok(Retention::Fixed(format!("{days}.{answer}")))
        }
    }
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

/// A function whose group Lambda makes.
fn unbounded_function<'a>(m: &Match<'_, 'a>, out: &mut Findings<'a>, function: Site<'a>) -> Option<()> {
    let is = |class: &str| m.model.builds(&function, class);
    let other = is("aws_cloudfront.experimental.EdgeFunction") || is("aws_lambda.SingletonFunction");
    if other || m.model.serves_custom_resource(&function) || has_group(m.model, &function) {
        return None;
    }
    let environment = m.model.environment(function.node);
    if environment == Environment::Guarded {
        return None;
    }
    let managed = m.model.app.context_flag("@aws-cdk/aws-lambda:useCdkManagedLogGroup");
    let today = if managed.is_some_and(|flag| flag.as_bool() == Some(true)) { DEFAULT } else { NEVER };
    let label = function.label();
    let what = match environment.known() {
        Some(known) => {
            format!("keeps a week of logs outside production and changes nothing there.{}", assumed(known))
        }
        None => "keeps logs as long as you say in log_retention.".to_owned(),
    };
    let message = format!(
        "The log group of {label} is the one that Lambda makes: it keeps every event {}. The fix gives the function a log \
         group of its own, which {what} The old group stays, with what it holds.",
        in_words(today)
    );
    let candidate = out.report(&META, m.model, function.node, message);
    if !may_write_elsewhere(m.model, &function) {
        refuse_role(candidate);
        return Some(());
    }
    candidate
        .fix(format!("Give {label} a log group with a retention"), move |b| own_group(b, &function, today));
    Some(())
}

fn refuse_role(candidate: &mut Candidate<'_>) {
    candidate.refuse(
        "its role may only be allowed to write to the log group that Lambda makes",
        "let the role write to a log group of yours, then set logGroup",
    );
}

/// CDK's own role, or one of the app with a managed policy for logs, may write to any group.
fn may_write_elsewhere<'a>(model: &Model<'a>, function: &Site<'a>) -> bool {
    match function.props(model).get(model, "role") {
        Prop::Absent => true,
        Prop::Present(entry) => model.origin(entry.value).is_some_and(|role| {
            let text = &role.node.file.text;
            ["AWSLambdaBasicExecutionRole", "AWSLambdaVPCAccessExecutionRole"]
                .iter()
                .any(|policy| text.contains(policy))
        }),
        Prop::Unknown => false,
    }
}

/// Whether the app declares `/aws/lambda/<the function>` apart from the function.
fn has_group<'a>(model: &Model<'a>, function: &Site<'a>) -> bool {
    let own_name = function
        .props(model)
        .get(model, "functionName")
        .value()
        .map(|name| name.text().trim_matches(['\'', '"', '`']));
    let bound = match function.binding() {
        Binding::Variable(name) | Binding::Field(name) => Some(format!("{}.functionName", name.text())),
        Binding::None => None,
    };
    model.all_sites().any(|site| {
        let groups = ["aws_logs.LogGroup", "aws_logs.LogRetention", "aws_logs.CfnLogGroup"];
        groups.iter().any(|class| model.builds(&site, class))
            && site.props(model).get(model, "logGroupName").value().is_some_and(|name| {
                let text = name.text();
                let named = |name: Option<&str>| name.is_some_and(|name| text.contains(name));
                text.contains("/aws/lambda/") && (named(own_name) || named(bound.as_deref()))
            })
    })
}

fn own_group<'a>(b: &mut Builder<'_, 'a>, function: &Site<'a>, today: &str) -> Result<(), Refusal> {
    let at = function.node;
    let days = b.cdk(at, "aws_logs.RetentionDays")?;
    let kept = retention(b, at, today, &days)?;
    if !b.model.has_prop("aws_lambda.Function", "logGroup") {
        return match kept {
            Retention::Fixed(value) => b.set_prop(function, "logRetention", &value),
            Retention::Tiered(condition, yes, no) => {
                b.set_conditional(function, "logRetention", (&condition, &yes, &no))
            }
        };
    }
    let statement = b.statement(at)?;
    let class = b.cdk(at, "aws_logs.LogGroup")?;
    let id = b.sibling_id(function, "LogGroup");
    let own = name_after(&function.label(), "LogGroup");
    let functions =
        b.model.sites(at.file).iter().filter(|site| b.model.builds(site, "aws_lambda.Function")).count();
    let names = if functions > 1 { [own.as_str(), "logGroup"] } else { ["logGroup", &own] };
    let name = b.fresh_name(at.file, &names);
    let code = format!(
        "const {name} = new {class}({}, {id}, {{\n  {},\n}});",
        b.scope_text(function),
        entry(b, statement, kept)
    );
    b.insert_before(statement, &code);
    b.set_prop(function, "logGroup", &name)
}

/// `retention: …` inside a construct that is written before or after a statement.
fn entry<'a>(b: &mut Builder<'_, 'a>, statement: Syn<'a>, kept: Retention) -> String {
    match kept {
        Retention::Fixed(value) => format!("retention: {value}"),
        Retention::Tiered(condition, yes, no) => {
            let value = b.conditional(statement, "  retention", (&condition, &yes, &no));
            let gap = if value.starts_with('\n') { "" } else { " " };
            format!("retention:{gap}{}", value.replace('\n', "\n  "))
        }
    }
}

/// A build project whose group CodeBuild makes.
fn build_logs<'a>(m: &Match<'_, 'a>, out: &mut Findings<'a>, project: Site<'a>) -> Option<()> {
    if m.model.environment(project.node) == Environment::Guarded {
        return None;
    }
    let label = project.label();
    let message = format!(
        "The build logs of {label} go to a log group that CodeBuild makes, and are kept for ever. The fix gives the project a \
         log group of its own; the old one stays, with what it holds."
    );
    out.report(&META, m.model, project.node, message).fix(
        format!("Give the build logs of {label} a retention"),
        move |b| {
            let at = project.node;
            let sibling = sibling_group(b.model, &project);
            let copied = |prop: &str| {
                let value = sibling.as_ref()?.props(b.model).get(b.model, prop).value()?;
                Some(format!("\n  {prop}: {},", value.text()))
            };
            let mut lines = String::new();
            let group = match (copied("retention"), copied("encryptionKey"), copied("removalPolicy")) {
                (Some(retention), key, removal) => {
                    lines.push_str(&retention);
                    lines.push_str(&key.unwrap_or_default());
                    lines.push_str(&removal.unwrap_or_default());
                    b.cdk(at, "aws_logs.LogGroup")?
                }
                _ => {
                    let days = b.cdk(at, "aws_logs.RetentionDays")?;
                    // Who builds looks at the last builds; a week is what other environments keep.
                    let member =
                        if matches!(b.environment(at), Environment::Known(_)) { SHORT } else { "ONE_MONTH" };
                    lines = format!("\n  retention: {days}.{member},");
                    b.cdk(at, "aws_logs.LogGroup")?
                }
            };
            let statement = b.statement(at)?;
            let id = b.sibling_id(&project, "LogGroup");
            let name = b.fresh_name(at.file, &[&name_after(&project.label(), "LogGroup")]);
            let scope = b.scope_text(&project);
            b.insert_before(statement, &format!("const {name} = new {group}({scope}, {id}, {{{lines}\n}});"));
            b.set_prop(&project, "logging", &format!("{{\n  cloudWatch: {{ logGroup: {name} }},\n}}"))
        },
    );
    Some(())
}

/// The log group of another build project in the same block, with a retention of at most a week or one that
/// depends on the environment.
fn sibling_group<'a>(model: &Model<'a>, project: &Site<'a>) -> Option<Site<'a>> {
    let block = project.statement()?.parent()?;
    model.sites(project.node.file).iter().find_map(|other| {
        let near = other.statement().and_then(Syn::parent) == Some(block)
            && other.node.start() < project.node.start();
        if !near || !model.builds(other, "aws_codebuild.Project") {
            return None;
        }
        let logging = other.props(model).get(model, "logging").value()?;
        let watch = model.props_of(logging).get(model, "cloudWatch").value()?;
        let group = model.origin(model.props_of(watch).get(model, "logGroup").value()?)?;
        let value = group.props(model).get(model, "retention").value()?;
        let short = model
            .cdk_name(value)
            .is_some_and(|name| name.rsplit('.').next().is_some_and(is_bounded_to_a_week));
        (std::ptr::eq(group.node.file, project.node.file) && (short || value.is("ternary_expression")))
            .then_some(group)
    })
}

/// A REST API that logs each execution to a group that API Gateway makes.
fn execution_logs<'a>(m: &Match<'_, 'a>, out: &mut Findings<'a>, api: Site<'a>) -> Option<()> {
    let model = m.model;
    let props = api.props(model);
    let options = model.props_of(props.get(model, "deployOptions").value()?);
    let level = model.cdk_name(options.get(model, "loggingLevel").value()?)?;
    let logs = level == "aws_apigateway.MethodLoggingLevel.INFO"
        || level == "aws_apigateway.MethodLoggingLevel.ERROR";
    let deployed = props.get(model, "deploy") == Prop::Absent;
    let bounded = model.cdk_files().any(|file| file.text.contains("API-Gateway-Execution-Logs"));
    let environment = model.environment(api.node);
    if !logs || !deployed || bounded || environment == Environment::Guarded {
        return None;
    }
    let label = api.label();
    let what = match environment.known() {
        Some(known) => format!("to a week outside production, and changes nothing there.{}", assumed(known)),
        None => "to what you say in log_retention.".to_owned(),
    };
    let message = format!(
        "{label} logs each execution to a group that API Gateway makes, which keeps every event for ever. The fix sets the \
         retention of that group {what} It adds a small function that does so during the deployment."
    );
    let candidate = out.report(&META, model, api.node, message);
    candidate.key("execution-logs");
    let bound = match api.binding() {
        Binding::Variable(name) => name.text().to_owned(),
        Binding::Field(name) => format!("this.{}", name.text()),
        Binding::None => {
            candidate.refuse(
                "the API is bound to no name, so that the name of its log group cannot be written",
                "assign it to a constant, then run again",
            );
            return Some(());
        }
    };
    candidate.fix(format!("Bound the execution logs of {label}"), move |b| {
        let at = api.node;
        let statement = b.statement(at)?;
        let class = b.cdk(at, "aws_logs.LogRetention")?;
        let days = b.cdk(at, "aws_logs.RetentionDays")?;
        let kept = retention(b, at, NEVER, &days)?;
        let kept = entry(b, statement, kept);
        let id = b.sibling_id(&api, "ExecutionLogRetention");
        let scope = b.scope_text(&api);
        let name = format!("`API-Gateway-Execution-Logs_${{{bound}.restApiId}}/${{{bound}.deploymentStage.stageName}}`");
        b.insert_after(
            statement,
            &format!("// API Gateway makes this group by itself, and never lets an event expire\nnew {class}({scope}, {id}, {{\n  logGroupName: {name},\n  {kept},\n}});"),
        );
        Ok(())
    });
    Some(())
}

/// `LogDrivers.awsLogs({ streamPrefix })`.
fn container_logs<'a>(m: &Match<'_, 'a>, out: &mut Findings<'a>, call: Syn<'a>) -> Option<()> {
    let model = m.model;
    let props = model.props_of(call.field("arguments")?.first()?);
    let object = props.object().filter(|object| std::ptr::eq(object.file, call.file))?;
    if props.get(model, "logGroup") != Prop::Absent {
        return None;
    }
    let (today, value) = kept(model, props.get(model, "logRetention"), NEVER)?;
    let environment = model.environment(object);
    let left = environment.known().is_none() && value.is_some();
    if is_bounded_to_a_week(&today) || environment == Environment::Guarded || left {
        return None;
    }
    let what = match environment.known() {
        Some(known) => format!("keeps them so in production and for a week elsewhere.{}", assumed(known)),
        None => "sets the retention that you name as log_retention.".to_owned(),
    };
    let message = format!(
        "The container's log driver keeps events {} in every environment. The fix {what} Older events are deleted.",
        in_words(&today)
    );
    out.report(&META, model, call, message).fix(
        "Keep the container's logs for a week outside production",
        move |b| {
            let days = b.cdk(call, "aws_logs.RetentionDays")?;
            let value = match (retention(b, object, &today, &days)?, object.children().last()) {
                (Retention::Tiered(condition, yes, no), Some(last)) => {
                    b.conditional(last, "logRetention", (&condition, &yes, &no))
                }
                (kept, _) => kept.line(),
            };
            b.set_entry(object, "logRetention", &value);
            Ok(())
        },
    );
    Some(())
}
