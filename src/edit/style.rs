//! Snippets made to look like the file that they go into.

use std::cell::RefCell;
use std::collections::HashMap;

use crate::syntax::{Parsed, Style, Syn, parse};

/// Snippets of this many bytes are whole files.
const FILE: usize = 1000;

impl Style {
    /// Makes a snippet look like the file. Snippets are written with two spaces, single quotes,
    /// semicolons and `\n`; their first line stands where it is inserted, the others get `base`
    /// in front.
    pub fn adapt(&self, snippet: &str, base: &str) -> String {
        let plain = self.tokens(snippet);
        let kept = template_lines(&plain);
        let mut out = String::with_capacity(plain.len() + 64);
        for (number, line) in plain.split('\n').enumerate() {
            if number > 0 {
                out.push_str(self.eol);
                if kept.contains(&number) {
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

    /// Quotes and semicolons.
    fn tokens(&self, snippet: &str) -> String {
        if self.quote == '\'' && self.semicolons {
            return snippet.to_owned();
        }
        // Where nothing else could hold a quote, all of them are those of strings: no need to parse.
        if self.semicolons && !snippet.contains(['`', '"', '\\', '/']) {
            return snippet.replace('\'', &self.quote.to_string());
        }
        // The files that fixes create are the same for every app.
        thread_local! {
            static KNOWN: RefCell<HashMap<(char, bool, String), String>> = RefCell::default();
        }
        if snippet.len() < FILE {
            return self.retokened(snippet);
        }
        let key = (self.quote, self.semicolons, snippet.to_owned());
        let before = KNOWN.with_borrow(|known| known.get(&key).cloned());
        before.unwrap_or_else(|| {
            let text = self.retokened(snippet);
            KNOWN.with_borrow_mut(|known| known.insert(key, text.clone()));
            text
        })
    }

    fn retokened(&self, snippet: &str) -> String {
        let Some((parsed, from)) = parse_snippet(snippet) else { return snippet.to_owned() };
        let mut drops = Vec::new();
        let mut quotes = Vec::new();
        collect_tokens(Syn::root(&parsed), &mut drops, &mut quotes);
        // Both were found from the start of the text to its end.
        let mut out = String::with_capacity(snippet.len());
        for (at, character) in snippet.char_indices() {
            let at = at + from;
            if !self.semicolons && drops.binary_search(&at).is_ok() {
                continue;
            }
            out.push(if quotes.binary_search(&at).is_ok() { self.quote } else { character });
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

/// Parses a snippet as statements, as the value of a property, or as a class member; with the
/// offset of its first byte in the parsed text.
fn parse_snippet(snippet: &str) -> Option<(Parsed, usize)> {
    [("", ""), ("(", ")"), ("({", "})"), ("interface X {", "}"), ("class X {", "}")].iter().find_map(
        |(before, after)| {
            let parsed = parse(
                "snippet.ts",
                format!("{before}{snippet}{after}").into(),
                crate::source::Language::TypeScript,
            )?;
            (!parsed.root().has_error()).then_some((parsed, before.len()))
        },
    )
}

/// Places of `;` that end a statement at a line's end, and of quotes that can change.
fn collect_tokens(node: Syn<'_>, drops: &mut Vec<usize>, quotes: &mut Vec<usize>) {
    for child in node.tokens() {
        match child.kind() {
            ";" => {
                let rest = child.file.text.get(child.end()..).unwrap_or_default();
                let next = rest.trim_start();
                let line_ends = rest.is_empty() || rest.starts_with('\n');
                let comment = next.starts_with("//") || next.starts_with("/*");
                if line_ends && (comment || !next.starts_with(['(', '[', '`', '+', '-', '/'])) {
                    drops.push(child.start());
                }
            }
            // Not the `string` of a type, which is a token of the same name.
            "string" if child.node.is_named() => {
                if !child.text().contains(['"', '\\']) {
                    quotes.push(child.start());
                    quotes.push(child.end() - 1);
                }
            }
            _ => collect_tokens(child, drops, quotes),
        }
    }
}

/// Lines (from 0) that start inside a template literal and must stay as they are.
fn template_lines(snippet: &str) -> Vec<usize> {
    // A literal that goes on in the next line leaves its own line with one mark too many.
    let may_span = snippet.lines().any(|line| line.matches('`').count() % 2 == 1);
    let Some((parsed, from)) = may_span.then(|| parse_snippet(snippet)).flatten() else {
        return Vec::new();
    };
    let mut lines = Vec::new();
    let mut stack = vec![Syn::root(&parsed)];
    while let Some(node) = stack.pop() {
        if node.is("template_string") {
            let before = snippet.get(..node.start().saturating_sub(from)).unwrap_or_default();
            let first = before.matches('\n').count();
            lines.extend((1..=node.text().matches('\n').count()).map(|extra| first + extra));
        } else {
            stack.extend(node.tokens());
        }
    }
    lines
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
