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
//! switches; for parameters that are only referred to (`fromStringParameterName`).
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
use super::sensitive::{OpenParameter, is_placeholder, last_segment, open_parameter, stem};
use super::statement::{Target, target};
use crate::detect::{Findings, Match, Refusal};
use crate::edit::names::camel_name;
use crate::edit::style::line_indent;
use crate::edit::{Builder, no_fix};
use crate::model::meaning::{has_word, is_class, words};
use crate::model::props::key_of;
use crate::model::scope::Declaration;
use crate::model::types::Type;
use crate::model::{Binding, Model, Site, statement_of};
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
const DROPPED: [&str; 8] =
    ["stringValue", "value", "type", "tier", "allowedPattern", "simpleName", "dataType", "policies"];

fn check<'a>(m: &Match<'_, 'a>, out: &mut Findings<'a>) -> Option<()> {
    let model = m.model;
    let parameter = m.site("parameter")?;
    let OpenParameter { secure, name, value } = open_parameter(model, &parameter)?;
    let label = parameter.label();
    let placeholder = is_placeholder(value.text());
    let told = if secure {
        format!("{label} asks for a SecureString, which CloudFormation cannot create: the deployment fails.")
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
    let message = format!(
        "{told} The fix builds a secret of Secrets Manager instead, at a monthly price. {first}Store the value with `aws secretsmanager \
         put-secret-value`, and let code that reads the parameter read the secret."
    );
    let finding = out.report(&META, model, parameter.node, message);
    finding.impact(if placeholder && !secure { Impact::Medium } else { Impact::High });
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
    let wanted = match stem {
        stem if stem.to_lowercase().ends_with("secret") && stem != old => stem.to_owned(),
        stem if stem.to_lowercase().ends_with("secret") => {
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
fn field_of(name: Syn<'_>) -> Option<Syn<'_>> {
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

/// The receiver of the statement that lets somebody read parameters.
fn readers<'a>(model: &Model<'a>) -> Vec<(Syn<'a>, Target<'a>)> {
    let mut found = Vec::new();
    for file in model.cdk_files() {
        let root = Syn::root(file);
        for at in words(root, "ssm") {
            let string = root.at(at).and_then(|token| {
                std::iter::once(token).chain(token.ancestors()).take(2).find(|node| node.is("string"))
            });
            let Some(string) = string else { continue };
            let action = string.text().trim_matches(['\'', '"']);
            if action.starts_with("ssm:GetParameter") || matches!(action, "ssm:*" | "ssm:Get*") {
                found.push((string, target(model, string)));
            }
        }
    }
    found
}

/// Whether the statement around an action is about this parameter: about all, or about a path that shares a word
/// with the parameter's. `None` where its resources are not written there.
fn covers<'a>(model: &Model<'a>, action: Syn<'a>, parameter: &Site<'a>) -> Option<bool> {
    let statement = action.ancestors().find_map(|node| model.site_of(node))?;
    let resources = statement.props(model).get(model, "resources").value()?.text();
    if ["'*'", "\"*\"", "parameter/*"].iter().any(|all| resources.contains(all)) {
        return Some(true);
    }
    let props = parameter.props(model);
    let name = props.get(model, "parameterName").value().or_else(|| props.get(model, "name").value());
    let path = name.and_then(|name| name.text().rsplit_once('/')).map(|(path, _)| path).unwrap_or_default();
    let mut words =
        path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| word.len() > 2 && *word != "this");
    if words.any(|word| has_word(resources, word)) {
        return Some(true);
    }
    resources.contains(['\'', '"', '`']).then_some(false)
}

/// Lets the one that may read parameters read the secret.
fn give_to_reader<'a>(
    b: &mut Builder<'_, 'a>,
    parameter: &Site<'a>,
    name: &str,
    secret: &str,
) -> Result<(), Refusal> {
    let unknown = || {
        no_fix(
            "the app lets others read parameters, and wa-fix cannot tell who of them reads this one",
            "build the secret by hand, and call its grantRead for each reader",
        )
    };
    let mut reader: Option<(Syn<'a>, Site<'a>, Syn<'a>)> = None;
    for (action, target) in readers(b.model) {
        match covers(b.model, action, parameter) {
            Some(true) => {}
            Some(false) => continue,
            None => return Err(unknown()),
        }
        let Target::Identity(receiver) = target else { return Err(unknown()) };
        let site = b.model.origin(receiver).ok_or_else(unknown)?;
        if reader.as_ref().is_some_and(|(_, known, _)| known.node != site.node) {
            return Err(unknown());
        }
        let statement = statement_of(action).ok_or_else(unknown)?;
        reader = Some((receiver, site, statement));
    }
    let Some((receiver, _, granted)) = reader else { return Ok(()) };
    let built = b.statement(parameter.node)?;
    if built.parent() == granted.parent() {
        let bound = matches!(parameter.binding(), Binding::None);
        if bound {
            declare(b, parameter, name)?;
        }
        let later = if built.start() < granted.start() { granted } else { built };
        b.insert_below(later, &format!("{name}.grantRead({});", receiver.text()));
        return Ok(());
    }
    thread(b, parameter, name, secret, receiver, granted).ok_or_else(unknown)?
}

/// Gives a parameter that is built as a statement of its own a variable.
fn declare<'a>(b: &mut Builder<'_, 'a>, parameter: &Site<'a>, name: &str) -> Result<(), Refusal> {
    if !parameter.node.parent().is_some_and(|parent| parent.is("expression_statement")) {
        return Err(no_fix(
            "the parameter is built inside another expression",
            "give it a statement of its own, then run again",
        ));
    }
    let start = parameter.node.start();
    b.splice(parameter.node, start..start, &format!("const {name} = "));
    Ok(())
}

/// Carries the secret from the construct that builds it to the one that reads it: a field, an entry in the props,
/// a member of their interface. `None` where the app's structure is another.
fn thread<'a>(
    b: &mut Builder<'_, 'a>,
    parameter: &Site<'a>,
    name: &str,
    secret: &str,
    receiver: Syn<'a>,
    granted: Syn<'a>,
) -> Option<Result<(), Refusal>> {
    let model = b.model;
    let class_of = |node: Syn<'a>| node.ancestors().find(|node| is_class(*node));
    let only = |class: Syn<'a>| {
        let mut all = model.instances(class);
        let first = all.next()?;
        all.next().is_none().then_some(first)
    };
    let (builder, reader) = (class_of(parameter.node)?, class_of(receiver)?);
    let (from, to) = (only(builder)?, only(reader)?);
    let Binding::Variable(from_name) = from.binding() else { return None };
    let (from_statement, to_statement) = (from.statement()?, to.statement()?);
    let object = to.props_argument().filter(|object| object.is("object"))?;
    let in_order =
        from_statement.parent() == to_statement.parent() && from_statement.end() <= to_statement.start();
    let bare = parameter.node.parent().is_some_and(|parent| parent.is("expression_statement"));
    let direct = |node: Syn<'a>| {
        let method = node.parent().and_then(Syn::parent).filter(|method| method.is("method_definition"))?;
        (method.field("name")?.text() == "constructor").then_some(method)
    };
    direct(statement_of(parameter.node)?)?;
    let constructor = direct(granted)?;
    let props = constructor.field("parameters")?.children().nth(to.props_index)?;
    let props_name = props.field("pattern").filter(|pattern| pattern.is("identifier"))?;
    let Type::Object(parts) = model.written_type(props.field("type")?.first()?).ty else { return None };
    let [interface] = parts.as_slice() else { return None };
    let interface = Some(*interface).filter(|interface| interface.is("interface_declaration"))?;
    let field =
        builder.field("body")?.children().filter(|member| member.is("public_field_definition")).last()?;
    if !in_order || !bare || model.member(&Type::Object(vec![interface]), name).is_some() {
        return None;
    }
    let isecret = match b.cdk(interface, "aws_secretsmanager.ISecret") {
        Ok(isecret) => isecret,
        Err(refusal) => return Some(Err(refusal)),
    };
    let start = parameter.node.start();
    b.splice(parameter.node, start..start, &format!("this.{name} = "));
    let text = &field.file.text;
    let style = b.style(field.file);
    let mark = field.node.next_sibling().filter(|token| token.kind() == ";");
    let end = mark.map_or(field.end(), |token| token.end_byte());
    let line = format!(
        "{}{}public readonly {name}: {secret}{}",
        style.eol,
        line_indent(text, field.start()),
        if mark.is_some() { ";" } else { "" }
    );
    b.splice(field, end..end, &line);
    b.insert_entry(object, name, &format!("{}.{name}", from_name.text()));
    let last = interface.field("body")?.children().last()?;
    let readonly = if last.text().starts_with("readonly ") { "readonly " } else { "" };
    b.insert_members(interface, &[(format!("{readonly}{name}: {isecret}"), "")]);
    b.insert_below(granted, &format!("{}.{name}.grantRead({});", props_name.text(), receiver.text()));
    Some(Ok(()))
}
