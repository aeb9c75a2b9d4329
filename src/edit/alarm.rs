//! Alarms that reach somebody: the topic that the others of the file use, and the key of that topic.

use super::builder::Builder;
use super::names::is_visible;
use crate::detect::Refusal;
use crate::model::meaning::is_class;
use crate::model::scope::{Declaration, lookup};
use crate::model::{Model, Site};
use crate::syntax::Syn;

/// Who has to be able to use the key of an encrypted topic, for alarms to be published to it.
const CLOUDWATCH: &str = "cloudwatch.amazonaws.com";

/// The key of an encrypted topic, where the app builds it and nothing in the app lets CloudWatch use it.
pub fn closed_key<'a>(model: &Model<'a>, topic: &Site<'a>) -> Option<Site<'a>> {
    let key = topic.props(model).get(model, "masterKey").value().and_then(|key| model.origin(key));
    key.filter(|key| model.builds(key, "aws_kms.Key")).filter(|_| !names_cloudwatch(model))
}

/// Whether the app gives a topic a policy of its own that does not admit CloudWatch: the first statement replaces the policy
/// which lets everything of the account publish.
pub fn is_closed<'a>(model: &Model<'a>, topic: &Site<'a>) -> bool {
    const POLICIES: [&str; 4] = [
        "aws_events_targets.SnsTopic",
        "aws_s3_notifications.SnsDestination",
        "aws_sns.TopicPolicy",
        "aws_sns.CfnTopicPolicy",
    ];
    let is = |expression: Syn<'a>| model.origin(expression).is_some_and(|site| site.node == topic.node);
    let on =
        |call: &Syn<'a>| call.field("function").and_then(|function| function.field("object")).is_some_and(is);
    // What is granted to a role of the account stands in the policy of the role.
    let to_service = |call: Syn<'a>| {
        let grantee = call.field("arguments").and_then(Syn::first);
        grantee
            .and_then(|grantee| model.origin(grantee))
            .is_some_and(|site| model.builds(&site, "aws_iam.ServicePrincipal"))
    };
    let granted = || model.method_calls("grantPublish").filter(on).any(to_service);
    let stated = || model.method_calls("addToResourcePolicy").any(|call| on(&call));
    let used = || {
        model.all_sites().filter(|site| POLICIES.iter().any(|class| model.builds(site, class))).any(|site| {
            let list = site.props(model).get(model, "topics").value().and_then(|topics| model.array(topics));
            site.arguments.first().copied().is_some_and(is)
                || list.into_iter().flat_map(Syn::children).any(is)
        })
    };
    let ssl = topic.props(model).get(model, "enforceSSL").value().is_some_and(|value| value.is("true"));
    model.builds(topic, "aws_sns.Topic")
        && !names_cloudwatch(model)
        && (ssl || granted() || stated() || used())
}

fn names_cloudwatch(model: &Model<'_>) -> bool {
    model.cdk_files().any(|file| file.text.contains(CLOUDWATCH))
}

impl<'a> Builder<'_, 'a> {
    /// The action that tells the topic of the file's other alarms, as code, and lets alarms reach it; `None` where there is none.
    ///
    /// # Errors
    /// Those of naming classes of the CDK.
    pub fn alarm_action(&mut self, at: Syn<'a>) -> Result<Option<String>, Refusal> {
        let Some(topic) = self.alarm_topic(at) else { return Ok(None) };
        self.let_alarms_reach(topic)?;
        let class = self.cdk(at, "aws_cloudwatch_actions.SnsAction")?;
        Ok(Some(format!("new {class}({})", topic.text())))
    }

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

    /// Lets alarms reach a topic of the app, where nothing in the app names CloudWatch: its key, if it is encrypted, has to admit
    /// CloudWatch, and so has its policy, if it has one, which replaces the one that does. Without that an alarm is
    /// published to nobody, and nothing says so.
    ///
    /// # Errors
    /// Those of naming classes of the CDK.
    pub fn let_alarms_reach(&mut self, topic: Syn<'a>) -> Result<(), Refusal> {
        let Some(topic) = self.model.origin(topic) else { return Ok(()) };
        if let Some(key) = closed_key(self.model, &topic) {
            self.admit_to_key(&key)?;
        }
        if is_closed(self.model, &topic) {
            self.admit_to_topic(&topic)?;
        }
        Ok(())
    }

    fn admit_to_key(&mut self, key: &Site<'a>) -> Result<(), Refusal> {
        let Some(name) = key.bound() else { return Ok(()) };
        let adds = format!("{name}.addToResourcePolicy(");
        let behind = self.behind_calls(key, &adds)?;
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

    fn admit_to_topic(&mut self, topic: &Site<'a>) -> Result<(), Refusal> {
        let Some(name) = topic.bound() else { return Ok(()) };
        let adds = format!("{name}.grantPublish(");
        let behind = self.behind_calls(topic, &adds)?;
        let principal = self.cdk(topic.node, "aws_iam.ServicePrincipal")?;
        self.insert_after(
            behind,
            &format!(
                "// The topic has a policy of its own, which has to name the alarms\n{adds}new {principal}('{CLOUDWATCH}'));"
            ),
        );
        Ok(())
    }

    /// The statement that builds a construct, or the last of its block that begins with a call on it.
    fn behind_calls(&self, site: &Site<'a>, call: &str) -> Result<Syn<'a>, Refusal> {
        let statement = self.statement(site.node)?;
        let calls = statement.parent();
        let calls =
            calls.and_then(|block| block.children().filter(|other| other.text().starts_with(call)).last());
        Ok(calls.unwrap_or(statement))
    }
}
