//! Folders of rule files, read and checked; what comes out is a rule like any other.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use super::Fault;
use super::check::check;
use super::file::{AskedKind, AskedValue, Case, Facts, RuleFile, Wrong};
use crate::rule::{AnswerType, Meta, Question, Rule};
use crate::source::discover::printed;

/// The largest rule file, in bytes.
const MAX_BYTES: usize = 128 * 1024;

/// Most rule files in a folder, and most files of any kind.
const MAX_FILES: usize = 200;
const MAX_ENTRIES: usize = 10_000;

/// The position of custom rules among all: after those of wa-fix, before the upkeep of suppressions.
const ORDER: u16 = 8000;

/// A rule of the team, with the file that it stands in.
#[derive(Debug, Clone)]
pub struct CustomRule {
    /// The rule.
    pub rule: Rule,
    /// Its file, absolute.
    pub file: PathBuf,
    /// The same, as printed.
    pub path: String,
    /// The text of the file.
    pub text: String,
    /// Whether it has a fix.
    pub has_fix: bool,
    /// What it is tried on.
    pub cases: Vec<Case>,
}

/// Reads every rule file in some folders. Paths are printed relative to `cwd`; `taken` are the rules that are there already.
///
/// # Errors
/// Everything that is wrong, by file: one fault for each file.
pub fn load(folders: &[PathBuf], cwd: &Path, taken: &[Rule]) -> Result<Vec<CustomRule>, Vec<Fault>> {
    let mut faults = Vec::new();
    let mut rules: Vec<CustomRule> = Vec::new();
    for folder in folders {
        match files(folder, cwd) {
            Ok(files) => {
                for file in files {
                    match rule_of(&file, folder, cwd) {
                        Ok(rule) => rules.push(rule),
                        Err((line, what)) => faults.push(Fault { file: printed(&file, cwd), line, what }),
                    }
                }
            }
            Err(what) => faults.push(Fault { file: printed(folder, cwd), line: 1, what }),
        }
    }
    faults.extend(twins(&rules, taken));
    faults.extend(unknown(&rules, taken));
    faults.sort();
    rules.sort_by(|a, b| a.rule.meta.id.cmp(b.rule.meta.id));
    if faults.is_empty() { Ok(rules) } else { Err(faults) }
}

/// The rule files of a folder, sorted: every Markdown file right in it but a README.
fn files(folder: &Path, cwd: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = std::fs::read_dir(folder).map_err(|error| {
        format!("the folder of rules cannot be read: {error}; mend `custom` under [rules]")
    })?;
    let mut files: Vec<PathBuf> = Vec::new();
    for (number, entry) in entries.enumerate() {
        let path = entry.map_err(|error| format!("{}: {error}", printed(folder, cwd)))?.path();
        let is_rule = path.extension().is_some_and(|end| end == "md")
            && path.file_stem().is_some_and(|stem| !stem.eq_ignore_ascii_case("readme"));
        if is_rule {
            files.push(path);
        }
        if files.len() > MAX_FILES || number > MAX_ENTRIES {
            return Err(format!(
                "the folder of rules holds more than {MAX_FILES} rules or {MAX_ENTRIES} files; leave some out"
            ));
        }
    }
    files.sort();
    Ok(files)
}

fn rule_of(file: &Path, folder: &Path, cwd: &Path) -> Result<CustomRule, Wrong> {
    let text = text_of(file, folder).map_err(|what| (1, what))?;
    if let Some(at) = text.find(|c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        let line = 1 + text.get(..at).unwrap_or_default().matches('\n').count();
        return Err((
            line,
            "has a control character, which could change what a terminal shows; remove it".to_owned(),
        ));
    }
    let parsed = RuleFile::parse(&text)?;
    named_well(&parsed.facts, &text, file)?;
    asks_well(&parsed.facts, &text)?;
    let has_fix = check(&parsed)?;
    let path = printed(file, cwd);
    let name = stem(file).to_owned();
    let rule = known(file, &text, || meta(&parsed, &name, &path));
    Ok(CustomRule { rule, file: file.to_owned(), path, text, has_fix, cases: parsed.cases })
}

fn stem(file: &Path) -> &str {
    file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default()
}

/// The text of a rule file, which has to be a plain file of a hand-written size that lies in its folder.
fn text_of(file: &Path, folder: &Path) -> Result<String, String> {
    let real =
        std::fs::canonicalize(file).map_err(|error| format!("cannot be read: {error}; mend or remove it"))?;
    let home = std::fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    if !real.starts_with(&home) {
        return Err("is a link to a file outside the folder of rules; put the rule itself there".to_owned());
    }
    if !real.is_file() {
        return Err("is no plain file; remove it, or give it another ending than .md".to_owned());
    }
    let mut bytes = Vec::new();
    let most = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX) + 1;
    std::fs::File::open(&real)
        .and_then(|open| open.take(most).read_to_end(&mut bytes))
        .map_err(|error| format!("cannot be read: {error}; make it readable, or remove it"))?;
    if bytes.len() > MAX_BYTES {
        return Err(format!("is larger than {} KiB; no rule needs that", MAX_BYTES / 1024));
    }
    let text = String::from_utf8(bytes).map_err(|_| "is not UTF-8; convert it".to_owned())?;
    Ok(text.strip_prefix('\u{feff}').map_or(text.clone(), str::to_owned))
}

