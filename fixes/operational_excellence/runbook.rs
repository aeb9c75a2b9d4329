//! The text of a runbook, from what the app builds. The same app gives the same text: no dates, no line numbers.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::super::sustainability::unbounded_logs::has_group;
use super::document::{Facts, PHYS, begin, cell, end, id_of, one_line};
use crate::edit::alarm::{closed_key, is_closed};
use crate::model::imports::string_text;
use crate::model::scope::is_function;
use crate::model::{Meaning, Model, Prop, Props, Site};
use crate::syntax::Syn;

/// An alarm: `new Alarm(…)` or `metric.createAlarm(…)`.
#[derive(Debug, Clone)]
pub(super) struct Alarm<'a> {
    /// The expression that builds it.
    pub(super) node: Syn<'a>,
    /// Its props.
    pub(super) props: Props<'a>,
    /// Its id, as the heading of its section.
    pub(super) label: String,
    /// The anchor of that section, where the id is a literal.
    pub(super) anchor: Option<String>,
    /// Where a function makes it and is given the id: the ids that it is given.
    pub(super) made: Vec<Syn<'a>>,
}

/// The ids that the function around is called with, where an id is a parameter of it.
fn made_by<'a>(model: &Model<'a>, id: Syn<'a>) -> Vec<Syn<'a>> {
    let given = || {
        let Some(Meaning::Parameter(parameter)) = model.meaning(id) else { return None };
        let function = parameter.ancestors().find(|around| is_function(around.kind()))?;
        let is_it = |one: Syn<'a>| one.start() <= parameter.start() && parameter.end() <= one.end();
        let at = function.field("parameters")?.children().position(is_it)?;
        let calls = model.callers(function);
        Some(calls.into_iter().filter_map(|call| call.field("arguments")?.children().nth(at)).collect())
    };
    given().unwrap_or_default()
}

/// What is called with these arguments.
fn callee<'a>(arguments: &[Syn<'a>]) -> &'a str {
    let call = arguments.first().and_then(|argument| argument.ancestor("call_expression"));
    let function = call.and_then(|call| call.field("function"));
    function.map_or("", |function| function.field("property").unwrap_or(function).text())
}

/// The alarms of an app, by path and offset.
pub(super) fn alarms<'a>(model: &Model<'a>) -> Vec<Alarm<'a>> {
    let mut found: Vec<(Syn<'a>, Props<'a>, Option<Syn<'a>>)> = model
        .all_sites()
        .filter(|site| site.node.is("new_expression") && model.builds(site, "aws_cloudwatch.Alarm"))
        .map(|site| (site.node, site.props(model), site.id()))
        .collect();
    for call in model.method_calls("createAlarm") {
        let arguments: Vec<_> =
            call.field("arguments").map(|list| list.children().collect()).unwrap_or_default();
        if let [_, id, props] = arguments.as_slice() {
            found.push((call, model.props_of(*props), Some(*id)));
        }
    }
    found.sort_by(|a, b| (&a.0.file.path, a.0.start()).cmp(&(&b.0.file.path, b.0.start())));
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    found
        .into_iter()
        .map(|(node, props, id)| {
            let literal = id.filter(|id| id.is("string")).map(string_text);
            let made = id.map(|id| made_by(model, id)).unwrap_or_default();
            let label = match (literal, id) {
                (Some(text), _) => text.to_owned(),
                (None, Some(_)) if !made.is_empty() => format!("Made by {}", callee(&made)),
                (None, Some(id)) => one_line(id.text().trim_matches('`')),
                (None, None) => "Alarm".to_owned(),
            };
            let slug = slug(&label);
            let count = seen.entry(slug.clone()).or_default();
            *count += 1;
            // As GitHub and GitLab number headings that are alike.
            let anchor = if *count == 1 { slug } else { format!("{slug}-{}", *count - 1) };
            Alarm { node, props, label, anchor: literal.is_some().then_some(anchor), made }
        })
        .collect()
}

