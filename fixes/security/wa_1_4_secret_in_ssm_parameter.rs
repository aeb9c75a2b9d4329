//! # 1.4 A secret in an SSM parameter that is not encrypted
//!
//! ## What is wrong
//! CloudFormation creates parameters of the types `String` and `StringList` only: what they hold is readable in the console, by everyone
//! who may call `ssm:GetParameter`, and, where the value is written in the code, in git and in the template. `SECURE_STRING` is
//! accepted by the compiler and by `cdk synth`, and fails when it is deployed.
//!
//! ## What the fix does
//! It builds a secret of Secrets Manager instead, under the same name, encrypted with the key that the construct has. It gets another
//! construct id: CloudFormation refuses to change the type behind one. Who may read the parameter may read the secret: `grantRead` is kept,
//! and the one role that a statement allows to read parameters gets its own grant, through the props of its construct where it needs to be.
//! A `StringListParameter` becomes one secret, which holds all values.
//!
//! The review offers a second way to those who stay with Parameter Store: the parameter is made outside the stack, where a `SecureString` can be
//! made, and the stack only imports it. It is offered where the app uses the parameter by its name or by grants, and not its value.
//!
//! ## Before
//! ```ts
//! import * as cdk from 'aws-cdk-lib';
//! import * as ssm from 'aws-cdk-lib/aws-ssm';
//! import { Construct } from 'constructs';
//!
//! export class SettingsStack extends cdk.Stack {
//!   constructor(scope: Construct, id: string) {
//!     super(scope, id);
//!
//!     new ssm.StringParameter(this, 'ApiKeyParameter', {
//!       parameterName: '/shop/api-key',
//!       description: 'API key of the payment provider',
//!       stringValue: 'PLACEHOLDER',
//!     });
//!   }
//! }
//! ```
//!
//! ## After
//! ```ts
//! import * as cdk from 'aws-cdk-lib';
//! import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
//! import { Construct } from 'constructs';
//!
//! export class SettingsStack extends cdk.Stack {
//!   constructor(scope: Construct, id: string) {
//!     super(scope, id);
//!
//!     new secretsmanager.Secret(this, 'ApiKeySecret', {
//!       secretName: '/shop/api-key',
//!       description: 'API key of the payment provider',
//!     });
//!   }
//! }
//! ```
//!
//! ## When it stays silent
//! For names that end in `-arn`, `-id`, `-name`, `-url` and the like; for values that a resource tells of itself, addresses, numbers and
//! switches; for lists of names of secrets, and lists called `Tokens` and no more; for parameters that are only referred to (`fromStringParameterName`).
//!
//! ## When it refuses
//! Where the parameter's name, value or ARN is used, where the name is written in other places of the app, or where code of the app calls Parameter
//! Store: whoever reads the parameter there would find nothing. Where the value comes from a variable, which others may share. Where several roles may read parameters, or one that cannot be followed.
//!
//! ## What to know before deploying
//! Deploying deletes the parameter **with the value that operators stored in it**: copy it first. The secret starts with a random value until
//! somebody runs `aws secretsmanager put-secret-value`; a value that was written in the code is in git and has to be replaced. Code that asks
//! Parameter Store for it has to ask Secrets Manager. Each secret has a monthly price.
//!
//! ## Other checkers
//! Clears cfn-lint `E3030` for `SecureString`. cdk-nag `AwsSolutions-SMG4` asks for rotation of the new secret, which needs a function that
//! knows the other side: suppress it with a reason for keys of third parties. Where a key is used, its grants may count for `AwsSolutions-IAM5`.
//! Checkov `CKV_AWS_149` asks for a key of one's own where none is in scope for the secret.

use super::grant::key_in_scope;
use super::outside_parameter::{is_used_by_name_only, keep_outside};
use super::secret_reader::give_to_reader;
use super::sensitive::{OpenParameter, is_placeholder, last_segment, open_parameter, stem};
use crate::detect::{Findings, Match, Refusal};
use crate::edit::names::camel_name;
use crate::edit::{Builder, no_fix};
use crate::model::meaning::is_class;
use crate::model::props::key_of;
use crate::model::scope::Declaration;
use crate::model::{Binding, Model, Site};
use crate::rule::{Impact, Meta, Pillar, Rule, Tier};
use crate::syntax::Syn;

