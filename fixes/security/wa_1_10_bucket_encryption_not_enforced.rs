//! # 1.10 S3 bucket does not enforce its encryption
//!
//! ## What is wrong
//! A bucket whose default encryption is KMS still takes objects that a client sends with another encryption, such as
//! `AES256`: the default only counts where a client names none. Such objects escape the key, its policy and its audit trail.
//!
//! The other half is worse: a statement that denies by `StringNotEquals` on the encryption header alone. It holds for
//! a missing header too, so every plain upload (`aws s3 cp`, CodePipeline, most SDK calls) is refused, although the bucket would have
//! encrypted it as wanted.
//!
//! ## What the fix does
//! It adds a statement to the bucket's policy that refuses uploads which name another encryption than KMS, and spares
//! those that name none: they get the bucket's own. For the other half, it adds the missing `Null` condition, and where the key
//! is compared by id, it compares by ARN as S3 does.
//!
//! The review offers a second way, which refuses uploads under a key that the client brings along (SSE-C) as well.
//!
//! ## Before
//! ```ts
//! import * as cdk from 'aws-cdk-lib';
//! import * as kms from 'aws-cdk-lib/aws-kms';
//! import * as s3 from 'aws-cdk-lib/aws-s3';
//! import { Construct } from 'constructs';
//!
//! export class StorageStack extends cdk.Stack {
//!   constructor(scope: Construct, id: string) {
//!     super(scope, id);
//!
//!     const key = new kms.Key(this, 'Key', { enableKeyRotation: true });
//!     const uploads = new s3.Bucket(this, 'Uploads', {
//!       encryption: s3.BucketEncryption.KMS,
//!       encryptionKey: key,
//!       enforceSSL: true,
//!     });
//!     new cdk.CfnOutput(this, 'UploadsName', { value: uploads.bucketName });
//!   }
//! }
//! ```
//!
//! ## After
//! ```ts
//! import * as cdk from 'aws-cdk-lib';
//! import * as iam from 'aws-cdk-lib/aws-iam';
//! import * as kms from 'aws-cdk-lib/aws-kms';
//! import * as s3 from 'aws-cdk-lib/aws-s3';
//! import { Construct } from 'constructs';
//!
//! export class StorageStack extends cdk.Stack {
//!   constructor(scope: Construct, id: string) {
//!     super(scope, id);
//!
//!     const key = new kms.Key(this, 'Key', { enableKeyRotation: true });
//!     const uploads = new s3.Bucket(this, 'Uploads', {
//!       encryption: s3.BucketEncryption.KMS,
//!       encryptionKey: key,
//!       enforceSSL: true,
//!     });
//!
//!     uploads.addToResourcePolicy(
//!       new iam.PolicyStatement({
//!         sid: 'DenyOtherEncryption',
//!         effect: iam.Effect.DENY,
//!         principals: [new iam.AnyPrincipal()],
//!         actions: ['s3:PutObject'],
//!         resources: [uploads.arnForObjects('*')],
//!         conditions: {
//!           // Uploads that name no encryption get the bucket's own
//!           Null: { 's3:x-amz-server-side-encryption': 'false' },
//!           StringNotEquals: {
//!             's3:x-amz-server-side-encryption': ['aws:kms', 'aws:kms:dsse'],
//!           },
//!         },
//!       })
//!     );
//!
//!     new cdk.CfnOutput(this, 'UploadsName', { value: uploads.bucketName });
//!   }
//! }
//! ```
//!
//! ## When it stays silent
//! Without a KMS key (S3's own encryption is the default then, and nothing is lost); for imported buckets and those with a
//! `BucketPolicy` written by hand; for buckets that AWS services deliver logs to, which send what they want; where a
//! statement on the header is there already or may be added out of sight, or the encryption is changed on the resource underneath; where the encryption is chosen by an expression. A
//! Deny without the `Null` condition is left alone beside one that demands the header (`Null: 'true'`), and where the bucket's own encryption
//! would not be what the statement wants: there the header is needed.
//!
//! ## When it refuses
//! Where the bucket is built inside another expression, so that no statement can follow it.
//!
//! ## What to know before deploying
//! Clients that ask for `AES256` are refused from then on. Objects that are there stay as they are, nothing is replaced, and it costs
//! nothing. `aws:kms` without a key id means the account's `aws/s3` key: that is not refused.
//!
//! ## Other checkers
//! No rule of cdk-nag, Checkov or cfn-lint looks at this. Where the bucket has no `enforceSSL`, its new policy is one more
//! place at which cdk-nag `AwsSolutions-S10` misses the refusal of plain HTTP (item 1.2 adds it).