/// A heading's anchor.
fn slug(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// What is listed: class, what it is called, its CloudFormation type, and the properties worth knowing.
const PARTS: [(&str, &str, &str, &[&str]); 26] = [
    (
        "aws_lambda.Function",
        "Lambda function",
        "AWS::Lambda::Function",
        &["timeout", "memorySize", "reservedConcurrentExecutions"],
    ),
    (
        "aws_lambda.Alias",
        "Lambda alias",
        "AWS::Lambda::Alias",
        &["aliasName", "provisionedConcurrentExecutions"],
    ),
    ("aws_apigateway.RestApiBase", "REST API", "AWS::ApiGateway::RestApi", &["restApiName"]),
    ("aws_apigatewayv2.HttpApi", "HTTP API", "AWS::ApiGatewayV2::Api", &["apiName"]),
    ("aws_appsync.GraphqlApi", "GraphQL API", "AWS::AppSync::GraphQLApi", &["name"]),
    ("aws_cloudfront.Distribution", "Distribution", "AWS::CloudFront::Distribution", &[]),
    (
        "aws_elasticloadbalancingv2.ApplicationLoadBalancer",
        "Load balancer",
        "AWS::ElasticLoadBalancingV2::LoadBalancer",
        &["internetFacing"],
    ),
    ("aws_stepfunctions.StateMachine", "State machine", "AWS::StepFunctions::StateMachine", &["timeout"]),
    ("aws_ecs.BaseService", "ECS service", "AWS::ECS::Service", &["desiredCount"]),
    (
        "aws_ecs_patterns.ApplicationLoadBalancedServiceBase",
        "ECS service behind a load balancer",
        "AWS::ECS::Service",
        &["desiredCount"],
    ),
    ("aws_ec2.Instance", "EC2 instance", "AWS::EC2::Instance", &["instanceType"]),
    ("aws_rds.DatabaseInstance", "Database", "AWS::RDS::DBInstance", &["multiAz", "backupRetention"]),
    ("aws_rds.DatabaseCluster", "Database cluster", "AWS::RDS::DBCluster", &["backup"]),
    ("aws_dynamodb.Table", "Table", "AWS::DynamoDB::Table", &["billingMode", "tableName"]),
    ("aws_dynamodb.TableV2", "Table", "AWS::DynamoDB::GlobalTable", &["billing", "tableName"]),
    ("aws_efs.FileSystem", "File system", "AWS::EFS::FileSystem", &["removalPolicy"]),
    ("aws_cognito.UserPool", "User pool", "AWS::Cognito::UserPool", &["userPoolName"]),
    ("aws_kinesis.Stream", "Stream", "AWS::Kinesis::Stream", &["retentionPeriod", "shardCount"]),
    ("aws_sns.Topic", "Topic", "AWS::SNS::Topic", &["displayName"]),
    ("aws_sqs.Queue", "Queue", "AWS::SQS::Queue", &["retentionPeriod", "visibilityTimeout"]),
    ("aws_s3.Bucket", "Bucket", "AWS::S3::Bucket", &["bucketName", "versioned", "removalPolicy"]),
    ("aws_codepipeline.Pipeline", "Pipeline", "AWS::CodePipeline::Pipeline", &["pipelineName"]),
    ("aws_codebuild.Project", "Build project", "AWS::CodeBuild::Project", &["projectName"]),
    ("aws_cloudwatch.Dashboard", "Dashboard", "AWS::CloudWatch::Dashboard", &["dashboardName"]),
    ("aws_kms.Key", "Key", "AWS::KMS::Key", &["alias", "enableKeyRotation"]),
    ("aws_secretsmanager.Secret", "Secret", "AWS::SecretsManager::Secret", &["secretName"]),
];

/// The document of an app.
pub(super) struct Runbook<'m, 'a> {
    /// The app.
    pub(super) model: &'m Model<'a>,
    /// Its alarms.
    pub(super) alarms: &'m [Alarm<'a>],
}

