//! Names of the CDK in a file's own words, imported in the file's own style.

use super::builder::{Builder, no_fix};
use super::style::line_start;
use crate::detect::Refusal;
use crate::model::imports::{Import, Imported, cdk_module};
use crate::model::scope::lookup;
use crate::syntax::{Parsed, Syn};

/// An import that the fix has added.
#[derive(Debug, Clone)]
pub struct Added {
    file: String,
    module: String,
    member: Option<String>,
    local: String,
}

impl<'a> Builder<'_, 'a> {
    /// The text that names something of the CDK at a place: `aws_sqs.Queue` becomes `sqs.Queue`,
    /// `Queue` or `cdk.aws_sqs.Queue`, and is imported where it is not yet.
    ///
    /// # Errors
    /// A [`Refusal`] where the name is shadowed, or its package is not installed (CDK v1).
    pub fn cdk(&mut self, at: Syn<'a>, name: &str) -> Result<String, Refusal> {
        let (module, member) = match name.split_once('.') {
            Some((module, member)) if module.starts_with(|c: char| c.is_ascii_lowercase()) => {
                (module, member)
            }
            _ => ("", name),
        };
        let head = member.split('.').next().unwrap_or(member);
        let text = self.known(at, module, head).map_or_else(|| self.import(at, module, head), Ok)?;
        let tail = member.get(head.len()..).unwrap_or_default();
        let first = text.split('.').next().unwrap_or_default();
        if lookup(at, first).is_some_and(|declaration| !is_require(declaration)) {
            return Err(no_fix(
                &format!("`{first}` means something else here"),
                &format!("rename it, so that {name} can be written"),
            ));
        }
        Ok(format!("{text}{tail}"))
    }

    /// A name that the file, or this fix, has imported already.
    fn known(&self, at: Syn<'a>, module: &str, head: &str) -> Option<String> {
        let imports = self.model.imports(at.file);
        let usable = || imports.imports.iter().filter(|import| !import.type_only);
        let is = |import: &Import<'_>, wanted: &str| cdk_module(import.module).as_deref() == Some(wanted);
        let namespace = |import: &&Import<'_>| !matches!(import.imported, Imported::Named(_));
        let named = usable()
            .find(|import| is(import, module) && import.imported == Imported::Named(head))
            .map(|import| import.local.to_owned());
        let whole = || {
            usable()
                .filter(namespace)
                .find(|import| is(import, module))
                .map(|import| format!("{}.{head}", import.local))
        };
        let barrel = || {
            (!module.is_empty())
                .then(|| usable().find(|import| is(import, "") && import.imported == Imported::Named(module)))
                .flatten()
                .map(|import| format!("{}.{head}", import.local))
        };
        let added = || {
            self.imported.iter().find(|added| added.file == at.file.path && added.module == module).and_then(
                |added| match &added.member {
                    None => Some(format!("{}.{head}", added.local)),
                    Some(member) if member == head => Some(added.local.clone()),
                    Some(_) => None,
                },
            )
        };
        // `cdk.aws_x.Y` where the file writes it so and imports no submodule.
        let through_root = || {
            let root = usable().filter(namespace).find(|import| is(import, ""))?.local;
            let submodules =
                usable().any(|import| cdk_module(import.module).is_some_and(|m| m.starts_with("aws_")));
            let written = at.file.text.contains(&format!("{root}.aws_"));
            (!module.is_empty() && written && !submodules).then(|| format!("{root}.{module}.{head}"))
        };
        named.or_else(whole).or_else(barrel).or_else(added).or_else(through_root)
    }

    /// Adds an import in the file's style and gives the text that names `head`.
    fn import(&mut self, at: Syn<'a>, module: &str, head: &str) -> Result<String, Refusal> {
        let file = at.file;
        let imports = self.model.imports(file);
        let cdk: Vec<&Import<'a>> = imports
            .imports
            .iter()
            .filter(|import| cdk_module(import.module).is_some_and(|m| m != "constructs"))
            .collect();
        let Some(last) = cdk.last().copied() else {
            return Err(no_fix(
                "the file imports nothing of the CDK",
                "import the CDK in this file, then run again",
            ));
        };
        let v1 = cdk
            .iter()
            .any(|import| import.module.starts_with("@aws-cdk/") && !import.module.contains("-alpha"))
            && !cdk.iter().any(|import| import.module.starts_with("aws-cdk-lib"));
        let specifier = specifier(module, v1, last.module);
        if v1 && !self.v1_package_installed(&specifier) {
            return Err(no_fix(
                &format!("{specifier} is not a dependency of the app"),
                &format!("add {specifier} to package.json in the version of @aws-cdk/core, then run again"),
            ));
        }
        // The core, and a barrel of submodules, grow an import that is there.
        if module.is_empty() {
            if let Some(import) = cdk
                .iter()
                .find(|import| is_braced(import) && cdk_module(import.module).as_deref() == Some(""))
            {
                return Ok(self.grow(import, head, module, Some(head)));
            }
        }
        let barrel = cdk.iter().find(|import| {
            matches!(import.imported, Imported::Named(name) if name.starts_with("aws_")) && is_braced(import)
        });
        if let (Some(import), false) = (barrel, module.is_empty()) {
            let alias = self.alias(file, module);
            let specifier = if alias == module { module.to_owned() } else { format!("{module} as {alias}") };
            let local = self.grow(import, &specifier, module, None);
            let _ = local;
            self.remember(file, module, None, &alias);
            return Ok(format!("{alias}.{head}"));
        }
        // `import { Queue } from …` where the file takes submodules apart, else a namespace.
        let submodules: Vec<_> =
            cdk.iter().filter(|import| cdk_module(import.module).is_some_and(|m| !m.is_empty())).collect();
        let apart = submodules.iter().filter(|import| matches!(import.imported, Imported::Named(_))).count();
        let by_name = apart * 2 > submodules.len() || (module.is_empty() && is_braced(last));
        let own = cdk
            .iter()
            .find(|import| is_braced(import) && cdk_module(import.module).as_deref() == Some(module));
        if let (true, Some(import)) = (by_name, own) {
            return Ok(self.grow(import, head, module, Some(head)));
        }
        let required = last.statement.is("lexical_declaration") || last.statement.is("variable_declaration");
        let style = self.style(file);
        let (local, clause, member) = if by_name {
            (head.to_owned(), format!("{{ {head} }}"), Some(head))
        } else {
            let alias = self.alias(file, module);
            let clause = if required || last.statement.text().contains("require(") {
                alias.clone()
            } else {
                format!("* as {alias}")
            };
            (alias, clause, None)
        };
        let quoted = style.string(&specifier);
        let end = if style.semicolons { ";" } else { "" };
        let line = if required {
            format!("const {clause} = require({quoted}){end}")
        } else if last.statement.text().contains("require(") {
            format!("import {clause} = require({quoted}){end}")
        } else {
            format!("import {clause} from {quoted}{end}")
        };
        self.insert_import(&cdk, &specifier, &line);
        self.remember(file, module, member, &local);
        Ok(if member.is_some() { local } else { format!("{local}.{head}") })
    }

    fn remember(&mut self, file: &Parsed, module: &str, member: Option<&str>, local: &str) {
        self.imported.push(Added {
            file: file.path.clone(),
            module: module.to_owned(),
            member: member.map(str::to_owned),
            local: local.to_owned(),
        });
    }

    /// Puts an import line where the order of its neighbours wants it.
    fn insert_import(&mut self, cdk: &[&Import<'a>], specifier: &str, line: &str) {
        let mut statements: Vec<&Import<'a>> = Vec::new();
        for import in cdk {
            if !statements.iter().any(|other| other.statement == import.statement) {
                statements.push(import);
            }
        }
        let sorted = statements.windows(2).all(|pair| match pair {
            [a, b] => a.module <= b.module,
            _ => true,
        });
        let before = statements.iter().rev().find(|import| !sorted || import.module <= specifier);
        match before.or_else(|| statements.last().filter(|_| !sorted)) {
            Some(import) => {
                let statement = import.statement;
                let style = self.style(statement.file);
                self.edit(statement.file, statement.end()..statement.end(), format!("{}{line}", style.eol));
            }
            None => {
                if let Some(first) = statements.first() {
                    let statement = first.statement;
                    let style = self.style(statement.file);
                    let at =
                        line_start(&statement.file.text, statement.start()).max(bom(&statement.file.text));
                    self.edit(statement.file, at..at, format!("{line}{}", style.eol));
                }
            }
        }
    }

    /// Adds a specifier to `{ … }` of an import, in order where the others are.
    fn grow(&mut self, import: &Import<'a>, specifier: &str, module: &str, member: Option<&str>) -> String {
        let Some(list) = named_list(import.statement) else { return specifier.to_owned() };
        let names: Vec<Syn<'a>> = list.children().collect();
        let sorted = names
            .windows(2)
            .all(|pair| matches!(pair, [a, b] if a.text().to_lowercase() <= b.text().to_lowercase()));
        let before = names.iter().rev().find(|name| {
            !sorted || names.len() < 2 || name.text().to_lowercase() <= specifier.to_lowercase()
        });
        let multiline = list.text().contains('\n');
        let style = self.style(list.file);
        let separator =
            |indent: &str| if multiline { format!("{}{indent}", style.eol) } else { " ".to_owned() };
        let (at, text) = match (before, names.first()) {
            (Some(name), _) => {
                let indent = super::style::line_indent(&list.file.text, name.start());
                (name.end(), format!(",{}{specifier}", separator(indent)))
            }
            (None, Some(first)) => {
                let indent = super::style::line_indent(&list.file.text, first.start());
                (first.start(), format!("{specifier},{}", separator(indent)))
            }
            (None, None) => (list.start() + 1, format!(" {specifier} ")),
        };
        self.edit(list.file, at..at, text);
        if let Some(member) = member {
            self.remember(list.file, module, Some(member), member);
        }
        specifier.to_owned()
    }

    /// The usual local name of a module, or another if that is taken in the file.
    fn alias(&mut self, file: &'a Parsed, module: &str) -> String {
        if module.is_empty() {
            return self.fresh_alias(file, &["cdk", "awsCdk"]);
        }
        let short = module.strip_prefix("aws_").unwrap_or(module);
        let conventional = match short {
            "elasticloadbalancingv2" => "elbv2",
            "apigatewayv2" => "apigwv2",
            other => other,
        };
        // `cloudwatchActions` where the file writes such names in camel case.
        let camel = camel_case(short);
        let imports = self.model.imports(file);
        let prefers_camel = short.contains('_')
            && imports.imports.iter().any(|import| {
                matches!(import.imported, Imported::Namespace)
                    && cdk_module(import.module)
                        .is_some_and(|m| m.strip_prefix("aws_").is_some_and(|m| m.contains('_')))
                    && import.local.chars().any(|c| c.is_ascii_uppercase())
            });
        if prefers_camel {
            self.fresh_alias(file, &[&camel, conventional, module])
        } else {
            self.fresh_alias(file, &[conventional, module, &camel])
        }
    }

    /// Like `fresh_name`, but two fixes that import the same module shall arrive at the same name.
    fn fresh_alias(&self, file: &'a Parsed, candidates: &[&str]) -> String {
        let root = Syn::root(file);
        // A property or a word of a comment is no obstacle; a declared or used identifier is.
        let free = |name: &&&str| {
            !crate::model::meaning::words(root, name).any(|at| {
                root.at(at).is_some_and(|node| {
                    matches!(
                        node.kind(),
                        "identifier"
                            | "shorthand_property_identifier"
                            | "shorthand_property_identifier_pattern"
                    )
                })
            })
        };
        candidates.iter().find(free).or(candidates.last()).map(|name| (*name).to_owned()).unwrap_or_default()
    }

    fn v1_package_installed(&self, specifier: &str) -> bool {
        self.model
            .app
            .files
            .iter()
            .filter(|file| file.candidate.file.ends_with("package.json"))
            .any(|file| file.text().is_ok_and(|text| text.contains(&format!("\"{specifier}\""))))
    }
}

