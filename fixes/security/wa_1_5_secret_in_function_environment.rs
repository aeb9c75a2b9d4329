//! # 1.5 A function's environment holds a secret
//!
//! ## What is wrong
//! Environment variables of a function are part of its configuration: everyone who may call `lambda:GetFunction` reads them in the console, and
//! values that are known at synthesis stand in the template, in its bucket and in the history of the stack as well. Encryption with a key of one's own does
//! not change that: whoever may look at the function may look at the value. A secret that is rotated stays the old one until the next deployment.
//!
//! ## What the fix does
//! The variable holds the ARN of a secret of Secrets Manager, and the function may read it: the secret that the app unwraps where it does
//! (`db.secret!.secretValue.unsafeUnwrap()`), else a new one, encrypted with the key that is there. Several values of one secret become
//! one variable. A function that looks for its secrets under a path of Parameter Store gets the ARNs of those that 1.4 has made out of its parameters.
//!
//! The review offers a second way, which attaches AWS's extension for parameters and secrets as well: code in any language gets the value by a request to
//! `localhost:2773`, without an SDK, and the extension keeps it for five minutes.
//!
//! ## Before
//! ```ts
//! import * as cdk from 'aws-cdk-lib';
//! import * as lambda from 'aws-cdk-lib/aws-lambda';
//! import { Construct } from 'constructs';
//!
//! export class PaymentStack extends cdk.Stack {
//!   constructor(scope: Construct, id: string) {
//!     super(scope, id);
//!
//!     new lambda.Function(this, 'Charge', {
//!       runtime: lambda.Runtime.NODEJS_18_X,
//!       handler: 'index.handler',
//!       code: lambda.Code.fromAsset('charge'),
//!       environment: {
//!         LOG_LEVEL: 'info',
//!         STRIPE_API_KEY: process.env.STRIPE_API_KEY!,
//!       },
//!     });
//!   }
//! }
//! ```
//!
//! ## After
//! ```ts
//! import * as cdk from 'aws-cdk-lib';
//! import * as lambda from 'aws-cdk-lib/aws-lambda';
//! import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
//! import { Construct } from 'constructs';
//!
//! export class PaymentStack extends cdk.Stack {
//!   constructor(scope: Construct, id: string) {
//!     super(scope, id);
//!
//!     const stripeApiKeySecret = new secretsmanager.Secret(this, 'StripeApiKeySecret', {
//!       description: 'STRIPE_API_KEY of Charge',
//!     });
//!
//!     const chargeFunction = new lambda.Function(this, 'Charge', {
//!       runtime: lambda.Runtime.NODEJS_18_X,
//!       handler: 'index.handler',
//!       code: lambda.Code.fromAsset('charge'),
//!       environment: {
//!         LOG_LEVEL: 'info',
//!         STRIPE_API_KEY_SECRET_ARN: stripeApiKeySecret.secretArn,
//!       },
//!     });
//!     stripeApiKeySecret.grantRead(chargeFunction);
//!   }
//! }
//! ```
//!
//! ## When it stays silent
//! For variables that name or locate (`…_ARN`, `…_NAME`, `…_ID`, `…_URL`, `…_PREFIX`); for values that resources tell of themselves, and those that cannot
//! be followed; for switches, numbers and addresses; for functions that serve custom resources or run at the edge. A function that holds no secret and whose app
//! has none is not reported at all.
//!
//! ## When it refuses
//! Where code in reach reads the variable: it would find nothing, so that code has to change first. Where a secret is part of a longer text (a connection
//! string); where the value comes from a parameter of SSM that is kept outside; where several functions share one environment object; where the secret itself is not within
//! reach of the function. Parameters that are no secrets yet are 1.4's.
//!
//! ## What to know before deploying
//! Code that is kept elsewhere has to read the new variable and fetch the value. A new secret starts with a random value until somebody runs
//! `aws secretsmanager put-secret-value`; a value that was written in the code is in git and in old templates, and has to be replaced. A changed environment publishes a new version:
//! where a pipeline moves an alias outside CloudFormation, deploying points it back to the code of this repository. A function in a VPC needs a way
//! to Secrets Manager. Each secret has a monthly price.
//!
//! ## Other checkers
//! No checker covers it. cdk-nag `AwsSolutions-SMG4` asks for rotation of a new secret, which needs a function that knows the other side. Where a key is used, its grants
//! may count for `AwsSolutions-IAM5`.
//! Checkov `CKV_AWS_149` asks for a key of one's own, which the new secret does not have.

