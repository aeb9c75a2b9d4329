//! # 4.5 An API has the same limits in every environment
//!
//! ## What is wrong
//! The rates at which API Gateway begins to answer 429 are numbers that hold in every environment. A loop in a test, or a
//! scraper that finds the test system, may cause as many calls, and as high a bill behind the API, as production may.
//!
//! ## What the fix does
//! Production keeps its limits; other environments get a tenth. Where the environment is known through a typed
//! config object that one function of the app builds, the limits become fields of it; elsewhere the value depends on the
//! expression that the code already uses. Where nothing says which environment this is, the limits can be given
//! as context, and stay what they are where none is given.
//!
//! ## Before
//! ```ts
//! import * as cdk from 'aws-cdk-lib';
//! import * as apigateway from 'aws-cdk-lib/aws-apigateway';
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
//! export class ApiStack extends cdk.Stack {
//!   constructor(scope: Construct, id: string) {
//!     super(scope, id);
//!     const settings = settingsOf(this.node.tryGetContext('stage') ?? 'dev');
//!
//!     const api = new apigateway.RestApi(this, 'Api', {
//!       deployOptions: {
//!         throttlingRateLimit: 500,
//!         throttlingBurstLimit: 1000,
//!       },
//!     });
//!     api.root.addMethod('GET', new apigateway.MockIntegration());
//!     new cdk.CfnOutput(this, 'Stage', { value: settings.stage });
//!   }
//! }
//! ```
//!
//! ## After
//! ```ts
//! import * as cdk from 'aws-cdk-lib';
//! import * as apigateway from 'aws-cdk-lib/aws-apigateway';
//! import { Construct } from 'constructs';
//!
//! interface Settings {
//!   stage: string;
//!   region: string;
//!   apiThrottlingRateLimit: number;
//!   apiThrottlingBurstLimit: number;
//! }
//!
//! function settingsOf(stage: string): Settings {
//!   const isProduction = stage === 'prod';
//!   return {
//!     stage,
//!     region: 'eu-central-1',
//!     apiThrottlingRateLimit: isProduction ? 500 : 50,
//!     apiThrottlingBurstLimit: isProduction ? 1000 : 100,
//!   };
//! }
//!
//! export class ApiStack extends cdk.Stack {
//!   constructor(scope: Construct, id: string) {
//!     super(scope, id);
//!     const settings = settingsOf(this.node.tryGetContext('stage') ?? 'dev');
//!
//!     const api = new apigateway.RestApi(this, 'Api', {
//!       deployOptions: {
//!         throttlingRateLimit: settings.apiThrottlingRateLimit,
//!         throttlingBurstLimit: settings.apiThrottlingBurstLimit,
//!       },
//!     });
//!     api.root.addMethod('GET', new apigateway.MockIntegration());
//!     new cdk.CfnOutput(this, 'Stage', { value: settings.stage });
//!   }
//! }
//! ```
//!
//! ## When it stays silent
//! Where a limit is no number (it comes from a variable, depends on something already), is 0 (a switch) or 1; in code that
//! belongs to one environment. An API without any limit is another matter (1.3).
//!
//! ## When it refuses
//! Where nothing says which environment this is and the context cannot be read either, as in a plain function.
//!
//! ## What to know before deploying
//! Load tests in other environments start to see 429. API Gateway charges for calls, not for limits: this caps what a
//! mistake may cost and saves nothing by itself.
//!
//! ## Other checkers
//! None has a rule for this.

use crate::detect::{Findings, Match, Refusal};
use crate::edit::config::{Field, name_after};
use crate::edit::names::camel_name;
use crate::edit::{Builder, no_fix};
use crate::model::environment::Step;
use crate::model::meaning::{is_class, words};
use crate::model::props::key_of;
use crate::model::{Discriminator, Environment, Model};
use crate::rule::{Impact, Meta, Pillar, Rule, Tier};
use crate::syntax::Syn;

/// The rule.
pub const RULE: Rule = Rule { meta: &META, check };

const META: Meta = Meta {
    id: "4.5",
    also: &[],
    name: "api-throttling-in-every-environment",
    title: "An API has the same limits in every environment",
    pillar: Pillar::Cost,
    impact: Impact::Low,
    tier: Tier::Review,
    practice: "COST09-BP02",
    clears: &[],
    raises: &[],
    asks: &[],
    order: 450,
    source: include_str!("wa_4_5_api_throttling.rs"),
    query: include_str!("../../queries/cost/wa_4_5_api_throttling.scm"),
};

