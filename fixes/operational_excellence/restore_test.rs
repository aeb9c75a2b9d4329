//! Restores of what a backup plan copies, done by AWS Backup every week.

use crate::detect::Refusal;
use crate::edit::{Builder, no_fix};
use crate::fixes::security::named;
use crate::model::{Binding, Environment, Model, Site};
use crate::syntax::Syn;

/// What selects a kind of resource for a plan (a factory, or the ARN of a construct), what AWS Backup calls that kind, and what to call
/// its selection.
const KINDS: [(&str, &str, &str, &str); 7] = [
    ("fromDynamoDbTable", "aws_dynamodb.Table", "DynamoDB", "Tables"),
    ("fromDynamoDbTable", "aws_dynamodb.TableV2", "DynamoDB", "Tables"),
    ("fromEfsFileSystem", "aws_efs.FileSystem", "EFS", "FileSystems"),
    ("fromRdsDatabaseInstance", "aws_rds.DatabaseInstance", "RDS", "Databases"),
    ("fromRdsDatabaseCluster", "aws_rds.DatabaseCluster", "Aurora", "DatabaseClusters"),
    ("fromRdsServerlessCluster", "aws_rds.ServerlessCluster", "Aurora", "DatabaseClusters"),
    ("fromArn", "aws_s3.Bucket", S3, "Buckets"),
];

/// Buckets, for whose restore a role needs a policy of its own.
const S3: &str = "S3";

/// Whether a construct is the test that the fix adds.
pub(super) fn is_ours(test: &Site<'_>) -> bool {
    let id = test.id().map(Syn::text).unwrap_or_default();
    let ends = ["RestoreTest", "restore-test"]
        .iter()
        .any(|end| id.trim_end_matches(['\'', '`', '"']).ends_with(end));
    ends && test.node.text().contains(".uniqueResourceName(")
}

/// What a plan of the app copies, as AWS Backup calls it.
pub(super) struct Copied {
    kinds: Vec<(&'static str, &'static str)>,
}

impl Copied {
    /// The kinds that the app selects for backups.
    pub(super) fn of(model: &Model<'_>) -> Self {
        let selects = |method: &str| {
            let calls = model.method_calls(method).filter(|call| {
                let function = call.field("function").and_then(|function| model.cdk_name(function));
                function.is_some_and(|name| name.starts_with("aws_backup.BackupResource."))
            });
            calls.collect::<Vec<_>>()
        };
        let by_arn: Vec<Site<'_>> = selects("fromArn")
            .iter()
            .filter_map(|call| model.origin(call.field("arguments")?.first()?.field("object")?))
            .collect();
        let mut kinds: Vec<(&str, &str)> = Vec::new();
        for (method, class, kind, name) in KINDS {
            let selected = by_arn.iter().any(|site| model.builds(site, class))
                || method != "fromArn" && !selects(method).is_empty();
            if selected && !kinds.iter().any(|(other, _)| *other == kind) {
                kinds.push((kind, name));
            }
        }
        Self { kinds }
    }

    /// Whether it cannot be told, as where tags select.
    pub(super) fn is_unknown(&self) -> bool {
        self.kinds.is_empty()
    }
}

/// A backup plan: built by `new`, or by one of the factories.
#[derive(Clone)]
pub(super) struct Plan<'a> {
    /// The expression that builds it.
    pub node: Syn<'a>,
    site: Option<Site<'a>>,
    arguments: Vec<Syn<'a>>,
}

impl<'a> Plan<'a> {
    /// The plan that a node builds.
    pub(super) fn of(model: &Model<'a>, node: Syn<'a>) -> Self {
        let arguments = node.field("arguments").map(|list| list.children().collect()).unwrap_or_default();
        Self { node, site: model.site_of(node).filter(|_| node.is("new_expression")), arguments }
    }

    /// What it is called.
    pub(super) fn label(&self) -> String {
        let id = self.arguments.get(1).filter(|id| id.is("string"));
        id.map_or_else(|| "The backup plan".to_owned(), |id| id.text().trim_matches(['\'', '"']).to_owned())
    }

    /// How it is called behind its statement.
    fn name(&self, b: &mut Builder<'_, 'a>, statement: Syn<'a>) -> Result<String, Refusal> {
        let bound = Binding::of(self.node).text();
        bound.or_else(|| named(b, self.site.as_ref()?, statement, "plan")).ok_or_else(|| {
            no_fix(
                "the plan has no name that a statement behind it could use",
                "keep the plan in a variable of its own, then run again",
            )
        })
    }
}

