//! What is wrong with a custom rule before it runs: names that nothing has, structures that are none, directives that do not
//! belong together. A rule that would be silent by mistake is refused.

use super::file::{RuleFile, Wrong};
use super::template::{Hole, Template};
use crate::detect::directive::{Directive, DirectiveName};
use crate::detect::query::{Pattern, PredicateName, Query, Structure};
use crate::model::Catalogue;
use crate::model::catalogue::Kind;
use crate::source::Language;
use crate::syntax::grammar;

/// The longest structure, in bytes: what tree-sitter has to think through grows with it.
const MAX_STRUCTURE: usize = 2_000;

/// Most patterns in one query.
const MAX_PATTERNS: usize = 32;

/// Reads the query of a rule, and looks at everything that it names. Tells whether the rule has a fix.
pub(super) fn check(file: &RuleFile) -> Result<bool, Wrong> {
    // Lines of the query count from its own first one.
    let placed = |(line, what): Wrong| (file.query.line + line - 1, what);
    let query = Query::parse(&file.query.text).map_err(|error| {
        placed((
            error.line,
            format!("{}; `wa-fix explain custom-rules` shows how a query is written", error.what),
        ))
    })?;
    if query.patterns.len() > MAX_PATTERNS {
        let what = format!("the query has more than {MAX_PATTERNS} patterns; make several rules of it");
        return Err((file.query.line, what));
    }
    query.patterns.iter().try_for_each(|pattern| {
        structure(pattern)
            .and_then(|()| predicates(pattern))
            .and_then(|()| directives(pattern))
            .and_then(|()| templates(pattern, file))
            .map_err(placed)
    })?;
    let mut directives = query.patterns.iter().flat_map(|pattern| pattern.directives.iter());
    Ok(directives.any(|directive| directive.name == DirectiveName::Fix))
}

fn structure(pattern: &Pattern) -> Result<(), Wrong> {
    let wrong = |what: String| Err((pattern.line, what));
    let language = grammar(pattern.language);
    match &pattern.structure {
        Structure::Kind { kind, .. } => {
            if language.id_for_node_kind(kind, true) != 0 {
                return Ok(());
            }
            let kinds: Vec<&str> = (0..u16::try_from(language.node_kind_count()).unwrap_or(u16::MAX))
                .filter(|id| language.node_kind_is_named(*id) && language.node_kind_is_visible(*id))
                .filter_map(|id| language.node_kind_for_id(id))
                .collect();
            wrong(format!("`{kind}` is no kind of node{}", meant(kind, &kinds)))
        }
        Structure::Tree(text) => {
            if text.len() > MAX_STRUCTURE {
                return wrong(format!(
                    "the structure is longer than {MAX_STRUCTURE} characters; make it shallower"
                ));
            }
            if pattern.words().is_empty() {
                return wrong(
                    "a structure needs #word?, #static? or #method? to be found by; add one with a word that stands in it"
                        .to_owned(),
                );
            }
            match tree_sitter::Query::new(&language, text) {
                Ok(_) => Ok(()),
                Err(error) => {
                    let what = error.message.lines().next().unwrap_or_default().to_owned();
                    Err((
                        pattern.line + error.row,
                        format!("the structure is none of the grammar: {what}; mend it"),
                    ))
                }
            }
        }
    }
}

/// The class of a canonical name, and the member of it that the name ends in.
pub(super) fn class_of(catalogue: Catalogue, name: &str) -> Option<(String, Option<String>)> {
    if catalogue.class(name).is_some() {
        return Some((name.to_owned(), None));
    }
    let (class, member) = name.rsplit_once('.')?;
    catalogue.member(class, member).map(|_| (class.to_owned(), Some(member.to_owned())))
}

