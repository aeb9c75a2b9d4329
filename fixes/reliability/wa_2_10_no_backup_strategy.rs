//! # 2.10 No backup strategy
//!
//! ## What is wrong
//! The app keeps what its code cannot build again (tables, databases, files, versioned buckets, parameters whose values people
//! type in), and nothing copies it. A wrong deployment or a deletion by accident is then the end of it. The same in small: a table
//! without point-in-time recovery, backups that were switched off, and a function whose former versions CDK deletes with
//! each deployment, so that an alias has nothing to go back to.
//!
//! ## What the fix does
//! It adds a construct `BackupInfrastructure` in a file of its own, and builds it in each stack that holds such state: a vault
//! with a customer's key, a daily plan, and a role that may also back up S3, which CDK's own may not. AWS Backup does not cover Parameter Store:
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

use super::backup_file::Needs;
use super::state::{KINDS, Store, is_kept, stack_of, stores};
use crate::detect::{Findings, Match, Refusal};
use crate::edit::carry::{class_around, known_name, last_statement, only_instance};
use crate::edit::names::is_visible;
use crate::edit::{Builder, no_fix};
use crate::model::meaning::words;
use crate::model::types::Type;
use crate::model::{Meaning, Model, Site};
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
    // The exporter of parameters is a function: where it is the first, 1.7 counts it and 5.4 has something to describe.
    raises: &["1.7", "5.4"],
    asks: &[],
    // After 1.4, which turns parameters into secrets, and 2.8, which starts to use versions.
    order: 300,
    source: include_str!("wa_2_10_no_backup_strategy.rs"),
    query: include_str!("../../queries/reliability/wa_2_10_no_backup_strategy.scm"),
};

/// How long copies are kept, if nothing else is said.
const DAYS: u32 = 35;

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
    let known = held.iter().any(|store| model.environment(store.site.node).known().is_some());
    let only_buckets = held.iter().all(|store| store.kind.is_some_and(|kind| kind.member == "buckets"));
    let mut labels: Vec<String> = held.iter().map(|store| store.site.label()).collect();
    labels.dedup();
    let more = labels.len().saturating_sub(3);
    labels.truncate(3);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let finding = out.report(
        &META,
        model,
        app.node,
        format!(
            "Nothing backs up what this app keeps ({}{more}): what is deleted or overwritten by accident is gone. The fix adds a daily \
             plan with a vault of its own, and a daily export of parameters where people set them; copies are billed, and a \
             restore has to be rehearsed.",
            labels.join(", ")
        ),
    );
    finding.key("plan");
    finding.impact(if known && !only_buckets { Impact::Medium } else { Impact::Low });
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
    let edge = model.builds(&function, "aws_cloudfront.experimental.EdgeFunction")
        || model.builds(&function, "aws_lambda.SingletonFunction");
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

/// What one stack gives to its backups.
struct Part<'a> {
    class: Syn<'a>,
    at: Syn<'a>,
    stores: Vec<Store<'a>>,
}