impl<'a> Runbook<'_, 'a> {
    pub(super) fn facts(&self) -> Facts<'_, 'a> {
        Facts { model: self.model }
    }

    /// The whole text.
    pub(super) fn text(&self) -> String {
        let mut out = String::from("# Runbook\n\n");
        out.push_str(
            "What to know and what to do when this app is in trouble. The parts between `wa-fix:begin` and `wa-fix:end` were\n\
             written by `wa-fix` (rule 5.4) from the code; everything else is the team's. Review it when an alarm, a procedure or an\n\
             owner changes, and try each procedure once before it is needed.\n\n",
        );
        self.people(&mut out);
        self.parts(&mut out);
        self.logs(&mut out);
        self.alarm_sections(&mut out);
        self.procedures(&mut out);
        out.push_str("## After an incident\n\nWrite down when it started and ended, what it was, and what would have shown it earlier.\n");
        out
    }

    fn people(&self, out: &mut String) {
        out.push_str("## Who is told, and who decides\n\n");
        let mut topics = self.facts().sites("aws_sns.Topic");
        topics.retain(|topic| self.is_for_people(topic));
        if !topics.is_empty() {
            begin(out, "topics");
            out.push_str("| Topic | Declared in | Reaches |\n| --- | --- | --- |\n");
            for topic in &topics {
                let _ = writeln!(
                    out,
                    "| `{}` | `{}` | {} |",
                    topic.label(),
                    self.facts().file(topic.node),
                    self.subscribers(topic)
                );
            }
            end(out, "topics");
        }
        let _ = write!(
            out,
            "| Question | Answer |\n| --- | --- |\n| Who owns the app? |{} |\n| Who is on call, and how are they reached? | |\n\
             | After how long is an incident passed on, and to whom? | |\n| Who tells customers? | |\n\n",
            self.owner().map_or_else(String::new, |owner| format!(" {owner}"))
        );
    }

    /// Who owns the app, as a tag of all its parts or the owners of the repository's files say.
    fn owner(&self) -> Option<String> {
        let tagged = self.model.method_calls("add").find_map(|call| {
            let arguments: Vec<_> = call.field("arguments")?.children().collect();
            let [key, value, ..] = arguments.as_slice() else { return None };
            let is_owner = matches!(string_text(*key).to_ascii_lowercase().as_str(), "owner" | "team");
            let tags = call.field("function")?.field("object")?.text().contains("Tags.of(");
            (tags && is_owner && value.is("string")).then(|| format!("`{}` (tag)", string_text(*value)))
        });
        tagged.or_else(|| {
            let files = [".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"];
            let text = files.iter().find_map(|file| self.model.app.text_above(file))?;
            let all = text.lines().rev().find_map(|line| line.trim().strip_prefix("* "))?;
            Some(format!("{} (CODEOWNERS)", all.split('#').next().unwrap_or(all).trim()))
        })
    }

    /// Whether a topic tells people: alarms are published to it, somebody has subscribed, or its name says so.
    fn is_for_people(&self, topic: &Site<'a>) -> bool {
        let label = format!("`{}`", topic.label());
        let by_alarm = self.alarms.iter().any(|alarm| self.told(alarm).0.contains(&label));
        let subscribed = self.subscriptions(topic);
        let machine = ["queue", "function", "stream"];
        let name = topic.label().to_ascii_lowercase();
        by_alarm
            || subscribed.iter().any(|text| !machine.iter().any(|kind| text.starts_with(kind)))
            || subscribed.is_empty()
                && ["alarm", "alert", "notif", "incident", "oncall"].iter().any(|word| name.contains(word))
    }

    /// Who gets a topic's messages, and on which condition.
    fn subscribers(&self, topic: &Site<'a>) -> String {
        let found = self.subscriptions(topic);
        let label = format!("`{}`", topic.label());
        let by_alarm = || self.alarms.iter().any(|alarm| self.told(alarm).0.contains(&label));
        let who =
            if found.is_empty() { "**nobody** that the code knows of".to_owned() } else { found.join("; ") };
        let deaf = match () {
            () if closed_key(self.model, topic).is_some() && by_alarm() => {
                "; **no alarm arrives**: the topic is encrypted, and its key does not let CloudWatch use it"
            }
            () if is_closed(self.model, topic) && by_alarm() => {
                "; **no alarm arrives**: the topic has a policy, which does not let CloudWatch publish"
            }
            () => "",
        };
        cell(&format!("{who}{deaf}"))
    }

    fn subscriptions(&self, topic: &Site<'a>) -> Vec<String> {
        let mut found = Vec::new();
        for call in self.model.method_calls("addSubscription") {
            let receiver = call.field("function").and_then(|function| function.field("object"));
            if receiver
                .and_then(|receiver| self.model.origin(receiver))
                .is_none_or(|origin| origin.node != topic.node)
            {
                continue;
            }
            let subscription = call.field("arguments").and_then(Syn::first);
            let built = subscription.and_then(|subscription| self.model.origin(subscription));
            let kind = built.map_or_else(|| "a subscription".to_owned(), |built| self.subscriber(&built));
            let condition = call.ancestor("if_statement").and_then(|around| around.field("condition"));
            found.push(match condition {
                Some(condition) => {
                    let condition = one_line(condition.text().trim_start_matches('(').trim_end_matches(')'));
                    format!("{kind}, only where `{condition}`; **nobody** otherwise")
                }
                None => kind,
            });
        }
        found
    }

    /// What a subscription leads to.
    fn subscriber(&self, subscription: &Site<'a>) -> String {
        let class = subscription.class.rsplit('.').next().unwrap_or_default();
        let kind = match class.trim_end_matches("Subscription") {
            "Email" => "e-mail",
            "Sms" => "SMS",
            "Url" => "the address",
            "Sqs" => "queue",
            "Lambda" => "function",
            "Firehose" => "stream",
            _ => return class.to_owned(),
        };
        let Some(target) = subscription.arguments.first() else { return kind.to_owned() };
        match self.model.origin(*target) {
            Some(site) => format!("{kind} `{}`", site.label()),
            None if target.is("string") => format!("{kind} `{}`", string_text(*target)),
            None => kind.to_owned(),
        }
    }

    fn parts(&self, out: &mut String) {
        out.push_str("## What runs where\n\n");
        out.push_str(PHYS);
        begin(out, "parts");
        out.push_str("| Part | Declared in | Find it | Worth knowing |\n| --- | --- | --- | --- |\n");
        for (class, what, kind, props) in PARTS {
            for site in self.facts().sites(class) {
                let known = props
                    .iter()
                    .filter_map(|prop| self.facts().fact(&site, prop))
                    .collect::<Vec<_>>()
                    .join(", ");
                let find = id_of(&site).map_or_else(String::new, |id| format!("`phys {id} {kind}`"));
                let label = site.label();
                let _ = writeln!(
                    out,
                    "| {what} `{label}` | `{}` | {find} | {} |",
                    self.facts().file(site.node),
                    cell(&known)
                );
            }
        }
        end(out, "parts");
    }

    fn logs(&self, out: &mut String) {
        let groups = self.facts().sites("aws_logs.LogGroup");
        let mut silent = self.facts().sites("aws_lambda.Function");
        silent.retain(|site| {
            let props = site.props(self.model);
            ["logGroup", "logRetention"].iter().all(|name| props.get(self.model, name) == Prop::Absent)
                && !has_group(self.model, site)
        });
        if groups.is_empty() && silent.is_empty() {
            return;
        }
        out.push_str("## Logs\n\n");
        begin(out, "logs");
        out.push_str("| Log group | Declared in | Kept |\n| --- | --- | --- |\n");
        for group in &groups {
            let kept = self
                .facts()
                .fact(group, "retention")
                .map_or(TWO_YEARS.to_owned(), |fact| fact.trim_start_matches("retention ").to_owned());
            let _ = writeln!(
                out,
                "| `{}` | `{}` | {} |",
                group.label(),
                self.facts().file(group.node),
                cell(&kept)
            );
        }
        let flag = self.model.app.context_flag("@aws-cdk/aws-lambda:useCdkManagedLogGroup");
        let kept = if flag.is_some_and(|flag| flag.as_bool() == Some(true)) { TWO_YEARS } else { "for ever" };
        for function in &silent {
            let _ = writeln!(
                out,
                "| `/aws/lambda/` and the name of `{}` | `{}` | {kept} |",
                function.label(),
                self.facts().file(function.node)
            );
        }
        self.reading(out, groups.iter().find_map(id_of), silent.iter().find_map(id_of));
        end(out, "logs");
    }

    /// How logs are read.
    fn reading(&self, out: &mut String, group: Option<String>, function: Option<String>) {
        if group.is_none() && function.is_none() {
            return;
        }
        out.push_str("\n```bash\n");
        if let Some(group) = group {
            let _ =
                writeln!(out, "aws logs tail \"$(phys {group} AWS::Logs::LogGroup)\" --since 1h --follow");
        }
        if let Some(function) = function {
            let _ = writeln!(
                out,
                "aws logs tail \"/aws/lambda/$(phys {function} AWS::Lambda::Function)\" --since 1h --follow"
            );
        }
        out.push_str("```\n");
        let saved: Vec<String> = self
            .facts()
            .sites("aws_logs.QueryDefinition")
            .iter()
            .map(|query| {
                let name = query.props(self.model).get(self.model, "queryDefinitionName").value();
                format!(
                    "`{}`",
                    name.map_or_else(
                        || query.label(),
                        |name| one_line(name.text().trim_matches(['\'', '"', '`']))
                    )
                )
            })
            .collect();
        if !saved.is_empty() {
            let _ = writeln!(out, "\nSaved queries in Logs Insights: {}.", saved.join(", "));
        }
    }
}

const TWO_YEARS: &str = "two years, as CDK does by default";
