//! The part of a runbook about alarms: what each watches, when it rings, whom it tells, and what to look at first.

use std::fmt::Write as _;

use super::document::{begin, end, one_line, said};
use super::runbook::{Alarm, Runbook};
use crate::model::{Meaning, Prop};
use crate::syntax::Syn;

impl<'a> Runbook<'_, 'a> {
    pub(super) fn alarm_sections(&self, out: &mut String) {
        if self.alarms.is_empty() {
            return;
        }
        out.push_str("## Alarms\n\n");
        for alarm in self.alarms {
            let _ = writeln!(out, "### {}\n", alarm.label);
            begin(out, &format!("alarm {}", alarm.label));
            let metric = alarm
                .props
                .get(self.model, "metric")
                .value()
                .or_else(|| alarm.node.field("function").and_then(|function| function.field("object")));
            let _ = writeln!(out, "- Declared in `{}`.", self.facts().file(alarm.node));
            if !alarm.made.is_empty() {
                let made = alarm.made.iter().map(|id| {
                    let text = id.text().trim_matches(['\'', '"', '`']);
                    format!("`{}` in `{}`", one_line(text), self.facts().file(*id))
                });
                let _ = writeln!(out, "- One each: {}.", made.collect::<Vec<_>>().join(", "));
            }
            if let Some(metric) = metric {
                let _ = writeln!(out, "- Watches `{}`.", one_line(metric.text()));
            }
            let _ = writeln!(out, "- Rings when {}.", self.limit(alarm, metric));
            let treatment = alarm.props.get(self.model, "treatMissingData").value();
            let _ = writeln!(out, "- No data: {}.", missing(treatment.map(Syn::text)));
            let (told, all) = self.told(alarm);
            if !told.is_empty() {
                let _ = writeln!(out, "- Tells {}.", told.join(", "));
            } else if self.rolls_back(alarm) {
                out.push_str("- Has CodeDeploy go back to the version before while a release is under way; tells nobody.\n");
            } else if all {
                out.push_str("- Tells **nobody**: it has no action.\n");
            }
            out.push('\n');
            out.push_str(steps(&metric.map(|metric| self.metric_name(metric)).unwrap_or_default()));
            end(out, &format!("alarm {}", alarm.label));
            out.push_str("What it was the last times, and what helped:\n\n");
        }
    }

    /// What a metric is about: the method that makes it, and its name where it is a literal.
    fn metric_name(&self, metric: Syn<'a>) -> String {
        let metric = match self.model.meaning(metric) {
            Some(crate::model::Meaning::Value(value)) => value,
            _ => metric,
        };
        let method =
            metric.field("function").and_then(|function| function.field("property")).map_or("", Syn::text);
        let arguments =
            metric.field("arguments").map(|list| list.children().collect::<Vec<_>>()).unwrap_or_default();
        let named = arguments.iter().find_map(|argument| {
            if argument.is("string") {
                return Some(*argument);
            }
            self.model.props_of(*argument).get(self.model, "metricName").value()
        });
        format!("{method} {}", named.map_or("", Syn::text))
    }

    /// When an alarm rings, as a person says it.
    fn limit(&self, alarm: &Alarm<'a>, metric: Option<Syn<'a>>) -> String {
        let text = |name: &str| alarm.props.get(self.model, name).value().map(|value| one_line(value.text()));
        let number = |text: String| {
            if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
                text
            } else {
                format!("`{text}`")
            }
        };
        let (Some(threshold), Some(periods)) = (text("threshold"), text("evaluationPeriods")) else {
            return "the code says so".to_owned();
        };
        let threshold = number(threshold);
        let passed =
            match text("comparisonOperator").as_deref().and_then(|operator| operator.rsplit('.').next()) {
                Some("GREATER_THAN_THRESHOLD") => format!("it is above {threshold}"),
                Some("LESS_THAN_THRESHOLD") => format!("it is below {threshold}"),
                Some("LESS_THAN_OR_EQUAL_TO_THRESHOLD") => format!("it is at {threshold} or below"),
                None | Some("GREATER_THAN_OR_EQUAL_TO_THRESHOLD") => format!("it is at {threshold} or above"),
                Some(other) => format!("it leaves the band of {threshold} (`{other}`)"),
            };
        let periods = match (text("datapointsToAlarm"), periods.as_str()) {
            (Some(points), _) => format!("{} of {} periods", number(points), number(periods)),
            (None, "1") => "one period".to_owned(),
            (None, _) => format!("{} periods", number(periods)),
        };
        let length = metric.and_then(|metric| self.period(metric)).map(|length| format!(" of {length}"));
        format!("{passed} for {periods}{}", length.unwrap_or_default())
    }

    /// How long a period of a metric is; `None` where that is told out of sight.
    fn period(&self, metric: Syn<'a>) -> Option<String> {
        let metric = self.model.value_of(metric);
        let options: Vec<_> =
            metric.field("arguments")?.children().filter(|argument| !argument.is("string")).collect();
        let given = match options.as_slice() {
            [] => Prop::Absent,
            [options] => self.model.props_of(*options).get(self.model, "period"),
            _ => return None,
        };
        match given {
            Prop::Absent => Some("5 min (CDK's default)".to_owned()),
            Prop::Present(entry) => Some(said(entry.value)),
            Prop::Unknown => None,
        }
    }

    /// The topics that an alarm tells, and whether these are all its actions.
    pub(super) fn told(&self, alarm: &Alarm<'a>) -> (Vec<String>, bool) {
        let (mut found, mut all) = (Vec::new(), true);
        for call in self.model.method_calls("addAlarmAction") {
            let Some(receiver) = call.field("function").and_then(|function| function.field("object")) else {
                continue;
            };
            let built = match self.model.origin(receiver) {
                Some(origin) => Some(origin.node),
                None => match self.model.meaning(receiver) {
                    Some(Meaning::Value(value)) => Some(value),
                    _ => None,
                },
            };
            if receiver != alarm.node && built != Some(alarm.node) {
                all &= built.is_some() || receiver.is("new_expression");
                continue;
            }
            for action in call.field("arguments").into_iter().flat_map(Syn::children) {
                let topic = self.model.origin(action).and_then(|action| action.arguments.first().copied());
                match topic.and_then(|topic| self.model.origin(topic)) {
                    Some(topic) => found.push(format!("`{}`", topic.label())),
                    None => all = false,
                }
            }
        }
        (found, all)
    }

    /// Whether a deployment group goes back when an alarm rings.
    fn rolls_back(&self, alarm: &Alarm<'a>) -> bool {
        self.facts().sites("aws_codedeploy.LambdaDeploymentGroup").iter().any(|group| {
            let alarms = group.props(self.model).get(self.model, "alarms").value();
            let named =
                alarms.and_then(|alarms| self.model.array(alarms)).into_iter().flat_map(Syn::children);
            named
                .into_iter()
                .any(|name| self.model.origin(name).is_some_and(|built| built.node == alarm.node))
        })
    }
}

