//! The code that a Lambda function runs, as far as it lies in the app.

use std::path::{Path, PathBuf};

use super::app::normal;
use super::imports::string_text;
use super::props::Prop;
use super::{Model, Site};
use crate::source::Language;
use crate::syntax::Parsed;

/// The scripts of a function's code.
#[derive(Debug, Clone)]
pub struct Handler<'a> {
    /// The file that Lambda calls, where it can be told.
    pub entry: Option<&'a Parsed>,
    /// The entry and what it imports; without an entry, all scripts of the folder. Sorted by path, never empty.
    pub files: Vec<&'a Parsed>,
}

impl<'a> Handler<'a> {
    /// The entry, where it is TypeScript: what stands beside it may be.
    pub fn typed_entry(&self) -> Option<&'a Parsed> {
        self.entry.filter(|entry| entry.language == Language::TypeScript)
    }
}

/// Where compilers put what they make of `src`.
const BUILT: [&str; 4] = ["dist", "build", "out", "lib"];

impl<'a> Model<'a> {
    /// The code of a function: what `entry` or `code` points to. `None` where it is not in the app, or not in a
    /// language that wa-fix reads.
    pub fn handler(&self, function: &Site<'a>) -> Option<Handler<'a>> {
        self.handlers.get(function.node, || self.find_handler(function))
    }

    fn find_handler(&self, function: &Site<'a>) -> Option<Handler<'a>> {
        let props = function.props(self);
        if self.builds(function, "aws_lambda_nodejs.NodejsFunction") {
            let entry = match props.get(self, "entry") {
                Prop::Present(entry) => self.path_of(entry.value)?,
                Prop::Absent => self.default_entry(function)?,
                Prop::Unknown => return None,
            };
            return self.code_from(self.script(&entry)?);
        }
        let code = props.get(self, "code").value().filter(|code| code.is("call_expression"))?;
        let made = self.cdk_name(code.field("function")?)?;
        matches!(made.as_str(), "aws_lambda.Code.fromAsset" | "aws_lambda.Code.asset").then_some(())?;
        let folder = self.path_of(code.field("arguments")?.first()?)?;
        let named = props.get(self, "handler").value().filter(|name| name.is("string"));
        if let Some(entry) = named.and_then(|name| self.entry_in(&folder, string_text(name))) {
            return self.code_from(entry);
        }
        let inside = self.app.files.iter().filter(|file| {
            file.candidate.file.starts_with(&folder)
                && file.candidate.language.is_script()
                && !file.speaks_cdk()
        });
        let files: Vec<_> = inside.filter_map(|file| file.parsed()).collect();
        (!files.is_empty()).then_some(Handler { entry: None, files })
    }

    /// Where the CDK looks for a `NodejsFunction` without an entry: `api.Handler.ts` beside `api.ts`.
    fn default_entry(&self, function: &Site<'a>) -> Option<PathBuf> {
        let file = self.location(function.node.file)?;
        let stem = file.file_stem()?.to_str()?;
        Some(file.with_file_name(format!("{stem}.{}.ts", function.id_text()?)))
    }

    /// The file of `dist/index.handler` in a folder: itself, or what it is compiled from.
    fn entry_in(&self, folder: &Path, handler: &str) -> Option<&'a Parsed> {
        let (module, _) = handler.rsplit_once('.')?;
        let source = module.split_once('/').filter(|(first, _)| BUILT.contains(first)).map(|(_, rest)| rest);
        let mut places = vec![folder.join(module)];
        if let Some(rest) = source {
            places.extend([folder.join("src").join(rest), folder.join(rest)]);
        }
        places.push(folder.join("src").join(module));
        let with = |place: &PathBuf, end: &str| {
            let mut name = place.clone().into_os_string();
            name.push(end);
            self.script(&normal(Path::new(&name)))
        };
        places
            .iter()
            .find_map(|place| [".ts", ".mts", ".cts", ".tsx"].iter().find_map(|end| with(place, end)))
    }

    fn script(&self, path: &Path) -> Option<&'a Parsed> {
        let file = self.app.file(path).filter(|file| file.candidate.language.is_script())?;
        file.parsed()
    }

    /// A file with all that it imports of the app.
    fn code_from(&self, entry: &'a Parsed) -> Option<Handler<'a>> {
        let mut files = vec![entry];
        let mut next = 0;
        while let Some(file) = files.get(next).copied() {
            next += 1;
            let location = self.location(file)?;
            let table = self.imports(file);
            let modules = table.imports.iter().map(|import| import.module);
            for module in modules.chain(table.reexports.iter().map(|passed| passed.module)) {
                let Some(other) = self.app.import(location, module).and_then(|file| file.parsed()) else {
                    continue;
                };
                if !files.iter().any(|known| std::ptr::eq(*known, other)) {
                    files.push(other);
                }
            }
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Some(Handler { entry: Some(entry), files })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use crate::model::{App, Model};
    use crate::source::{DiscoverOptions, discover};

    /// Label of each function and the files of its code.
    #[expect(clippy::disallowed_methods, reason = "the test lays out its own temporary app")]
    fn handlers(stack: &str, others: &[(&str, &str)]) -> Vec<(String, Vec<String>)> {
        let folder = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(folder.path()).unwrap();
        for (path, text) in others.iter().chain(&[("lib/stack.ts", stack)]) {
            let file = root.join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        let found = discover(std::slice::from_ref(&root), &DiscoverOptions::at(root.clone()));
        let app = App::new(root, found.files);
        let model = Model::new(&app);
        let named = model.all_sites().filter_map(|site| {
            let handler = model.handler(&site)?;
            Some((site.label(), handler.files.iter().map(|file| file.path.clone()).collect()))
        });
        named.collect()
    }

    #[test]
    fn code_is_found_where_the_cdk_finds_it() {
        let stack = "import * as path from 'path';\nimport * as lambda from 'aws-cdk-lib/aws-lambda';\nimport { NodejsFunction } from 'aws-cdk-lib/aws-lambda-nodejs';\n\
            const SRC = path.join(__dirname, '..', 'src');\n\
            export function build(scope: any, bucket: any) {\n\
              new NodejsFunction(scope, 'Given', { entry: path.join(SRC, 'orders.ts') });\n\
              new NodejsFunction(scope, 'Found');\n\
              new lambda.Function(scope, 'Built', { code: lambda.Code.fromAsset(`${__dirname}/../app`), handler: 'dist/index.handler' });\n\
              new lambda.Function(scope, 'Folder', { code: lambda.Code.fromAsset('app'), handler: 'main.handler' });\n\
              new lambda.Function(scope, 'Elsewhere', { code: lambda.Code.fromBucket(bucket, 'k'), handler: 'x.y' });\n}\n";
        let others = [
            ("src/orders.ts", "import { save } from './db/save';\nexport const handler = save;\n"),
            ("src/db/save.ts", "export const save = async () => {};\n"),
            ("src/idle.ts", "export {};\n"),
            ("lib/stack.Found.ts", "export {};\n"),
            ("app/src/index.ts", "export * from './router';\n"),
            ("app/src/router.ts", "export {};\n"),
        ];
        let strings = |files: &[&str]| files.iter().map(|file| (*file).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            handlers(stack, &others),
            [
                ("Given".to_owned(), strings(&["src/db/save.ts", "src/orders.ts"])),
                ("Found".to_owned(), strings(&["lib/stack.Found.ts"])),
                ("Built".to_owned(), strings(&["app/src/index.ts", "app/src/router.ts"])),
                ("Folder".to_owned(), strings(&["app/src/index.ts", "app/src/router.ts"])),
            ]
        );
    }
}
