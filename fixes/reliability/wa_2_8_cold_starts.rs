//! # 2.8 A function that callers wait for starts cold
//!
//! ## What is wrong
//! An API, a load balancer or a function URL waits for the answer of this function. When no instance of it is ready, Lambda
//! starts one first: code is loaded and initialised while the caller waits, a second or more. Reserved concurrency does not
//! help: it limits, it does not prepare. This is also item 3.1.
//!
//! ## What the fix does
//! It keeps instances ready in production: provisioned concurrency on the alias that the API calls, below the
//! function's reserved concurrency. Where there is no alias it adds one, and lets every caller that waits use it; grants
//! and metrics stay on the function. Where the environment is known through a typed config object that one function of
//! the app builds, the number becomes a field of it. A Java function gets `SnapStart` instead, which costs
//! nothing while nobody calls. For Python from 3.12 on and .NET from 8 on the review offers it as another way: there the snapshot is
//! billed as long as it is kept and each time it is used, and not every Region has it.
//!
//! ## Before
//! ```ts
//! import * as cdk from 'aws-cdk-lib';
//! import * as apigateway from 'aws-cdk-lib/aws-apigateway';
//! import * as lambda from 'aws-cdk-lib/aws-lambda';
//! import { Construct } from 'constructs';
//!
//! export interface ApiStackProps extends cdk.StackProps {
//!   isProd: boolean;
//! }
//!
//! export class ApiStack extends cdk.Stack {
//!   constructor(scope: Construct, id: string, props: ApiStackProps) {
//!     super(scope, id, props);
//!
//!     const handler = new lambda.Function(this, 'Handler', {
//!       runtime: lambda.Runtime.NODEJS_18_X,
//!       handler: 'index.handler',
//!       code: lambda.Code.fromInline('exports.handler = async () => ({ statusCode: 200 });'),
//!     });
//!
//!     new apigateway.LambdaRestApi(this, 'Api', { handler });
//!   }
//! }
//! ```
//!
//! ## After
//! ```ts
//! import * as cdk from 'aws-cdk-lib';
//! import * as apigateway from 'aws-cdk-lib/aws-apigateway';
//! import * as lambda from 'aws-cdk-lib/aws-lambda';
//! import { Construct } from 'constructs';
//!
//! export interface ApiStackProps extends cdk.StackProps {
//!   isProd: boolean;
//! }
//!
//! export class ApiStack extends cdk.Stack {
//!   constructor(scope: Construct, id: string, props: ApiStackProps) {
//!     super(scope, id, props);
//!
//!     const handler = new lambda.Function(this, 'Handler', {
//!       runtime: lambda.Runtime.NODEJS_18_X,
//!       handler: 'index.handler',
//!       code: lambda.Code.fromInline('exports.handler = async () => ({ statusCode: 200 });'),
//!     });
//!
//!     const handlerLive = new lambda.Alias(this, 'HandlerLive', {
//!       aliasName: 'live',
//!       version: handler.currentVersion,
//!       provisionedConcurrentExecutions: props.isProd ? 5 : undefined,
//!     });
//!
//!     new apigateway.LambdaRestApi(this, 'Api', { handler: handlerLive });
//!   }
//! }
//! ```
//!
//! ## When it stays silent
//! For functions that nobody waits for (queues, streams, events, workflows); Lambda@Edge and what serves custom resources;
//! a function that is switched off (reserved concurrency 0); where instances are provisioned or scaled
//! already, or `SnapStart` is on; in code that belongs to one environment; where the props cannot be followed.
//!
//! ## When it refuses
//! Where the reserved concurrency is not known or leaves no room: provisioned concurrency must stay below it, and only
//! the deployment would say so. Where an alias points to `$LATEST`, or several aliases exist. Where callers live in
//! another block than the function. Where nothing says which environment this is, it asks: instances that wait
//! are billed, so no test environment shall have them by accident.
//!
//! ## What to know before deploying
//! Provisioned instances are billed while they wait, and take minutes to start with each deployment; a new account's
//! limit may be too low for them. Callers that move to an alias get new permissions, and the API a new
//! deployment. What the code of a function sets up before its handler is shared by all that start from a snapshot: random numbers, and
//! connections that have gone. Whoever calls the function from outside the app, by its own name, still gets `$LATEST`. The number is fixed:
//! 3.7 lets it follow the traffic.
//!
//! ## Other checkers
//! None has a rule for this.

use crate::detect::{Findings, Match, Refusal};
use crate::edit::config::{Field, name_after};
use crate::edit::{Builder, no_fix};
use crate::fixes::concurrency::{Reserved, reserved_in_production};
use crate::model::{Environment, Model, Prop, Release, Site};
use crate::rule::{Impact, Meta, Pillar, Rule, Tier};
use crate::syntax::Syn;