use super::handed_over::hand_over;
use super::leak::{Leak, leak};
use super::named;
use super::secret_source::{drop_constant, secret_for, variable};
use super::sensitive::is_placeholder;
use crate::detect::{Findings, Match, Refusal};
use crate::edit::{Builder, no_fix};
use crate::model::meaning::{has_word, words as places};
use crate::model::props::key_of;
use crate::model::{Model, Prop, Site};
use crate::rule::{Impact, Meta, Pillar, Rule, Tier};
use crate::syntax::{Parsed, Syn};

/// The rule.
pub const RULE: Rule = Rule { meta: &META, check };

pub(super) const META: Meta = Meta {
    id: "1.5",
    also: &[],
    name: "secret-in-function-environment",
    title: "A function's environment holds a secret",
    pillar: Pillar::Security,
    impact: Impact::Medium,
    tier: Tier::Scaffold,
    practice: "SEC02-BP03",
    clears: &[],
    raises: &[],
    asks: &[],
    // After 1.4, whose secrets it hands over.
    order: 150,
    source: include_str!("wa_1_5_secret_in_function_environment.rs"),
    query: include_str!("../../queries/security/wa_1_5_secret_in_function_environment.scm"),
};

/// A variable that holds a secret.
#[derive(Debug, Clone, Copy)]
pub(super) struct Held<'a> {
    /// The `pair` of the environment, or the call that adds the variable.
    pub node: Syn<'a>,
    /// The variable.
    pub key: &'a str,
    /// What it holds.
    pub value: Syn<'a>,
    /// How the secret comes into it.
    pub leak: Leak<'a>,
}

fn check<'a>(m: &Match<'_, 'a>, out: &mut Findings<'a>) -> Option<()> {
    let model = m.model;
    if let Some(call) = m.node("call") {
        return check_call(model, call, out);
    }
    let function = m.site("function")?;
    let edge = model.runs_at_edge(&function);
    if edge || model.serves_custom_resource(&function) {
        return None;
    }
    let environment = function.props(model).get(model, "environment").present()?;
    let object = model.props_of(environment.value).object()?;
    let held: Vec<Held<'a>> = object.children().filter_map(|entry| held(model, entry)).collect();
    if held.is_empty() {
        return hand_over(model, function, object, environment.entry, out);
    }
    let label = function.label();
    let finding = out.report(&META, model, environment.entry, message(&label, &held));
    finding.impact(impact(&held));
    let pass_arns = move |b: &mut Builder<'_, 'a>, function: &Site<'a>| {
        if is_shared(b.model, environment.value, object) {
            return Err(no_fix(
                "other functions share its environment",
                "give each function the variables that it needs, then run again",
            ));
        }
        convert(b, function, object, &held)
    };
    if takes_extension(model, &function) {
        let (function, pass_arns) = (function.clone(), pass_arns.clone());
        finding.alternative(
            format!("Give {label} the ARNs of its secrets, and AWS's extension that fetches them"),
            Tier::Scaffold,
            move |b| {
                pass_arns(b, &function)?;
                attach_extension(b, &function)
            },
        );
    }
    finding.fix(format!("Give {label} the ARNs of its secrets instead of their values"), move |b| {
        pass_arns(b, &function)
    });
    Some(())
}

/// Whether the extension for parameters and secrets can be attached to a function: it is a layer, which images do not take.
fn takes_extension<'a>(model: &Model<'a>, function: &Site<'a>) -> bool {
    const PROP: &str = "paramsAndSecrets";
    model.has_prop("aws_lambda.Function", PROP)
        && !model.builds(function, "aws_lambda.DockerImageFunction")
        && function.props(model).get(model, PROP) == Prop::Absent
}

