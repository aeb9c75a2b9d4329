//! A rule's `.scm`: patterns in tree-sitter's query language, with predicates on what the code means.
//!
//! A file holds one or more patterns. Each pattern is a structure and its predicates:
//!
//! ```scheme
//! ; A Lambda function that can lose events.
//! ((new_expression) @site
//!   (#construct? @site "aws_lambda.Function")
//!   (#lacks-prop? @site "deadLetterQueue" "onFailure"))
//! ```
//!
//! | predicate | holds when |
//! |---|---|
//! | `#construct? @site "class" …` | the node builds one of the classes or a subclass of one |
//! | `#direct? @site "class" …` | the node builds one of the classes itself, not through a class that extends it |
//! | `#lacks-prop? @site "name" …` | each property is known to be absent |
//! | `#has-prop? @site "name" …` | one of the properties is known to be present |
//! | `#lacks-call? @site "method" …` | nothing in the app is known to call one of the methods on what the node builds |
//! | `#prop-is? @site "name" "value" …` | the property's canonical name or text is one of the values |
//! | `#prop-literal? @site "name" …` | one of the properties is there as a number or string literal |
//! | `#static? @call "class.method" …` | the node calls one of these static methods |
//! | `#method? @call "name" …` | the node calls a method of one of these names |
//! | `#word? @node "word" …` | the node's text contains one of the words |
//! | `#app-lacks? "class" …` | nothing in the app builds any of the classes |
//! | `#app-has? "class" …` | something in the app builds one of the classes |
//! | `#language? "yaml"` | the pattern is for another grammar than TypeScript's |
//!
//! A structure that is one bare node kind is matched without a tree-sitter query: `new_expression` through the
//! sites that the model keeps, others by finding one of the pattern's words in the text and climbing from
//! there. Any other structure is compiled on first use, only where one of the pattern's words occurs.
//!
//! A custom rule (`src/custom`) has no code beside its query: directives in a pattern, whose names end in `!`, say what is reported
//! and what the fix does where the pattern holds.

use std::sync::Arc;

use thiserror::Error;

use super::directive::{Clause, Directive, directive};
use crate::source::Language;

/// A compiled `.scm`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// Its patterns, in source order.
    pub patterns: Vec<Pattern>,
}

/// One pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    /// The tree structure.
    pub structure: Structure,
    /// What must hold besides, cheap ones first as written.
    pub predicates: Vec<Predicate>,
    /// The grammar it is for.
    pub language: Language,
    /// What is done where it holds; nothing for rules that have code for it.
    pub directives: Arc<[Directive]>,
    /// Where it starts in the text, lines from 1.
    pub line: usize,
}

/// The tree part of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Structure {
    /// `(kind) @capture`.
    Kind {
        /// The node kind.
        kind: String,
        /// The capture's name.
        capture: String,
    },
    /// Anything deeper, as query text.
    Tree(String),
}

/// A predicate with its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Predicate {
    /// Which one.
    pub name: PredicateName,
    /// The capture it is about, without `@`; empty for those about the app.
    pub capture: String,
    /// The string arguments.
    pub arguments: Vec<String>,
    /// Where it stands in the text, lines from 1.
    pub line: usize,
}

/// The predicates that exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the table at the top of the module says what each means")]
pub enum PredicateName {
    Construct,
    Direct,
    LacksProp,
    HasProp,
    LacksCall,
    PropIs,
    PropLiteral,
    Static,
    Method,
    Word,
    AppLacks,
    AppHas,
    Language,
}

const NAMES: [(&str, PredicateName, bool); 13] = [
    ("#construct?", PredicateName::Construct, true),
    ("#direct?", PredicateName::Direct, true),
    ("#lacks-prop?", PredicateName::LacksProp, true),
    ("#has-prop?", PredicateName::HasProp, true),
    ("#lacks-call?", PredicateName::LacksCall, true),
    ("#prop-is?", PredicateName::PropIs, true),
    ("#prop-literal?", PredicateName::PropLiteral, true),
    ("#static?", PredicateName::Static, true),
    ("#method?", PredicateName::Method, true),
    ("#word?", PredicateName::Word, true),
    ("#app-lacks?", PredicateName::AppLacks, false),
    ("#app-has?", PredicateName::AppHas, false),
    ("#language?", PredicateName::Language, false),
];

