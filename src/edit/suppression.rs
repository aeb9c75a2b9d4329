//! The comment that accepts a finding, written where it counts.

use super::builder::no_fix;
use super::style::{line_indent, line_start};
use super::text::{Edit, EditSet};
use crate::detect::Refusal;
use crate::detect::suppress::suppressions;
use crate::rule::Meta;
use crate::source::Language;
use crate::syntax::{Parsed, Syn, first_error, parse};

/// Begins a comment that accepts findings.
const WORD: &str = "wa-fix-ignore";

/// The edit that accepts what a rule finds at a byte offset: a comment on the line above, joined with the one that
/// stands there already; at the end of the line where none can stand above it, as inside a template string. What
/// comes back has been tried: the file still parses, and the comment covers the line.
///
/// # Errors
/// A [`Refusal`] where the language has no comments, or none counts there.
pub fn suppression(file: &Parsed, at: usize, rule: &Meta, reason: &str) -> Result<Edit, Refusal> {
    let mark = match file.language {
        Language::Json => {
            return Err(no_fix("the file can hold no comment", "leave it out with [paths] in wa-fix.toml"));
        }
        Language::Yaml => "#",
        _ => "//",
    };
    let reason = reason.split_whitespace().collect::<Vec<_>>().join(" ");
    let eol = if file.text.contains("\r\n") { "\r\n" } else { "\n" };
    let indent = line_indent(&file.text, at);
    let line = line_start(&file.text, at);
    let above =
        || Edit { span: line..line, text: format!("{indent}{mark} {WORD} {} -- {reason}{eol}", rule.id) };
    let end =
        file.text.get(at..).and_then(|rest| rest.find('\n')).map_or(file.text.len(), |length| at + length);
    let end = file.text.get(..end).map_or(end, |text| text.trim_end().len().max(at));
    let behind = || Edit { span: end..end, text: format!(" {mark} {WORD} {} -- {reason}", rule.id) };
    let ways = [joined(file, line, mark, rule, &reason), Some(above()), Some(behind())];
    ways.into_iter().flatten().find(|edit| counts(file, at, edit, rule)).ok_or_else(|| {
        no_fix(
            "no comment can stand at this place",
            "write // wa-fix-ignore-file -- reason at the top of the file",
        )
    })
}

/// The comment on the line above with one rule and one reason more.
fn joined(file: &Parsed, line: usize, mark: &str, rule: &Meta, reason: &str) -> Option<Edit> {
    let last = line.checked_sub(1)?;
    let start = line_start(&file.text, last);
    let text = file.text.get(start..last)?;
    let from = start + text.len() - text.trim_start().len();
    let text = text.trim();
    let (names, reasons) = text.strip_prefix(mark)?.trim().strip_prefix(WORD)?.split_once("--")?;
    if names.starts_with('-') || !Syn::root(file).at(from..from + text.len())?.is("comment") {
        return None;
    }
    let reasons = reasons.trim();
    let reasons = if reasons.contains(reason) { reasons.to_owned() } else { format!("{reasons}; {reason}") };
    let text_of = format!("{mark} {WORD} {}, {} -- {reasons}", names.trim(), rule.id);
    Some(Edit { span: from..from + text.len(), text: text_of })
}

/// Whether the file with the edit parses as well as before, and the comment covers the line.
fn counts(file: &Parsed, at: usize, edit: &Edit, rule: &Meta) -> bool {
    let mut set = EditSet::default();
    if set.insert(edit.clone()).is_err() {
        return false;
    }
    let Ok(text) = set.apply(&file.text) else { return false };
    let above = edit.span.end <= at;
    let place = if above { at + edit.text.len() - edit.span.len() } else { at };
    let line = 1 + text.get(..place).unwrap_or_default().matches('\n').count();
    parse(&file.path, text.into(), file.language).is_some_and(|parsed| {
        first_error(&parsed).is_none() && suppressions(&parsed).iter().any(|found| found.covers(rule, line))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Accepts rule 2.5 at the `@` of a text.
    fn accepted(text: &str) -> String {
        let at = text.find('@').unwrap();
        let text = text.replace('@', "");
        let parsed = parse("a.ts", text.clone().into(), Language::TypeScript).unwrap();
        let rule = crate::fixes::ALL.iter().find(|rule| rule.meta.id == "2.5").unwrap().meta;
        let edit = suppression(&parsed, at, rule, "asked\n the team").unwrap();
        let mut set = EditSet::default();
        set.insert(edit).unwrap();
        set.apply(&text).unwrap()
    }

    #[test]
    fn it_stands_on_the_line_above_with_its_indent_and_line_end() {
        assert_eq!(
            accepted("f(() => {\r\n    @g();\r\n});\r\n"),
            "f(() => {\r\n    // wa-fix-ignore 2.5 -- asked the team\r\n    g();\r\n});\r\n"
        );
    }

    #[test]
    fn it_joins_the_comment_that_is_there() {
        assert_eq!(
            accepted("  // wa-fix-ignore 1.2 -- public data\n  @g();\n"),
            "  // wa-fix-ignore 1.2, 2.5 -- public data; asked the team\n  g();\n"
        );
        assert_eq!(
            accepted("// wa-fix-ignore 1.2 -- asked the team\n@g();\n"),
            "// wa-fix-ignore 1.2, 2.5 -- asked the team\ng();\n"
        );
    }

    #[test]
    fn behind_a_line_that_starts_inside_a_template() {
        assert_eq!(
            accepted("const a = `x\n${@g()}`;\n"),
            "const a = `x\n${g()}`; // wa-fix-ignore 2.5 -- asked the team\n"
        );
    }

    #[test]
    fn refused_where_no_comment_counts() {
        let parsed = parse("a.json", "{}".into(), Language::Json).unwrap();
        let rule = crate::fixes::ALL.iter().find(|rule| rule.meta.id == "2.5").unwrap().meta;
        assert!(suppression(&parsed, 0, rule, "x").is_err());
    }
}
