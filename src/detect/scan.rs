//! Runs the rules' queries over an app: find by word, ask the tree there, then the predicates.

use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock};

use tree_sitter::StreamingIterator;

use super::query::{Pattern, Predicate, PredicateName, Query, QueryError, Structure};
use crate::model::{Model, Prop, Site};
use crate::source::Language;
use crate::syntax::{Parsed, Syn};

/// One place where a rule's query holds.
pub struct Match<'m, 'a> {
    /// The app's meaning.
    pub model: &'m Model<'a>,
    captures: Vec<(String, Syn<'a>)>,
}

impl<'a> Match<'_, 'a> {
    /// The node of a capture.
    pub fn node(&self, capture: &str) -> Option<Syn<'a>> {
        self.captures.iter().find(|(name, _)| name == capture).map(|(_, node)| *node)
    }

    /// The construct site of a capture.
    pub fn site(&self, capture: &str) -> Option<Site<'a>> {
        self.model.site_of(self.node(capture)?)
    }
}

/// Patterns by rule and position.
type Fitting = std::sync::Arc<[(usize, usize)]>;

/// The queries of a set of rules, ready to run.
pub struct Scanner {
    queries: Vec<Query>,
    /// For a class, the patterns (rule, pattern) whose `#construct?` it satisfies.
    by_class: Mutex<BTreeMap<String, Fitting>>,
    words: OnceLock<WordIndex>,
}

/// All words of all patterns that are found by word.
struct WordIndex {
    automaton: Option<aho_corasick::AhoCorasick>,
    /// For each word of the automaton: the patterns (rule, pattern) it belongs to.
    owners: Vec<Vec<(usize, usize)>>,
}

