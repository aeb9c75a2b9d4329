//! Which path of the app an expression names.

use std::path::PathBuf;

use super::Model;
use super::app::normal;
use super::imports::string_text;
use crate::syntax::Syn;

impl<'a> Model<'a> {
    /// The path that an expression names when the app runs: a literal counts from the app's folder, `__dirname` is
    /// the folder of the file. `None` where it cannot be told.
    pub fn path_of(&self, expression: Syn<'a>) -> Option<PathBuf> {
        Some(normal(&self.app.root.join(self.path_part(self.value_of(expression))?)))
    }

    fn path_part(&self, expression: Syn<'a>) -> Option<PathBuf> {
        match expression.kind() {
            "string" => Some(PathBuf::from(string_text(expression))),
            "identifier" if expression.text() == "__dirname" => {
                Some(self.location(expression.file)?.parent()?.to_owned())
            }
            "template_string" => {
                let text = string_text(expression);
                match text.strip_prefix("${__dirname}") {
                    Some(rest) if !rest.contains("${") => {
                        let folder = self.location(expression.file)?.parent()?;
                        Some(folder.join(rest.trim_start_matches('/')))
                    }
                    None if !text.contains("${") => Some(PathBuf::from(text)),
                    _ => None,
                }
            }
            "binary_expression" => {
                let left = self.path_part(expression.field("left")?)?;
                let right = expression.field("right").filter(|right| right.is("string"))?;
                Some(left.join(string_text(right).trim_start_matches('/')))
            }
            "call_expression" => {
                let function = expression.field("function")?;
                let name = function.text().rsplit('.').next()?;
                let arguments = expression.field("arguments")?;
                if function.text() == "process.cwd" {
                    return Some(PathBuf::new());
                }
                if !matches!(name, "join" | "resolve" | "normalize") {
                    return None;
                }
                let mut path = PathBuf::new();
                for argument in arguments.children() {
                    let part = self.path_part(argument)?;
                    // Only `resolve` starts anew at a part that begins with a slash.
                    let joined = name != "resolve" && argument.is("string");
                    let part = if joined { part.strip_prefix("/").unwrap_or(&part).to_owned() } else { part };
                    path.push(part);
                }
                Some(path)
            }
            _ => None,
        }
    }
}
