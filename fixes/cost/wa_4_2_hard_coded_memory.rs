//! # 4.2 The memory of a function is a number in the code
//!
//! ## What is wrong
//! Lambda bills memory times duration, and gives a function its share of a processor by its memory. Here the number stands
//! in the code, so that trying another one, or a smaller one for tests, is a change of the program; or there is none, and
//! the function runs with Lambda's smallest, 128 MB. This is also item 3.3.
//!
//! ## What the fix does
//! It moves the number to where the app keeps what differs between deployments, and does not change it. Where a typed
//! config object is in scope that one function of the app builds, the memory becomes a field of it; elsewhere it can be
//! given as context, and stays what it is where none is given. A function that callers wait for and that says nothing gets
//! 512 MB; how much any other function needs is asked.
//!
//! The review offers a second way where the code tells production from the rest: today's number in production, and half of
//! it elsewhere, at least 128 MB.
//!
//! ## Before
//! ```ts
//! import * as cdk from 'aws-cdk-lib';
//! import * as lambda from 'aws-cdk-lib/aws-lambda';
//! import { Construct } from 'constructs';
//!
//! interface Settings {
//!   stage: string;
//!   region: string;
//! }
//!
//! function settingsOf(stage: string): Settings {
//!   return {
//!     stage,
//!     region: 'eu-central-1',
//!   };
//! }
//!
//! export class OrdersStack extends cdk.Stack {
//!   constructor(scope: Construct, id: string) {
//!     super(scope, id);
//!     const settings = settingsOf(this.node.tryGetContext('stage') ?? 'dev');
//!
//!     new lambda.Function(this, 'Orders', {
//!       description: settings.stage,
//!       runtime: lambda.Runtime.NODEJS_18_X,
//!       handler: 'index.handler',
//!       code: lambda.Code.fromInline('exports.handler = async () => {};'),
//!       memorySize: 512,
//!     });
//!   }
//! }
//! ```
//!
//! ## After
//! ```ts
//! import * as cdk from 'aws-cdk-lib';
//! import * as lambda from 'aws-cdk-lib/aws-lambda';
//! import { Construct } from 'constructs';
//!
//! interface Settings {
//!   stage: string;
//!   region: string;
//!   lambdaMemorySize: number;
//! }
//!
//! function settingsOf(stage: string): Settings {
//!   return {
//!     stage,
//!     region: 'eu-central-1',
//!     lambdaMemorySize: 512,
//!   };
//! }
//!
//! export class OrdersStack extends cdk.Stack {
//!   constructor(scope: Construct, id: string) {
//!     super(scope, id);
//!     const settings = settingsOf(this.node.tryGetContext('stage') ?? 'dev');
//!
//!     new lambda.Function(this, 'Orders', {
//!       description: settings.stage,
//!       runtime: lambda.Runtime.NODEJS_18_X,
//!       handler: 'index.handler',
//!       code: lambda.Code.fromInline('exports.handler = async () => {};'),
//!       memorySize: settings.lambdaMemorySize,
//!     });
//!   }
//! }
//! ```
//!
//! ## When it stays silent
//! Where the memory comes from a name, a call or a condition, or from an object that several functions share; where a comment
//! beside it says that it was measured; in code that belongs to one environment; for functions at the edge, singletons, and
//! those that serve custom resources or that alarms start.
//!
//! ## When it refuses
//! Where neither a config object nor the context can be read. A function that nobody waits for and that says nothing of its
//! memory waits for the value `lambda_memory_mb`.
//!
//! ## What to know before deploying
//! Moving a number leaves the template as it is: nothing is deployed until somebody gives another one. Measure before you do
//! (AWS Lambda Power Tuning): half the memory at twice the duration costs the same. Where there was no number, the function
//! gets more memory and a new version: if a pipeline moves an alias by `aws lambda update-alias`, the next deployment moves
//! it back to the version that the stack knows.
//!
//! ## Other checkers
//! cdk-nag's Serverless pack has `Serverless-LambdaDefaultMemorySize` for a function without memory.

use super::function::{Setting, decides_itself, from_config, from_settings, label};
use crate::detect::{Findings, Match, Refusal};
use crate::edit::{Builder, no_fix};
use crate::model::{Environment, Model, Prop, Site};
use crate::rule::{AnswerType, Impact, Meta, Pillar, Question, Rule, Tier};
use crate::syntax::Syn;

/// The rule.
pub const RULE: Rule = Rule { meta: &META, check };

const MEMORY: Question = Question {
    key: "lambda_memory_mb",
    ask: "How many MB of memory (128 to 10240) should functions get that say nothing of it?",
    kind: AnswerType::Number { least: 128, most: 10_240 },
    example: "512",
};

const META: Meta = Meta {
    id: "4.2",
    also: &["3.3"],
    name: "hard-coded-memory",
    title: "The memory of a function is a number in the code",
    pillar: Pillar::Cost,
    impact: Impact::Low,
    tier: Tier::Safe,
    practice: "COST06-BP02",
    clears: &["Serverless-LambdaDefaultMemorySize"],
    raises: &[],
    asks: &[MEMORY],
    order: 420,
    source: include_str!("wa_4_2_hard_coded_memory.rs"),
    query: include_str!("../../queries/cost/wa_4_2_hard_coded_memory.scm"),
};

const PROP: &str = "memorySize";
/// What a function gets that callers wait for.
const USUAL: &str = "512";
/// What a comment says beside a number that somebody has measured.
const MEASURED: [&str; 4] = ["tuned", "power-tuning", "power tuning", "measured"];

/// What Lambda gives at least.
const LEAST: u32 = 128;

