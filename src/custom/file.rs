//! A rule file taken apart: TOML between `+++` lines, then Markdown with sections that have a meaning.

use std::ops::Range;

use serde::Deserialize;

use crate::rule::{Impact, Pillar, Tier};
use crate::source::Mistake;

/// What stands between the `+++` lines.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Facts {
    /// The number or name by which reports and suppressions name it, such as `acme-1`.
    pub id: String,
    /// The pillar that it serves.
    pub pillar: Pillar,
    /// The best practice that it serves, such as `OPS05-BP07`.
    pub practice: String,
    /// The impact of a finding.
    pub impact: Impact,
    /// The tier of the fix.
    pub tier: Tier,
    /// Ids of other checkers whose finding the fix clears.
    #[serde(default)]
    pub clears: Vec<String>,
    /// Rules that may report what the fix adds.
    #[serde(default)]
    pub raises: Vec<String>,
    /// Values that the fix asks for.
    #[serde(default)]
    pub asks: Vec<AskedValue>,
}

/// One of `[[asks]]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct AskedValue {
    /// The key for `--set` and `[values]`.
    pub key: String,
    /// The question.
    pub ask: String,
    /// What an answer has to be; a word or words, if it does not say.
    #[serde(default)]
    pub kind: AskedKind,
    /// For a number, the smallest.
    pub least: Option<u64>,
    /// For a number, the largest.
    pub most: Option<u64>,
    /// The words of a choice.
    #[serde(default)]
    pub choices: Vec<String>,
    /// An answer as it would be typed.
    pub example: String,
}

/// What an answer has to be, as rule files call it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum AskedKind {
    #[default]
    Text,
    Number,
    Choice,
    List,
    Urls,
    Email,
    Domain,
}

/// The name of the case that stands in the documentation.
pub const DOCUMENTATION: &str = "Before and After";

/// A fenced block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// What is in it.
    pub text: String,
    /// The line of its first character, from 1.
    pub line: usize,
    /// The bytes of the file that `text` is, line ends included.
    pub span: Range<usize>,
}

/// What a case expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A finding and a fix.
    Fixes,
    /// No finding.
    Keeps,
    /// A finding and no fix.
    Refuses,
}

/// An example that a rule is tried on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// What is expected.
    pub kind: Kind,
    /// Its heading.
    pub name: String,
    /// The line of the heading, from 1.
    pub line: usize,
    /// The code.
    pub before: Block,
    /// The code after the fix.
    pub after: Option<Block>,
    /// A part of the reason of a refusal: the quotation (`> …`) beside the code.
    pub reason: Option<String>,
}

/// A rule file.
#[derive(Debug, Clone)]
pub(super) struct RuleFile {
    pub facts: Facts,
    /// The first heading.
    pub title: String,
    /// The text for `explain`, from the first heading on, without query and cases.
    pub documentation: String,
    pub query: Block,
    pub cases: Vec<Case>,
}

/// What is wrong, and in which line.
pub(super) type Wrong = (usize, String);

const FENCE: &str = "```";

impl RuleFile {
    pub(super) fn parse(text: &str) -> Result<Self, Wrong> {
        let lines: Vec<Line<'_>> = lines(text);
        let (facts, first) = facts(text, &lines)?;
        let parts = parts(lines.get(first..).unwrap_or_default())?;
        let title = parts.iter().find(|part| part.level == 1);
        let Some(title) = title.filter(|part| !part.heading.is_empty()) else {
            return Err((
                first + 1,
                "there is no `# Title`; say in one line what is wrong in such code".to_owned(),
            ));
        };
        let query = section(&parts, "Query").ok_or_else(|| {
            (first + 1, "there is no `## Query`; write one, with the query in a ```scm block".to_owned())
        })?;
        let [query] = query.blocks.as_slice() else {
            return Err((query.line, "`## Query` takes one ```scm block".to_owned()));
        };
        let cases = cases(&parts)?;
        let documentation = documentation(&parts);
        Ok(Self { facts, title: title.heading.clone(), documentation, query: query.clone(), cases })
    }
}

struct Line<'t> {
    text: &'t str,
    number: usize,
    span: Range<usize>,
}

