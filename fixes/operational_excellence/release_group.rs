//! The deployment group through which a script releases a function, and what the script's project needs for it.

use super::super::security::named;
use super::alias::{canary_alarm, spoken};
use super::scripted_release::{APPLICATION, GROUP, Release};
use super::wa_5_5_no_gradual_release::deployment_config;
use crate::detect::Refusal;
use crate::edit::names::is_visible;
use crate::edit::{Builder, no_fix};
use crate::model::props::own_entry;
use crate::model::{Model, Prop};
use crate::syntax::Syn;

/// What the constructs are called that the fix adds.
pub(super) struct Names {
    application: String,
    group: String,
    config: String,
}

/// Builds the alarm, the role, the application and the deployment group before the project.
pub(super) fn build_group<'a>(b: &mut Builder<'_, 'a>, release: &Release<'a>) -> Result<Names, Refusal> {
    let at = release.project.node;
    let statement = b.statement(at)?;
    let function = release.function.0;
    let visible =
        [Some(function), release.alias].into_iter().flatten().all(|name| is_visible(statement, name));
    if !visible {
        return Err(no_fix(
            "the function or its alias has no name before the project",
            "assign it to a constant before the project, then run again",
        ));
    }
    let scope = b.scope_text(&release.project);
    let alarm = b.fresh_name(at.file, &["canaryAlarm", "releaseCanaryAlarm"]);
    let names = Names {
        application: b.fresh_name(at.file, &["releaseApplication"]),
        group: b.fresh_name(at.file, &["releaseGroup"]),
        config: b.fresh_name(at.file, &["trafficShift"]),
    };
    let role = b.fresh_name(at.file, &["releaseRole"]);
    let ids = ["ReleaseCanaryAlarm", "ReleaseApplication", "ReleaseRole", "ReleaseGroup"];
    let [alarm_id, application_id, role_id, group_id] = ids.map(|id| b.fresh_id(at, &[id]));
    let metric = metric(b, release)?;
    let label = spoken(&release.function.1.label(), "the function");
    let alarm_code =
        canary_alarm(b, statement, (&alarm, scope, &format!("'{alarm_id}'")), (&metric, &label))?;
    let config = deployment_config(b, at, &format!("const {}", names.config))?;
    let gap = if config.starts_with('\n') { "" } else { " " };
    let application_class = b.cdk(at, "aws_codedeploy.LambdaApplication")?;
    let role_code = role_code(b, release, (&role, scope, &role_id))?;
    let group_class = b.cdk(at, "aws_codedeploy.CfnDeploymentGroup")?;
    let Names { application, group, config: shift } = &names;
    b.insert_before(
        statement,
        &format!(
            "// A new version gets a part of the traffic first, and none when it fails\n\
             {alarm_code}\n\n\
             const {shift} ={gap}{config};\n\
             const {application} = new {application_class}({scope}, '{application_id}');\n\
             {role_code}\n\n\
             // An L1 construct: the script alone moves the alias, not CloudFormation as well\n\
             const {group} = new {group_class}({scope}, '{group_id}', {{\n  \
               applicationName: {application}.applicationName,\n  \
               serviceRoleArn: {role}.roleArn,\n  \
               deploymentConfigName: {shift}.deploymentConfigName,\n  \
               deploymentStyle: {{\n    \
                 deploymentOption: 'WITH_TRAFFIC_CONTROL',\n    \
                 deploymentType: 'BLUE_GREEN',\n  \
               }},\n  \
               alarmConfiguration: {{\n    \
                 enabled: true,\n    \
                 alarms: [{{ name: {alarm}.alarmName }}],\n  \
               }},\n  \
               autoRollbackConfiguration: {{\n    \
                 enabled: true,\n    \
                 events: [\n      \
                   'DEPLOYMENT_FAILURE',\n      \
                   'DEPLOYMENT_STOP_ON_ALARM',\n      \
                   'DEPLOYMENT_STOP_ON_REQUEST',\n    \
                 ],\n  \
               }},\n\
             }});"
        ),
    );
    Ok(names)
}