/// What the fix works on.
#[derive(Clone)]
struct Sized<'a> {
    function: Site<'a>,
    /// The value as it stands; `None` where there is none.
    today: Option<Syn<'a>>,
    /// Whether somebody waits for the function.
    awaited: bool,
}

fn check<'a>(m: &Match<'_, 'a>, out: &mut Findings<'a>) -> Option<()> {
    let model = m.model;
    let function = m.site("function")?;
    let is = |class: &str| model.builds(&function, class);
    let edge = model.runs_at_edge(&function);
    let other = edge || is("aws_lambda.SingletonFunction") || decides_itself(&function);
    let tool = model.serves_custom_resource(&function) || model.answers_alarms(&function);
    if other || tool || !is_a_number_here(model, &function) {
        return None;
    }
    let today = function.props(model).get(model, PROP).value();
    let place = today.unwrap_or(function.node);
    let environment = model.environment(place);
    if environment == Environment::Guarded {
        return None;
    }
    let awaited = !model.awaiting(&function).is_empty();
    let label = label(&function);
    let sized = Sized { function, today, awaited };
    let (message, impact, tier) = match today {
        Some(value) => (
            format!(
                "{label} has {} MB of memory in every deployment, a number in the code: a smaller one for tests, or one that \
                 was measured, is a change of the program. The fix moves the number to the app's settings and keeps it; the \
                 template stays as it is.",
                value.text()
            ),
            if environment == Environment::None { Impact::Info } else { Impact::Low },
            Tier::Safe,
        ),
        None if awaited => (
            format!(
                "{label} says nothing of its memory and gets 128 MB, with the smallest share of a processor, while callers wait \
                 for it. The fix gives it 512 MB and lets the app's settings say another number; a second costs four times \
                 as much, and mostly there are fewer of them. Measure it."
            ),
            Impact::Medium,
            Tier::Review,
        ),
        None => (
            format!(
                "{label} says nothing of its memory and gets 128 MB, with the smallest share of a processor. Nobody here waits for \
                 it, so that may be right; the fix sets a number that you give."
            ),
            Impact::Info,
            Tier::Review,
        ),
    };
    let title = match today {
        Some(_) => format!("Move the memory of {label} to the app's settings"),
        None => format!("Give {label} memory by the app's settings"),
    };
    let half = half_elsewhere(&sized, &environment);
    let halved = sized.clone();
    let candidate = out.report(&META, model, place, message).impact(impact).tier(tier);
    candidate.fix(title, move |b| externalise(b, &sized, None));
    if let Some(half) = half {
        let title = format!("Keep the memory of {label} in production, and give it {half} MB elsewhere");
        candidate.alternative(title, Tier::Review, move |b| externalise(b, &halved, Some(&half)));
    }
    Some(())
}

/// Half of today's memory, for the environments that are not production; none where there is no less to give, or where
/// nothing tells them apart.
fn half_elsewhere(sized: &Sized<'_>, environment: &Environment<'_>) -> Option<String> {
    let today: u32 = sized.today?.text().parse().ok()?;
    let half = (today / 2).max(LEAST);
    (environment.known().is_some() && half < today).then(|| half.to_string())
}

/// Whether the memory is a number that this construct alone has, and nobody says it was measured; or is not given.
fn is_a_number_here<'a>(model: &Model<'a>, function: &Site<'a>) -> bool {
    let props = function.props(model);
    let entry = match props.get(model, PROP) {
        Prop::Present(entry) => entry,
        Prop::Absent => return true,
        Prop::Unknown => return false,
    };
    let Some(object) = entry.entry.parent().filter(|object| object.is("object")) else { return false };
    let measured = object.tokens().filter(|token| token.is("comment")).any(|comment| {
        let text = comment.text().to_lowercase();
        MEASURED.iter().any(|word| text.contains(word))
    });
    let inline = object.ancestors().any(|around| around == function.node);
    entry.value.is("number") && !measured && inline && props.object() == Some(object)
}

/// Moves the memory to the settings; `elsewhere` is what is not production gets, if not the same.
fn externalise<'a>(
    b: &mut Builder<'_, 'a>,
    sized: &Sized<'a>,
    elsewhere: Option<&str>,
) -> Result<(), Refusal> {
    let memory = match sized.today {
        Some(value) => value.text(),
        None => asked(b, sized.awaited)?,
    };
    let setting = Setting {
        name: "MemorySize",
        doc: "Memory of the function in MB, and with it CPU: measure before you change it.",
        number: memory,
        around: "memorySize: ,",
    };
    let Some(elsewhere) = elsewhere else {
        let value = from_settings(b, &sized.function, sized.today, &setting)?;
        return b.set_prop(&sized.function, PROP, &value);
    };
    if let Some(value) = from_config(b, &sized.function, sized.today, &setting, elsewhere)? {
        return b.set_prop(&sized.function, PROP, &value);
    }
    match b.environment(sized.today.unwrap_or(sized.function.node)) {
        Environment::Known(known) => {
            b.set_conditional(&sized.function, PROP, (&known.expression, memory, elsewhere))
        }
        _ => Err(no_fix("nothing here tells production from the rest", "take the first way")),
    }
}

fn asked<'v>(b: &Builder<'v, '_>, awaited: bool) -> Result<&'v str, Refusal> {
    let given = match b.value_if_given(MEMORY.key) {
        None if awaited => return Ok(USUAL),
        _ => b.value(&MEMORY)?,
    };
    let fits = given.parse().is_ok_and(|number: u32| (128..=10_240).contains(&number));
    fits.then_some(given)
        .ok_or_else(|| no_fix("lambda_memory_mb is no number from 128 to 10240", "give one such as 512"))
}
