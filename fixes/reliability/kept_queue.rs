//! A queue that keeps what could not be handled.

use crate::detect::Refusal;
use crate::edit::Builder;
use crate::edit::names::camel_name;
use crate::model::Site;
use crate::syntax::Syn;

/// A queue that keeps what could not be handled.
pub(super) struct KeptQueue<'s, 'a> {
    /// What it belongs to: it is built in the same scope, and its id starts alike.
    pub site: &'s Site<'a>,
    /// The key that encrypts it, if not SQS's own.
    pub key: Option<&'a str>,
    /// Whether it keeps an order: that of a FIFO queue has to.
    pub fifo: bool,
}

impl<'a> KeptQueue<'_, 'a> {
    /// The queue's name, which is the first of these that is free, and the code that builds it.
    ///
    /// # Errors
    /// A [`Refusal`] where the classes of the CDK cannot be named.
    pub(super) fn code(&self, b: &mut Builder<'_, 'a>, names: &[&str]) -> Result<(String, String), Refusal> {
        let at = self.site.node;
        let scope = b.scope_text(self.site);
        let id = b.sibling_id(self.site, "DeadLetterQueue");
        let name = b.fresh_name(at.file, names);
        let queue = b.cdk(at, "aws_sqs.Queue")?;
        let encryption = b.cdk(at, "aws_sqs.QueueEncryption")?;
        let duration = b.cdk(at, "Duration")?;
        let mut lines = Vec::new();
        if self.fifo {
            lines.push("fifo: true,".to_owned());
        }
        match self.key {
            Some(key) => {
                lines.push(format!("encryption: {encryption}.KMS,"));
                let key = if key == "encryptionMasterKey" {
                    key.to_owned()
                } else {
                    format!("encryptionMasterKey: {key}")
                };
                lines.push(format!("{key},"));
            }
            None if b.model.has_member("aws_sqs.QueueEncryption", "SQS_MANAGED") => {
                lines.push(format!("encryption: {encryption}.SQS_MANAGED,"));
            }
            None => lines.push(format!("encryption: {encryption}.KMS_MANAGED,")),
        }
        if b.model.has_prop("aws_sqs.Queue", "enforceSSL") {
            lines.push("enforceSSL: true,".to_owned());
        }
        lines.push(format!("retentionPeriod: {duration}.days(14),"));
        let code = format!("const {name} = new {queue}({scope}, {id}, {{\n  {}\n}});", lines.join("\n  "));
        Ok((name, code))
    }

    /// The code of an alarm on what arrives in the queue, to stand behind that of the queue before a statement; none where the other
    /// alarms of the file tell no topic.
    ///
    /// # Errors
    /// As [`KeptQueue::code`], and those of letting alarms reach their topic.
    pub(super) fn alarm(
        &self,
        b: &mut Builder<'_, 'a>,
        queue: &str,
        before: Syn<'a>,
    ) -> Result<String, Refusal> {
        let Some(action) = b.alarm_action(before)? else { return Ok(String::new()) };
        let scope = b.scope_text(self.site);
        let id = b.sibling_id(self.site, "DeadLetterAlarm");
        let class = b.cdk(before, "aws_cloudwatch.Alarm")?;
        let missing = b.cdk(before, "aws_cloudwatch.TreatMissingData")?;
        Ok(format!(
            "\n\nnew {class}({scope}, {id}, {{\n  alarmDescription: 'What could not be handled waits in the dead-letter queue',\n  metric: \
             {queue}.metricApproximateNumberOfMessagesVisible(),\n  threshold: 1,\n  evaluationPeriods: 1,\n  treatMissingData: \
             {missing}.NOT_BREACHING,\n}}).addAlarmAction({action});"
        ))
    }
}

/// `ordersDeadLetterQueue` for what is called `Orders`.
pub(super) fn name_for(label: &str) -> String {
    let stem = label.strip_suffix("Queue").or_else(|| label.strip_suffix("queue")).unwrap_or(label);
    camel_name(stem).map_or_else(|| "deadLetterQueue".to_owned(), |name| format!("{name}DeadLetterQueue"))
}

#[cfg(test)]
mod tests {
    use super::name_for;

    #[test]
    fn a_queue_is_called_by_what_it_belongs_to() {
        for (label, name) in [
            ("Orders", "ordersDeadLetterQueue"),
            ("JobQueue", "jobDeadLetterQueue"),
            ("Queue", "deadLetterQueue"),
            ("SQSPublish", "sqsPublishDeadLetterQueue"),
        ] {
            assert_eq!(name_for(label), name);
        }
    }
}