fn lines(text: &str) -> Vec<Line<'_>> {
    let mut at = 0;
    let line = |(index, whole): (usize, &'_ str)| {
        let span = at..at + whole.len();
        at = span.end;
        (index + 1, span)
    };
    let places: Vec<(usize, Range<usize>)> = text.split_inclusive('\n').enumerate().map(line).collect();
    places
        .into_iter()
        .map(|(number, span)| {
            let text = text.get(span.clone()).unwrap_or_default().trim_end_matches(['\n', '\r']);
            Line { text, number, span }
        })
        .collect()
}

/// The facts, and how many lines they take.
fn facts(text: &str, lines: &[Line<'_>]) -> Result<(Facts, usize), Wrong> {
    let is_mark = |line: &&Line<'_>| line.text.trim_end() == "+++";
    let start = lines.first().filter(is_mark);
    let end = lines.iter().skip(1).find(is_mark);
    let (Some(start), Some(end)) = (start, end) else {
        let what = "a rule begins with its facts as TOML between two lines `+++`; `wa-fix explain custom-rules` shows one";
        return Err((1, what.to_owned()));
    };
    let toml = text.get(start.span.end..end.span.start).unwrap_or_default();
    let facts = toml::from_str(toml).map_err(|error| {
        let mistake = Mistake::of(toml, &error);
        // The first line is the `+++`.
        (mistake.line + 1, format!("{}; mend it", mistake.what))
    })?;
    Ok((facts, end.number))
}

/// A heading with what follows it.
struct Part {
    level: usize,
    heading: String,
    line: usize,
    /// The text as it stands, heading included.
    text: String,
    blocks: Vec<Block>,
    quotation: Option<String>,
}

fn parts(lines: &[Line<'_>]) -> Result<Vec<Part>, Wrong> {
    let mut parts: Vec<Part> = Vec::new();
    let mut open: Option<(&str, Block)> = None;
    for line in lines {
        let heading = line.text.trim_start_matches('#');
        let level = line.text.len() - heading.len();
        if open.is_none() && (1..=3).contains(&level) && heading.starts_with(' ') {
            parts.push(Part {
                level,
                heading: heading.trim().to_owned(),
                line: line.number,
                text: String::new(),
                blocks: Vec::new(),
                quotation: None,
            });
        }
        let Some(part) = parts.last_mut() else { continue };
        part.text.push_str(line.text);
        part.text.push('\n');
        match open.take() {
            Some((fence, block)) if line.text.trim_end() == fence => part.blocks.push(block),
            Some((fence, mut block)) => {
                block.text.push_str(line.text);
                block.text.push('\n');
                block.span.end = line.span.end;
                open = Some((fence, block));
            }
            None if line.text.starts_with(FENCE) => {
                let marks = line.text.len() - line.text.trim_start_matches('`').len();
                let fence = line.text.get(..marks).unwrap_or(FENCE);
                let span = line.span.end..line.span.end;
                open = Some((fence, Block { text: String::new(), line: line.number + 1, span }));
            }
            None => {
                if let Some(quoted) = line.text.strip_prefix('>') {
                    let said = part.quotation.get_or_insert_default();
                    said.push_str(if said.is_empty() { "" } else { " " });
                    said.push_str(quoted.trim());
                }
            }
        }
    }
    match open {
        Some((fence, block)) => {
            Err((block.line - 1, format!("the block is not closed; end it with {fence}")))
        }
        None => Ok(parts),
    }
}

fn section<'p>(parts: &'p [Part], heading: &str) -> Option<&'p Part> {
    parts.iter().find(|part| part.level == 2 && part.heading == heading)
}

/// The Before and After of the documentation, and all under `## Cases`.
fn cases(parts: &[Part]) -> Result<Vec<Case>, Wrong> {
    let mut cases = Vec::new();
    match (section(parts, "Before"), section(parts, "After")) {
        (Some(before), Some(after)) => {
            let ([code], [result]) = (before.blocks.as_slice(), after.blocks.as_slice()) else {
                return Err((before.line, "`## Before` and `## After` take one ```ts block each".to_owned()));
            };
            cases.push(Case {
                kind: Kind::Fixes,
                name: DOCUMENTATION.to_owned(),
                line: before.line,
                before: code.clone(),
                after: Some(result.clone()),
                reason: None,
            });
        }
        (None, None) => {}
        (one, other) => {
            let line = one.or(other).map_or(1, |part| part.line);
            return Err((line, "`## Before` and `## After` stand together; write the other, too".to_owned()));
        }
    }
    let start = parts.iter().position(|part| part.level == 2 && part.heading == "Cases");
    let inside = start.map_or(parts.len(), |start| start + 1);
    for part in parts.iter().skip(inside).take_while(|part| part.level > 2) {
        cases.push(case(part)?);
    }
    Ok(cases)
}

