//! How long logs are kept, and how a fix says it.

use crate::detect::Refusal;
use crate::edit::{Builder, no_fix};
use crate::model::{Binding, Discriminator, Environment, Model, Prop, Site};
use crate::rule::{AnswerType, Question};
use crate::syntax::Syn;

pub(super) const RETENTION: Question = Question {
    key: "log_retention",
    ask: "How long shall logs be kept that have no limit today? A member of RetentionDays; older events are deleted.",
    kind: AnswerType::Choice(&MEMBERS),
    example: "ONE_YEAR",
};

/// Members of `RetentionDays`, with their days.
const DAYS: [(&str, u16); 22] = [
    ("ONE_DAY", 1),
    ("THREE_DAYS", 3),
    ("FIVE_DAYS", 5),
    ("ONE_WEEK", 7),
    ("TWO_WEEKS", 14),
    ("ONE_MONTH", 30),
    ("TWO_MONTHS", 60),
    ("THREE_MONTHS", 90),
    ("FOUR_MONTHS", 120),
    ("FIVE_MONTHS", 150),
    ("SIX_MONTHS", 180),
    ("ONE_YEAR", 365),
    ("THIRTEEN_MONTHS", 400),
    ("EIGHTEEN_MONTHS", 545),
    ("TWO_YEARS", 731),
    ("THREE_YEARS", 1096),
    ("FIVE_YEARS", 1827),
    ("SIX_YEARS", 2192),
    ("SEVEN_YEARS", 2557),
    ("EIGHT_YEARS", 2922),
    ("NINE_YEARS", 3288),
    ("TEN_YEARS", 3653),
];

/// Their names alone, for the question.
const MEMBERS: [&str; DAYS.len()] = {
    let mut members = [""; DAYS.len()];
    let mut at = 0;
    while at < DAYS.len() {
        #[expect(clippy::indexing_slicing, reason = "both have the same length, and the compiler runs it")]
        {
            members[at] = DAYS[at].0;
        }
        at += 1;
    }
    members
};

pub(super) const WEEK: u16 = 7;
const YEAR: u16 = 365;
pub(super) const SHORT: &str = "ONE_WEEK";
/// What CDK gives a group that says nothing.
pub(super) const DEFAULT: &str = "TWO_YEARS";
pub(super) const NEVER: &str = "INFINITE";
/// Names of logs that are kept because somebody may ask for them.
const AUDIT: [&str; 8] = ["trail", "audit", "flowlog", "flow-log", "flow_log", "waf", "compliance", "access"];

/// How long a property keeps logs today: a member of `RetentionDays`. `None` where it is no constant.
pub(super) fn kept<'a>(
    model: &Model<'a>,
    prop: Prop<'a>,
    absent: &'static str,
) -> Option<(String, Option<Syn<'a>>)> {
    match prop {
        Prop::Absent => Some((absent.to_owned(), None)),
        Prop::Present(entry) if entry.value.is("member_expression") => {
            let name = model.cdk_name(entry.value)?;
            Some((name.strip_prefix("aws_logs.RetentionDays.")?.to_owned(), Some(entry.value)))
        }
        _ => None,
    }
}

/// The days of a member; `None` is for ever.
pub(crate) fn days(member: &str) -> Option<u16> {
    DAYS.iter().find(|(name, _)| *name == member).map(|(_, days)| *days)
}

pub(super) fn is_bounded_to_a_week(member: &str) -> bool {
    days(member).is_some_and(|days| days <= WEEK)
}

pub(super) fn in_words(member: &str) -> String {
    days(member).map_or_else(|| "for ever".to_owned(), |days| format!("for {days} days"))
}

/// Whether a group's names say that somebody may ask for its logs later.
pub(crate) fn is_audit<'a>(model: &Model<'a>, group: &Site<'a>) -> bool {
    let name = group.props(model).get(model, "logGroupName").value().map(Syn::text).unwrap_or_default();
    let bound = match group.binding() {
        Binding::Variable(name) | Binding::Field(name) => name.text(),
        Binding::None => "",
    };
    let id = group.id().map(Syn::text).unwrap_or_default();
    let text = format!("{id} {name} {bound}").to_lowercase();
    AUDIT.iter().any(|word| text.contains(word))
}

