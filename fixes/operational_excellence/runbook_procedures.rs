//! The part of a runbook about procedures, with their commands.

use std::fmt::Write as _;

use super::dead_letters::takes_failures;
use super::document::{begin, end, id_of};
use super::runbook::Runbook;
use crate::model::imports::string_text;
use crate::model::meaning::words;
use crate::model::{Prop, Site};

/// A function as the commands name it, and what to say of that.
struct Named {
    function: String,
    which: &'static str,
}

impl<'a> Runbook<'_, 'a> {
    pub(super) fn procedures(&self, out: &mut String) {
        out.push_str("## Procedures\n\n");
        begin(out, "procedures");
        let named = self.named_function();
        self.go_back(out, named.as_ref());
        self.stop_release(out);
        self.stop_pipeline(out);
        self.slow_callers(out);
        if let Some(named) = &named {
            let Named { function, which } = named;
            let _ = write!(
                out,
                "### Raise the concurrency of a function\n\n{which}```bash\n\
                 aws lambda get-account-settings --query AccountLimit.UnreservedConcurrentExecutions # at least 100 must stay\n\
                 aws lambda put-function-concurrency --function-name \"$(phys {function} AWS::Lambda::Function)\" \\\n  \
                 --reserved-concurrent-executions \"$NUMBER\"\n```\n\n\
                 Make the same change in the code, or a later deployment takes it back.\n\n"
            );
        }
        self.restart(out);
        self.run_again(out);
        self.give_back(out);
        self.change_secret(out);
        end(out, "procedures");
    }

    /// The id of the first construct of a class, and a remark where there are others.
    fn first(&self, class: &str) -> Option<(String, &'static str)> {
        let sites = self.facts().sites(class);
        Some((
            sites.iter().find_map(id_of)?,
            if sites.len() > 1 { " # or another of the table above" } else { "" },
        ))
    }

    /// Of several functions, the reader names one: its id is in the table above.
    fn named_function(&self) -> Option<Named> {
        let functions = self.facts().sites("aws_lambda.Function");
        if functions.len() > 1 || self.facts().sites("aws_lambda.Alias").len() > 1 {
            let which = "`ID` is the id of the function, see [what runs where](#what-runs-where).\n\n";
            return functions.first().map(|_| Named { function: "\"$ID\"".to_owned(), which });
        }
        Some(Named { function: id_of(functions.first()?)?, which: "" })
    }

    fn go_back(&self, out: &mut String, named: Option<&Named>) {
        let alias = self.facts().sites("aws_lambda.Alias").first().and_then(|alias| {
            let name = alias.props(self.model).get(self.model, "aliasName").value()?;
            name.is("string").then(|| string_text(name).to_owned())
        });
        let (Some(Named { function, which }), Some(alias)) = (named, alias) else {
            out.push_str("### Go back\n\nCheck out the last good commit and deploy it: `npx cdk diff`, then `npx cdk deploy`.\n\n");
            return;
        };
        let _ = write!(
            out,
            "### Go back to the version before\n\n{which}```bash\nFN=$(phys {function} AWS::Lambda::Function)\n\
             aws lambda get-alias --function-name \"$FN\" --name {alias} --query FunctionVersion\n\
             aws lambda list-versions-by-function --function-name \"$FN\" --query 'Versions[-4:].[Version,LastModified]' --output table\n\
             aws lambda update-alias --function-name \"$FN\" --name {alias} --function-version \"$GOOD\" # a version of that list\n```\n\n\
             The next deployment moves the alias again: stop releases first.\n\n"
        );
    }

    fn stop_release(&self, out: &mut String) {
        let gradual = ["aws_codedeploy.LambdaDeploymentGroup", "aws_codedeploy.CfnDeploymentGroup"];
        if gradual.iter().any(|class| self.model.app_builds(class)) {
            out.push_str(
                "### Stop a release that is under way\n\nCodeDeploy goes back by itself when the alarm of its deployment group rings. By hand:\n\n\
                 ```bash\naws deploy list-deployments --include-only-statuses InProgress --query deployments --output text\n\
                 aws deploy stop-deployment --deployment-id \"$DEPLOYMENT\" --auto-rollback-enabled # one of that list\n```\n\n",
            );
        }
    }

    fn stop_pipeline(&self, out: &mut String) {
        let Some(site) = self.facts().sites("aws_codepipeline.Pipeline").into_iter().next() else { return };
        let Some(pipeline) = id_of(&site) else { return };
        let stage = self.last_stage(&site).unwrap_or("$STAGE");
        let _ = write!(
            out,
            "### Stop and resume releases\n\n```bash\nPIPELINE=$(phys {pipeline} AWS::CodePipeline::Pipeline)\n\
             aws codepipeline list-pipeline-executions --pipeline-name \"$PIPELINE\" --max-items 5 --output table\n\
             aws codepipeline disable-stage-transition --pipeline-name \"$PIPELINE\" --stage-name \"{stage}\" \\\n  \
             --transition-type Inbound --reason \"incident\"\n\
             aws codepipeline enable-stage-transition --pipeline-name \"$PIPELINE\" --stage-name \"{stage}\" --transition-type Inbound\n```\n\n"
        );
    }

    /// The name of a pipeline's last stage.
    fn last_stage(&self, pipeline: &Site<'a>) -> Option<&'a str> {
        let named = words(pipeline.node, "stageName").filter_map(|at| pipeline.node.at(at)?.parent());
        let last = named.filter(|pair| pair.is("pair")).last()?.field("value")?;
        last.is("string").then(|| string_text(last))
    }

    fn slow_callers(&self, out: &mut String) {
        if let Some((api, others)) = self.first("aws_apigateway.RestApiBase") {
            let site = self.facts().sites("aws_apigateway.RestApiBase").into_iter().next();
            let stage = site.map_or("$NAME", |site| self.stage_name(&site));
            let _ = write!(
                out,
                "### Slow callers down\n\n```bash\naws apigateway update-stage --rest-api-id \"$(phys {api} AWS::ApiGateway::RestApi)\" \
                 --stage-name \"{stage}\" \\\n  --patch-operations 'op=replace,path=/*/*/throttling/rateLimit,value=10' \
                 'op=replace,path=/*/*/throttling/burstLimit,value=20'{others}\n```\n\n\
                 Callers above that many requests a second get 429. Make the same change in the code, or a later deployment takes it back.\n\n"
            );
        } else if let Some((api, others)) = self.first("aws_apigatewayv2.HttpApi") {
            let _ = write!(
                out,
                "### Slow callers down\n\n```bash\naws apigatewayv2 update-stage --api-id \"$(phys {api} AWS::ApiGatewayV2::Api)\" \
                 --stage-name '$default' \\\n  --default-route-settings ThrottlingRateLimit=10,ThrottlingBurstLimit=20{others}\n```\n\n\
                 Callers above that many requests a second get 429. Make the same change in the code, or a later deployment takes it back.\n\n"
            );
        }
    }

    /// The stage of a REST API: CDK calls it `prod` where nothing is said.
    fn stage_name(&self, api: &Site<'a>) -> &'a str {
        match api.props(self.model).get(self.model, "deployOptions") {
            Prop::Absent => "prod",
            Prop::Present(entry) => match self.model.props_of(entry.value).get(self.model, "stageName") {
                Prop::Absent => "prod",
                Prop::Present(name) if name.value.is("string") => string_text(name.value),
                _ => "$NAME",
            },
            Prop::Unknown => "$NAME",
        }
    }

    fn restart(&self, out: &mut String) {
        let clusters = self.facts().sites("aws_ecs.Cluster");
        let [cluster] = clusters.as_slice() else { return };
        let service = self
            .first("aws_ecs.BaseService")
            .or_else(|| self.first("aws_ecs_patterns.ApplicationLoadBalancedServiceBase"));
        let (Some(cluster), Some((service, others))) = (id_of(cluster), service) else { return };
        let _ = write!(
            out,
            "### Start the tasks of a service anew\n\n```bash\naws ecs update-service --cluster \"$(phys {cluster} AWS::ECS::Cluster)\" \\\n  \
             --service \"$(phys {service} AWS::ECS::Service)\" --force-new-deployment{others}\n```\n\n"
        );
    }

    fn run_again(&self, out: &mut String) {
        let sites = self.facts().sites("aws_stepfunctions.StateMachine");
        // Express executions cannot be taken up again.
        let standard = sites.iter().find(|site| {
            site.props(self.model)
                .get(self.model, "stateMachineType")
                .value()
                .is_none_or(|kind| kind.text().ends_with("STANDARD"))
        });
        let Some(machine) = standard.and_then(id_of) else { return };
        let others = if sites.len() > 1 { " # or another of the table above" } else { "" };
        let _ = write!(
            out,
            "### Run a failed execution again\n\n```bash\nMACHINE=$(phys {machine} AWS::StepFunctions::StateMachine){others}\n\
             aws stepfunctions list-executions --state-machine-arn \"$MACHINE\" --status-filter FAILED --max-items 5 --output table\n\
             aws stepfunctions redrive-execution --execution-arn \"$EXECUTION\" # one of that list; it goes on where it failed\n```\n\n"
        );
    }

    fn give_back(&self, out: &mut String) {
        let queues = self.facts().sites("aws_sqs.Queue");
        let dead: Vec<&Site<'a>> = queues.iter().filter(|queue| takes_failures(self.model, queue)).collect();
        let Some(queue) = dead.iter().find_map(|queue| id_of(queue)) else { return };
        let others = if dead.len() > 1 { " # or another of the table above" } else { "" };
        let _ = write!(
            out,
            "### Give the messages of a dead-letter queue back\n\nMend what failed first.\n\n```bash\n\
             QUEUE=$(phys {queue} AWS::SQS::Queue){others}\n\
             ARN=$(aws sqs get-queue-attributes --queue-url \"$QUEUE\" --attribute-names QueueArn --query Attributes.QueueArn --output text)\n\
             aws sqs start-message-move-task --source-arn \"$ARN\"\n```\n\n\
             Only what another queue gave up goes back by itself; events that a function gave up have to be sent again.\n\n"
        );
    }

    fn change_secret(&self, out: &mut String) {
        let Some((secret, others)) = self.first("aws_secretsmanager.Secret") else { return };
        let rotates = self.model.method_calls("addRotationSchedule").next().is_some();
        let command = if rotates { "rotate-secret" } else { "put-secret-value" };
        let value = if rotates { "" } else { " --secret-string file://secret.json" };
        let _ = write!(
            out,
            "### Change a secret\n\n```bash\naws secretsmanager {command} --secret-id \"$(phys {secret} AWS::SecretsManager::Secret)\"{value}{others}\n\
             ```\n\nWhat has read it goes on with the old value until it reads it again.\n\n"
        );
    }
}
