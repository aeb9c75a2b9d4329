//! # 2.9 A bucket of sources in one region only
//!
//! ## What is wrong
//! What is released, or restored from, is kept in one bucket in one region. While that region is down nothing can be released to
//! another one, and if the bucket is lost, so are the sources. Versions protect against overwriting, not against that.
//!
//! ## What the fix does
//! It adds a stack `ArtifactReplicaStack` in a second region, with a versioned bucket and a key of its own, and lets the bucket
//! replicate to it (below aws-cdk-lib 2.177, and for a `CfnBucket`, by CloudFormation's own property). The stack's props and those of the constructs between carry the copy to the bucket. The app's entry builds it in production, or
//! where the context names a region (`--context drRegion=…`), and not where the app knows no region of its own, as in unit tests.
//!
//! ## Before
//! ```ts
//! import * as cdk from 'aws-cdk-lib';
//! import * as s3 from 'aws-cdk-lib/aws-s3';
//! import { Construct } from 'constructs';
//!
//! class ReleaseStack extends cdk.Stack {
//!   constructor(scope: Construct, id: string, props: cdk.StackProps) {
//!     super(scope, id, props);
//!
//!     new s3.Bucket(this, 'SourceArchive', {
//!       versioned: true,
//!       enforceSSL: true,
//!       removalPolicy: cdk.RemovalPolicy.RETAIN,
//!     });
//!   }
//! }
//!
//! const app = new cdk.App();
//! const stage: string = app.node.tryGetContext('stage') ?? 'dev';
//! new ReleaseStack(app, `Release-${stage}`, {
//!   env: { account: '111111111111', region: 'us-east-1' },
//! });
//! ```
//!
//! ## After
//! ```ts
//! import * as cdk from 'aws-cdk-lib';
//! import * as s3 from 'aws-cdk-lib/aws-s3';
//! import { Construct } from 'constructs';
//! import { ArtifactReplicaStack } from './artifact-replica-stack';
//!
//! interface ReleaseStackProps extends cdk.StackProps {
//!   /** Holds a copy of the sources in a second region. */
//!   readonly artifactReplica?: ArtifactReplicaStack;
//! }
//!
//! class ReleaseStack extends cdk.Stack {
//!   constructor(scope: Construct, id: string, props: ReleaseStackProps) {
//!     super(scope, id, props);
//!
//!     new s3.Bucket(this, 'SourceArchive', {
//!       versioned: true,
//!       enforceSSL: true,
//!       removalPolicy: cdk.RemovalPolicy.RETAIN,
//!       replicationRules: props.artifactReplica
//!         ? [
//!             {
//!               id: 'dr-copy',
//!               destination: props.artifactReplica.bucket,
//!               priority: 0,
//!             },
//!           ]
//!         : undefined,
//!     });
//!   }
//! }
//!
//! const app = new cdk.App();
//! const stage: string = app.node.tryGetContext('stage') ?? 'dev';
//!
//! // The second region: cdk deploy --context drRegion=… names another one
//! const drRegion: string | undefined =
//!   app.node.tryGetContext('drRegion') ??
//!   (stage === 'prod' ? 'us-west-2' : undefined);
//! const artifactReplica =
//!   drRegion && drRegion !== 'us-east-1'
//!     ? new ArtifactReplicaStack(app, `Release-${stage}-artifact-replica`, {
//!         env: { account: '111111111111', region: drRegion },
//!         crossRegionReferences: true,
//!       })
//!     : undefined;
//!
//! new ReleaseStack(app, `Release-${stage}`, {
//!   env: { account: '111111111111', region: 'us-east-1' },
//!   crossRegionReferences: true,
//!   artifactReplica,
//! });
//! ```
//!
//! ## When it stays silent
//! For buckets without versions, which cannot be replicated; for the artifact buckets of pipelines, whose content is made again; for buckets of logs,
//! caches, websites and reports; for those that go with their stack, by `applyRemovalPolicy` too; where replication is set up already, or AWS Backup copies to another region.
//!
//! ## When it refuses
//! Where the stack is built more than once, by a stage, or without an `env` that names a region; where the bucket's construct takes no props
//! that could carry the copy; below aws-cdk-lib 2.50, which cannot refer to another region; where a key of KMS encrypts a `CfnBucket`, which tells CDK no more than its ARN. Without `dr_region` it asks: only you know where copies may be kept.
//!
//! ## What to know before deploying
//! The second region needs `cdk bootstrap`. Storage and transfer are billed. Objects that are there already are not copied (S3 Batch
//! Replication does that once), and neither are deletions. CDK adds small functions to both stacks that pass names between the
//! regions. While `drRegion` is switched off, nothing is deployed and nothing is protected.
//!
//! ## Other checkers
//! Clears cdk-nag `NIST.800.53.R5-S3BucketReplicationEnabled`; Checkov's rule for replication knows Terraform only. The copy is one more bucket without access logs (`AwsSolutions-S1`), and
//! the role that copies has the wildcards of CDK's own grants (`AwsSolutions-IAM5`); CDK's functions between the regions count for `AwsSolutions-L1` and `AwsSolutions-IAM4`.
//! Checkov reports CDK's functions between the regions (`CKV_AWS_115`, `CKV_AWS_116`, `CKV_AWS_117`), and
//! `CKV_AWS_111` where CDK grants the use of a key in another region on `*`: the key's policy names the role.