fn attach_extension<'a>(b: &mut Builder<'_, 'a>, function: &Site<'a>) -> Result<(), Refusal> {
    let layer = b.cdk(function.node, "aws_lambda.ParamsAndSecretsLayerVersion")?;
    let version = b.cdk(function.node, "aws_lambda.ParamsAndSecretsVersions")?;
    let value = format!("{layer}.fromVersion(\n  {version}.V1_0_103\n)");
    b.set_prop(function, "paramsAndSecrets", &value)
}

fn held<'a>(model: &Model<'a>, entry: Syn<'a>) -> Option<Held<'a>> {
    let key = key_of(entry)?;
    let value = entry.field("value").unwrap_or(entry);
    leak(model, key, value).map(|leak| Held { node: entry, key, value, leak })
}

/// `fn.addEnvironment('API_KEY', …)`.
fn check_call<'a>(model: &Model<'a>, call: Syn<'a>, out: &mut Findings<'a>) -> Option<()> {
    let arguments: Vec<_> = call.field("arguments")?.children().collect();
    let [key, value, ..] = arguments.as_slice() else { return None };
    let (key, value) = (*key, *value);
    let receiver = call.field("function")?.field("object")?;
    let function = model.origin(receiver).filter(|site| model.builds(site, "aws_lambda.Function"))?;
    let name = Some(key).filter(|key| key.is("string"))?.text().trim_matches(['\'', '"']);
    let held = Held { node: call, key: name, value, leak: leak(model, name, value)? };
    let label = function.label();
    let finding = out.report(&META, model, call, message(&label, &[held]));
    finding.impact(impact(&[held])).key(name);
    finding.fix(format!("Give {label} the ARN of its secret instead of its value"), move |b| {
        unread(b.model, &function, &held)?;
        let statement = b.statement(call)?;
        let secret = secret_for(b, &function, statement, &held)?;
        b.replace(key, &format!("'{}'", variable(&[name])));
        b.replace(value, &secret.arn());
        drop_constant(b, value);
        if let Some(code) = secret.code {
            b.insert_before(statement, &code);
        }
        if !secret.granted {
            b.insert_below(statement, &format!("{}.grantRead({});", secret.receiver, receiver.text()));
        }
        Ok(())
    });
    Some(())
}

fn message(label: &str, held: &[Held<'_>]) -> String {
    let keys: Vec<&str> = held.iter().map(|held| held.key).collect();
    let (list, one) = match keys.as_slice() {
        [one] => ((*one).to_owned(), true),
        [rest @ .., last] => (format!("{} and {last}", rest.join(", ")), false),
        [] => (String::new(), true),
    };
    let (holds, them) = if one { ("holds a secret", "it") } else { ("hold secrets", "them") };
    let written = held.iter().any(|held| matches!(held.leak, Leak::Text(_)));
    let last = if written {
        " What was written here stays in git and in old templates: replace it where it is valid."
    } else {
        ""
    };
    format!(
        "{list} of {label} {holds}: whoever may look at the function's configuration or at the template reads {them}. The fix passes the \
         ARN of a secret of Secrets Manager instead, which the function may read; its code has to fetch the value.{last}"
    )
}

fn impact(held: &[Held<'_>]) -> Impact {
    let text = |held: &Held<'_>| match held.leak {
        Leak::Text(text) => Some(is_placeholder(text.text())),
        _ => None,
    };
    match () {
        () if held.iter().any(|held| text(held) == Some(false)) => Impact::High,
        () if held.iter().all(|held| text(held) == Some(true)) => Impact::Low,
        () => Impact::Medium,
    }
}

/// Whether an environment serves more than one function.
fn is_shared<'a>(model: &Model<'a>, value: Syn<'a>, object: Syn<'a>) -> bool {
    let named = !value.is("object")
        && (!matches!(value.kind(), "identifier" | "shorthand_property_identifier")
            || !std::ptr::eq(value.file, object.file)
            || places(Syn::root(value.file), value.text()).count() > 2);
    let of = |site: &Site<'a>| {
        let value = site.props(model).get(model, "environment").value();
        value.and_then(|value| model.props_of(value).object())
    };
    named
        || model
            .all_sites()
            .filter(|site| site.class.is_a("aws_lambda.Function"))
            .filter(|site| of(site) == Some(object))
            .count()
            > 1
}

