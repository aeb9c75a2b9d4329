//! Names of the CDK in a file's own words, imported in the file's own style.

use super::builder::{Builder, no_fix};
use super::style::{line_indent, line_start};
use crate::detect::Refusal;
use crate::model::imports::{Import, Imported, cdk_module};
use crate::syntax::{Parsed, Syn};

/// A name that the fix has imported.
#[derive(Debug, Clone)]
struct Added {
    file: String,
    module: String,
    member: Option<String>,
    local: String,
}

/// What a fix imports. Written when the fix is finished, so that names of one module share a line.
#[derive(Default)]
pub(super) struct Pending<'a> {
    added: Vec<Added>,
    /// Import statements to write.
    lines: Vec<Line<'a>>,
    /// `{ … }` lists that grow, with what is added to each.
    grown: Vec<(Syn<'a>, Vec<String>)>,
}

/// One import statement to write.
struct Line<'a> {
    /// The root of the file.
    root: Syn<'a>,
    specifier: String,
    /// The names in braces, or the one name of the whole module.
    names: Names,
    form: Form,
}

enum Names {
    Whole(String),
    Braced(Vec<String>),
}

/// Names and module of an import that stand on one line; more of them get a line each.
const LONG_LINE: usize = 90;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// `import … from`.
    Import,
    /// `const … = require()`.
    Require,
    /// `import x = require()`.
    ImportRequire,
}

