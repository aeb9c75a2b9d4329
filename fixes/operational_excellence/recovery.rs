//! The text of a disaster-recovery plan, from what the app builds. The same app gives the same text: no dates, no line
//! numbers.

use std::fmt::Write as _;

use super::document::{Facts, PHYS, begin, cell, end, id_of, one_line};
use crate::model::meaning::words;
use crate::model::{Model, Prop, Site};
use crate::syntax::Syn;

/// What becomes of a resource when its stack is deleted and nothing is said.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Default {
    Stays,
    Snapshot,
    Goes,
}

/// A kind of state: its class, what it is called, the CDK's default, the property that gives it a name of which there can be
/// one only, and what its loss means.
struct Kind {
    class: &'static str,
    what: &'static str,
    default: Default,
    name: &'static str,
    loss: &'static str,
}

const fn kind(
    class: &'static str,
    what: &'static str,
    default: Default,
    name: &'static str,
    loss: &'static str,
) -> Kind {
    Kind { class, what, default, name, loss }
}

const KINDS: [Kind; 13] = [
    kind("aws_s3.Bucket", "Bucket", Default::Stays, "bucketName", "its objects"),
    kind("aws_dynamodb.Table", "Table", Default::Stays, "tableName", "its items"),
    kind("aws_dynamodb.TableV2", "Table", Default::Stays, "tableName", "its items"),
    kind("aws_rds.DatabaseInstance", "Database", Default::Snapshot, "instanceIdentifier", "its data"),
    kind("aws_rds.DatabaseCluster", "Database cluster", Default::Snapshot, "clusterIdentifier", "its data"),
    kind("aws_efs.FileSystem", "File system", Default::Stays, "", "its files"),
    kind(
        "aws_opensearchservice.Domain",
        "Search domain",
        Default::Stays,
        "domainName",
        "its indices, unless they can be built again",
    ),
    kind(
        "aws_cognito.UserPool",
        "User pool",
        Default::Stays,
        "",
        "users and their passwords, which nobody can export",
    ),
    kind(
        "aws_secretsmanager.Secret",
        "Secret",
        Default::Goes,
        "secretName",
        "a value that has to be issued again",
    ),
    kind(
        "aws_ssm.StringParameter",
        "Parameter",
        Default::Goes,
        "parameterName",
        "a value that has to be set again",
    ),
    kind("aws_kms.Key", "Key", Default::Stays, "", "everything that is encrypted with it, for good"),
    kind(
        "aws_ecr.Repository",
        "Image repository",
        Default::Stays,
        "repositoryName",
        "images, which have to be built again",
    ),
    kind(
        "aws_logs.LogGroup",
        "Log group",
        Default::Stays,
        "logGroupName",
        "what happened, which an inquiry needs",
    ),
];

/// The classes that hold data, not only what can be set again.
const DATA: [&str; 8] = [
    "aws_s3.Bucket",
    "aws_dynamodb.Table",
    "aws_dynamodb.TableV2",
    "aws_rds.DatabaseInstance",
    "aws_rds.DatabaseCluster",
    "aws_efs.FileSystem",
    "aws_opensearchservice.Domain",
    "aws_cognito.UserPool",
];

/// The document of an app.
pub(super) struct Recovery<'m, 'a> {
    /// The app.
    pub(super) model: &'m Model<'a>,
}

