//! # 2.10 No backup strategy
//!
//! ## What is wrong
//! The app keeps what its code cannot build again (tables, databases, files, versioned buckets, parameters whose values people
//! type in), and nothing copies it. A wrong deployment or a deletion by accident is then the end of it. What a store keeps beside itself
//! (versions, automated backups, point-in-time recovery) undoes many mistakes, and goes with the store. The same in small: a table
//! without point-in-time recovery, backups that were switched off, and a function whose former versions CDK deletes with
//! each deployment, so that an alias has nothing to go back to.
//!
//! ## What the fix does
//! It adds a construct `BackupInfrastructure` in a file of its own, and builds it in each stack that holds such state: a vault
//! with a customer's key, a daily plan, and a role that may also back up S3, which CDK's own may not. The plan selects buckets, tables, databases and
//! their clusters (DocumentDB's, too), file systems and volumes. AWS Backup does not cover Parameter Store:
//! parameters are exported once a day to a versioned, encrypted bucket. Elsewhere it sets the one property that is missing.
//!
//! ## Before
//! ```ts
//! import * as cdk from 'aws-cdk-lib';
//! import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
//! import { Construct } from 'constructs';
//!
//! class OrderStack extends cdk.Stack {
//!   constructor(scope: Construct, id: string, props?: cdk.StackProps) {
//!     super(scope, id, props);
//!
//!     new dynamodb.Table(this, 'Orders', {
//!       partitionKey: { name: 'id', type: dynamodb.AttributeType.STRING },
//!       pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
//!     });
//!   }
//! }
//!
//! const app = new cdk.App();
//! new OrderStack(app, 'Orders');
//! ```
//!
//! ## After
//! ```ts
//! import * as cdk from 'aws-cdk-lib';
//! import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
//! import { Construct } from 'constructs';
//! import { BackupInfrastructure } from './backup-infrastructure';
//!
//! class OrderStack extends cdk.Stack {
//!   constructor(scope: Construct, id: string, props?: cdk.StackProps) {
//!     super(scope, id, props);
//!
//!     const orders = new dynamodb.Table(this, 'Orders', {
//!       partitionKey: { name: 'id', type: dynamodb.AttributeType.STRING },
//!       pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
//!     });
//!
//!     new BackupInfrastructure(this, 'Backup', {
//!       retentionDays: 35,
//!       tables: [orders],
//!     });
//!   }
//! }
//!
//! const app = new cdk.App();
//! new OrderStack(app, 'Orders');
//! ```
//!
//! ## When it stays silent
//! Where the app builds a backup plan; for stores that go with their stack (`RemovalPolicy.DESTROY`) or whose removal policy is not known;
//! for buckets without versions and those of logs, websites, artifacts, exports and the like; for parameters
//! whose value stands in the code or comes from a resource: git and CloudFormation have it. For functions whose `currentVersion` nobody uses, and in libraries.
//!
//! ## When it refuses
//! Where a store is built where its stack cannot name it (in a loop, in a class that is built more than once, behind a private
//! field); where the path of the parameters cannot be told; for CDK v1 and JavaScript.
//!
//! ## What to know before deploying
//! Copies are billed. Backups of S3 have to be switched on once under the settings of AWS Backup, per account and region. Copies are kept for
//! 35 days unless `backup_retention_days` says otherwise. The vault, and the export bucket with the decrypted values of the parameters, outlive the stack. Versions of a function that are kept count
//! toward the account's storage for code. Rehearse a restore.
//!
//! ## Other checkers
//! Clears cdk-nag `AwsSolutions-DDB3`, Checkov `CKV_AWS_28`. `AwsSolutions-IAM4` counts the two policies of AWS on the role, `AwsSolutions-IAM5` the grants on
//! key and bucket, `AwsSolutions-S1` the export bucket, which has no access logs, `AwsSolutions-SQS3` the exporter's dead-letter queue, `AwsSolutions-L1` the exporter's
//! runtime once there is a newer one.
//! Checkov asks for access logs of the copies' bucket (`CKV_AWS_18`), and of the function that copies for a limit, a VPC and keys of one's own
//! (`CKV_AWS_115`, `CKV_AWS_117`, `CKV_AWS_158`, `CKV_AWS_173`).

