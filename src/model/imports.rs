//! The import table of a file, in every style that TypeScript and Node know.

use std::sync::OnceLock;

use super::meaning::words;
use crate::syntax::{Parsed, Syn};

/// What an import binds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Imported<'a> {
    /// `import * as x`, `import x = require()`, `const x = require()`.
    Namespace,
    /// `import x`.
    Default,
    /// `import { name as x }`, `const { name: x } = require()`.
    Named(&'a str),
}

/// One name that an import brings into the file.
#[derive(Debug, Clone)]
pub struct Import<'a> {
    /// The name in this file.
    pub local: &'a str,
    /// The specifier as written.
    pub module: &'a str,
    /// What it stands for.
    pub imported: Imported<'a>,
    /// The whole import statement.
    pub statement: Syn<'a>,
    /// Whether it is `import type`.
    pub type_only: bool,
    /// See [`Import::is_alone`].
    alone: OnceLock<bool>,
}

impl Import<'_> {
    /// Whether nothing else in the file can declare the name, so that it means the import everywhere. Asks the tree
    /// only where the text leaves it open, and says no where the tree does: the scopes must then be asked.
    pub fn is_alone(&self) -> bool {
        *self.alone.get_or_init(|| {
            let root = Syn::root(self.statement.file);
            let own = self.statement.span();
            words(root, self.local).filter(|at| !own.contains(&at.start)).all(|at| is_use(root, at))
        })
    }
}

/// Whether a word is used where it stands, or is no name at all; `false` where it may be declared.
fn is_use(root: Syn<'_>, at: std::ops::Range<usize>) -> bool {
    let text = &root.file.text;
    let before = text.get(..at.start).unwrap_or_default();
    let after = text.get(at.end..).unwrap_or_default();
    // `x.y`, `new X`, `class A extends X`, and `: X;` or `: X)`, which cannot be the end of a pattern.
    let says_so = after.starts_with('.')
        || ["new ", "extends ", "typeof ", "return "].iter().any(|word| before.ends_with(word))
        || (before.ends_with(": ") && after.starts_with([';', ')']));
    if says_so {
        return true;
    }
    let Some(node) = root.at(at) else { return false };
    match node.kind() {
        "identifier" | "type_identifier" => node.parent().is_some_and(|parent| {
            matches!(
                parent.kind(),
                "member_expression"
                    | "nested_identifier"
                    | "nested_type_identifier"
                    | "new_expression"
                    | "call_expression"
                    | "arguments"
                    | "array"
                    | "type_annotation"
                    | "type_arguments"
                    | "generic_type"
                    | "union_type"
                    | "intersection_type"
                    | "array_type"
                    | "extends_clause"
                    | "extends_type_clause"
                    | "implements_clause"
                    | "spread_element"
            ) || (parent.is("pair") && parent.field("value") == Some(node))
        }),
        "shorthand_property_identifier_pattern" => false,
        // Comments, strings, names of properties.
        _ => true,
    }
}

/// A name that a file passes on from another: `export { a as b } from './x'`, `export * from './x'`.
#[derive(Debug, Clone)]
pub struct Reexport<'a> {
    /// The specifier as written.
    pub module: &'a str,
    /// The exported and the original name; `None` for `*`.
    pub names: Option<(&'a str, &'a str)>,
}

/// Imports and re-exports of one file, in source order.
#[derive(Debug, Default)]
pub struct Imports<'a> {
    /// Names brought in.
    pub imports: Vec<Import<'a>>,
    /// Names passed on.
    pub reexports: Vec<Reexport<'a>>,
}

impl<'a> Imports<'a> {
    /// Reads the statements at the top level of a file.
    pub fn of(file: &'a Parsed) -> Self {
        let mut table = Self::default();
        for statement in Syn::root(file).children() {
            match statement.kind() {
                "import_statement" => table.import(statement),
                "export_statement" => table.export(statement),
                "lexical_declaration" | "variable_declaration" => table.require(statement),
                _ => {}
            }
        }
        table
    }

