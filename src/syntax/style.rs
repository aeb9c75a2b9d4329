//! How a file is written: indentation, quotes, semicolons, line ends.

use super::{Parsed, Syn};

/// The habits of one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// One level of indentation.
    pub indent: Indent,
    /// `'` or `"`.
    pub quote: char,
    /// Whether statements end in `;`.
    pub semicolons: bool,
    /// The line end.
    pub eol: &'static str,
}

/// One level of indentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Indent {
    /// A tab.
    Tab,
    /// This many spaces.
    Spaces(usize),
}

impl Indent {
    /// The text of `levels` levels.
    pub fn text(self, levels: usize) -> String {
        match self {
            Self::Tab => "\t".repeat(levels),
            Self::Spaces(width) => " ".repeat(width * levels),
        }
    }
}

impl Style {
    /// Reads the habits off a file.
    pub(super) fn of(file: &Parsed) -> Self {
        let text = &*file.text;
        let single = memchr::memchr_iter(b'\'', text.as_bytes()).count();
        let double = memchr::memchr_iter(b'"', text.as_bytes()).count();
        let mut ended = 0_usize;
        let mut open = 0_usize;
        for statement in Syn::root(file).children() {
            if matches!(statement.kind(), "import_statement" | "lexical_declaration" | "expression_statement")
            {
                if statement.text().ends_with(';') {
                    ended += 1;
                } else {
                    open += 1;
                }
            }
        }
        Self {
            indent: indent_of(text),
            quote: if double > single { '"' } else { '\'' },
            semicolons: ended >= open,
            eol: if memchr::memmem::find(text.as_bytes(), b"\r\n").is_some() { "\r\n" } else { "\n" },
        }
    }
}

/// The commonest step between the indentation of one line and the next deeper one.
fn indent_of(text: &str) -> Indent {
    let mut tabs = 0_usize;
    let mut steps = [0_usize; 9];
    let mut before = 0_usize;
    for line in text.lines().take(400) {
        let body = line.trim_start_matches([' ', '\t']);
        if body.is_empty() || body.starts_with('*') || body.starts_with("//") {
            continue;
        }
        if line.starts_with('\t') {
            tabs += 1;
            continue;
        }
        let width = line.len() - body.len();
        if let Some(step) = width.checked_sub(before).and_then(|step| steps.get_mut(step)) {
            *step += 1;
        }
        before = width;
    }
    let (width, count) = steps
        .iter()
        .enumerate()
        .skip(2)
        .max_by_key(|(width, count)| (**count, usize::MAX - width))
        .unwrap_or((2, &0));
    if tabs > *count {
        Indent::Tab
    } else if *count == 0 {
        Indent::Spaces(2)
    } else {
        Indent::Spaces(width)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Language;
    use crate::syntax::parse;

    fn style(text: &str) -> Style {
        parse("a.ts", text.into(), Language::TypeScript).unwrap().style()
    }

    #[test]
    fn habits_are_read_off_the_file() {
        let found = style("const a = \"x\"\nfunction f() {\n\treturn \"y\"\n}\n");
        assert_eq!(found, Style { indent: Indent::Tab, quote: '"', semicolons: false, eol: "\n" });
        let found = style("const a = 'x';\r\nif (a) {\r\n    b();\r\n}\r\n");
        assert_eq!(found, Style { indent: Indent::Spaces(4), quote: '\'', semicolons: true, eol: "\r\n" });
    }
}
