//! A props object seen through variables, spreads, assertions and ternaries.

use super::Model;
use super::meaning::Meaning;
use crate::syntax::Syn;

/// One property as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Prop<'a> {
    /// It is there.
    Present(Entry<'a>),
    /// It is known not to be there.
    Absent,
    /// It may be there: something on the way could not be followed.
    Unknown,
}

/// A property that is there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Entry<'a> {
    /// The value; for a shorthand property the name itself.
    pub value: Syn<'a>,
    /// The `pair`, shorthand or method in its object.
    pub entry: Syn<'a>,
}

impl<'a> Prop<'a> {
    /// The entry, if it is there.
    pub fn present(self) -> Option<Entry<'a>> {
        match self {
            Self::Present(entry) => Some(entry),
            _ => None,
        }
    }

    /// The value, if it is there.
    pub fn value(self) -> Option<Syn<'a>> {
        self.present().map(|entry| entry.value)
    }
}

/// An object of properties.
#[derive(Debug, Clone)]
pub struct Props<'a> {
    shape: Shape<'a>,
}

#[derive(Debug, Clone)]
enum Shape<'a> {
    /// No argument, `undefined`, `{}` by default.
    Empty,
    /// An object literal, its entries read on demand.
    Object(Syn<'a>),
    /// `c ? a : b`.
    Either(Box<Props<'a>>, Box<Props<'a>>),
    /// `c && a`: there or not.
    Maybe(Box<Props<'a>>),
    /// Cannot be followed.
    Opaque,
}

impl<'a> Props<'a> {
    /// Props that are not given at all.
    pub const EMPTY: Self = Self { shape: Shape::Empty };

    /// The object literal that an edit would change, if there is exactly one.
    pub fn object(&self) -> Option<Syn<'a>> {
        match self.shape {
            Shape::Object(object) => Some(object),
            _ => None,
        }
    }

    /// Whether no props are given.
    pub fn is_empty(&self) -> bool {
        matches!(self.shape, Shape::Empty)
    }

    /// Whether nothing is known about them.
    pub fn is_opaque(&self) -> bool {
        matches!(self.shape, Shape::Opaque)
    }

    /// One property.
    pub fn get(&self, model: &Model<'a>, name: &str) -> Prop<'a> {
        self.get_at(model, name, 8)
    }

    fn get_at(&self, model: &Model<'a>, name: &str, depth: u8) -> Prop<'a> {
        let Some(depth) = depth.checked_sub(1) else { return Prop::Unknown };
        match &self.shape {
            Shape::Empty => Prop::Absent,
            Shape::Opaque => Prop::Unknown,
            Shape::Maybe(inner) => match inner.get_at(model, name, depth) {
                Prop::Absent => Prop::Absent,
                _ => Prop::Unknown,
            },
            Shape::Either(a, b) => match (a.get_at(model, name, depth), b.get_at(model, name, depth)) {
                (Prop::Absent, Prop::Absent) => Prop::Absent,
                _ => Prop::Unknown,
            },
            Shape::Object(object) => {
                let entries: Vec<_> = object.children().collect();
                for entry in entries.into_iter().rev() {
                    if entry.is("spread_element") {
                        let Some(inner) = entry.first() else { return Prop::Unknown };
                        match model.props_of(inner).get_at(model, name, depth) {
                            Prop::Absent => {}
                            known => return known,
                        }
                    } else {
                        match key_of(entry) {
                            Some(key) if key == name => return present(entry),
                            Some(_) => {}
                            None => return Prop::Unknown,
                        }
                    }
                }
                Prop::Absent
            }
        }
    }
}

fn present(entry: Syn<'_>) -> Prop<'_> {
    let value = entry.field("value").unwrap_or(entry);
    if value.text() == "undefined" { Prop::Unknown } else { Prop::Present(Entry { value, entry }) }
}

/// The name of an object's entry; `None` where it is computed and not a literal.
pub(crate) fn key_of(entry: Syn<'_>) -> Option<&str> {
    let key = match entry.kind() {
        "pair" => entry.field("key")?,
        "method_definition" => entry.field("name")?,
        "shorthand_property_identifier" => return Some(entry.text()),
        _ => return None,
    };
    match key.kind() {
        "string" => Some(super::imports::string_text(key)),
        "computed_property_name" => {
            key.first().filter(|inner| inner.is("string")).map(super::imports::string_text)
        }
        _ => Some(key.text()),
    }
}

/// The value of an object literal's own entry, spreads not followed.
pub(crate) fn own_entry<'a>(object: Syn<'a>, name: &str) -> Option<Syn<'a>> {
    object
        .children()
        .filter(|entry| key_of(*entry) == Some(name))
        .last()
        .map(|entry| entry.field("value").unwrap_or(entry))
}

impl<'a> Model<'a> {
    /// The properties that an expression stands for.
    pub fn props_of(&self, expression: Syn<'a>) -> Props<'a> {
        Props { shape: self.shape(expression, 8) }
    }

    fn shape(&self, expression: Syn<'a>, depth: u8) -> Shape<'a> {
        let Some(depth) = depth.checked_sub(1) else { return Shape::Opaque };
        let boxed = |node: Option<Syn<'a>>| {
            Box::new(Props { shape: node.map_or(Shape::Opaque, |node| self.shape(node, depth)) })
        };
        match expression.kind() {
            "object" => Shape::Object(expression),
            "undefined" => Shape::Empty,
            "ternary_expression" => {
                Shape::Either(boxed(expression.field("consequence")), boxed(expression.field("alternative")))
            }
            "binary_expression"
                if expression.field("operator").is_some_and(|operator| operator.text() == "&&") =>
            {
                Shape::Maybe(boxed(expression.field("right")))
            }
            "parenthesized_expression" | "as_expression" | "satisfies_expression" | "non_null_expression" => {
                expression.first().map_or(Shape::Opaque, |inner| self.shape(inner, depth))
            }
            "identifier" if expression.text() == "undefined" => Shape::Empty,
            "identifier" | "shorthand_property_identifier" | "member_expression" => match self
                .meaning(expression)
            {
                Some(Meaning::Value(value)) if value.is("object") => {
                    if self.is_written_to(expression, value) { Shape::Opaque } else { Shape::Object(value) }
                }
                Some(Meaning::Value(value)) if value != expression => self.shape(value, depth),
                _ => Shape::Opaque,
            },
            "call_expression" => {
                self.returned(expression).map_or(Shape::Opaque, |value| self.shape(value, depth))
            }
            _ => Shape::Opaque,
        }
    }

    /// The expression that a call to a function of the app returns, if it returns one only.
    fn returned(&self, call: Syn<'a>) -> Option<Syn<'a>> {
        let function = match self.meaning(call.field("function")?)? {
            Meaning::Function(function) => function,
            Meaning::Value(value) if value.is("arrow_function") => value,
            _ => return None,
        };
        single_return(function)
    }

    /// Whether a variable's object gets properties later on: `props.x = 1`, `Object.assign(props, …)`.
    fn is_written_to(&self, name: Syn<'a>, object: Syn<'a>) -> bool {
        let Some(declarator) = object.ancestor("variable_declarator") else { return false };
        let Some(local) = declarator.field("name") else { return false };
        if name.is("member_expression") {
            return false;
        }
        super::meaning::words(Syn::root(declarator.file), local.text()).any(|at| {
            let Some(node) = declarator.at(at) else { return false };
            let Some(parent) = node.parent() else { return false };
            match parent.kind() {
                "member_expression" | "subscript_expression" => parent.parent().is_some_and(|outer| {
                    matches!(outer.kind(), "assignment_expression" | "augmented_assignment_expression")
                        && outer.field("left") == Some(parent)
                        || outer.is("unary_expression")
                }),
                "arguments" => parent.parent().is_some_and(|call| {
                    call.field("function").is_some_and(|function| function.text() == "Object.assign")
                }),
                _ => false,
            }
        })
    }
}

/// The only expression that a function returns.
pub(crate) fn single_return(function: Syn<'_>) -> Option<Syn<'_>> {
    let body = function.field("body")?;
    if !body.is("statement_block") {
        return body.is("parenthesized_expression").then(|| body.first()).flatten().or(Some(body));
    }
    let mut returns = Vec::new();
    collect_returns(body, &mut returns);
    match returns.as_slice() {
        [one] => one.first(),
        _ => None,
    }
}

fn collect_returns<'a>(node: Syn<'a>, returns: &mut Vec<Syn<'a>>) {
    for child in node.children() {
        match child.kind() {
            "return_statement" => returns.push(child),
            "arrow_function" | "function_expression" | "function_declaration" | "class_declaration" => {}
            _ => collect_returns(child, returns),
        }
    }
}
