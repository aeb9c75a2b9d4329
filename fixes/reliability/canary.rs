//! A canary that calls an API, and the alarm that tells when it fails.

use super::endpoint::Endpoint;
use crate::detect::Refusal;
use crate::edit::Builder;
use crate::model::Site;
use crate::syntax::Syn;

/// Who may call an API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Everybody.
    Open,
    /// Whoever signs with credentials of AWS.
    Signed,
    /// Whoever has a key or a token.
    Closed,
}

/// What is called.
pub(super) struct Probe<'p, 'a> {
    /// What clients call.
    pub endpoint: &'p Endpoint<'a>,
    /// What it is called where the canary stands.
    pub receiver: &'p str,
    /// The path, without the slash at its start.
    pub path: &'p str,
    /// Who may call it.
    pub access: Access,
}

/// The canary's scripts. They need Node.js only: the names in the library of Synthetics differ between its runtimes.
const OPEN: &str = include_str!("canary.js");
const SIGNED: &str = include_str!("canary_signed.js");

/// The newest runtime that the oldest supported release may name; AWS takes no new canary on those it has retired.
const RUNTIME: &str = "syn-nodejs-puppeteer-13.0";
const CONSTANT: &str = "SYNTHETICS_NODEJS_PUPPETEER_13_0";

/// The statements that add a canary and its alarm behind a statement.
///
/// # Errors
/// Those of naming classes of the CDK, and of letting alarms reach their topic.
pub(super) fn canary_code<'a>(
    b: &mut Builder<'_, 'a>,
    probe: &Probe<'_, 'a>,
    (at, beside): (Syn<'a>, &Site<'a>),
) -> Result<String, Refusal> {
    let name = b.fresh_name(at.file, &["healthCanary", "apiHealthCanary"]);
    let scope = if beside.node.is("call_expression") { "this" } else { b.scope_text(beside) };
    let id = b.sibling_id(&probe.endpoint.owner, "HealthCanary");
    let alarm = alarm(b, probe, (at, scope), &name)?;
    let grant = if probe.access == Access::Signed { grant(b, probe, at, &name)? } else { String::new() };
    // `Code` and `Runtime` first: where Lambda's are imported by name, all of Synthetics goes by its module.
    let code = b.cdk(at, "aws_synthetics.Code")?;
    let runtime = runtime(b, at)?;
    let class = b.cdk(at, "aws_synthetics.Canary")?;
    let test = b.cdk(at, "aws_synthetics.Test")?;
    let schedule = b.cdk(at, "aws_synthetics.Schedule")?;
    let duration = b.cdk(at, "Duration")?;
    let Probe { endpoint, receiver, path, .. } = probe;
    let url = endpoint.url(receiver, path);
    let noun = endpoint.noun();
    let script = if probe.access == Access::Signed { SIGNED } else { OPEN };
    let script = if url.starts_with("http:") { script.replace("https", "http") } else { script.to_owned() };
    let lines = script.lines().map(literal).collect::<Vec<_>>().join(",\n        ");
    Ok(format!(
        "// Calls the {noun} as its clients do\nconst {name} = new {class}({scope}, {id}, {{\n  runtime: {runtime},\n  test: \
         {test}.custom({{\n    handler: 'index.handler',\n    code: {code}.fromInline(\n      [\n        {lines},\n      \
         ].join('\\n')\n    ),\n  }}),\n  schedule: {schedule}.rate({duration}.minutes(5)),\n  environmentVariables: {{ \
         HEALTH_URL: `{url}` }},\n  artifactsBucketLifecycleRules: [{{ expiration: {duration}.days(30) }}],\n}});{grant}\n\n{alarm}"
    ))
}

fn runtime<'a>(b: &mut Builder<'_, 'a>, at: Syn<'a>) -> Result<String, Refusal> {
    let class = b.cdk(at, "aws_synthetics.Runtime")?;
    if b.model.has_member("aws_synthetics.Runtime", CONSTANT) {
        return Ok(format!("{class}.{CONSTANT}"));
    }
    let family = b.cdk(at, "aws_synthetics.RuntimeFamily")?;
    Ok(format!("new {class}(\n    '{RUNTIME}',\n    {family}.NODEJS\n  )"))
}

/// A line of the script as a string, in the quotes that need no escape.
fn literal(line: &str) -> String {
    let text = line.replace('\\', "\\\\");
    if text.contains('\'') { format!("\"{text}\"") } else { format!("'{text}'") }
}

/// Lets the canary call the one path.
fn grant<'a>(
    b: &mut Builder<'_, 'a>,
    probe: &Probe<'_, 'a>,
    at: Syn<'a>,
    name: &str,
) -> Result<String, Refusal> {
    let class = b.cdk(at, "aws_iam.PolicyStatement")?;
    let Probe { receiver, path, .. } = probe;
    Ok(format!(
        "\n{name}.role.addToPrincipalPolicy(\n  new {class}({{\n    actions: ['execute-api:Invoke'],\n    resources: \
         [{receiver}.arnForExecuteApi('GET', '/{path}')],\n  }})\n);"
    ))
}

fn alarm<'a>(
    b: &mut Builder<'_, 'a>,
    probe: &Probe<'_, 'a>,
    (at, scope): (Syn<'a>, &str),
    name: &str,
) -> Result<String, Refusal> {
    let alarm = b.cdk(at, "aws_cloudwatch.Alarm")?;
    let operator = b.cdk(at, "aws_cloudwatch.ComparisonOperator")?;
    let missing = b.cdk(at, "aws_cloudwatch.TreatMissingData")?;
    let duration = b.cdk(at, "Duration")?;
    let id = b.sibling_id(&probe.endpoint.owner, "HealthCanaryAlarm");
    let action = b.alarm_action(at)?.map_or_else(String::new, |action| format!(".addAlarmAction({action})"));
    Ok(format!(
        "new {alarm}({scope}, {id}, {{\n  alarmDescription: 'The {} does not answer at /{}',\n  metric: \
         {name}.metricSuccessPercent({{\n    period: {duration}.minutes(5),\n  }}),\n  threshold: 100,\n  evaluationPeriods: 2,\n  \
         comparisonOperator: {operator}.LESS_THAN_THRESHOLD,\n  treatMissingData: {missing}.BREACHING,\n}}){action};",
        probe.endpoint.noun(),
        probe.path
    ))
}