use super::backups::add_backups;
use super::state::{Store, exports_parameters, is_kept, recovers, stores};
use crate::detect::{Findings, Match};
use crate::model::meaning::words;
use crate::model::{Model, Site};
use crate::rule::{Impact, Meta, Pillar, Rule, Tier};
use crate::syntax::Syn;

/// The rule.
pub const RULE: Rule = Rule { meta: &META, check };
const META: Meta = Meta {
    id: "2.10",
    also: &[],
    name: "no-backup-strategy",
    title: "No backup strategy",
    pillar: Pillar::Reliability,
    impact: Impact::Medium,
    tier: Tier::Scaffold,
    practice: "REL09-BP03",
    clears: &["AwsSolutions-DDB3", "CKV_AWS_28"],
    // The exporter of parameters is a function: where it is the first, 1.7 counts it and 5.4 has something to describe. 5.6 has
    // what the new plan copies restored as a test.
    raises: &["1.7", "5.4", "5.6"],
    asks: &[],
    // After 1.4, which turns parameters into secrets, and 2.8, which starts to use versions.
    order: 300,
    source: include_str!("wa_2_10_no_backup_strategy.rs"),
    query: include_str!("../../queries/reliability/wa_2_10_no_backup_strategy.scm"),
};

fn check<'a>(m: &Match<'_, 'a>, out: &mut Findings<'a>) -> Option<()> {
    let model = m.model;
    if let Some(app) = m.site("app") {
        return whole_app(model, &app, out);
    }
    if let Some(table) = m.site("table") {
        return open_table(model, table, out);
    }
    if let Some(function) = m.site("function") {
        return lost_versions(model, function, out);
    }
    if let Some(database) = m.site("database") {
        return switched_off(model, &database, "backupRetention", out);
    }
    switched_off(model, &m.site("files")?, "enableAutomaticBackups", out)
}

fn whole_app<'a>(model: &Model<'a>, app: &Site<'a>, out: &mut Findings<'a>) -> Option<()> {
    let held = stores(model);
    if held.is_empty() || model.stack_classes().is_empty() || !model.starts_app(app) {
        return None;
    }
    let only_parameters = held.iter().all(|store| store.kind.is_none());
    // AWS Backup takes no parameters: their exports are all that there is to see.
    if only_parameters && exports_parameters(model) {
        return None;
    }
    let known = held.iter().any(|store| model.environment(store.site.node).known().is_some());
    // What nothing brings back is named; where all has something beside it, all.
    let mut lost: Vec<&Store<'a>> = held.iter().filter(|store| !recovers(model, store)).collect();
    let beside = lost.is_empty();
    if beside {
        lost = held.iter().collect();
    }
    let mut labels: Vec<String> = lost.iter().map(|store| store.site.label()).collect();
    labels.dedup();
    let more = labels.len().saturating_sub(3);
    labels.truncate(3);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let labels = labels.join(", ");
    let (plan, export) =
        ("a daily plan with a vault of its own", "a daily export of the parameters that people set");
    let added = match held.iter().any(|store| store.kind.is_none()) {
        true if only_parameters => export.to_owned(),
        true => format!("{plan}, and {export}"),
        false => plan.to_owned(),
    };
    let wrong = if beside {
        format!(
            "What this app keeps ({labels}{more}) can be put back only from what is kept beside it: whoever deletes the store, by accident \
             or not, can delete that as well."
        )
    } else {
        format!(
            "Nothing backs up what this app keeps ({labels}{more}): what is deleted or overwritten by accident is gone."
        )
    };
    let message =
        format!("{wrong} The fix adds {added}; copies are billed, and a restore has to be rehearsed.");
    let finding = out.report(&META, model, app.node, message);
    finding.key("plan");
    finding.impact(if known && !beside { Impact::Medium } else { Impact::Low });
    finding.fix("Back up what the app keeps", move |b| add_backups(b, &held));
    Some(())
}

