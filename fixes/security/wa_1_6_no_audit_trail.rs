//! # 1.6 No audit trail
//!
//! ## What is wrong
//! Nothing in the app records who called which API of the account: who used a key, changed a role, replaced the code of a
//! function. CloudTrail's own event history ends after 90 days and cannot be kept safe from the account's own users.
//!
//! ## What the fix does
//! It adds a construct `AuditTrail` in a file of its own, beside the app's other constructs: a trail of all regions with
//! validated log files, encrypted with a key of its own, kept for a year in a bucket and for three months in a log group. The stack builds it in
//! production only, because one trail serves the whole account, and a region takes five. Where a stack of each branch or customer is
//! production to itself, the review offers a gate by context instead, and `audit_trail_context_key=enableCloudTrail` takes it without one: the trail is
//! built where the app is deployed with `--context enableCloudTrail=true`.
//!
//! ## Before
//! ```ts
//! import * as cdk from 'aws-cdk-lib';
//! import * as sqs from 'aws-cdk-lib/aws-sqs';
//! import { Construct } from 'constructs';
//!
//! interface JobStackProps extends cdk.StackProps {
//!   environmentSuffix: string;
//! }
//!
//! class JobStack extends cdk.Stack {
//!   constructor(scope: Construct, id: string, props: JobStackProps) {
//!     super(scope, id, props);
//!
//!     const { environmentSuffix } = props;
//!     const queue = new sqs.Queue(this, 'Jobs', {
//!       queueName: `jobs-${environmentSuffix}`,
//!       enforceSSL: true,
//!     });
//!
//!     new cdk.CfnOutput(this, 'QueueUrl', { value: queue.queueUrl });
//!   }
//! }
//!
//! const app = new cdk.App();
//! new JobStack(app, 'Jobs', { environmentSuffix: app.node.tryGetContext('env') ?? 'dev' });
//! ```
//!
//! ## After
//! ```ts
//! import * as cdk from 'aws-cdk-lib';
//! import * as sqs from 'aws-cdk-lib/aws-sqs';
//! import { Construct } from 'constructs';
//! import { AuditTrail } from './audit-trail';
//!
//! interface JobStackProps extends cdk.StackProps {
//!   environmentSuffix: string;
//! }
//!
//! class JobStack extends cdk.Stack {
//!   constructor(scope: Construct, id: string, props: JobStackProps) {
//!     super(scope, id, props);
//!
//!     const { environmentSuffix } = props;
//!     const queue = new sqs.Queue(this, 'Jobs', {
//!       queueName: `jobs-${environmentSuffix}`,
//!       enforceSSL: true,
//!     });
//!
//!     // One trail serves the whole account, so only production builds it
//!     if (environmentSuffix === 'prod') {
//!       new AuditTrail(this, 'AuditTrail');
//!     }
//!
//!     new cdk.CfnOutput(this, 'QueueUrl', { value: queue.queueUrl });
//!   }
//! }
//!
//! const app = new cdk.App();
//! new JobStack(app, 'Jobs', { environmentSuffix: app.node.tryGetContext('env') ?? 'dev' });
//! ```
//!
//! ## When it stays silent
//! Where the app builds a trail or an event data store; where it speaks of a trail of the organization, a landing zone or Control Tower;
//! in libraries, which start no app; in an app without stacks of its own. Where nothing says which environment is production, the
//! finding is only counted (`info`): samples and tools do not own the account.
//!
//! ## When it refuses
//! For CDK v1 and JavaScript; where there are several stacks and `audit_trail_stack` does not name one; where the
//! stack is built more than once and nothing tells production apart.
//!
//! ## What to know before deploying
//! If the account has a trail already, from another stack or from the organization, a second one records the same again and is billed:
//! ignore the finding then, with that reason. The bucket stays when the stack is deleted.
//!
//! The bucket of the trail is state: an app that held none is then asked for a disaster-recovery plan (5.6).
//!
//! ## Other checkers
//! The trail passes `CloudTrailEncryptionEnabled`, `CloudTrailCloudWatchLogsEnabled` and `CloudTrailLogFileValidationEnabled` of cdk-nag's
//! HIPAA, NIST and PCI packs. `AwsSolutions-S1` reports the log bucket, which has no access logs of its own; `AwsSolutions-IAM5` may report CDK's
//! grant on the log group.
//! Checkov finds the log bucket without access logs (`CKV_AWS_18`) and the log group without a key of its own (`CKV_AWS_158`).

use crate::detect::{Findings, Match, Refusal};
use crate::edit::carry::last_statement;
use crate::edit::{Builder, no_fix};
use crate::model::meaning::words;
use crate::model::{App, Environment, Site};
use crate::rule::{AnswerType, Impact, Meta, Pillar, Question, Rule, Tier};
use crate::syntax::Syn;

/// The rule.
pub const RULE: Rule = Rule { meta: &META, check };

const META: Meta = Meta {
    id: "1.6",
    also: &[],
    name: "no-audit-trail",
    title: "No audit trail",
    pillar: Pillar::Security,
    impact: Impact::Medium,
    tier: Tier::Scaffold,
    practice: "SEC04-BP01",
    clears: &[],
    raises: &["5.6"],
    asks: &[STACK],
    order: 160,
    source: include_str!("wa_1_6_no_audit_trail.rs"),
    query: include_str!("../../queries/security/wa_1_6_no_audit_trail.scm"),
};

const STACK: Question = Question {
    key: "audit_trail_stack",
    ask: "Which class of stack shall build the account's audit trail?",
    kind: AnswerType::Text,
    example: "SecurityStack",
};

/// The construct's source.
const CONSTRUCT: &str = include_str!("audit_trail.ts");