fn add_backups<'a>(b: &mut Builder<'_, 'a>, held: &[Store<'a>]) -> Result<(), Refusal> {
    let parts = parts(b.model, held)?;
    let keys: Vec<Option<String>> = parts.iter().map(|part| key_at(b.model, part)).collect();
    let needs = Needs {
        kinds: KINDS.into_iter().filter(|kind| held.iter().any(|store| store.kind == Some(*kind))).collect(),
        parameters: held.iter().any(|store| store.kind.is_none()),
        key: keys.iter().all(Option::is_some),
        shared: parts.len() > 1,
    };
    if let Some(kind) =
        needs.kinds.iter().find(|kind| !b.model.has_member("aws_backup.BackupResource", kind.from))
    {
        return Err(no_fix(
            &format!("the app's aws-cdk-lib cannot select {} for a backup", kind.member),
            "update aws-cdk-lib, then run again",
        ));
    }
    let days = match b.value_if_given("backup_retention_days") {
        Some(text) => text
            .parse()
            .ok()
            .filter(|days| *days > 0)
            .ok_or_else(|| no_fix("backup_retention_days is no number above 0", "give one such as 35"))?,
        None => DAYS,
    };
    let mut home = None;
    for (part, key) in parts.iter().zip(&keys) {
        let key = key.as_deref().filter(|_| needs.key);
        build_in(b, part, key, days)?;
        let file = part.class.file;
        let new = match &home {
            None => b.construct_file(part.class, "backup-infrastructure")?,
            Some(path) => crate::edit::files::NewFile {
                path: std::path::PathBuf::clone(path),
                specifier: b.specifier_of(file, path),
            },
        };
        let again = parts
            .iter()
            .take_while(|other| other.class != part.class)
            .any(|other| std::ptr::eq(other.class.file, file));
        if !again {
            if words(Syn::root(file), "BackupInfrastructure").next().is_some() {
                return Err(no_fix(
                    &format!("the name BackupInfrastructure is taken in {}", file.path),
                    "rename that, then run again",
                ));
            }
            b.import_local(file, &new.specifier, "BackupInfrastructure");
        }
        home = Some(new.path);
    }
    let (Some(path), Some(first)) = (home, parts.first()) else {
        return Err(no_fix("no stack of the app holds its state", "build backups by hand"));
    };
    let text = b.style(first.class.file).adapt(&needs.text(b.model), "").replace("\r\n", "\n");
    b.create(path, &text);
    Ok(())
}

/// The stacks that hold state, each with its stores.
fn parts<'a>(model: &Model<'a>, held: &[Store<'a>]) -> Result<Vec<Part<'a>>, Refusal> {
    let mut parts: Vec<Part<'a>> = Vec::new();
    for store in held {
        let class = stack_of(model, store.site.node).ok_or_else(|| out_of_reach(store))?;
        if let Some(part) = parts.iter_mut().find(|part| part.class == class) {
            part.stores.push(store.clone());
            continue;
        }
        let at = last_statement(class).ok_or_else(|| {
            no_fix(
                "a stack has no constructor to build backups in",
                "write one that calls super(…), then run again",
            )
        })?;
        parts.push(Part { class, at, stores: vec![store.clone()] });
    }
    Ok(parts)
}

fn out_of_reach(store: &Store<'_>) -> Refusal {
    no_fix(
        &format!("{} is built where its stack cannot name it", store.site.label()),
        "keep it in a public field of a construct that is built once, then run again",
    )
}

/// The one key that a stack builds, if it has a name there.
fn key_at<'a>(model: &Model<'a>, part: &Part<'a>) -> Option<String> {
    let mut keys = model.all_sites().filter(|site| {
        site.node.is("new_expression")
            && model.builds(site, "aws_kms.Key")
            && stack_of(model, site.node) == Some(part.class)
    });
    let key = keys.next()?;
    keys.next().is_none().then_some(())?;
    known_name(model, &key, part.at)
}

/// Builds the construct behind the last statement of a stack.
fn build_in<'a>(
    b: &mut Builder<'_, 'a>,
    part: &Part<'a>,
    key: Option<&str>,
    days: u32,
) -> Result<(), Refusal> {
    let mut lines = Vec::new();
    match key {
        Some("kmsKey") => lines.push("kmsKey,".to_owned()),
        Some(key) => lines.push(format!("kmsKey: {key},")),
        None => {}
    }
    lines.push(format!("retentionDays: {days},"));
    let parameters: Vec<Site<'a>> =
        part.stores.iter().filter(|store| store.kind.is_none()).map(|store| store.site.clone()).collect();
    if !parameters.is_empty() {
        let path = parameter_path(b.model, &parameters, part.at).ok_or_else(|| {
            no_fix(
                "the path that the parameters share cannot be told where the stack is built",
                "give them names with a common path, kept in a public field of their construct, then run again",
            )
        })?;
        lines.push(format!("parameterPath: {path},"));
    }
    for kind in KINDS {
        let mut names = Vec::new();
        for store in part.stores.iter().filter(|store| store.kind == Some(kind)) {
            names.push(b.reach(&store.site, part.at).ok_or_else(|| out_of_reach(store))?);
        }
        let line = format!("{}: [{}],", kind.member, names.join(", "));
        if !names.is_empty() && line.len() <= 72 {
            lines.push(line);
        } else if !names.is_empty() {
            lines.push(format!("{}: [\n    {},\n  ],", kind.member, names.join(",\n    ")));
        }
    }
    let id = b.fresh_id(part.at, &["Backup", "Backups"]);
    b.insert_after(
        part.at,
        &format!("new BackupInfrastructure(this, '{id}', {{\n  {}\n}});", lines.join("\n  ")),
    );
    Ok(())
}

