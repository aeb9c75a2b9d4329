//! What of an app cannot be built again from its code.

use crate::edit::carry::{class_around, only_instance};
use crate::fixes::security::statement::{Target, target};
use crate::model::meaning::words;
use crate::model::{Binding, Model, Prop, Site};
use crate::syntax::Syn;

/// A kind of store that AWS Backup covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kind {
    /// The member of the props that lists them.
    pub member: &'static str,
    /// How one is called in a list.
    pub one: &'static str,
    /// Its class, and that of the newer release.
    classes: &'static [&'static str],
    /// Its interface: `dynamodb.ITable`.
    pub interface: &'static str,
    /// The module of the interface.
    pub module: &'static str,
    /// The static method of `BackupResource` that takes one.
    pub from: &'static str,
    /// What the method is given, in terms of `one`.
    pub given: &'static str,
}

/// Every kind, in the order of the props.
pub(super) const KINDS: [Kind; 8] = [
    kind(
        ("buckets", "bucket"),
        &["aws_s3.Bucket"],
        ("s3.IBucket", "aws-s3"),
        ("fromArn", "bucket.bucketArn"),
    ),
    kind(
        ("tables", "table"),
        &["aws_dynamodb.Table", "aws_dynamodb.TableV2"],
        ("dynamodb.ITable", "aws-dynamodb"),
        ("fromDynamoDbTable", "table"),
    ),
    kind(
        ("databases", "database"),
        &["aws_rds.DatabaseInstance", "aws_rds.DatabaseInstanceFromSnapshot"],
        ("rds.IDatabaseInstance", "aws-rds"),
        ("fromRdsDatabaseInstance", "database"),
    ),
    kind(
        ("databaseClusters", "cluster"),
        &["aws_rds.DatabaseCluster", "aws_rds.DatabaseClusterFromSnapshot"],
        ("rds.IDatabaseCluster", "aws-rds"),
        ("fromRdsDatabaseCluster", "cluster"),
    ),
    kind(
        ("serverlessClusters", "cluster"),
        &["aws_rds.ServerlessCluster", "aws_rds.ServerlessClusterFromSnapshot"],
        ("rds.IServerlessCluster", "aws-rds"),
        ("fromRdsServerlessCluster", "cluster"),
    ),
    kind(
        ("documentClusters", "cluster"),
        &["aws_docdb.DatabaseCluster"],
        ("docdb.IDatabaseCluster", "aws-docdb"),
        (
            "fromArn",
            "cdk.Stack.of(cluster).formatArn({
              service: 'rds',
              resource: 'cluster',
              resourceName: cluster.clusterIdentifier,
              arnFormat: cdk.ArnFormat.COLON_RESOURCE_NAME,
            })",
        ),
    ),
    kind(
        ("fileSystems", "fileSystem"),
        &["aws_efs.FileSystem"],
        ("efs.IFileSystem", "aws-efs"),
        ("fromEfsFileSystem", "fileSystem"),
    ),
    kind(
        ("volumes", "volume"),
        &["aws_ec2.Volume"],
        ("ec2.IVolume", "aws-ec2"),
        (
            "fromArn",
            "cdk.Stack.of(volume).formatArn({
              service: 'ec2',
              resource: 'volume',
              resourceName: volume.volumeId,
            })",
        ),
    ),
];

const fn kind(
    (member, one): (&'static str, &'static str),
    classes: &'static [&'static str],
    (interface, module): (&'static str, &'static str),
    (from, given): (&'static str, &'static str),
) -> Kind {
    Kind { member, one, classes, interface, module, from, given }
}

/// A store that is kept when its stack is changed.
#[derive(Debug, Clone)]
pub(super) struct Store<'a> {
    /// What it is; `None` for a parameter.
    pub kind: Option<Kind>,
    /// Where it is built.
    pub site: Site<'a>,
}

/// Words of buckets whose content can be made again, or is worth little.
const MADE_AGAIN: [&str; 20] = [
    "log", "cache", "canary", "website", "site", "frontend", "web", "static", "report", "artifact",
    "artefact", "replica", "export", "asset", "temp", "tmp", "athena", "result", "deploy", "test",
];

/// The stores of an app that hold what its code does not.
pub(super) fn stores<'a>(model: &Model<'a>) -> Vec<Store<'a>> {
    let built = model.all_sites().filter(|site| site.node.is("new_expression"));
    built
        .filter_map(|site| {
            if model.builds(&site, "aws_ssm.StringParameter") {
                return holds_placeholder(model, &site).then_some(Store { kind: None, site });
            }
            let kind = KINDS.into_iter().find(|kind| kind.classes.contains(&site.class.as_str()))?;
            let kept =
                if kind.member == "buckets" { is_kept_bucket(model, &site) } else { is_kept(model, &site) };
            kept.then_some(Store { kind: Some(kind), site })
        })
        .collect()
}

/// Whether a parameter gets its value from a person, after it is built.
fn holds_placeholder<'a>(model: &Model<'a>, parameter: &Site<'a>) -> bool {
    let value = parameter.props(model).get(model, "stringValue").value();
    value.is_some_and(|value| {
        value.is("string") && crate::fixes::security::sensitive::is_placeholder(value.text())
    })
}