/// The errors of the alias: by the alias where it is known, else by the function and the alias's name.
fn metric<'a>(b: &mut Builder<'_, 'a>, release: &Release<'a>) -> Result<String, Refusal> {
    let duration = b.cdk(release.project.node, "Duration")?;
    if let Some(alias) = release.alias {
        return Ok(format!("{}.metricErrors({{\n    period: {duration}.minutes(1),\n  }})", alias.text()));
    }
    let function = release.function.0.text();
    let name = release.words.alias.value();
    Ok(format!(
        "{function}.metricErrors({{\n    \
           period: {duration}.minutes(1),\n    \
           dimensionsMap: {{\n      \
             FunctionName: {function}.functionName,\n      \
             Resource: `${{{function}.functionName}}:{name}`,\n    \
           }},\n  \
         }})"
    ))
}

/// The role with which `CodeDeploy` moves the alias, and nothing else.
fn role_code<'a>(
    b: &mut Builder<'_, 'a>,
    release: &Release<'a>,
    (name, scope, id): (&str, &str, &str),
) -> Result<String, Refusal> {
    let at = release.project.node;
    let role = b.cdk(at, "aws_iam.Role")?;
    let principal = b.cdk(at, "aws_iam.ServicePrincipal")?;
    let document = b.cdk(at, "aws_iam.PolicyDocument")?;
    let statement = b.cdk(at, "aws_iam.PolicyStatement")?;
    let function = release.function.0.text();
    let resources = format!("resources: [{function}.functionArn, `${{{function}.functionArn}}:*`],");
    let resources = if b.fits(at, 5, resources.len()) {
        resources
    } else {
        format!(
            "resources: [\n            {function}.functionArn,\n            `${{{function}.functionArn}}:*`,\n          ],"
        )
    };
    Ok(format!(
        "const {name} = new {role}({scope}, '{id}', {{\n  \
           description: 'Lets CodeDeploy move the alias',\n  \
           assumedBy: new {principal}('codedeploy.amazonaws.com'),\n  \
           inlinePolicies: {{\n    \
             ShiftTraffic: new {document}({{\n      \
               statements: [\n        \
                 new {statement}({{\n          \
                   actions: [\n            \
                     'lambda:GetAlias',\n            \
                     'lambda:GetProvisionedConcurrencyConfig',\n            \
                     'lambda:UpdateAlias',\n          \
                   ],\n          \
                   {resources}\n        \
                 }}),\n        \
                 new {statement}({{\n          \
                   actions: ['cloudwatch:DescribeAlarms'],\n          \
                   resources: ['*'],\n        \
                 }}),\n      \
               ],\n    \
             }}),\n  \
           }},\n\
         }});"
    ))
}

