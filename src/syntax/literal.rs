//! What a string literal says, with the way back from each byte to its source.

use std::ops::Range;

use super::node::Syn;

/// A literal's text as the program sees it. An edit of that text can be made in the source by
/// [`Literal::source`], whatever escapes, quotes or indents the literal has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Literal {
    /// The text. A `${…}` of a template, and a `${{ … }}` of a workflow, stands as the letter `X`.
    pub text: String,
    /// For each byte of `text`, and for its end, the offset in the file.
    at: Vec<usize>,
}

/// Collects a text with its offsets.
#[derive(Default)]
struct Writer {
    text: String,
    at: Vec<usize>,
}

impl Writer {
    fn push(&mut self, character: char, at: usize) {
        self.text.push(character);
        self.at.extend(std::iter::repeat_n(at, character.len_utf8()));
    }

    /// Text that stands in the source as it is.
    fn raw(&mut self, text: &str, start: usize) {
        self.text.push_str(text);
        self.at.extend(start..start + text.len());
    }

    fn finish(mut self, end: usize) -> Literal {
        self.at.push(end);
        Literal { text: self.text, at: self.at }
    }
}

impl Literal {
    /// Reads a string of TypeScript or JSON, a template literal, or a scalar of YAML.
    pub fn of(node: Syn<'_>) -> Option<Self> {
        match node.kind() {
            "string" | "template_string" => Some(escaped(node, true)),
            "double_quote_scalar" => Some(without_expressions(escaped(node, true))),
            "single_quote_scalar" => Some(without_expressions(single_quoted(node))),
            "plain_scalar" => Some(without_expressions(escaped(node, false))),
            "block_scalar" => Some(without_expressions(block(node)?)),
            _ => None,
        }
    }

    /// Where a range of the text stands in the file.
    pub fn source(&self, range: &Range<usize>) -> Option<Range<usize>> {
        let (start, end) = (*self.at.get(range.start)?, *self.at.get(range.end)?);
        Some(start..end)
    }
}

/// A literal with quotes and backslash escapes, or a plain scalar, whose line breaks fold to a blank.
fn escaped(node: Syn<'_>, quoted: bool) -> Literal {
    let inset = usize::from(quoted);
    let (start, end) = (node.start() + inset, node.end().saturating_sub(inset).max(node.start() + inset));
    let text = node.file.text.get(start..end).unwrap_or_default();
    let folds = !node.file.language.is_script();
    let substitutions: Vec<_> =
        node.children().filter(|child| child.is("template_substitution")).map(Syn::span).collect();
    let mut out = Writer::default();
    let mut chars = text.char_indices().peekable();
    while let Some((offset, character)) = chars.next() {
        let at = start + offset;
        if let Some(substitution) = substitutions.iter().find(|span| span.contains(&at)) {
            if substitution.start == at {
                out.push('X', at);
            }
        } else if character == '\\' && quoted {
            match chars.next().map(|(_, escape)| escape) {
                Some('n') => out.push('\n', at),
                Some('t') => out.push('\t', at),
                Some('\n') | None => {}
                Some('u' | 'x') => {
                    while chars
                        .next_if(|(_, next)| next.is_ascii_hexdigit() || matches!(next, '{' | '}'))
                        .is_some()
                    {}
                    out.push('X', at);
                }
                Some(other) => out.push(other, at),
            }
        } else if character == '\n' && folds {
            while chars.next_if(|(_, next)| next.is_whitespace()).is_some() {}
            out.push(' ', at);
        } else {
            out.push(character, at);
        }
    }
    out.finish(end)
}

fn single_quoted(node: Syn<'_>) -> Literal {
    let (start, end) = (node.start() + 1, node.end().saturating_sub(1).max(node.start() + 1));
    let mut out = Writer::default();
    let mut chars = node.file.text.get(start..end).unwrap_or_default().char_indices().peekable();
    while let Some((offset, character)) = chars.next() {
        match character {
            '\'' => {
                let _ = chars.next_if(|(_, next)| *next == '\'');
                out.push('\'', start + offset);
            }
            '\n' => {
                while chars.next_if(|(_, next)| next.is_whitespace()).is_some() {}
                out.push(' ', start + offset);
            }
            other => out.push(other, start + offset),
        }
    }
    out.finish(end)
}

