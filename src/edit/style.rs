//! Snippets made to look like the file that they go into.

use std::borrow::Cow;

use super::snippet::{Tokens, tokens};
use crate::syntax::Style;

impl Style {
    /// Makes a snippet look like the file. Snippets are written with two spaces, single quotes,
    /// semicolons and `\n`; their first line stands where it is inserted, the others get `base`
    /// in front.
    pub fn adapt(&self, snippet: &str, base: &str) -> String {
        let tokens = tokens(snippet).unwrap_or_default();
        let usual = self.quote == '\'' && self.semicolons;
        let plain = if usual { Cow::Borrowed(snippet) } else { self.retokened(snippet, &tokens).into() };
        let mut out = String::with_capacity(plain.len() + 64);
        for (number, line) in plain.split('\n').enumerate() {
            if number > 0 {
                out.push_str(self.eol);
                if tokens.literal_lines.contains(&number) {
                    out.push_str(line);
                    continue;
                }
            }
            let body = line.trim_start_matches(' ');
            if number > 0 && !body.is_empty() {
                out.push_str(base);
            }
            if !body.is_empty() {
                let spaces = line.len() - body.len();
                out.push_str(&self.indent.text(spaces / 2));
                // ` * ` of a block comment hangs by one space.
                out.push_str(if spaces % 2 == 1 { " " } else { "" });
                out.push_str(body);
            }
        }
        out
    }

    /// The snippet with the file's quotes and without semicolons where the file has none.
    fn retokened(&self, snippet: &str, tokens: &Tokens) -> String {
        let mut out = String::with_capacity(snippet.len());
        for (at, character) in snippet.char_indices() {
            if !self.semicolons && tokens.semicolons.binary_search(&at).is_ok() {
                continue;
            }
            out.push(if tokens.quotes.binary_search(&at).is_ok() { self.quote } else { character });
        }
        out
    }

    /// A string literal in the file's quotes.
    pub fn string(&self, value: &str) -> String {
        let mut out = String::with_capacity(value.len() + 2);
        out.push(self.quote);
        for character in value.chars() {
            if character == self.quote || character == '\\' {
                out.push('\\');
            }
            if character == '\n' {
                out.push_str("\\n");
            } else {
                out.push(character);
            }
        }
        out.push(self.quote);
        out
    }
}

/// The white space at the start of the line that holds a byte.
pub fn line_indent(text: &str, at: usize) -> &str {
    let start = line_start(text, at);
    let line = text.get(start..).unwrap_or_default();
    let length = line.len() - line.trim_start_matches([' ', '\t']).len();
    line.get(..length).unwrap_or_default()
}

/// The first byte of the line that holds a byte.
pub fn line_start(text: &str, at: usize) -> usize {
    text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::Indent;
    #[test]
    fn snippets_take_the_files_habits() {
        let file = Style { indent: Indent::Spaces(4), quote: '"', semicolons: false, eol: "\n" };
        assert_eq!(file.adapt("class A {\n  b: string = 'c';\n}", ""), "class A {\n    b: string = \"c\"\n}");
        let snippet = "const a = new X(this, 'Y', {\n  b: 'it\\'s',\n  c: `x\n  y`,\n});\nf('z');";
        assert_eq!(
            file.adapt(snippet, "  "),
            "const a = new X(this, \"Y\", {\n      b: 'it\\'s',\n      c: `x\n  y`,\n  })\n  f(\"z\")"
        );
    }
}
