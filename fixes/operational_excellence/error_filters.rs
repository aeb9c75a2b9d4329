//! Metric filters and alarms on them that can see nothing.

use super::wa_5_3_limited_observability::META;
use crate::detect::Findings;
use crate::edit::no_fix;
use crate::model::imports::string_text;
use crate::model::{Meaning, Model, Prop, Props, Site};
use crate::syntax::Syn;

/// `FilterPattern.literal('[ERROR]')`: one field that is called ERROR.
pub(super) fn dead_pattern<'a>(model: &Model<'a>, call: Syn<'a>, out: &mut Findings<'a>) -> Option<()> {
    let argument = call.field("arguments")?.first()?;
    let text = match model.meaning(argument) {
        Some(Meaning::Value(value)) => value,
        _ => argument,
    };
    if !text.is("string") {
        return None;
    }
    let word = string_text(text).strip_prefix('[')?.strip_suffix(']')?;
    if word.is_empty() || !word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return None;
    }
    let orphan = filter_around(model, call).and_then(|filter| silent_group(model, &filter));
    let orphan = orphan.map_or_else(String::new, |group| {
        format!(
            " Nothing in the app writes to its log group {} either: point the filter at the group that a function logs to."
        , group.label())
    });
    let message = format!(
        "The filter for `[{word}]` does not look for the word: brackets make {word} the name of a field, and only lines of a single \
         word match. The fix looks for the word; an alarm on it may ring for the first time.{orphan}"
    );
    let finding = out.report(&META, model, call, message);
    finding.key("pattern");
    let property = call.field("function")?.field("property")?;
    if argument != text {
        finding.refuse(
            "the pattern is kept in a variable, which may serve others",
            &format!("write FilterPattern.anyTerm('{word}') in its place"),
        );
        return Some(());
    }
    finding.fix(format!("Look for the word {word}"), move |b| {
        b.splice(property, property.span(), "anyTerm");
        b.splice(argument, argument.start() + 1..argument.end() - 1, word);
        Ok(())
    });
    Some(())
}

/// The `MetricFilter` whose pattern stands at a place.
fn filter_around<'a>(model: &Model<'a>, pattern: Syn<'a>) -> Option<Site<'a>> {
    let built = pattern.ancestors().find(|node| node.is("new_expression"))?;
    model.site_of(built).filter(|site| model.builds(site, "aws_logs.MetricFilter"))
}

/// The log group of a filter, where the app builds it for the filter alone: nothing writes to it.
fn silent_group<'a>(model: &Model<'a>, filter: &Site<'a>) -> Option<Site<'a>> {
    let value = filter.props(model).get(model, "logGroup").value()?;
    let group = model.origin(value)?;
    let inline = value.is("new_expression");
    // What Lambda, CodeBuild and others write to by its name is none of ours.
    let named = group.props(model).get(model, "logGroupName");
    let by_service = match named {
        Prop::Present(entry) => {
            let name = entry.value.text();
            ["/aws/", "API-Gateway"].iter().any(|part| name.contains(part))
                && !name.contains("/aws/application")
        }
        Prop::Absent => false,
        Prop::Unknown => true,
    };
    (inline && !by_service).then_some(group)
}

/// An alarm on `filter.metric()`, which is an average: of ones it is one, whatever the number of lines.
pub(super) fn dead_alarm<'a>(model: &Model<'a>, alarm: &Site<'a>, out: &mut Findings<'a>) -> Option<()> {
    let props = alarm.props(model);
    let operator = match props.get(model, "comparisonOperator") {
        Prop::Absent => "GREATER_THAN_OR_EQUAL_TO_THRESHOLD".to_owned(),
        Prop::Present(entry) => model.cdk_name(entry.value)?,
        Prop::Unknown => return None,
    };
    let threshold: f64 = props.get(model, "threshold").value()?.text().parse().ok()?;
    let metric = value_of(model, props.get(model, "metric").value()?);
    let call = Some(metric).filter(|call| call.is("call_expression"))?;
    let function = call.field("function").filter(|function| function.is("member_expression"))?;
    if function.field("property")?.text() != "metric" {
        return None;
    }
    let filter = filter_props(model, function.field("object")?)?;
    let each: f64 = match filter.get(model, "metricValue") {
        Prop::Absent => 1.0,
        Prop::Present(entry) => string_text(entry.value).parse().ok()?,
        Prop::Unknown => return None,
    };
    let beyond = if operator.ends_with("GREATER_THAN_THRESHOLD") {
        threshold >= each
    } else {
        operator.ends_with("GREATER_THAN_OR_EQUAL_TO_THRESHOLD") && threshold > each
    };
    let argument = call.field("arguments")?.first();
    let options = argument.map_or(Props::EMPTY, |argument| model.props_of(argument));
    if !beyond || options.get(model, "statistic") != Prop::Absent {
        return None;
    }
    let label = alarm.label();
    let message = format!(
        "{label} cannot ring: the metric of a filter is an average unless told otherwise, and the average of values of {each} never \
         gets to {threshold}. The fix looks at the sum; the alarm may ring for the first time."
    );
    let finding = out.report(&META, model, call, message);
    finding.key("statistic");
    finding.fix(format!("Let {label} look at the sum"), move |b| {
        match (argument, options.object().filter(|object| std::ptr::eq(object.file, call.file))) {
            (None, _) => {
                let list = call.field("arguments").ok_or_else(odd)?;
                b.replace(list, "({ statistic: 'Sum' })");
            }
            (Some(_), Some(object)) => b.insert_entry(object, "statistic", "'Sum'"),
            _ => return Err(odd()),
        }
        Ok(())
    });
    Some(())
}

fn odd() -> crate::detect::Refusal {
    no_fix("the metric's options are put together elsewhere", "add statistic: 'Sum' to them")
}

fn value_of<'a>(model: &Model<'a>, expression: Syn<'a>) -> Syn<'a> {
    match model.meaning(expression) {
        Some(Meaning::Value(value)) => value,
        _ => expression,
    }
}

/// The props of the filter that an expression stands for: `new MetricFilter(…)`, `group.addMetricFilter(…)`.
fn filter_props<'a>(model: &Model<'a>, expression: Syn<'a>) -> Option<Props<'a>> {
    if let Some(site) = model.origin(expression) {
        return model.builds(&site, "aws_logs.MetricFilter").then(|| site.props(model));
    }
    let call = value_of(model, expression);
    let function = Some(call).filter(|call| call.is("call_expression"))?.field("function")?;
    if function.field("property")?.text() != "addMetricFilter" {
        return None;
    }
    Some(model.props_of(call.field("arguments")?.children().nth(1)?))
}
