//! Metric filters and alarms on them that can see nothing.

use super::wa_5_3_limited_observability::META;
use crate::detect::Findings;
use crate::edit::carry::class_around;
use crate::edit::no_fix;
use crate::model::imports::string_text;
use crate::model::meaning::words;
use crate::model::{Binding, Meaning, Model, Prop, Props, Site};
use crate::syntax::Syn;

/// `FilterPattern.literal('[ERROR]')`: one field that is called ERROR.
pub(super) fn dead_pattern<'a>(model: &Model<'a>, call: Syn<'a>, out: &mut Findings<'a>) -> Option<()> {
    let argument = call.field("arguments")?.first()?;
    let text = value_of(model, argument);
    let word = dead_word(text)?;
    let orphan = filter_around(model, call).and_then(|filter| silent_group(model, &filter));
    let orphan = orphan.map_or_else(String::new, |group| {
        let label = group.label();
        format!(
            " Nothing in the app writes to its log group {label} either: point the filter at the group that a function logs to."
        )
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

/// The word of a pattern that is one word in brackets.
fn dead_word(pattern: Syn<'_>) -> Option<&str> {
    let text = Some(pattern).filter(|pattern| pattern.is("string")).map(string_text)?;
    let word = text.strip_prefix('[')?.strip_suffix(']')?;
    let plain = !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    plain.then_some(word)
}

/// A log group that filters look at, and whose name nothing in the app, and so nobody, gets to know.
pub(super) fn unwritten<'a>(model: &Model<'a>, group: &Site<'a>, out: &mut Findings<'a>) -> Option<()> {
    let filters = only_filters(model, group)?;
    let (what, on) = if filters.len() == 1 {
        ("the metric filter on it counts", "that")
    } else {
        ("the metric filters on it count", "those")
    };
    let label = group.label();
    let message = format!(
        "Nothing in the app writes to the log group {label}, and nobody is told its name: {what} nothing, and an alarm on {on} never rings."
    );
    let finding = out.report(&META, model, group.node, message);
    finding.key("unwritten").refuse(
        "it cannot be told whose log it is meant to be",
        "give the group to the function that shall log there (logGroup), or point the filter at the group that it logs to",
    );
    Some(())
}

/// The filters on a log group, where nothing else of the app has to do with it.
fn only_filters<'a>(model: &Model<'a>, group: &Site<'a>) -> Option<Vec<Syn<'a>>> {
    if let Some(filter) = filter_of(model, group) {
        return Some(vec![filter]);
    }
    let uses = model.uses(group);
    if group.local.is_some() || !group.node.is("new_expression") || is_named_out_of_sight(model, group, &uses)
    {
        return None;
    }
    let mut filters = Vec::new();
    for used in &uses {
        match use_of(model, *used, &uses)? {
            Used::ByFilter(filter) => filters.push(filter),
            Used::PassedOn => {}
        }
    }
    (!filters.is_empty()).then_some(filters)
}

/// The filter in whose props a group is built.
fn filter_of<'a>(model: &Model<'a>, group: &Site<'a>) -> Option<Syn<'a>> {
    let object = group.node.parent().filter(|pair| pair.is("pair"))?.parent()?;
    let filter = model.site_of(object.parent().filter(|list| list.is("arguments"))?.parent()?)?;
    model.builds(&filter, "aws_logs.MetricFilter").then_some(filter.node)
}

/// What the app does with a log group at a place.
enum Used<'a> {
    ByFilter(Syn<'a>),
    /// Under a name whose uses are known as well.
    PassedOn,
}

fn use_of<'a>(model: &Model<'a>, used: Syn<'a>, uses: &[Syn<'a>]) -> Option<Used<'a>> {
    let around = used.parent()?;
    let built = || {
        let holder = if around.is("pair") { around.parent()? } else { around };
        let arguments = holder.parent().filter(|list| holder.is("object") && list.is("arguments"))?;
        model.site_of(arguments.parent()?)
    };
    match around.kind() {
        "member_expression" if around.field("object") == Some(used) => {
            let call = around.parent().filter(|call| call.field("function") == Some(around))?;
            match around.field("property")?.text() {
                "addMetricFilter" => Some(Used::ByFilter(call)),
                "applyRemovalPolicy" => Some(Used::PassedOn),
                _ => None,
            }
        }
        "pair" | "object" => {
            let site = built()?;
            if model.builds(&site, "aws_logs.MetricFilter") {
                return Some(Used::ByFilter(site.node));
            }
            let inside = |other: &Syn<'a>| class_around(*other) == site.local;
            (site.local.is_some() && uses.iter().any(inside)).then_some(Used::PassedOn)
        }
        "assignment_expression" => {
            let left = around.field("left")?;
            let own = left.field("object").is_some_and(|object| object.is("this"));
            own.then_some(Used::PassedOn)
        }
        _ => None,
    }
}

/// Whether a field that holds a group is read in a way that cannot be followed.
fn is_named_out_of_sight<'a>(model: &Model<'a>, group: &Site<'a>, uses: &[Syn<'a>]) -> bool {
    let fields: Vec<&str> = match group.binding() {
        Binding::Field(name) => vec![name.text()],
        _ => uses
            .iter()
            .filter_map(|used| used.parent()?.field("left")?.field("property"))
            .map(Syn::text)
            .collect(),
    };
    fields.into_iter().any(|name| {
        model.cdk_files().any(|file| {
            words(Syn::root(file), name).filter_map(|at| Syn::root(file).at(at)).any(|token| {
                let Some(around) = token.parent() else { return false };
                let assigned = || around.parent().is_some_and(|outer| outer.field("left") == Some(around));
                match token.kind() {
                    "property_identifier" => {
                        around.is("member_expression") && !uses.contains(&around) && !assigned()
                    }
                    "shorthand_property_identifier_pattern" => true,
                    _ => around.is("subscript_expression") || token.is("string_fragment"),
                }
            })
        })
    })
}

/// The `MetricFilter` whose pattern stands at a place.
fn filter_around<'a>(model: &Model<'a>, pattern: Syn<'a>) -> Option<Site<'a>> {
    let built = pattern.ancestors().find(|node| node.is("new_expression"))?;
    model.site_of(built).filter(|site| model.builds(site, "aws_logs.MetricFilter"))
}

/// The log group of a filter, where the app builds it for filters alone, under a name that none of its services writes to. One
/// without a name has a finding of its own.
fn silent_group<'a>(model: &Model<'a>, filter: &Site<'a>) -> Option<Site<'a>> {
    let group = model.origin(filter.props(model).get(model, "logGroup").value()?)?;
    let name = group.props(model).get(model, "logGroupName").value()?.text();
    // What Lambda, CodeBuild and others write to by its name is none of ours.
    let by_service =
        ["/aws/", "API-Gateway"].iter().any(|part| name.contains(part)) && !name.contains("/aws/application");
    (!by_service && only_filters(model, &group).is_some()).then_some(group)
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