fn open_table<'a>(model: &Model<'a>, table: Site<'a>, out: &mut Findings<'a>) -> Option<()> {
    let replica = table
        .local
        .is_some_and(|class| table.node.is("new_expression") && class.text().contains("constructor"));
    if replica || !is_kept(model, &table) {
        return None;
    }
    let label = table.label();
    let newer = model.has_prop(&table.class, "pointInTimeRecoverySpecification");
    if !newer && !model.has_prop(&table.class, "pointInTimeRecovery") {
        return None;
    }
    let finding = out.report(
        &META,
        model,
        table.node,
        format!(
            "{label} has no point-in-time recovery: items that are overwritten or deleted by mistake cannot be brought back. The fix \
             switches it on, for any second of the last 35 days; it is billed by the size of the table."
        ),
    );
    finding.tier(Tier::Review);
    finding.fix(format!("Let {label} be restored to a point in time"), move |b| {
        if newer {
            b.set_prop(&table, "pointInTimeRecoverySpecification", "{ pointInTimeRecoveryEnabled: true }")
        } else {
            b.set_prop(&table, "pointInTimeRecovery", "true")
        }
    });
    Some(())
}

fn lost_versions<'a>(model: &Model<'a>, function: Site<'a>, out: &mut Findings<'a>) -> Option<()> {
    let edge = model.runs_at_edge(&function) || model.builds(&function, "aws_lambda.SingletonFunction");
    if edge || !uses_current_version(model, &function) {
        return None;
    }
    let label = function.label();
    let finding = out.report(
        &META,
        model,
        function.node,
        format!(
            "CDK deletes the former version of {label} with each deployment that publishes a new one, so that an alias has nothing to go \
             back to. The fix keeps former versions; they count toward the account's storage for code."
        ),
    );
    finding.key("versions");
    finding.tier(Tier::Safe);
    finding.fix(format!("Keep former versions of {label}"), move |b| {
        let policy = b.cdk(function.node, "RemovalPolicy")?;
        b.set_prop(&function, "currentVersionOptions", &format!("{{ removalPolicy: {policy}.RETAIN }}"))
    });
    Some(())
}

/// Whether an alias or something else stands on `function.currentVersion`.
fn uses_current_version<'a>(model: &Model<'a>, function: &Site<'a>) -> bool {
    model.cdk_files().any(|file| {
        let root = Syn::root(file);
        words(root, "currentVersion").any(|at| {
            let member = root.at(at).and_then(Syn::parent).filter(|node| node.is("member_expression"));
            let object = member.and_then(|member| member.field("object"));
            object.and_then(|object| model.origin(object)).is_some_and(|site| site.node == function.node)
        })
    })
}

/// `backupRetention: Duration.days(0)`, `enableAutomaticBackups: false`.
fn switched_off<'a>(
    model: &Model<'a>,
    store: &Site<'a>,
    prop: &'static str,
    out: &mut Findings<'a>,
) -> Option<()> {
    let value = store.props(model).get(model, prop).value()?;
    let days = match prop {
        "backupRetention" => Some(no_days(model, value)?),
        _ => None,
    };
    if !is_kept(model, store) {
        return None;
    }
    let label = store.label();
    let finding = out.report(
        &META,
        model,
        store.node,
        format!(
            "The automatic backups of {label} are switched off: what is lost in it is lost for good. The fix switches them on; copies \
             are billed."
        ),
    );
    finding.key(prop);
    finding.tier(Tier::Review);
    finding.fix(format!("Switch on the backups of {label}"), move |b| {
        match days {
            Some(number) => b.replace(number, "7"),
            None => b.replace(value, "true"),
        }
        Ok(())
    });
    Some(())
}

/// The `0` of `Duration.days(0)`.
fn no_days<'a>(model: &Model<'a>, value: Syn<'a>) -> Option<Syn<'a>> {
    let name = model.cdk_name(value.field("function")?)?;
    let number = value.field("arguments")?.first()?;
    (name == "Duration.days" && number.text() == "0").then_some(number)
}
