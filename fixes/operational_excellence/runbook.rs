//! The text of a runbook, from what the app builds. The same app gives the same text: no dates, no line numbers.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::document::{Facts, PHYS, begin, cell, end, one_line};
use crate::model::imports::string_text;
use crate::model::{Model, Prop, Props, Site};
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
            let label = literal
                .map_or_else(|| id.map_or("Alarm".to_owned(), |id| one_line(id.text())), str::to_owned);
            let slug = slug(&label);
            let count = seen.entry(slug.clone()).or_default();
            *count += 1;
            // As GitHub and GitLab number headings that are alike.
            let anchor = if *count == 1 { slug } else { format!("{slug}-{}", *count - 1) };
            Alarm { node, props, label, anchor: literal.is_some().then_some(anchor) }
        })
        .collect()
}

/// A heading's anchor.
fn slug(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// What is listed: class, what it is called, its CloudFormation type, and the properties worth knowing.
const PARTS: [(&str, &str, &str, &[&str]); 16] = [
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
    ("aws_stepfunctions.StateMachine", "State machine", "AWS::StepFunctions::StateMachine", &["timeout"]),
    ("aws_ecs.BaseService", "ECS service", "AWS::ECS::Service", &["desiredCount"]),
    ("aws_ec2.Instance", "EC2 instance", "AWS::EC2::Instance", &["instanceType"]),
    ("aws_rds.DatabaseInstance", "Database", "AWS::RDS::DBInstance", &["multiAz", "backupRetention"]),
    ("aws_rds.DatabaseCluster", "Database cluster", "AWS::RDS::DBCluster", &["backup"]),
    ("aws_dynamodb.Table", "Table", "AWS::DynamoDB::Table", &["billingMode", "tableName"]),
    ("aws_sqs.Queue", "Queue", "AWS::SQS::Queue", &["retentionPeriod", "visibilityTimeout"]),
    ("aws_s3.Bucket", "Bucket", "AWS::S3::Bucket", &["bucketName", "versioned", "removalPolicy"]),
    ("aws_codepipeline.Pipeline", "Pipeline", "AWS::CodePipeline::Pipeline", &["pipelineName"]),
    ("aws_codebuild.Project", "Build project", "AWS::CodeBuild::Project", &["projectName"]),
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
    fn facts(&self) -> Facts<'_, 'a> {
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
        out
    }

    fn people(&self, out: &mut String) {
        out.push_str("## Who is told, and who decides\n\n");
        let topics = self.facts().sites("aws_sns.Topic");
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
        out.push_str(
            "| Question | Answer |\n| --- | --- |\n| Who owns the app? | |\n| Who is on call, and how are they reached? | |\n\
             | After how long is an incident passed on, and to whom? | |\n| Who tells customers? | |\n\n",
        );
    }

    /// Who gets a topic's messages, and on which condition.
    fn subscribers(&self, topic: &Site<'a>) -> String {
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
            let class =
                subscription.and_then(|subscription| self.model.origin(subscription)).map(|site| site.class);
            let class = class
                .as_deref()
                .and_then(|class| class.rsplit('.').next())
                .unwrap_or("a subscription")
                .to_owned();
            let kind = class.trim_end_matches("Subscription").to_owned();
            let condition = call.ancestor("if_statement").and_then(|around| around.field("condition"));
            found.push(match condition {
                Some(condition) => {
                    let condition = one_line(condition.text().trim_start_matches('(').trim_end_matches(')'));
                    format!("{kind}, only where `{condition}`; **nobody** otherwise")
                }
                None => kind,
            });
        }
        if found.is_empty() {
            "**nobody** that the code knows of".to_owned()
        } else {
            cell(&found.join("; "))
        }
    }

    fn parts(&self, out: &mut String) {
        out.push_str("## What runs where\n\n");
        out.push_str("Names are made when the app is deployed. `phys` finds them:\n\n");
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
                let find = site.id_text().map_or_else(String::new, |id| {
                    let id: String = id.chars().filter(char::is_ascii_alphanumeric).collect();
                    format!("`phys {id} {kind}`")
                });
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
        let silent: Vec<_> = self
            .facts()
            .sites("aws_lambda.Function")
            .into_iter()
            .filter(|site| {
                let props = site.props(self.model);
                ["logGroup", "logRetention"].iter().all(|name| props.get(self.model, name) == Prop::Absent)
            })
            .collect();
        if groups.is_empty() && silent.is_empty() {
            return;
        }
        out.push_str("## Logs\n\n");
        begin(out, "logs");
        out.push_str("| Log group | Declared in | Kept |\n| --- | --- | --- |\n");
        for group in groups {
            let kept = self
                .facts()
                .fact(&group, "retention")
                .map_or("two years, as CDK does by default".to_owned(), |fact| {
                    fact.trim_start_matches("retention ").to_owned()
                });
            let _ = writeln!(
                out,
                "| `{}` | `{}` | {} |",
                group.label(),
                self.facts().file(group.node),
                cell(&kept)
            );
        }
        for function in silent {
            let _ = writeln!(
                out,
                "| `/aws/lambda/` and the name of `{}` | `{}` | for ever |",
                function.label(),
                self.facts().file(function.node)
            );
        }
        end(out, "logs");
    }

    fn alarm_sections(&self, out: &mut String) {
        if self.alarms.is_empty() {
            return;
        }
        out.push_str("## Alarms\n\n");
        for alarm in self.alarms {
            let _ = writeln!(out, "### {}\n", alarm.label);
            begin(out, &format!("alarm {}", alarm.label));
            let metric = alarm
                .props
                .get(self.model, "metric")
                .value()
                .or_else(|| alarm.node.field("function").and_then(|function| function.field("object")));
            let text =
                |name: &str| alarm.props.get(self.model, name).value().map(|value| one_line(value.text()));
            let _ = writeln!(out, "- Declared in `{}`.", self.facts().file(alarm.node));
            if let Some(metric) = metric {
                let _ = writeln!(out, "- Watches `{}`.", one_line(metric.text()));
            }
            let _ = writeln!(
                out,
                "- Rings at a threshold of `{}` for `{}` period(s), {}.",
                text("threshold").unwrap_or_default(),
                text("evaluationPeriods").unwrap_or_default(),
                comparison(text("comparisonOperator").as_deref())
            );
            let _ = writeln!(out, "- No data: {}.", missing(text("treatMissingData").as_deref()));
            let told = self.told(alarm);
            if !told.is_empty() {
                let _ = writeln!(out, "- Tells {}.", told.join(", "));
            }
            out.push('\n');
            out.push_str(steps(&metric.map(|metric| self.metric_name(metric)).unwrap_or_default()));
            end(out, &format!("alarm {}", alarm.label));
            out.push_str("What it was the last times, and what helped:\n\n");
        }
    }

    /// What a metric is about: the method that makes it, and its name where it is a literal.
    fn metric_name(&self, metric: Syn<'a>) -> String {
        let metric = match self.model.meaning(metric) {
            Some(crate::model::Meaning::Value(value)) => value,
            _ => metric,
        };
        let method =
            metric.field("function").and_then(|function| function.field("property")).map_or("", Syn::text);
        let arguments =
            metric.field("arguments").map(|list| list.children().collect::<Vec<_>>()).unwrap_or_default();
        let named = arguments.iter().find_map(|argument| {
            if argument.is("string") {
                return Some(*argument);
            }
            self.model.props_of(*argument).get(self.model, "metricName").value()
        });
        format!("{method} {}", named.map_or("", Syn::text))
    }

    /// The topics that an alarm tells.
    fn told(&self, alarm: &Alarm<'a>) -> Vec<String> {
        let mut found = Vec::new();
        for call in self.model.method_calls("addAlarmAction") {
            let receiver = call.field("function").and_then(|function| function.field("object"));
            let own = receiver.is_some_and(|receiver| {
                receiver == alarm.node
                    || self.model.origin(receiver).is_some_and(|origin| origin.node == alarm.node)
                    || self.model.meaning(receiver) == Some(crate::model::Meaning::Value(alarm.node))
            });
            for action in call.field("arguments").into_iter().flat_map(Syn::children).filter(|_| own) {
                let topic = self.model.origin(action).and_then(|action| action.arguments.first().copied());
                found.extend(
                    topic
                        .and_then(|topic| self.model.origin(topic))
                        .map(|topic| format!("`{}`", topic.label())),
                );
            }
        }
        found
    }

    /// The name of a pipeline's last stage.
    fn last_stage(&self, pipeline: &Site<'a>) -> Option<&'a str> {
        let named = crate::model::meaning::words(pipeline.node, "stageName")
            .filter_map(|at| pipeline.node.at(at)?.parent());
        let last = named.filter(|pair| pair.is("pair")).last()?.field("value")?;
        last.is("string").then(|| string_text(last))
    }

    fn procedures(&self, out: &mut String) {
        out.push_str("## Procedures\n\n");
        let id = |site: &Site<'a>| {
            site.id_text().map(|id| id.chars().filter(char::is_ascii_alphanumeric).collect::<String>())
        };
        let (functions, aliases) =
            (self.facts().sites("aws_lambda.Function"), self.facts().sites("aws_lambda.Alias"));
        let several = functions.len() > 1 || aliases.len() > 1;
        // Of several functions, the reader names one: its id is in the table above.
        let function =
            functions.first().and_then(|first| if several { Some("\"$ID\"".to_owned()) } else { id(first) });
        let alias = aliases.first().and_then(|alias| {
            let name = alias.props(self.model).get(self.model, "aliasName").value()?;
            name.is("string").then(|| string_text(name).to_owned())
        });
        let pipeline = self.facts().sites("aws_codepipeline.Pipeline").into_iter().next();
        let stage = pipeline.as_ref().and_then(|pipeline| self.last_stage(pipeline)).unwrap_or("$STAGE");
        let pipeline = pipeline.as_ref().and_then(id);
        let which = if several {
            "`ID` is the id of the function, see [what runs where](#what-runs-where).\n\n"
        } else {
            ""
        };
        begin(out, "procedures");
        if let (Some(function), Some(alias)) = (&function, &alias) {
            let _ = write!(
                out,
                "### Go back to the version before\n\n{which}```bash\nFN=$(phys {function} AWS::Lambda::Function)\n\
                 aws lambda get-alias --function-name \"$FN\" --name {alias} --query FunctionVersion\n\
                 aws lambda list-versions-by-function --function-name \"$FN\" --query 'Versions[-4:].[Version,LastModified]' --output table\n\
                 aws lambda update-alias --function-name \"$FN\" --name {alias} --function-version \"$GOOD\" # a version of that list\n```\n\n\
                 The next deployment moves the alias again: stop releases first.\n\n"
            );
        } else {
            out.push_str("### Go back\n\nCheck out the last good commit and deploy it: `npx cdk diff`, then `npx cdk deploy`.\n\n");
        }
        let gradual = ["aws_codedeploy.LambdaDeploymentGroup", "aws_codedeploy.CfnDeploymentGroup"];
        if gradual.iter().any(|class| self.model.app_builds(class)) {
            out.push_str(
                "### Stop a release that is under way\n\nCodeDeploy goes back by itself when the alarm of its deployment group rings. By hand:\n\n\
                 ```bash\naws deploy list-deployments --include-only-statuses InProgress --query deployments --output text\n\
                 aws deploy stop-deployment --deployment-id \"$DEPLOYMENT\" --auto-rollback-enabled # one of that list\n```\n\n",
            );
        }
        if let Some(pipeline) = pipeline {
            let _ = write!(
                out,
                "### Stop and resume releases\n\n```bash\nPIPELINE=$(phys {pipeline} AWS::CodePipeline::Pipeline)\n\
                 aws codepipeline list-pipeline-executions --pipeline-name \"$PIPELINE\" --max-items 5 --output table\n\
                 aws codepipeline disable-stage-transition --pipeline-name \"$PIPELINE\" --stage-name \"{stage}\" \\\n  \
                 --transition-type Inbound --reason \"incident\"\n\
                 aws codepipeline enable-stage-transition --pipeline-name \"$PIPELINE\" --stage-name \"{stage}\" --transition-type Inbound\n```\n\n"
            );
        }
        if let Some(function) = &function {
            let _ = write!(
                out,
                "### Raise the concurrency of a function\n\n{which}```bash\n\
                 aws lambda get-account-settings --query AccountLimit.UnreservedConcurrentExecutions # at least 100 must stay\n\
                 aws lambda put-function-concurrency --function-name \"$(phys {function} AWS::Lambda::Function)\" \\\n  \
                 --reserved-concurrent-executions \"$NUMBER\"\n```\n\n\
                 Make the same change in the code, or the next deployment takes it back.\n\n"
            );
        }
        end(out, "procedures");
        out.push_str("## After an incident\n\nWrite down when it started and ended, what it was, and what would have shown it earlier.\n");
    }
}

