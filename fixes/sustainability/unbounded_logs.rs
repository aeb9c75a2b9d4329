//! Logs in groups that a service makes itself and that nothing ever empties: of functions, builds, REST APIs and containers.

use super::retention::{
    DEFAULT, NEVER, Retention, SHORT, assumed, entry, in_words, is_bounded_to_a_week, kept, retention,
};
use super::wa_6_2_log_retention::META;
use crate::detect::{Candidate, Findings, Match, Refusal};
use crate::edit::Builder;
use crate::edit::config::name_after;
use crate::model::{Binding, Environment, Model, Prop, Site};
use crate::rule::Impact;
use crate::syntax::Syn;

/// A function whose group Lambda makes.
pub(super) fn unbounded_function<'a>(
    m: &Match<'_, 'a>,
    out: &mut Findings<'a>,
    function: Site<'a>,
) -> Option<()> {
    let is = |class: &str| m.model.builds(&function, class);
    let other = m.model.runs_at_edge(&function) || is("aws_lambda.SingletonFunction");
    if other || m.model.serves_custom_resource(&function) || has_group(m.model, &function) {
        return None;
    }
    let environment = m.model.environment(function.node);
    if environment == Environment::Guarded {
        return None;
    }
    let managed = m.model.app.context_flag("@aws-cdk/aws-lambda:useCdkManagedLogGroup");
    let managed = managed.is_some_and(|flag| flag.as_bool() == Some(true));
    let (today, maker) = if managed { (DEFAULT, "CDK") } else { (NEVER, "Lambda") };
    let label = function.label();
    let what = match environment.known() {
        Some(known) => {
            format!("keeps a week of logs outside production and changes nothing there.{}", assumed(known))
        }
        None => "keeps logs as long as you say in log_retention.".to_owned(),
    };
    let message = format!(
        "The log group of {label} is the one that {maker} makes: it keeps every event {}. The fix gives the function a log \
         group of its own, which {what} The old group stays, with what it holds.",
        in_words(today)
    );
    let candidate = out.report(&META, m.model, function.node, message);
    if !may_write_elsewhere(m.model, &function) {
        refuse_role(candidate);
        return Some(());
    }
    candidate
        .fix(format!("Give {label} a log group with a retention"), move |b| own_group(b, &function, today));
    Some(())
}

/// What runs custom resources, by functions of CDK's own.
const PROVIDER: &str = "custom_resources.Provider";

/// A provider whose functions have the groups that Lambda makes.
pub(super) fn unbounded_provider<'a>(
    m: &Match<'_, 'a>,
    out: &mut Findings<'a>,
    provider: Site<'a>,
) -> Option<()> {
    let environment = m.model.environment(provider.node);
    if environment == Environment::Guarded || provider.local.is_some() {
        return None;
    }
    let label = provider.label();
    let what = match environment.known() {
        Some(known) => {
            format!("keeps a week of logs outside production and changes nothing there.{}", assumed(known))
        }
        None => "keeps logs as long as you say in log_retention.".to_owned(),
    };
    let message = format!(
        "The functions by which {label} runs custom resources write to log groups that Lambda makes, which keep every event for ever. The \
         fix gives them one log group, which {what} The old groups stay, with what they hold."
    );
    let candidate = out.report(&META, m.model, provider.node, message);
    candidate.impact(Impact::Info);
    candidate
        .fix(format!("Give {label} a log group with a retention"), move |b| own_group(b, &provider, NEVER));
    Some(())
}

fn refuse_role(candidate: &mut Candidate<'_>) {
    candidate.refuse(
        "its role may only be allowed to write to the log group that Lambda makes",
        "let the role write to a log group of yours, then set logGroup",
    );
}

/// CDK's own role, or one of the app with a managed policy for logs, may write to any group.
fn may_write_elsewhere<'a>(model: &Model<'a>, function: &Site<'a>) -> bool {
    match function.props(model).get(model, "role") {
        Prop::Absent => true,
        Prop::Present(entry) => model.origin(entry.value).is_some_and(|role| {
            let text = &role.node.file.text;
            ["AWSLambdaBasicExecutionRole", "AWSLambdaVPCAccessExecutionRole"]
                .iter()
                .any(|policy| text.contains(policy))
        }),
        Prop::Unknown => false,
    }
}

/// Whether the app declares `/aws/lambda/<the function>` apart from the function.
pub(crate) fn has_group<'a>(model: &Model<'a>, function: &Site<'a>) -> bool {
    let own_name = function
        .props(model)
        .get(model, "functionName")
        .value()
        .map(|name| name.text().trim_matches(['\'', '"', '`']));
    let bound = match function.binding() {
        Binding::Variable(name) | Binding::Field(name) => Some(format!("{}.functionName", name.text())),
        Binding::None => None,
    };
    model.all_sites().any(|site| {
        let groups = ["aws_logs.LogGroup", "aws_logs.LogRetention", "aws_logs.CfnLogGroup"];
        groups.iter().any(|class| model.builds(&site, class))
            && site.props(model).get(model, "logGroupName").value().is_some_and(|name| {
                let text = name.text();
                let named = |name: Option<&str>| name.is_some_and(|name| text.contains(name));
                text.contains("/aws/lambda/") && (named(own_name) || named(bound.as_deref()))
            })
    })
}

