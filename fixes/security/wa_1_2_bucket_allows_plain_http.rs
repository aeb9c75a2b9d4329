//! # 1.2 S3 bucket answers over plain HTTP
//!
//! ## What is wrong
//! A bucket without a policy that refuses it takes requests over plain HTTP. Whoever is on the way can read what is sent, and
//! the signature with it.
//!
//! ## What the fix does
//! It sets `enforceSSL`: CDK then gives the bucket a policy that denies every request for which `aws:SecureTransport` is false.
//!
//! A bucket with a `BucketPolicy` or `CfnBucketPolicy` written by hand gets a statement in that: a second policy for one bucket would replace the first.
//!
//! The review offers a second way, which also refuses whoever is not of the bucket's own account, whatever other policies allow; services of
//! AWS are spared. `bucket_perimeter` takes that way without a review: `account`, or the ids of accounts or organizations that may use the
//! bucket. It is not offered where the app speaks of somebody outside: other accounts, CloudFront's old identities, websites, replication, delivered logs.
//!
//! ## Before
//! ```ts
//! import * as cdk from 'aws-cdk-lib';
//! import * as s3 from 'aws-cdk-lib/aws-s3';
//! import { Construct } from 'constructs';
//!
//! export class StorageStack extends cdk.Stack {
//!   constructor(scope: Construct, id: string) {
//!     super(scope, id);
//!
//!     new s3.Bucket(this, 'Uploads', {
//!       blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
//!       encryption: s3.BucketEncryption.S3_MANAGED,
//!     });
//!   }
//! }
//! ```
//!
//! ## After
//! ```ts
//! import * as cdk from 'aws-cdk-lib';
//! import * as s3 from 'aws-cdk-lib/aws-s3';
//! import { Construct } from 'constructs';
//!
//! export class StorageStack extends cdk.Stack {
//!   constructor(scope: Construct, id: string) {
//!     super(scope, id);
//!
//!     new s3.Bucket(this, 'Uploads', {
//!       blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
//!       encryption: s3.BucketEncryption.S3_MANAGED,
//!       enforceSSL: true,
//!     });
//!   }
//! }
//! ```
//!
//! ## When it stays silent
//! For imported buckets, whose policy CDK cannot change; where a statement on `aws:SecureTransport` is there for the bucket, or
//! for one that cannot be followed; where an aspect or a property injector of the app sees to it; where a
//! `BucketPolicy` is written by hand for a bucket that cannot be followed; for websites of S3, which speak
//! plain HTTP only; where the props cannot be followed.
//!
//! ## When it refuses
//! For a `CfnBucket` without a policy, which is a resource of its own; where a policy written by hand is put together elsewhere; where a release of CDK does not know `enforceSSL`; where the
//! props come from elsewhere and cannot be changed in one place.
//!
//! ## What to know before deploying
//! A client that uses `http://` is refused; the SDKs, the CLI and the console use HTTPS. The bucket is not replaced, its policy is new
//! or gains one statement, and it costs nothing. Where the account's own tools put a bucket policy on it out of sight of
//! CloudFormation, the new policy replaces theirs. With the perimeter, readers in accounts that are not named lose access at once.
//!
//! ## Other checkers
//! Clears cdk-nag `AwsSolutions-S10` and `S3BucketSSLRequestsOnly` of HIPAA, NIST and PCI. Server access logs
//! (`AwsSolutions-S1`) are another matter.

use super::bucket::{OwnPolicy, is_built_by_its_class, own_policy};
use super::bucket_policy::{bucket_around, refuse_plain_http};
use super::perimeter;
use super::statement::{Target, target};
use crate::detect::{Findings, Match, Refusal};
use crate::edit::{Builder, no_fix};
use crate::model::meaning::{is_class, words};
use crate::model::{Model, Prop, Site};
use crate::rule::{Impact, Meta, Pillar, Rule, Tier};
use crate::syntax::Syn;

/// The rule.
pub const RULE: Rule = Rule { meta: &META, check };

const META: Meta = Meta {
    id: "1.2",
    also: &[],
    name: "bucket-allows-plain-http",
    title: "S3 bucket answers over plain HTTP",
    pillar: Pillar::Security,
    impact: Impact::Medium,
    tier: Tier::Safe,
    practice: "SEC09-BP02",
    clears: &["AwsSolutions-S10"],
    raises: &[],
    asks: &[],
    order: 120,
    source: include_str!("wa_1_2_bucket_allows_plain_http.rs"),
    query: include_str!("../../queries/security/wa_1_2_bucket_allows_plain_http.scm"),
};

/// The condition key of the transport.
const TRANSPORT: &str = "aws:SecureTransport";