/// Whether a rule has an id and a name that options, comments and reports can carry.
fn named_well(facts: &Facts, text: &str, file: &Path) -> Result<(), Wrong> {
    let is_word = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.len() <= 60
            && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
            && !text.contains("--")
            && !text.ends_with('-')
    };
    if !is_word(&facts.id) {
        let what = format!(
            "`{}` is no id for a custom rule; take small letters, digits and dashes, a letter first, such as acme-1",
            facts.id
        );
        return Err((line_of(text, "id"), what));
    }
    if !is_word(stem(file)) {
        let what = format!(
            "the file's name is the rule's name, and `{}` is none; take small letters, digits and dashes, such as function-not-traced.md",
            stem(file)
        );
        return Err((1, what));
    }
    let practice = facts.practice.split_once("-BP").is_some_and(|(pillar, number)| {
        let letters = pillar.trim_end_matches(|c: char| c.is_ascii_digit());
        ["OPS", "SEC", "REL", "PERF", "COST", "SUS"].contains(&letters)
            && pillar.len() == letters.len() + 2
            && number.len() == 2
            && number.chars().all(|c| c.is_ascii_digit())
    });
    if !practice {
        let what = format!(
            "`{}` is no best practice of the Well-Architected Framework; name the one that the rule serves, such as OPS05-BP07",
            facts.practice
        );
        return Err((line_of(text, "practice"), what));
    }
    Ok(())
}

/// The line of a fact, from 1.
fn line_of(text: &str, key: &str) -> usize {
    let of_key = |line: &str| line.strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with('='));
    1 + text.lines().position(of_key).unwrap_or(0)
}

/// Rules whose id or name means something else already.
fn twins(rules: &[CustomRule], taken: &[Rule]) -> Vec<Fault> {
    let mut known: BTreeMap<String, String> = BTreeMap::from([
        ("all".to_owned(), "every rule".to_owned()),
        (super::GUIDE_NAME.to_owned(), "the guide".to_owned()),
    ]);
    for rule in taken {
        let meta = rule.meta;
        let names = [meta.id, meta.name, meta.practice, meta.pillar.name()].into_iter();
        for name in names.chain(meta.also.iter().copied()).chain(meta.clears.iter().copied()) {
            known.insert(name.to_owned(), format!("rule {} of wa-fix", meta.id));
        }
    }
    for pillar in crate::rule::Pillar::ALL {
        known.insert(pillar.name().to_owned(), "a pillar".to_owned());
    }
    let mut faults = Vec::new();
    for rule in rules {
        for name in BTreeSet::from([rule.rule.meta.id, rule.rule.meta.name]) {
            if let Some(other) = known.insert(name.to_owned(), rule.path.clone()) {
                let what = format!("`{name}` names {other} already; take another id or file name");
                let line = line_of(&rule.text, "id");
                faults.push(Fault { file: rule.path.clone(), line, what });
                break;
            }
        }
    }
    faults
}

/// Rules that say that their fix may raise a finding of a rule that is not there.
fn unknown(rules: &[CustomRule], taken: &[Rule]) -> Vec<Fault> {
    let all = || taken.iter().chain(rules.iter().map(|rule| &rule.rule)).map(|rule| rule.meta.id);
    let faults = rules.iter().filter_map(|rule| {
        let raised = rule.rule.meta.raises.iter().find(|id| !all().any(|known| known == **id))?;
        let what = format!("`raises` names `{raised}`, and no rule has that id; mend it");
        Some(Fault { file: rule.path.clone(), line: line_of(&rule.text, "raises"), what })
    });
    faults.collect()
}

