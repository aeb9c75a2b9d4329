//! # 2.2 Nothing calls the API from outside to see whether it answers
//!
//! ## What is wrong
//! The alarms on an API count what arrives. When nothing arrives because a route, a permission or a deployment is broken, they
//! stay green while no client is served.
//!
//! ## What the fix does
//! It adds a CloudWatch Synthetics canary that calls the health check of the API every five minutes, and an alarm that goes off
//! when two calls in a row fail; the alarm tells the topic that the others of the file tell. Where callers sign their requests
//! (IAM), the canary signs its own, and its role may call that one path. The same for function URLs that ask nobody, for load balancers of the
//! internet that answer HTTP (by the path that their target groups ask for), and for a distribution that is all that clients see. A canary rather than a Route 53 health check: that
//! check's metrics exist in us-east-1 only, so an alarm elsewhere would never go off.
//!
//! ## Before
//! ```ts
//! import * as cdk from 'aws-cdk-lib';
//! import * as apigateway from 'aws-cdk-lib/aws-apigateway';
//! import { Construct } from 'constructs';
//!
//! export class WebStack extends cdk.Stack {
//!   constructor(scope: Construct, id: string) {
//!     super(scope, id);
//!
//!     const api = new apigateway.RestApi(this, 'Api');
//!     const health = api.root.addResource('health');
//!     health.addMethod('GET', new apigateway.MockIntegration());
//!   }
//! }
//! ```
//!
//! ## After
//! ```ts
//! import * as cdk from 'aws-cdk-lib';
//! import * as apigateway from 'aws-cdk-lib/aws-apigateway';
//! import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
//! import * as synthetics from 'aws-cdk-lib/aws-synthetics';
//! import { Construct } from 'constructs';
//!
//! export class WebStack extends cdk.Stack {
//!   constructor(scope: Construct, id: string) {
//!     super(scope, id);
//!
//!     const api = new apigateway.RestApi(this, 'Api');
//!
//!     // Calls the API as its clients do
//!     const healthCanary = new synthetics.Canary(this, 'ApiHealthCanary', {
//!       runtime: new synthetics.Runtime(
//!         'syn-nodejs-puppeteer-13.0',
//!         synthetics.RuntimeFamily.NODEJS
//!       ),
//!       test: synthetics.Test.custom({
//!         handler: 'index.handler',
//!         code: synthetics.Code.fromInline(
//!           [
//!             "const https = require('https');",
//!             'exports.handler = () => new Promise((resolve, reject) => {',
//!             '  const request = https.get(process.env.HEALTH_URL, { timeout: 10000 }, (response) => {',
//!             '    response.resume();',
//!             '    if (response.statusCode === 200) resolve();',
//!             "    else reject(new Error('status ' + response.statusCode));",
//!             '  });',
//!             "  request.on('timeout', () => request.destroy(new Error('no answer in 10 s')));",
//!             "  request.on('error', reject);",
//!             '});',
//!           ].join('\n')
//!         ),
//!       }),
//!       schedule: synthetics.Schedule.rate(cdk.Duration.minutes(5)),
//!       environmentVariables: { HEALTH_URL: `${api.url}health` },
//!       artifactsBucketLifecycleRules: [{ expiration: cdk.Duration.days(30) }],
//!     });
//!
//!     new cloudwatch.Alarm(this, 'ApiHealthCanaryAlarm', {
//!       alarmDescription: 'The API does not answer at /health',
//!       metric: healthCanary.metricSuccessPercent({
//!         period: cdk.Duration.minutes(5),
//!       }),
//!       threshold: 100,
//!       evaluationPeriods: 2,
//!       comparisonOperator: cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
//!       treatMissingData: cloudwatch.TreatMissingData.BREACHING,
//!     });
//!
//!     const health = api.root.addResource('health');
//!     health.addMethod('GET', new apigateway.MockIntegration());
//!   }
//! }
//! ```
//!
//! ## When it stays silent
//! Where a canary or a health check of the app calls the API, or an address that cannot be followed; where a scheduled workflow of the
//! repository does; for APIs that the internet does not reach, that make no stage, or whose own address is switched off; for function URLs that ask for a
//! signature, internal and network load balancers, and distributions in front of what is looked at itself.
//!
//! ## When it refuses
//! Where callers of the health check need a key or a token, which a canary has not; for an API built inside another expression; for a load balancer
//! with a certificate or an unusual port, which answers to a name of its own; where no route of the API answers a GET of `health_path`; below aws-cdk-lib
//! 2.99, which has no canaries. Where no health check is known (a route named `health`, `healthz`, `ping` or `ready`, in the
//! app or in the function's code), it waits for the value `health_path`. The path by which a load balancer sees whether its targets are well
//! needs no answer, and none changes it.
//!
//! ## What to know before deploying
//! AWS bills for each run, in every environment that is deployed. The alarm goes off at once where the path does not answer 200.
//! AWS retires the runtimes of canaries from time to time and takes no new canary on a retired one: the name stands in one place.
//! Where the topic is encrypted by a key that the app does not build, see that CloudWatch may use it. Where no other alarm of
//! the file has a topic, the new one tells nobody until you give it one; 5.8 reminds you.
//!
//! ## Other checkers
//! No checker asks for it. The canary's bucket and role, which CDK makes, bring cdk-nag `AwsSolutions-S1`, `AwsSolutions-IAM5` and
//! `Serverless-LambdaStarPermissions`.
//! Checkov reports the canary's bucket: `CKV_AWS_18`, `CKV_AWS_21`, and `CKV_AWS_53` to `CKV_AWS_56`
//! (`CKV_AWS_53`, `CKV_AWS_54`, `CKV_AWS_55`, `CKV_AWS_56`): S3 blocks public access to new buckets by itself, and the template does not say so.

