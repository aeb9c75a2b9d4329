//! Parts of 2.5 about what Lambda reads for a function: a queue or a stream that keeps nothing of what cannot be handled.

use super::kept_queue::{KeptQueue, name_for};
use crate::detect::{Findings, Refusal};
use crate::edit::{Builder, no_fix};
use crate::model::{Model, Prop, Site};
use crate::rule::{Impact, Meta, Tier};
use crate::syntax::Syn;

/// How often a message is handed out before it is set aside: AWS advises five or more for Lambda.
const RECEIVES: u32 = 5;
/// How often a batch of a stream is tried again.
const RETRIES: u32 = 5;

/// Reports a queue that Lambda reads and that has no dead-letter queue, at the first source that reads it.
pub(super) fn check_queue<'a>(
    meta: &'static Meta,
    model: &Model<'a>,
    source: &Site<'a>,
    out: &mut Findings<'a>,
) -> Option<()> {
    let queue_of = |site: &Site<'a>| model.origin(*site.arguments.first()?);
    let queue = queue_of(source).filter(|queue| model.builds(queue, "aws_sqs.Queue"))?;
    let reads = |site: &Site<'a>| {
        model.builds(site, "aws_lambda_event_sources.SqsEventSource")
            && queue_of(site).is_some_and(|other| other.node == queue.node)
    };
    let first = model.all_sites().find(reads)?;
    let props = queue.props(model);
    if first.node != source.node
        || queue.local.is_some()
        || props.get(model, "deadLetterQueue") != Prop::Absent
        || keeps_failures(model, &queue)
    {
        return None;
    }
    let fifo = match props.get(model, "fifo") {
        Prop::Absent => {
            let named = props.get(model, "queueName").value();
            named.is_some_and(|name| name.text().contains(".fifo"))
        }
        Prop::Present(entry) => match entry.value.text() {
            "true" => true,
            "false" => false,
            _ => return None,
        },
        Prop::Unknown => return None,
    };
    let label = queue.label();
    let order = if fifo { ", and those behind it in its group wait" } else { "" };
    let message = format!(
        "A message of {label} that its function cannot handle is read again and again until it expires{order}; then it is gone without a \
         trace. The fix sets it aside after {RECEIVES} attempts, in a queue that keeps it for 14 days; a queue that stays empty costs nothing."
    );
    let candidate = out.report(meta, model, queue.node, message);
    candidate.key("source").impact(Impact::Medium).tier(Tier::Safe);
    candidate.fix(format!("Add a dead-letter queue to {label}"), move |b| {
        let kept = KeptQueue { site: &queue, key: key_of_queue(b.model, &queue), fifo };
        let name = name_for(&queue.label());
        let statement = b.statement(queue.node)?;
        let (name, mut code) = kept.code(b, &[&name, "deadLetterQueue"])?;
        code.push_str(&kept.alarm(b, &name, statement)?);
        b.insert_before(statement, &code);
        let value = if name == "queue" { "queue".to_owned() } else { format!("queue: {name}") };
        b.set_prop(&queue, "deadLetterQueue", &format!("{{ {value}, maxReceiveCount: {RECEIVES} }}"))
    });
    Some(())
}