/// Tells the build where to deploy, and lets it.
pub(super) fn pass_names<'a>(
    b: &mut Builder<'_, 'a>,
    release: &Release<'a>,
    names: &Names,
) -> Result<(), Refusal> {
    const VARIABLES: &str = "environmentVariables";
    let project = &release.project;
    let Names { application, group, config } = names;
    let values = [
        (APPLICATION, format!("{{ value: {application}.applicationName }}")),
        (GROUP, format!("{{ value: {group}.ref }}")),
    ];
    let cannot = || {
        no_fix(
            "the project's environment variables cannot be followed to one place",
            "write them as an object in the project's props, then run again",
        )
    };
    match project.props(b.model).get(b.model, VARIABLES) {
        Prop::Absent => {
            let [(application, value), (group, other)] = &values;
            b.set_prop(
                project,
                VARIABLES,
                &format!("{{\n  {application}: {value},\n  {group}: {other},\n}}"),
            )?;
        }
        Prop::Present(entry) if entry.value.is("object") => {
            if values.iter().any(|(name, _)| own_entry(entry.value, name).is_some()) {
                return Err(cannot());
            }
            b.insert_entries(entry.value, &values);
        }
        _ => return Err(cannot()),
    }
    let (at, model) = (project.node, b.model);
    let statement = b.statement(at)?;
    let name = named(b, project, statement, "project").ok_or_else(|| {
        no_fix("the project is built inside another expression", "assign it to a constant, then run again")
    })?;
    let scope = b.scope_text(project);
    let stack = b.stack_text(at, scope)?;
    let format = b.cdk(at, "ArnFormat")?;
    let class = b.cdk(at, "aws_iam.PolicyStatement")?;
    let mut allow = |actions: &[&str], resource: &str| {
        let list: Vec<String> = actions.iter().map(|action| format!("'{action}'")).collect();
        let mut actions = format!("actions: [{}],", list.join(", "));
        if !b.fits(at, 2, actions.len()) {
            actions = format!("actions: [\n      {},\n    ],", list.join(",\n      "));
        }
        format!(
            "{name}.addToRolePolicy(\n  new {class}({{\n    {actions}\n    resources: [{resource}],\n  }})\n);"
        )
    };
    let reads = permission(model, release).is_some();
    let group_arn = format!(
        "\n      {stack}.formatArn({{\n        \
           service: 'codedeploy',\n        \
           resource: 'deploymentgroup',\n        \
           resourceName: `${{{application}.applicationName}}/${{{group}.ref}}`,\n        \
           arnFormat: {format}.COLON_RESOURCE_NAME,\n      \
         }}),\n    "
    );
    let code = [
        allow(&["codedeploy:CreateDeployment", "codedeploy:GetDeployment"], &group_arn),
        allow(
            &["codedeploy:GetApplicationRevision", "codedeploy:RegisterApplicationRevision"],
            &format!("{application}.applicationArn"),
        ),
        allow(&["codedeploy:GetDeploymentConfig"], &format!("{config}.deploymentConfigArn")),
    ];
    let mut code = code.join("\n");
    if !reads {
        let function = release.function.0.text();
        code.push('\n');
        code.push_str(&allow(
            &["lambda:GetAlias"],
            &format!("{function}.functionArn, `${{{function}.functionArn}}:*`"),
        ));
    }
    b.insert_after(statement, &code);
    Ok(())
}

/// `'lambda:UpdateAlias'` in a statement that the project's role is given, with its list.
fn permission<'a>(model: &Model<'a>, release: &Release<'a>) -> Option<(Syn<'a>, Syn<'a>)> {
    let role = release.project.props(model).get(model, "role").value().and_then(|role| model.origin(role));
    let file = release.project.node.file;
    let mut found = model
        .sites(file)
        .iter()
        .filter(|site| model.builds(site, "aws_iam.PolicyStatement"))
        .filter(|site| {
            let receiver = site
                .node
                .ancestor("call_expression")
                .and_then(|call| call.field("function")?.field("object"))
                .and_then(|object| model.origin(object));
            receiver.is_some_and(|owner| {
                owner.node == release.project.node
                    || role.as_ref().is_some_and(|role| role.node == owner.node)
            })
        })
        .filter_map(|site| site.props(model).get(model, "actions").value())
        .filter(|actions| actions.is("array"))
        .filter_map(|actions| {
            let action = actions.children().find(|action| is_action(*action, "lambda:UpdateAlias"))?;
            Some((action, actions))
        });
    let only = found.next()?;
    found.next().is_none().then_some(only)
}

fn is_action(node: Syn<'_>, action: &str) -> bool {
    node.is("string") && node.text().trim_matches(['\'', '"']) == action
}

/// The script reads the alias and does not move it any more.
pub(super) fn exchange_permission<'a>(b: &mut Builder<'_, 'a>, release: &Release<'a>) {
    const READ: &str = "lambda:GetAlias";
    let Some((action, list)) = permission(b.model, release) else { return };
    if list.children().any(|other| is_action(other, READ)) {
        b.remove_entry(action);
        return;
    }
    let names: Vec<&str> = list.children().map(Syn::text).collect();
    let sorted = names.len() > 2 && names.windows(2).all(|pair| matches!(pair, [a, b] if a <= b));
    let next = list.children().find(|other| sorted && other.text().trim_matches(['\'', '"']) > READ);
    match next.filter(|next| *next != action) {
        Some(next) => {
            b.insert_element_before(next, &format!("'{READ}'"));
            b.remove_entry(action);
        }
        None => b.replace(action, &format!("'{READ}'")),
    }
}