    /// The import that binds a name.
    pub fn binding(&self, local: &str) -> Option<&Import<'a>> {
        self.imports.iter().find(|import| import.local == local)
    }

    fn import(&mut self, statement: Syn<'a>) {
        let type_only = statement.tokens().nth(1).is_some_and(|token| token.is("type"));
        if let Some(clause) = statement.children().find(|child| child.is("import_require_clause")) {
            if let (Some(local), Some(source)) = (clause.first(), clause.field("source")) {
                self.add(local, source, Imported::Namespace, statement, type_only);
            }
            return;
        }
        let Some(source) = statement.field("source") else { return };
        let Some(clause) = statement.children().find(|child| child.is("import_clause")) else { return };
        for part in clause.children() {
            match part.kind() {
                "identifier" => self.add(part, source, Imported::Default, statement, type_only),
                "namespace_import" => {
                    if let Some(local) = part.first() {
                        self.add(local, source, Imported::Namespace, statement, type_only);
                    }
                }
                "named_imports" => {
                    for specifier in part.children() {
                        let Some(name) = specifier.field("name") else { continue };
                        let local = specifier.field("alias").unwrap_or(name);
                        self.add(local, source, Imported::Named(name.text()), statement, type_only);
                    }
                }
                _ => {}
            }
        }
    }

    fn export(&mut self, statement: Syn<'a>) {
        let Some(source) = statement.field("source") else { return };
        let module = string_text(source);
        match statement.children().find(|child| child.is("export_clause")) {
            Some(clause) => {
                for specifier in clause.children() {
                    let Some(name) = specifier.field("name") else { continue };
                    let exported = specifier.field("alias").unwrap_or(name);
                    self.reexports.push(Reexport { module, names: Some((exported.text(), name.text())) });
                }
            }
            None => self.reexports.push(Reexport { module, names: None }),
        }
    }

    fn require(&mut self, statement: Syn<'a>) {
        for declarator in statement.children().filter(|child| child.is("variable_declarator")) {
            let (Some(name), Some(value)) = (declarator.field("name"), declarator.field("value")) else {
                continue;
            };
            let (call, member) = match value.kind() {
                "member_expression" => (value.field("object"), value.field("property")),
                _ => (Some(value), None),
            };
            let Some(source) = call.and_then(required) else { continue };
            if let Some(member) = member {
                self.add(name, source, Imported::Named(member.text()), statement, false);
            } else if name.is("object_pattern") {
                for part in name.children() {
                    match part.kind() {
                        "shorthand_property_identifier_pattern" => {
                            self.add(part, source, Imported::Named(part.text()), statement, false);
                        }
                        "pair_pattern" => {
                            if let (Some(key), Some(local)) = (part.field("key"), part.field("value")) {
                                self.add(local, source, Imported::Named(key.text()), statement, false);
                            }
                        }
                        _ => {}
                    }
                }
            } else {
                self.add(name, source, Imported::Namespace, statement, false);
            }
        }
    }

    fn add(
        &mut self,
        local: Syn<'a>,
        source: Syn<'a>,
        imported: Imported<'a>,
        statement: Syn<'a>,
        type_only: bool,
    ) {
        let module = string_text(source);
        self.imports.push(Import {
            local: local.text(),
            module,
            imported,
            statement,
            type_only,
            alone: OnceLock::new(),
        });
    }
}

