//! What a pattern of a custom rule says to do where it holds: `(#set-prop! @site "name" "value")`.

use super::query::QueryError;

/// A directive with its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directive {
    /// Which one.
    pub name: DirectiveName,
    /// The capture it is about, without `@`; empty for those about the whole fix.
    pub capture: String,
    /// The string arguments.
    pub arguments: Vec<String>,
    /// Where it stands in the text, lines from 1.
    pub line: usize,
}

/// The directives that exist; the guide in `docs/rules.md` has the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DirectiveName {
    /// `#report! @node "message"`.
    Report,
    /// `#fix! "title"`: the edits that follow are the fix.
    Fix,
    /// `#refuse! "why" "next"`: there is no fix for this form.
    Refuse,
    /// `#set-prop! @site "name" "value"`.
    SetProp,
    /// `#remove-prop! @site "name"`.
    RemoveProp,
    /// `#replace! @node "code"`.
    Replace,
    /// `#insert-before! @node "statements"`.
    InsertBefore,
    /// `#insert-after! @node "statements"`.
    InsertAfter,
    /// `#remove! @node`: the statement that holds it.
    Remove,
    /// `#add-import! @node "module" "name" …`.
    AddImport,
}

/// Name, meaning, whether it is about a capture, and the fewest and most strings it takes.
const DIRECTIVES: [(&str, DirectiveName, bool, usize, usize); 10] = [
    ("#report!", DirectiveName::Report, true, 1, 1),
    ("#fix!", DirectiveName::Fix, false, 1, 1),
    ("#refuse!", DirectiveName::Refuse, false, 2, 2),
    ("#set-prop!", DirectiveName::SetProp, true, 2, 2),
    ("#remove-prop!", DirectiveName::RemoveProp, true, 1, 1),
    ("#replace!", DirectiveName::Replace, true, 1, 1),
    ("#insert-before!", DirectiveName::InsertBefore, true, 1, 1),
    ("#insert-after!", DirectiveName::InsertAfter, true, 1, 1),
    ("#remove!", DirectiveName::Remove, true, 0, 0),
    ("#add-import!", DirectiveName::AddImport, true, 2, 16),
];

impl DirectiveName {
    /// How it is written.
    pub fn word(self) -> &'static str {
        DIRECTIVES.iter().find(|(_, name, ..)| *name == self).map_or("", |(word, ..)| word)
    }
}

/// A predicate or a directive as it is written.
pub(super) struct Clause {
    pub(super) name: String,
    pub(super) capture: String,
    pub(super) arguments: Vec<String>,
    pub(super) line: usize,
}

impl Clause {
    pub(super) fn error(&self, what: String) -> QueryError {
        QueryError { line: self.line, what }
    }

    /// Whether it names a capture exactly where one belongs.
    pub(super) fn takes_capture(&self, wanted: bool) -> Result<(), QueryError> {
        if wanted == self.capture.is_empty() {
            let what = format!("{} takes {} capture", self.name, if wanted { "a" } else { "no" });
            return Err(self.error(what));
        }
        Ok(())
    }

    pub(super) fn unknown(&self, kind: &str, words: &[&str]) -> QueryError {
        let close = similar::get_close_matches(self.name.as_str(), words, 1, 0.6);
        let meant = close.first().map_or_else(String::new, |close| format!("did you mean {close}? "));
        self.error(format!("{} is no {kind}; {meant}there are {}", self.name, words.join(", ")))
    }
}

/// Reads a directive.
pub(super) fn directive(clause: Clause) -> Result<Directive, QueryError> {
    let known = DIRECTIVES.iter().find(|(word, ..)| *word == clause.name);
    let Some((_, name, with_capture, fewest, most)) = known else {
        return Err(clause.unknown("directive", &DIRECTIVES.map(|(word, ..)| word)));
    };
    clause.takes_capture(*with_capture)?;
    let count = clause.arguments.len();
    if count < *fewest || count > *most {
        let wanted = if fewest == most { fewest.to_string() } else { format!("{fewest} to {most}") };
        let ending = if wanted == "1" { "" } else { "s" };
        return Err(clause.error(format!("{} takes {wanted} string{ending}, not {count}", clause.name)));
    }
    let Clause { capture, arguments, line, .. } = clause;
    Ok(Directive { name: *name, capture, arguments, line })
}
