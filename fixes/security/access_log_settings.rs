//! Access logs of stages that take the ARN of a log group and a format.

use super::bucket::is_built_by_its_class;
use super::wa_1_9_api_without_access_logs::{
    META, inside, is_set_underneath, log_group, relies_on_role, told,
};
use super::{is_typed_as, named};
use crate::detect::Findings;
use crate::edit::no_fix;
use crate::model::{Binding, Model, Prop, Site};

/// What an HTTP API writes of a request.
const HTTP_FORMAT: [(&str, &str); 8] = [
    ("requestId", "$context.requestId"),
    ("ip", "$context.identity.sourceIp"),
    ("requestTime", "$context.requestTime"),
    ("httpMethod", "$context.httpMethod"),
    ("routeKey", "$context.routeKey"),
    ("status", "$context.status"),
    ("protocol", "$context.protocol"),
    ("responseLength", "$context.responseLength"),
];

/// What a REST API writes of a request.
const REST_FORMAT: [(&str, &str); 8] = [
    ("requestId", "$context.requestId"),
    ("ip", "$context.identity.sourceIp"),
    ("user", "$context.identity.user"),
    ("requestTime", "$context.requestTime"),
    ("httpMethod", "$context.httpMethod"),
    ("resourcePath", "$context.resourcePath"),
    ("status", "$context.status"),
    ("responseLength", "$context.responseLength"),
];

/// The settings as CloudFormation takes them.
fn settings(group: &str, format: &[(&str, &str)]) -> String {
    let fields: Vec<String> =
        format.iter().map(|(name, value)| format!("    {name}: '{value}',\n")).collect();
    format!(
        "{{\n  destinationArn: {group}.logGroupArn,\n  format: JSON.stringify({{\n{}  }}),\n}}",
        fields.concat()
    )
}

/// A stage of CloudFormation's own class.
pub(super) fn raw_stage<'a>(model: &Model<'a>, stage: Site<'a>, out: &mut Findings<'a>) {
    let finding = out.report(&META, model, stage.node, told(&stage, ""));
    let rest = model.builds(&stage, "aws_apigateway.CfnStage");
    if !rest && !is_of_http_api(model, &stage) {
        finding.refuse(
            "it cannot be told whether the stage is that of an HTTP API, and others need a role for logs",
            "add a LogGroup, and set the stage's accessLogSettings to its ARN",
        );
        return;
    }
    finding.fix(format!("Keep an access log of {}", stage.label()), move |b| {
        if rest {
            relies_on_role(b)?;
        }
        let group = log_group(b, &stage)?;
        let (name, format) =
            if rest { ("accessLogSetting", &REST_FORMAT) } else { ("accessLogSettings", &HTTP_FORMAT) };
        b.set_prop(&stage, name, &settings(&group, format))
    });
}

/// Whether the API of a stage is an HTTP API: that of `apiId`.
fn is_of_http_api<'a>(model: &Model<'a>, stage: &Site<'a>) -> bool {
    let id = stage.props(model).get(model, "apiId").value();
    let api = id.and_then(|id| id.field("object")).and_then(|api| model.origin(api));
    api.is_some_and(|api| {
        let protocol = || api.props(model).get(model, "protocolType").value();
        model.builds(&api, "aws_apigatewayv2.HttpApi")
            || model.builds(&api, "aws_apigatewayv2.CfnApi")
                && protocol().is_some_and(|protocol| protocol.text().trim_matches(['\'', '"']) == "HTTP")
    })
}

/// The default stage of an HTTP API.
pub(super) fn http_api<'a>(model: &Model<'a>, api: Site<'a>, out: &mut Findings<'a>) -> Option<()> {
    let stage = match api.props(model).get(model, "createDefaultStage") {
        Prop::Absent => true,
        Prop::Present(entry) => entry.value.text() == "true",
        Prop::Unknown => false,
    };
    if !stage || is_built_by_its_class(&api) || is_set_underneath(model, &api) {
        return None;
    }
    let message = told(&api, "");
    out.report(&META, model, api.node, message).fix(
        format!("Keep an access log of {}", api.label()),
        move |b| {
            let file = b.model.location(api.node.file);
            if file.is_none_or(|file| file.extension().is_none_or(|end| end != "ts")) {
                return Err(no_fix(
                    "the cast to CfnStage is written in TypeScript, and this file is not",
                    "set accessLogSettings on the stage's CfnStage",
                ));
            }
            let statement = b.statement(api.node)?;
            let group = log_group(b, &api)?;
            let typed = match api.binding() {
                Binding::Variable(name) | Binding::Field(name) => is_typed_as(name, "Api"),
                Binding::None => true,
            };
            let receiver = typed.then(|| named(b, &api, statement, "api")).flatten().ok_or_else(inside)?;
            let class = b.cdk(api.node, "aws_apigatewayv2.CfnStage")?;
            let stage = b.fresh_name(api.node.file, &["defaultStage", "cfnStage"]);
            let code = format!(
                "const {stage} = {receiver}.defaultStage?.node.defaultChild as {class};\n{stage}.accessLogSettings = {};",
                settings(&group, &HTTP_FORMAT)
            );
            b.insert_after(statement, &code);
            Ok(())
        },
    );
    Some(())
}