/// The rule.
pub const RULE: Rule = Rule { meta: &META, check };

const META: Meta = Meta {
    id: "1.4",
    also: &[],
    name: "secret-in-ssm-parameter",
    title: "A secret in an SSM parameter that is not encrypted",
    pillar: Pillar::Security,
    impact: Impact::High,
    tier: Tier::Scaffold,
    practice: "SEC02-BP03",
    clears: &["E3030"],
    raises: &[],
    asks: &[],
    // Before the rules on functions: their environment names what this one builds.
    order: 140,
    source: include_str!("wa_1_4_secret_in_ssm_parameter.rs"),
    query: include_str!("../../queries/security/wa_1_4_secret_in_ssm_parameter.scm"),
};

/// Properties of a parameter that a secret has no use for.
const DROPPED: [&str; 9] = [
    "stringValue",
    "stringListValue",
    "value",
    "type",
    "tier",
    "allowedPattern",
    "simpleName",
    "dataType",
    "policies",
];

fn check<'a>(m: &Match<'_, 'a>, out: &mut Findings<'a>) -> Option<()> {
    let model = m.model;
    let parameter = m.site("parameter")?;
    let OpenParameter { secure, list, name, value } = open_parameter(model, &parameter)?;
    let label = parameter.label();
    let placeholder = is_placeholder(value.text());
    let told = if secure {
        format!("{label} asks for a SecureString, which CloudFormation cannot create: the deployment fails.")
    } else if list && placeholder {
        format!(
            "{label} is meant for secrets, and is a plain StringList: the values that are stored there by hand are kept and shown \
             unencrypted."
        )
    } else if list {
        format!(
            "{label} keeps secrets as a plain StringList: the values stand in the template and in the console for all who may look."
        )
    } else if placeholder {
        format!(
            "{label} is meant for a secret, and is a plain String: the value that is stored there by hand is kept and shown unencrypted."
        )
    } else {
        format!(
            "{label} keeps a secret as a plain String: the value stands in the template and in the console for all who may look."
        )
    };
    let first =
        if secure { "" } else { "Deploying it deletes the parameter with its value: copy that first. " };
    let (one, what) =
        if list { ("one secret", "the values, as a JSON list say,") } else { ("a secret", "the value") };
    let message = format!(
        "{told} The fix builds {one} of Secrets Manager instead, at a monthly price. {first}Store {what} with `aws secretsmanager \
         put-secret-value`, and let code that reads the parameter read the secret."
    );
    let finding = out.report(&META, model, parameter.node, message);
    finding.impact(if placeholder && !secure { Impact::Medium } else { Impact::High });
    if name.is_some() && is_used_by_name_only(model, &parameter) {
        let kept = parameter.clone();
        finding.alternative(
            format!("Keep {label} in Parameter Store, as a SecureString that is made outside the stack"),
            Tier::Scaffold,
            move |b| keep_outside(b, &kept),
        );
    }
    finding.fix(format!("Keep {label} in Secrets Manager"), move |b| {
        followed(b.model, &parameter, name)?;
        convert(b, &parameter, value)
    });
    Some(())
}

/// Refuses where somebody reads the parameter in a way that the fix would break.
fn followed<'a>(model: &Model<'a>, parameter: &Site<'a>, name: Option<Syn<'a>>) -> Result<(), Refusal> {
    for used in model.uses(parameter) {
        if !is_grant(used) {
            let what = used.parent().unwrap_or(used);
            return Err(no_fix(
                &format!(
                    "`{}` is used elsewhere, and whoever reads the parameter by it would find nothing",
                    what.text()
                ),
                "build the secret beside the parameter, move its readers over, then remove the parameter",
            ));
        }
    }
    let segment = name.map(last_segment).filter(|segment| segment.len() > 2);
    for file in &model.app.files {
        let (Some(parsed), true) = (file.parsed(), file.candidate.language.is_script()) else { continue };
        if !file.speaks_cdk()
            && ["GetParameter", "getParameter"].iter().any(|call| parsed.text.contains(call))
        {
            return Err(no_fix(
                &format!("{} reads parameters, and would not find this one any more", parsed.path),
                "let it read the secret with GetSecretValue, then build the secret by hand",
            ));
        }
        let own =
            |at: usize| std::ptr::eq(parsed, parameter.node.file) && parameter.node.span().contains(&at);
        let Some(segment) = &segment else { continue };
        let again = parsed.text.match_indices(segment.as_str()).find(|(at, _)| {
            let end = parsed.text.as_bytes().get(at + segment.len());
            let start = at.checked_sub(1).and_then(|at| parsed.text.as_bytes().get(at));
            !own(*at)
                && end.is_some_and(|end| b"'\"`".contains(end))
                && start.is_some_and(|start| b"/'\"`".contains(start))
        });
        if again.is_some() {
            return Err(no_fix(
                &format!(
                    "the parameter's name is written in {} too, where something may read it",
                    parsed.path
                ),
                "move what reads it to Secrets Manager by hand, or remove what does not need it",
            ));
        }
    }
    Ok(())
}

