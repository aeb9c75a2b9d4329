//! Runs the rules' queries over an app: find by word, ask the tree there, then the predicates.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, OnceLock};

use tree_sitter::StreamingIterator;

use super::directive::Directive;
use super::query::{Pattern, Predicate, PredicateName, Query, QueryError, Structure};
use crate::model::{Model, Prop, Site};
use crate::rule::Meta;
use crate::source::{Language, SkipKind, Skipped};
use crate::syntax::{Parsed, Syn};

/// One place where a rule's query holds.
pub struct Match<'m, 'a> {
    /// The app's meaning.
    pub model: &'m Model<'a>,
    /// The rule whose query it is.
    pub rule: &'static Meta,
    /// What the pattern says to do here; nothing for rules that have code for it.
    pub directives: Arc<[Directive]>,
    /// The nodes of the captures, by name.
    pub captures: Vec<(String, Syn<'a>)>,
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
type Fitting = Arc<[(usize, usize)]>;

/// The queries of a set of rules, ready to run.
pub struct Scanner {
    rules: Vec<&'static Meta>,
    queries: Vec<Query>,
    /// Files in which a structure has more matches than it may have, with the rule: it is not run there.
    too_broad: Mutex<BTreeSet<(String, &'static str)>>,
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
    pub fn new(rules: impl IntoIterator<Item = &'static Meta>) -> Result<Self, (usize, QueryError)> {
        let rules: Vec<_> = rules.into_iter().collect();
        let queries = rules
            .iter()
            .enumerate()
            .map(|(rule, meta)| Query::parse(meta.query).map_err(|error| (rule, error)))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            rules,
            queries,
            too_broad: Mutex::default(),
            by_class: Mutex::default(),
            words: OnceLock::new(),
        })
    }

    /// Files that a structure was too broad for, as files that are checked in part.
    pub fn too_broad(&self) -> Vec<Skipped> {
        let found = self.too_broad.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let skipped = |(path, rule): &(String, &str)| Skipped {
            path: path.clone(),
            kind: SkipKind::Problem,
            why: format!(
                "is not checked by {rule}, whose query is too broad for it; name more of the structure"
            ),
        };
        found.iter().map(skipped).collect()
    }

    /// A match of a pattern.
    fn matched<'m, 'a>(
        &self,
        model: &'m Model<'a>,
        (rule, pattern): (usize, &Pattern),
        captures: Vec<(String, Syn<'a>)>,
    ) -> Option<Match<'m, 'a>> {
        let rule = self.rules.get(rule)?;
        Some(Match { model, rule, directives: Arc::clone(&pattern.directives), captures })
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
                    let captures = vec![(capture.clone(), site.node)];
                    let matched = self.matched(model, (*rule, pattern), captures);
                    if let Some(matched) = matched.filter(|matched| holds(pattern, matched, Some(site))) {
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
            return Arc::clone(known);
        }
        let mut fitting = Vec::new();
        for (rule, query) in self.queries.iter().enumerate() {
            for (index, pattern) in query.patterns.iter().enumerate() {
                if !is_site_pattern(pattern) {
                    continue;
                }
                let fits = pattern.predicates.iter().all(|predicate| match predicate.name {
                    PredicateName::Construct => {
                        predicate.arguments.iter().any(|wanted| model.catalogue.is_a(class, wanted))
                    }
                    PredicateName::Direct => predicate.arguments.iter().any(|wanted| class == wanted),
                    _ => true,
                });
                if fits {
                    fitting.push((rule, index));
                }
            }
        }
        let fitting: Arc<[_]> = fitting.into();
        cache.insert(class.to_owned(), Arc::clone(&fitting));
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
        let mut trees: BTreeSet<(usize, usize)> = BTreeSet::new();
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
                let matched = self.matched(model, (owner.0, pattern), vec![(capture.clone(), node)]);
                if let Some(matched) = matched.filter(|matched| holds(pattern, matched, None)) {
                    found(owner.0, matched);
                }
            }
        }
        for owner in trees {
            let Some(pattern) = self.pattern(owner.0, owner.1) else { continue };
            let Structure::Tree(text) = &pattern.structure else { continue };
            let Some(all) = run_tree(text, file) else {
                let mut too_broad = self.too_broad.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                too_broad.extend(self.rules.get(owner.0).map(|rule| (file.path.clone(), rule.id)));
                continue;
            };
            for captures in all {
                let matched = self.matched(model, (owner.0, pattern), captures);
                if let Some(matched) = matched.filter(|matched| holds(pattern, matched, None)) {
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
fn compiled(text: &str, language: Language) -> Option<Arc<tree_sitter::Query>> {
    type Cache = Mutex<BTreeMap<(Language, String), Option<Arc<tree_sitter::Query>>>>;
    static CACHE: OnceLock<Cache> = OnceLock::new();
    let mut cache =
        CACHE.get_or_init(Mutex::default).lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    cache
        .entry((language, text.to_owned()))
        .or_insert_with(|| {
            tree_sitter::Query::new(&crate::syntax::grammar(language), text).ok().map(Arc::new)
        })
        .clone()
}

/// Matches in progress at one time, and matches in all, that a structure may have in one file. What passes is a pattern
/// that relates anything to anything: its matches grow with a power of the file.
const MAX_STATES: u32 = 512;
const MAX_MATCHES: usize = 20_000;

/// The matches of a structure in a file; `None` where they are too many.
fn run_tree<'a>(text: &str, file: &'a Parsed) -> Option<Vec<Vec<(String, Syn<'a>)>>> {
    let Some(query) = compiled(text, file.language) else { return Some(Vec::new()) };
    let names = query.capture_names();
    let mut cursor = tree_sitter::QueryCursor::new();
    cursor.set_match_limit(MAX_STATES);
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
        if all.len() > MAX_MATCHES {
            return None;
        }
    }
    drop(matches);
    (!cursor.did_exceed_match_limit()).then_some(all)
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
        PredicateName::Direct => {
            let site = site()?;
            site.local.is_none() && arguments.iter().any(|class| site.class == **class)
        }
        PredicateName::LacksProp => {
            let props = site()?.props(model);
            arguments.iter().all(|name| props.get(model, name) == Prop::Absent)
        }
        PredicateName::HasProp => {
            let props = site()?.props(model);
            arguments.iter().any(|name| props.get(model, name).present().is_some())
        }
        PredicateName::LacksCall => {
            let site = site()?;
            let receivers = arguments.iter().flat_map(|method| model.method_calls(method));
            for call in receivers {
                // What the method is called on cannot be followed: it may be this one.
                let receiver = model.origin(call.field("function")?.field("object")?)?;
                if receiver.node == site.node {
                    return Some(false);
                }
            }
            true
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