/// What is wrong with a `.scm`.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("query, line {line}: {what}")]
pub struct QueryError {
    /// Line, from 1.
    pub line: usize,
    /// What is wrong and what to write instead.
    pub what: String,
}

impl Query {
    /// Reads the text of a `.scm`.
    ///
    /// # Errors
    /// [`QueryError`] for unbalanced brackets, unknown predicates, and captures that the structure does not have.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        let forms = read(text)?;
        let mut patterns = Vec::new();
        for form in &forms {
            patterns.push(pattern(text, form)?);
        }
        if patterns.is_empty() {
            return Err(QueryError { line: 1, what: "there is no pattern".to_owned() });
        }
        Ok(Self { patterns })
    }

    /// Words one of which stands in every text that a pattern of the query matches; empty where any
    /// text may match.
    pub fn words(&self) -> Vec<&str> {
        self.patterns.iter().flat_map(Pattern::words).collect()
    }
}

impl Pattern {
    /// See [`Query::words`].
    pub fn words(&self) -> Vec<&str> {
        let mut words = Vec::new();
        for predicate in &self.predicates {
            match predicate.name {
                PredicateName::Word | PredicateName::Method => {
                    words.extend(predicate.arguments.iter().map(String::as_str));
                }
                PredicateName::Static => {
                    words.extend(predicate.arguments.iter().filter_map(|name| name.rsplit('.').next()));
                }
                _ => {}
            }
        }
        words
    }

    /// The names of the captures.
    pub fn captures(&self) -> Vec<&str> {
        match &self.structure {
            Structure::Kind { capture, .. } => vec![capture],
            Structure::Tree(text) => captures_in(text),
        }
    }
}

fn captures_in(text: &str) -> Vec<&str> {
    text.split('@')
        .skip(1)
        .filter_map(|rest| {
            let end = rest
                .find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.')))
                .unwrap_or(rest.len());
            rest.get(..end)
        })
        .collect()
}

/// A bracketed form, an atom or a string, with its place in the text.
#[derive(Debug)]
enum Form {
    List { items: Vec<Form>, start: usize, end: usize },
    Atom { text: String, start: usize, end: usize, string: bool },
}

impl Form {
    fn span(&self) -> (usize, usize) {
        match self {
            Self::List { start, end, .. } | Self::Atom { start, end, .. } => (*start, *end),
        }
    }
}

/// Brackets in brackets: a tree deeper than any pattern that a person would write.
const MAX_DEPTH: usize = 48;

fn line_at(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}

