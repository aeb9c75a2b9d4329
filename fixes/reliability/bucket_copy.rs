//! How a bucket is replicated to its copy in a second region.

use crate::detect::Refusal;
use crate::edit::carry::constructor_of;
use crate::edit::{Builder, no_fix};
use crate::fixes::security::named;
use crate::model::Site;
use crate::syntax::Syn;

/// The stack of the copy; without `replicationRules`, which a bucket of CloudFormation's own class (`raw`) never has, it sets up the
/// replication itself.
pub(super) fn replica_stack(encrypted: bool, rules: bool, raw: bool) -> String {
    let stack = if encrypted {
        include_str!("artifact_replica_stack.ts")
    } else {
        include_str!("artifact_replica_stack_plain.ts")
    };
    if rules {
        return stack.to_owned();
    }
    let mut copy = include_str!("artifact_replica_copy.ts").to_owned();
    if raw {
        copy = copy.replace(": `replicationRules`, which aws-cdk-lib has since 2.177. */", ". */");
    }
    let mut stack = stack.to_owned();
    if !encrypted {
        copy = without(&copy, "    source.encryptionKey?.", "\n\n    const bucket");
        copy = without(&copy, "\n          sourceSelectionCriteria", "\n          destination");
        copy = copy
            .replace("            encryptionConfiguration: { replicaKmsKeyId: this.kmsKey.keyArn },\n", "");
        stack =
            stack.replace("import * as s3", "import * as iam from 'aws-cdk-lib/aws-iam';\nimport * as s3");
    }
    format!("{}\n{copy}}}\n", stack.trim_end().trim_end_matches('}'))
}

/// A text without what stands from one of its parts to another.
fn without(text: &str, from: &str, to: &str) -> String {
    match text.split_once(from).and_then(|(before, rest)| Some((before, rest.split_once(to)?.1))) {
        Some((before, after)) => format!("{}{to}{after}", before.trim_end_matches('\n')),
        None => text.to_owned(),
    }
}

/// Lets the copy's stack set up the replication, behind the bucket.
pub(super) fn copy<'a>(
    b: &mut Builder<'_, 'a>,
    bucket: &Site<'a>,
    replica: &str,
    raw: bool,
) -> Result<(), Refusal> {
    let statement = b.statement(bucket.node)?;
    let name = named(b, bucket, statement, "bucket").ok_or_else(|| {
        no_fix("the bucket is built inside another expression", "keep it in a constant, then run again")
    })?;
    let known = replica.replace("?.", ".");
    let name =
        if raw { format!("{}.fromCfnBucket({name})", b.cdk(bucket.node, "aws_s3.Bucket")?) } else { name };
    b.insert_after(statement, &format!("if ({replica}) {{\n  {known}.copyFrom({name});\n}}"));
    Ok(())
}

/// Tells CDK that the copy is deployed first.
pub(super) fn depend<'a>(b: &mut Builder<'_, 'a>, stack: Syn<'a>, replica: &str) -> Result<(), Refusal> {
    let body = constructor_of(stack).and_then(|constructor| constructor.field("body"));
    let call = body
        .into_iter()
        .flat_map(Syn::children)
        .find(|statement| statement.text().starts_with("super("))
        .ok_or_else(|| no_fix("the stack's constructor does not call super(…)", "call it, then run again"))?;
    b.insert_after(
        call,
        &format!(
            "// With the order known, CDK trusts the account in the copy's key:\n// otherwise the stacks would need each other\nif \
             ({replica}) {{\n  this.addDependency({});\n}}",
            replica.replace("?.", ".")
        ),
    );
    Ok(())
}

/// Lets a bucket replicate to its copy, if there is one.
pub(super) fn set_rules<'a>(
    b: &mut Builder<'_, 'a>,
    bucket: &Site<'a>,
    replica: &str,
    encrypted: bool,
) -> Result<(), Refusal> {
    let known = replica.replace("?.", ".");
    let key = if encrypted {
        format!("\n        kmsKey: {known}.kmsKey,\n        sseKmsEncryptedObjects: true,")
    } else {
        String::new()
    };
    b.set_prop(
        bucket,
        "replicationRules",
        &format!(
            "{replica}\n  ? [\n      {{\n        id: 'dr-copy',\n        destination: {known}.bucket,{key}\n        priority: 0,\n      }},\n    \
             ]\n  : undefined"
        ),
    )
}
