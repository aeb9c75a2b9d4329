//! Alarms that reach somebody: the topic that the others of the file use, and the key of that topic.

use super::builder::Builder;
use super::names::is_visible;
use crate::detect::Refusal;
use crate::model::meaning::is_class;
use crate::model::scope::{Declaration, lookup};
use crate::syntax::Syn;

/// Who has to be able to use the key of an encrypted topic, for alarms to be published to it.
const CLOUDWATCH: &str = "cloudwatch.amazonaws.com";

impl<'a> Builder<'_, 'a> {
    /// The topic that other alarms of the same file tell, if its name can be used at a place.
    pub fn alarm_topic(&self, at: Syn<'a>) -> Option<Syn<'a>> {
        let actions = self
            .model
            .sites(at.file)
            .iter()
            .filter(|site| site.class.is_a("aws_cloudwatch_actions.SnsAction"));
        let topics = actions.filter_map(|action| action.arguments.first().copied());
        topics.into_iter().find(|topic| is_visible(at, *topic) && self.is_set(at, *topic))
    }

    /// Whether a name that is visible has its value already.
    fn is_set(&self, at: Syn<'a>, topic: Syn<'a>) -> bool {
        if let Some(Declaration::Destructured { name, parameter: None, .. }) =
            Some(topic).filter(|name| name.is("identifier")).and_then(|name| lookup(name, name.text()))
        {
            return name.end() <= at.start();
        }
        let class = |node: Syn<'a>| node.ancestors().find(|node| is_class(*node));
        self.model.origin(topic).is_none_or(|site| {
            !std::ptr::eq(site.node.file, at.file)
                || class(site.node) != class(at)
                || site.node.end() <= at.start()
        })
    }

    /// Lets CloudWatch use the key of an encrypted topic, where the app builds the key and nothing in it names
    /// CloudWatch: without that, an alarm is published to nobody, and nothing says so.
    ///
    /// # Errors
    /// Those of naming classes of the CDK.
    pub fn let_alarms_reach(&mut self, topic: Syn<'a>) -> Result<(), Refusal> {
        let model = self.model;
        let key = model
            .origin(topic)
            .and_then(|topic| topic.props(model).get(model, "masterKey").value())
            .and_then(|key| model.origin(key))
            .filter(|key| model.builds(key, "aws_kms.Key"));
        let Some((key, name)) = key.and_then(|key| key.bound().map(|name| (key, name))) else {
            return Ok(());
        };
        if model.cdk_files().any(|file| file.text.contains(CLOUDWATCH)) {
            return Ok(());
        }
        let statement = self.statement(key.node)?;
        let adds = format!("{name}.addToResourcePolicy(");
        let behind = statement
            .parent()
            .and_then(|block| block.children().filter(|other| other.text().starts_with(&adds)).last())
            .unwrap_or(statement);
        let class = self.cdk(key.node, "aws_iam.PolicyStatement")?;
        let principal = self.cdk(key.node, "aws_iam.ServicePrincipal")?;
        self.insert_after(
            behind,
            &format!(
                "// Alarms are published to an encrypted topic\n{adds}\n  new {class}({{\n    principals: [new \
                 {principal}('{CLOUDWATCH}')],\n    actions: ['kms:Decrypt', 'kms:GenerateDataKey*'],\n    \
                 resources: ['*'],\n  }})\n);"
            ),
        );
        Ok(())
    }
}