/// Properties that limit, with what to call them in a config object and what they are.
const LIMITS: [(&str, &str, &str); 4] = [
    ("throttlingRateLimit", "ThrottlingRateLimit", "Steady requests per second of the stage."),
    (
        "throttlingBurstLimit",
        "ThrottlingBurstLimit",
        "Requests the stage takes at once before it answers 429.",
    ),
    ("rateLimit", "RateLimit", "Steady requests per second."),
    ("burstLimit", "BurstLimit", "Requests taken at once before the answer is 429."),
];

const OWNERS: [&str; 6] = [
    "aws_apigateway.RestApiBase",
    "aws_apigateway.Stage",
    "aws_apigateway.UsagePlan",
    "aws_apigatewayv2.HttpStage",
    "aws_apigatewayv2.WebSocketStage",
    "aws_apigatewayv2_alpha.HttpStage",
];

/// A limit as it stands in the code.
#[derive(Clone, Copy)]
struct Limit<'a> {
    name: &'static str,
    long: &'static str,
    doc: &'static str,
    entry: Syn<'a>,
    today: u32,
}

impl Limit<'_> {
    /// A tenth, at least 1.
    fn elsewhere(&self) -> u32 {
        (self.today / 10).max(1)
    }
}

fn check<'a>(m: &Match<'_, 'a>, out: &mut Findings<'a>) -> Option<()> {
    let entry = m.node("limit")?;
    let object = entry.parent().filter(|object| object.is("object"))?;
    let limits: Vec<Limit<'a>> = object.children().filter_map(limit).collect();
    // One finding for both limits of an object.
    if limits.first()?.entry != entry {
        return None;
    }
    let label = owner(m.model, object)?;
    let environment = m.model.environment(object);
    if environment == Environment::Guarded {
        return None;
    }
    let list: Vec<String> = limits.iter().map(|limit| format!("{} {}", limit.name, limit.today)).collect();
    let what = match environment.known() {
        Some(known) if known.guessed => {
            "keeps them in production and sets a tenth elsewhere. Nothing in the app says what production is called; 'prod' is assumed."
        }
        Some(_) => "keeps them in production and sets a tenth elsewhere.",
        None => "reads them from the context and keeps them where the context says nothing.",
    };
    let message = format!(
        "{label} has the same limits in every environment ({}): a mistake in a test may cause as many calls as production \
         handles. The fix {what} Load tests elsewhere start to see 429.",
        list.join(", ")
    );
    let alone = environment == Environment::None && !is_built_twice(m.model, object);
    out.report(&META, m.model, entry, message)
        .impact(if alone { Impact::Info } else { Impact::Low })
        .fix(format!("Give {label} limits for each environment"), move |b| tier(b, object, &label, &limits));
    Some(())
}

fn limit(entry: Syn<'_>) -> Option<Limit<'_>> {
    let key = key_of(entry)?;
    let (name, long, doc) = LIMITS.iter().find(|(name, _, _)| *name == key)?;
    let value = entry.field("value").filter(|value| value.is("number"))?;
    let today: u32 = value.text().replace('_', "").parse().ok().filter(|today| *today > 1)?;
    Some(Limit { name, long, doc, entry, today })
}

/// The label of the API, stage or usage plan that an object of limits belongs to.
fn owner<'a>(model: &Model<'a>, object: Syn<'a>) -> Option<String> {
    for around in object.ancestors() {
        match around.kind() {
            "object"
            | "pair"
            | "arguments"
            | "as_expression"
            | "satisfies_expression"
            | "array"
            | "spread_element"
            | "parenthesized_expression"
            | "computed_property_name" => {}
            "new_expression" => return named(model, around),
            "call_expression" => {
                if let Some(label) = named(model, around) {
                    return Some(label);
                }
                let method = around.field("function")?.field("property")?.text();
                let id = around.field("arguments")?.first().filter(|id| id.is("string"));
                return matches!(method, "addUsagePlan" | "addStage" | "addApiStage").then(|| {
                    id.map_or_else(
                        || "The usage plan".to_owned(),
                        |id| id.text().trim_matches(['\'', '"']).to_owned(),
                    )
                });
            }
            _ => return None,
        }
    }
    None
}

fn named<'a>(model: &Model<'a>, node: Syn<'a>) -> Option<String> {
    let site = model.site_of(node)?;
    OWNERS.iter().any(|class| model.builds(&site, class)).then(|| site.label())
}