impl<'a> Recovery<'_, 'a> {
    /// The whole text.
    pub(super) fn text(&self) -> String {
        let mut out = String::from("# Disaster recovery\n\n");
        out.push_str(
            "What this app would lose, what is in the way of building it elsewhere, and how to get it back. The parts between\n\
             `wa-fix:begin` and `wa-fix:end` were written by `wa-fix` (rule 5.6) from the code; everything else is the team's. A plan counts\n\
             from its first rehearsal on.\n\n",
        );
        out.push_str(
            "## Targets\n\n| What | Back in service within (RTO) | Data lost at most (RPO) | Decided by |\n| --- | --- | --- | --- |\n\
             | What is built from the code | | none | |\n| Data | | | |\n| Keys, secrets, parameters | | | |\n\n",
        );
        self.state(&mut out);
        self.obstacles(&mut out);
        self.procedures(&mut out);
        out.push_str(
            "## Rehearsals\n\n| Drill | How often | Passes when | Last run | Took |\n| --- | --- | --- | --- | --- |\n\
             | Build the app from nothing in a scratch environment, call it, remove it | | it works without a manual step | | |\n\
             | The same in the second Region | | within the target | | |\n\
             | Restore the data to a scratch place and read it | | within the target | | |\n",
        );
        out
    }

    fn facts(&self) -> Facts<'_, 'a> {
        Facts { model: self.model }
    }

    fn sites(&self) -> impl Iterator<Item = (&'static Kind, Site<'a>)> {
        KINDS.iter().flat_map(|kind| self.facts().sites(kind.class).into_iter().map(move |site| (kind, site)))
    }

    fn text_of(&self, site: &Site<'a>, prop: &str) -> Option<String> {
        let value = site.props(self.model).get(self.model, prop).value()?;
        Some(one_line(value.text().trim_matches(['\'', '"', '`'])))
    }

    fn state(&self, out: &mut String) {
        out.push_str("## What holds state\n\n");
        begin(out, "state");
        out.push_str(
            "| Part | Declared in | Survives the deletion of its stack | Second copy | What its loss means |\n\
             | --- | --- | --- | --- | --- |\n",
        );
        for (kind, site) in self.sites() {
            let _ = writeln!(
                out,
                "| {} `{}` | `{}` | {} | {} | {} |",
                kind.what,
                site.label(),
                self.facts().file(site.node),
                cell(&self.survival(kind, &site)),
                cell(&self.copy(&site)),
                kind.loss
            );
        }
        let plans: Vec<String> = self
            .facts()
            .sites("aws_backup.BackupPlan")
            .iter()
            .map(|plan| format!("`{}`", plan.label()))
            .collect();
        if !plans.is_empty() {
            let tests = self.facts().sites("aws_backup.CfnRestoreTestingPlan");
            let tested = tests.first().map_or_else(String::new, |test| {
                format!(" Copies are restored as a test (`{}`); its results are in AWS Backup.", test.label())
            });
            let _ = writeln!(
                out,
                "\nBesides, {} copies what it selects (AWS Backup).{tested}",
                plans.join(" and ")
            );
        }
        end(out, "state");
    }

    /// Whether the app means to keep any of its data: samples and tests often let all of it go with the stack.
    pub(super) fn keeps_data(&self) -> bool {
        self.sites()
            .filter(|(kind, _)| DATA.contains(&kind.class))
            .any(|(kind, site)| self.survival(kind, &site) != "no")
    }

    fn survival(&self, kind: &Kind, site: &Site<'a>) -> String {
        let policy = self.text_of(site, "removalPolicy");
        match (policy.as_deref(), kind.default) {
            (Some(policy), _) if policy.contains('?') => format!("`{policy}`"),
            (Some(policy), _) if policy.ends_with("DESTROY") => "no".to_owned(),
            (Some(policy), _) if policy.contains("RETAIN") => "yes".to_owned(),
            (Some(policy), _) if policy.ends_with("SNAPSHOT") => "as a snapshot".to_owned(),
            (Some(policy), _) => format!("`{policy}`"),
            (None, Default::Stays) => "yes, as CDK does by default".to_owned(),
            (None, Default::Snapshot) => "as a snapshot, as CDK does by default".to_owned(),
            (None, Default::Goes) => "no".to_owned(),
        }
    }

    /// The second copies that the code knows of.
    fn copy(&self, site: &Site<'a>) -> String {
        const COPIES: [(&str, &str); 11] = [
            ("replicationRules", "a replica"),
            ("replicationRegions", "replicas in other Regions"),
            ("replicas", "replicas in other Regions"),
            ("replicaRegions", "replicas in other Regions"),
            ("versioned", "old versions, in the same bucket"),
            ("pointInTimeRecovery", "every second of the last 35 days, in the same Region"),
            ("pointInTimeRecoverySpecification", "every second of the last 35 days, in the same Region"),
            ("backupRetention", "daily backups, in the same Region"),
            ("backup", "daily backups, in the same Region"),
            ("enableAutomaticBackups", "daily backups, in the same Region"),
            ("multiRegion", "the same key in other Regions, once it is replicated"),
        ];
        let props = site.props(self.model);
        let found: Vec<&str> = COPIES
            .iter()
            .filter(|(prop, _)| match props.get(self.model, prop) {
                Prop::Present(entry) => {
                    entry.value.text() != "false" && !entry.value.text().contains(": false")
                }
                _ => false,
            })
            .map(|(_, copy)| *copy)
            .collect();
        let usual = match () {
            () if self.model.builds(site, "aws_rds.DatabaseInstance")
                || self.model.builds(site, "aws_rds.DatabaseCluster") =>
            {
                "daily backups of one day, as CDK does by default"
            }
            () if self.model.builds(site, "aws_opensearchservice.Domain") => {
                "hourly snapshots, in the same Region"
            }
            () => "none that the code knows of",
        };
        if found.is_empty() { usual.to_owned() } else { found.join("; ") }
    }

    fn obstacles(&self, out: &mut String) {
        out.push_str("## What is in the way of a second copy\n\n");
        begin(out, "obstacles");
        out.push_str(
            "- The second Region has to be prepared before the day it is needed: `npx cdk bootstrap aws://ACCOUNT/REGION`.\n",
        );
        self.fixed_names(out);
        for key in self.facts().sites("aws_kms.Key") {
            if key.props(self.model).get(self.model, "multiRegion") == Prop::Absent {
                let _ = writeln!(
                    out,
                    "- Key `{}` is in one Region only: what it encrypts can be read elsewhere only if it is encrypted anew.",
                    key.label()
                );
            }
        }
        for (region, file) in self.fixed_regions() {
            let _ = writeln!(out, "- `{file}` names the Region `{region}`.");
        }
        for (word, what) in [
            (
                "fromLookup",
                "looks things up in the account: what it finds in the second Region has to be there first.",
            ),
            (
                "valueFromLookup",
                "looks parameters up in the account: they have to be set in the second Region first.",
            ),
            (
                "exportName",
                "exports values under fixed names, which there can be once in an account and Region.",
            ),
        ] {
            for file in self.files_with(word) {
                let _ = writeln!(out, "- `{file}` {what}");
            }
        }
        end(out, "obstacles");
    }

    /// The files of the app in whose code a name stands.
    fn files_with(&self, word: &str) -> Vec<String> {
        let speaks = |file: &Syn<'a>| {
            words(*file, word).filter_map(|at| file.at(at)).any(|node| {
                let given = node.parent().filter(|pair| pair.is("pair")).and_then(|pair| pair.field("value"));
                node.is("property_identifier") && given.is_none_or(|value| value.is("string"))
            })
        };
        self.model.cdk_files().map(Syn::root).filter(speaks).map(|file| self.facts().file(file)).collect()
    }

    /// What is in the way because of its name.
    fn fixed_names(&self, out: &mut String) {
        let (mut global, mut staying) = (Vec::new(), Vec::new());
        for (kind, site) in self.sites().filter(|(kind, _)| !kind.name.is_empty()) {
            let Some(name) = self.text_of(&site, kind.name).filter(|name| !is_generated(name)) else {
                continue;
            };
            let varies = ["ccount", "egion", "ACCOUNT", "REGION"].iter().any(|word| name.contains(word));
            if kind.class == "aws_s3.Bucket" && !varies {
                global.push(format!("`{}` (`{name}`)", site.label()));
            }
            if self.survival(kind, &site).starts_with("yes") {
                staying.push(format!("{} `{}`", kind.what.to_lowercase(), site.label()));
            }
        }
        if !global.is_empty() {
            let _ = writeln!(
                out,
                "- Names of buckets are global, so no second one can be made while the first is there, wherever the name comes out the \
                 same: {}. Take the account and the Region into the name, or leave it out.",
                list(&global)
            );
        }
        if !staying.is_empty() {
            let _ = writeln!(
                out,
                "- What stays when its stack is deleted keeps its name: the next deployment fails until it is imported (`npx cdk import`) or \
                 renamed. That is {}.",
                list(&staying)
            );
        }
    }

    /// The Regions that strings of the app name, each once a file.
    fn fixed_regions(&self) -> Vec<(String, String)> {
        let beside = |c: char| !(c.is_ascii_alphanumeric() || c == '-');
        let mut found: Vec<(String, String)> = Vec::new();
        for file in self.model.cdk_files() {
            let root = Syn::root(file);
            let mut end = 0;
            for piece in file.text.split_inclusive(beside) {
                let word = piece.trim_end_matches(beside);
                let at = end..end + word.len();
                end += piece.len();
                if !is_region(word) {
                    continue;
                }
                let in_string = ["string_fragment", "string", "template_string"];
                let Some(node) = root.at(at).filter(|node| in_string.contains(&node.kind())) else {
                    continue;
                };
                let entry = (word.to_owned(), self.facts().file(node));
                if !found.contains(&entry) {
                    found.push(entry);
                }
            }
        }
        found.sort_by(|a, b| (&a.1, &a.0).cmp(&(&b.1, &b.0)));
        found
    }

    fn procedures(&self, out: &mut String) {
        out.push_str("## Procedures\n\n");
        out.push_str(PHYS);
        begin(out, "procedures");
        out.push_str(
            "### The Region is lost\n\nSolve what is listed above first. Where the stacks take their Region from the environment:\n\n```bash\n\
             CDK_DEFAULT_REGION=\"$REGION\" npx cdk deploy --all\n```\n\n\
             Restore the data, set the values of secrets and parameters, and lead clients to the new address.\n\n\
             ### A stack is deleted\n\nDeploy it again: `npx cdk deploy`. What survived has to be imported into it: `npx cdk import`.\n\n",
        );
        let id = |class: &str| self.facts().sites(class).iter().find_map(id_of);
        if let Some((bucket, others)) = self.kept("aws_s3.Bucket", &["versioned"]) {
            let _ = write!(
                out,
                "### An object is lost or overwritten\n\n```bash\nBUCKET=$(phys {bucket} AWS::S3::Bucket){others}\n\
                 aws s3api list-object-versions --bucket \"$BUCKET\" --prefix \"$KEY\" --query 'Versions[:5].[VersionId,LastModified]' --output table\n\
                 aws s3api copy-object --bucket \"$BUCKET\" --key \"$KEY\" --copy-source \"$BUCKET/$KEY?versionId=$VERSION\"\n```\n\n"
            );
        }
        let points = ["pointInTimeRecovery", "pointInTimeRecoverySpecification"];
        let table = self
            .kept("aws_dynamodb.Table", &points)
            .map(|(id, others)| format!("{id} AWS::DynamoDB::Table){others}"));
        let global = || {
            self.kept("aws_dynamodb.TableV2", &points)
                .map(|(id, others)| format!("{id} AWS::DynamoDB::GlobalTable){others}"))
        };
        if let Some(table) = table.or_else(global) {
            let _ = write!(
                out,
                "### Items of a table are lost\n\n```bash\nTABLE=$(phys {table}\n\
                 aws dynamodb restore-table-to-point-in-time --source-table-name \"$TABLE\" --target-table-name \"$TABLE-restored\" \\\n  \
                 --restore-date-time \"$TIME\"\n```\n\n\
                 The restored table is a new one: copy the items back, or let the app use it.\n\n"
            );
        }
        if let Some(database) = id("aws_rds.DatabaseInstance") {
            let _ = write!(
                out,
                "### A database is lost\n\n```bash\nDB=$(phys {database} AWS::RDS::DBInstance)\n\
                 aws rds restore-db-instance-to-point-in-time --source-db-instance-identifier \"$DB\" \\\n  \
                 --target-db-instance-identifier \"$DB-restored\" --use-latest-restorable-time\n```\n\n"
            );
        }
        if let Some(cluster) = id("aws_rds.DatabaseCluster") {
            let _ = write!(
                out,
                "### A database cluster is lost\n\n```bash\nDB=$(phys {cluster} AWS::RDS::DBCluster)\n\
                 aws rds restore-db-cluster-to-point-in-time --source-db-cluster-identifier \"$DB\" \\\n  \
                 --db-cluster-identifier \"$DB-restored\" --use-latest-restorable-time\n```\n\nThe restored cluster has no instance yet: add one.\n\n"
            );
        }
        if let Some(key) = id("aws_kms.Key") {
            let _ = write!(
                out,
                "### A key is scheduled for deletion\n\n```bash\nKEY=$(phys {key} AWS::KMS::Key)\n\
                 aws kms cancel-key-deletion --key-id \"$KEY\" && aws kms enable-key --key-id \"$KEY\"\n```\n\nWithin the waiting period only.\n\n"
            );
        }
        if !self.facts().sites("aws_backup.BackupPlan").is_empty() {
            out.push_str(
                "### Something is restored from AWS Backup\n\n```bash\n\
                 aws backup list-recovery-points-by-resource --resource-arn \"$ARN\" \\\n  \
                 --query 'RecoveryPoints[:5].[RecoveryPointArn,CreationDate,BackupVaultName]' --output table\n\
                 aws backup get-recovery-point-restore-metadata --backup-vault-name \"$VAULT\" --recovery-point-arn \"$POINT\" \\\n  \
                 --query RestoreMetadata > metadata.json # change what must not be as it was, such as the name\n\
                 aws backup start-restore-job --recovery-point-arn \"$POINT\" --iam-role-arn \"$ROLE\" --metadata file://metadata.json\n```\n\n",
            );
        }
        end(out, "procedures");
    }

    /// The id of the first construct of a class that keeps what was, and a remark where others do as well.
    fn kept(&self, class: &str, props: &[&str]) -> Option<(String, &'static str)> {
        let mut sites = self.facts().sites(class);
        sites.retain(|site| {
            props.iter().any(|prop| match site.props(self.model).get(self.model, prop) {
                Prop::Present(entry) => {
                    entry.value.text() != "false" && !entry.value.text().contains(": false")
                }
                Prop::Absent | Prop::Unknown => false,
            })
        });
        Some((
            sites.iter().find_map(id_of)?,
            if sites.len() > 1 { " # or another that keeps them" } else { "" },
        ))
    }
}