fn missing(treatment: Option<&str>) -> &'static str {
    match treatment.and_then(|treatment| treatment.rsplit('.').next()) {
        Some("NOT_BREACHING") => "counts as good",
        Some("BREACHING") => "counts as bad",
        Some("IGNORE") => "the state stays as it was",
        _ => "the alarm says INSUFFICIENT_DATA",
    }
}

/// First steps, by what the metric is about.
fn steps(metric: &str) -> &'static str {
    let about = |words: &[&str]| words.iter().any(|word| metric.contains(word));
    if about(&["ApproximateAge", "ApproximateNumber", "MessagesVisible"]) {
        "1. Is the consumer running, and does it fail? Look at its log and at its errors.\n\
         2. In a dead-letter queue: read one message, find out why it failed, mend that, then start a redrive.\n\
         3. In a work queue: it fills faster than it is emptied; raise the consumer's concurrency.\n\n"
    } else if about(&["metricServerError", "5XX", "5xx", "Http5"]) {
        "1. Does the backend's own alarm ring too? Then follow that one.\n\
         2. Only this one: the backend was not reached (throttled, a permission, a timeout at the front). Read the access log.\n\
         3. Was there a release just before? Go back, then look for the cause.\n\n"
    } else if about(&["metricClientError", "4XX", "4xx"]) {
        "1. Usually a client or a scan: look at the callers in the access log.\n\
         2. A release that renamed a route or changed authorization looks the same: was there one?\n\n"
    } else if about(&["Throttle"]) {
        "1. Is there more traffic, or does each call take longer?\n2. Raise the concurrency, or slow down the callers.\n\n"
    } else if about(&["Duration", "Latency", "ResponseTime"]) {
        "1. Since when, and was there a release just before?\n2. Look at the traces for the part that takes the time.\n\
         3. Near the timeout, callers see errors: go back or raise the limit.\n\n"
    } else if about(&["CPU", "Memory", "FreeStorage"]) {
        "1. Is there more work than usual, or does something run away?\n2. Give it more room; look for the cause afterwards.\n\n"
    } else if about(&["Error", "Fail", "Fault"]) {
        "1. Since when, and was there a release just before? If so, go back first.\n\
         2. Read the log of the part around that time: the same error, or many?\n\
         3. `Task timed out`: look at what it waits for. `AccessDenied`: a role or a key has changed.\n\n"
    } else {
        "1. Since when, and what changed just before?\n2. Read the logs of the parts that it watches.\n\n"
    }
}
