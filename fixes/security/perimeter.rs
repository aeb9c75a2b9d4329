//! A bucket that only its own account, or named ones, may use.

use super::bucket::takes_logs;
use super::named;
use crate::detect::Refusal;
use crate::edit::{Builder, no_fix};
use crate::model::meaning::words;
use crate::model::{Model, Site};
use crate::syntax::Syn;

/// The key of the answer: `account`, or ids of accounts and organizations.
pub(super) const KEY: &str = "bucket_perimeter";

/// What speaks of somebody outside the account, or of a service that comes as one.
const OUTSIDERS: [&str; 12] = [
    "AccountPrincipal",
    "AnyPrincipal",
    "ArnPrincipal",
    "CanonicalUserPrincipal",
    "OrganizationPrincipal",
    "OriginAccessIdentity",
    "StarPrincipal",
    "grantPublicAccess",
    "publicReadAccess",
    "websiteIndexDocument",
    "crossRegionReplicationDestination",
    "addReplicationPolicy",
];

/// Whether a bucket may be closed to other accounts: nothing in the app speaks of any.
pub(super) fn fits<'a>(model: &Model<'a>, bucket: &Site<'a>) -> bool {
    let says = |word: &str| model.cdk_files().any(|file| words(Syn::root(file), word).next().is_some());
    !takes_logs(model, bucket) && !OUTSIDERS.iter().any(|word| says(word)) && !says("logAccessLogs")
}

/// Adds a statement that refuses everybody else.
///
/// # Errors
/// A [`Refusal`] where the answer is none, or no statement can follow the bucket.
pub(super) fn close<'a>(b: &mut Builder<'_, 'a>, bucket: &Site<'a>, answer: &str) -> Result<(), Refusal> {
    let at = bucket.node;
    let ids: Vec<&str> = answer.split(',').map(str::trim).filter(|id| !id.is_empty()).collect();
    let account = |id: &&str| id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_digit());
    let organization = |id: &&str| {
        id.starts_with("o-") && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let own = || ids.iter().all(|id| *id == "account" || account(id));
    let quoted = |id: &&str| format!("'{id}'");
    let (key, allowed) = match ids.as_slice() {
        [] => return Err(wrong(answer)),
        _ if ids.iter().all(organization) => ("aws:PrincipalOrgID", ids.iter().map(quoted).collect()),
        _ if own() => {
            let class = b.cdk(at, "Aws")?;
            let mut allowed = vec![format!("{class}.ACCOUNT_ID")];
            allowed.extend(ids.iter().filter(|id| account(id)).map(quoted));
            ("aws:PrincipalAccount", allowed)
        }
        _ => return Err(wrong(answer)),
    };
    let allowed: Vec<String> = allowed;
    let list = match allowed.as_slice() {
        [one] => one.clone(),
        more => format!("[{}]", more.join(", ")),
    };
    let statement = b.statement(at)?;
    let receiver = named(b, bucket, statement, "bucket").ok_or_else(|| {
        no_fix(
            "the bucket is built inside another expression, where no statement can follow it",
            "keep the bucket in a variable of its own, then run again",
        )
    })?;
    let policy = b.cdk(at, "aws_iam.PolicyStatement")?;
    let effect = b.cdk(at, "aws_iam.Effect")?;
    let anyone = b.cdk(at, "aws_iam.AnyPrincipal")?;
    b.insert_after(
        statement,
        &format!(
            "{receiver}.addToResourcePolicy(\n  new {policy}({{\n    sid: 'DenyOtherAccounts',\n    effect: {effect}.DENY,\n    \
             principals: [new {anyone}()],\n    actions: ['s3:*'],\n    resources: [{receiver}.bucketArn, {receiver}.arnForObjects('*')],\n    \
             conditions: {{\n      StringNotEquals: {{ '{key}': {list} }},\n      \
             // Services of AWS come as themselves\n      BoolIfExists: {{ 'aws:PrincipalIsAWSService': 'false' }},\n    }},\n  }})\n);"
        ),
    );
    Ok(())
}

fn wrong(answer: &str) -> Refusal {
    no_fix(
        &format!("`{answer}` names neither this account, nor accounts, nor organizations"),
        "answer `account`, ids of accounts such as 111122223333, or of organizations such as o-a1b2c3d4e5",
    )
}