use super::bucket::{has_own_policy, is_built_by_its_class, takes_logs};
use super::statement::{Target, target};
use crate::detect::{Findings, Match, Refusal};
use crate::edit::{Builder, no_fix};
use crate::model::meaning::words;
use crate::model::{Binding, Model, Prop, Site};
use crate::rule::{Impact, Meta, Pillar, Rule, Tier};
use crate::syntax::Syn;

/// The rule.
pub const RULE: Rule = Rule { meta: &META, check };

const META: Meta = Meta {
    id: "1.10",
    also: &[],
    name: "bucket-encryption-not-enforced",
    title: "S3 bucket does not enforce its encryption",
    pillar: Pillar::Security,
    impact: Impact::Medium,
    tier: Tier::Review,
    practice: "SEC08-BP02",
    clears: &[],
    raises: &[],
    asks: &[],
    order: 200,
    source: include_str!("wa_1_10_bucket_encryption_not_enforced.rs"),
    query: include_str!("../../queries/security/wa_1_10_bucket_encryption_not_enforced.scm"),
};

/// The condition key of the encryption that an upload asks for.
const ENCRYPTION: &str = "s3:x-amz-server-side-encryption";
/// The condition key of the key that an upload asks for.
const KEY_ID: &str = "s3:x-amz-server-side-encryption-aws-kms-key-id";

fn check<'a>(m: &Match<'_, 'a>, out: &mut Findings<'a>) -> Option<()> {
    match m.site("bucket") {
        Some(bucket) => open_bucket(m.model, bucket, out),
        None => wrong_deny(m.model, &m.site("statement")?, out),
    }
}

fn open_bucket<'a>(model: &Model<'a>, bucket: Site<'a>, out: &mut Findings<'a>) -> Option<()> {
    if is_built_by_its_class(&bucket)
        || may_be_enforced(model, &bucket)
        || takes_logs(model, &bucket)
        || is_overridden(bucket.node)
    {
        return None;
    }
    let label = bucket.label();
    let finding = out.report(
        &META,
        model,
        bucket.node,
        format!(
            "{label} is encrypted with a KMS key, but takes objects that a client sends under another encryption: these escape \
             the key and its policy. The fix refuses such uploads; those that name no encryption still get the bucket's \
             own. A client that asks for AES256 has to stop doing so."
        ),
    );
    let strict = bucket.clone();
    finding.alternative(
        format!("Refuse other encryption than KMS in {label}, and keys that clients bring along"),
        Tier::Review,
        move |b| add_statement(b, &strict, true),
    );
    finding.fix(format!("Refuse other encryption than KMS in {label}"), move |b| {
        add_statement(b, &bucket, false)
    });
    Some(())
}

/// Whether the file changes the encryption of a bucket on the resource underneath.
fn is_overridden(bucket: Syn<'_>) -> bool {
    let root = Syn::root(bucket.file);
    let at = |word: &'static str| words(root, word).filter_map(move |at| root.at(at));
    at("BucketEncryption").any(|node| node.is("string_fragment"))
        || at("bucketEncryption")
            .any(|node| node.parent().is_some_and(|parent| parent.is("member_expression")))
}

/// Whether a statement on the header is there for the bucket, or for one that cannot be followed.
fn may_be_enforced<'a>(model: &Model<'a>, bucket: &Site<'a>) -> bool {
    let named = header_strings(model).any(|string| match target(model, string) {
        Target::Resource(other) => other.node == bucket.node,
        Target::Identity(_) => false,
        Target::Unknown => true,
    });
    named || has_own_policy(model, bucket)
}

/// The string literals of the app that name one of the two condition keys.
fn header_strings<'a>(model: &Model<'a>) -> impl Iterator<Item = Syn<'a>> {
    model.cdk_files().flat_map(|file| {
        let root = Syn::root(file);
        words(root, "x-amz-server-side-encryption").filter_map(move |at| {
            let string = root.at(at)?.ancestors().next().filter(|node| node.is("string"))?;
            is_header(string.text()).then_some(string)
        })
    })
}

