//! What the alarms of an app do when they ring.

use super::alias::is_written;
use super::runbook::alarms;
use crate::detect::Refusal;
use crate::edit::Builder;
use crate::edit::style::line_indent;
use crate::model::meaning::words;
use crate::model::{Binding, Meaning, Model, Prop, Props, Site};
use crate::syntax::Syn;

/// Calls by which an alarm is given something to do.
const ACTIONS: [&str; 3] = ["addAlarmAction", "addOkAction", "addInsufficientDataAction"];
/// What reacts by itself to any alarm of an app.
const AUTOMATION: [&str; 3] = [
    "aws_cloudwatch_actions.SsmAction",
    "aws_cloudwatch_actions.SsmIncidentAction",
    "aws_sns_subscriptions.LambdaSubscription",
];

/// An alarm: `new Alarm(…)` or `metric.createAlarm(…)`.
#[derive(Clone)]
pub(super) struct Alarm<'a> {
    /// The expression that builds it.
    pub(super) node: Syn<'a>,
    /// The construct, where it is built by `new`.
    pub(super) site: Option<Site<'a>>,
    /// Its props.
    props: Props<'a>,
    /// Its id.
    pub(super) label: String,
    /// What it watches, as an expression.
    pub(super) metric: Option<Syn<'a>>,
}

impl<'a> Alarm<'a> {
    /// The alarm that a node builds.
    pub(super) fn of(model: &Model<'a>, node: Syn<'a>) -> Option<Self> {
        if let Some(site) = model.site_of(node).filter(|site| is_composite(model, site)) {
            let (props, label) = (site.props(model), site.label());
            return Some(Self { node, site: Some(site), props, label, metric: None });
        }
        let found = alarms(model).into_iter().find(|alarm| alarm.node == node)?;
        let site = model.site_of(node);
        let metric = match site {
            Some(_) => found.props.get(model, "metric").value(),
            None => node.field("function")?.field("object"),
        };
        Some(Self { node, site, props: found.props, label: found.label, metric })
    }

    /// The call by which it is given an action on the spot: `new Alarm(…).addAlarmAction(…)`.
    pub(super) fn chained(&self) -> Option<Syn<'a>> {
        let member = self.node.parent().filter(|member| member.is("member_expression"))?;
        member.parent().filter(|call| call.is("call_expression"))
    }

    /// Whether nothing but its own statement speaks of it.
    pub(super) fn is_used_nowhere(&self, model: &Model<'a>) -> bool {
        if self.props.get(model, "actionsEnabled") != Prop::Absent {
            return false;
        }
        match Binding::of(self.node) {
            Binding::None => self.node.parent().is_some_and(|parent| parent.is("expression_statement")),
            Binding::Variable(name) => words(Syn::root(name.file), name.text()).count() == 1,
            Binding::Field(_) => false,
        }
    }

    /// The topic that it could tell.
    pub(super) fn topic(&self, model: &Model<'a>) -> Option<Syn<'a>> {
        let values = crate::edit::Values::new();
        let statement = crate::model::statement_of(self.node)?;
        Builder::new(model, &values).alarm_topic(statement)
    }
}

/// What alarms are given to do.
pub(super) struct Told<'a> {
    /// The actions of the alarm.
    pub(super) actions: Vec<Syn<'a>>,
    /// Whether all of them only tell a topic.
    pub(super) only_people: bool,
    /// Whether an action of the app goes to an alarm that cannot be followed.
    pub(super) unknown: bool,
    /// Whether other alarms of the app have actions.
    pub(super) others_tell: bool,
    /// Whether it is the first alarm of the app.
    pub(super) first: bool,
    /// Whether something reacts by itself to alarms.
    pub(super) automation: bool,
}

