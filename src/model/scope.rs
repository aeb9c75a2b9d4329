//! Which declaration a name refers to.

use std::sync::Arc;

use super::Model;
use crate::syntax::Syn;

/// Where a name was declared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Declaration<'a> {
    /// `const name = value`, `let`, `var`: the declarator, and whether it is `const`.
    Variable {
        /// The `variable_declarator`.
        declarator: Syn<'a>,
        /// `const` and not `let` or `var`.
        constant: bool,
    },
    /// A name taken out of an object: `const { key: name } = value`.
    Destructured {
        /// The object it is taken from, if it is written there.
        from: Option<Syn<'a>>,
        /// The property.
        key: &'a str,
        /// The parameter, if the pattern is one.
        parameter: Option<Syn<'a>>,
        /// The identifier.
        name: Syn<'a>,
    },
    /// A parameter of a function or constructor.
    Parameter {
        /// The `required_parameter`, `optional_parameter` or bare identifier.
        parameter: Syn<'a>,
    },
    /// `class name`.
    Class {
        /// The `class_declaration` or `class`.
        class: Syn<'a>,
    },
    /// `function name`.
    Function {
        /// The `function_declaration`.
        function: Syn<'a>,
    },
    /// `enum name`.
    Enum {
        /// The `enum_declaration`.
        declaration: Syn<'a>,
    },
    /// `interface name`, `type name`.
    Type {
        /// The `interface_declaration` or `type_alias_declaration`.
        declaration: Syn<'a>,
    },
}

impl<'a> Declaration<'a> {
    /// The node that tells this declaration from all others.
    pub(crate) fn node(self) -> Syn<'a> {
        match self {
            Self::Variable { declarator: node, .. }
            | Self::Destructured { name: node, .. }
            | Self::Parameter { parameter: node }
            | Self::Class { class: node }
            | Self::Function { function: node }
            | Self::Enum { declaration: node }
            | Self::Type { declaration: node } => node,
        }
    }
}

impl<'a> Model<'a> {
    /// The declaration of `name` visible from `from`, imports not counted.
    pub fn lookup(&self, from: Syn<'a>, name: &str) -> Option<Declaration<'a>> {
        self.scopes_around(from).iter().find_map(|scope| self.declared_in(*scope, name))
    }

    /// The declaration of `name` made by `scope` itself.
    pub fn declared_in(&self, scope: Syn<'a>, name: &str) -> Option<Declaration<'a>> {
        self.declarations(scope).iter().find(|(known, _)| *known == name).map(|(_, declaration)| *declaration)
    }

    /// The names that `scope` itself declares, each with its first declaration. Read once: every name that is
    /// looked up asks all the scopes around it.
    pub(super) fn declarations(&self, scope: Syn<'a>) -> Arc<Declarations<'a>> {
        self.declarations.get(scope, || {
            let mut all = Declarations::new();
            let mut add = |names: Vec<Syn<'a>>, declared: &dyn Fn(&str) -> Option<Declaration<'a>>| {
                for name in names.into_iter().map(Syn::text) {
                    if !all.iter().any(|(known, _)| *known == name) {
                        all.extend(declared(name).map(|declaration| (name, declaration)));
                    }
                }
            };
            if holds_statements(scope.kind()) {
                for statement in scope.children() {
                    add(names_declared_by(statement), &|name| declared_by(statement, name));
                }
            } else {
                add(names_declared_in(scope), &|name| declared_in(scope, name));
            }
            Arc::new(all)
        })
    }

    /// The ancestors of a node that declare names, the nearest first.
    pub(super) fn scopes_around(&self, node: Syn<'a>) -> Arc<Vec<Syn<'a>>> {
        self.scopes.get(node, || {
            let declares = |node: &Syn<'_>| {
                let kind = node.kind();
                holds_statements(kind) || is_function(kind) || is_loop_or_catch(kind)
            };
            Arc::new(node.ancestors().filter(declares).collect())
        })
    }
}

/// [`Model::lookup`] where there is no model at hand: reads every scope on the way.
pub fn lookup<'a>(from: Syn<'a>, name: &str) -> Option<Declaration<'a>> {
    from.ancestors().find_map(|scope| declared_in(scope, name))
}

/// What a scope declares, in its order.
pub(super) type Declarations<'a> = Vec<(&'a str, Declaration<'a>)>;

fn declared_in<'a>(scope: Syn<'a>, name: &str) -> Option<Declaration<'a>> {
    match scope.kind() {
        kind if holds_statements(kind) => scope.children().find_map(|statement| declared_by(statement, name)),
        kind if is_function(kind) => parameter(scope, name),
        "for_statement" => scope.field("initializer").and_then(|statement| declared_by(statement, name)),
        "for_in_statement" => {
            let left = scope.field("left")?;
            (left.is("identifier") && left.text() == name)
                .then_some(Declaration::Parameter { parameter: left })
        }
        "catch_clause" => {
            let parameter = scope.field("parameter")?;
            (parameter.text() == name).then_some(Declaration::Parameter { parameter })
        }
        _ => None,
    }
}