fn own_group<'a>(b: &mut Builder<'_, 'a>, function: &Site<'a>, today: &str) -> Result<(), Refusal> {
    let at = function.node;
    let days = b.cdk(at, "aws_logs.RetentionDays")?;
    let kept = retention(b, at, today, &days)?;
    let class = if b.model.builds(function, PROVIDER) { PROVIDER } else { "aws_lambda.Function" };
    if !b.model.has_prop(class, "logGroup") {
        return match kept {
            Retention::Fixed(value) => b.set_prop(function, "logRetention", &value),
            Retention::Tiered(condition, yes, no) => {
                b.set_conditional(function, "logRetention", (&condition, &yes, &no))
            }
        };
    }
    let statement = b.statement(at)?;
    let class = b.cdk(at, "aws_logs.LogGroup")?;
    let id = b.sibling_id(function, "LogGroup");
    let own = name_after(&function.label(), "LogGroup");
    let functions =
        b.model.sites(at.file).iter().filter(|site| b.model.builds(site, "aws_lambda.Function")).count();
    let names = if functions > 1 { [own.as_str(), "logGroup"] } else { ["logGroup", &own] };
    let name = b.fresh_name(at.file, &names);
    let code = format!(
        "const {name} = new {class}({}, {id}, {{\n  {},\n}});",
        b.scope_text(function),
        entry(b, statement, kept)
    );
    b.insert_before(statement, &code);
    b.set_prop(function, "logGroup", &name)
}

/// A build project whose group CodeBuild makes.
pub(super) fn build_logs<'a>(m: &Match<'_, 'a>, out: &mut Findings<'a>, project: Site<'a>) -> Option<()> {
    if m.model.environment(project.node) == Environment::Guarded {
        return None;
    }
    let label = project.label();
    let message = format!(
        "The build logs of {label} go to a log group that CodeBuild makes, and are kept for ever. The fix gives the project a \
         log group of its own; the old one stays, with what it holds."
    );
    out.report(&META, m.model, project.node, message).fix(
        format!("Give the build logs of {label} a retention"),
        move |b| {
            let at = project.node;
            let sibling = sibling_group(b.model, &project);
            let copied = |prop: &str| {
                let value = sibling.as_ref()?.props(b.model).get(b.model, prop).value()?;
                Some(format!("\n  {prop}: {},", value.text()))
            };
            let mut lines = String::new();
            let group = match (copied("retention"), copied("encryptionKey"), copied("removalPolicy")) {
                (Some(retention), key, removal) => {
                    lines.push_str(&retention);
                    lines.push_str(&key.unwrap_or_default());
                    lines.push_str(&removal.unwrap_or_default());
                    b.cdk(at, "aws_logs.LogGroup")?
                }
                _ => {
                    let days = b.cdk(at, "aws_logs.RetentionDays")?;
                    // Who builds looks at the last builds; a week is what other environments keep.
                    let member =
                        if matches!(b.environment(at), Environment::Known(_)) { SHORT } else { "ONE_MONTH" };
                    lines = format!("\n  retention: {days}.{member},");
                    b.cdk(at, "aws_logs.LogGroup")?
                }
            };
            let statement = b.statement(at)?;
            let id = b.sibling_id(&project, "LogGroup");
            let name = b.fresh_name(at.file, &[&name_after(&project.label(), "LogGroup")]);
            let scope = b.scope_text(&project);
            b.insert_before(statement, &format!("const {name} = new {group}({scope}, {id}, {{{lines}\n}});"));
            b.set_prop(&project, "logging", &format!("{{\n  cloudWatch: {{ logGroup: {name} }},\n}}"))
        },
    );
    Some(())
}

/// The log group of another build project in the same block, with a retention of at most a week or one that
/// depends on the environment.
fn sibling_group<'a>(model: &Model<'a>, project: &Site<'a>) -> Option<Site<'a>> {
    let block = project.statement()?.parent()?;
    model.sites(project.node.file).iter().find_map(|other| {
        let near = other.statement().and_then(Syn::parent) == Some(block)
            && other.node.start() < project.node.start();
        if !near || !model.builds(other, "aws_codebuild.Project") {
            return None;
        }
        let logging = other.props(model).get(model, "logging").value()?;
        let watch = model.props_of(logging).get(model, "cloudWatch").value()?;
        let group = model.origin(model.props_of(watch).get(model, "logGroup").value()?)?;
        let value = group.props(model).get(model, "retention").value()?;
        let short = model
            .cdk_name(value)
            .is_some_and(|name| name.rsplit('.').next().is_some_and(is_bounded_to_a_week));
        (std::ptr::eq(group.node.file, project.node.file) && (short || value.is("ternary_expression")))
            .then_some(group)
    })
}

