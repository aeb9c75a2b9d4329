//! Where the file of a construct goes that a fix creates, what it is called, and how it is imported.

use std::path::{Component, Path, PathBuf};

use crate::edit::names::camel_name;
use crate::model::meaning::is_class;
use crate::model::{Meaning, Model};
use crate::syntax::{Parsed, Syn};

/// The folder for a construct that a file of the app will build: beside the first construct that it imports from
/// below, else beside itself.
pub(crate) fn folder<'a>(model: &Model<'a>, file: &'a Parsed) -> PathBuf {
    let home = model.location(file).and_then(Path::parent).unwrap_or(Path::new("")).to_owned();
    let neighbour =
        model.imports(file).imports.iter().filter(|import| import.module.starts_with('.')).find_map(
            |import| {
                let Meaning::Class(other) = model.name(Syn::root(file), import.local)? else { return None };
                let is_construct =
                    is_class(other) && model.cdk_base(other).is_some_and(|base| base.ends_with("Construct"));
                is_construct.then_some(other)
            },
        );
    let folder = neighbour.and_then(|other| Some(model.location(other.file)?.parent()?.to_owned()));
    folder.filter(|folder| folder.starts_with(&home)).unwrap_or(home)
}

/// A file's name, given in `kebab-case`, as the files beside it are written.
pub(crate) fn name(model: &Model<'_>, folder: &Path, kebab: &str) -> String {
    let names = || {
        let files = model.app.files.iter().filter(|file| file.candidate.file.parent() == Some(folder));
        files.filter_map(|file| file.candidate.file.file_stem()?.to_str())
    };
    let plain = |name: &&str| !name.contains(['-', '.', '_']);
    let camel = camel_name(kebab).unwrap_or_else(|| kebab.to_owned());
    if names().any(|name| name.contains('-')) {
        kebab.to_owned()
    } else if names().filter(plain).any(|name| name.starts_with(|first: char| first.is_ascii_uppercase())) {
        let mut chars = camel.chars();
        chars.next().map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + chars.as_str())
    } else if names().filter(plain).any(|name| name.chars().any(|c| c.is_ascii_uppercase())) {
        camel
    } else if names().any(|name| name.contains('_')) {
        kebab.replace('-', "_")
    } else {
        kebab.to_owned()
    }
}

/// How a file (at a location) imports another: `./constructs/audit-trail`, with `.js` where its imports have that.
pub(crate) fn specifier<'a>(model: &Model<'a>, file: &'a Parsed, location: &Path, target: &Path) -> String {
    let home: Vec<Component<'_>> =
        location.parent().map(|home| home.components().collect()).unwrap_or_default();
    let wanted: Vec<Component<'_>> = target.components().collect();
    let common = home.iter().zip(&wanted).take_while(|(a, b)| a == b).count();
    let up = "../".repeat(home.len() - common);
    let down: Vec<String> =
        wanted.iter().skip(common).map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
    let path = down.join("/");
    let stem = path.strip_suffix(".ts").unwrap_or(&path);
    let script = model.imports(file).imports.iter().any(|import| {
        import.module.starts_with('.') && Path::new(import.module).extension().is_some_and(|end| end == "js")
    });
    let start = if up.is_empty() { "./" } else { up.as_str() };
    format!("{start}{stem}{}", if script { ".js" } else { "" })
}