impl Scanner {
    /// Reads the queries; rules are known by their position.
    ///
    /// # Errors
    /// The first [`QueryError`], with the position of its rule.
    pub fn new<'q>(texts: impl IntoIterator<Item = &'q str>) -> Result<Self, (usize, QueryError)> {
        let queries = texts
            .into_iter()
            .enumerate()
            .map(|(rule, text)| Query::parse(text).map_err(|error| (rule, error)))
            .collect::<Result<_, _>>()?;
        Ok(Self { queries, by_class: Mutex::default(), words: OnceLock::new() })
    }

    /// Calls `found` with the rule's position and the match, for every match in one file.
    pub fn file<'m, 'a>(
        &self,
        model: &'m Model<'a>,
        file: &'a Parsed,
        found: &mut dyn FnMut(usize, Match<'m, 'a>),
    ) {
        if file.language.is_script() {
            for site in model.sites(file) {
                for (rule, index) in self.for_class(model, &site.class).iter() {
                    let Some(pattern) = self.pattern(*rule, *index) else { continue };
                    let Structure::Kind { capture, .. } = &pattern.structure else { continue };
                    let matched = Match { model, captures: vec![(capture.clone(), site.node)] };
                    if holds(pattern, &matched, Some(site)) {
                        found(*rule, matched);
                    }
                }
            }
        }
        self.by_word(model, file, found);
    }

    fn pattern(&self, rule: usize, index: usize) -> Option<&Pattern> {
        self.queries.get(rule)?.patterns.get(index)
    }

    /// The construct patterns that a class satisfies, worked out once for each class.
    fn for_class(&self, model: &Model<'_>, class: &str) -> Fitting {
        let mut cache = self.by_class.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(known) = cache.get(class) {
            return std::sync::Arc::clone(known);
        }
        let mut fitting = Vec::new();
        for (rule, query) in self.queries.iter().enumerate() {
            for (index, pattern) in query.patterns.iter().enumerate() {
                if !is_site_pattern(pattern) {
                    continue;
                }
                let fits = pattern
                    .predicates
                    .iter()
                    .filter(|predicate| predicate.name == PredicateName::Construct)
                    .all(|predicate| {
                        predicate.arguments.iter().any(|wanted| model.catalogue.is_a(class, wanted))
                    });
                if fits {
                    fitting.push((rule, index));
                }
            }
        }
        let fitting: std::sync::Arc<[_]> = fitting.into();
        cache.insert(class.to_owned(), std::sync::Arc::clone(&fitting));
        fitting
    }

    fn word_index(&self) -> &WordIndex {
        self.words.get_or_init(|| {
            let mut words: BTreeMap<&str, Vec<(usize, usize)>> = BTreeMap::new();
            for (rule, query) in self.queries.iter().enumerate() {
                for (index, pattern) in query.patterns.iter().enumerate() {
                    if !is_site_pattern(pattern) {
                        for word in pattern.words() {
                            words.entry(word).or_default().push((rule, index));
                        }
                    }
                }
            }
            let automaton = aho_corasick::AhoCorasick::new(words.keys()).ok();
            WordIndex { automaton, owners: words.into_values().collect() }
        })
    }

    /// Whether a text holds a word of a pattern for its grammar: where not, it need not be parsed.
    pub fn has_word(&self, text: &str, language: Language) -> bool {
        let index = self.word_index();
        index.automaton.as_ref().is_some_and(|automaton| {
            automaton.find_iter(text.as_bytes()).any(|hit| {
                index.owners.get(hit.pattern().as_usize()).is_some_and(|owners| {
                    owners
                        .iter()
                        .any(|(rule, index)| self.pattern(*rule, *index).is_some_and(|p| speaks(p, language)))
                })
            })
        })
    }

    fn by_word<'m, 'a>(
        &self,
        model: &'m Model<'a>,
        file: &'a Parsed,
        found: &mut dyn FnMut(usize, Match<'m, 'a>),
    ) {
        let index = self.word_index();
        let Some(automaton) = &index.automaton else { return };
        let mut nodes: BTreeMap<(usize, usize), Vec<Syn<'a>>> = BTreeMap::new();
        let mut trees: std::collections::BTreeSet<(usize, usize)> = std::collections::BTreeSet::new();
        let root = Syn::root(file);
        for hit in automaton.find_iter(file.text.as_bytes()) {
            let Some(owners) = index.owners.get(hit.pattern().as_usize()) else { continue };
            for owner in owners {
                let Some(pattern) =
                    self.pattern(owner.0, owner.1).filter(|pattern| speaks(pattern, file.language))
                else {
                    continue;
                };
                match &pattern.structure {
                    Structure::Tree(_) => {
                        trees.insert(*owner);
                    }
                    Structure::Kind { kind, .. } => {
                        let Some(token) = root.at(hit.start()..hit.end()) else { continue };
                        let around = std::iter::once(token).chain(token.ancestors());
                        let Some(node) = around.into_iter().find(|node| node.is(kind)) else { continue };
                        let known = nodes.entry(*owner).or_default();
                        if !known.contains(&node) {
                            known.push(node);
                        }
                    }
                }
            }
        }
        for (owner, nodes) in nodes {
            let Some(pattern) = self.pattern(owner.0, owner.1) else { continue };
            let Structure::Kind { capture, .. } = &pattern.structure else { continue };
            for node in nodes {
                let matched = Match { model, captures: vec![(capture.clone(), node)] };
                if holds(pattern, &matched, None) {
                    found(owner.0, matched);
                }
            }
        }
        for owner in trees {
            let Some(pattern) = self.pattern(owner.0, owner.1) else { continue };
            let Structure::Tree(text) = &pattern.structure else { continue };
            for captures in run_tree(text, file) {
                let matched = Match { model, captures };
                if holds(pattern, &matched, None) {
                    found(owner.0, matched);
                }
            }
        }
    }
}

fn speaks(pattern: &Pattern, language: Language) -> bool {
    pattern.language == language || (pattern.language == Language::TypeScript && language == Language::Tsx)
}

fn is_site_pattern(pattern: &Pattern) -> bool {
    matches!(&pattern.structure, Structure::Kind { kind, .. } if kind == "new_expression")
}

