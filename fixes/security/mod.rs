//! Pillar 1.

mod access_log_settings;
mod access_log_stream;
pub(crate) mod api_methods;
mod boundary;
pub(crate) mod bucket;
mod bucket_policy;
mod build_commands;
mod callers;
mod cure;
mod document;
mod fronts;
mod grant;
mod handed_over;
mod known_callers;
mod leak;
mod narrow;
mod outside_parameter;
mod perimeter;
mod secret_reader;
mod secret_source;
pub(super) mod sensitive;
mod star_statement;
pub(crate) mod statement;
mod usage_plan;
mod validator;
pub mod wa_1_10_bucket_encryption_not_enforced;
pub mod wa_1_1_overly_permissive_iam;
pub mod wa_1_2_bucket_allows_plain_http;
pub mod wa_1_3_api_request_validation;
pub mod wa_1_4_secret_in_ssm_parameter;
pub mod wa_1_5_secret_in_function_environment;
pub mod wa_1_6_no_audit_trail;
pub mod wa_1_7_function_outside_vpc;
pub mod wa_1_8_api_without_waf;
pub mod wa_1_9_api_without_access_logs;
mod web_acl;

pub(crate) use grant::name_at;

use crate::edit::Builder;
use crate::edit::names::{camel_name, capital};
use crate::model::meaning::is_class;
use crate::model::{Binding, Site};
use crate::syntax::Syn;

/// The nearest statement or declaration around a node.
fn holder(node: Syn<'_>) -> Option<Syn<'_>> {
    node.ancestors()
        .find(|around| around.kind().ends_with("_statement") || around.kind().ends_with("_declaration"))
}

/// What a construct is called after its statement. One that has no name gets one, ending in `noun`; `None` where
/// it is built inside another expression.
pub(crate) fn named<'a>(
    b: &mut Builder<'_, 'a>,
    site: &Site<'a>,
    statement: Syn<'a>,
    noun: &str,
) -> Option<String> {
    if holder(site.node) != Some(statement) {
        return None;
    }
    if site.node.is("call_expression") {
        return Some("this".to_owned());
    }
    match site.binding() {
        Binding::Variable(name) => Some(name.text().to_owned()),
        Binding::Field(name) => Some(format!("this.{}", name.text())),
        Binding::None if site.node.parent().is_some_and(|parent| parent.is("expression_statement")) => {
            let label = camel_name(&site.label()).unwrap_or_else(|| noun.to_owned());
            let ends = label.to_lowercase().ends_with(noun);
            let full = if ends { label } else { format!("{label}{}", capital(noun)) };
            let name = b.fresh_name(site.node.file, &[&full]);
            let start = site.node.start();
            b.splice(site.node, start..start, &format!("const {name} = "));
            Some(name)
        }
        Binding::None => None,
    }
}

/// Whether the declared type of a variable or field, if there is one, has a word in its name.
pub(crate) fn is_typed_as(name: Syn<'_>, word: &str) -> bool {
    declared_type(name).is_none_or(|declared| declared.text().contains(word))
}

/// The declared type of a variable or field.
pub(crate) fn declared_type(name: Syn<'_>) -> Option<Syn<'_>> {
    match name.parent() {
        Some(declarator) if declarator.is("variable_declarator") => declarator.field("type"),
        _ => {
            let class = name.ancestors().find(|node| is_class(*node));
            class.and_then(|class| class.field("body")).and_then(|body| {
                body.children()
                    .find(|member| member.field("name").is_some_and(|own| own.text() == name.text()))
                    .and_then(|member| member.field("type"))
            })
        }
    }
}
