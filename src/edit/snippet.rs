//! The tokens of a snippet that a file's style decides on: quotes, semicolons, and lines that must stay as they are.
//!
//! Snippets are pieces of statements, objects and classes that rarely parse by themselves, so they are read token by token.

/// What a style may change in a snippet, as byte offsets from its start, ascending; and what it may not touch.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tokens {
    /// The quotes of `'…'` strings that can be other quotes.
    pub(super) quotes: Vec<usize>,
    /// Semicolons that end a line and that the next line can do without.
    pub(super) semicolons: Vec<usize>,
    /// Lines (from 0) that start inside a template literal.
    pub(super) literal_lines: Vec<usize>,
}

/// Reads the tokens of a snippet; `None` where it ends inside a string, a comment or a template literal.
pub(super) fn tokens(snippet: &str) -> Option<Tokens> {
    let mut reader =
        Reader { text: snippet, at: 0, before: b'\n', open: Vec::new(), tokens: Tokens::default() };
    while let Some(byte) = reader.byte() {
        match byte {
            b'\'' | b'"' => reader.string(byte)?,
            b'`' => {
                reader.at += 1;
                reader.template()?;
            }
            b'}' if reader.open.last() == Some(&0) => {
                reader.open.pop();
                reader.at += 1;
                reader.template()?;
            }
            b'{' | b'}' => {
                if let Some(braces) = reader.open.last_mut() {
                    *braces = if byte == b'{' { *braces + 1 } else { *braces - 1 };
                }
                reader.code(byte);
            }
            b'/' if reader.rest().starts_with("//") => reader.skip_to("\n"),
            b'/' if reader.rest().starts_with("/*") => {
                reader.at += 2;
                reader.skip_past("*/")?;
            }
            b'/' if reader.starts_expression() => reader.pattern()?,
            b';' => reader.semicolon(),
            byte => reader.code(byte),
        }
    }
    reader.open.is_empty().then_some(reader.tokens)
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    /// The last byte of code that is no white space.
    before: u8,
    /// Of each template literal that the code stands in: how many braces are open in its `${…}`.
    open: Vec<usize>,
    tokens: Tokens,
}

impl<'t> Reader<'t> {
    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn code(&mut self, byte: u8) {
        if !byte.is_ascii_whitespace() {
            self.before = byte;
        }
        self.at += 1;
    }

    /// Steps over a string.
    fn string(&mut self, quote: u8) -> Option<()> {
        let start = self.at;
        loop {
            self.at += 1;
            match self.byte()? {
                b'\n' => return None,
                b'\\' => self.at += 1,
                byte if byte == quote => break,
                _ => {}
            }
        }
        let body = self.text.get(start..self.at)?;
        // Other escapes mean the same in both quotes.
        if quote == b'\'' && !body.contains('"') && !body.contains("\\'") {
            self.tokens.quotes.extend([start, self.at]);
        }
        self.code(quote);
        Some(())
    }

    /// Steps over the text of a template literal: past its end, or into the code of a `${…}`.
    fn template(&mut self) -> Option<()> {
        loop {
            match self.byte()? {
                b'`' => {
                    self.code(b'`');
                    return Some(());
                }
                b'$' if self.rest().starts_with("${") => {
                    self.at += 2;
                    self.before = b'{';
                    self.open.push(0);
                    return Some(());
                }
                b'\n' => {
                    let line = self.text.get(..=self.at)?.matches('\n').count();
                    self.tokens.literal_lines.push(line);
                }
                b'\\' => self.at += 1,
                _ => {}
            }
            self.at += 1;
        }
    }

    /// Whether an expression starts here, so that `/` opens a regular expression and does not divide.
    fn starts_expression(&self) -> bool {
        let before = self.text.get(..self.at).unwrap_or_default().trim_end();
        ["return", "case", "typeof"].iter().any(|word| before.ends_with(word))
            || !(self.before.is_ascii_alphanumeric() || b"_$)]}'\"`".contains(&self.before))
    }

    /// Steps over a regular expression.
    fn pattern(&mut self) -> Option<()> {
        let mut in_class = false;
        loop {
            self.at += 1;
            match self.byte()? {
                b'\n' => return None,
                b'\\' => self.at += 1,
                b'[' => in_class = true,
                b']' => in_class = false,
                b'/' if !in_class => break,
                _ => {}
            }
        }
        self.code(b'/');
        self.before = b')';
        Some(())
    }

    fn semicolon(&mut self) {
        let at = self.at;
        self.code(b';');
        let rest = self.rest();
        let next = rest.trim_start();
        let comment = next.starts_with("//") || next.starts_with("/*");
        // A line that starts with one of these goes on with the one before.
        if (rest.is_empty() || rest.starts_with('\n'))
            && (comment || !next.starts_with(['(', '[', '`', '+', '-', '/']))
        {
            self.tokens.semicolons.push(at);
        }
    }

    fn skip_to(&mut self, end: &str) {
        self.at += self.rest().find(end).unwrap_or(self.rest().len());
    }

    fn skip_past(&mut self, end: &str) -> Option<()> {
        self.at += self.rest().find(end)? + end.len();
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(snippet: &str) -> String {
        let tokens = tokens(snippet).unwrap();
        let mark = |(at, character): (usize, char)| {
            let known = tokens.quotes.contains(&at) || tokens.semicolons.contains(&at);
            if known { '#' } else { character }
        };
        snippet.char_indices().map(mark).collect()
    }

    #[test]
    fn quotes_and_semicolons_are_told_from_those_in_other_tokens() {
        assert_eq!(
            marked("f('é', \"b\");\n// it's;\ng('it\\'s');"),
            "f(#é#, \"b\")#\n// it's;\ng('it\\'s')#"
        );
    }

    #[test]
    fn patterns_and_templates_are_stepped_over() {
        assert_eq!(marked("const p = /['/]/;\nx = a / b;\n"), "const p = /['/]/#\nx = a / b#\n");
        assert_eq!(marked("f(`it's ${g('a', { b: 'c' })};\n`);"), "f(`it's ${g(#a#, { b: #c# })};\n`)#");
        assert_eq!(tokens("a(`x\n${b}\ny`);\nc();").unwrap().literal_lines, [1, 2]);
    }

    #[test]
    fn a_semicolon_stays_where_the_next_line_would_go_on() {
        assert_eq!(marked("a();\n[b].c();\n// d\ne();\n"), "a();\n[b].c()#\n// d\ne()#\n");
    }

    #[test]
    fn what_does_not_end_is_left_alone() {
        for open in ["'a\nb'", "/* a", "`a", "`${a", "x = /a\n/"] {
            assert_eq!(tokens(open), None, "{open}");
        }
    }
}