/// A `|` or `>` scalar: the lines below its header without their common indent. A folded scalar is
/// read like a literal one where its lines are commands of their own; others are not read.
fn block(node: Syn<'_>) -> Option<Literal> {
    let text = node.text();
    let (header, body) = text.split_once('\n')?;
    if header.starts_with('>') && body.trim_end().contains('\n') {
        return None;
    }
    let indent = body.lines().find(|line| !line.trim().is_empty())?;
    let indent = indent.len() - indent.trim_start_matches(' ').len();
    let mut at = node.start() + header.len() + 1;
    let mut out = Writer::default();
    let body = body.trim_end();
    for line in body.split_inclusive('\n') {
        let skipped = indent.min(line.len() - line.trim_start_matches(' ').len());
        out.raw(line.get(skipped..).unwrap_or_default(), at + skipped);
        at += line.len();
    }
    Some(out.finish(at))
}

/// The text with each `${{ … }}` as letters: a shell does not see them.
fn without_expressions(mut literal: Literal) -> Literal {
    let mut from = 0;
    while let Some(start) = literal.text.get(from..).and_then(|rest| rest.find("${{")).map(|at| at + from) {
        let Some(length) = literal.text.get(start..).and_then(|rest| rest.find("}}")).map(|at| at + 2) else {
            break;
        };
        literal.text.replace_range(start..start + length, &"X".repeat(length));
        from = start + length;
    }
    literal
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Language;
    use crate::syntax::parse;

    fn first<'a>(root: Syn<'a>, kinds: &[&str]) -> Option<Syn<'a>> {
        if kinds.contains(&root.kind()) {
            return Some(root);
        }
        root.children().find_map(|child| first(child, kinds))
    }

    #[track_caller]
    fn check(source: &str, language: Language, says: &str, part: &str, in_source: &str) {
        let parsed = parse("x", source.into(), language).unwrap();
        let kinds = [
            "string",
            "template_string",
            "double_quote_scalar",
            "single_quote_scalar",
            "block_scalar",
            "plain_scalar",
        ];
        let root = Syn::root(&parsed);
        let node = match language {
            Language::Yaml | Language::Json => {
                first(root, &["block_mapping_pair", "pair"]).and_then(|pair| pair.field("value"))
            }
            _ => Some(root),
        };
        let literal = Literal::of(first(node.unwrap(), &kinds).unwrap()).unwrap();
        assert_eq!(literal.text, says);
        let at = literal.text.find(part).unwrap();
        let span = literal.source(&(at..at + part.len())).unwrap();
        assert_eq!(source.get(span), Some(in_source));
    }

    #[test]
    fn every_kind_of_literal_leads_back_to_its_source() {
        check("x = 'a \\'b\\' || true'", Language::TypeScript, "a 'b' || true", " || true", " || true");
        check("x = \"a \\\"b\\\" c\"", Language::TypeScript, "a \"b\" c", "\"b\" c", "\\\"b\\\" c");
        check("x = `a ${f(\"}\")} b`", Language::TypeScript, "a X b", "X b", "${f(\"}\")} b");
        check("{\"a\": \"x \\\"y\\\" z\"}", Language::Json, "x \"y\" z", " \"y\" z", " \\\"y\\\" z");
        check("a: x || true\n", Language::Yaml, "x || true", " || true", " || true");
        check("a: 'it''s || true'\n", Language::Yaml, "it's || true", "'s || true", "''s || true");
        check("a: |\n  x\n  exit 0\n", Language::Yaml, "x\nexit 0", "\nexit 0", "\n  exit 0");
        check("a: x ${{ y }} || true\n", Language::Yaml, "x XXXXXXXX || true", " || true", " || true");
    }
}
