//! Text to tree.

use std::cell::RefCell;
use std::sync::Arc;

use tree_sitter::{Node, Parser, Tree};

use crate::source::Language;

/// A text and its tree.
#[derive(Debug)]
pub struct Parsed {
    /// As printed in reports.
    pub path: String,
    /// The whole text, byte-order mark and line ends included: offsets are those of the file.
    pub text: Arc<str>,
    /// The grammar.
    pub language: Language,
    tree: Tree,
}

impl Parsed {
    /// The root node.
    pub fn root(&self) -> Node<'_> {
        self.tree.root_node()
    }
}

thread_local! {
    static PARSER: RefCell<Parser> = RefCell::new(Parser::new());
}

/// The grammar's tables.
pub(crate) fn grammar(language: Language) -> tree_sitter::Language {
    match language {
        Language::TypeScript => tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into(),
        Language::Tsx => tree_sitter_typescript::LANGUAGE_TSX.into(),
        Language::Yaml => tree_sitter_yaml::LANGUAGE.into(),
        Language::Json => tree_sitter_json::LANGUAGE.into(),
    }
}

/// Parses; `None` only if the grammar does not fit the linked tree-sitter, which a test excludes.
pub fn parse(path: &str, text: Arc<str>, language: Language) -> Option<Parsed> {
    let tree = PARSER.with_borrow_mut(|parser| {
        parser.set_language(&grammar(language)).ok()?;
        parser.parse(text.as_bytes(), None)
    })?;
    Some(Parsed { path: path.to_owned(), text, language, tree })
}

/// The first syntax error of a tree, as a byte offset.
pub fn first_error(parsed: &Parsed) -> Option<usize> {
    let root = parsed.root();
    if !root.has_error() {
        return None;
    }
    let mut node = root;
    loop {
        if node.is_error() || node.is_missing() {
            return Some(node.start_byte());
        }
        let mut cursor = node.walk();
        match node.children(&mut cursor).find(|child| child.has_error() || child.is_missing()) {
            Some(child) => node = child,
            None => return Some(node.start_byte()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_grammar_fits_the_linked_library() {
        for (language, text) in [
            (Language::TypeScript, "const a: number = <number>b;"),
            (Language::Tsx, "const a = <b/>;"),
            (Language::Yaml, "a: [b]\n"),
            (Language::Json, "{\"a\": 1}"),
        ] {
            let parsed = parse("x", text.into(), language).unwrap();
            assert_eq!(first_error(&parsed), None, "{language:?}");
        }
    }

    #[test]
    fn an_error_has_a_place() {
        let parsed = parse("x.ts", "foo(1);\nx = (\n".into(), Language::TypeScript).unwrap();
        assert!(first_error(&parsed).is_some());
    }
}