fn is_header(text: &str) -> bool {
    matches!(text.trim_matches(['\'', '"', '`']), ENCRYPTION | KEY_ID)
}

/// Adds the statement; with `keys`, one that refuses keys of clients (SSE-C) as well.
fn add_statement<'a>(b: &mut Builder<'_, 'a>, bucket: &Site<'a>, keys: bool) -> Result<(), Refusal> {
    let at = bucket.node;
    let statement = b.statement(at)?;
    let receiver = receiver(b, bucket, statement)?;
    let policy_statement = b.cdk(at, "aws_iam.PolicyStatement")?;
    let effect = b.cdk(at, "aws_iam.Effect")?;
    let anyone = b.cdk(at, "aws_iam.AnyPrincipal")?;
    let encryption =
        bucket.props(b.model).get(b.model, "encryption").value().and_then(|value| b.model.cdk_name(value));
    let allowed = if encryption.is_some_and(|name| name.contains(".DSSE")) {
        "'aws:kms:dsse'"
    } else {
        "['aws:kms', 'aws:kms:dsse']"
    };
    let mut code = format!(
        "{receiver}.addToResourcePolicy(\n  new {policy_statement}({{\n    sid: 'DenyOtherEncryption',\n    effect: {effect}.DENY,\n    \
         principals: [new {anyone}()],\n    actions: ['s3:PutObject'],\n    resources: [{receiver}.arnForObjects('*')],\n    \
         conditions: {{\n      // Uploads that name no encryption get the bucket's own\n      Null: {{ '{ENCRYPTION}': 'false' }},\n      \
         StringNotEquals: {{\n        '{ENCRYPTION}': {allowed},\n      }},\n    }},\n  }})\n);"
    );
    if keys {
        code.push_str(&format!(
            "\n\n// A key that the client brings along is neither ours nor kept anywhere\n{receiver}.addToResourcePolicy(\n  new \
             {policy_statement}({{\n    sid: 'DenyClientKeys',\n    effect: {effect}.DENY,\n    principals: [new {anyone}()],\n    actions: \
             ['s3:PutObject'],\n    resources: [{receiver}.arnForObjects('*')],\n    conditions: {{\n      Null: {{ \
             '{ENCRYPTION}-customer-algorithm': 'false' }},\n    }},\n  }})\n);"
        ));
    }
    b.insert_after(statement, &code);
    Ok(())
}

/// The expression that stands for the bucket after its statement; a bucket that has no name gets one.
fn receiver<'a>(b: &mut Builder<'_, 'a>, bucket: &Site<'a>, statement: Syn<'a>) -> Result<String, Refusal> {
    let typed = match bucket.binding() {
        Binding::Variable(name) | Binding::Field(name) => super::is_typed_as(name, "Bucket"),
        Binding::None => true,
    };
    typed.then(|| super::named(b, bucket, statement, "bucket")).flatten().ok_or_else(|| {
        no_fix(
            "the bucket is built inside another expression, where no statement can follow it",
            "keep the bucket in a variable of its own, then run again",
        )
    })
}

/// A Deny on the header that hits uploads without one.
struct WrongDeny<'a> {
    /// The conditions' object.
    conditions: Syn<'a>,
    /// The object of its `Null` operator, if it has one.
    null: Option<Syn<'a>>,
    /// The condition key that needs a guard.
    key: &'static str,
    /// The values that the header is compared with.
    values: Syn<'a>,
}

