//! A bucket's policy that is written by hand: a second one for the same bucket would replace it.

use super::bucket::{is_policy, policy_bucket};
use super::named;
use crate::detect::Refusal;
use crate::edit::{Builder, no_fix};
use crate::model::{Model, Site};
use crate::syntax::Syn;

/// The bucket whose policy, written by hand, a statement is part of, or is added to.
pub(super) fn bucket_around<'a>(model: &Model<'a>, statement: Syn<'a>) -> Option<Site<'a>> {
    let around = statement.ancestors().filter_map(|node| model.site_of(node)).find(is_policy);
    let added = || {
        statement.ancestors().filter(|node| node.is("call_expression")).find_map(|call| {
            let function = call
                .field("function")
                .filter(|function| function.text().ends_with(".document.addStatements"))?;
            model.origin(function.field("object")?.field("object")?).filter(is_policy)
        })
    };
    policy_bucket(model, &around.or_else(added)?)
}

/// Adds a statement that refuses plain HTTP to the policy.
///
/// # Errors
/// A [`Refusal`] where no statement can be added to it.
pub(super) fn refuse_plain_http<'a>(b: &mut Builder<'_, 'a>, policy: &Site<'a>) -> Result<(), Refusal> {
    let props = policy.props(b.model);
    let bucket = props.get(b.model, "bucket").value().ok_or_else(elsewhere)?;
    if policy.class == "aws_s3.BucketPolicy" {
        return to_document(b, policy, bucket.text());
    }
    let bucket = bucket.field("object").ok_or_else(elsewhere)?;
    let raw = b.model.origin(bucket).is_some_and(|site| site.class == "aws_s3.CfnBucket");
    let resources = if raw {
        let arn = format!("{}.attrArn", bucket.text());
        format!("[{arn}, `${{{arn}}}/*`]")
    } else {
        format!("[{0}.bucketArn, {0}.arnForObjects('*')]", bucket.text())
    };
    let document = props.get(b.model, "policyDocument").value().filter(|document| document.is("object"));
    let listed = document.and_then(|document| b.model.props_of(document).get(b.model, "Statement").value());
    let listed = listed.filter(|listed| listed.is("array")).ok_or_else(elsewhere)?;
    let code = format!(
        "{{\n  Sid: 'DenyPlainHttp',\n  Effect: 'Deny',\n  Principal: '*',\n  Action: 's3:*',\n  Resource: {resources},\n  Condition: {{ \
         Bool: {{ 'aws:SecureTransport': 'false' }} }},\n}}"
    );
    match listed.children().last() {
        Some(last) => b.insert_element_after(last, &code),
        None => b.set_entry(
            document.ok_or_else(elsewhere)?,
            "Statement",
            &format!("[\n  {},\n]", code.replace('\n', "\n  ")),
        ),
    }
    Ok(())
}

fn to_document<'a>(b: &mut Builder<'_, 'a>, policy: &Site<'a>, bucket: &str) -> Result<(), Refusal> {
    let at = policy.node;
    let statement = b.statement(at)?;
    let name = named(b, policy, statement, "policy").ok_or_else(elsewhere)?;
    let class = b.cdk(at, "aws_iam.PolicyStatement")?;
    let effect = b.cdk(at, "aws_iam.Effect")?;
    let anyone = b.cdk(at, "aws_iam.AnyPrincipal")?;
    b.insert_after(
        statement,
        &format!(
            "{name}.document.addStatements(\n  new {class}({{\n    sid: 'DenyPlainHttp',\n    effect: {effect}.DENY,\n    principals: [new \
             {anyone}()],\n    actions: ['s3:*'],\n    resources: [{bucket}.bucketArn, {bucket}.arnForObjects('*')],\n    conditions: {{ \
             Bool: {{ 'aws:SecureTransport': 'false' }} }},\n  }})\n);"
        ),
    );
    Ok(())
}

fn elsewhere() -> Refusal {
    no_fix(
        "the bucket's own policy is put together elsewhere, and a second one would replace it",
        "add a statement to it that denies requests for which aws:SecureTransport is false",
    )
}