use super::bucket_copy::{copy, depend, replica_stack, set_rules};
use super::raw_bucket::{
    End, RAW, behind, end_of, holds_raw_artifacts, is_versioned, may_have_key, starts_raw_pipeline,
};
use super::second_region::{DR_REGION, Home, home};
use super::state::{is_kept, says, stack_of};
use crate::detect::{Findings, Match, Refusal};
use crate::edit::carry::{Carried, class_around, only_instance};
use crate::edit::{Builder, no_fix};
use crate::model::meaning::{has_word, words};
use crate::model::props::own_entry;
use crate::model::{Model, Prop, Site};
use crate::rule::{Impact, Meta, Pillar, Rule, Tier};
use crate::syntax::Syn;

/// The rule.
pub const RULE: Rule = Rule { meta: &META, check };

const META: Meta = Meta {
    id: "2.9",
    also: &[],
    name: "single-source-bucket",
    title: "A bucket of sources in one region only",
    pillar: Pillar::Reliability,
    impact: Impact::Medium,
    tier: Tier::Scaffold,
    practice: "REL09-BP01",
    clears: &["NIST.800.53.R5-S3BucketReplicationEnabled"],
    // Where the original is a CfnBucket, the copy is the first store that 5.6 knows.
    raises: &["5.6"],
    asks: &[DR_REGION],
    order: 290,
    source: include_str!("wa_2_9_single_source_bucket.rs"),
    query: include_str!("../../queries/reliability/wa_2_9_single_source_bucket.scm"),
};

/// Parts of the names of buckets that something is built or restored from.
const ORIGINALS: [&str; 4] = ["source", "archive", "backup", "tfstate"];
/// Parts of the names of buckets whose content is no original.
const NO_ORIGINALS: [&str; 10] =
    ["resource", "log", "cache", "canary", "website", "report", "replica", "artifact", "export", "asset"];
const STACK: &str = "ArtifactReplicaStack";
const MEMBER: &str = "artifactReplica";

fn check<'a>(m: &Match<'_, 'a>, out: &mut Findings<'a>) -> Option<()> {
    let model = m.model;
    let bucket = m.site("bucket").or_else(|| m.site("raw")).filter(|site| site.local.is_none())?;
    let (versioned, kept, retained) = standing(model, &bucket);
    if !versioned
        || !kept
        || is_artifact_bucket(model, &bucket)
        || copies_elsewhere(model)
        || replicates_itself(model, &bucket)
    {
        return None;
    }
    let named = retained && says(&bucket, &ORIGINALS) && !says(&bucket, &NO_ORIGINALS);
    let source = is_pipeline_source(model, &bucket);
    (source || named).then_some(())?;
    let label = bucket.label();
    let use_of_it = if source { "releases start from it" } else { "what it keeps cannot be made again" };
    let known = model.environment(bucket.node).known().is_some();
    let finding = out.report(
        &META,
        model,
        bucket.node,
        format!(
            "{label} exists in one region only, and {use_of_it}: a failure of the region stops that, and a lost bucket ends it. The fix \
             replicates it to a bucket in a second region, in production; storage and transfer are billed, and what is \
             there already has to be copied once by S3 Batch Replication."
        ),
    );
    finding.impact(if known || source { Impact::Medium } else { Impact::Low });
    if is_raw(model, &bucket) && may_have_key(model, &bucket) {
        finding.refuse(
            "it is encrypted with a key that CloudFormation's own bucket names by its ARN only, and the role that copies needs the key",
            "build it as s3.Bucket with that encryptionKey, or give it a replicationConfiguration and its role by hand",
        );
        return Some(());
    }
    finding.fix(format!("Replicate {label} to a second region"), move |b| replicate(b, &bucket));
    Some(())
}

