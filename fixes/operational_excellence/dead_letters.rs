//! A function that looks at a dead-letter queue when its alarm rings.

use super::alarm_response::Alarm;
use super::remedy::Remedy;
use crate::detect::Refusal;
use crate::edit::names::is_visible;
use crate::edit::{Builder, no_fix};
use crate::model::{Model, Site};
use crate::syntax::Syn;

/// What the function runs. It leaves every message where it is.
const LOOK: &str = r"const { GetQueueAttributesCommand, ReceiveMessageCommand, SQSClient } = require('@aws-sdk/client-sqs');
const client = new SQSClient({});

exports.handler = async (event) => {
  const { QUEUE_URL: QueueUrl, LOG_BODY } = process.env;
  const alarm = event.alarmData && event.alarmData.alarmName;
  const say = (what, more) => console.log(JSON.stringify({ alarm, what, ...more }));

  const AttributeNames = ['ApproximateNumberOfMessages'];
  const queue = await client.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames }));
  const waiting = Number(queue.Attributes.ApproximateNumberOfMessages);

  // No visibility timeout: whoever reads the queue sees the message all the same
  const look = { QueueUrl, AttributeNames: ['All'], MaxNumberOfMessages: 1, VisibilityTimeout: 0 };
  const { Messages: [message] = [] } = await client.send(new ReceiveMessageCommand(look));
  if (!message) return say('nothing to see', { waiting });

  const { MessageId, Attributes, Body } = message;
  const more = { waiting, MessageId, Attributes, bytes: Buffer.byteLength(Body) };
  return say('a message that failed', LOG_BODY === 'true' ? { ...more, Body } : more);
};";

/// A dead-letter queue whose messages an alarm counts.
pub(super) struct Dead<'a> {
    /// The queue.
    pub(super) queue: Site<'a>,
    /// How the metric names it.
    named: Syn<'a>,
}

impl<'a> Dead<'a> {
    /// What an alarm watches, if that is how many messages wait in a queue where others leave what they cannot handle.
    pub(super) fn of(model: &Model<'a>, alarm: &Alarm<'a>) -> Option<Self> {
        let function = model.value_of(alarm.metric?).field("function")?;
        let counts = function.field("property")?.text() == "metricApproximateNumberOfMessagesVisible";
        let named = function.field("object").filter(|_| counts)?;
        let queue = model.origin(named).filter(|site| model.builds(site, "aws_sqs.Queue"))?;
        takes_failures(model, &queue).then_some(Self { queue, named })
    }
}

/// Whether a queue is named as the place for what fails.
pub(super) fn takes_failures<'a>(model: &Model<'a>, queue: &Site<'a>) -> bool {
    model.uses(queue).iter().any(|used| {
        let inside = used.ancestors().take_while(|node| !node.kind().ends_with("_statement"));
        inside.into_iter().any(|node| match node.kind() {
            "pair" => {
                node.field("key").is_some_and(|key| matches!(key.text(), "deadLetterQueue" | "onFailure"))
            }
            "new_expression" => model
                .site_of(node)
                .is_some_and(|site| site.class.starts_with("aws_lambda_event_sources.SqsDlq")),
            _ => false,
        }) || used.is("shorthand_property_identifier") && used.text() == "deadLetterQueue"
    })
}

/// Adds the function and lets the alarm start it.
///
/// # Errors
/// A [`Refusal`] where the queue cannot be named beside the alarm.
pub(super) fn add<'a>(b: &mut Builder<'_, 'a>, alarm: &Alarm<'a>, dead: &Dead<'a>) -> Result<(), Refusal> {
    let statement = b.statement(alarm.node)?;
    if !alarm.node.span().contains(&dead.named.start()) && !is_visible(statement, dead.named) {
        return Err(no_fix(
            "the queue has no name beside the alarm",
            "assign it to a constant before the alarm, then run again",
        ));
    }
    let queue = dead.named.text();
    let key = dead.queue.props(b.model).get(b.model, "encryptionMasterKey").present().is_some();
    let remedy = Remedy {
        comment: "Writes to its log what one of the messages is; takes none away",
        description: "Looks at the dead-letter queue when its alarm rings",
        constant: "LOOK_AT_MESSAGE",
        other: "LOOK_AT_DEAD_LETTER",
        about: "Logs what one message of a queue is, and leaves it there.",
        script: LOOK,
        environment: format!(
            "QUEUE_URL: {queue}.queueUrl,\n    // Bodies may hold what no log should; 'true' logs them\n    LOG_BODY: 'false',"
        ),
        actions: &["sqs:GetQueueAttributes", "sqs:ReceiveMessage"],
        resources: vec![format!("{queue}.queueArn")],
        grant: key.then(|| format!("{queue}.encryptionMasterKey?.grantDecrypt")),
    };
    remedy.add(b, alarm)
}