fn comparison(operator: Option<&str>) -> &'static str {
    match operator.and_then(|operator| operator.rsplit('.').next()) {
        Some("GREATER_THAN_THRESHOLD") => "above it",
        Some("LESS_THAN_THRESHOLD") => "below it",
        Some("LESS_THAN_OR_EQUAL_TO_THRESHOLD") => "at it or below",
        _ => "at it or above",
    }
}

fn missing(treatment: Option<&str>) -> &'static str {
    match treatment.and_then(|treatment| treatment.rsplit('.').next()) {
        Some("NOT_BREACHING") => "counts as good",
        Some("BREACHING") => "counts as bad",
        Some("IGNORE") => "the state stays as it was",
        _ => "the alarm says INSUFFICIENT_DATA",
    }
}

/// First steps, by what the metric is about.
fn steps(metric: &str) -> &'static str {
    let about = |words: &[&str]| words.iter().any(|word| metric.contains(word));
    if about(&["ApproximateAge", "ApproximateNumber", "MessagesVisible"]) {
        "1. Is the consumer running, and does it fail? Look at its log and at its errors.\n\
         2. In a dead-letter queue: read one message, find out why it failed, mend that, then start a redrive.\n\
         3. In a work queue: it fills faster than it is emptied; raise the consumer's concurrency.\n\n"
    } else if about(&["metricServerError", "5XX", "5xx", "Http5"]) {
        "1. Does the backend's own alarm ring too? Then follow that one.\n\
         2. Only this one: the backend was not reached (throttled, a permission, a timeout at the front). Read the access log.\n\
         3. Was there a release just before? Go back, then look for the cause.\n\n"
    } else if about(&["metricClientError", "4XX", "4xx"]) {
        "1. Usually a client or a scan: look at the callers in the access log.\n\
         2. A release that renamed a route or changed authorization looks the same: was there one?\n\n"
    } else if about(&["Throttle"]) {
        "1. Is there more traffic, or does each call take longer?\n2. Raise the concurrency, or slow down the callers.\n\n"
    } else if about(&["Duration", "Latency", "ResponseTime"]) {
        "1. Since when, and was there a release just before?\n2. Look at the traces for the part that takes the time.\n\
         3. Near the timeout, callers see errors: go back or raise the limit.\n\n"
    } else if about(&["CPU", "Memory", "FreeStorage"]) {
        "1. Is there more work than usual, or does something run away?\n2. Give it more room; look for the cause afterwards.\n\n"
    } else if about(&["Error", "Fail", "Fault"]) {
        "1. Since when, and was there a release just before? If so, go back first.\n\
         2. Read the log of the part around that time: the same error, or many?\n\
         3. `Task timed out`: look at what it waits for. `AccessDenied`: a role or a key has changed.\n\n"
    } else {
        "1. Since when, and what changed just before?\n2. Read the logs of the parts that it watches.\n\n"
    }
}