/// Words, lower-case, of an app whose account has a trail from elsewhere.
const ELSEWHERE: [&str; 7] = [
    "organization trail",
    "organisation trail",
    "organizational trail",
    "org trail",
    "control tower",
    "controltower",
    "landing zone",
];

fn check<'a>(m: &Match<'_, 'a>, out: &mut Findings<'a>) -> Option<()> {
    let model = m.model;
    let app = m.site("app")?;
    let stacks = model.stack_classes();
    if !model.starts_app(&app) || has_trail_elsewhere(model.app) || stacks.is_empty() {
        return None;
    }
    let known = stacks
        .iter()
        .filter_map(|class| last_statement(*class))
        .any(|at| model.environment(at).known().is_some());
    let place =
        if known { "in production only: they are billed" } else { "once for the account: they are billed" };
    let finding = out.report(&META, model, app.node, told(place));
    finding.impact(if known { Impact::Medium } else { Impact::Info });
    let title = "Record the account's API calls with an AuditTrail";
    let others = stacks.clone();
    finding.alternative(
        format!("{title}, where the context asks for it ({KEY}=true)"),
        Tier::Scaffold,
        move |b| add_trail(b, &others, Some(KEY)),
    );
    finding.fix(title, move |b| {
        let key = b.value_if_given("audit_trail_context_key");
        add_trail(b, &stacks, key)
    });
    Some(())
}

/// The message, with where the trail is built and why there only.
fn told(place: &str) -> String {
    format!(
        "Nothing in this app records who called which API of the account; after an incident there is little to read. The fix adds a trail \
         with its own key and a bucket that outlives the stack, {place}. If the account has a trail from elsewhere, ignore this with that \
         reason."
    )
}

/// The context key of the trail, where none is named.
const KEY: &str = "enableCloudTrail";

/// True where the context asks for the trail: `cdk deploy --context enableCloudTrail=true`, or `true` in cdk.json.
fn asked_by(b: &mut Builder<'_, '_>, key: &str) -> Result<String, Refusal> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':' | '.' | '/' | '@');
    if key.is_empty() || !key.chars().all(plain) {
        return Err(no_fix(
            &format!("audit_trail_context_key is {key}, which is no key"),
            "give one such as enableCloudTrail",
        ));
    }
    b.tell(told(&format!(
        "where it is deployed with `--context {key}=true`: once for an account, for they are billed"
    )));
    Ok(format!("String(this.node.tryGetContext('{key}')) === 'true'"))
}

fn has_trail_elsewhere(app: &App) -> bool {
    let says = |text: &str| {
        let lower = text.to_lowercase();
        ELSEWHERE.iter().any(|words| lower.contains(words))
    };
    app.cdk_json.as_ref().is_some_and(|json| says(&json.to_string()))
        || app
            .files
            .iter()
            .filter(|file| file.speaks_cdk())
            .any(|file| file.text().is_ok_and(|text| says(text)))
}

/// Builds the trail in production, else where a key of the context asks for it.
fn add_trail<'a>(b: &mut Builder<'_, 'a>, stacks: &[Syn<'a>], key: Option<&str>) -> Result<(), Refusal> {
    let class = chosen(b, stacks)?;
    let file = class.file;
    let new = b.construct_file(class, "audit-trail")?;
    let at = last_statement(class).ok_or_else(|| {
        no_fix(
            "the stack has no constructor to build the trail in",
            "write one that calls super(…), then run again",
        )
    })?;
    let gate = match key {
        Some(key) => Some((asked_by(b, key)?, "built where the context asks for it")),
        None => gate(b, class, at)?.map(|known| (known, "so only production builds it")),
    };
    if words(Syn::root(file), "AuditTrail").next().is_some() {
        return Err(no_fix(
            "the name AuditTrail is taken in the stack's file",
            "rename that, then run again",
        ));
    }
    let id = b.fresh_id(at, &["AuditTrail"]);
    let build = format!("new AuditTrail(this, '{id}');");
    let code = match gate {
        Some((gate, why)) => {
            format!("// One trail serves the whole account, {why}\nif ({gate}) {{\n  {build}\n}}")
        }
        None => format!("// One trail serves the whole account\n{build}"),
    };
    b.insert_after(at, &code);
    b.import_local(file, &new.specifier, "AuditTrail");
    let text = b.style(file).adapt(CONSTRUCT, "").replace("\r\n", "\n");
    b.create(new.path, &text);
    Ok(())
}

/// The one stack, or that which is named.
fn chosen<'a>(b: &Builder<'_, 'a>, stacks: &[Syn<'a>]) -> Result<Syn<'a>, Refusal> {
    if let [one] = stacks {
        return Ok(*one);
    }
    let name = b.value(&STACK)?;
    let named = |class: &&Syn<'a>| class.field("name").is_some_and(|own| own.text() == name);
    stacks.iter().find(named).copied().ok_or_else(|| {
        no_fix(
            &format!("the app builds no stack of the class {name}"),
            "set audit_trail_stack to one that it builds",
        )
    })
}

/// What is true where the trail shall be; `None` for a stack that is built once and knows no environments.
fn gate<'a>(b: &Builder<'_, 'a>, class: Syn<'a>, at: Syn<'a>) -> Result<Option<String>, Refusal> {
    let instances: Vec<_> = b.model.instances(class).collect();
    let repeated = |site: &Site<'a>| {
        site.node.ancestors().any(|around| {
            matches!(
                around.kind(),
                "for_statement" | "for_in_statement" | "while_statement" | "arrow_function"
            )
        })
    };
    let once = instances.len() == 1 && !instances.iter().any(repeated);
    if once && b.environment(at) == Environment::None {
        return Ok(None);
    }
    b.production(at).map(|known| Some(known.expression))
}