fn case(part: &Part) -> Result<Case, Wrong> {
    let wrong = |what: &str| Err((part.line, what.to_owned()));
    let (word, name) = part.heading.split_once(':').unwrap_or((&part.heading, ""));
    let kind = match word.trim() {
        "Fixes" => Kind::Fixes,
        "Keeps" => Kind::Keeps,
        "Refuses" => Kind::Refuses,
        _ => return wrong("a case is called `### Fixes: …`, `### Keeps: …` or `### Refuses: …`"),
    };
    let (before, after) = match (kind, part.blocks.as_slice()) {
        (Kind::Fixes, [before, after]) => (before, Some(after.clone())),
        (Kind::Keeps | Kind::Refuses, [before]) => (before, None),
        (Kind::Fixes, _) => return wrong("`### Fixes` takes two ```ts blocks: the code before and after"),
        _ => return wrong("`### Keeps` and `### Refuses` take one ```ts block"),
    };
    let reason = part.quotation.clone();
    Ok(Case { kind, name: name.trim().to_owned(), line: part.line, before: before.clone(), after, reason })
}

/// What `explain` prints: everything but the query and the cases.
fn documentation(parts: &[Part]) -> String {
    let mut text = String::new();
    let mut hidden = false;
    for part in parts {
        if part.level < 3 {
            hidden = part.level == 2 && matches!(part.heading.as_str(), "Query" | "Cases");
        }
        if !hidden {
            text.push_str(&part.text);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const FACTS: &str = "+++\nid = \"acme-1\"\npillar = \"security\"\npractice = \"SEC01-BP01\"\nimpact = \"low\"\ntier = \"safe\"\n+++\n";

    fn wrong(text: &str) -> Wrong {
        RuleFile::parse(text).unwrap_err()
    }

    #[test]
    fn a_file_is_taken_apart_with_its_lines() {
        let text = format!(
            "{FACTS}# Title\nWhy.\n\n## Query\n```scm\n(x)\n```\n## Before\n```ts\na\n```\n## After\n```ts\nb\n```\n\
             ## Cases\n### Refuses: imported\n> comes\n> from\n```ts\n# no heading\n```\n"
        );
        let file = RuleFile::parse(&text).unwrap();
        assert_eq!((file.facts.id.as_str(), file.title.as_str()), ("acme-1", "Title"));
        assert_eq!((file.query.text.as_str(), file.query.line), ("(x)\n", 13));
        assert_eq!(text.get(file.query.span).unwrap(), "(x)\n");
        let [first, second] = file.cases.as_slice() else { panic!() };
        assert_eq!((first.before.text.as_str(), first.after.as_ref().unwrap().text.as_str()), ("a\n", "b\n"));
        assert_eq!((second.kind, second.name.as_str()), (Kind::Refuses, "imported"));
        assert_eq!(
            (second.reason.as_deref(), second.before.text.as_str()),
            (Some("comes from"), "# no heading\n")
        );
        assert!(file.documentation.starts_with("# Title\nWhy.\n"));
        assert!(file.documentation.contains("## After") && !file.documentation.contains("(x)"));
    }

    #[test]
    fn mistakes_have_a_line() {
        assert_eq!(wrong("# Title\n").0, 1);
        let (line, what) = wrong(&format!("{}# T\n", FACTS.replace("tier", "teir")));
        assert!(line == 6 && what.contains("did you mean `tier`?"), "{line} {what}");
        assert_eq!(wrong(&FACTS.replace("\"low\"", "\"lwo\"")).0, 5);
        assert!(wrong(FACTS).1.contains("# Title"));
        assert!(wrong(&format!("{FACTS}# T\n")).1.contains("## Query"));
        assert_eq!(wrong(&format!("{FACTS}# T\n## Query\n```scm\n(x)\n")).0, 10);
        let query = format!("{FACTS}# T\n## Query\n```scm\n(x)\n```\n");
        assert_eq!(wrong(&format!("{query}## Before\n```ts\n```\n")).0, 13);
        assert_eq!(wrong(&format!("{query}## Cases\n### Mends: x\n")).0, 14);
        assert_eq!(wrong(&format!("{query}## Cases\n### Fixes: x\n```ts\n```\n")).0, 14);
    }
}