/// `RETAIN` and a year or more: a decision. A delivery group has a fixed retention.
pub(super) fn is_kept_on_purpose<'a>(model: &Model<'a>, group: &Site<'a>) -> bool {
    let props = group.props(model);
    let named = |prop: &str| props.get(model, prop).value().and_then(|value| model.cdk_name(value));
    let long = named("retention").is_some_and(|name| {
        let member = name.rsplit('.').next().unwrap_or_default();
        days(member).is_none_or(|days| days >= YEAR)
    });
    let delivery = named("logGroupClass").is_some_and(|class| class.ends_with(".DELIVERY"));
    delivery || long && named("removalPolicy").is_some_and(|policy| policy.ends_with("RemovalPolicy.RETAIN"))
}

/// Whether the repository runs Checkov, which wants a year of logs in every environment (`CKV_AWS_338`), and does not skip that.
pub(super) fn is_wanted_for_a_year(model: &Model<'_>) -> bool {
    let settings = [".checkov.yaml", ".checkov.yml", ".pre-commit-config.yaml"];
    let settings: Vec<String> = settings.iter().filter_map(|file| model.app.text_above(file)).collect();
    let says = |word: &str| {
        model.app.files.iter().any(|file| file.text().is_ok_and(|text| text.contains(word)))
            || settings.iter().any(|text| text.contains(word))
    };
    let runs =
        model.app.text_above(".checkov.yaml").is_some() || model.app.text_above(".checkov.yml").is_some();
    (runs || says("checkov")) && !says("CKV_AWS_338")
}

/// Where the fix will write: the expression in scope there decides.
pub(super) fn place<'a>(model: &Model<'a>, site: &Site<'a>) -> Syn<'a> {
    site.props(model).object().filter(|object| std::ptr::eq(object.file, site.node.file)).unwrap_or(site.node)
}

/// A sentence on what production is, for messages.
pub(super) fn assumed(known: &Discriminator<'_>) -> &'static str {
    if known.guessed { " Nothing in the app says what production is called; 'prod' is assumed." } else { "" }
}

/// What a fix writes.
pub(super) enum Retention {
    Fixed(String),
    Tiered(String, String, String),
}

impl Retention {
    /// As one expression on one line.
    pub(super) fn line(self) -> String {
        match self {
            Self::Fixed(value) => value,
            Self::Tiered(condition, yes, no) => format!("{condition} ? {yes} : {no}"),
        }
    }
}

/// Production keeps `today`, or what was answered where that is no limit, the others a week; without an environment it is
/// what was answered.
pub(super) fn retention<'a>(
    b: &Builder<'_, 'a>,
    at: Syn<'a>,
    today: &str,
    days: &str,
) -> Result<Retention, Refusal> {
    let Environment::Known(known) = b.environment(at) else {
        return Ok(Retention::Fixed(format!("{days}.{}", member(b.value(&RETENTION)?)?)));
    };
    // Whoever says how long logs are kept that have no limit means those of production, too.
    let kept = match b.value_if_given(RETENTION.key) {
        Some(answer) if today == NEVER => member(answer)?,
        _ => today,
    };
    Ok(Retention::Tiered(known.expression, format!("{days}.{kept}"), format!("{days}.{SHORT}")))
}

/// An answer, where it is a member of `RetentionDays`.
fn member(answer: &str) -> Result<&str, Refusal> {
    if days(answer).is_some() || answer == NEVER {
        return Ok(answer);
    }
    Err(no_fix(
        &format!("log_retention is {answer}, which is no member of RetentionDays"),
        "give one such as ONE_YEAR",
    ))
}

/// `retention: …` inside a construct that is written before or after a statement.
pub(super) fn entry<'a>(b: &mut Builder<'_, 'a>, statement: Syn<'a>, kept: Retention) -> String {
    match kept {
        Retention::Fixed(value) => format!("retention: {value}"),
        Retention::Tiered(condition, yes, no) => {
            let value = b.conditional(statement, "  retention", (&condition, &yes, &no));
            let gap = if value.starts_with('\n') { "" } else { " " };
            format!("retention:{gap}{}", value.replace('\n', "\n  "))
        }
    }
}
