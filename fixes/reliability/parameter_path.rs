//! The path in Parameter Store that several parameters share.

use crate::edit::carry::{class_around, known_name, only_instance};
use crate::edit::names::is_visible;
use crate::model::types::Type;
use crate::model::{Meaning, Model, Site};
use crate::syntax::Syn;

/// The path that all parameters share, as an expression of the stack.
pub(super) fn parameter_path<'a>(model: &Model<'a>, parameters: &[Site<'a>], at: Syn<'a>) -> Option<String> {
    let mut paths = Vec::new();
    for parameter in parameters {
        let name = parameter.props(model).get(model, "parameterName").value()?;
        let path = match name.kind() {
            "string" => crate::model::imports::string_text(name).rsplit_once('/')?.0.to_owned(),
            "template_string" => path_of_template(model, name, at)?,
            _ => return None,
        };
        paths.push(path);
    }
    let mut shared: Vec<&str> = segments(paths.first()?);
    for path in &paths {
        let other = segments(path);
        let same = shared.iter().zip(&other).take_while(|(a, b)| a == b).count();
        shared.truncate(same);
    }
    let path = shared.join("/");
    let stands = path.starts_with('/') && path.len() > 1 || path.starts_with("${");
    stands.then_some(())?;
    let inner =
        path.strip_prefix("${").and_then(|path| path.strip_suffix('}')).filter(|inner| !inner.contains('}'));
    Some(match inner {
        Some(expression) => expression.to_owned(),
        None if path.contains("${") => format!("`{path}`"),
        None => format!("'{path}'"),
    })
}

/// The parts between slashes; a substitution is never cut.
fn segments(path: &str) -> Vec<&str> {
    if path.contains("${")
        && path
            .split("${")
            .skip(1)
            .any(|rest| rest.split('}').next().is_some_and(|inner| inner.contains('/')))
    {
        return vec![path];
    }
    path.split('/').collect()
}

/// The text of a template up to its last slash, its substitutions as the stack writes them.
fn path_of_template<'a>(model: &Model<'a>, template: Syn<'a>, at: Syn<'a>) -> Option<String> {
    let mut text = String::new();
    for part in template.children() {
        if part.is("template_substitution") {
            text.push_str(&format!("${{{}}}", seen_from(model, part.first()?, at)?));
        } else {
            text.push_str(part.text());
        }
    }
    let (path, last) = text.rsplit_once('/')?;
    (!last.contains('}') || last.contains("${")).then(|| path.to_owned())
}

/// An expression of a construct as the stack that builds the construct writes it.
fn seen_from<'a>(model: &Model<'a>, expression: Syn<'a>, at: Syn<'a>) -> Option<String> {
    if is_visible(at, expression) {
        return Some(expression.text().to_owned());
    }
    let class = class_around(expression)?;
    let instance = only_instance(model, class)?;
    let object = expression.field("object");
    if object.is_some_and(|object| object.is("this")) {
        let field = expression.field("property")?.text();
        model.member(&Type::Object(vec![class]), field).filter(|member| !member.hidden)?;
        return Some(format!("{}.{field}", known_name(model, &instance, at)?));
    }
    // What the stack has passed in props: `props.path`, `config.prefix` of a `config` out of them.
    let passed = |expression: Syn<'a>, property| match model.meaning(expression)? {
        Meaning::Parameter(parameter) => model.argument(parameter, property),
        _ => None,
    };
    let tail = expression.field("property").map(Syn::text);
    if let (Some(object), Some(tail)) = (object, tail) {
        if let Some(value) = passed(object, Some(tail)).filter(|value| is_visible(at, *value)) {
            return Some(value.text().to_owned());
        }
        let value = passed(object, None)
            .or_else(|| passed(object.field("object")?, Some(object.field("property")?.text())))?;
        return is_visible(at, value).then(|| format!("{}.{tail}", value.text()));
    }
    let value = passed(expression, None)?;
    is_visible(at, value).then(|| value.text().to_owned())
}
