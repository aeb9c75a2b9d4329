//! What an expression or a name stands for.

use super::Model;
use super::imports::{Imported, cdk_module};
use super::scope::Declaration;
use crate::syntax::{Parsed, Syn, lone_words};

/// What an expression stands for, followed through names, imports and files.
#[derive(Debug, Clone, PartialEq)]
pub enum Meaning<'a> {
    /// A CDK module: `""` is the core.
    Module(String),
    /// Something that the CDK exports: `aws_lambda.Function`, `aws_apigateway.Cors.ALL_ORIGINS`, `Stack`.
    Cdk(String),
    /// A class of the app.
    Class(Syn<'a>),
    /// A function of the app.
    Function(Syn<'a>),
    /// An enum of the app.
    Enum(Syn<'a>),
    /// A file of the app, as `import * as x` sees it.
    File(FileRef<'a>),
    /// A parameter: its value depends on the caller.
    Parameter(Syn<'a>),
    /// An expression that is no name, or a variable whose value can change.
    Value(Syn<'a>),
}

/// A file, compared by identity.
#[derive(Debug, Clone, Copy)]
pub struct FileRef<'a>(pub &'a Parsed);

impl PartialEq for FileRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.0, other.0)
    }
}

/// How far names are followed before giving up.
const DEPTH: u8 = 16;

impl<'a> Model<'a> {
    /// What an expression stands for; `None` is unknown.
    pub fn meaning(&self, expression: Syn<'a>) -> Option<Meaning<'a>> {
        self.meaning_at(expression, DEPTH)
    }

    fn meaning_at(&self, expression: Syn<'a>, depth: u8) -> Option<Meaning<'a>> {
        let depth = depth.checked_sub(1)?;
        match expression.kind() {
            "identifier" | "type_identifier" | "shorthand_property_identifier" => {
                self.name_at(expression, expression.text(), depth)
            }
            "parenthesized_expression"
            | "as_expression"
            | "satisfies_expression"
            | "non_null_expression"
            | "type_assertion" => {
                // `<T>x` holds the type first.
                let inner = if expression.is("type_assertion") {
                    expression.children().last()
                } else {
                    expression.first()
                };
                self.meaning_at(inner?, depth)
            }
            "member_expression" | "nested_identifier" | "nested_type_identifier" => {
                let (object, property) = match expression.kind() {
                    "nested_type_identifier" => (expression.field("module"), expression.field("name")),
                    _ => (expression.field("object"), expression.field("property")),
                };
                self.member_at(expression, object?, property?.text(), depth)
            }
            "generic_type" => self.meaning_at(expression.field("name")?, depth),
            _ => Some(Meaning::Value(expression)),
        }
    }

    /// What a name stands for at a place.
    pub fn name(&self, at: Syn<'a>, name: &str) -> Option<Meaning<'a>> {
        self.name_at(at, name, DEPTH)
    }

    fn name_at(&self, at: Syn<'a>, name: &str, depth: u8) -> Option<Meaning<'a>> {
        let depth = depth.checked_sub(1)?;
        let import = self.imports(at.file).binding(name);
        if let Some(import) = import.filter(|import| import.is_alone()) {
            return self.imported_at(at.file, import.module, &import.imported, depth);
        }
        if let Some(declaration) = self.lookup(at, name) {
            return self.declaration_at(declaration, depth);
        }
        let import = import?;
        self.imported_at(at.file, import.module, &import.imported, depth)
    }

    fn declaration_at(&self, declaration: Declaration<'a>, depth: u8) -> Option<Meaning<'a>> {
        match declaration {
            Declaration::Variable { declarator, constant } => {
                let value = declarator.field("value")?;
                if let Some(import) = self.imports(declarator.file).imports.iter().find(|import| {
                    import.statement.span().contains(&declarator.start())
                        && declarator.field("name").is_some_and(|name| name.text() == import.local)
                }) {
                    return self.imported_at(declarator.file, import.module, &import.imported, depth);
                }
                if constant { self.meaning_at(value, depth) } else { Some(Meaning::Value(declarator)) }
            }
            Declaration::Destructured { from, key, parameter, name } => {
                if let Some(import) = self.imports(name.file).binding(name.text())
                    && import.statement.span().contains(&name.start())
                {
                    return self.imported_at(name.file, import.module, &import.imported, depth);
                }
                match from {
                    Some(from) => self.member_at(name, from, key, depth),
                    None => parameter.map(|_| Meaning::Parameter(name)),
                }
            }
            Declaration::Parameter { parameter } => Some(Meaning::Parameter(parameter)),
            Declaration::Class { class } => Some(Meaning::Class(class)),
            Declaration::Function { function } => Some(Meaning::Function(function)),
            Declaration::Enum { declaration } => Some(Meaning::Enum(declaration)),
            Declaration::Type { declaration } => Some(Meaning::Value(declaration)),
        }
    }

    fn imported_at(
        &self,
        file: &'a Parsed,
        module: &str,
        imported: &Imported<'_>,
        depth: u8,
    ) -> Option<Meaning<'a>> {
        if let Some(cdk) = cdk_module(module) {
            return Some(match imported {
                Imported::Namespace | Imported::Default => Meaning::Module(cdk),
                Imported::Named(name) => self.cdk_member(&cdk, name),
            });
        }
        let target = self.app.import(self.location(file)?, module)?.parsed()?;
        match imported {
            Imported::Namespace => Some(Meaning::File(FileRef(target))),
            Imported::Default => self.export_at(target, "default", depth),
            Imported::Named(name) => self.export_at(target, name, depth),
        }
    }

    /// A member of a CDK module.
    fn cdk_member(&self, module: &str, name: &str) -> Meaning<'a> {
        if module.is_empty() {
            // Submodules of the barrel are in lower case, classes are not.
            if name.starts_with(|first: char| first.is_ascii_lowercase()) {
                return Meaning::Module(name.to_owned());
            }
            return Meaning::Cdk(name.to_owned());
        }
        Meaning::Cdk(format!("{module}.{name}"))
    }

    /// What a file exports under a name.
    pub fn export(&self, file: &'a Parsed, name: &str) -> Option<Meaning<'a>> {
        self.export_at(file, name, DEPTH)
    }

    fn export_at(&self, file: &'a Parsed, name: &str, depth: u8) -> Option<Meaning<'a>> {
        let depth = depth.checked_sub(1)?;
        let root = Syn::root(file);
        if name == "default" {
            let statement = root.children().find(|child| {
                child.is("export_statement") && child.tokens().any(|token| token.is("default"))
            })?;
            let value = statement.field("value").or_else(|| statement.field("declaration"))?;
            return match value.kind() {
                "class_declaration" | "abstract_class_declaration" | "class" => Some(Meaning::Class(value)),
                "function_declaration" => Some(Meaning::Function(value)),
                _ => self.meaning_at(value, depth),
            };
        }
        if let Some(declaration) = self.declared_in(root, name) {
            return self.declaration_at(declaration, depth);
        }
        // `export { local as name }`, then what is passed on from elsewhere.
        for clause in
            root.children().filter(|child| child.is("export_statement") && child.field("source").is_none())
        {
            for specifier in
                clause.children().filter(|child| child.is("export_clause")).flat_map(Syn::children)
            {
                let local = specifier.field("name")?;
                if specifier.field("alias").unwrap_or(local).text() == name {
                    return self.name_at(specifier, local.text(), depth);
                }
            }
        }
        for passed in &self.imports(file).reexports {
            let wanted = match passed.names {
                Some((exported, original)) if exported == name => original,
                Some(_) => continue,
                None => name,
            };
            if let Some(found) = self.imported_at(file, passed.module, &Imported::Named(wanted), depth) {
                return Some(found);
            }
        }
        None
    }

    fn member_at(&self, at: Syn<'a>, object: Syn<'a>, property: &str, depth: u8) -> Option<Meaning<'a>> {
        if object.is("this") {
            let class = object.ancestors().find(|node| is_class(*node))?;
            return self
                .field_value(class, property)
                .map_or(Some(Meaning::Value(at)), |value| self.meaning_at(value, depth));
        }
        match self.meaning_at(object, depth)? {
            Meaning::Module(module) => Some(self.cdk_member(&module, property)),
            Meaning::Cdk(name) => Some(Meaning::Cdk(format!("{name}.{property}"))),
            Meaning::File(file) => self.export_at(file.0, property, depth),
            Meaning::Class(class) => {
                let value = static_field(class, property)?;
                self.meaning_at(value, depth)
            }
            Meaning::Value(value) if value.is("object") => {
                let value = super::props::own_entry(value, property)?;
                self.meaning_at(value, depth)
            }
            _ => Some(Meaning::Value(at)),
        }
    }

    /// The canonical CDK name of an expression: `lambda.Runtime.NODEJS_20_X` is `aws_lambda.Runtime.NODEJS_20_X`.
    pub fn cdk_name(&self, expression: Syn<'a>) -> Option<String> {
        match self.meaning(expression)? {
            Meaning::Cdk(name) => Some(name),
            _ => None,
        }
    }

    /// The value of a field of a class: its initialiser, or the one assignment in the constructor.
    /// `None` where there is none or more than one.
    pub fn field_value(&self, class: Syn<'a>, field: &str) -> Option<Syn<'a>> {
        let body = class.field("body")?;
        let initialiser = body
            .children()
            .find(|member| {
                member.is("public_field_definition")
                    && member.field("name").is_some_and(|name| name.text() == field)
            })
            .and_then(|member| member.field("value"));
        let mut assigned = initialiser.into_iter().collect::<Vec<_>>();
        for at in words(class, field) {
            let Some(member) = class.at(at).and_then(Syn::parent) else { continue };
            if !member.is("member_expression")
                || !member.field("object").is_some_and(|object| object.is("this"))
            {
                continue;
            }
            let Some(assignment) = member.parent().filter(|parent| parent.is("assignment_expression")) else {
                continue;
            };
            if assignment.field("left") == Some(member) {
                assigned.push(assignment.field("right")?);
            }
        }
        match assigned.as_slice() {
            [one] => Some(*one),
            _ => None,
        }
    }
}

/// Whether a node declares a class.
pub(crate) fn is_class(node: Syn<'_>) -> bool {
    matches!(node.kind(), "class_declaration" | "abstract_class_declaration" | "class")
}

/// The initialiser of a static field.
fn static_field<'a>(class: Syn<'a>, name: &str) -> Option<Syn<'a>> {
    class
        .field("body")?
        .children()
        .filter(|member| {
            member.is("public_field_definition") && member.tokens().any(|token| token.is("static"))
        })
        .find(|member| member.field("name").is_some_and(|node| node.text() == name))?
        .field("value")
}

/// Byte ranges at which a word stands alone inside a node, strings and comments included.
pub(crate) fn words<'a>(
    within: Syn<'a>,
    word: &str,
) -> impl Iterator<Item = std::ops::Range<usize>> + use<'a> {
    let starts = within.file.word_starts(word);
    let (span, length) = (within.span(), word.len());
    let first = starts.partition_point(|at| *at < span.start);
    (first..starts.len())
        .filter_map(move |index| starts.get(index).map(|at| *at..*at + length))
        .take_while(move |at| at.end <= span.end)
}

/// Whether a word stands alone anywhere in a text.
pub(crate) fn has_word(text: &str, word: &str) -> bool {
    lone_words(text, word).next().is_some()
}