fn wrong_deny<'a>(model: &Model<'a>, statement: &Site<'a>, out: &mut Findings<'a>) -> Option<()> {
    let wrong = read_deny(model, statement)?;
    let Target::Resource(bucket) = target(model, statement.node) else { return None };
    if !model.builds(&bucket, "aws_s3.Bucket")
        || !default_serves(model, &bucket, &wrong)
        || header_is_demanded(statement.node)
    {
        return None;
    }
    let label = bucket.label();
    let key_ids: Vec<_> = if wrong.key == KEY_ID { key_ids(wrong.values) } else { Vec::new() };
    let told = if key_ids.is_empty() {
        "refuses every upload that names no encryption, although the bucket would encrypt it as wanted"
    } else {
        "refuses every upload: S3 compares the full ARN of the key, never its id"
    };
    let finding = out.report(
        &META,
        model,
        statement.node,
        format!(
            "This statement on {label} {told} (a negated condition also holds where the header is missing). The fix adds the \
             Null condition, so that only uploads which name another encryption are refused."
        ),
    );
    finding.impact(Impact::High);
    finding.fix(format!("Let uploads without an encryption header into {label}"), move |b| {
        guard(b, &wrong);
        for id in &key_ids {
            b.splice(*id, id.span(), "keyArn");
        }
        Ok(())
    });
    Some(())
}

fn read_deny<'a>(model: &Model<'a>, statement: &Site<'a>) -> Option<WrongDeny<'a>> {
    let value = statement.props(model).get(model, "conditions").value()?;
    let conditions = model.props_of(value).object()?;
    let mut null = None;
    let mut found: Option<(&'static str, Syn<'a>)> = None;
    for operator in conditions.children() {
        let (name, keys) =
            (text_of(operator.field("key")?), operator.field("value").filter(|keys| keys.is("object"))?);
        for pair in keys.children() {
            let key = match text_of(pair.field("key")?) {
                ENCRYPTION => ENCRYPTION,
                KEY_ID => KEY_ID,
                _ => continue,
            };
            if name == "Null" {
                return None;
            }
            // Both keys in one statement: it is about the first.
            if name.starts_with("StringNot") && (found.is_none() || key == ENCRYPTION) {
                found = Some((key, pair.field("value")?));
            }
        }
        if name == "Null" {
            null = Some(keys);
        }
    }
    let (key, values) = found?;
    Some(WrongDeny { conditions, null, key, values })
}

fn text_of(key: Syn<'_>) -> &str {
    key.text().trim_matches(['\'', '"'])
}

/// Whether the bucket by itself encrypts as the statement demands.
fn default_serves<'a>(model: &Model<'a>, bucket: &Site<'a>, wrong: &WrongDeny<'a>) -> bool {
    let props = bucket.props(model);
    let encryption = props.get(model, "encryption");
    let name = encryption.value().and_then(|value| model.cdk_name(value)).unwrap_or_default();
    let own_key = props.get(model, "encryptionKey").present().is_some();
    let kms = name.contains(".KMS") || name.contains(".DSSE") || (own_key && encryption == Prop::Absent);
    if wrong.key == KEY_ID {
        return kms && own_key;
    }
    if wrong.values.text().contains("aws:kms") {
        return kms;
    }
    wrong.values.text().contains("AES256")
        && (encryption == Prop::Absent && !own_key || name.ends_with(".S3_MANAGED"))
}

/// Whether the file also denies uploads without the header: then it is wanted.
fn header_is_demanded(statement: Syn<'_>) -> bool {
    let root = Syn::root(statement.file);
    words(root, "Null").filter_map(|at| root.at(at)).any(|key| {
        let pair = key.ancestors().find(|node| node.is("pair"));
        pair.is_some_and(|pair| {
            pair.text().contains("x-amz-server-side-encryption") && pair.text().contains("true")
        })
    })
}

/// The `keyId` of each `key.keyId` among values.
fn key_ids(values: Syn<'_>) -> Vec<Syn<'_>> {
    let list: Vec<_> = if values.is("array") { values.children().collect() } else { vec![values] };
    list.into_iter()
        .filter(|value| value.is("member_expression"))
        .filter_map(|value| value.field("property"))
        .filter(|property| property.text() == "keyId")
        .collect()
}

fn guard<'a>(b: &mut Builder<'_, 'a>, wrong: &WrongDeny<'a>) {
    let key = format!("'{}'", wrong.key);
    if let Some(null) = wrong.null {
        b.insert_entry(null, &key, "'false'");
        return;
    }
    let quoted =
        wrong.conditions.children().all(|entry| entry.field("key").is_some_and(|key| key.is("string")));
    let name = if quoted { "'Null'" } else { "Null" };
    b.insert_entry(wrong.conditions, name, &format!("{{ {key}: 'false' }}"));
}
