//! Names that exist once in the world or in the account, and how they take the region.

use super::state::stack_of;
use crate::detect::Refusal;
use crate::edit::carry::{class_around, constructor_of};
use crate::edit::{Builder, no_fix};
use crate::model::scope::Declaration;
use crate::model::types::Type;
use crate::model::{Model, Prop, Site};
use crate::syntax::Syn;

/// Properties that name something which exists once in the world or in the account.
const GLOBAL_NAMES: [(&str, &str); 20] = [
    ("aws_s3.Bucket", "bucketName"),
    ("aws_s3.CfnBucket", "bucketName"),
    ("aws_cloudwatch.Dashboard", "dashboardName"),
    ("aws_cloudwatch.CfnDashboard", "dashboardName"),
    ("aws_iam.Role", "roleName"),
    ("aws_iam.CfnRole", "roleName"),
    ("aws_iam.User", "userName"),
    ("aws_iam.Group", "groupName"),
    ("aws_iam.ManagedPolicy", "managedPolicyName"),
    ("aws_iam.CfnManagedPolicy", "managedPolicyName"),
    ("aws_iam.InstanceProfile", "instanceProfileName"),
    ("aws_cloudfront.CachePolicy", "cachePolicyName"),
    ("aws_cloudfront.OriginRequestPolicy", "originRequestPolicyName"),
    ("aws_cloudfront.ResponseHeadersPolicy", "responseHeadersPolicyName"),
    ("aws_cloudfront.Function", "functionName"),
    ("aws_cloudfront.KeyValueStore", "keyValueStoreName"),
    ("aws_cloudfront.S3OriginAccessControl", "originAccessControlName"),
    ("aws_cloudfront.PublicKey", "publicKeyName"),
    ("aws_cloudfront.KeyGroup", "keyGroupName"),
    ("aws_cloudfront.RealtimeLogConfig", "realtimeLogConfigName"),
];

/// A name that exists once, and where it is written.
pub(super) struct GlobalName<'a> {
    site: Site<'a>,
    value: Syn<'a>,
}

/// The names in a stack that exist once in the world or in the account.
pub(super) fn global_names<'a>(model: &Model<'a>, class: Syn<'a>) -> Result<Vec<GlobalName<'a>>, Refusal> {
    let mut found = Vec::new();
    for site in model.all_sites().filter(|site| site.node.is("new_expression")) {
        let Some((_, prop)) = GLOBAL_NAMES.iter().find(|(kind, _)| model.builds(&site, kind)) else {
            continue;
        };
        if stack_of(model, site.node) != Some(class) {
            continue;
        }
        match site.props(model).get(model, prop) {
            Prop::Absent => {}
            Prop::Present(entry) if entry.value.text().to_lowercase().contains("region") => {}
            Prop::Present(entry) => found.push(GlobalName { site, value: entry.value }),
            Prop::Unknown => {
                return Err(no_fix(
                    &format!("wa-fix cannot tell how {} is named", site.label()),
                    "write its props where it is built, then run again",
                ));
            }
        }
    }
    Ok(found)
}

/// Lets the names take the region: through the prefix that they all share, else each by itself.
pub(super) fn keep_apart<'a>(
    b: &mut Builder<'_, 'a>,
    class: Syn<'a>,
    names: &[GlobalName<'a>],
    qualifier: &str,
) -> Result<(), Refusal> {
    if names.is_empty() {
        return Ok(());
    }
    let known = qualifier.replace("?.", ".");
    if let Some((statement, prefix)) = shared_prefix(b.model, class, names) {
        b.insert_after(
            statement,
            &format!(
                "// Names of buckets, roles and dashboards exist once, whatever the region\nif ({qualifier}) {{\n  {prefix} = \
                 `${{{prefix}}}-${{{known}}}`;\n}}"
            ),
        );
        return Ok(());
    }
    let own = |name: &&GlobalName<'a>| {
        class_around(name.site.node) != Some(class)
            || !matches!(name.value.kind(), "string" | "template_string")
            || constructor_of(class)
                .is_none_or(|constructor| !constructor.span().contains(&name.value.start()))
    };
    if let Some(other) = names.iter().find(own) {
        return Err(no_fix(
            &format!("{} has a fixed name, which would be taken in the second region", other.site.label()),
            "leave the name to CDK, or let the construct take it from its props, then run again",
        ));
    }
    let call = super_call(class)?;
    let suffix = b.fresh_name(class.file, &["regionSuffix"]);
    b.insert_after(
        call,
        &format!(
            "// Names of buckets, roles and dashboards exist once, whatever the region\nconst {suffix} = {qualifier} ? \
             `-${{{known}}}` : '';"
        ),
    );
    for name in names {
        let inner = name.value.text().get(1..name.value.text().len() - 1).unwrap_or_default();
        b.replace(name.value, &format!("`{inner}${{{suffix}}}`"));
    }
    Ok(())
}

fn super_call(class: Syn<'_>) -> Result<Syn<'_>, Refusal> {
    let body = constructor_of(class).and_then(|constructor| constructor.field("body"));
    body.into_iter()
        .flat_map(Syn::children)
        .find(|statement| statement.text().starts_with("super("))
        .ok_or_else(|| no_fix("the stack's constructor does not call super(…)", "call it, then run again"))
}

/// The config object of a stack's constructor whose string field starts all the names: its statement, and `config.prefix`.
fn shared_prefix<'a>(
    model: &Model<'a>,
    class: Syn<'a>,
    names: &[GlobalName<'a>],
) -> Option<(Syn<'a>, String)> {
    let first = head_of(model, names.first()?.value)?;
    let body = constructor_of(class)?.field("body")?;
    let declarations = body.children().filter(|statement| statement.is("lexical_declaration"));
    for statement in declarations {
        let Some(declarator) = statement.children().find(|child| child.is("variable_declarator")) else {
            continue;
        };
        let Some(name) = declarator.field("name").filter(|name| name.is("identifier")) else { continue };
        let ty = model.type_of_name(name, name.text()).ty;
        if ty != first.0 {
            continue;
        }
        let writable =
            model.member(&ty, first.1).is_some_and(|member| !member.node.text().starts_with("readonly"));
        let all = names.iter().all(|other| head_of(model, other.value).is_some_and(|head| head == first));
        return (writable && all).then(|| (statement, format!("{}.{}", name.text(), first.1)));
    }
    None
}

/// The type and the field of the first substitution of a template that starts with one.
fn head_of<'a>(model: &Model<'a>, value: Syn<'a>) -> Option<(Type<'a>, &'a str)> {
    let first = value.is("template_string").then(|| value.first()).flatten()?;
    let inner = first.is("template_substitution").then(|| first.first()).flatten()?;
    if inner.is("member_expression") {
        let ty = model.type_of(inner.field("object")?).ty;
        return matches!(ty, Type::Object(_)).then_some((ty, inner.field("property")?.text()));
    }
    // `const { prefix } = this.config`.
    match model.lookup(inner, inner.text())? {
        Declaration::Destructured { from: Some(from), key, .. } => {
            let ty = model.type_of(from).ty;
            matches!(ty, Type::Object(_)).then_some((ty, key))
        }
        _ => None,
    }
}
