//! A function that takes an alias back by one version when an alarm rings.

use super::alarm_response::{Alarm, Told};
use super::alias::{Alias, Shifting, is_written_about, keep_versions};
use super::remedy::Remedy;
use super::runbook::alarms;
use crate::detect::Refusal;
use crate::edit::names::is_visible;
use crate::edit::{Builder, no_fix};
use crate::model::{Binding, Model, Site};
use crate::syntax::Syn;

/// What the function runs. It decides by what AWS says at that moment, and says in its log what it decided.
const ROLL_BACK: &str = r"const {
  GetAliasCommand,
  GetFunctionConfigurationCommand,
  LambdaClient,
  UpdateAliasCommand,
  paginateListVersionsByFunction,
} = require('@aws-sdk/client-lambda');
const client = new LambdaClient({});

exports.handler = async (event) => {
  const { FUNCTION_NAME: FunctionName, ALIAS: Name, DRY_RUN, WINDOW_MINUTES } = process.env;
  const alarm = event.alarmData && event.alarmData.alarmName;
  const say = (decision, more) => console.log(JSON.stringify({ alarm, decision, ...more }));

  const alias = await client.send(new GetAliasCommand({ FunctionName, Name }));
  const weights = (alias.RoutingConfig && alias.RoutingConfig.AdditionalVersionWeights) || {};
  if (Object.keys(weights).length > 0) return say('skip: a traffic shift is under way');

  const Qualifier = alias.FunctionVersion;
  const live = await client.send(new GetFunctionConfigurationCommand({ FunctionName, Qualifier }));
  const ageMinutes = (Date.now() - Date.parse(live.LastModified)) / 60000;
  if (ageMinutes > Number(WINDOW_MINUTES)) return say('skip: the live version is not recent', { ageMinutes });

  const earlier = [];
  for await (const page of paginateListVersionsByFunction({ client }, { FunctionName })) {
    for (const { Version } of page.Versions || []) {
      if (Number(Version) < Number(Qualifier)) earlier.push(Number(Version));
    }
  }
  if (earlier.length === 0) return say('skip: there is no earlier version');

  const move = { from: Qualifier, to: String(Math.max(...earlier)) };
  if (DRY_RUN !== 'false') return say('dry run: would roll back', move);
  const { RevisionId } = alias;
  await client.send(new UpdateAliasCommand({ FunctionName, Name, FunctionVersion: move.to, RevisionId }));
  return say('rolled back', move);
};";

/// A function whose errors an alarm counts, and that could go back to an earlier version.
pub(super) struct Failing<'a> {
    /// The one alias of the function.
    pub(super) alias: Alias<'a>,
    /// How the metric names the function, or its alias.
    named: Syn<'a>,
}

impl<'a> Failing<'a> {
    /// What an alarm watches, if that is the errors of such a function and nothing takes it back already.
    pub(super) fn of(model: &Model<'a>, alarm: &Alarm<'a>) -> Option<Self> {
        let named = errors_of(alarm.metric?)?;
        let function = model.invoked_function(named)?;
        let mut aliases = Alias::all(model).into_iter().filter(|alias| alias.function.node == function.node);
        let alias = aliases.next()?;
        let started =
            model.app_builds("aws_cloudwatch_actions.LambdaAction") && is_moved(model, &alias.function);
        if aliases.next().is_some() || started || Shifting::of(model).moves(model, &alias) {
            return None;
        }
        // One of several alarms on the same errors is enough.
        let first = alarms(model).into_iter().find(|other| {
            let metric = Alarm::of(model, other.node).and_then(|other| other.metric);
            metric
                .and_then(errors_of)
                .and_then(|named| model.invoked_function(named))
                .is_some_and(|other| other.node == function.node)
        });
        first.is_some_and(|first| first.node == alarm.node).then_some(Self { alias, named })
    }

    /// The function and the alias's name as code beside the alarm.
    fn names(&self, model: &Model<'a>, at: Syn<'a>) -> Result<(String, String), Refusal> {
        let unseen = || {
            no_fix(
                "the function or its alias has no name beside the alarm",
                "assign both to constants before the alarm, then run again",
            )
        };
        let function = if model.origin(self.named).is_some_and(|site| site.node == self.alias.function.node) {
            self.named.text().to_owned()
        } else {
            visible(at, self.alias.function.node).ok_or_else(unseen)?
        };
        let alias = match self.alias.literal {
            Some(name) => format!("'{name}'"),
            None => format!("{}.aliasName", visible(at, self.alias.node).ok_or_else(unseen)?),
        };
        Ok((function, alias))
    }
}