use super::canary::{Access, Probe, canary_code};
use super::endpoint::{Endpoint, Kind, is_endpoint};
use super::health_route::{Route, access};
use crate::detect::{Findings, Match, Refusal};
use crate::edit::{Builder, no_fix};
use crate::fixes::api::is_interface;
use crate::fixes::routes::{Methods, http_may_answer};
use crate::model::{Model, Site};
use crate::rule::{AnswerType, Impact, Meta, Pillar, Question, Rule, Tier};
use crate::source::Language;
use crate::syntax::Syn;

/// The rule.
pub const RULE: Rule = Rule { meta: &META, check };

const HEALTH_PATH: Question = Question {
    key: "health_path",
    ask: "Which path of the API answers 200 when the service is well?",
    kind: AnswerType::Text,
    example: "health",
};

const META: Meta = Meta {
    id: "2.2",
    also: &[],
    name: "no-health-check",
    title: "Nothing calls the API from outside to see whether it answers",
    pillar: Pillar::Reliability,
    impact: Impact::Medium,
    tier: Tier::Review,
    practice: "REL11-BP01",
    clears: &[],
    // Where the app has no topic, its alarm tells nobody yet; an app that has an alarm at last has a runbook to write.
    raises: &["5.4", "5.8"],
    asks: &[HEALTH_PATH],
    // Behind 1.3, which decides who may call the API, and 1.8.
    order: 220,
    source: include_str!("wa_2_2_no_health_check.rs"),
    query: include_str!("../../queries/reliability/wa_2_2_no_health_check.scm"),
};

/// What calls an endpoint from outside.
const PROBES: [&str; 5] = [
    "aws_synthetics.Canary",
    "aws_synthetics.CfnCanary",
    "aws_synthetics_alpha.Canary",
    "aws_route53.HealthCheck",
    "aws_route53.CfnHealthCheck",
];

fn check<'a>(m: &Match<'_, 'a>, out: &mut Findings<'a>) -> Option<()> {
    let model = m.model;
    let endpoint = Endpoint::of(m).filter(|endpoint| !is_probed(model, endpoint))?;
    let label = endpoint.spoken();
    let alarm = last_alarm(model, &endpoint);
    let place = alarm.map_or(endpoint.node, |(alarm, _)| alarm);
    let alone = if model.sites(endpoint.node.file).iter().any(|site| site.class.ends_with(".SnsAction")) {
        ""
    } else {
        " Nothing here tells whom to alarm, so the alarm has no action yet."
    };
    let route = endpoint.route(model);
    let path = match &route {
        None => "its health check",
        Some(route) if route.path.is_empty() => "its root",
        Some(route) => &route.path,
    };
    let own = match endpoint.kind {
        Kind::Balancer | Kind::Pattern => " The balancer sees its targets, not the way to them.",
        _ => "",
    };
    let message = format!(
        "Nothing calls {label} from outside: a broken route, permission or deployment that answers nobody may raise no alarm.{own} The fix \
         lets a canary call {path} every five minutes and raises an alarm when two calls in a row fail; AWS bills for each run.{alone}"
    );
    let watched =
        model.app_builds("aws_cloudwatch.Alarm") && matches!(endpoint.kind, Kind::Rest | Kind::Http);
    let candidate = out.report(&META, model, place, message);
    candidate.key(&label).impact(if watched { Impact::Medium } else { Impact::Low });
    if endpoint.hidden(model) {
        candidate.refuse(
            "its address is not told here: with a certificate or another port it answers to a name of its own",
            "write a canary that calls that name",
        );
        return Some(());
    }
    let access = match endpoint.kind {
        Kind::Rest | Kind::Http => access(model, &endpoint.owner),
        _ => Access::Open,
    };
    let open = route.as_ref().is_some_and(|route| route.open);
    if access == Access::Closed && !open {
        candidate.refuse(
            "callers of the API need a key or a token, which a canary has not",
            "let a health check answer without one, or write a canary that has one",
        );
        return Some(());
    }
    candidate.fix(format!("Let a canary call {label}"), move |b| {
        add(b, &endpoint, alarm, (route.as_ref(), access))
    });
    Some(())
}