/// The rule.
pub const RULE: Rule = Rule { meta: &META, check };

const META: Meta = Meta {
    id: "2.8",
    also: &["3.1"],
    name: "function-starts-cold",
    title: "A function that callers wait for starts cold",
    pillar: Pillar::Reliability,
    impact: Impact::Medium,
    tier: Tier::Review,
    practice: "PERF02-BP04",
    clears: &[],
    // It starts to use versions, and what is kept ready is a fixed number until 3.7 lets it follow the traffic.
    raises: &["2.10", "3.7"],
    asks: &[],
    order: 280,
    source: include_str!("wa_2_8_cold_starts.rs"),
    query: include_str!("../../queries/reliability/wa_2_8_cold_starts.scm"),
};

const PROVISIONED: &str = "provisionedConcurrentExecutions";
/// How many instances are kept ready, if nothing else is said.
const READY: u32 = 5;
const SNAP_START: [&str; 4] = [
    "aws_lambda.Runtime.JAVA_11",
    "aws_lambda.Runtime.JAVA_17",
    "aws_lambda.Runtime.JAVA_21",
    "aws_lambda.Runtime.JAVA_25",
];

/// Runtimes whose snapshots are billed, and which Lambda takes them of in some Regions only.
const BILLED_SNAP_START: [&str; 6] = [
    "aws_lambda.Runtime.PYTHON_3_12",
    "aws_lambda.Runtime.PYTHON_3_13",
    "aws_lambda.Runtime.PYTHON_3_14",
    "aws_lambda.Runtime.DOTNET_8",
    "aws_lambda.Runtime.DOTNET_9",
    "aws_lambda.Runtime.DOTNET_10",
];
/// The release from which on CDK lets them have it.
const BILLED_SINCE: Release = Release { major: 2, minor: 168, patch: 0 };

/// What the fix works on.
#[derive(Clone)]
struct Cold<'a> {
    function: Site<'a>,
    alias: Option<Site<'a>>,
    /// Expressions by which callers that wait name the function itself.
    direct: Vec<Syn<'a>>,
    snap_start: bool,
    warm: bool,
}

fn check<'a>(m: &Match<'_, 'a>, out: &mut Findings<'a>) -> Option<()> {
    let model = m.model;
    let function = m.site("function")?;
    let is = |class: &str| model.builds(&function, class);
    let other = model.runs_at_edge(&function) || is("aws_lambda.SingletonFunction");
    if other || model.serves_custom_resource(&function) || provisions_itself(model, &function) {
        return None;
    }
    let callers = model.awaiting(&function);
    if callers.is_empty() || model.is_called_on(&function, "addAutoScaling") {
        return None;
    }
    let aliases = aliases(model, &function)?;
    let direct: Vec<Syn<'a>> =
        callers.iter().copied().filter(|caller| is_function_itself(model, *caller)).collect();
    let label = function.label();
    let alias = aliases.first().cloned();
    let warm = alias.as_ref().is_some_and(|alias| alias.props(model).get(model, PROVISIONED) != Prop::Absent);
    if warm && direct.is_empty()
        || aliases.len() > 1
            && aliases.iter().any(|alias| alias.props(model).get(model, PROVISIONED) != Prop::Absent)
    {
        return None;
    }
    let runtime = function
        .props(model)
        .get(model, "runtime")
        .value()
        .and_then(|value| model.cdk_name(value))
        .unwrap_or_default();
    let cold = Cold {
        snap_start: !warm && has_snap_start(model, &function, &runtime, &SNAP_START),
        function,
        alias,
        direct,
        warm,
    };
    let place = cold.alias.as_ref().map_or(cold.function.node, |alias| alias.node);
    let environment = model.environment(place);
    if environment == Environment::Guarded {
        return None;
    }
    let message = message(&cold, &label, &environment);
    let image = model.builds(&cold.function, "aws_lambda.DockerImageFunction");
    let slow = image || runtime.contains(".JAVA_") || runtime.contains(".DOTNET_");
    let usual =
        if environment == Environment::None && cold.alias.is_none() { Impact::Low } else { Impact::Medium };
    let candidate = out.report(&META, model, place, message);
    candidate.impact(if slow { Impact::High } else { usual });
    if aliases.len() > 1 {
        candidate.refuse(
            "the function has several aliases, and one version cannot be provisioned for two",
            "provision the one that callers use",
        );
        return Some(());
    }
    let title = match (cold.snap_start, cold.warm) {
        (true, _) => format!("Start {label} from a snapshot"),
        (_, true) => format!("Let callers of {label} use its alias"),
        _ => format!("Keep instances of {label} ready in production"),
    };
    let billed = !cold.warm
        && model.app.release.is_some_and(|release| release >= BILLED_SINCE)
        && has_snap_start(model, &cold.function, &runtime, &BILLED_SNAP_START);
    if billed {
        let snap = Cold { snap_start: true, ..cold.clone() };
        candidate.alternative(
            format!("Start {label} from a snapshot instead, which is billed as long as it is kept and each time it is used"),
            Tier::Review,
            move |b| fix(b, &snap),
        );
    }
    candidate.fix(title, move |b| fix(b, &cold));
    Some(())
}