fn predicates(pattern: &Pattern) -> Result<(), Wrong> {
    use PredicateName as P;
    let catalogue = Catalogue::embedded();
    for predicate in &pattern.predicates {
        let line = predicate.line;
        let names = &predicate.arguments;
        match predicate.name {
            P::Construct | P::Direct | P::AppLacks | P::AppHas => {
                names
                    .iter()
                    .try_for_each(|name| known_class(catalogue, name).map_err(|what| (line, what)))?;
            }
            P::Static => names.iter().try_for_each(|name| match class_of(catalogue, name) {
                Some((_, Some(_))) => Ok(()),
                _ => Err((
                    line,
                    format!(
                        "`{name}` is no static method of the CDK; write it as aws_s3.Bucket.fromBucketName"
                    ),
                )),
            })?,
            P::LacksProp | P::HasProp | P::PropLiteral => names.iter().try_for_each(|name| {
                known_prop(catalogue, pattern, &predicate.capture, name).map_err(|what| (line, what))
            })?,
            P::PropIs => {
                if names.len() < 2 {
                    return Err((line, "#prop-is? takes a property and at least one value".to_owned()));
                }
                let first = names.first().map_or("", String::as_str);
                known_prop(catalogue, pattern, &predicate.capture, first).map_err(|what| (line, what))?;
            }
            P::LacksCall | P::Method | P::Word | P::Language => {}
        }
    }
    Ok(())
}

fn known_class(catalogue: Catalogue, name: &str) -> Result<(), String> {
    if catalogue.class(name).is_some() {
        return Ok(());
    }
    let module = name.split_once('.').map_or("", |(module, _)| module);
    let all: Vec<&str> =
        catalogue.types().filter(|(_, kind)| *kind != Kind::Struct).map(|(name, _)| name).collect();
    let near: Vec<&str> =
        all.iter().copied().filter(|other| other.starts_with(&format!("{module}."))).collect();
    let among = if near.is_empty() { &all } else { &near };
    Err(format!("`{name}` is no class of the CDK{}", meant(name, among)))
}

/// Whether some construct that the pattern can match has a property.
fn known_prop(catalogue: Catalogue, pattern: &Pattern, capture: &str, name: &str) -> Result<(), String> {
    let builds = |predicate: &&crate::detect::query::Predicate| {
        matches!(predicate.name, PredicateName::Construct | PredicateName::Direct)
            && predicate.capture == capture
    };
    let classes: Vec<&String> =
        pattern.predicates.iter().filter(builds).flat_map(|predicate| &predicate.arguments).collect();
    let has = |class: &str| catalogue.prop(class, name).is_some();
    if classes.is_empty()
        || classes.iter().any(|class| has(class) || catalogue.subclasses(class).into_iter().any(has))
    {
        return Ok(());
    }
    let structs = classes.iter().filter_map(|class| catalogue.class(class)?.props());
    let names: Vec<String> = structs
        .flat_map(|props| {
            let bases = props.structure.bases().into_iter().filter_map(|base| catalogue.struct_(base));
            let all = std::iter::once(props.structure).chain(bases);
            all.flat_map(|one| one.own_props().map(|prop| prop.name().to_owned()).collect::<Vec<_>>())
                .collect::<Vec<_>>()
        })
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let classes: Vec<&str> = classes.into_iter().map(String::as_str).collect();
    Err(format!("`{name}` is no property of {}{}", classes.join(" or "), meant(name, &names)))
}

/// How a misspelt name goes on in a message.
fn meant(name: &str, known: &[&str]) -> String {
    similar::get_close_matches(name, known, 1, 0.6)
        .first()
        .map_or_else(|| "; mend it".to_owned(), |close| format!("; did you mean `{close}`?"))
}

/// Whether a directive changes code.
fn is_edit(directive: &Directive) -> bool {
    !matches!(directive.name, DirectiveName::Report | DirectiveName::Fix | DirectiveName::Refuse)
}

