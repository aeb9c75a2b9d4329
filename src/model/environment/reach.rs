//! What can be used at a place: names that are declared before it, objects whose members the app declares, fields that are set.

use super::Holder;
use crate::model::meaning::{is_class, words};
use crate::model::scope::Declaration;
use crate::model::types::{Type, Typed};
use crate::model::{Model, statement_of};
use crate::syntax::Syn;

/// An object whose members may tell.
pub(super) struct Object<'a> {
    pub(super) text: String,
    pub(super) typed: Typed<'a>,
    pub(super) own: bool,
}

/// Names of objects that are looked into at the second level.
const CONTAINERS: [&str; 5] = ["config", "props", "settings", "context", "options"];

impl<'a> Model<'a> {
    /// Whether `this` may be used where a node stands: in a constructor after `super(…)`, or in a method.
    pub fn has_this(&self, at: Syn<'a>) -> bool {
        for around in at.ancestors() {
            match around.kind() {
                "function_declaration" | "function_expression" | "generator_function_declaration" => {
                    return false;
                }
                "call_expression"
                    if around.field("function").is_some_and(|function| function.is("super")) =>
                {
                    return false;
                }
                "public_field_definition" => return !around.tokens().any(|token| token.is("static")),
                "method_definition" => {
                    let called = words(around, "super").find_map(|span| {
                        let call = around.at(span)?.parent()?;
                        call.is("call_expression").then(|| call.end())
                    });
                    let fixed = around.tokens().any(|token| token.is("static"));
                    return !fixed && called.is_none_or(|end| end <= at.start());
                }
                _ => {}
            }
        }
        false
    }

    /// The names that can be used at a place, the nearest first: declared before it, not shadowed.
    pub(super) fn visible(&self, at: Syn<'a>) -> Vec<&'a str> {
        let mut names: Vec<&'a str> = Vec::new();
        for scope in self.scopes_around(at).iter() {
            for (name, declaration) in self.declarations(*scope).iter().copied() {
                if names.contains(&name) {
                    continue;
                }
                let before = match declaration {
                    Declaration::Variable { declarator, .. } => declarator.end() <= at.start(),
                    Declaration::Destructured { name, parameter: None, .. } => {
                        statement_of(name).is_some_and(|statement| statement.end() <= at.start())
                    }
                    Declaration::Parameter { .. } | Declaration::Destructured { .. } => true,
                    _ => false,
                };
                if before {
                    names.push(name);
                }
            }
        }
        for import in &self.imports(at.file).imports {
            if import.module.starts_with('.') && !import.type_only && !names.contains(&import.local) {
                names.push(import.local);
            }
        }
        names
    }

    /// Whether a field has its value where `at` runs: a parameter property, an initialiser, or assigned before.
    pub(super) fn field_is_set(at: Syn<'a>, member: Syn<'a>, name: &str) -> bool {
        let Some(constructor) = at.ancestors().find(|node| {
            node.is("method_definition")
                && node.field("name").is_some_and(|name| name.text() == "constructor")
        }) else {
            return true;
        };
        if member.field("value").is_some() || !member.is("public_field_definition") {
            return true;
        }
        words(constructor, name).any(|span| {
            let access = constructor.at(span).and_then(Syn::parent);
            access.is_some_and(|access| {
                access.field("object").is_some_and(|object| object.is("this"))
                    && access.parent().is_some_and(|parent| {
                        parent.is("assignment_expression")
                            && parent.field("left") == Some(access)
                            && parent.end() <= at.start()
                    })
            })
        })
    }

    /// The objects in scope whose members the app declares; `this` last.
    pub(super) fn objects(&self, at: Syn<'a>, visible: &[&'a str]) -> Vec<Object<'a>> {
        let mut objects: Vec<Object<'a>> = visible
            .iter()
            .map(|name| Object { text: (*name).to_owned(), typed: self.type_of_name(at, name), own: false })
            .filter(|object| matches!(object.typed.ty, Type::Object(_)))
            .collect();
        if let Some(class) = at.ancestors().find(|node| is_class(*node)).filter(|_| self.has_this(at)) {
            let typed = Typed { ty: Type::Object(vec![class]), optional: false };
            objects.push(Object { text: "this".to_owned(), typed, own: true });
        }
        // One level down, where the name says that settings are kept there.
        let mut deeper = Vec::new();
        for object in &objects {
            for member in self.members(&object.typed.ty) {
                let reachable = || {
                    if object.own { Self::field_is_set(at, member.node, member.name) } else { !member.hidden }
                };
                if !CONTAINERS.contains(&member.name) || !reachable() {
                    continue;
                }
                let typed = self.type_of_member(member);
                if matches!(typed.ty, Type::Object(_)) {
                    let text = format!("{}{}{}", object.text, dot(object.typed.optional), member.name);
                    // `a?.b.c` is undefined as a whole where `a` is.
                    deeper.push(Object { text, typed, own: false });
                }
            }
        }
        objects.extend(deeper);
        objects
    }

    pub(super) fn this_path_is_set(&self, at: Syn<'a>, path: Syn<'a>) -> bool {
        let mut first = path;
        while let Some(object) = first.field("object").filter(|object| !object.is("this")) {
            first = object;
        }
        let Some(name) = first.field("property") else { return false };
        let member = match at.ancestors().find(|node| is_class(*node)) {
            Some(class) => self.member(&Type::Object(vec![class]), name.text()),
            None => None,
        };
        self.has_this(at) && member.is_some_and(|member| Self::field_is_set(at, member.node, member.name))
    }

    /// Whether a name is one environment's name written down: `const environmentSuffix = 'dev'`.
    pub(super) fn is_fixed(&self, at: Syn<'a>, name: &str) -> bool {
        match self.lookup(at, name) {
            Some(Declaration::Variable { declarator, .. }) => {
                declarator.field("value").is_some_and(|value| value.is("string"))
            }
            _ => false,
        }
    }

    /// Whether `this.node` exists where a node stands.
    pub fn has_construct_this(&self, at: Syn<'a>) -> bool {
        self.has_this(at)
            && at.ancestors().find(|node| is_class(*node)).and_then(|class| self.cdk_base(class)).is_some_and(
                |base| {
                    matches!(base.as_str(), "constructs.Construct" | "Construct")
                        || self.catalogue.class(&base).is_some_and(|class| class.is_construct())
                },
            )
    }
}

pub(super) fn holder_of<'a>(object: &Object<'a>) -> Option<Holder<'a>> {
    let Type::Object(parts) = &object.typed.ty else { return None };
    match parts.as_slice() {
        [declaration] if !object.own => {
            let optional = object.typed.optional || object.text.contains("?.");
            Some(Holder { text: object.text.clone(), optional, declaration: *declaration })
        }
        _ => None,
    }
}

pub(super) const fn dot(optional: bool) -> &'static str {
    if optional { "?." } else { "." }
}