/// Whether the app builds the class around a node more than once: for several environments, as like as not.
fn is_built_twice<'a>(model: &Model<'a>, node: Syn<'a>) -> bool {
    node.ancestors()
        .find(|around| is_class(*around))
        .is_some_and(|class| model.instances(class).nth(1).is_some())
}

fn tier<'a>(
    b: &mut Builder<'_, 'a>,
    object: Syn<'a>,
    label: &str,
    limits: &[Limit<'a>],
) -> Result<(), Refusal> {
    let values: Vec<String> = match b.environment(object) {
        Environment::Known(known) => match in_config(b, &known, label, limits)? {
            Some(values) => values,
            None => inline(b, object, &known, limits),
        },
        _ if b.model.has_construct_this(object) => limits
            .iter()
            .map(|limit| {
                let key = context_key(b.model, label, limit);
                format!("Number(this.node.tryGetContext('{key}') ?? {})", limit.today)
            })
            .collect(),
        _ => {
            return Err(no_fix(
                "nothing here says which environment this is, and the context cannot be read",
                "pass the environment to this place as a parameter, then run again",
            ));
        }
    };
    let values: Vec<(&str, String)> = limits.iter().map(|limit| limit.name).zip(values).collect();
    b.set_entries(object, &values);
    Ok(())
}

/// The key of a limit in the context: that of one of several APIs has its name.
fn context_key<'a>(model: &Model<'a>, label: &str, limit: &Limit<'a>) -> String {
    let mut limited = model.cdk_files().flat_map(|file| {
        let root = Syn::root(file);
        words(root, limit.name).filter_map(move |at| root.at(at)?.parent())
    });
    let is_one = |entry: &Syn<'a>| {
        entry.is("pair") && entry.parent().is_some_and(|object| owner(model, object).is_some())
    };
    let several = limited.by_ref().filter(is_one).nth(1).is_some();
    camel_name(label)
        .filter(|_| several)
        .map_or_else(|| format!("api{}", limit.long), |name| format!("{name}{}", limit.long))
}

/// Fields of the config object through which the environment is known.
fn in_config<'a>(
    b: &mut Builder<'_, 'a>,
    known: &Discriminator<'a>,
    label: &str,
    limits: &[Limit<'a>],
) -> Result<Option<Vec<String>>, Refusal> {
    let texts: Vec<[String; 4]> = limits
        .iter()
        .map(|limit| {
            let numbers = [limit.today.to_string(), limit.elsewhere().to_string()];
            let [today, elsewhere] = numbers;
            let (general, own) = (format!("api{}", limit.long), name_after(label, limit.long));
            // A stage is the API's; a usage plan is one of several.
            let (first, second) = if limit.long.starts_with('T') { (general, own) } else { (own, general) };
            [first, second, today, elsewhere]
        })
        .collect();
    let names: Vec<[&str; 2]> =
        texts.iter().map(|[first, second, _, _]| [first.as_str(), second.as_str()]).collect();
    let fields: Vec<Field<'_>> = limits
        .iter()
        .zip(&texts)
        .zip(&names)
        .map(|((limit, [_, _, production, other]), names)| Field {
            names,
            ty: "number",
            optional: false,
            doc: limit.doc,
            production,
            other,
        })
        .collect();
    b.config_fields(known, &fields)
}

/// `isProd ? 500 : 50`; the comparison gets a name where it is needed twice.
fn inline<'a>(
    b: &mut Builder<'_, 'a>,
    object: Syn<'a>,
    known: &Discriminator<'a>,
    limits: &[Limit<'a>],
) -> Vec<String> {
    let in_super = object
        .ancestors()
        .any(|around| around.field("function").is_some_and(|function| function.is("super")));
    let condition = match b.statement(object) {
        Ok(statement) if limits.len() > 1 && known.step != Step::Boolean && !in_super => {
            let name = b.fresh_name(object.file, &["isProd", "isProduction"]);
            b.insert_before(statement, &format!("const {name} = {};", known.expression));
            name
        }
        _ => known.expression.clone(),
    };
    limits
        .iter()
        .map(|limit| {
            let (today, elsewhere) = (limit.today.to_string(), limit.elsewhere().to_string());
            b.conditional(limit.entry, limit.name, (&condition, &today, &elsewhere))
        })
        .collect()
}
