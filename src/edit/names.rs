//! What a fix calls things that are there already.

use super::builder::Builder;
use crate::detect::Refusal;
use crate::model::meaning::is_class;
use crate::model::scope::{Declaration, lookup};
use crate::syntax::Syn;

impl<'a> Builder<'_, 'a> {
    /// The text that stands for the stack at a place: `this` in a stack, a variable that holds
    /// `Stack.of(…)`, else `cdk.Stack.of(scope)`.
    ///
    /// # Errors
    /// A [`Refusal`] where `Stack` cannot be named.
    pub fn stack_text(&mut self, at: Syn<'a>, scope: &str) -> Result<String, Refusal> {
        let class = at.ancestors().find(|node| is_class(*node));
        let base = class.and_then(|class| self.model.cdk_base(class)).unwrap_or_default();
        if scope == "this" && self.model.catalogue.is_a(&base, "Stack") {
            return Ok("this".to_owned());
        }
        if let Some(name) = self.stack_variable(at) {
            return Ok(name.text().to_owned());
        }
        Ok(format!("{}.of({scope})", self.cdk(at, "Stack")?))
    }

    fn stack_variable(&self, at: Syn<'a>) -> Option<Syn<'a>> {
        let blocks = at.ancestors().filter(|node| node.is("statement_block"));
        let before = blocks.flat_map(Syn::children).filter(|statement| statement.end() <= at.start());
        let declarators =
            before.filter(|statement| statement.is("lexical_declaration")).flat_map(Syn::children);
        declarators.filter(|declarator| declarator.is("variable_declarator")).find_map(|declarator| {
            let function =
                declarator.field("value").filter(|value| value.is("call_expression"))?.field("function")?;
            let name = declarator.field("name").filter(|name| name.is("identifier"))?;
            (self.model.cdk_name(function)? == "Stack.of" && same_name(at, name)).then_some(name)
        })
    }
}

/// Whether a name means at one place what it means at the other, and is declared before both: an expression
/// that starts with it may then be moved.
pub fn is_visible<'a>(at: Syn<'a>, expression: Syn<'a>) -> bool {
    if !std::ptr::eq(at.file, expression.file) {
        return false;
    }
    let mut head = expression;
    while let Some(inner) =
        head.field("object").or_else(|| head.is("non_null_expression").then(|| head.first()).flatten())
    {
        head = inner;
    }
    if head.is("this") {
        let class = |node: Syn<'a>| node.ancestors().find(|node| is_class(*node));
        return class(at) == class(expression);
    }
    matches!(head.kind(), "identifier" | "shorthand_property_identifier") && same_name(at, head)
}

fn same_name<'a>(at: Syn<'a>, name: Syn<'a>) -> bool {
    match (lookup(at, name.text()), lookup(name, name.text())) {
        (Some(Declaration::Variable { declarator, .. }), found) => {
            declarator.end() <= at.start() && found.is_some_and(|found| matches!(found, Declaration::Variable { declarator: other, .. } if other == declarator))
        }
        (Some(here), Some(there)) => here == there,
        _ => false,
    }
}

/// `my-bucket` and `MyBucket` as a variable would be called: `myBucket`, `SQSReader` as `sqsReader`; `None` where nothing of it can be a name.
pub fn camel_name(label: &str) -> Option<String> {
    let mut out = String::new();
    for part in label.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty()) {
        let first = out.is_empty();
        let capitals = part.chars().take_while(char::is_ascii_uppercase).count();
        // The last capital of a leading acronym starts the next word, unless the word ends with it.
        let lower = match capitals {
            0 | 1 => 1,
            _ if part.chars().nth(capitals).is_some_and(|next| next.is_ascii_lowercase()) => capitals - 1,
            _ => capitals,
        };
        for (index, letter) in part.chars().enumerate() {
            out.push(match index {
                _ if first && index < lower => letter.to_ascii_lowercase(),
                0 => letter.to_ascii_uppercase(),
                _ => letter,
            });
        }
    }
    out.starts_with(|first: char| first.is_ascii_alphabetic()).then_some(out)
}

/// A word with a capital first letter.
pub fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().collect::<String>() + chars.as_str())
}

#[cfg(test)]
mod tests {
    use super::camel_name;

    #[test]
    fn labels_become_names() {
        for (label, name) in [
            ("MyBucket", Some("myBucket")),
            ("my-site_bucket", Some("mySiteBucket")),
            ("1", None),
            ("SQSReader", Some("sqsReader")),
            ("API", Some("api")),
            ("my-API", Some("myAPI")),
        ] {
            assert_eq!(camel_name(label).as_deref(), name);
        }
    }
}