fn message(cold: &Cold<'_>, label: &str, environment: &Environment<'_>) -> String {
    let start = format!("Callers wait while {label} starts: ");
    if cold.warm {
        return format!(
            "{start}its alias has instances ready, but callers use the function itself and never reach them. The fix lets them use the alias."
        );
    }
    if cold.snap_start {
        return format!(
            "{start}nothing prepares it, and a Java function takes seconds. The fix starts it from a snapshot (SnapStart), which \
             costs nothing while nobody calls, and lets callers use an alias of the published version."
        );
    }
    let assumed = match environment.known() {
        Some(known) if known.guessed => {
            " Nothing in the app says what production is called; 'prod' is assumed."
        }
        _ => "",
    };
    format!(
        "{start}no instance is kept ready. The fix keeps some ready in production; they are billed while they wait, so \
         measure first whether cold starts hurt.{assumed}"
    )
}

/// `currentVersionOptions.provisionedConcurrentExecutions`, a reserved concurrency of 0, or unknown.
fn provisions_itself<'a>(model: &Model<'a>, function: &Site<'a>) -> bool {
    let props = function.props(model);
    let options = match props.get(model, "currentVersionOptions") {
        Prop::Absent => false,
        Prop::Present(entry) => model.props_of(entry.value).get(model, PROVISIONED) != Prop::Absent,
        Prop::Unknown => true,
    };
    let off =
        props.get(model, "reservedConcurrentExecutions").value().is_some_and(|value| value.text() == "0");
    options || off
}

fn is_function_itself<'a>(model: &Model<'a>, caller: Syn<'a>) -> bool {
    model.origin(caller).is_some_and(|site| model.builds(&site, "aws_lambda.Function"))
}

/// The aliases of a function; `None` where one cannot be followed, or is made by `addAlias`.
fn aliases<'a>(model: &Model<'a>, function: &Site<'a>) -> Option<Vec<Site<'a>>> {
    if model.is_called_on(function, "addAlias") {
        return None;
    }
    let mut found = Vec::new();
    for site in model.all_sites().filter(|site| model.builds(site, "aws_lambda.Alias")) {
        let version = site.props(model).get(model, "version").value()?;
        if model.invoked_function(version).is_some_and(|behind| behind.node == function.node) {
            found.push(site);
        }
    }
    Some(found)
}

fn has_snap_start<'a>(model: &Model<'a>, function: &Site<'a>, runtime: &str, runtimes: &[&str]) -> bool {
    let props = function.props(model);
    runtimes.contains(&runtime)
        && model.has_prop("aws_lambda.Function", "snapStart")
        && ["filesystem", "ephemeralStorageSize"].iter().all(|prop| props.get(model, prop) == Prop::Absent)
}

fn fix<'a>(b: &mut Builder<'_, 'a>, cold: &Cold<'a>) -> Result<(), Refusal> {
    if cold.snap_start {
        let conf = b.cdk(cold.function.node, "aws_lambda.SnapStartConf")?;
        b.set_prop(&cold.function, "snapStart", &format!("{conf}.ON_PUBLISHED_VERSIONS"))?;
    }
    let Some(alias) = &cold.alias else { return add_alias(b, cold) };
    if latest(b.model, alias) {
        return Err(no_fix(
            "its alias points to $LATEST, which cannot be provisioned",
            "let the alias point to currentVersion, then run again",
        ));
    }
    if !cold.direct.is_empty() {
        let name = alias.bound().ok_or_else(|| {
            no_fix("the alias is bound to no name", "assign it to a constant, then run again")
        })?;
        repoint(b, alias, &name, &cold.direct)?;
    }
    if cold.snap_start || cold.warm {
        return Ok(());
    }
    let (condition, ready) = match provisioned(b, cold, alias.node)? {
        Number::Field(text) => return b.set_prop(alias, PROVISIONED, &text),
        Number::Tiered(condition, ready) => (condition, ready),
    };
    b.set_conditional(alias, PROVISIONED, (&condition, &ready, "undefined"))
}