/// Whether the group to which an API logs its executions is named in the app, or one of an API that cannot be told.
fn names_execution_logs<'a>(model: &Model<'a>, api: &Site<'a>) -> bool {
    model.cdk_files().any(|file| {
        let root = Syn::root(file);
        file.text.match_indices("API-Gateway-Execution-Logs").any(|(at, name)| {
            let named = root.at(at..at + name.len()).map(|token| {
                std::iter::once(token).chain(token.ancestors()).find(|node| node.is("template_string"))
            });
            let id = named.flatten().and_then(|text| {
                let parts = text.children().filter(|part| part.is("template_substitution"));
                parts.filter_map(Syn::first).find(|part| part.text().ends_with(".restApiId"))
            });
            let owner = id.and_then(|id| model.origin(id.field("object")?));
            owner.is_none_or(|owner| owner.node == api.node)
        })
    })
}

/// A REST API that logs each execution to a group that API Gateway makes.
pub(super) fn execution_logs<'a>(m: &Match<'_, 'a>, out: &mut Findings<'a>, api: Site<'a>) -> Option<()> {
    let model = m.model;
    let props = api.props(model);
    let options = model.props_of(props.get(model, "deployOptions").value()?);
    let level = model.cdk_name(options.get(model, "loggingLevel").value()?)?;
    let logs = level == "aws_apigateway.MethodLoggingLevel.INFO"
        || level == "aws_apigateway.MethodLoggingLevel.ERROR";
    let deployed = props.get(model, "deploy") == Prop::Absent;
    let bounded = names_execution_logs(model, &api);
    let environment = model.environment(api.node);
    if !logs || !deployed || bounded || environment == Environment::Guarded {
        return None;
    }
    let label = api.label();
    let what = match environment.known() {
        Some(known) => format!("to a week outside production, and changes nothing there.{}", assumed(known)),
        None => "to what you say in log_retention.".to_owned(),
    };
    let message = format!(
        "{label} logs each execution to a group that API Gateway makes, which keeps every event for ever. The fix sets the \
         retention of that group {what} It adds a small function that does so during the deployment."
    );
    let candidate = out.report(&META, model, api.node, message);
    candidate.key("execution-logs");
    let bound = match api.binding() {
        Binding::Variable(name) => name.text().to_owned(),
        Binding::Field(name) => format!("this.{}", name.text()),
        Binding::None => {
            candidate.refuse(
                "the API is bound to no name, so that the name of its log group cannot be written",
                "assign it to a constant, then run again",
            );
            return Some(());
        }
    };
    candidate.fix(format!("Bound the execution logs of {label}"), move |b| {
        let at = api.node;
        let statement = b.statement(at)?;
        let class = b.cdk(at, "aws_logs.LogRetention")?;
        let days = b.cdk(at, "aws_logs.RetentionDays")?;
        let kept = retention(b, at, NEVER, &days)?;
        let kept = entry(b, statement, kept);
        let id = b.sibling_id(&api, "ExecutionLogRetention");
        let scope = b.scope_text(&api);
        let name = format!("`API-Gateway-Execution-Logs_${{{bound}.restApiId}}/${{{bound}.deploymentStage.stageName}}`");
        b.insert_after(
            statement,
            &format!("// API Gateway makes this group by itself, and never lets an event expire\nnew {class}({scope}, {id}, {{\n  logGroupName: {name},\n  {kept},\n}});"),
        );
        Ok(())
    });
    Some(())
}

/// `LogDrivers.awsLogs({ streamPrefix })`.
pub(super) fn container_logs<'a>(m: &Match<'_, 'a>, out: &mut Findings<'a>, call: Syn<'a>) -> Option<()> {
    let model = m.model;
    let props = model.props_of(call.field("arguments")?.first()?);
    let object = props.object().filter(|object| std::ptr::eq(object.file, call.file))?;
    if props.get(model, "logGroup") != Prop::Absent {
        return None;
    }
    let (today, value) = kept(model, props.get(model, "logRetention"), NEVER)?;
    let environment = model.environment(object);
    let left = environment.known().is_none() && value.is_some();
    if is_bounded_to_a_week(&today) || environment == Environment::Guarded || left {
        return None;
    }
    let what = match environment.known() {
        Some(known) => format!("keeps them so in production and for a week elsewhere.{}", assumed(known)),
        None => "sets the retention that you name as log_retention.".to_owned(),
    };
    let message = format!(
        "The container's log driver keeps events {} in every environment. The fix {what} Older events are deleted.",
        in_words(&today)
    );
    let title = match environment.known() {
        Some(_) => "Keep the container's logs for a week outside production",
        None => "Give the container's logs a retention",
    };
    out.report(&META, model, call, message).fix(title, move |b| {
        let days = b.cdk(call, "aws_logs.RetentionDays")?;
        let value = match (retention(b, object, &today, &days)?, object.children().last()) {
            (Retention::Tiered(condition, yes, no), Some(last)) => {
                b.conditional(last, "logRetention", (&condition, &yes, &no))
            }
            (kept, _) => kept.line(),
        };
        b.set_entry(object, "logRetention", &value);
        Ok(())
    });
    Some(())
}
