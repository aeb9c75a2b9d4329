//! What an app itself says of its environments: comparisons with production's name, context keys and variables that it reads, maps
//! by environment, and names that are given a token.

use super::names::{SPELLINGS, is_production, plain, rank};
use crate::model::Model;
use crate::model::imports::string_text;
use crate::model::meaning::{has_word, words};
use crate::syntax::{Parsed, Syn};

/// What the app itself says about its environments, worked out once.
#[derive(Debug, Default)]
pub(crate) struct Facts<'a> {
    pub(super) comparisons: Vec<Comparison<'a>>,
    /// Context keys and process variables that name an environment: the best first.
    pub(super) context: Vec<&'a str>,
    pub(super) process: Vec<&'a str>,
    /// Names that somewhere are given a token.
    pub(super) tokens: Vec<String>,
    /// Production-like keys of maps.
    pub(super) map_keys: Vec<&'a str>,
}

/// `receiver === 'prod'`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Comparison<'a> {
    pub(super) node: Syn<'a>,
    pub(super) receiver: Syn<'a>,
    pub(super) literal: Syn<'a>,
    pub(super) equal: bool,
}

impl<'a> Model<'a> {
    pub(super) fn environment_facts(&self) -> &Facts<'a> {
        self.environment.get_or_init(|| {
            let mut facts = Facts::default();
            for file in self.app.files.iter().filter(|file| file.candidate.language.is_script()) {
                let Ok(text) = file.text() else { continue };
                let speaks = file.speaks_cdk() || SPELLINGS.iter().any(|word| has_word(text, word));
                if let Some(parsed) = speaks.then(|| file.parsed()).flatten() {
                    facts.read(parsed);
                }
            }
            facts.context.sort_by_key(|key| rank(key));
            facts.process.sort_by_key(|key| rank(key));
            facts
        })
    }
}

impl<'a> Facts<'a> {
    fn read(&mut self, file: &'a Parsed) {
        let root = Syn::root(file);
        for spelling in SPELLINGS {
            for span in words(root, spelling) {
                let Some(node) = root.at(span) else { continue };
                self.comparison(node);
                self.map_key(node);
            }
        }
        self.comparisons
            .sort_by(|a, b| (&a.node.file.path, a.node.start()).cmp(&(&b.node.file.path, b.node.start())));
        for method in ["tryGetContext", "getContext"] {
            for span in words(root, method) {
                let call = root
                    .at(span)
                    .and_then(Syn::parent)
                    .and_then(Syn::parent)
                    .filter(|call| call.is("call_expression") && !counts_as_production(*call));
                let key = call
                    .and_then(|call| call.field("arguments"))
                    .and_then(Syn::first)
                    .filter(|key| key.is("string"));
                self.context.extend(key.map(string_text).filter(|key| rank(key).is_some()));
            }
        }
        for span in words(root, "env") {
            let Some(env) = root.at(span).and_then(Syn::parent).filter(|env| env.text() == "process.env")
            else {
                continue;
            };
            let access = env.parent().filter(|access| access.is("member_expression"));
            let key = access.and_then(|access| access.field("property")).map(Syn::text);
            self.process.extend(key.filter(|key| rank(key).is_some()));
        }
        for span in words(root, "valueAsString") {
            let Some(access) = root.at(span).and_then(Syn::parent) else { continue };
            let name =
                access.ancestors().take_while(|node| !node.kind().ends_with("statement")).find_map(|node| {
                    match node.kind() {
                        "pair" => node.field("key"),
                        "variable_declarator" => node.field("name"),
                        "assignment_expression" => node.field("left")?.field("property"),
                        _ => None,
                    }
                });
            self.tokens.extend(name.map(|name| plain(name.text())));
        }
    }