/// The metadata of a rule, as those of wa-fix have it. It lives as long as the process: rules are few and read once.
fn meta(file: &RuleFile, name: &str, path: &str) -> &'static Meta {
    let facts = &file.facts;
    let asks: Vec<Question> = facts
        .asks
        .iter()
        .map(|asked| Question {
            key: leaked(&asked.key),
            ask: leaked(&asked.ask),
            kind: kind(asked),
            example: leaked(&asked.example),
        })
        .collect();
    // As the source of a rule in Rust begins: with its number in the first heading, and where it comes from at the end.
    let documentation = file.documentation.replacen("# ", &format!("# {} ", facts.id), 1);
    let documentation = format!("{}\n\nA custom rule, from `{path}`.", documentation.trim_end());
    let source = documentation.lines().fold(String::new(), |source, line| source + "//! " + line + "\n");
    Box::leak(Box::new(Meta {
        id: leaked(&facts.id),
        also: &[],
        name: leaked(name),
        title: leaked(&file.title),
        pillar: facts.pillar,
        impact: facts.impact,
        tier: facts.tier,
        practice: leaked(&facts.practice),
        clears: leaked_list(&facts.clears),
        raises: leaked_list(&facts.raises),
        asks: Box::leak(asks.into_boxed_slice()),
        order: ORDER,
        source: leaked(&source),
        query: leaked(&file.query.text),
    }))
}

/// What an answer has to be.
fn kind(asked: &AskedValue) -> AnswerType {
    match asked.kind {
        AskedKind::Text => AnswerType::Text,
        AskedKind::Number => {
            AnswerType::Number { least: asked.least.unwrap_or(0), most: asked.most.unwrap_or(u64::MAX) }
        }
        AskedKind::Choice => AnswerType::Choice(leaked_list(&asked.choices)),
        AskedKind::List => AnswerType::List,
        AskedKind::Urls => AnswerType::Urls,
        AskedKind::Email => AnswerType::Email,
        AskedKind::Domain => AnswerType::Domain,
    }
}

/// Whether questions can be answered.
fn asks_well(facts: &Facts, text: &str) -> Result<(), Wrong> {
    for asked in &facts.asks {
        let is_key = !asked.key.is_empty()
            && asked.key.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        let what = if !is_key {
            format!("`{}` is no key; take small letters, digits and `_`, such as on_call_email", asked.key)
        } else if (asked.kind == AskedKind::Choice) == asked.choices.is_empty() {
            "`choices` are the words of a question of `kind = \"choice\"`; give both or neither".to_owned()
        } else if asked.kind != AskedKind::Number && (asked.least.is_some() || asked.most.is_some()) {
            "`least` and `most` are for a question of `kind = \"number\"`; leave them out".to_owned()
        } else if let Err(why) = kind(asked).check(&asked.example) {
            format!("the example is no answer: {why}; give one that is")
        } else {
            continue;
        };
        let quoted = format!("\"{}\"", asked.key);
        let line = text.lines().position(|line| line.starts_with("key") && line.contains(&quoted));
        return Err((1 + line.unwrap_or(0), what));
    }
    Ok(())
}

fn leaked(text: &str) -> &'static str {
    Box::leak(text.to_owned().into_boxed_str())
}

fn leaked_list(texts: &[String]) -> &'static [&'static str] {
    Box::leak(texts.iter().map(|text| leaked(text)).collect::<Vec<_>>().into_boxed_slice())
}

/// The rule of a file, made once for each text that the file has had: a server that reads its configuration again and again
/// does not grow.
fn known(file: &Path, text: &str, make: impl FnOnce() -> &'static Meta) -> Rule {
    type Known = Mutex<BTreeMap<(PathBuf, String), &'static Meta>>;
    static KNOWN: OnceLock<Known> = OnceLock::new();
    let mut all = KNOWN.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    let meta = *all.entry((file.to_owned(), text.to_owned())).or_insert_with(make);
    Rule { meta, check: super::fix::check }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLES: [&str; 3] = [
        include_str!("../../examples/custom-rules/rules/logs-not-in-json.md"),
        include_str!("../../examples/custom-rules/rules/bucket-not-ours.md"),
        include_str!("../../examples/custom-rules/rules/topic-without-subscriber.md"),
    ];

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(400))]

        /// A rule file that somebody, or something, has scrambled is read or refused with a line that it has.
        #[test]
        fn a_scrambled_file_is_read_or_refused_in_one_of_its_lines(
            which in 0usize..3,
            wounds in proptest::collection::vec((0usize..1_200, 0usize..30, "[(){}\\[\\]@#!?\"`+=.:a-z\n é]{0,8}"), 1..6),
        ) {
            let mut text: Vec<char> = EXAMPLES[which].chars().collect();
            for (at, length, put) in wounds {
                let at = at.min(text.len());
                text.splice(at..(at + length).min(text.len()), put.chars());
            }
            let text: String = text.into_iter().collect();
            let read = RuleFile::parse(&text).and_then(|file| {
                named_well(&file.facts, &text, Path::new("rule.md"))?;
                asks_well(&file.facts, &text)?;
                check(&file)
            });
            if let Err((line, what)) = read {
                let lines = text.lines().count() + 1;
                proptest::prop_assert!((1..=lines).contains(&line) && !what.is_empty(), "{line} of {lines}: {what}");
            }
        }
    }
}
