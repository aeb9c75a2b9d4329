//! New files of the app, and the imports that lead to them.

use std::path::{Path, PathBuf};

use super::builder::{Builder, no_fix};
use crate::detect::Refusal;
use crate::model::meaning::is_class;
use crate::model::{Meaning, Model};
use crate::syntax::{Parsed, Syn};

/// A file that does not exist yet, and how another file imports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFile {
    /// Where it goes.
    pub path: PathBuf,
    /// How it is imported.
    pub specifier: String,
}

impl<'a> Builder<'_, 'a> {
    /// The file of a new construct that a class is to build: beside the first construct of the app that the file of
    /// the class imports, else beside that file. `name` is in `kebab-case`; the file is called as its neighbours are.
    ///
    /// # Errors
    /// A [`Refusal`] where the app is not in TypeScript for CDK v2, or where there is such a file.
    pub fn construct_file(&self, class: Syn<'a>, name: &str) -> Result<NewFile, Refusal> {
        let folder = construct_folder(self.model, class);
        self.new_file(class, &folder, name)
    }

    /// The file of a new stack or helper beside the file of a class.
    ///
    /// # Errors
    /// As [`Builder::construct_file`].
    pub fn file_beside(&self, class: Syn<'a>, name: &str) -> Result<NewFile, Refusal> {
        self.new_file(class, home(self.model, class.file), name)
    }

    fn new_file(&self, class: Syn<'a>, folder: &Path, name: &str) -> Result<NewFile, Refusal> {
        let file = class.file;
        let location = self.model.location(file).unwrap_or(Path::new(""));
        if location.extension().is_none_or(|end| end != "ts") || file.text.contains("@aws-cdk/core") {
            return Err(no_fix(
                "the construct is written in TypeScript for CDK v2, and this app is not",
                "build by hand what the finding asks for",
            ));
        }
        let name = as_neighbours(self.model, folder, name);
        let path = folder.join(format!("{name}.ts"));
        if self.model.app.file(&path).is_some() {
            return Err(no_fix(&format!("there is a file {name}.ts already"), "rename it, then run again"));
        }
        let specifier = self.specifier_of(file, &path);
        Ok(NewFile { path, specifier })
    }

    /// How a file imports another that is not written yet.
    pub fn specifier_of(&self, from: &'a Parsed, path: &Path) -> String {
        let home = home(self.model, from);
        let mut up = String::new();
        let mut base = home;
        let rest = loop {
            if let Ok(rest) = path.strip_prefix(base) {
                break rest;
            }
            up.push_str("../");
            let Some(parent) = base.parent() else { break path };
            base = parent;
        };
        let with_end = self.model.imports(from).imports.iter().any(|import| {
            import.module.starts_with('.')
                && Path::new(import.module).extension().is_some_and(|end| end == "js")
        });
        let stem = rest.with_extension("").to_string_lossy().replace('\\', "/");
        let start = if up.is_empty() { "./".to_owned() } else { up };
        format!("{start}{stem}{}", if with_end { ".js" } else { "" })
    }

    /// Imports a name from a file of the app, in the order of the imports that are there.
    pub fn import_local(&mut self, file: &'a Parsed, specifier: &str, name: &str) {
        let mut statements: Vec<(Syn<'a>, &str)> = Vec::new();
        for import in &self.model.imports(file).imports {
            if !statements.iter().any(|(known, _)| *known == import.statement) {
                statements.push((import.statement, import.module));
            }
        }
        let style = self.style(file);
        let end = if style.semicolons { ";" } else { "" };
        let line = format!("import {{ {name} }} from {}{end}", style.string(specifier));
        let local = || statements.iter().filter(|(_, module)| module.starts_with('.'));
        let first = local().next().filter(|(_, module)| *module > specifier);
        let before = local().rfind(|(_, module)| *module <= specifier);
        let place = match (before, first) {
            (Some((statement, _)), _) => Some((*statement, statement.end(), format!("{}{line}", style.eol))),
            (None, Some((statement, _))) => {
                Some((*statement, statement.start(), format!("{line}{}", style.eol)))
            }
            (None, None) => statements
                .last()
                .map(|(statement, _)| (*statement, statement.end(), format!("{}{line}", style.eol))),
        };
        if let Some((statement, at, text)) = place {
            self.splice(statement, at..at, &text);
        }
    }
}

fn home<'a>(model: &Model<'a>, file: &Parsed) -> &'a Path {
    model.location(file).and_then(Path::parent).unwrap_or(Path::new(""))
}

/// Where the app keeps its constructs: the folder of the first that a file imports from below its own.
fn construct_folder<'a>(model: &Model<'a>, class: Syn<'a>) -> PathBuf {
    let home = home(model, class.file);
    let imports = model.imports(class.file);
    let neighbour =
        imports.imports.iter().filter(|import| import.module.starts_with('.')).find_map(|import| {
            let Meaning::Class(other) = model.name(Syn::root(class.file), import.local)? else { return None };
            let is_construct =
                is_class(other) && model.cdk_base(other).is_some_and(|base| base.ends_with("Construct"));
            is_construct.then_some(other)
        });
    let folder = neighbour.and_then(|other| Some(model.location(other.file)?.parent()?.to_owned()));
    folder.filter(|folder| folder.starts_with(home)).unwrap_or_else(|| home.to_owned())
}

/// A name in `kebab-case` as the files beside it are written.
fn as_neighbours(model: &Model<'_>, folder: &Path, name: &str) -> String {
    let names = || {
        let files = model.app.files.iter().filter(|file| file.candidate.file.parent() == Some(folder));
        files.filter_map(|file| file.candidate.file.file_stem()?.to_str())
    };
    let plain = |name: &&str| !name.contains(['-', '.', '_']);
    if names().any(|name| name.contains('-')) {
        name.to_owned()
    } else if names().filter(plain).any(|name| name.starts_with(|first: char| first.is_ascii_uppercase())) {
        name.split('-').map(super::names::capital).collect()
    } else if names().filter(plain).any(|name| name.chars().any(|c| c.is_ascii_uppercase())) {
        super::names::camel_name(name).unwrap_or_else(|| name.to_owned())
    } else if names().any(|name| name.contains('_')) {
        name.replace('-', "_")
    } else {
        name.to_owned()
    }
}
