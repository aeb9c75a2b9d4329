//! What the documents about an app have in common: how they speak of its constructs, and how their parts are renewed
//! without a word that a person wrote being lost.

use std::fmt::Write as _;

use crate::model::imports::string_text;
use crate::model::{Model, Site};
use crate::syntax::Syn;

/// A shell function that finds names which are made when the app is deployed. A logical id is the ids on the way to a construct and a
/// hash; a service of ECS ends in `Service`.
pub(super) const PHYS: &str = "Names are made when the app is deployed. `phys` finds them; where it prints several, name the scope as well (`phys ApiHandler …`):

```bash
export STACK=           # one of the names that `npx cdk list` prints
phys() { # the physical name of the construct with id $1 and type $2
  aws cloudformation list-stack-resources --stack-name \"$STACK\" --output text \\
    --query \"StackResourceSummaries[?ResourceType=='$2'].[LogicalResourceId,PhysicalResourceId]\" |
    grep -E \"$1(Service)?[0-9A-F]{8}[[:space:]]\" | cut -f2
}
```

";

/// What the constructs of an app say of themselves.
pub(super) struct Facts<'m, 'a> {
    /// The app.
    pub(super) model: &'m Model<'a>,
}

impl<'a> Facts<'_, 'a> {
    /// The constructs of a class that the app builds, by path and offset.
    pub(super) fn sites(&self, class: &str) -> Vec<Site<'a>> {
        self.model
            .all_sites()
            .filter(|site| site.node.is("new_expression") && self.model.builds(site, class))
            .collect()
    }

    /// The file of a node, from the app's folder.
    pub(super) fn file(&self, node: Syn<'a>) -> String {
        // As text, for every line of the document asks: paths are compared part by part.
        let file = self.model.location(node.file).and_then(|file| file.to_str());
        let inside = file.zip(self.model.app.root.to_str()).and_then(|(file, root)| file.strip_prefix(root));
        inside.map_or_else(
            || node.file.path.clone(),
            |file| file.replace('\\', "/").trim_start_matches('/').to_owned(),
        )
    }

    /// A property and its value, as a person says it.
    pub(super) fn fact(&self, site: &Site<'a>, prop: &str) -> Option<String> {
        let value = site.props(self.model).get(self.model, prop).value()?;
        let words = words_of(prop);
        Some(format!("{words} {}", said(value)))
    }
}

/// A construct's id as its logical id has it.
pub(super) fn id_of(site: &Site<'_>) -> Option<String> {
    Some(site.id_text()?.chars().filter(char::is_ascii_alphanumeric).collect())
}

/// Starts a part that wa-fix renews.
pub(super) fn begin(out: &mut String, name: &str) {
    let _ = writeln!(out, "<!-- wa-fix:begin {name} -->\n");
}

/// Ends it.
pub(super) fn end(out: &mut String, name: &str) {
    let blank = if out.ends_with("\n\n") { "" } else { "\n" };
    let _ = writeln!(out, "{blank}<!-- wa-fix:end {name} -->\n");
}

/// Code on one line.
pub(super) fn one_line(code: &str) -> String {
    code.split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .replace("( ", "(")
        .replace(" )", ")")
        .replace(", }", " }")
        .replace(" .", ".")
        .replace('`', "'")
}

/// Text that may stand in a table.
pub(super) fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// `reservedConcurrentExecutions` as words.
pub(super) fn words_of(prop: &str) -> String {
    let mut words = String::new();
    for character in prop.chars() {
        if character.is_uppercase() {
            words.push(' ');
        }
        words.extend(character.to_lowercase());
    }
    words
}

/// A value for people: `Duration.seconds(30)` is `30 s`, literals are as they are, a choice has both of its ends, and
/// everything else is code.
pub(super) fn said(value: Syn<'_>) -> String {
    plain(value).unwrap_or_else(|| {
        let quoted = value.is("string") || value.is("template_string");
        let text = if quoted { value.text().trim_matches(['\'', '"', '`']) } else { value.text() };
        format!("`{}`", one_line(text))
    })
}