/// Whether something of the app copies parameters to a bucket: what may list them by their path may also write there.
pub(super) fn exports_parameters<'a>(model: &Model<'a>) -> bool {
    let writes = |reader: &Site<'a>| {
        ["grantPut", "grantWrite", "grantReadWrite"].iter().flat_map(|name| model.method_calls(name)).any(
            |call| {
                let bucket =
                    call.field("function").and_then(|function| model.origin(function.field("object")?));
                let grantee = call.field("arguments").and_then(Syn::first).and_then(|to| model.origin(to));
                bucket.is_some_and(|bucket| model.builds(&bucket, "aws_s3.Bucket"))
                    && grantee.is_some_and(|grantee| grantee.node == reader.node)
            },
        )
    };
    let lists = |site: &Site<'a>| {
        let actions = site.props(model).get(model, "actions").value();
        actions.is_some_and(|actions| actions.text().contains("ssm:GetParametersByPath"))
    };
    let statements = model.all_sites().filter(|site| model.builds(site, "aws_iam.PolicyStatement"));
    statements.filter(lists).any(|statement| match target(model, statement.node) {
        Target::Identity(reader) => model.origin(reader).is_some_and(|reader| writes(&reader)),
        _ => false,
    })
}

/// Whether a store outlives its stack, as far as its props tell.
pub(super) fn is_kept<'a>(model: &Model<'a>, store: &Site<'a>) -> bool {
    match store.props(model).get(model, "removalPolicy") {
        Prop::Absent => true,
        Prop::Present(entry) => {
            model.cdk_name(entry.value).is_none_or(|name| !name.ends_with("RemovalPolicy.DESTROY"))
                && (entry.value.text().contains("RETAIN") || entry.value.text().contains("SNAPSHOT"))
        }
        Prop::Unknown => false,
    }
}

/// Whether a bucket keeps versions of what cannot be made again.
pub(super) fn is_kept_bucket<'a>(model: &Model<'a>, bucket: &Site<'a>) -> bool {
    let props = bucket.props(model);
    let get = |name: &str| props.get(model, name);
    let versioned = get("versioned").value().is_some_and(|value| value.text() == "true");
    let cleared = ["autoDeleteObjects", "websiteIndexDocument", "websiteRedirect"]
        .iter()
        .any(|name| get(name) != Prop::Absent);
    let again = || says(bucket, &MADE_AGAIN) || crate::fixes::security::bucket::takes_logs(model, bucket);
    versioned && !cleared && is_kept(model, bucket) && !again() && !is_replicated(model, bucket)
}

/// Whether a bucket is copied to another, or is the copy.
fn is_replicated<'a>(model: &Model<'a>, bucket: &Site<'a>) -> bool {
    let copied = ["replicationRules", "replicationConfiguration"];
    copied.iter().any(|name| bucket.props(model).get(model, name) != Prop::Absent)
        || model.uses(bucket).into_iter().any(|used| {
            let mut around = used.ancestors().take_while(|around| !around.is("statement_block"));
            around.any(|around| match around.kind() {
                "pair" => around.field("key").is_some_and(|key| copied.contains(&key.text())),
                "assignment_expression" => replicated_by(around).is_some(),
                "variable_declarator" => is_replicated_later(around),
                _ => false,
            })
        })
}

/// What `raw.replicationConfiguration = …` is said of.
fn replicated_by(assignment: Syn<'_>) -> Option<Syn<'_>> {
    let set = assignment.field("left").filter(|set| set.is("member_expression"))?;
    (set.field("property")?.text() == "replicationConfiguration").then(|| set.field("object")).flatten()
}

/// Whether what a declaration makes of a bucket (`const raw = bucket.node.defaultChild as s3.CfnBucket`) is replicated then.
fn is_replicated_later(declarator: Syn<'_>) -> bool {
    let Some(name) = declarator.field("name").filter(|name| name.is("identifier")) else { return false };
    words(Syn::root(name.file), name.text()).filter_map(|at| name.at(at)).any(|used| {
        let set = used.ancestors().find(|around| around.is("assignment_expression"));
        set.and_then(replicated_by) == Some(used)
    })
}

/// Whether the names of a construct have one of some words.
pub(super) fn says(site: &Site<'_>, wanted: &[&str]) -> bool {
    let name = match site.binding() {
        Binding::Variable(name) | Binding::Field(name) => name.text(),
        Binding::None => "",
    };
    let label = if site.id_text().is_some() { site.label() } else { String::new() };
    [name, label.as_str()].iter().any(|text| {
        let text = text.to_lowercase();
        wanted.iter().any(|word| text.contains(word))
    })
}

/// Whether a store keeps by itself, beside it, what it can be put back to: versions of a bucket, automated backups of a database,
/// point-in-time recovery of a table.
pub(super) fn recovers<'a>(model: &Model<'a>, store: &Store<'a>) -> bool {
    let props = store.site.props(model);
    let says = |name: &str| props.get(model, name).value().is_some_and(|value| value.text().contains("true"));
    match store.kind.map(|kind| kind.member) {
        // Only buckets with versions count as stores; RDS makes backups unless it is told not to, Aurora and DocumentDB always.
        Some("buckets" | "databaseClusters" | "serverlessClusters" | "documentClusters") => true,
        Some("databases") => {
            let kept = props.get(model, "backupRetention").value();
            kept.is_none_or(|days| !days.text().replace(' ', "").ends_with("days(0)"))
        }
        Some("tables") => says("pointInTimeRecovery") || says("pointInTimeRecoverySpecification"),
        Some("fileSystems") => says("enableAutomaticBackups"),
        _ => false,
    }
}

/// The class of stack that a construct belongs to, through the classes that are built once.
pub(super) fn stack_of<'a>(model: &Model<'a>, node: Syn<'a>) -> Option<Syn<'a>> {
    let mut class = class_around(node)?;
    for _ in 0..6 {
        if model.cdk_base(class).is_some_and(|base| model.catalogue.is_a(&base, "Stack")) {
            return Some(class);
        }
        class = class_around(only_instance(model, class)?.node)?;
    }
    None
}