fn directives(pattern: &Pattern) -> Result<(), Wrong> {
    use DirectiveName as D;
    let all = |name: D| pattern.directives.iter().filter(move |directive| directive.name == name);
    for name in [D::Report, D::Fix, D::Refuse] {
        if let Some(second) = all(name).nth(1) {
            return Err((second.line, format!("{} stands twice in a pattern; leave one", name.word())));
        }
    }
    if all(D::Report).next().is_none() {
        return Err((
            pattern.line,
            "the pattern reports nothing; add (#report! @node \"what is wrong\")".to_owned(),
        ));
    }
    let edit = pattern.directives.iter().find(|directive| is_edit(directive));
    match (all(D::Fix).next(), all(D::Refuse).next(), edit) {
        (Some(_), Some(refuse), _) | (None, Some(refuse), Some(_)) => Err((
            refuse.line,
            "a pattern has a fix or #refuse!, not both; make two patterns of it".to_owned(),
        )),
        (Some(fix), None, None) => {
            Err((fix.line, "the fix has no edit; add one, such as #set-prop!".to_owned()))
        }
        (None, None, Some(edit)) => {
            Err((edit.line, "the edits have no title; add (#fix! \"what the fix does\")".to_owned()))
        }
        (None, None, None) => {
            let what = "the pattern has neither a fix nor (#refuse! \"why\" \"what to do instead\"); add one";
            Err((pattern.line, what.to_owned()))
        }
        _ if edit.is_some() && !is_script(pattern) => {
            Err((pattern.line, "edits are for TypeScript; use #refuse! and say what to do".to_owned()))
        }
        _ => Ok(()),
    }
}

fn is_script(pattern: &Pattern) -> bool {
    pattern.language == Language::TypeScript
}

/// Looks at every `@{…}`.
fn templates(pattern: &Pattern, file: &RuleFile) -> Result<(), Wrong> {
    use DirectiveName as D;
    let catalogue = Catalogue::embedded();
    let captures = pattern.captures();
    for directive in pattern.directives.iter() {
        let wrong = |what: String| (directive.line, what);
        let said = !is_edit(directive);
        // Names of properties, modules and imports are as they are.
        let plain = match directive.name {
            D::SetProp | D::RemoveProp => 1,
            D::AddImport => directive.arguments.len(),
            _ => 0,
        };
        if matches!(directive.name, D::SetProp) {
            let name = directive.arguments.first().map_or("", String::as_str);
            known_prop(catalogue, pattern, &directive.capture, name).map_err(wrong)?;
        }
        for (number, text) in directive.arguments.iter().enumerate() {
            if text.trim().is_empty() {
                return Err(wrong(format!("{} has an empty string", directive.name.word())));
            }
            if number < plain {
                if text.contains("@{") {
                    return Err(wrong("names are written as they are, without `@{`".to_owned()));
                }
                continue;
            }
            let template = Template::parse(text).map_err(wrong)?;
            for hole in template.holes() {
                if let Some(capture) = hole.capture().filter(|capture| !captures.contains(capture)) {
                    return Err(wrong(format!("@{capture} is not captured by the structure")));
                }
                if said && !hole.is_said() {
                    return Err(wrong(
                        "a message takes `@{node}`, `@{node.label}` and `@{node.props.x}` only".to_owned(),
                    ));
                }
                hole_is_known(catalogue, hole, file).map_err(wrong)?;
            }
        }
    }
    Ok(())
}

fn hole_is_known(catalogue: Catalogue, hole: &Hole, file: &RuleFile) -> Result<(), String> {
    match hole {
        Hole::Cdk(name) if class_of(catalogue, name).is_none() => {
            let class = name.rsplit_once('.').map_or(name.as_str(), |(class, _)| class);
            known_class(catalogue, class)?;
            Err(format!("`{class}` has no member of that name: {name}; mend it"))
        }
        Hole::Value(key) if !file.facts.asks.iter().any(|ask| ask.key == *key) => {
            Err(format!("nothing asks for `{key}`; add it under [[asks]], with a question and an example"))
        }
        _ => Ok(()),
    }
}