/// Whether something may move an alias of a function: it is allowed to, or it cannot be told of which function.
fn is_moved<'a>(model: &Model<'a>, function: &Site<'a>) -> bool {
    is_written_about(model, "lambda:UpdateAlias", |token| {
        let functions = allowed_for(model, token);
        functions.is_empty() || functions.contains(&function.node)
    })
}

/// The functions that the statement around one of its actions is about; none where they cannot be told.
fn allowed_for<'a>(model: &Model<'a>, action: Syn<'a>) -> Vec<Syn<'a>> {
    let statement = action
        .ancestors()
        .filter_map(|around| model.site_of(around))
        .find(|site| model.builds(site, "aws_iam.PolicyStatement"));
    let resources =
        statement.and_then(|site| model.array(site.props(model).get(model, "resources").value()?));
    let named = |resource: Syn<'a>| {
        let inner = resource.children().find(|part| part.is("template_substitution")).and_then(Syn::first);
        let arn = inner.unwrap_or(resource);
        model.invoked_function(arn.field("object")?).map(|function| function.node)
    };
    let found: Option<Vec<Syn<'a>>> =
        resources.and_then(|resources| resources.children().map(named).collect());
    found.unwrap_or_default()
}

/// What an expression is called that is built before a place, if it can be seen there.
fn visible<'a>(at: Syn<'a>, built: Syn<'a>) -> Option<String> {
    let binding = Binding::of(built);
    let before = std::ptr::eq(at.file, built.file) && built.end() <= at.start();
    let seen = match binding {
        Binding::Variable(name) => is_visible(at, name),
        Binding::Field(_) => {
            let class = |node: Syn<'a>| node.ancestors().find(|node| crate::model::meaning::is_class(*node));
            class(at) == class(built)
        }
        Binding::None => false,
    };
    binding.text().filter(|_| before && seen)
}

/// `fn` of `fn.metricErrors(…)` and `fn.metric('Errors', …)`.
fn errors_of(metric: Syn<'_>) -> Option<Syn<'_>> {
    let function = metric.field("function")?;
    let counts = match function.field("property")?.text() {
        "metricErrors" => true,
        "metric" => metric.field("arguments")?.first()?.text().trim_matches(['\'', '"']) == "Errors",
        _ => false,
    };
    function.field("object").filter(|_| counts)
}

/// Adds the function and lets the alarm start it.
///
/// # Errors
/// A [`Refusal`] where function or alias cannot be named beside the alarm.
pub(super) fn add<'a>(
    b: &mut Builder<'_, 'a>,
    alarm: &Alarm<'a>,
    told: &Told<'a>,
    failing: &Failing<'a>,
) -> Result<(), Refusal> {
    let at = alarm.node;
    let (function, alias) = failing.names(b.model, at)?;
    for topic in told.topics(b.model) {
        b.let_alarms_reach(topic)?;
    }
    b.statement(at)?;
    let remedy = Remedy {
        comment: "Goes back by one version when errors follow a release",
        description: "Rolls the alias back when errors follow a release",
        constant: "ROLL_BACK",
        other: "ROLL_BACK_ALIAS",
        about: "Takes an alias back by one version; decides by what AWS says at that moment.",
        script: ROLL_BACK,
        environment: format!(
            "FUNCTION_NAME: {function}.functionName,\n    ALIAS: {alias},\n    WINDOW_MINUTES: '30',\n    \
             // Its log says what it would do; 'false' lets it\n    DRY_RUN: 'true',"
        ),
        actions: &[
            "lambda:GetAlias",
            "lambda:GetFunctionConfiguration",
            "lambda:ListVersionsByFunction",
            "lambda:UpdateAlias",
        ],
        resources: vec![format!("{function}.functionArn"), format!("`${{{function}.functionArn}}:*`")],
        grant: None,
    };
    remedy.add(b, alarm)?;
    keep_versions(b, &failing.alias.function)
}
