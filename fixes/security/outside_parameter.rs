//! A parameter that is made outside the stack, where a `SecureString` can be made.

use super::grant::key_in_scope;
use super::wa_1_4_secret_in_ssm_parameter::field_of;
use crate::detect::Refusal;
use crate::edit::style::line_indent;
use crate::edit::{Builder, no_fix};
use crate::model::props::key_of;
use crate::model::{Binding, Model, Site};

/// Whether the app uses a parameter, and only by its name, its ARN and by grants: the value of a `SecureString` is no
/// text of a template.
pub(super) fn is_used_by_name_only<'a>(model: &Model<'a>, parameter: &Site<'a>) -> bool {
    let uses = model.uses(parameter);
    let by_name = uses.iter().all(|used| {
        let member = used.parent().filter(|member| member.field("object") == Some(*used));
        member.and_then(|member| member.field("property")).is_some_and(|property| {
            matches!(property.text(), "grantRead" | "grantWrite" | "parameterName" | "parameterArn")
        })
    });
    // Code that does not ask for the decrypted value would get another.
    let plain = model.app.files.iter().any(|file| {
        let asks = |text: &str| ["GetParameter", "getParameter"].iter().any(|call| text.contains(call));
        file.candidate.language.is_script()
            && !file.speaks_cdk()
            && file.text().is_ok_and(|text| asks(text) && !text.contains("WithDecryption"))
    });
    model.builds(parameter, "aws_ssm.StringParameter") && !uses.is_empty() && by_name && !plain
}

/// Imports a parameter instead of building it.
///
/// # Errors
/// A [`Refusal`] where its properties are not written where it is built.
pub(super) fn keep_outside<'a>(b: &mut Builder<'_, 'a>, parameter: &Site<'a>) -> Result<(), Refusal> {
    let node = parameter.node;
    let object =
        parameter.props(b.model).object().filter(|object| Some(*object) == parameter.props_argument());
    let (Some(object), Some(constructor)) = (object, node.field("constructor")) else {
        return Err(no_fix(
            "its properties are not written where it is built",
            "write them in one object literal, then run again",
        ));
    };
    let statement = b.statement(node)?;
    let mut key = key_in_scope(b.model, parameter);
    for entry in object.children() {
        if key_of(entry) == Some("parameterName") {
            continue;
        }
        match key.take() {
            Some(key) => b.replace(entry, &format!("encryptionKey: {key}")),
            None => b.remove_entry(entry),
        }
    }
    b.splice(
        node,
        node.start()..constructor.end(),
        &format!("{}.fromSecureStringParameterAttributes", constructor.text()),
    );
    retype(b, parameter)?;
    let start = statement.start();
    let indent = line_indent(&statement.file.text, start).to_owned();
    let eol = b.style(statement.file).eol;
    b.splice(
        statement,
        start..start,
        &format!("// CloudFormation makes no SecureString: `aws ssm put-parameter --type SecureString` does, once{eol}{indent}"),
    );
    Ok(())
}

/// What is imported is known by its interface only.
fn retype<'a>(b: &mut Builder<'_, 'a>, parameter: &Site<'a>) -> Result<(), Refusal> {
    let declared = match parameter.binding() {
        Binding::Field(own) => field_of(own),
        Binding::Variable(own) => own.parent(),
        Binding::None => None,
    };
    let written = declared.and_then(|declared| declared.field("type")?.first());
    if let Some(written) = written.filter(|written| written.text().ends_with("StringParameter")) {
        let interface = b.cdk(written, "aws_ssm.IStringParameter")?;
        b.replace(written, &interface);
    }
    Ok(())
}