/// Whether a name is made of another that is made at each deployment.
fn is_generated(name: &str) -> bool {
    ["functionName}", "apiId}", "Id}", "Arn}", "uniqueId", "uniqueResourceName", ".ref}", "STACK_ID"]
        .iter()
        .any(|part| name.contains(part))
}

/// `a`, `b` and `c`.
fn list(items: &[String]) -> String {
    match items.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, before)) => format!("{} and {last}", before.join(", ")),
        None => String::new(),
    }
}

/// Whether a word is the name of a Region.
fn is_region(word: &str) -> bool {
    if !word.contains('-') {
        return false;
    }
    let parts: Vec<&str> = word.split('-').collect();
    let Some((last, rest)) = parts.split_last() else { return false };
    let [area, .., side] = rest else { return false };
    let areas = ["us", "eu", "ap", "sa", "ca", "af", "me", "il", "mx", "cn"];
    let sides =
        ["north", "south", "east", "west", "central", "northeast", "northwest", "southeast", "southwest"];
    areas.contains(area)
        && sides.contains(side)
        && rest.len() <= 3
        && last.len() == 1
        && last.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::is_region;

    #[test]
    fn regions_by_their_names() {
        for region in ["us-east-1", "us-gov-west-1", "ap-southeast-2", "eu-central-1"] {
            assert!(is_region(region), "{region}");
        }
        for other in ["us-east", "east-1", "eu-central-1a", "app-north-1", "us-1", "", "us-east-10"] {
            assert!(!is_region(other), "{other}");
        }
    }
}