/// `parameter.grantRead(…)`: a secret has the same methods.
fn is_grant(used: Syn<'_>) -> bool {
    let member = used.parent().filter(|member| member.field("object") == Some(used));
    member.is_some_and(|member| {
        member.field("property").is_some_and(|method| matches!(method.text(), "grantRead" | "grantWrite"))
            && member.parent().is_some_and(|call| call.field("function") == Some(member))
    })
}

fn convert<'a>(b: &mut Builder<'_, 'a>, parameter: &Site<'a>, value: Syn<'a>) -> Result<(), Refusal> {
    let object =
        parameter.props(b.model).object().filter(|object| Some(*object) == parameter.props_argument());
    let plain = object.filter(|object| object.children().all(|entry| key_of(entry).is_some()));
    let (Some(object), Some(id), Some(constructor)) =
        (plain, parameter.id(), parameter.node.field("constructor"))
    else {
        return Err(no_fix(
            "its properties are not written where it is built",
            "write them in one object literal, then run again",
        ));
    };
    if let Some(source) = shared_source(b.model, value) {
        return Err(no_fix(
            &format!("the value comes from `{}`, and the secret would start with another one", source.text()),
            "let what uses the value take it from a secret, then remove the parameter",
        ));
    }
    let secret = b.cdk(parameter.node, "aws_secretsmanager.Secret")?;
    let new_id = secret_id(b, parameter);
    let label = new_id.trim_matches(['\'', '"', '`']).to_owned();
    b.replace(id, &new_id);
    b.replace(constructor, &secret);
    let name = rename(b, parameter, &label, &secret)?;
    rewrite(b, parameter, object)?;
    if b.model.uses(parameter).is_empty() {
        let name = name.unwrap_or_else(|| camel_name(&label).unwrap_or_else(|| "secret".to_owned()));
        give_to_reader(b, parameter, &name, &secret)?;
    }
    Ok(())
}

/// A variable of the function in the value, or a property that is read elsewhere in the file.
fn shared_source<'a>(model: &Model<'a>, value: Syn<'a>) -> Option<Syn<'a>> {
    let mut open = vec![value];
    while let Some(node) = open.pop() {
        let local = node.is("identifier")
            && matches!(
                model.lookup(node, node.text()),
                Some(Declaration::Variable { .. } | Declaration::Destructured { .. })
            );
        let shared = node.is("member_expression") && node.file.text.matches(node.text()).count() > 1;
        if local || shared {
            return Some(node);
        }
        open.extend(node.children());
    }
    None
}

/// The secret's construct id, as code: never the parameter's own.
fn secret_id<'a>(b: &mut Builder<'_, 'a>, parameter: &Site<'a>) -> String {
    let Some(old) = parameter.id_text() else { return b.sibling_id(parameter, "Secret") };
    let stem = stem(old);
    let kebab = stem.contains('-');
    let is_secret = |stem: &str| stem.to_lowercase().trim_end_matches('s').ends_with("secret");
    let wanted = match stem {
        stem if is_secret(stem) && stem != old => stem.to_owned(),
        stem if is_secret(stem) => {
            format!("{stem}{}", if kebab { "-store" } else { "Store" })
        }
        stem => format!("{stem}{}", if kebab { "-secret" } else { "Secret" }),
    };
    format!("'{}'", b.fresh_id(parameter.node, &[&wanted]))
}