/// Reads all top-level forms; a capture behind a list belongs to the list's pattern.
fn read(text: &str) -> Result<Vec<Form>, QueryError> {
    let mut stack: Vec<(Vec<Form>, usize)> = vec![(Vec::new(), 0)];
    let mut chars = text.char_indices().peekable();
    while let Some((at, character)) = chars.next() {
        match character {
            ';' => while chars.next_if(|(_, c)| *c != '\n').is_some() {},
            '(' | '[' if stack.len() > MAX_DEPTH => {
                let what =
                    format!("brackets stand in more than {MAX_DEPTH} others; make the pattern flatter");
                return Err(QueryError { line: line_at(text, at), what });
            }
            '(' | '[' => stack.push((Vec::new(), at)),
            ')' | ']' => {
                let unbalanced =
                    QueryError { line: line_at(text, at), what: format!("`{character}` closes nothing") };
                let (items, start) = stack.pop().ok_or_else(|| unbalanced.clone())?;
                let Some((outer, _)) = stack.last_mut() else { return Err(unbalanced) };
                outer.push(Form::List { items, start, end: at + 1 });
            }
            '"' => {
                let mut value = String::new();
                let mut end = None;
                while let Some((inner, c)) = chars.next() {
                    match c {
                        '\\' => value.extend(
                            chars.next().map(|(_, escaped)| if escaped == 'n' { '\n' } else { escaped }),
                        ),
                        '"' => {
                            end = Some(inner + 1);
                            break;
                        }
                        c => value.push(c),
                    }
                }
                let Some(end) = end else {
                    return Err(QueryError {
                        line: line_at(text, at),
                        what: "a string is not closed".to_owned(),
                    });
                };
                if let Some((outer, _)) = stack.last_mut() {
                    outer.push(Form::Atom { text: value, start: at, end, string: true });
                }
            }
            c if c.is_whitespace() => {}
            _ => {
                let mut end = at + character.len_utf8();
                while let Some((inner, c)) =
                    chars.next_if(|(_, c)| !c.is_whitespace() && !"()[]\";".contains(*c))
                {
                    end = inner + c.len_utf8();
                }
                if let (Some((outer, _)), Some(word)) = (stack.last_mut(), text.get(at..end)) {
                    outer.push(Form::Atom { text: word.to_owned(), start: at, end, string: false });
                }
            }
        }
    }
    match stack.as_slice() {
        [(_, _)] => Ok(stack.pop().map(|(forms, _)| forms).unwrap_or_default()),
        _ => {
            let open = stack.last().map_or(0, |(_, start)| *start);
            Err(QueryError { line: line_at(text, open), what: "a bracket is not closed".to_owned() })
        }
    }
}

fn pattern(text: &str, form: &Form) -> Result<Pattern, QueryError> {
    let (start, _) = form.span();
    let error = |what: &str| QueryError { line: line_at(text, start), what: what.to_owned() };
    let Form::List { items, .. } = form else {
        return Err(error("a pattern is written ((structure) @capture (#predicate? …))"));
    };
    let is_clause = |form: &Form| {
        matches!(form, Form::List { items, .. }
            if matches!(items.first(), Some(Form::Atom { text, string: false, .. }) if text.starts_with('#')))
    };
    let (clause_forms, structure_forms): (Vec<_>, Vec<_>) = items.iter().partition(|form| is_clause(form));
    let structure = match structure_forms.as_slice() {
        [Form::List { items, .. }, Form::Atom { text: capture, string: false, .. }]
            if items.len() == 1 && capture.starts_with('@') =>
        {
            match items.first() {
                Some(Form::Atom { text: kind, string: false, .. }) => Structure::Kind {
                    kind: kind.clone(),
                    capture: capture.trim_start_matches('@').to_owned(),
                },
                _ => return Err(error("the structure is empty")),
            }
        }
        [first, .., last] => {
            let whole = text.get(first.span().0..last.span().1).unwrap_or_default();
            Structure::Tree(whole.to_owned())
        }
        _ => return Err(error("a pattern is written ((structure) @capture (#predicate? …))")),
    };
    let mut found = Pattern {
        structure,
        predicates: Vec::new(),
        language: Language::TypeScript,
        directives: Arc::default(),
        line: line_at(text, start),
    };
    let mut directives = Vec::new();
    for form in clause_forms {
        let clause = clause(text, form)?;
        let captures = found.captures();
        if !clause.capture.is_empty() && !captures.contains(&clause.capture.as_str()) {
            let what = format!("@{} is not captured by the structure", clause.capture);
            return Err(QueryError { line: clause.line, what });
        }
        if clause.name.ends_with('!') {
            directives.push(directive(clause)?);
            continue;
        }
        let predicate = predicate(clause)?;
        if predicate.name == PredicateName::Language {
            found.language = match predicate.arguments.first().map(String::as_str) {
                Some("yaml") => Language::Yaml,
                Some("json") => Language::Json,
                Some("typescript") => Language::TypeScript,
                _ => return Err(error("#language? takes \"typescript\", \"yaml\" or \"json\"")),
            };
        } else {
            found.predicates.push(predicate);
        }
    }
    found.directives = directives.into();
    if let Structure::Kind { kind, .. } = &found.structure
        && kind != "new_expression"
        && found.words().is_empty()
    {
        let site = !similar::get_close_matches(kind.as_str(), &["new_expression"], 1, 0.8).is_empty();
        let meant = if site { "; did you mean `new_expression`?" } else { "" };
        return Err(error(&format!(
            "a bare node kind needs #word?, #static? or #method? to be found by{meant}"
        )));
    }
    Ok(found)
}

