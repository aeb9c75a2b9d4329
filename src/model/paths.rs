//! Which path of the app an expression names.

use std::path::PathBuf;

use super::Model;
use super::app::normal;
use super::imports::string_text;
use super::meaning::Meaning;
use crate::syntax::Syn;

/// How many names and calls are followed.
const DEPTH: u8 = 8;

impl<'a> Model<'a> {
    /// The absolute path that an expression names when the app runs: a string, a template, a constant, `a + 'b'`,
    /// `path.join(__dirname, …)` and its like. The CDK runs an app in its own folder, so that is where relative paths
    /// start. `None` where it cannot be told.
    pub fn path_of(&self, expression: Syn<'a>) -> Option<PathBuf> {
        Some(normal(&self.app.root.join(self.path_text(expression, DEPTH)?)))
    }

    fn path_text(&self, expression: Syn<'a>, depth: u8) -> Option<String> {
        let depth = depth.checked_sub(1)?;
        let folder = || Some(self.location(expression.file)?.parent()?.to_str()?.to_owned());
        match expression.kind() {
            "string" => Some(string_text(expression).to_owned()),
            "template_string" => {
                let pieces = expression.children().map(|piece| match piece.kind() {
                    "template_substitution" => self.path_text(piece.first()?, depth),
                    "string_fragment" => Some(piece.text().to_owned()),
                    _ => None,
                });
                pieces.collect::<Option<Vec<_>>>().map(|pieces| pieces.concat())
            }
            "binary_expression" => {
                let operator = expression.field("operator").map_or("", Syn::text);
                let (left, right) = expression.field("left").zip(expression.field("right"))?;
                let both = || Some(self.path_text(left, depth)? + &self.path_text(right, depth)?);
                if operator == "+" { both() } else { None }
            }
            "identifier" if expression.text() == "__dirname" => folder(),
            "member_expression" if expression.text() == "import.meta.dirname" => folder(),
            "call_expression" => self.joined(expression, depth),
            "parenthesized_expression" | "as_expression" | "satisfies_expression" | "non_null_expression" => {
                self.path_text(expression.first()?, depth)
            }
            "identifier" | "member_expression" => match self.meaning(expression)? {
                Meaning::Value(value) if value != expression => self.path_text(value, depth),
                _ => None,
            },
            _ => None,
        }
    }

    /// `path.join(a, b)`, `path.resolve(a, b)`, `path.normalize(a)`, `process.cwd()`.
    fn joined(&self, call: Syn<'a>, depth: u8) -> Option<String> {
        let callee = call.field("function")?;
        let name = callee.field("property").unwrap_or(callee).text();
        if callee.text() == "process.cwd" {
            return self.app.root.to_str().map(str::to_owned);
        }
        matches!(name, "join" | "resolve" | "normalize").then_some(())?;
        let mut path = PathBuf::new();
        for part in call.field("arguments")?.children() {
            let part = self.path_text(part, depth)?;
            let first = path.as_os_str().is_empty();
            // Only `resolve` starts anew at a part that begins with a slash.
            path.push(if first || name == "resolve" { &part } else { part.trim_start_matches('/') });
        }
        path.to_str().map(str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use crate::model::{App, Model};
    use crate::source::{DiscoverOptions, discover};

    /// The paths that the arguments of `at(…)` name in `lib/stack.ts`, below the app's folder.
    #[expect(clippy::disallowed_methods, reason = "the test lays out its own temporary app")]
    fn paths(stack: &str) -> Vec<Option<String>> {
        let folder = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(folder.path()).unwrap();
        fs::create_dir_all(root.join("lib")).unwrap();
        fs::write(root.join("lib/stack.ts"), format!("import * as cdk from 'aws-cdk-lib';\n{stack}"))
            .unwrap();
        let found = discover(std::slice::from_ref(&root), &DiscoverOptions::at(root.clone()));
        let app = App::new(root.clone(), found.files);
        let model = Model::new(&app);
        let calls: Vec<_> = model.method_calls("at").collect();
        let named = calls.into_iter().map(|call| {
            let path = model.path_of(call.field("arguments")?.first()?)?;
            Some(path.strip_prefix(&root).unwrap_or(&path).to_str()?.to_owned())
        });
        named.collect()
    }

    #[test]
    fn a_path_is_read_however_it_is_put_together() {
        let stack = "const SRC = path.join(__dirname, '..', 'src');\n\
            p.at('lambda'); p.at('./lambda/'); p.at(__dirname + '/../lambda'); p.at(`${__dirname}/a`);\n\
            p.at(path.normalize(__dirname + '/../b')); p.at(join(SRC, '/c')); p.at(path.resolve(SRC, '/d'));\n\
            p.at(`${SRC}/e` as string); p.at(path.join(process.cwd(), 'f')); p.at(SRC + name); p.at(a - b);\n";
        let some = |path: &str| Some(path.to_owned());
        assert_eq!(
            paths(stack),
            [
                some("lambda"),
                some("lambda"),
                some("lambda"),
                some("lib/a"),
                some("b"),
                some("src/c"),
                some("/d"),
                some("src/e"),
                some("f"),
                None,
                None,
            ]
        );
    }
}