fn plain(value: Syn<'_>) -> Option<String> {
    match value.kind() {
        "number" | "true" | "false" => Some(value.text().to_owned()),
        "parenthesized_expression" => plain(value.first()?),
        "ternary_expression" => {
            let end = |name: &str| value.field(name).map(said);
            let condition = one_line(value.field("condition")?.text());
            Some(format!("{} where `{condition}`, else {}", end("consequence")?, end("alternative")?))
        }
        "member_expression" => {
            let is_retention = value.field("object")?.text().rsplit('.').next() == Some("RetentionDays");
            let days = value.field("property").filter(|_| is_retention)?;
            Some(days.text().to_ascii_lowercase().replace('_', " "))
        }
        "call_expression" => {
            if let Some((number, unless)) = number(value) {
                return Some(format!("{number}{unless}"));
            }
            let (class, method) = value.field("function")?.text().rsplit_once('.')?;
            let unit = match method {
                "millis" => "ms",
                "seconds" => "s",
                "minutes" => "min",
                "hours" => "h",
                "days" => "days",
                _ => return None,
            };
            if class.rsplit('.').next() != Some("Duration") {
                return None;
            }
            let (number, unless) = number(value.field("arguments")?.first()?)?;
            Some(format!("{number} {unit}{unless}"))
        }
        _ => None,
    }
}

/// A number, and what says otherwise: `5`, `Number(x.tryGetContext('key') ?? 5)`.
fn number(value: Syn<'_>) -> Option<(&str, String)> {
    if value.is("number") {
        return Some((value.text(), String::new()));
    }
    let asked = value.field("arguments")?.first()?;
    let converts = value.field("function")?.text() == "Number" && asked.field("operator")?.text() == "??";
    let (call, number) = (asked.field("left")?, asked.field("right")?);
    let is_context = call.field("function")?.text().ends_with("tryGetContext");
    let key = call.field("arguments")?.first().filter(|key| key.is("string"))?;
    (converts && is_context && number.is("number"))
        .then(|| (number.text(), format!(" unless the context `{}` says otherwise", string_text(key))))
}

/// One part that wa-fix writes.
struct Block<'t> {
    name: &'t str,
    /// From the first mark to the end of the last.
    span: std::ops::Range<usize>,
}

const BEGIN: &str = "<!-- wa-fix:begin ";
const END: &str = "<!-- wa-fix:end ";
const CLOSE: &str = " -->";

/// The parts of a text; `None` where a mark has no partner, or a name comes twice.
fn blocks(text: &str) -> Option<Vec<Block<'_>>> {
    let mut found: Vec<Block<'_>> = Vec::new();
    let mut from = 0;
    while let Some(start) = text.get(from..)?.find(BEGIN).map(|at| at + from) {
        let rest = text.get(start + BEGIN.len()..)?;
        let name = rest.get(..rest.find(CLOSE)?)?;
        let last = format!("{END}{name}{CLOSE}");
        let body = start + BEGIN.len() + name.len() + CLOSE.len();
        let end = body + text.get(body..)?.find(&last)? + last.len();
        let nested = text.get(body..end)?.contains(BEGIN);
        if nested || name.contains('\n') || found.iter().any(|other| other.name == name) {
            return None;
        }
        found.push(Block { name, span: start..end });
        from = end;
    }
    Some(found)
}