fn check<'a>(m: &Match<'_, 'a>, out: &mut Findings<'a>) -> Option<()> {
    let model = m.model;
    let raw = m.site("raw");
    let is_raw = raw.is_some();
    let bucket = raw.or_else(|| m.site("bucket"))?;
    if is_built_by_its_class(&bucket) || is_denied(model, &bucket) || is_seen_to(model) {
        return None;
    }
    let label = bucket.label();
    match own_policy(model, &bucket) {
        OwnPolicy::None => {}
        OwnPolicy::One(policy) => {
            let message = format!(
                "{label} answers over plain HTTP, where whoever is on the way can read what is sent. It has a policy of its own, which a second \
                 one would replace, so the fix adds a statement to that. The SDKs, the CLI and the console use HTTPS anyway."
            );
            let finding = out.report(&META, model, bucket.node, message).tier(Tier::Review);
            finding.fix(format!("Refuse plain HTTP in the policy of {label}"), move |b| {
                refuse_plain_http(b, &policy)
            });
            return Some(());
        }
        OwnPolicy::Unknown => return None,
    }
    if is_raw {
        let message = format!(
            "{label} answers over plain HTTP, where whoever is on the way can read what is sent. A CfnBucket has no policy of its \
             own: it takes a CfnBucketPolicy that denies requests for which {TRANSPORT} is false."
        );
        out.report(&META, model, bucket.node, message).tier(Tier::Review).refuse(
            "a CfnBucket has no enforceSSL",
            "add a CfnBucketPolicy with that statement, or build an s3.Bucket with enforceSSL",
        );
        return Some(());
    }
    let said = bucket.props(model).get(model, "enforceSSL") != Prop::Absent;
    let message = format!(
        "{label} answers over plain HTTP, where whoever is on the way can read what is sent. The fix sets enforceSSL, which refuses \
         such requests; the SDKs, the CLI and the console use HTTPS anyway. Nothing is replaced, and it costs nothing."
    );
    let finding = out.report(&META, model, bucket.node, message);
    finding.tier(if said { Tier::Review } else { Tier::Safe });
    if perimeter::fits(model, &bucket) {
        let closed = bucket.clone();
        finding.alternative(
            format!("Refuse plain HTTP and other accounts in {label}"),
            Tier::Review,
            move |b| {
                enforce(b, &closed)?;
                perimeter::close(b, &closed, b.value_if_given(perimeter::KEY).unwrap_or("account"))
            },
        );
    }
    finding.fix(format!("Refuse plain HTTP in {label}"), move |b| {
        enforce(b, &bucket)?;
        match b.value_if_given(perimeter::KEY).filter(|_| perimeter::fits(b.model, &bucket)) {
            Some(answer) => perimeter::close(b, &bucket, answer),
            None => Ok(()),
        }
    });
    Some(())
}

fn enforce<'a>(b: &mut Builder<'_, 'a>, bucket: &Site<'a>) -> Result<(), Refusal> {
    if !b.model.has_prop("aws_s3.Bucket", "enforceSSL") {
        return Err(no_fix(
            "this release of CDK has no enforceSSL, or it is not known which release this is",
            "name a release in package.json that has it, then run again",
        ));
    }
    b.set_prop(bucket, "enforceSSL", "true")
}

/// Whether a statement on the transport is there for the bucket, or for one that cannot be followed.
fn is_denied<'a>(model: &Model<'a>, bucket: &Site<'a>) -> bool {
    model.cdk_files().any(|file| {
        let root = Syn::root(file);
        words(root, TRANSPORT).filter_map(|at| root.at(at)).any(|node| {
            if node.is("comment") {
                return false;
            }
            if let Some(of) = bucket_around(model, node) {
                return of.node == bucket.node;
            }
            match target(model, node) {
                Target::Resource(other) => other.node == bucket.node,
                Target::Identity(_) => false,
                Target::Unknown => !is_for_another_service(model, node),
            }
        })
    })
}

/// Whether a statement stands in the props of a construct that is no bucket: a `TopicPolicy`.
fn is_for_another_service<'a>(model: &Model<'a>, statement: Syn<'a>) -> bool {
    statement
        .ancestors()
        .filter_map(|around| model.site_of(around))
        .any(|site| !["aws_iam.", "aws_s3."].iter().any(|start| site.class.starts_with(start)))
}

/// Whether a class of the app visits buckets to make them refuse plain HTTP: an aspect, or a property injector.
fn is_seen_to(model: &Model<'_>) -> bool {
    model.cdk_files().any(|file| {
        let root = Syn::root(file);
        let named = ["enforceSSL", "SecureTransport", "CfnBucketPolicy"].iter();
        named.flat_map(|word| words(root, word)).filter_map(|at| root.at(at)).any(|node| {
            let method = node.ancestors().find(|around| around.is("method_definition"));
            let visits = method.and_then(|method| method.field("name"));
            visits.is_some_and(|name| matches!(name.text(), "visit" | "inject"))
                || node.ancestors().find(|around| is_class(*around)).is_some_and(is_visitor)
        })
    })
}

/// Whether a class implements `IAspect` or `IPropertyInjector`.
fn is_visitor(class: Syn<'_>) -> bool {
    class.children().find(|child| child.is("class_heritage")).is_some_and(|heritage| {
        ["IAspect", "IPropertyInjector"].iter().any(|name| heritage.text().contains(name))
    })
}
