//! Text to tree.

use std::cell::RefCell;
use std::collections::HashMap;
use std::num::NonZeroU16;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tree_sitter::{Node, Parser, Tree};

use super::style::Style;
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
    names: &'static Names,
    /// Where the app's list of files has it: a guess that the model checks.
    pub(crate) place: AtomicUsize,
    words: Mutex<HashMap<Box<str>, Arc<[usize]>>>,
    style: OnceLock<Style>,
}

impl Parsed {
    /// The root node.
    pub fn root(&self) -> Node<'_> {
        self.tree.root_node()
    }

    /// How the file is written.
    pub fn style(&self) -> Style {
        *self.style.get_or_init(|| Style::of(self))
    }

    /// Where a word stands alone in the text. Kept: rules ask every file for the same words again and again.
    pub(crate) fn word_starts(&self, word: &str) -> Arc<[usize]> {
        let mut words = self.words.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = words.get(word) {
            return Arc::clone(known);
        }
        let starts: Arc<[usize]> = lone_words(&self.text, word).collect();
        words.insert(word.into(), Arc::clone(&starts));
        starts
    }

    /// The grammar's name of a node of this file.
    pub(super) fn kind<'a>(&self, node: Node<'a>) -> &'a str {
        match self.names.kinds.get(usize::from(node.kind_id())) {
            Some(kind) => kind,
            // An error, whose number is beyond the grammar's own.
            None => node.kind(),
        }
    }

    /// The number of a field of the grammar.
    pub(super) fn field(&self, name: &str) -> Option<NonZeroU16> {
        let fields = &self.names.fields;
        fields
            .binary_search_by(|(other, _)| by_length(other, name))
            .ok()
            .and_then(|at| fields.get(at))
            .map(|(_, id)| *id)
    }
}

/// The names of a grammar's kinds and fields. tree-sitter keeps them as C strings, which are measured and
/// checked each time that one is asked for, and rules ask for nothing more often.
#[derive(Debug)]
struct Names {
    kinds: Vec<&'static str>,
    fields: Vec<(&'static str, NonZeroU16)>,
}

impl Names {
    fn of(language: Language) -> &'static Self {
        type Known = OnceLock<(tree_sitter::Language, OnceLock<Names>)>;
        static KNOWN: [Known; 4] = [const { OnceLock::new() }; 4];
        let [script, jsx, yaml, json] = &KNOWN;
        let known = match language {
            Language::TypeScript => script,
            Language::Tsx => jsx,
            Language::Yaml => yaml,
            Language::Json => json,
        };
        let (grammar, names) = known.get_or_init(|| (grammar(language), OnceLock::new()));
        names.get_or_init(|| Self::read(grammar))
    }

    fn read(grammar: &'static tree_sitter::Language) -> Self {
        let upto = |count: usize| u16::try_from(count).unwrap_or(u16::MAX);
        let kinds = (0..upto(grammar.node_kind_count()))
            .map(|id| grammar.node_kind_for_id(id).unwrap_or_default())
            .collect();
        let mut fields: Vec<_> = (1..=upto(grammar.field_count()))
            .filter_map(|id| Some((grammar.field_name_for_id(id)?, NonZeroU16::new(id)?)))
            .collect();
        fields.sort_unstable_by(|(a, _), (b, _)| by_length(a, b));
        Self { kinds, fields }
    }
}

/// An order that seldom has to look at the letters.
fn by_length(a: &str, b: &str) -> std::cmp::Ordering {
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
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
    Some(Parsed {
        path: path.to_owned(),
        text,
        language,
        tree,
        names: Names::of(language),
        place: AtomicUsize::new(0),
        words: Mutex::default(),
        style: OnceLock::new(),
    })
}

/// Byte offsets at which a word stands alone, strings and comments included.
pub(crate) fn lone_words(text: &str, word: &str) -> impl Iterator<Item = usize> {
    let text = text.as_bytes();
    let length = word.len();
    let name_byte = |byte: Option<&u8>| {
        byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$'))
    };
    memchr::memmem::find_iter(text, word.as_bytes()).filter(move |at| {
        !name_byte(at.checked_sub(1).and_then(|before| text.get(before))) && !name_byte(text.get(at + length))
    })
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

/// Whether a tree holds what TypeScript has and JavaScript has not.
pub fn has_types(parsed: &Parsed) -> bool {
    const TYPES: [&str; 9] = [
        "type_annotation",
        "type_arguments",
        "as_expression",
        "satisfies_expression",
        "non_null_expression",
        "interface_declaration",
        "type_alias_declaration",
        "enum_declaration",
        "accessibility_modifier",
    ];
    let mut stack = vec![parsed.root()];
    while let Some(node) = stack.pop() {
        if TYPES.contains(&parsed.kind(node)) {
            return true;
        }
        let mut cursor = node.walk();
        stack.extend(node.children(&mut cursor));
    }
    false
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
    fn names_are_those_of_the_grammar() {
        let text = "class A extends B<C> { x = (1; }\nfoo({ a, ...b }, `${c}`";
        for language in [Language::TypeScript, Language::Tsx] {
            let parsed = parse("x.ts", text.into(), language).unwrap();
            let mut stack = vec![parsed.root()];
            while let Some(node) = stack.pop() {
                assert_eq!(parsed.kind(node), node.kind());
                let mut cursor = node.walk();
                stack.extend(node.children(&mut cursor));
            }
            for field in ["name", "arguments", "constructor", "value"] {
                let id = grammar(language).field_id_for_name(field);
                assert_eq!(parsed.field(field), id, "{field}");
            }
            assert_eq!(parsed.field("no_such_field"), None);
        }
    }

    #[test]
    fn types_are_told_from_javascript() {
        let parsed = |text: &str| parse("x.js", text.into(), Language::Tsx).unwrap();
        assert!(has_types(&parsed("const a: string | undefined = f();")));
        assert!(has_types(&parsed("f(a!, b as any);")));
        assert!(!has_types(&parsed("class A extends B { c = (d) => d ? 1 : 2; static #e = `${f}`; }")));
    }

    #[test]
    fn an_error_has_a_place() {
        let parsed = parse("x.ts", "foo(1);\nx = (\n".into(), Language::TypeScript).unwrap();
        assert!(first_error(&parsed).is_some());
    }
}