impl<'a> Told<'a> {
    /// Looks at the whole app; `None` where an action is given that cannot be read.
    pub(super) fn of(model: &Model<'a>, alarm: &Alarm<'a>) -> Option<Self> {
        let all = all(model);
        let (mut actions, mut unknown, mut others_tell) = (Vec::new(), false, false);
        for call in ACTIONS.iter().flat_map(|method| model.method_calls(method)) {
            let receiver = call.field("function")?.field("object")?;
            let built = all.iter().find(|other| is_meant(model, receiver, **other));
            match built {
                Some(built) if *built == alarm.node => {
                    actions.extend(call.field("arguments")?.children());
                }
                Some(_) => others_tell = true,
                None => unknown = true,
            }
        }
        let only_people = actions.iter().all(|action| {
            model.origin(*action).is_some_and(|site| model.builds(&site, "aws_cloudwatch_actions.SnsAction"))
        });
        let automation = AUTOMATION.iter().any(|class| model.app_builds(class))
            || is_written(model, "CloudWatch Alarm State Change");
        let first = all.first() == Some(&alarm.node);
        Some(Self { actions, only_people, unknown, others_tell, first, automation })
    }

    /// The topics that the alarm tells.
    pub(super) fn topics(&self, model: &Model<'a>) -> Vec<Syn<'a>> {
        let sites = self.actions.iter().filter_map(|action| model.origin(*action));
        sites.filter_map(|action| action.arguments.first().copied()).collect()
    }
}

fn is_composite<'a>(model: &Model<'a>, site: &Site<'a>) -> bool {
    model.builds(site, "aws_cloudwatch.CompositeAlarm")
}

/// Every alarm of the app, those made of others included, by path and offset.
fn all<'a>(model: &Model<'a>) -> Vec<Syn<'a>> {
    let composed = model.all_sites().filter(|site| is_composite(model, site)).map(|site| site.node);
    let mut all: Vec<Syn<'a>> = alarms(model).into_iter().map(|alarm| alarm.node).chain(composed).collect();
    all.sort_by(|a, b| (&a.file.path, a.start()).cmp(&(&b.file.path, b.start())));
    all
}

fn is_meant<'a>(model: &Model<'a>, expression: Syn<'a>, node: Syn<'a>) -> bool {
    expression == node
        || model.origin(expression).is_some_and(|origin| origin.node == node)
        || model.meaning(expression) == Some(Meaning::Value(node))
}

/// Gives an alarm the topic of the other alarms.
///
/// # Errors
/// Those of naming classes of the CDK.
pub(super) fn tell<'a>(b: &mut Builder<'_, 'a>, alarm: &Alarm<'a>) -> Result<(), Refusal> {
    let statement = b.statement(alarm.node)?;
    let Some(action) = b.alarm_action(statement)? else { return Ok(()) };
    let action = format!("addAlarmAction({action})");
    match Binding::of(alarm.node).text() {
        Some(name) => b.insert_below(statement, &format!("{name}.{action};")),
        None => b.splice(alarm.node, alarm.node.end()..alarm.node.end(), &format!(".{action}")),
    }
    Ok(())
}

/// The name of an alarm, which gets one where it has none: then the statement becomes a declaration.
pub(super) fn named<'a>(b: &mut Builder<'_, 'a>, alarm: &Alarm<'a>) -> Result<String, Refusal> {
    if let Some(name) = Binding::of(alarm.node).text() {
        return Ok(name);
    }
    let statement = b.statement(alarm.node)?;
    let label = crate::edit::names::camel_name(&alarm.label).unwrap_or_else(|| "alarm".to_owned());
    let name = b.fresh_name(alarm.node.file, &[&label, &format!("{label}Alarm")]);
    b.splice(alarm.node, alarm.node.start()..alarm.node.start(), &format!("const {name} = "));
    let method = alarm.chained().and_then(|call| call.field("function")?.field("property"));
    if let Some(method) = method {
        let semicolon = if statement.text().ends_with(';') { ";" } else { "" };
        let indent = line_indent(&statement.file.text, statement.start()).to_owned();
        let eol = b.style(statement.file).eol;
        b.splice(alarm.node, alarm.node.end()..method.start(), &format!("{semicolon}{eol}{indent}{name}."));
    }
    Ok(name)
}