/// Calls the variable or field after the secret, with its type; `None` where the parameter had no name.
fn rename<'a>(
    b: &mut Builder<'_, 'a>,
    parameter: &Site<'a>,
    label: &str,
    secret: &str,
) -> Result<Option<String>, Refusal> {
    let (Binding::Variable(own) | Binding::Field(own)) = parameter.binding() else { return Ok(None) };
    let wanted = camel_name(label).unwrap_or_else(|| "secret".to_owned());
    let declared = match parameter.binding() {
        Binding::Field(_) => field_of(own).filter(|field| field.field("name") != Some(own)),
        _ => own.parent().filter(|declarator| declarator.is("variable_declarator")),
    };
    if declared.is_none() {
        return Err(no_fix(
            "its variable serves other values too",
            "give the parameter a `const` of its own, then run again",
        ));
    }
    let name = b.fresh_name(own.file, &[&wanted]);
    b.replace(own, &name);
    if let Some(declared) = declared {
        if let Some(field) = declared.field("name").filter(|field| *field != own) {
            b.replace(field, &name);
        }
        if let Some(ty) = declared.field("type").and_then(Syn::first) {
            b.replace(ty, secret);
        }
    }
    for used in b.model.uses(parameter) {
        b.replace(used.field("property").unwrap_or(used), &name);
    }
    Ok(Some(if matches!(parameter.binding(), Binding::Field(_)) { format!("this.{name}") } else { name }))
}

/// The declaration of a field that `this.name` assigns.
pub(super) fn field_of(name: Syn<'_>) -> Option<Syn<'_>> {
    let class = name.ancestors().find(|node| is_class(*node))?;
    class.field("body")?.children().find(|member| {
        member.is("public_field_definition")
            && member.field("name").is_some_and(|own| own.text() == name.text())
    })
}

/// Makes the parameter's properties those of a secret.
fn rewrite<'a>(b: &mut Builder<'_, 'a>, parameter: &Site<'a>, object: Syn<'a>) -> Result<(), Refusal> {
    let known = |key: &str| matches!(key, "parameterName" | "name" | "description") || DROPPED.contains(&key);
    if let Some(other) = object.children().filter_map(key_of).find(|key| !known(key)) {
        return Err(no_fix(&format!("a secret has no `{other}`"), "build the secret by hand"));
    }
    let key = key_in_scope(b.model, parameter);
    let kept = |entry: &Syn<'a>| key_of(*entry).is_some_and(|key| !DROPPED.contains(&key));
    let commented = object.tokens().any(|token| token.is("comment"));
    let renamed = |entry: Syn<'a>| match (key_of(entry), entry.field("key")) {
        (Some("parameterName" | "name"), Some(key)) => Some(key),
        _ => None,
    };
    if !object.text().contains('\n') && !commented {
        let mut entries: Vec<String> = object
            .children()
            .filter(kept)
            .map(|entry| match renamed(entry).and_then(|_| entry.field("value")) {
                Some(value) => format!("secretName: {}", value.text()),
                None => entry.text().to_owned(),
            })
            .collect();
        entries.extend(key.map(|key| format!("encryptionKey: {key}")));
        match (entries.is_empty(), parameter.id()) {
            (true, Some(id)) => b.splice(object, id.end()..object.end(), ""),
            _ => b.replace(object, &format!("{{ {} }}", entries.join(", "))),
        }
        return Ok(());
    }
    if let (true, None, Some(id)) =
        (!commented && !object.children().any(|entry| kept(&entry)), &key, parameter.id())
    {
        b.splice(object, id.end()..object.end(), "");
        return Ok(());
    }
    let mut key = key;
    for entry in object.children() {
        if let Some(name) = renamed(entry) {
            b.replace(name, "secretName");
        } else if entry.is("shorthand_property_identifier")
            && key_of(entry) != Some("description")
            && kept(&entry)
        {
            b.replace(entry, &format!("secretName: {}", entry.text()));
        } else if !kept(&entry) {
            match key.take() {
                Some(key) => b.replace(entry, &format!("encryptionKey: {key}")),
                None => b.remove_entry(entry),
            }
        }
    }
    Ok(())
}