/// A document as it should be now: the parts that wa-fix wrote as `new` has them, the rest as people left it.
/// Sections whose part's name starts with `growing` are added where they are new, and say so where their subject is
/// gone; other parts that people took out stay out. `None` where nothing changes, or the marks are broken.
pub(super) fn renewed(old: &str, new: &str, growing: &str) -> Option<String> {
    let windows = old.contains("\r\n");
    let plain = old.replace("\r\n", "\n");
    let (had, has) = (blocks(&plain)?, blocks(new)?);
    if had.is_empty() {
        return None;
    }
    let text = |block: &Block<'_>| new.get(block.span.clone()).unwrap_or_default().to_owned();
    let mut edits: Vec<(std::ops::Range<usize>, String)> = Vec::new();
    for block in &had {
        match has.iter().find(|other| other.name == block.name) {
            Some(now) => edits.push((block.span.clone(), text(now))),
            None if !growing.is_empty() && block.name.starts_with(growing) => {
                let name = block.name;
                let gone =
                    format!("{BEGIN}{name}{CLOSE}\n\nThe code no longer has this.\n\n{END}{name}{CLOSE}");
                edits.push((block.span.clone(), gone));
            }
            None => {}
        }
    }
    // New sections go behind the section of the part that comes before them.
    let mut place = plain.len();
    for now in &has {
        if let Some(block) = had.iter().find(|other| other.name == now.name) {
            place = section_end(&plain, block.span.end);
        } else if !growing.is_empty() && now.name.starts_with(growing) {
            let start = new.get(..now.span.start)?.rfind("\n### ")? + 1;
            let section = new.get(start..section_end(new, now.span.end))?;
            let first = !plain.lines().any(|line| line == "## Alarms");
            let heading = if first && edits.iter().all(|(_, text)| !text.starts_with('#')) {
                "## Alarms\n\n"
            } else {
                ""
            };
            edits.push((place..place, format!("{heading}{section}")));
        }
    }
    edits.sort_by_key(|(span, _)| span.start);
    let mut out = String::with_capacity(plain.len() + 256);
    let mut from = 0;
    for (span, text) in edits {
        out.push_str(plain.get(from..span.start)?);
        if text.starts_with('#') && !out.ends_with("\n\n") {
            out.push_str(if out.ends_with('\n') { "\n" } else { "\n\n" });
        }
        out.push_str(&text);
        from = span.end;
    }
    out.push_str(plain.get(from..)?);
    (out != plain).then(|| if windows { out.replace('\n', "\r\n") } else { out })
}

/// Where the section around a place ends: before the next heading, or with the text.
fn section_end(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    let next = ["\n# ", "\n## ", "\n### "].iter().filter_map(|heading| rest.find(heading)).min();
    next.map_or(text.len(), |next| at + next + 1)
}

/// Whether a document of the app says one of some words in its path, or the README does in a heading or beside the name of a
/// wiki. Of the repository around the app only what is surely meant counts: its other documents may be about anything.
pub(super) fn is_documented(model: &Model<'_>, says: fn(&str) -> bool, surely: fn(&str) -> bool) -> bool {
    let above = model.app.documents_above().any(|path| {
        surely(&path.to_ascii_lowercase()) && !model.app.text_above(&path).is_some_and(|text| is_rule(&text))
    });
    above
        || model.app.documents().iter().any(|path| {
            let lower = path.to_ascii_lowercase();
            let mut folders = path.split('/');
            if folders.any(|folder| matches!(folder, "node_modules" | "cdk.out" | "test" | "tests")) {
                return false;
            }
            says(&lower) && !model.app.document(path).is_some_and(|text| is_rule(&text))
                || lower.starts_with("readme")
                    && model.app.document(path).is_some_and(|text| {
                        text.lines().any(|line| {
                            let wiki =
                                ["wiki", "confluence", "notion"].iter().any(|place| line.contains(place));
                            (line.starts_with('#') || wiki) && says(&line.to_ascii_lowercase())
                        })
                    })
        })
}

/// Whether a document is a custom rule of wa-fix, which may be about anything.
fn is_rule(text: &str) -> bool {
    text.starts_with("+++") && text.contains("```scm")
}

#[cfg(test)]
mod tests {
    use super::{renewed, said};
    use crate::source::Language;
    use crate::syntax::{Syn, parse};

    const NEW: &str = "# Runbook\n\nIntro.\n\n## Parts\n\n<!-- wa-fix:begin parts -->\n\nB\n\n<!-- wa-fix:end parts -->\n\n\
        ## Alarms\n\n### One\n\n<!-- wa-fix:begin alarm One -->\n\n1\n\n<!-- wa-fix:end alarm One -->\n\nLast times:\n\n\
        ### Two\n\n<!-- wa-fix:begin alarm Two -->\n\n2\n\n<!-- wa-fix:end alarm Two -->\n\nLast times:\n\n## After\n\nEnd.\n";