/// Whether a bucket keeps versions, outlives its stack as far as it tells, and says so.
fn standing<'a>(model: &Model<'a>, bucket: &Site<'a>) -> (bool, bool, bool) {
    if is_raw(model, bucket) {
        let end = end_of(model, bucket);
        return (is_versioned(model, bucket), end != End::Gone, end == End::Kept);
    }
    let says = |name: &str, part: &str| {
        bucket.props(model).get(model, name).value().is_some_and(|value| value.text().contains(part))
    };
    (says("versioned", "true"), is_kept(model, bucket), says("removalPolicy", "RETAIN"))
}

fn is_raw<'a>(model: &Model<'a>, bucket: &Site<'a>) -> bool {
    model.builds(bucket, RAW)
}

/// Whether a pipeline starts from a bucket.
fn is_pipeline_source<'a>(model: &Model<'a>, bucket: &Site<'a>) -> bool {
    let of = |node: Syn<'a>| behind(model, node).is_some_and(|site| site.node == bucket.node);
    let action = model.all_sites().any(|site| {
        model.builds(&site, "aws_codepipeline_actions.S3SourceAction")
            && site.props(model).get(model, "bucket").value().is_some_and(of)
    });
    action
        || model.method_calls("s3").any(|call| {
            let first = call.field("arguments").and_then(Syn::first);
            call.field("function")
                .and_then(|function| model.cdk_name(function))
                .is_some_and(|name| name == "pipelines.CodePipelineSource.s3")
                && first.is_some_and(of)
        })
        || starts_raw_pipeline(model, bucket)
}

/// Whether a pipeline passes its artifacts through a bucket.
fn is_artifact_bucket<'a>(model: &Model<'a>, bucket: &Site<'a>) -> bool {
    let given = model.all_sites().filter(|site| site.class.ends_with("Pipeline")).any(|pipeline| {
        match pipeline.props(model).get(model, "artifactBucket") {
            Prop::Present(entry) => behind(model, entry.value).is_none_or(|site| site.node == bucket.node),
            _ => false,
        }
    });
    given || holds_raw_artifacts(model, bucket)
}

/// Whether a bucket is replicated by CloudFormation's own property, or one in its file is that cannot be told apart.
fn replicates_itself<'a>(model: &Model<'a>, bucket: &Site<'a>) -> bool {
    let text = &bucket.node.file.text;
    let copied = |call: Syn<'a>| {
        let first = call.field("arguments").and_then(Syn::first);
        first.and_then(|first| behind(model, first)).is_some_and(|site| site.node == bucket.node)
    };
    has_word(text, "replicationConfiguration")
        || text.contains("ReplicationConfiguration")
        || model.method_calls("copyFrom").any(copied)
}

/// Whether AWS Backup copies to another vault.
fn copies_elsewhere(model: &Model<'_>) -> bool {
    model.cdk_files().any(|file| file.text.contains("copyActions"))
}

fn replicate<'a>(b: &mut Builder<'_, 'a>, bucket: &Site<'a>) -> Result<(), Refusal> {
    if !b.model.has_prop("Stack", "crossRegionReferences") {
        return Err(no_fix(
            "the app's aws-cdk-lib cannot refer to another region: crossRegionReferences came with 2.50",
            "update aws-cdk-lib, then run again",
        ));
    }
    let raw = is_raw(b.model, bucket);
    let rules = !raw && b.model.has_prop("aws_s3.Bucket", "replicationRules");
    let class = stack_of(b.model, bucket.node).ok_or_else(|| {
        no_fix(
            &format!("{} belongs to no stack of the app that is built once", bucket.label()),
            "build it in a class of stack that the app builds once, then run again",
        )
    })?;
    let home = home(b.model, class)?;
    let encrypted = !raw && is_kms(b.model, bucket);
    let file = b.file_beside(class, "artifact-replica-stack")?;
    let (regions, declared) = home.regions(b)?;
    let replica = build_replica(b, &home, &regions.condition, &regions.second, &declared);
    give(b, &home, &replica)?;
    b.import_local(home.site.node.file, &b.specifier_of(home.site.node.file, &file.path), STACK);
    let carried = carry(b, bucket, class, &file)?;
    if rules {
        if encrypted {
            depend(b, class, &carried.in_stack)?;
        }
        set_rules(b, bucket, &carried.at_bucket, encrypted)?;
    } else {
        copy(b, bucket, &carried.at_bucket, raw)?;
    }
    let text = b.style(class.file).adapt(&replica_stack(encrypted, rules, raw), "").replace("\r\n", "\n");
    b.create(file.path, &text);
    Ok(())
}