/// The path that all parameters share, as an expression of the stack.
fn parameter_path<'a>(model: &Model<'a>, parameters: &[Site<'a>], at: Syn<'a>) -> Option<String> {
    let mut paths = Vec::new();
    for parameter in parameters {
        let name = parameter.props(model).get(model, "parameterName").value()?;
        let path = match name.kind() {
            "string" => crate::model::imports::string_text(name).rsplit_once('/')?.0.to_owned(),
            "template_string" => path_of_template(model, name, at)?,
            _ => return None,
        };
        paths.push(path);
    }
    let mut shared: Vec<&str> = segments(paths.first()?);
    for path in &paths {
        let other = segments(path);
        let same = shared.iter().zip(&other).take_while(|(a, b)| a == b).count();
        shared.truncate(same);
    }
    let path = shared.join("/");
    let stands = path.starts_with('/') && path.len() > 1 || path.starts_with("${");
    stands.then_some(())?;
    let inner =
        path.strip_prefix("${").and_then(|path| path.strip_suffix('}')).filter(|inner| !inner.contains('}'));
    Some(match inner {
        Some(expression) => expression.to_owned(),
        None if path.contains("${") => format!("`{path}`"),
        None => format!("'{path}'"),
    })
}

/// The parts between slashes; a substitution is never cut.
fn segments(path: &str) -> Vec<&str> {
    if path.contains("${")
        && path
            .split("${")
            .skip(1)
            .any(|rest| rest.split('}').next().is_some_and(|inner| inner.contains('/')))
    {
        return vec![path];
    }
    path.split('/').collect()
}

/// The text of a template up to its last slash, its substitutions as the stack writes them.
fn path_of_template<'a>(model: &Model<'a>, template: Syn<'a>, at: Syn<'a>) -> Option<String> {
    let mut text = String::new();
    for part in template.children() {
        if part.is("template_substitution") {
            text.push_str(&format!("${{{}}}", seen_from(model, part.first()?, at)?));
        } else {
            text.push_str(part.text());
        }
    }
    let (path, last) = text.rsplit_once('/')?;
    (!last.contains('}') || last.contains("${")).then(|| path.to_owned())
}

/// An expression of a construct as the stack that builds the construct writes it.
fn seen_from<'a>(model: &Model<'a>, expression: Syn<'a>, at: Syn<'a>) -> Option<String> {
    if is_visible(at, expression) {
        return Some(expression.text().to_owned());
    }
    let class = class_around(expression)?;
    let instance = only_instance(model, class)?;
    let object = expression.field("object");
    if object.is_some_and(|object| object.is("this")) {
        let field = expression.field("property")?.text();
        model.member(&Type::Object(vec![class]), field).filter(|member| !member.hidden)?;
        return Some(format!("{}.{field}", known_name(model, &instance, at)?));
    }
    // What the stack has passed in props: `props.path`, `config.prefix` of a `config` out of them.
    let passed = |expression: Syn<'a>, property| match model.meaning(expression)? {
        Meaning::Parameter(parameter) => model.argument(parameter, property),
        _ => None,
    };
    let tail = expression.field("property").map(Syn::text);
    if let (Some(object), Some(tail)) = (object, tail) {
        if let Some(value) = passed(object, Some(tail)).filter(|value| is_visible(at, *value)) {
            return Some(value.text().to_owned());
        }
        let value = passed(object, None)
            .or_else(|| passed(object.field("object")?, Some(object.field("property")?.text())))?;
        return is_visible(at, value).then(|| format!("{}.{tail}", value.text()));
    }
    let value = passed(expression, None)?;
    is_visible(at, value).then(|| value.text().to_owned())
}