/// The argument of `require('…')`.
fn required(call: Syn<'_>) -> Option<Syn<'_>> {
    if !call.is("call_expression") || call.field("function")?.text() != "require" {
        return None;
    }
    call.field("arguments")?.first().filter(|argument| argument.is("string"))
}

/// The text between the quotes of a string node, escapes as written.
pub(crate) fn string_text(string: Syn<'_>) -> &str {
    let text = string.text();
    text.get(1..text.len().saturating_sub(1)).unwrap_or_default()
}

/// A module of the CDK by its canonical name: `""` for the core, `aws_lambda`, `constructs`.
///
/// Sources: the `exports` of aws-cdk-lib's package.json, the v1 package list, and the
/// `-alpha` packages, whose names follow the same pattern.
pub fn cdk_module(specifier: &str) -> Option<String> {
    if specifier == "constructs" {
        return Some("constructs".to_owned());
    }
    for root in ["aws-cdk-lib", "monocdk"] {
        if specifier == root {
            return Some(String::new());
        }
        if let Some(rest) = specifier.strip_prefix(root).and_then(|rest| rest.strip_prefix('/')) {
            let first = rest.split('/').next().unwrap_or(rest);
            return Some(if first == "core" { String::new() } else { first.replace('-', "_") });
        }
    }
    let rest = specifier.strip_prefix("@aws-cdk/")?;
    let first = rest.split('/').next().unwrap_or(rest);
    Some(if first == "core" { String::new() } else { first.replace('-', "_") })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Language;
    use crate::syntax::parse;

    fn table(text: &str) -> Vec<(String, String, String)> {
        let parsed = parse("a.ts", text.into(), Language::TypeScript).unwrap();
        Imports::of(&parsed)
            .imports
            .iter()
            .map(|import| {
                let what = match import.imported {
                    Imported::Namespace => "*".to_owned(),
                    Imported::Default => "default".to_owned(),
                    Imported::Named(name) => name.to_owned(),
                };
                (import.local.to_owned(), import.module.to_owned(), what)
            })
            .collect()
    }

    #[test]
    fn every_style_binds_its_names() {
        let text = r"
import * as a from 'aws-cdk-lib/aws-s3';
import b from 'aws-cdk-lib';
import c, { d as e, f } from './x';
import g = require('aws-cdk-lib/aws-sns');
const h = require('aws-cdk-lib');
const { i, j: k } = require('aws-cdk-lib');
const l = require('aws-cdk-lib').aws_s3;
import type { M } from './m';
";
        let names: Vec<_> =
            table(text).into_iter().map(|(local, _, what)| format!("{local}={what}")).collect();
        assert_eq!(names.join(" "), "a=* b=default c=default e=d f=f g=* h=* i=i k=j l=aws_s3 M=M");
    }

    #[test]
    fn a_name_is_alone_where_nothing_else_can_declare_it() {
        let text = r"
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as sns from 'aws-cdk-lib/aws-sns';
import { Queue, Topic, Role as R, Key, Function } from './x';
// s3, sns, Queue, Topic
const a = new s3.Bucket(this, 'Queue', { sns: 1, Queue: 2, key: Key });
function f(sns: string, { Topic }: any) { return sns.length; }
class Y extends Queue { queue?: Queue; list: Array<Queue> = [Queue]; }
const { role: R } = y;
const make = (Function) => 1;
";
        let parsed = parse("a.ts", text.into(), Language::TypeScript).unwrap();
        let table = Imports::of(&parsed);
        let alone: Vec<_> =
            table.imports.iter().filter(|import| import.is_alone()).map(|import| import.local).collect();
        assert_eq!(alone, ["s3", "Queue", "Key"]);
    }

    #[test]
    fn modules_have_one_name() {
        for (specifier, name) in [
            ("aws-cdk-lib", ""),
            ("aws-cdk-lib/core", ""),
            ("@aws-cdk/core", ""),
            ("aws-cdk-lib/aws-lambda-nodejs", "aws_lambda_nodejs"),
            ("aws-cdk-lib/aws-s3/lib/bucket", "aws_s3"),
            ("@aws-cdk/aws-s3", "aws_s3"),
            ("monocdk/aws-s3", "aws_s3"),
            ("@aws-cdk/aws-lambda-python-alpha", "aws_lambda_python_alpha"),
        ] {
            assert_eq!(cdk_module(specifier).as_deref(), Some(name), "{specifier}");
        }
        assert_eq!(cdk_module("aws-cdk"), None);
        assert_eq!(cdk_module("./aws-cdk-lib"), None);
    }
}