/// Compiled structures, shared by all rules.
fn compiled(text: &str, language: Language) -> Option<std::sync::Arc<tree_sitter::Query>> {
    type Cache = Mutex<BTreeMap<(Language, String), Option<std::sync::Arc<tree_sitter::Query>>>>;
    static CACHE: OnceLock<Cache> = OnceLock::new();
    let mut cache =
        CACHE.get_or_init(Mutex::default).lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    cache
        .entry((language, text.to_owned()))
        .or_insert_with(|| {
            tree_sitter::Query::new(&crate::syntax::grammar(language), text).ok().map(std::sync::Arc::new)
        })
        .clone()
}

fn run_tree<'a>(text: &str, file: &'a Parsed) -> Vec<Vec<(String, Syn<'a>)>> {
    let Some(query) = compiled(text, file.language) else { return Vec::new() };
    let names = query.capture_names();
    let mut cursor = tree_sitter::QueryCursor::new();
    let mut matches = cursor.matches(&query, file.root(), file.text.as_bytes());
    let mut all = Vec::new();
    while let Some(found) = matches.next() {
        all.push(
            found
                .captures()
                .iter()
                .filter_map(|capture| {
                    let name = names.get(usize::try_from(capture.index).ok()?)?;
                    Some(((*name).to_owned(), Syn { file, node: capture.node }))
                })
                .collect(),
        );
    }
    all
}

fn holds<'a>(pattern: &Pattern, matched: &Match<'_, 'a>, site: Option<&Site<'a>>) -> bool {
    pattern.predicates.iter().all(|predicate| predicate_holds(predicate, matched, site).unwrap_or(false))
}

/// Whether a predicate holds; `None` is unknown, which never fires.
fn predicate_holds<'a>(
    predicate: &Predicate,
    matched: &Match<'_, 'a>,
    known: Option<&Site<'a>>,
) -> Option<bool> {
    let model = matched.model;
    let arguments = &predicate.arguments;
    let node = || matched.node(&predicate.capture);
    let site = || match known {
        Some(site) if Some(site.node) == node() => Some(site.clone()),
        _ => model.site_of(node()?),
    };
    Some(match predicate.name {
        PredicateName::Construct => {
            let site = site()?;
            arguments.iter().any(|class| model.builds(&site, class))
        }
        PredicateName::LacksProp => {
            let props = site()?.props(model);
            arguments.iter().all(|name| props.get(model, name) == Prop::Absent)
        }
        PredicateName::HasProp => {
            let props = site()?.props(model);
            arguments.iter().any(|name| props.get(model, name).present().is_some())
        }
        PredicateName::PropIs => {
            let (name, values) = arguments.split_first()?;
            let value = site()?.props(model).get(model, name).value()?;
            let canonical = model.cdk_name(value);
            values.iter().any(|wanted| canonical.as_deref() == Some(wanted) || value.text() == wanted)
        }
        PredicateName::PropLiteral => {
            let props = site()?.props(model);
            arguments.iter().any(|name| {
                props
                    .get(model, name)
                    .value()
                    .is_some_and(|value| matches!(value.kind(), "number" | "string"))
            })
        }
        PredicateName::Static => {
            let name = model.cdk_name(node()?.field("function")?)?;
            arguments.iter().any(|wanted| is_static(model, &name, wanted))
        }
        PredicateName::Method => {
            let method = node()?.field("function")?.field("property")?.text();
            arguments.iter().any(|wanted| wanted == method)
        }
        PredicateName::Word => {
            let text = node()?.text();
            arguments.iter().any(|word| text.contains(word.as_str()))
        }
        PredicateName::AppLacks => !arguments.iter().any(|class| model.app_builds(class)),
        PredicateName::AppHas => arguments.iter().any(|class| model.app_builds(class)),
        PredicateName::Language => true,
    })
}

/// `aws_s3.Bucket.fromBucketName` also through a subclass that inherits it.
fn is_static(model: &Model<'_>, name: &str, wanted: &str) -> bool {
    let (Some((class, method)), Some((wanted_class, wanted_method))) =
        (name.rsplit_once('.'), wanted.rsplit_once('.'))
    else {
        return false;
    };
    method == wanted_method && (class == wanted_class || model.catalogue.is_a(class, wanted_class))
}