fn is_kms<'a>(model: &Model<'a>, bucket: &Site<'a>) -> bool {
    let props = bucket.props(model);
    let kms = props.get(model, "encryption").value().is_some_and(|value| {
        let text = value.text();
        text.contains("KMS") || text.contains("DSSE")
    });
    kms || props.get(model, "encryptionKey").present().is_some()
}

/// Builds the copy's stack in front of the stack that replicates to it, and gives its name.
fn build_replica<'a>(
    b: &mut Builder<'_, 'a>,
    home: &Home<'a>,
    condition: &str,
    region: &str,
    declared: &str,
) -> String {
    let name = b.fresh_name(home.site.node.file, &[MEMBER, "sourceReplica"]);
    let id = b.sibling_id(&home.site, "ArtifactReplica");
    let env = home.env_in(region);
    let scope = home.scope();
    b.insert_before(
        home.statement,
        &format!(
            "{declared}const {name} =\n  {condition}\n    ? new {STACK}({scope}, {id}, {{\n        env: {env},\n        \
             crossRegionReferences: true,\n      }})\n    : undefined;"
        ),
    );
    name
}

/// Gives the copy to the stack.
fn give<'a>(b: &mut Builder<'_, 'a>, home: &Home<'a>, name: &str) -> Result<(), Refusal> {
    if own_entry(home.object, MEMBER).is_some() {
        return Err(no_fix(&format!("the stack is given an {MEMBER} already"), "rename it, then run again"));
    }
    let mut entries = Vec::new();
    if own_entry(home.object, "crossRegionReferences").is_none() {
        entries.push(("crossRegionReferences", "true".to_owned()));
    }
    entries.push((MEMBER, name.to_owned()));
    b.insert_entries(home.object, &entries);
    Ok(())
}

/// How the copy is called in the stack, and where the bucket is built.
struct Reached {
    in_stack: String,
    at_bucket: String,
}

/// Carries the copy from the stack's props to the class that builds the bucket.
fn carry<'a>(
    b: &mut Builder<'_, 'a>,
    bucket: &Site<'a>,
    stack: Syn<'a>,
    file: &crate::edit::files::NewFile,
) -> Result<Reached, Refusal> {
    let mut classes = vec![class_around(bucket.node).ok_or_else(unreachable)?];
    while let Some(class) = classes.last().copied().filter(|class| *class != stack) {
        let instance = only_instance(b.model, class).ok_or_else(unreachable)?;
        classes.push(class_around(instance.node).ok_or_else(unreachable)?);
    }
    let member = Carried {
        name: MEMBER,
        ty: STACK,
        doc: "Holds a copy of the sources in a second region.",
        required: false,
    };
    let mut outer: Option<String> = None;
    let mut in_stack = String::new();
    let mut imported: Vec<&str> = Vec::new();
    for class in classes.iter().rev().copied() {
        let instance = only_instance(b.model, class).ok_or_else(unreachable)?;
        if let Some(outer) = &outer {
            b.set_prop(&instance, MEMBER, outer)?;
        }
        let taken = b.take_in_props(class, instance.props_index, &[member])?;
        if !imported.contains(&taken.file.path.as_str()) {
            if words(Syn::root(taken.file), STACK).next().is_some() {
                return Err(no_fix(&format!("the name {STACK} is taken"), "rename that, then run again"));
            }
            // The entry may stand in the same file, and has imported it then.
            if !std::ptr::eq(taken.file, entry_file(b.model, stack)) {
                b.import_local(taken.file, &b.specifier_of(taken.file, &file.path), STACK);
            }
            imported.push(&taken.file.path);
        }
        let text = taken.texts.first().cloned().unwrap_or_default();
        if class == stack {
            in_stack.clone_from(&text);
        }
        outer = Some(text);
    }
    Ok(Reached { in_stack, at_bucket: outer.unwrap_or_default() })
}

/// The file in which a stack is built.
fn entry_file<'a>(model: &Model<'a>, stack: Syn<'a>) -> &'a crate::syntax::Parsed {
    only_instance(model, stack).map_or(stack.file, |site| site.node.file)
}

fn unreachable() -> Refusal {
    no_fix(
        "a class between the stack and the bucket is built more than once",
        "build it once, or give each its copy by hand",
    )
}
