//! Declared types, as far as the app's own declarations tell: enough to know whether a name holds a
//! string, a union of strings, an enum or an object, and what members the object has.

use std::sync::Arc;

use super::Model;
use super::imports::string_text;
use super::meaning::{Meaning, is_class};
use super::props::{key_of, single_return};
use super::scope::Declaration;
use crate::syntax::Syn;

/// What a value may be.
#[derive(Debug, Clone, PartialEq)]
pub enum Type<'a> {
    /// `boolean`.
    Boolean,
    /// `string`.
    String,
    /// `any`.
    Any,
    /// A union of string literals, or one.
    Literals(Vec<&'a str>),
    /// An enum of the app.
    Enum(Syn<'a>),
    /// An object: the `interface_declaration`, class, `object_type` or `object` nodes that describe it.
    Object(Vec<Syn<'a>>),
    /// `Record<string, T>` and the like: the type of an element.
    Map(Box<Type<'a>>),
    /// Anything else: types of libraries, tokens, what cannot be followed.
    Unknown,
}

/// A type, and whether `undefined` is possible.
#[derive(Debug, Clone, PartialEq)]
pub struct Typed<'a> {
    /// The type without `undefined` and `null`.
    pub ty: Type<'a>,
    /// Whether it may be `undefined` or `null`.
    pub optional: bool,
}

/// One member of an object type.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Member<'a> {
    /// Its name.
    pub name: &'a str,
    /// The `property_signature`, field, parameter property or `pair`.
    pub node: Syn<'a>,
    /// Whether it is `private` or `protected`.
    pub hidden: bool,
}

/// How far types are followed before giving up.
const DEPTH: u8 = 12;

impl<'a> Typed<'a> {
    const UNKNOWN: Self = Self { ty: Type::Unknown, optional: false };

    fn of(ty: Type<'a>) -> Self {
        Self { ty, optional: false }
    }

    fn or_undefined(self, optional: bool) -> Self {
        Self { optional: self.optional || optional, ..self }
    }

    /// `a || b`, `c ? a : b`.
    fn join(self, other: Self) -> Self {
        let ty = match (self.ty, other.ty) {
            (Type::Any, _) | (_, Type::Any) => Type::Any,
            (Type::String, Type::String | Type::Literals(_)) | (Type::Literals(_), Type::String) => {
                Type::String
            }
            (Type::Literals(mut a), Type::Literals(b)) => {
                a.extend(b);
                Type::Literals(a)
            }
            (a, b) if a == b => a,
            (object @ Type::Object(_), Type::Object(parts)) if is_empty_literal(&parts) => object,
            _ => Type::Unknown,
        };
        Self { ty, optional: self.optional || other.optional }
    }
}

fn is_empty_literal(parts: &[Syn<'_>]) -> bool {
    matches!(parts, [one] if one.is("object") && one.first().is_none())
}

/// The type written in a `: T` of a declaration, parameter, field or member.
fn annotation(node: Syn<'_>) -> Option<Syn<'_>> {
    node.field("type").and_then(Syn::first)
}

fn has_token(node: Syn<'_>, kind: &str) -> bool {
    node.tokens().any(|token| token.is(kind))
}

impl<'a> Model<'a> {
    /// The type of an expression.
    pub fn type_of(&self, expression: Syn<'a>) -> Typed<'a> {
        self.type_in(expression, expression)
    }

    /// The type that an expression would have if it stood at another place of the same file.
    pub fn type_in(&self, expression: Syn<'a>, at: Syn<'a>) -> Typed<'a> {
        self.typed(expression, at, DEPTH).unwrap_or(Typed::UNKNOWN)
    }

    /// The type of what a name refers to at a place.
    pub fn type_of_name(&self, at: Syn<'a>, name: &str) -> Typed<'a> {
        let work = || self.name_type(at, name, DEPTH).unwrap_or(Typed::UNKNOWN);
        // All places that see the same declaration see the same type.
        match (self.lookup(at, name), self.imports(at.file).binding(name)) {
            (Some(declaration), _) => self.types.get(declaration.node(), work),
            (None, Some(import)) => self.import_types.of_import(at.file, import, work),
            (None, None) => work(),
        }
    }

    /// What a written type (a node of the grammar's types) stands for.
    pub fn written_type(&self, node: Syn<'a>) -> Typed<'a> {
        self.written(node, DEPTH).unwrap_or(Typed::UNKNOWN)
    }

    /// The type of what a function returns.
    pub(super) fn type_of_result(&self, function: Syn<'a>) -> Typed<'a> {
        self.returned_type(function, DEPTH).unwrap_or(Typed::UNKNOWN)
    }

    /// The type of a member.
    pub fn type_of_member(&self, member: Member<'a>) -> Typed<'a> {
        self.member_typed(member, DEPTH).unwrap_or(Typed::UNKNOWN)
    }

    fn typed(&self, expression: Syn<'a>, at: Syn<'a>, depth: u8) -> Option<Typed<'a>> {
        let depth = depth.checked_sub(1)?;
        let part = |name: &str| self.typed(expression.field(name)?, at, depth);
        match expression.kind() {
            "identifier" | "shorthand_property_identifier" => self.name_type(at, expression.text(), depth),
            "this" => {
                let class = at.ancestors().find(|node| is_class(*node))?;
                Some(Typed::of(Type::Object(vec![class])))
            }
            "string" => Some(Typed::of(Type::Literals(vec![string_text(expression)]))),
            "true" | "false" => Some(Typed::of(Type::Boolean)),
            "object" => Some(Typed::of(Type::Object(vec![expression]))),
            "undefined" | "null" => Some(Typed::UNKNOWN.or_undefined(true)),
            "parenthesized_expression" | "satisfies_expression" => self.typed(expression.first()?, at, depth),
            "non_null_expression" => {
                let inner = self.typed(expression.first()?, at, depth)?;
                Some(Typed { optional: false, ..inner })
            }
            "as_expression" => match expression.children().nth(1) {
                Some(written) => self.written(written, depth),
                None => self.typed(expression.first()?, at, depth),
            },
            "binary_expression" => match expression.field("operator")?.text() {
                "||" | "??" => {
                    let (left, right) = (part("left")?, part("right")?);
                    let optional = right.optional;
                    Some(Typed { optional, ..left.join(right) })
                }
                "===" | "==" | "!==" | "!=" => Some(Typed::of(Type::Boolean)),
                "&&" => Some(part("left")?.join(part("right")?)),
                _ => None,
            },
            "unary_expression" => {
                (expression.field("operator")?.text() == "!").then_some(Typed::of(Type::Boolean))
            }
            "ternary_expression" => Some(part("consequence")?.join(part("alternative")?)),
            "member_expression" => self.member_expression(expression, at, depth),
            "subscript_expression" => self.element(expression, at, depth),
            "call_expression" => self.call_type(expression, at, depth),
            "new_expression" => match self.meaning(expression.field("constructor")?)? {
                Meaning::Class(class) => Some(Typed::of(Type::Object(vec![class]))),
                _ => None,
            },
            _ => None,
        }
    }

    fn name_type(&self, at: Syn<'a>, name: &str, depth: u8) -> Option<Typed<'a>> {
        let depth = depth.checked_sub(1)?;
        let Some(declaration) = self.lookup(at, name) else {
            return match self.name(at, name)? {
                Meaning::Value(value) if value.is("variable_declarator") => {
                    self.variable_type(value, false, depth)
                }
                Meaning::Value(value) => self.typed(value, value, depth),
                Meaning::Class(class) => Some(Typed::of(Type::Object(vec![class]))),
                _ => None,
            };
        };
        match declaration {
            Declaration::Variable { declarator, constant } => self.variable_type(declarator, constant, depth),
            Declaration::Parameter { parameter } => self.parameter_type(parameter, depth),
            Declaration::Destructured { from, key, parameter, name } => {
                let whole = match (from, parameter) {
                    (Some(from), _) => self.typed(from, from, depth)?,
                    (None, Some(parameter)) => self.parameter_type(parameter, depth)?,
                    (None, None) => return None,
                };
                let member = self.member_of(&whole.ty, key, depth)?;
                let defaulted =
                    name.parent().is_some_and(|parent| parent.kind().ends_with("assignment_pattern"));
                Some(Typed { optional: member.optional && !defaulted, ..member })
            }
            _ => None,
        }
    }

    fn variable_type(&self, declarator: Syn<'a>, constant: bool, depth: u8) -> Option<Typed<'a>> {
        if let Some(written) = annotation(declarator) {
            return self.written(written, depth);
        }
        let value = declarator.field("value")?;
        let typed = self.typed(value, value, depth)?;
        Some(if constant { typed } else { widened(typed) })
    }

    fn parameter_type(&self, parameter: Syn<'a>, depth: u8) -> Option<Typed<'a>> {
        if let Some(written) = annotation(parameter) {
            let optional = parameter.is("optional_parameter") && parameter.field("value").is_none();
            return Some(self.written(written, depth)?.or_undefined(optional));
        }
        if let Some(value) = parameter.field("value") {
            return Some(widened(self.typed(value, value, depth)?));
        }
        // `for (const name of ['a', 'b'])`.
        let around = parameter.parent().filter(|node| node.is("for_in_statement"))?;
        let mut list = around.field("right")?;
        if let Some(Meaning::Value(value)) = self.meaning(list) {
            list = value;
        }
        let first = list.is("array").then(|| list.first()).flatten()?;
        Some(widened(self.typed(first, first, depth)?))
    }

    fn member_expression(&self, expression: Syn<'a>, at: Syn<'a>, depth: u8) -> Option<Typed<'a>> {
        let object = expression.field("object")?;
        let name = expression.field("property")?.text();
        if object.text() == "process.env" {
            return Some(Typed { ty: Type::String, optional: true });
        }
        let whole = self.typed(object, at, depth)?;
        if let Type::Map(element) = whole.ty {
            return Some(Typed { ty: *element, optional: whole.optional });
        }
        Some(self.member_of(&whole.ty, name, depth)?.or_undefined(whole.optional))
    }

    fn element(&self, expression: Syn<'a>, at: Syn<'a>, depth: u8) -> Option<Typed<'a>> {
        let object = expression.field("object")?;
        if object.text() == "process.env" {
            return Some(Typed { ty: Type::String, optional: true });
        }
        match self.typed(object, at, depth)?.ty {
            Type::Map(element) => Some(Typed::of(*element)),
            Type::Object(parts) => {
                let object = parts.first().copied().filter(|part| part.is("object"))?;
                let value = object.first()?.field("value")?;
                self.typed(value, value, depth)
            }
            _ => None,
        }
    }

    fn call_type(&self, call: Syn<'a>, at: Syn<'a>, depth: u8) -> Option<Typed<'a>> {
        let function = call.field("function")?;
        if function.text() == "String" {
            return Some(Typed::of(Type::String));
        }
        if function.is("member_expression") {
            let object = function.field("object")?;
            match function.field("property")?.text() {
                "tryGetContext" | "getContext" => return Some(Typed::of(Type::Any)),
                "toLowerCase" | "trim" | "toString" => return Some(widened(self.typed(object, at, depth)?)),
                method => {
                    if let Some(found) =
                        self.typed(object, at, depth).and_then(|whole| class_method(&whole.ty, method))
                    {
                        return self.returned_type(found, depth);
                    }
                }
            }
        }
        self.result_of(function, depth)
    }

    /// What the function returns that an expression stands for.
    fn result_of(&self, expression: Syn<'a>, depth: u8) -> Option<Typed<'a>> {
        match self.meaning(expression)? {
            Meaning::Function(function) => self.returned_type(function, depth),
            Meaning::Value(value) if matches!(value.kind(), "arrow_function" | "function_expression") => {
                self.returned_type(value, depth)
            }
            _ => None,
        }
    }

    /// What a function returns: as written, else the type of its only result.
    fn returned_type(&self, function: Syn<'a>, depth: u8) -> Option<Typed<'a>> {
        if let Some(written) = function.field("return_type").and_then(Syn::first) {
            return self.written(written, depth);
        }
        let value = single_return(function)?;
        self.typed(value, value, depth)
    }

    fn written(&self, node: Syn<'a>, depth: u8) -> Option<Typed<'a>> {
        let depth = depth.checked_sub(1)?;
        match node.kind() {
            "predefined_type" => Some(Typed::of(match node.text() {
                "string" => Type::String,
                "boolean" => Type::Boolean,
                "any" => Type::Any,
                _ => Type::Unknown,
            })),
            "literal_type" => {
                let value = node.first().unwrap_or(node);
                self.typed(value, value, depth)
            }
            "parenthesized_type" => self.written(node.first()?, depth),
            "union_type" => {
                let parts: Vec<Typed<'a>> =
                    node.children().map(|part| self.written(part, depth).unwrap_or(Typed::UNKNOWN)).collect();
                let optional = parts.iter().any(|part| part.optional);
                let mut known = parts.into_iter().filter(|part| !(part.optional && part.ty == Type::Unknown));
                let first = known.next()?;
                Some(known.fold(first, Typed::join).or_undefined(optional))
            }
            "intersection_type" => {
                let mut parts = Vec::new();
                for part in node.children() {
                    if let Some(Typed { ty: Type::Object(more), .. }) = self.written(part, depth) {
                        parts.extend(more);
                    }
                }
                Some(Typed::of(Type::Object(parts)))
            }
            "object_type" => match node.first().filter(|only| only.is("index_signature")) {
                Some(index) => {
                    Some(Typed::of(Type::Map(Box::new(self.written(annotation(index)?, depth)?.ty))))
                }
                None => Some(Typed::of(Type::Object(vec![node]))),
            },
            "type_query" => {
                let value = node.first()?;
                self.typed(value, value, depth)
            }
            "index_type_query" => {
                let Typed { ty: Type::Object(parts), .. } = self.written(node.first()?, depth)? else {
                    return None;
                };
                let object = parts.first().copied().filter(|part| part.is("object"))?;
                let keys: Option<Vec<&str>> = object.children().map(key_of).collect();
                Some(Typed::of(Type::Literals(keys?)))
            }
            "lookup_type" => self.written_lookup(node, depth),
            "generic_type" => self.written_generic(node, depth),
            "type_identifier" | "nested_type_identifier" => self.written_name(node, depth),
            _ => None,
        }
    }

    fn written_generic(&self, node: Syn<'a>, depth: u8) -> Option<Typed<'a>> {
        let name = node.field("name")?;
        let mut arguments = node.field("type_arguments").into_iter().flat_map(Syn::children);
        match name.text() {
            "Readonly" | "Required" | "Partial" | "NonNullable" => self.written(arguments.next()?, depth),
            // `ReturnType<typeof load>`
            "ReturnType" => {
                self.result_of(arguments.next().filter(|of| of.is("type_query"))?.first()?, depth)
            }
            "Record" => Some(Typed::of(Type::Map(Box::new(self.written(arguments.nth(1)?, depth)?.ty)))),
            _ => self.written_name(name, depth),
        }
    }

    /// `Config['stage']`, `(typeof STAGES)[number]`.
    fn written_lookup(&self, node: Syn<'a>, depth: u8) -> Option<Typed<'a>> {
        let mut parts = node.children();
        let (mut whole, index) = (parts.next()?, parts.next()?);
        if let Some(Type::Literals(keys)) = self.written(index, depth).map(|index| index.ty) {
            let [key] = keys.as_slice() else { return None };
            return self.member_of(&self.written(whole, depth)?.ty, key, depth);
        }
        while whole.is("parenthesized_type") {
            whole = whole.first()?;
        }
        if index.text() != "number" || !whole.is("type_query") {
            return None;
        }
        let Meaning::Value(list) = self.meaning(whole.first()?)? else { return None };
        let elements: Vec<Typed<'a>> = list
            .is("array")
            .then(|| list.children().map(|element| self.typed(element, element, depth)).collect())
            .flatten()?;
        let joined = elements.into_iter().reduce(Typed::join)?;
        let constant =
            list.parent().is_some_and(|around| around.is("as_expression") && has_token(around, "const"));
        Some(if constant { joined } else { widened(joined) })
    }

    fn written_name(&self, name: Syn<'a>, depth: u8) -> Option<Typed<'a>> {
        match self.meaning(name)? {
            Meaning::Value(declaration) if declaration.is("interface_declaration") => {
                Some(Typed::of(Type::Object(vec![declaration])))
            }
            Meaning::Value(alias) if alias.is("type_alias_declaration") => {
                self.written(alias.field("value")?, depth)
            }
            Meaning::Class(class) => Some(Typed::of(Type::Object(vec![class]))),
            Meaning::Enum(declaration) => Some(Typed::of(Type::Enum(declaration))),
            _ => None,
        }
    }

    /// The members of an object type, inherited ones after its own; those of libraries are not known.
    pub fn members(&self, ty: &Type<'a>) -> Vec<Member<'a>> {
        let mut members = Vec::new();
        if let Type::Object(parts) = ty {
            for part in parts {
                members.extend_from_slice(&self.members_of(*part));
            }
        }
        members
    }

    fn members_of(&self, part: Syn<'a>) -> Arc<[Member<'a>]> {
        self.members.get(part, || {
            let mut members = Vec::new();
            self.collect_members(part, DEPTH, &mut members);
            members.into()
        })
    }

    /// A member by name.
    pub fn member(&self, ty: &Type<'a>, name: &str) -> Option<Member<'a>> {
        let Type::Object(parts) = ty else { return None };
        parts
            .iter()
            .find_map(|part| self.members_of(*part).iter().find(|member| member.name == name).copied())
    }

    fn member_of(&self, ty: &Type<'a>, name: &str, depth: u8) -> Option<Typed<'a>> {
        if *ty == Type::Any {
            return Some(Typed::of(Type::Any));
        }
        self.member_typed(self.member(ty, name)?, depth)
    }

    fn member_typed(&self, member: Member<'a>, depth: u8) -> Option<Typed<'a>> {
        let depth = depth.checked_sub(1)?;
        let node = member.node;
        let optional = has_token(node, "?") || node.is("optional_parameter");
        if node.is("method_definition") {
            return self.returned_type(node, depth);
        }
        if let Some(written) = annotation(node) {
            return Some(self.written(written, depth)?.or_undefined(optional));
        }
        let value = node.field("value").unwrap_or(node);
        if node.is("public_field_definition") && node.field("value").is_none() {
            return None;
        }
        Some(widened(self.typed(value, value, depth)?))
    }

    fn collect_members(&self, part: Syn<'a>, depth: u8, members: &mut Vec<Member<'a>>) {
        let Some(depth) = depth.checked_sub(1) else { return };
        let own = match part.kind() {
            "interface_declaration" | "class_declaration" | "abstract_class_declaration" | "class" => {
                part.field("body")
            }
            _ => Some(part),
        };
        for node in own.into_iter().flat_map(Syn::children) {
            match node.kind() {
                "property_signature" | "public_field_definition" => Self::push_member(node, members),
                "method_definition" if has_token(node, "get") => Self::push_member(node, members),
                "method_definition"
                    if node.field("name").is_some_and(|name| name.text() == "constructor") =>
                {
                    for parameter in node.field("parameters").into_iter().flat_map(Syn::children) {
                        if parameter.children().any(|child| child.is("accessibility_modifier"))
                            || has_token(parameter, "readonly")
                        {
                            Self::push_member(parameter, members);
                        }
                    }
                }
                "pair" | "shorthand_property_identifier" => {
                    members.extend(key_of(node).map(|name| Member { name, node, hidden: false }));
                }
                "spread_element" => {
                    let inner = node.first().and_then(|inner| self.typed(inner, inner, depth));
                    if let Some(Typed { ty: Type::Object(parts), .. }) = inner {
                        for part in parts {
                            self.collect_members(part, depth, members);
                        }
                    }
                }
                _ => {}
            }
        }
        for base in self.bases(part, depth) {
            self.collect_members(base, depth, members);
        }
    }

    fn push_member(node: Syn<'a>, members: &mut Vec<Member<'a>>) {
        let Some(name) = node.field("name").or_else(|| node.field("pattern")) else { return };
        let hidden =
            node.children().any(|child| child.is("accessibility_modifier") && child.text() != "public")
                || name.is("private_property_identifier");
        members.push(Member { name: name.text(), node, hidden });
    }

    /// What an interface or a class of the app extends, in the app.
    fn bases(&self, part: Syn<'a>, depth: u8) -> Vec<Syn<'a>> {
        let mut bases = Vec::new();
        for clause in part.children() {
            match clause.kind() {
                "extends_type_clause" => {
                    for written in clause.children() {
                        if let Some(Typed { ty: Type::Object(parts), .. }) = self.written(written, depth) {
                            bases.extend(parts);
                        }
                    }
                }
                "class_heritage" => {
                    let base = clause
                        .children()
                        .find(|child| child.is("extends_clause"))
                        .and_then(|clause| clause.field("value"));
                    if let Some(Meaning::Class(class)) = base.and_then(|base| self.meaning(base)) {
                        bases.push(class);
                    }
                }
                _ => {}
            }
        }
        bases
    }
}

/// A literal that was stored where any string may be stored.
fn widened(typed: Typed<'_>) -> Typed<'_> {
    match typed.ty {
        Type::Literals(_) => Typed { ty: Type::String, ..typed },
        _ => typed,
    }
}

fn class_method<'a>(ty: &Type<'a>, method: &str) -> Option<Syn<'a>> {
    let Type::Object(parts) = ty else { return None };
    let class = parts.first().copied().filter(|part| is_class(*part))?;
    class.field("body")?.children().find(|member| {
        member.is("method_definition") && member.field("name").is_some_and(|name| name.text() == method)
    })
}
