//! A permissions boundary: what a role may do at most, whatever its policies allow.

use crate::detect::Refusal;
use crate::edit::{Builder, no_fix};
use crate::model::meaning::words;
use crate::model::{Model, Prop, Site};
use crate::syntax::Syn;

/// Services whose code has no business with the account itself. Build projects and people are not among them: what they
/// deploy may be roles.
const WORKERS: [&str; 4] = ["ec2", "ecs-tasks", "lambda", "states"];

/// Whether a boundary caps a principal, or may do so. Without a principal: whether anything has one.
pub(super) fn is_capped<'a>(model: &Model<'a>, principal: Option<&Site<'a>>) -> bool {
    if principal.is_some_and(|site| site.props(model).get(model, "permissionsBoundary") != Prop::Absent) {
        return true;
    }
    model.cdk_files().any(|file| {
        let root = Syn::root(file);
        words(root, "customizeRoles").next().is_some()
            || words(root, "PermissionsBoundary").filter_map(|at| root.at(at)).any(|name| {
                let imported = name.ancestors().any(|around| around.is("import_statement"));
                !imported && caps(model, name, principal)
            })
    })
}

/// Whether the `PermissionsBoundary.of(…)` that a name belongs to is about a principal, or about more than one construct.
fn caps<'a>(model: &Model<'a>, name: Syn<'a>, principal: Option<&Site<'a>>) -> bool {
    let call = name.ancestors().find(|around| around.is("call_expression"));
    let capped = call.and_then(|call| call.field("arguments")?.first()).and_then(|of| model.origin(of));
    match (capped, principal) {
        (Some(capped), Some(principal)) if is_principal(model, &capped) => capped.node == principal.node,
        _ => true,
    }
}

fn is_principal<'a>(model: &Model<'a>, site: &Site<'a>) -> bool {
    ["aws_iam.Role", "aws_lambda.Function"].iter().any(|class| model.builds(site, class))
}

/// Whether a principal is the role of code that runs, which needs nothing of the account itself: a function, a
/// server, a container.
pub(super) fn is_a_worker<'a>(model: &Model<'a>, principal: &Site<'a>) -> bool {
    if model.builds(principal, "aws_lambda.Function") {
        return !model.serves_custom_resource(principal);
    }
    if !model.builds(principal, "aws_iam.Role") {
        return false;
    }
    let assumed = principal.props(model).get(model, "assumedBy").value().and_then(|by| model.origin(by));
    let service = assumed
        .filter(|by| model.builds(by, "aws_iam.ServicePrincipal"))
        .and_then(|by| by.arguments.first().copied())
        .filter(|service| service.is("string"));
    let works = service.is_some_and(|service| {
        let name = service.text().trim_matches(['\'', '"']);
        WORKERS.iter().any(|worker| name.strip_prefix(worker) == Some(".amazonaws.com"))
    });
    let serves = model.uses(principal).iter().any(|used| {
        let around = used.ancestors().find_map(|node| model.site_of(node));
        let class = [
            "custom_resources.AwsCustomResource",
            "custom_resources.Provider",
            "aws_lambda.SingletonFunction",
        ];
        around.is_some_and(|site| {
            model.serves_custom_resource(&site) || class.iter().any(|class| model.builds(&site, class))
        })
    });
    works && !serves
}

/// Caps a principal behind the statement that builds it.
///
/// # Errors
/// A [`Refusal`] where it is built inside another expression, and those of naming classes of the CDK.
pub(super) fn cap<'a>(b: &mut Builder<'_, 'a>, principal: &Site<'a>) -> Result<(), Refusal> {
    let at = principal.node;
    let statement = b.statement(at)?;
    let name = super::named(b, principal, statement, "role").ok_or_else(|| {
        no_fix(
            "the role is built inside another expression, where no statement can follow it",
            "keep the role in a variable of its own, then run again",
        )
    })?;
    let boundary = b.cdk(at, "aws_iam.PermissionsBoundary")?;
    let policy = b.cdk(at, "aws_iam.ManagedPolicy")?;
    let allow = b.cdk(at, "aws_iam.PolicyStatement")?;
    let effect = b.cdk(at, "aws_iam.Effect")?;
    let (scope, id) = (b.scope_text(principal), b.sibling_id(principal, "Boundary"));
    b.insert_after(
        statement,
        &format!(
            "// Its policies allow everything: the most that it can do until they name what it needs\n\
             {boundary}.of({name}).apply(\n  \
               new {policy}({scope}, {id}, {{\n    \
                 description: 'Upper bound while the policies allow everything',\n    \
                 statements: [\n      \
                   new {allow}({{\n        sid: 'Cap',\n        actions: ['*'],\n        resources: ['*'],\n      }}),\n      \
                   new {allow}({{\n        \
                     sid: 'NoEscalation',\n        \
                     effect: {effect}.DENY,\n        \
                     actions: [\n          \
                       'account:*',\n          \
                       'cloudtrail:DeleteTrail',\n          \
                       'cloudtrail:StopLogging',\n          \
                       'cloudtrail:UpdateTrail',\n          \
                       'iam:*',\n          \
                       'kms:PutKeyPolicy',\n          \
                       'kms:ScheduleKeyDeletion',\n          \
                       'organizations:*',\n        \
                     ],\n        \
                     resources: ['*'],\n      \
                   }}),\n    \
                 ],\n  \
               }})\n\
             );"
        ),
    );
    Ok(())
}