fn is_loop_or_catch(kind: &str) -> bool {
    matches!(kind, "for_statement" | "for_in_statement" | "catch_clause")
}

fn holds_statements(kind: &str) -> bool {
    matches!(kind, "program" | "statement_block" | "switch_case" | "switch_default" | "internal_module")
}

pub(crate) fn is_function(kind: &str) -> bool {
    matches!(
        kind,
        "arrow_function"
            | "function_expression"
            | "function_declaration"
            | "method_definition"
            | "generator_function_declaration"
    )
}

/// The names of a function, a loop or a `catch`.
fn names_declared_in(scope: Syn<'_>) -> Vec<Syn<'_>> {
    let mut names = Vec::new();
    match scope.kind() {
        kind if is_function(kind) => match scope.field("parameter") {
            Some(single) => names.push(single),
            None => {
                for parameter in scope.field("parameters").into_iter().flat_map(Syn::children) {
                    pattern_names(parameter.field("pattern").unwrap_or(parameter), &mut names);
                }
            }
        },
        "for_statement" => names.extend(scope.field("initializer").into_iter().flat_map(names_declared_by)),
        "for_in_statement" => names.extend(scope.field("left").filter(|left| left.is("identifier"))),
        "catch_clause" => names.extend(scope.field("parameter")),
        _ => {}
    }
    names
}

fn names_declared_by(statement: Syn<'_>) -> Vec<Syn<'_>> {
    match statement.kind() {
        "export_statement" => statement.field("declaration").map(names_declared_by).unwrap_or_default(),
        "lexical_declaration" | "variable_declaration" => {
            let mut names = Vec::new();
            for declarator in statement.children().filter(|child| child.is("variable_declarator")) {
                if let Some(pattern) = declarator.field("name") {
                    pattern_names(pattern, &mut names);
                }
            }
            names
        }
        "import_statement" | "expression_statement" | "if_statement" | "return_statement" => Vec::new(),
        _ => statement.field("name").into_iter().collect(),
    }
}

fn pattern_names<'a>(pattern: Syn<'a>, names: &mut Vec<Syn<'a>>) {
    match pattern.kind() {
        "identifier" | "shorthand_property_identifier_pattern" => names.push(pattern),
        "pair_pattern" => {
            if let Some(value) = pattern.field("value") {
                pattern_names(value, names);
            }
        }
        "object_assignment_pattern" | "assignment_pattern" => {
            if let Some(left) = pattern.field("left") {
                pattern_names(left, names);
            }
        }
        "object_pattern" => pattern.children().for_each(|part| pattern_names(part, names)),
        _ => {}
    }
}

fn declared_by<'a>(statement: Syn<'a>, name: &str) -> Option<Declaration<'a>> {
    match statement.kind() {
        "export_statement" => statement.field("declaration").and_then(|inner| declared_by(inner, name)),
        "lexical_declaration" | "variable_declaration" => {
            let constant = statement.field("kind").is_some_and(|kind| kind.text() == "const");
            statement.children().filter(|child| child.is("variable_declarator")).find_map(|declarator| {
                let pattern = declarator.field("name")?;
                if pattern.is("identifier") {
                    return (pattern.text() == name)
                        .then_some(Declaration::Variable { declarator, constant });
                }
                let (key, found) = pattern_key(pattern, name)?;
                Some(Declaration::Destructured {
                    from: declarator.field("value"),
                    key,
                    parameter: None,
                    name: found,
                })
            })
        }
        "class_declaration" | "abstract_class_declaration" => {
            named(statement, name).then_some(Declaration::Class { class: statement })
        }
        "function_declaration" | "generator_function_declaration" => {
            named(statement, name).then_some(Declaration::Function { function: statement })
        }
        "enum_declaration" => named(statement, name).then_some(Declaration::Enum { declaration: statement }),
        "interface_declaration" | "type_alias_declaration" => {
            named(statement, name).then_some(Declaration::Type { declaration: statement })
        }
        _ => None,
    }
}