/// How a module is imported.
fn specifier(module: &str, v1: bool, neighbour: &str) -> String {
    let dashed = module.replace('_', "-");
    if v1 {
        return format!("@aws-cdk/{}", if module.is_empty() { "core" } else { &dashed });
    }
    let root = if neighbour.starts_with("monocdk") { "monocdk" } else { "aws-cdk-lib" };
    if module.is_empty() { root.to_owned() } else { format!("{root}/{dashed}") }
}

fn camel_case(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut upper = false;
    for character in name.chars() {
        if character == '_' {
            upper = true;
        } else {
            out.push(if upper { character.to_ascii_uppercase() } else { character });
            upper = false;
        }
    }
    out
}

fn is_braced(import: &Import<'_>) -> bool {
    matches!(import.imported, Imported::Named(_))
        && !import.type_only
        && named_list(import.statement).is_some()
}

fn named_list(statement: Syn<'_>) -> Option<Syn<'_>> {
    let clause = statement.children().find(|child| child.is("import_clause"))?;
    clause.children().find(|child| child.is("named_imports"))
}

fn is_require(declaration: crate::model::scope::Declaration<'_>) -> bool {
    use crate::model::scope::Declaration;
    match declaration {
        Declaration::Variable { declarator, .. } => declarator.text().contains("require("),
        Declaration::Destructured { from: Some(from), .. } => from.text().contains("require("),
        _ => false,
    }
}

/// Length of a byte-order mark at the start of a text.
fn bom(text: &str) -> usize {
    if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 }
}
