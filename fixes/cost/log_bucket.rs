//! Buckets that collect logs, and never delete any.

use super::wa_4_1_logs_without_archive::{ARCHIVED, META};
use crate::detect::Findings;
use crate::edit::no_fix;
use crate::fixes::operational_excellence::deploying_stages::parts;
use crate::model::meaning::has_word;
use crate::model::{Binding, Model, Prop, Site};
use crate::rule::{AnswerType, Impact, Question, Tier};
use crate::syntax::Syn;

pub(super) const EXPIRATION: Question = Question {
    key: "log_expiration_days",
    ask: "After how many days shall logs in buckets be deleted?",
    kind: AnswerType::Number { least: 1, most: 65_535 },
    example: "365",
};

/// Reports a bucket of logs without a lifecycle.
pub(super) fn check_bucket<'a>(model: &Model<'a>, bucket: Site<'a>, out: &mut Findings<'a>) -> Option<()> {
    let same =
        |expression: Syn<'a>| model.origin(expression).is_some_and(|origin| origin.node == bucket.node);
    let props = bucket.props(model);
    let dropped = props.get(model, "removalPolicy").value().and_then(|value| model.cdk_name(value));
    let ruled = model
        .method_calls("addLifecycleRule")
        .any(|call| call.field("function").and_then(|function| function.field("object")).is_some_and(same));
    if bucket.local.is_some()
        || ruled
        || dropped.is_some_and(|policy| policy.ends_with(".DESTROY"))
        || !collects_logs(model, &bucket)
    {
        return None;
    }
    let label = bucket.label();
    let message = format!(
        "{label} collects logs, and nothing is ever deleted from it or moved to cheaper storage. The fix deletes objects after the days that you \
         name as log_expiration_days, and moves them to Glacier after 30 where those are 120 or more."
    );
    let finding = out.report(&META, model, bucket.node, message);
    finding.impact(Impact::Low).tier(Tier::Review);
    finding.fix(format!("Give the logs in {label} an end"), move |b| {
        let answer = b.value(&EXPIRATION)?;
        let days: u16 = answer.trim().parse().ok().filter(|days| *days > 0).ok_or_else(|| {
            no_fix(&format!("log_expiration_days is {answer}, which is no number of days"), "give one such as 365")
        })?;
        let duration = b.cdk(bucket.node, "Duration")?;
        let mut rule = String::new();
        if days >= ARCHIVED {
            let class = b.cdk(bucket.node, "aws_s3.StorageClass")?;
            rule = format!(
                "\n    transitions: [\n      {{ storageClass: {class}.GLACIER, transitionAfter: {duration}.days(30) }},\n    ],"
            );
        }
        let versioned = bucket.props(b.model).get(b.model, "versioned") != Prop::Absent;
        let old = if versioned {
            format!("\n    noncurrentVersionExpiration: {duration}.days(30),")
        } else {
            String::new()
        };
        let rules = format!("[\n  {{{rule}\n    expiration: {duration}.days({days}),{old}\n  }},\n]");
        b.set_prop(&bucket, "lifecycleRules", &rules)
    });
    Some(())
}

/// Whether a bucket is one for logs: by its name, or because another bucket sends its access logs there.
fn collects_logs<'a>(model: &Model<'a>, bucket: &Site<'a>) -> bool {
    let bound = match bucket.binding() {
        Binding::Variable(name) | Binding::Field(name) => name.text(),
        Binding::None => "",
    };
    let name = bucket.props(model).get(model, "bucketName").value().map(Syn::text).unwrap_or_default();
    let says =
        |name: &str| parts(name).iter().any(|word| matches!(word.as_str(), "log" | "logs" | "logging"));
    if says(&bucket.label()) || says(bound) || says(name) {
        return true;
    }
    let told = model.cdk_files().any(|file| has_word(&file.text, "serverAccessLogsBucket"));
    told && model.all_sites().any(|site| {
        let target = site.props(model).get(model, "serverAccessLogsBucket").value();
        site.node != bucket.node
            && target.and_then(|target| model.origin(target)).is_some_and(|origin| origin.node == bucket.node)
    })
}