    #[test]
    fn values_are_said_as_a_person_says_them() {
        let told = |code: &str| {
            let parsed = parse("a.ts", format!("x = {code};").into(), Language::TypeScript).unwrap();
            let statement = Syn::root(&parsed).first().unwrap();
            said(statement.first().unwrap().field("right").unwrap())
        };
        assert_eq!(told("cdk.Duration.minutes(5)"), "5 min");
        assert_eq!(told("logs.RetentionDays.ONE_WEEK"), "one week");
        assert_eq!(
            told("isProd\n  ? RetentionDays.ONE_MONTH\n  : RetentionDays.ONE_WEEK"),
            "one month where `isProd`, else one week"
        );
        assert_eq!(
            told("Duration.seconds(Number(this.node.tryGetContext('timeout') ?? 30))"),
            "30 s unless the context `timeout` says otherwise"
        );
        assert_eq!(
            told("Number(\n  this.node.tryGetContext('size') ?? 512\n)"),
            "512 unless the context `size` says otherwise"
        );
        assert_eq!(
            told("Duration.seconds(Number(process.env.T ?? 30))"),
            "`Duration.seconds(Number(process.env.T ?? 30))`"
        );
        assert_eq!(told("sizes.get(\n  id\n)"), "`sizes.get(id)`");
        assert_eq!(told("'GET /a'"), "`GET /a`");
    }

    #[test]
    fn parts_are_renewed_and_what_people_wrote_stays() {
        let old = "# Our runbook\n\nOurs.\n\n<!-- wa-fix:begin parts -->\n\nA\n\n<!-- wa-fix:end parts -->\nnote\n\n## Alarms\n\n\
            ### One, the loud one\n\n<!-- wa-fix:begin alarm One -->\n\n1\n\n<!-- wa-fix:end alarm One -->\n\nMay: the cache\n\n\
            ### Old\n\n<!-- wa-fix:begin alarm Old -->\n\nx\n\n<!-- wa-fix:end alarm Old -->\n\n## Ours\n\nText.\n";
        let now = renewed(old, NEW, "alarm ").unwrap();
        for kept in
            ["# Our runbook", "Ours.", "note", "One, the loud one", "May: the cache", "## Ours\n\nText.\n"]
        {
            assert!(now.contains(kept), "{kept}: {now}");
        }
        assert!(now.contains("begin parts -->\n\nB\n") && now.contains("The code no longer has this."));
        assert!(now.contains("May: the cache\n\n### Two\n\n<!-- wa-fix:begin alarm Two -->\n\n2\n"), "{now}");
        assert_eq!(now.matches("## Alarms").count(), 1);
        assert_eq!(renewed(&now, NEW, "alarm "), None);
        let windows = old.replace('\n', "\r\n");
        assert_eq!(renewed(&windows, NEW, "alarm ").unwrap(), now.replace('\n', "\r\n"));
    }

    #[test]
    fn the_first_alarms_get_their_heading_and_broken_marks_are_left_alone() {
        let old = "<!-- wa-fix:begin parts -->\n\nB\n\n<!-- wa-fix:end parts -->";
        let now = renewed(old, NEW, "alarm ").unwrap();
        assert!(
            now.contains("end parts -->\n\n## Alarms\n\n### One\n") && now.matches("## Alarms").count() == 1,
            "{now}"
        );
        assert_eq!(renewed(&now, NEW, "alarm "), None);
        assert_eq!(renewed("<!-- wa-fix:begin parts -->\n", NEW, "alarm "), None);
        assert_eq!(renewed("no marks", NEW, "alarm "), None);
        // A part that people took out stays out.
        assert_eq!(renewed("<!-- wa-fix:begin x -->\n<!-- wa-fix:end x -->", NEW, ""), None);
    }
}