    /// Reads `x === 'prod'`, `x === Stage.PROD` and `case 'prod':`.
    fn comparison(&mut self, word: Syn<'a>) {
        let Some(literal) =
            word.parent().filter(|node| matches!(node.kind(), "string" | "member_expression"))
        else {
            return;
        };
        let exact = if literal.is("string") {
            is_production(string_text(literal))
        } else {
            literal.field("property") == Some(word)
                && literal
                    .field("object")
                    .is_some_and(|object| object.text().starts_with(|c: char| c.is_ascii_uppercase()))
        };
        let Some(around) = literal.parent().filter(|_| exact) else { return };
        if around.is("switch_case") && around.field("value") == Some(literal) {
            let value = around
                .ancestor("switch_statement")
                .and_then(|switch| switch.field("value"))
                .and_then(Syn::first);
            let named = value.filter(|value| final_name(*value).is_some());
            self.comparisons.extend(named.map(|receiver| Comparison {
                node: around,
                receiver,
                literal,
                equal: false,
            }));
            return;
        }
        let Some(operator) = around.is("binary_expression").then(|| around.field("operator")).flatten()
        else {
            return;
        };
        let equal = match operator.text() {
            "===" | "==" => true,
            "!==" | "!=" => false,
            _ => return,
        };
        let receiver =
            if around.field("left") == Some(literal) { around.field("right") } else { around.field("left") };
        let Some(receiver) = receiver.filter(|receiver| final_name(*receiver).is_some()) else { return };
        self.comparisons.push(Comparison { node: around, receiver, literal, equal });
    }

    /// Reads `{ dev: …, prod: … }`.
    fn map_key(&mut self, word: Syn<'a>) {
        let key = if word.is("string_fragment") { word.parent() } else { Some(word) };
        let Some(pair) = key.and_then(Syn::parent).filter(|pair| pair.is("pair") && pair.field("key") == key)
        else {
            return;
        };
        let siblings =
            pair.parent().into_iter().flat_map(Syn::children).filter_map(crate::model::props::key_of);
        let of_environments = siblings
            .map(plain)
            .any(|name| matches!(name.as_str(), "dev" | "development" | "staging" | "stage" | "test" | "qa"));
        if of_environments {
            self.map_keys.push(word.text());
        }
    }
}

/// Whether what is not given counts as production: `tryGetContext('k') ?? 'prod'`. Such a read, which wa-fix itself
/// writes where it is configured, must not be compared without its fallback.
fn counts_as_production(read: Syn<'_>) -> bool {
    read.parent().is_some_and(|around| {
        around.field("left") == Some(read)
            && around.field("operator").is_some_and(|operator| matches!(operator.text(), "??" | "||"))
            && around
                .field("right")
                .is_some_and(|value| value.is("string") && is_production(string_text(value)))
    })
}

/// A string literal in single quotes; other literals as they are.
pub(super) fn single_quoted(literal: Syn<'_>) -> String {
    if literal.is("string") { format!("'{}'", string_text(literal)) } else { literal.text().to_owned() }
}

/// The name of what is compared: the last of `a.b.c`, also of `a.b.toLowerCase()`; the key of `tryGetContext('key')`.
pub(super) fn final_name(path: Syn<'_>) -> Option<&str> {
    match path.kind() {
        "member_expression" => root_of(path).and(path.field("property")).map(Syn::text),
        "identifier" => Some(path.text()),
        "call_expression" => {
            let function = path.field("function")?;
            match function.field("property")?.text() {
                "tryGetContext" | "getContext" => {
                    path.field("arguments")?.first().filter(|key| key.is("string")).map(string_text)
                }
                "toLowerCase" => final_name(function.field("object")?),
                _ => None,
            }
        }
        _ => None,
    }
}

/// The first name of `a.b.c`, or `this`.
pub(super) fn root_of(path: Syn<'_>) -> Option<Syn<'_>> {
    match path.kind() {
        "identifier" | "this" => Some(path),
        "member_expression" => root_of(path.field("object")?),
        _ => None,
    }
}