fn convert<'a>(
    b: &mut Builder<'_, 'a>,
    function: &Site<'a>,
    object: Syn<'a>,
    held: &[Held<'a>],
) -> Result<(), Refusal> {
    for held in held {
        unread(b.model, function, held)?;
    }
    let before = b.statement(object)?;
    let statement = b.statement(function.node)?;
    let mut code: Vec<String> = Vec::new();
    let mut grants: Vec<String> = Vec::new();
    let mut done: Vec<&str> = Vec::new();
    for one in held {
        let same: Vec<&str> = match one.leak {
            Leak::Unwrapped(secret, _) if done.contains(&secret.text()) => {
                b.remove_entry(one.node);
                continue;
            }
            Leak::Unwrapped(secret, _) => {
                done.push(secret.text());
                let same = |other: &&Held<'a>| matches!(other.leak, Leak::Unwrapped(other, _) if other.text() == secret.text());
                held.iter().filter(same).map(|held| held.key).collect()
            }
            _ => vec![one.key],
        };
        let secret = secret_for(b, function, before, one)?;
        let taken = |name: &str| object.children().any(|entry| key_of(entry) == Some(name));
        let name = Some(variable(&same)).filter(|name| !taken(name)).unwrap_or_else(|| variable(&[one.key]));
        match one.node.field("key") {
            Some(key) => {
                b.replace(key, &if key.is("string") { format!("'{name}'") } else { name });
                b.replace(one.value, &secret.arn());
            }
            None => b.replace(one.node, &format!("{name}: {}", secret.arn())),
        }
        drop_constant(b, one.value);
        code.extend(secret.code);
        if !secret.granted {
            grants.push(secret.receiver);
        }
    }
    if !code.is_empty() {
        b.insert_before(before, &code.join("\n"));
    }
    grant(b, function, statement, &grants)
}

/// Lets a function read secrets, right below its statement.
///
/// # Errors
/// A [`Refusal`] where the function is built inside another expression.
pub(super) fn grant<'a>(
    b: &mut Builder<'_, 'a>,
    function: &Site<'a>,
    statement: Syn<'a>,
    secrets: &[String],
) -> Result<(), Refusal> {
    if secrets.is_empty() {
        return Ok(());
    }
    let name = named(b, function, statement, "function").ok_or_else(|| {
        no_fix(
            "the function is built inside another expression",
            "give it a constant of its own, then run again",
        )
    })?;
    let lines: Vec<String> = secrets.iter().map(|secret| format!("{secret}.grantRead({name});")).collect();
    b.insert_below(statement, &lines.join("\n"));
    Ok(())
}

/// Refuses where code in reach reads the variable: it would find nothing.
fn unread<'a>(model: &Model<'a>, function: &Site<'a>, held: &Held<'a>) -> Result<(), Refusal> {
    let inline = function.props(model).get(model, "code").value();
    let own: &Parsed = model.source(held.value).file;
    let script = model.app.files.iter().find(|file| {
        let reads = |text: &str| text.contains(".env") && has_word(text, held.key);
        file.candidate.language.is_script()
            && !file.speaks_cdk()
            && file.text().is_ok_and(|text| reads(text))
            && file.parsed().is_none_or(|parsed| !std::ptr::eq(parsed, own))
    });
    let reader = if inline.is_some_and(|code| has_word(code.text(), held.key)) {
        Some("its inline code".to_owned())
    } else {
        script.map(|file| file.candidate.path.clone()).or_else(|| model.app.foreign_source_with(held.key))
    };
    let Some(reader) = reader else { return Ok(()) };
    let name = variable(&[held.key]);
    Err(no_fix(
        &format!("{reader} reads {}, and would find nothing there", held.key),
        &format!(
            "let it fetch the secret that {name} names with GetSecretValue (in Node.js, SecretsManagerClient of \
             @aws-sdk/client-secrets-manager), and keep the value for some minutes; then run again"
        ),
    ))
}