fn named(declaration: Syn<'_>, name: &str) -> bool {
    declaration.field("name").is_some_and(|node| node.text() == name)
}

fn parameter<'a>(function: Syn<'a>, name: &str) -> Option<Declaration<'a>> {
    if let Some(single) = function.field("parameter") {
        return (single.text() == name).then_some(Declaration::Parameter { parameter: single });
    }
    function.field("parameters")?.children().find_map(|parameter| {
        let pattern = parameter.field("pattern").unwrap_or(parameter);
        match pattern.kind() {
            "identifier" => (pattern.text() == name).then_some(Declaration::Parameter { parameter }),
            "object_pattern" => {
                let (key, found) = pattern_key(pattern, name)?;
                Some(Declaration::Destructured { from: None, key, parameter: Some(parameter), name: found })
            }
            _ => None,
        }
    })
}

/// The property that an object pattern binds to `name`.
fn pattern_key<'a>(pattern: Syn<'a>, name: &str) -> Option<(&'a str, Syn<'a>)> {
    if !pattern.is("object_pattern") {
        return None;
    }
    pattern.children().find_map(|part| match part.kind() {
        "shorthand_property_identifier_pattern" => (part.text() == name).then_some((part.text(), part)),
        "pair_pattern" => {
            let value = part.field("value")?;
            let target = if value.is("assignment_pattern") { value.field("left")? } else { value };
            (target.text() == name).then_some((part.field("key")?.text(), target))
        }
        "object_assignment_pattern" => {
            let left = part.field("left")?;
            (left.text() == name).then_some((left.text(), left))
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{App, Overlay};

    #[test]
    fn tables_answer_as_the_scopes_do() {
        let text = r"
import 'aws-cdk-lib';
export const a = 1, { b, c: d, e: { f }, g = 2, h: i = 3 } = x;
export class A<T> { constructor(private readonly a: string, { b }: P, ...rest: any[]) { const a = b; var q; } }
enum E { a } interface I { b: string } type T = string; namespace N { const inner = 1; }
function j(a, d?) { for (const k of [1]) { use(k, a); } for (let l = 0; l < 1; l++) { use(l); } }
try { let m = 1; use(m); } catch (error) { use(error, a, m); }
switch (a) { case b: const n = 1; use(n); default: use(n, o); }
const arrow = p => use(p, arrow), two = async (a, { b }) => { const a = 2; let a2; var a2; return use(a, b, a2); };
";
        let overlay = Overlay::from([("/app/a.ts".into(), text.into())]);
        let app = App::new("/app".into(), Vec::new()).with(&overlay);
        let model = Model::new(&app);
        let root = Syn::root(model.cdk_files().next().unwrap());
        let mut asked = 0;
        let mut stack = vec![root];
        while let Some(node) = stack.pop() {
            if node.kind().contains("identifier") {
                for name in [node.text(), "a", "b", "d", "error", "nothing"] {
                    assert_eq!(model.lookup(node, name), lookup(node, name), "{name} at {node:?}");
                    asked += 1;
                }
            }
            stack.extend(node.tokens());
        }
        assert!(asked > 300, "{asked}");
    }
}