fn latest<'a>(model: &Model<'a>, alias: &Site<'a>) -> bool {
    alias
        .props(model)
        .get(model, "version")
        .value()
        .is_some_and(|version| version.text().ends_with("latestVersion"))
}

/// The number of instances, as it is written.
enum Number {
    Field(String),
    Tiered(String, String),
}

/// How many instances are kept ready where `at` stands: in production only.
fn provisioned<'a>(b: &mut Builder<'_, 'a>, cold: &Cold<'a>, at: Syn<'a>) -> Result<Number, Refusal> {
    let ready = ready(b, cold)?.to_string();
    let known = b.production(at)?;
    let own = name_after(&cold.function.label(), "ProvisionedConcurrency");
    let field = Field {
        names: &["provisionedConcurrency", &own],
        ty: "number",
        optional: true,
        doc: "Instances of the function that are kept ready.",
        production: &ready,
        other: "undefined",
    };
    Ok(match b.config_fields(&known, &[field])?.and_then(|mut texts| texts.pop()) {
        Some(text) => Number::Field(text),
        None => Number::Tiered(known.expression, ready),
    })
}

/// Below the reserved concurrency, so that `$LATEST` can still run.
fn ready<'a>(b: &Builder<'_, 'a>, cold: &Cold<'a>) -> Result<u32, Refusal> {
    let asked =
        match b.value_if_given("provisioned_concurrency") {
            Some(text) => text.parse().ok().filter(|number| *number > 0).ok_or_else(|| {
                no_fix("provisioned_concurrency is no number above 0", "give one such as 5")
            })?,
            None => READY,
        };
    match reserved_in_production(b, &cold.function) {
        Reserved::Nothing => Ok(asked),
        Reserved::Number(reserved) if reserved > 1 => Ok(asked.min(reserved - 1)),
        Reserved::Number(_) => Err(no_fix(
            "its reserved concurrency leaves no room for provisioned instances",
            "raise reservedConcurrentExecutions, then run again",
        )),
        Reserved::Unknown => Err(no_fix(
            "its reserved concurrency is not known, and what is provisioned must stay below it",
            "set provisionedConcurrentExecutions on the alias yourself",
        )),
    }
}

/// Adds an alias behind the function and lets the callers use it.
fn add_alias<'a>(b: &mut Builder<'_, 'a>, cold: &Cold<'a>) -> Result<(), Refusal> {
    let function = &cold.function;
    let at = function.node;
    let name = function.bound().ok_or_else(|| {
        no_fix("the function is bound to no name", "assign it to a constant, then run again")
    })?;
    let number = if cold.snap_start { None } else { Some(provisioned(b, cold, at)?) };
    let statement = b.statement(at)?;
    let class = b.cdk(at, "aws_lambda.Alias")?;
    let id = b.sibling_id(function, "Live");
    let short = name.rsplit('.').next().unwrap_or(&name);
    let alias = b.fresh_name(at.file, &[&format!("{short}Live"), &format!("{short}Alias")]);
    let ready = match number {
        None => String::new(),
        Some(Number::Field(text)) => format!("\n  {PROVISIONED}: {text},"),
        Some(Number::Tiered(condition, ready)) => {
            let value =
                b.conditional(statement, &format!("  {PROVISIONED}"), (&condition, &ready, "undefined"));
            let gap = if value.starts_with('\n') { "" } else { " " };
            format!("\n  {PROVISIONED}:{gap}{},", value.replace('\n', "\n  "))
        }
    };
    let scope = b.scope_text(function);
    b.insert_after(
        statement,
        &format!("const {alias} = new {class}({scope}, {id}, {{\n  aliasName: 'live',\n  version: {name}.currentVersion,{ready}\n}});"),
    );
    repoint(b, function, &alias, &cold.direct)
}

/// Lets callers use `name`, which is visible behind the statement of `site`.
fn repoint<'a>(
    b: &mut Builder<'_, 'a>,
    site: &Site<'a>,
    name: &str,
    callers: &[Syn<'a>],
) -> Result<(), Refusal> {
    let statement = b.statement(site.node)?;
    let block = statement.parent();
    for caller in callers {
        let visible = caller.file.path == statement.file.path
            && caller.start() > statement.end()
            && caller.ancestors().any(|around| Some(around) == block);
        if !visible {
            return Err(no_fix(
                "a caller stands where an alias beside the function cannot be seen",
                "add an alias with provisioned concurrency, keep it in a field, and give it to the callers",
            ));
        }
        if caller.is("shorthand_property_identifier") {
            b.replace(*caller, &format!("{}: {name}", caller.text()));
        } else {
            b.replace(*caller, name);
        }
    }
    Ok(())
}