/// Whether something of the app calls it, or something that is not known to be another.
fn is_probed<'a>(model: &Model<'a>, endpoint: &Endpoint<'a>) -> bool {
    let scheduled = |text: &str| text.contains("schedule:") && text.contains("curl ");
    let workflow = model.app.files.iter().any(|file| {
        file.candidate.language == Language::Yaml && file.text().is_ok_and(|text| scheduled(text))
    });
    let speaks_of = |probe: Syn<'a>, site: &Site<'a>| {
        model.uses(site).into_iter().any(|node| {
            std::ptr::eq(node.file, probe.file) && node.start() >= probe.start() && node.end() <= probe.end()
        })
    };
    let mut probes = model.all_sites().filter(|site| PROBES.iter().any(|class| model.builds(site, class)));
    workflow
        || probes.any(|probe| {
            let another = || {
                let mut others = model
                    .all_sites()
                    .filter(|site| is_endpoint(model, site) && site.node != endpoint.owner.node);
                others.any(|other| speaks_of(probe.node, &other))
            };
            speaks_of(probe.node, &endpoint.owner) || !another()
        })
}

/// The last alarm on it in its file, and how the alarm names it.
fn last_alarm<'a>(model: &Model<'a>, endpoint: &Endpoint<'a>) -> Option<(Syn<'a>, Syn<'a>)> {
    if endpoint.kind == Kind::Url {
        return None;
    }
    let uses = model.uses(&endpoint.owner).into_iter();
    let alarms = uses.filter(|node| std::ptr::eq(node.file, endpoint.node.file)).filter_map(|node| {
        let mut around = node.ancestors().take_while(|around| !around.is("statement_block"));
        let alarm = around
            .find(|around| model.site_of(*around).is_some_and(|site| site.class == "aws_cloudwatch.Alarm"))?;
        Some((alarm, node))
    });
    alarms.max_by_key(|(alarm, _)| alarm.start())
}

fn add<'a>(
    b: &mut Builder<'_, 'a>,
    endpoint: &Endpoint<'a>,
    alarm: Option<(Syn<'a>, Syn<'a>)>,
    (route, access): (Option<&Route>, Access),
) -> Result<(), Refusal> {
    if !b.model.has_prop("aws_synthetics.Canary", "artifactsBucketLifecycleRules") {
        return Err(no_fix(
            "canaries are part of aws-cdk-lib since 2.99, and this app has an older release or one that is not known",
            "update aws-cdk-lib, then run again",
        ));
    }
    // Where callers need a key or a token, only a route that says otherwise can be called.
    let (path, access) = match route {
        Some(route)
            if b.value_if_given(HEALTH_PATH.key).is_none()
                || access == Access::Closed
                || endpoint.is_checked_at(route) =>
        {
            (route.path.as_str(), if route.open { Access::Open } else { access })
        }
        _ => (b.value(&HEALTH_PATH)?, access),
    };
    let path = path.trim_start_matches('/');
    if path.contains(['`', '$', '\'', '"', '\\', ' ']) {
        return Err(no_fix("health_path is no path", "give one such as health"));
    }
    let (api, way) = (&endpoint.owner, format!("/{path}"));
    let answers = || match endpoint.kind {
        Kind::Rest => Methods::of(b.model, api).is_none_or(|ways| ways.may_answer(&way)),
        Kind::Http => http_may_answer(b.model, api, &way),
        _ => true,
    };
    if route.is_none_or(|route| route.path != path) && !answers() {
        return Err(no_fix(
            &format!("no GET of {} leads to /{path}", endpoint.spoken()),
            "give health_path a path that it answers with 200, or add a route that does",
        ));
    }
    let (statement, receiver) = match alarm.filter(|(_, name)| !is_interface(b.model, *name)) {
        Some((alarm, name)) => (b.statement(alarm)?, name.text().to_owned()),
        None => {
            let statement = b.statement(endpoint.node)?;
            (statement, endpoint.name(b, statement)?)
        }
    };
    let beside =
        alarm.and_then(|(alarm, _)| b.model.site_of(alarm)).unwrap_or_else(|| endpoint.owner.clone());
    let probe = Probe { endpoint, receiver: &receiver, path, access };
    let code = canary_code(b, &probe, (statement, &beside))?;
    b.insert_after(statement, &code);
    Ok(())
}