/// Reports a stream whose source retries a batch until it expires, and keeps nothing of it.
pub(super) fn check_stream<'a>(
    meta: &'static Meta,
    model: &Model<'a>,
    source: Site<'a>,
    out: &mut Findings<'a>,
) -> Option<()> {
    let owner = model.origin(*source.arguments.first()?)?;
    let props = source.props(model);
    let bound = ["retryAttempts", "maxRecordAge"].map(|name| props.get(model, name));
    // Never to give up is a decision.
    let endless = |bound: &Prop<'a>| bound.value().is_some_and(|value| value.text() == "-1");
    if bound.iter().any(|bound| *bound == Prop::Unknown || endless(bound)) {
        return None;
    }
    let dropped = bound.iter().any(|bound| *bound != Prop::Absent);
    let label = owner.label();
    let message = if dropped {
        format!(
            "A record of {label} that its function cannot handle is given up and gone without a trace. The fix keeps in a queue for 14 days \
             where in the stream it is; a queue that stays empty costs nothing."
        )
    } else {
        format!(
            "A record of {label} that its function cannot handle is tried again until it expires, for a day or longer, and all behind it in \
             its shard wait; then it is gone. The fix tries it {RETRIES} times, halves the batch to find the bad record, and keeps in a queue \
             for 14 days where in the stream it is."
        )
    };
    let candidate = out.report(meta, model, source.node, message);
    let tier = if dropped { Tier::Safe } else { Tier::Review };
    candidate.key("source").impact(Impact::Medium).tier(tier);
    let title = if dropped {
        format!("Keep what is given up of {label}")
    } else {
        format!("Let {label} go on behind a record that cannot be handled")
    };
    candidate.fix(title, move |b| keep_record(b, &owner, &source, dropped));
    Some(())
}

fn keep_record<'a>(
    b: &mut Builder<'_, 'a>,
    owner: &Site<'a>,
    source: &Site<'a>,
    dropped: bool,
) -> Result<(), Refusal> {
    let statement = b.statement(source.node)?;
    let elsewhere = || {
        no_fix(
            "its stream is built elsewhere, and nothing here says what a queue would belong to",
            "give the source an onFailure and retryAttempts",
        )
    };
    let near = b.statement(owner.node)?;
    let visible = std::ptr::eq(near.file, statement.file)
        && near.end() <= statement.start()
        && near.parent().is_some_and(|block| statement.ancestors().any(|around| around == block));
    let scoped = owner.scope().is_some();
    if !visible || !scoped {
        return Err(elsewhere());
    }
    let kept = KeptQueue { site: owner, key: None, fifo: false };
    let name = name_for(&owner.label());
    let (name, mut code) = kept.code(b, &[&name, "deadLetterQueue"])?;
    code.push_str(&kept.alarm(b, &name, statement)?);
    b.insert_before(statement, &code);
    let object = source.props_argument().filter(|object| object.is("object")).ok_or_else(|| {
        no_fix(
            "the options of its source are put together elsewhere",
            "write them where the source is built, then run again",
        )
    })?;
    let destination = b.cdk(source.node, "aws_lambda_event_sources.SqsDlq")?;
    let mut entries = Vec::new();
    let props = source.props(b.model);
    if !dropped {
        if props.get(b.model, "bisectBatchOnError") == Prop::Absent {
            entries.push(("bisectBatchOnError", "true".to_owned()));
        }
        entries.push(("retryAttempts", RETRIES.to_string()));
    }
    entries.push(("onFailure", format!("new {destination}({name})")));
    b.insert_entries(object, &entries);
    Ok(())
}

/// The key that a queue is encrypted with, if it is a key of one's own.
fn key_of_queue<'a>(model: &Model<'a>, queue: &Site<'a>) -> Option<&'a str> {
    queue.props(model).get(model, "encryptionMasterKey").value().map(Syn::text)
}

/// Whether a queue keeps the failures of something else: it would be the end of the line.
fn keeps_failures<'a>(model: &Model<'a>, queue: &Site<'a>) -> bool {
    model.uses(queue).into_iter().any(|used| {
        let mut around = used.ancestors().take_while(|around| !around.is("statement_block"));
        used.is("shorthand_property_identifier") && used.text() == "deadLetterQueue"
            || around.any(|around| match around.kind() {
                "pair" => around
                    .field("key")
                    .is_some_and(|key| matches!(key.text(), "deadLetterQueue" | "onFailure")),
                "new_expression" => {
                    let class = around.field("constructor").map_or("", Syn::text);
                    ["SqsDlq", "SqsDestination"].iter().any(|end| class.ends_with(end))
                }
                _ => false,
            })
    })
}