impl<'a> Builder<'_, 'a> {
    /// The text that names something of the CDK at a place: `aws_sqs.Queue` becomes `sqs.Queue`,
    /// `Queue` or `cdk.aws_sqs.Queue`, and is imported where it is not yet.
    ///
    /// # Errors
    /// A [`Refusal`] where the app's release of the CDK has no such class, where the name is shadowed, or its package is not
    /// installed (CDK v1).
    pub fn cdk(&mut self, at: Syn<'a>, name: &str) -> Result<String, Refusal> {
        let (module, member) = match name.split_once('.') {
            Some((module, member)) if module.starts_with(|c: char| c.is_ascii_lowercase()) => {
                (module, member)
            }
            _ => ("", name),
        };
        let head = member.split('.').next().unwrap_or(member);
        let class = if module.is_empty() { head.to_owned() } else { format!("{module}.{head}") };
        if self.model.catalogue.has_type(&class) && !self.model.has_class(&class) {
            return Err(no_fix(
                &format!("the app's aws-cdk-lib has no {class}, or it is not known which release this is"),
                "update aws-cdk-lib, or name its release in package.json, then run again",
            ));
        }
        let text = self.known(at, module, head).map_or_else(|| self.import(at, module, head), Ok)?;
        let tail = member.get(head.len()..).unwrap_or_default();
        let first = text.split('.').next().unwrap_or_default();
        if self.model.lookup(at, first).is_some_and(|declaration| !is_require(declaration)) {
            return Err(no_fix(
                &format!("`{first}` means something else here"),
                &format!("rename it, so that {name} can be written"),
            ));
        }
        Ok(format!("{text}{tail}"))
    }

    /// Imports a name of any package beside the imports of the CDK, in the file's form.
    ///
    /// # Errors
    /// A [`Refusal`] where the file uses the name for something else.
    pub fn package(&mut self, file: &'a Parsed, package: &str, name: &str) -> Result<(), Refusal> {
        let root = Syn::root(file);
        if crate::model::meaning::words(root, name).next().is_some() {
            return Err(no_fix(
                &format!("`{name}` means something else here"),
                &format!("rename it, so that {package} can be imported"),
            ));
        }
        let imports = &self.model.imports(file).imports;
        let required = imports.last().is_some_and(|last| {
            matches!(last.statement.kind(), "lexical_declaration" | "variable_declaration")
        });
        self.pending.lines.push(Line {
            root,
            specifier: package.to_owned(),
            names: Names::Braced(vec![name.to_owned()]),
            form: if required { Form::Require } else { Form::Import },
        });
        self.proposal.takes_names = true;
        Ok(())
    }

    /// Imports a name of a package, or of a file of the app: a module that begins with `./` is told from the app's folder.
    /// Nothing is to do where the file has it.
    ///
    /// # Errors
    /// As [`Builder::package`]; also where the file imports it under another name, or the app has no such file.
    pub fn import_from(&mut self, at: Syn<'a>, module: &str, name: &str) -> Result<(), Refusal> {
        let file = self.model.location(at.file);
        let specifier = match (module.strip_prefix("./"), file, file.and_then(std::path::Path::parent)) {
            (Some(inside), Some(file), Some(folder)) => {
                let way = crate::source::discover::way(folder, &self.model.app.root.join(inside));
                let way = if way.starts_with("../") { way } else { format!("./{way}") };
                if self.model.app.import(file, &way).is_none() {
                    return Err(no_fix(
                        &format!("the app has no {inside} that {name} could come from"),
                        "make it, or mend the rule",
                    ));
                }
                way
            }
            _ => module.to_owned(),
        };
        let imports = &self.model.imports(at.file).imports;
        let same = |import: &&Import<'_>| {
            import.module == specifier && import.imported == Imported::Named(name) && !import.type_only
        };
        match imports.iter().find(same) {
            Some(import) if import.local == name => Ok(()),
            Some(import) => Err(no_fix(
                &format!("the file calls {name} `{}`", import.local),
                "import it under its own name, then run again",
            )),
            None => self.package(at.file, &specifier, name),
        }
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
            let mine = |added: &&Added| added.file == at.file.path && added.module == module;
            self.pending.added.iter().filter(mine).find_map(|added| match &added.member {
                None => Some(format!("{}.{head}", added.local)),
                Some(member) => (member == head).then(|| added.local.clone()),
            })
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
        let braced = |wanted: &str| {
            cdk.iter()
                .find(|import| is_braced(import) && cdk_module(import.module).as_deref() == Some(wanted))
                .copied()
        };
        if let (true, Some(import)) = (module.is_empty(), braced("")) {
            return Ok(self.grow(import, head, module, Some(head), head));
        }
        let barrel = cdk.iter().find(|import| {
            matches!(import.imported, Imported::Named(name) if name.starts_with("aws_")) && is_braced(import)
        });
        if let (Some(import), false) = (barrel, module.is_empty()) {
            let alias = self.alias(file, module);
            let required = import.statement.is("lexical_declaration");
            let renamed = if required { ": " } else { " as " };
            let specifier =
                if alias == module { module.to_owned() } else { format!("{module}{renamed}{alias}") };
            self.grow(import, &specifier, module, None, &alias);
            return Ok(format!("{alias}.{head}"));
        }
        // `import { Queue } from …` where the file takes submodules apart, else a namespace.
        let submodules: Vec<_> =
            cdk.iter().filter(|import| cdk_module(import.module).is_some_and(|m| !m.is_empty())).collect();
        let apart = submodules.iter().filter(|import| matches!(import.imported, Imported::Named(_))).count();
        let free = !self.is_taken(at, head);
        let by_name = free && (apart * 2 > submodules.len() || (module.is_empty() && is_braced(last)));
        // A second import of the same module is nobody's habit, unless the name means something else here.
        if let Some(import) = braced(module).filter(|_| free) {
            return Ok(self.grow(import, head, module, Some(head), head));
        }
        let form = match last.statement.kind() {
            "lexical_declaration" | "variable_declaration" => Form::Require,
            _ if last.statement.text().contains("require(") => Form::ImportRequire,
            _ => Form::Import,
        };
        if by_name && form != Form::ImportRequire {
            let line = self
                .pending
                .lines
                .iter_mut()
                .find(|line| line.root.file.path == file.path && line.specifier == specifier);
            match line {
                Some(Line { names: Names::Braced(names), .. }) => names.push(head.to_owned()),
                _ => self.pending.lines.push(Line {
                    root: Syn::root(file),
                    specifier,
                    names: Names::Braced(vec![head.to_owned()]),
                    form,
                }),
            }
            self.remember(file, module, Some(head), head);
            return Ok(head.to_owned());
        }
        let alias = self.alias(file, module);
        self.pending.lines.push(Line {
            root: Syn::root(file),
            specifier,
            names: Names::Whole(alias.clone()),
            form,
        });
        self.remember(file, module, None, &alias);
        Ok(format!("{alias}.{head}"))
    }

    /// Whether a name means something in the file already: `Code` of another module.
    fn is_taken(&self, at: Syn<'a>, name: &str) -> bool {
        let imported = self.model.imports(at.file).imports.iter().any(|import| import.local == name);
        let added = self.pending.added.iter();
        imported
            || added.into_iter().any(|added| added.file == at.file.path && added.local == name)
            || self.model.lookup(at, name).is_some()
    }

    fn remember(&mut self, file: &Parsed, module: &str, member: Option<&str>, local: &str) {
        self.proposal.takes_names = true;
        self.pending.added.push(Added {
            file: file.path.clone(),
            module: module.to_owned(),
            member: member.map(str::to_owned),
            local: local.to_owned(),
        });
    }

    /// Adds a specifier to `{ … }` of an import.
    fn grow(
        &mut self,
        import: &Import<'a>,
        specifier: &str,
        module: &str,
        member: Option<&str>,
        local: &str,
    ) -> String {
        if let Some(list) = named_list(import.statement) {
            match self.pending.grown.iter_mut().find(|(other, _)| *other == list) {
                Some((_, specifiers)) => specifiers.push(specifier.to_owned()),
                None => self.pending.grown.push((list, vec![specifier.to_owned()])),
            }
            self.remember(list.file, module, member, local);
        }
        local.to_owned()
    }

    /// Makes the edits of all imports of the fix.
    pub(super) fn write_imports(&mut self) {
        let mut pending = std::mem::take(&mut self.pending);
        // Those that go to the same place stand there in order, whatever was asked for first.
        pending.lines.sort_by(|a, b| a.specifier.cmp(&b.specifier));
        for line in &pending.lines {
            self.write_line(line);
        }
        for (list, specifiers) in &pending.grown {
            self.write_grown(*list, specifiers);
        }
    }

    fn write_line(&mut self, line: &Line<'a>) {
        let file = line.root.file;
        // Imports are quoted like imports, whatever the rest of the file does.
        let mut style = self.style(file);
        let neighbour =
            self.model.imports(file).imports.iter().find(|import| cdk_module(import.module).is_some());
        if let Some(quote) = neighbour.and_then(|import| {
            let text = import.statement.text();
            let at = text.find(import.module)?;
            text.get(..at)?.chars().next_back()
        }) {
            style.quote = quote;
        }
        let quoted = style.string(&line.specifier);
        let end = if style.semicolons { ";" } else { "" };
        let clause = match &line.names {
            Names::Whole(name) => name.clone(),
            Names::Braced(names) => {
                let mut names = names.clone();
                names.sort_by_key(|name| name.to_lowercase());
                let list = names.join(", ");
                if list.len() + quoted.len() > LONG_LINE {
                    let gap = format!("{}{}", style.eol, style.indent.text(1));
                    format!("{{{gap}{},{}}}", names.join(&format!(",{gap}")), style.eol)
                } else {
                    format!("{{ {list} }}")
                }
            }
        };
        let text = match (line.form, &line.names) {
            (Form::Require, _) => format!("const {clause} = require({quoted}){end}"),
            (Form::ImportRequire, _) => format!("import {clause} = require({quoted}){end}"),
            (Form::Import, Names::Whole(_)) => format!("import * as {clause} from {quoted}{end}"),
            (Form::Import, Names::Braced(_)) => format!("import {clause} from {quoted}{end}"),
        };
        // Files of the app come after packages.
        if line.specifier.starts_with('.')
            && let Some(last) = self.model.imports(file).imports.last()
        {
            let end = last.statement.end();
            self.edit(file, end..end, format!("{}{text}", style.eol));
            return;
        }
        let mut statements: Vec<(Syn<'a>, &str)> = Vec::new();
        for import in &self.model.imports(file).imports {
            let ours = cdk_module(import.module).is_some_and(|module| module != "constructs");
            if ours && !statements.iter().any(|(other, _)| *other == import.statement) {
                statements.push((import.statement, import.module));
            }
        }
        // Where the neighbours are in order, the line takes its place in it; else it goes last.
        let sorted = statements.windows(2).all(|pair| matches!(pair, [(_, a), (_, b)] if a <= b));
        let before =
            statements.iter().rev().find(|(_, module)| !sorted || *module <= line.specifier.as_str());
        if let Some((statement, _)) = before {
            self.edit(file, statement.end()..statement.end(), format!("{}{text}", style.eol));
        } else if let Some((statement, _)) = statements.first() {
            let at = line_start(&file.text, statement.start()).max(bom(&file.text));
            self.edit(file, at..at, format!("{text}{}", style.eol));
        }
    }

    /// Adds specifiers to a list, each in its place where the list is in order.
    fn write_grown(&mut self, list: Syn<'a>, specifiers: &[String]) {
        let names: Vec<Syn<'a>> = list.children().collect();
        let lower = |text: &str| text.to_lowercase();
        let sorted =
            names.windows(2).all(|pair| matches!(pair, [a, b] if lower(a.text()) <= lower(b.text())));
        let style = self.style(list.file);
        let multiline = list.text().contains('\n');
        let mut wanted = specifiers.to_vec();
        wanted.sort_by_key(|name| name.to_lowercase());
        for specifier in wanted {
            let before = names
                .iter()
                .rev()
                .find(|name| !sorted || names.len() < 2 || lower(name.text()) <= lower(&specifier));
            let beside = before.or(names.first());
            let separator = match beside {
                Some(name) if multiline => {
                    format!("{}{}", style.eol, line_indent(&list.file.text, name.start()))
                }
                _ => " ".to_owned(),
            };
            match (before, names.first()) {
                (Some(name), _) => {
                    self.edit(list.file, name.end()..name.end(), format!(",{separator}{specifier}"));
                }
                (None, Some(first)) => {
                    self.edit(list.file, first.start()..first.start(), format!("{specifier},{separator}"));
                }
                (None, None) => {
                    self.edit(list.file, list.start() + 1..list.start() + 1, format!(" {specifier} "));
                }
            }
        }
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
            "cloudfront_origins" => "origins",
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

/// The braces of an import, or of the one variable that a `require` is taken apart into.
fn named_list(statement: Syn<'_>) -> Option<Syn<'_>> {
    if let Some(clause) = statement.children().find(|child| child.is("import_clause")) {
        return clause.children().find(|child| child.is("named_imports"));
    }
    let mut declarators = statement.children().filter(|child| child.is("variable_declarator"));
    let (one, more) = (declarators.next()?, declarators.next());
    let required = one.field("value").is_some_and(|value| value.text().starts_with("require("));
    one.field("name").filter(|list| more.is_none() && required && list.is("object_pattern"))
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