fn clause(text: &str, form: &Form) -> Result<Clause, QueryError> {
    let line = line_at(text, form.span().0);
    let error = |what: String| QueryError { line, what };
    let Form::List { items, .. } = form else { return Err(error("not a predicate".to_owned())) };
    let Some(Form::Atom { text: name, .. }) = items.first() else {
        return Err(error("not a predicate".to_owned()));
    };
    let mut clause = Clause { name: name.clone(), capture: String::new(), arguments: Vec::new(), line };
    for item in items.iter().skip(1) {
        match item {
            Form::Atom { text, string: false, .. } if text.starts_with('@') && clause.capture.is_empty() => {
                text.trim_start_matches('@').clone_into(&mut clause.capture);
            }
            Form::Atom { text, string: true, .. } => clause.arguments.push(text.clone()),
            _ => return Err(error(format!("{name} takes one capture and strings"))),
        }
    }
    Ok(clause)
}

fn predicate(clause: Clause) -> Result<Predicate, QueryError> {
    let Some((_, known, with_capture)) = NAMES.iter().find(|(word, _, _)| *word == clause.name) else {
        return Err(clause.unknown("predicate", &NAMES.map(|(word, _, _)| word)));
    };
    clause.takes_capture(*with_capture)?;
    if clause.arguments.is_empty() {
        return Err(clause.error(format!("{} takes at least one string", clause.name)));
    }
    let Clause { capture, arguments, line, .. } = clause;
    Ok(Predicate { name: *known, capture, arguments, line })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_kind_and_its_predicates() {
        let query = Query::parse(
            "; why\n((new_expression) @site\n (#construct? @site \"aws_sqs.Queue\")\n (#lacks-prop? @site \"a\" \"b\"))",
        )
        .unwrap();
        let pattern = &query.patterns[0];
        assert_eq!(
            pattern.structure,
            Structure::Kind { kind: "new_expression".into(), capture: "site".into() }
        );
        assert_eq!(pattern.predicates.len(), 2);
        assert_eq!(pattern.predicates[1].arguments, ["a", "b"]);
    }

    #[test]
    fn a_deeper_structure_stays_query_text() {
        let query =
            Query::parse("((call_expression function: (identifier) @f) @call (#word? @f \"foo\"))").unwrap();
        let Structure::Tree(text) = &query.patterns[0].structure else { panic!("{query:?}") };
        assert_eq!(text, "(call_expression function: (identifier) @f) @call");
        assert_eq!(query.words(), ["foo"]);
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        for (text, line, part) in [
            ("((new_expression) @s (#constuct? @s \"x\"))", 1, "did you mean #construct?"),
            ("((new_expression) @s\n (#set-porp! @s \"x\" \"y\"))", 2, "did you mean #set-prop!"),
            ("((new_expression) @s\n (#set-prop! @s \"x\"))", 2, "takes 2 strings, not 1"),
            ("((new_expression) @s (#fix! @s \"x\"))", 1, "takes no capture"),
            ("\n((new_expression) @s (#construct? @t \"x\"))", 2, "@t is not captured"),
            ("((new_expression) @s", 1, "not closed"),
            ("((string) @s (#prop-is? @s \"x\"))", 1, "needs #word?"),
            ("((new_expression) @s (#construct? @s))", 1, "at least one string"),
            ("", 1, "no pattern"),
        ] {
            let error = Query::parse(text).unwrap_err();
            assert!(error.what.contains(part) && error.line == line, "{text}: {error}");
        }
    }
}