/// Adds a restore testing plan behind a backup plan.
///
/// # Errors
/// A [`Refusal`] where the release has no such plans, or no statement can follow.
pub(super) fn add<'a>(b: &mut Builder<'_, 'a>, plan: &Plan<'a>, copied: &Copied) -> Result<(), Refusal> {
    let at = plan.node;
    if !b.model.has_class("aws_backup.CfnRestoreTestingPlan") {
        return Err(no_fix(
            "the app's aws-cdk-lib has no restore testing plans (CfnRestoreTestingPlan, 2.110)",
            "update aws-cdk-lib, then run again",
        ));
    }
    let statement = b.statement(at)?;
    let name = plan.name(b, statement)?;
    let scope = plan.arguments.first().map_or("this", |scope| scope.text());
    let id = plan.arguments.get(1).copied();
    let role = b.fresh_name(at.file, &["restoreTestRole", "backupRestoreTestRole"]);
    let test = b.fresh_name(at.file, &["restoreTest", "backupRestoreTest"]);
    let (role_id, test_id) = (b.id_after(at, id, "RestoreTestRole"), b.id_after(at, id, "RestoreTest"));
    let role_class = b.cdk(at, "aws_iam.Role")?;
    let principal = b.cdk(at, "aws_iam.ServicePrincipal")?;
    let policy = b.cdk(at, "aws_iam.ManagedPolicy")?;
    let testing = b.cdk(at, "aws_backup.CfnRestoreTestingPlan")?;
    let selection = b.cdk(at, "aws_backup.CfnRestoreTestingSelection")?;
    let names = b.cdk(at, "Names")?;
    let buckets = copied.kinds.iter().any(|(kind, _)| *kind == S3);
    let of_buckets = if buckets {
        format!(
            "\n    {policy}.fromAwsManagedPolicyName(\n      'AWSBackupServiceRolePolicyForS3Restore'\n    ),"
        )
    } else {
        String::new()
    };
    let mut code = format!(
        "const {role} = new {role_class}({scope}, {role_id}, {{\n  \
           assumedBy: new {principal}('backup.amazonaws.com'),\n  \
           managedPolicies: [\n    \
             {policy}.fromAwsManagedPolicyName(\n      \
               'service-role/AWSBackupServiceRolePolicyForRestores'\n    \
             ),{of_buckets}\n  \
           ],\n\
         }});\n\
         const {test} = new {testing}({scope}, {test_id}, {{\n  \
           // Letters, digits and underscores only\n  \
           restoreTestingPlanName: {names}.uniqueResourceName({name}, {{\n    maxLength: 50,\n    separator: '_',\n  }}),\n  \
           scheduleExpression: 'cron(0 5 ? * SUN *)',\n  \
           startWindowHours: 8,\n  \
           recoveryPointSelection: {{\n    \
             algorithm: 'LATEST_WITHIN_WINDOW',\n    \
             includeVaults: [{name}.backupVault.backupVaultArn],\n    \
             recoveryPointTypes: ['SNAPSHOT'],\n    \
             selectionWindowDays: 7,\n  \
           }},\n\
         }});"
    );
    for (kind, label) in &copied.kinds {
        let id = b.id_after(at, id, &format!("RestoreTest{label}"));
        code.push_str(&format!(
            "\nnew {selection}({scope}, {id}, {{\n  \
               restoreTestingPlanName: {test}.ref,\n  \
               restoreTestingSelectionName: '{kind}',\n  \
               protectedResourceType: '{kind}',\n  \
               protectedResourceArns: ['*'],\n  \
               iamRoleArn: {role}.roleArn,\n  \
               validationWindowHours: 24,\n\
             }});"
        ));
    }
    let comment = "// Restores the newest copies once a week, and removes them a day later";
    let code = match b.environment(at) {
        Environment::Known(known) => {
            format!("{comment}\nif ({}) {{\n  {}\n}}", known.expression, code.replace('\n', "\n  "))
        }
        Environment::Guarded | Environment::None => format!("{comment}\n{code}"),
    };
    b.insert_after(statement, &code);
    Ok(())
}
