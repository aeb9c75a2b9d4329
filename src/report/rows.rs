//! The lines of a diff as data, for a view that lays them out itself.

use similar::{ChangeTag, DiffTag, TextDiff};

use super::diff::{WORDS_UP_TO, header, name};
use super::look::visible;
use crate::edit::FileChange;

/// Columns between tab stops.
const TAB: usize = 4;

/// What a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The name of a file, before or after.
    File,
    /// The place of a block.
    Hunk,
    /// A line that stays.
    Same,
    /// A line that goes.
    Gone,
    /// A line that comes.
    Come,
}

/// One line of a diff.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// What it is.
    pub kind: Kind,
    /// Its number in the old text, from 1.
    pub old: Option<usize>,
    /// Its number in the new text, from 1.
    pub new: Option<usize>,
    /// The text, control characters made visible and tabs as spaces, in pieces of which some are emphasised: what differs within
    /// a changed line.
    pub pieces: Vec<(bool, String)>,
}

impl Row {
    fn head(kind: Kind, text: String) -> Self {
        Self { kind, old: None, new: None, pieces: vec![(false, text)] }
    }

    /// The whole text.
    pub fn text(&self) -> String {
        self.pieces.iter().map(|(_, text)| text.as_str()).collect()
    }
}

/// The rows of one file's change; none if nothing changes.
pub fn rows(change: &FileChange, context: usize) -> Vec<Row> {
    let before = String::from_utf8_lossy(change.before.as_deref().unwrap_or_default());
    let after = String::from_utf8_lossy(&change.after);
    if before == after {
        return Vec::new();
    }
    let old: Vec<&str> = before.split_inclusive('\n').collect();
    let new: Vec<&str> = after.split_inclusive('\n').collect();
    let diff = TextDiff::from_slices(&old, &new);
    let from = change.before.as_ref().map_or_else(|| "/dev/null".to_owned(), |_| name("a/", &change.path));
    let mut rows = vec![
        Row::head(Kind::File, format!("--- {from}")),
        Row::head(Kind::File, format!("+++ {}", name("b/", &change.path))),
    ];
    for ops in diff.grouped_ops(context) {
        rows.push(Row::head(Kind::Hunk, header(&ops)));
        for op in &ops {
            let words =
                op.tag() == DiffTag::Replace && op.old_range().len() + op.new_range().len() <= WORDS_UP_TO;
            if words {
                for change in diff.iter_inline_changes_deadline(op, None) {
                    let pieces =
                        change.iter_strings_lossy().map(|(strong, text)| (strong, text.into_owned()));
                    rows.push(row(change.tag(), change.old_index(), change.new_index(), pieces));
                }
            } else {
                for change in diff.iter_changes(op) {
                    let piece = std::iter::once((false, change.value().to_owned()));
                    rows.push(row(change.tag(), change.old_index(), change.new_index(), piece));
                }
            }
        }
    }
    rows
}

/// What a change does to a file, wherever it stands: the lines that go and come. Equal essence is an equal change.
pub fn essence(changes: &[FileChange]) -> String {
    let mut text = String::new();
    for change in changes {
        text.push_str(&format!("{}{}\n", if change.before.is_none() { "new " } else { "" }, change.path));
        for row in rows(change, 0) {
            let sign = match row.kind {
                Kind::Gone => '-',
                Kind::Come => '+',
                _ => continue,
            };
            text.push_str(&format!("{sign}{}\n", row.text()));
        }
    }
    text
}

fn row(
    tag: ChangeTag,
    old: Option<usize>,
    new: Option<usize>,
    pieces: impl Iterator<Item = (bool, String)>,
) -> Row {
    let kind = match tag {
        ChangeTag::Equal => Kind::Same,
        ChangeTag::Delete => Kind::Gone,
        ChangeTag::Insert => Kind::Come,
    };
    let mut column = 0;
    let pieces = pieces.map(|(strong, text)| (strong, shown(&text, &mut column)));
    Row {
        kind,
        old: old.map(|index| index + 1),
        new: new.map(|index| index + 1),
        pieces: pieces.filter(|(_, text)| !text.is_empty()).collect(),
    }
}

/// A piece of a line as a terminal can show it.
fn shown(text: &str, column: &mut usize) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.trim_end_matches(['\n', '\r']).chars() {
        if c == '\t' {
            let gap = TAB - *column % TAB;
            out.extend(std::iter::repeat_n(' ', gap));
            *column += gap;
        } else {
            out.push(visible(c).unwrap_or(c));
            *column += 1;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(before: &str, after: &str) -> FileChange {
        FileChange {
            file: "a.ts".into(),
            path: "a.ts".into(),
            before: Some(before.as_bytes().into()),
            after: after.as_bytes().into(),
        }
    }

    #[test]
    fn words_that_differ_are_emphasised() {
        let rows = rows(&change("a\n\tlet x = 1;\n", "a\n\tlet x = 2;\n"), 1);
        let kinds: Vec<Kind> = rows.iter().map(|row| row.kind).collect();
        assert_eq!(kinds, [Kind::File, Kind::File, Kind::Hunk, Kind::Same, Kind::Gone, Kind::Come]);
        assert_eq!((rows[4].old, rows[4].new, rows[5].new), (Some(2), None, Some(2)));
        assert_eq!(rows[5].text(), "    let x = 2;");
        assert!(rows[5].pieces.iter().any(|(strong, text)| *strong && text.contains('2')));
    }

    #[test]
    fn essence_does_not_know_places() {
        let one = essence(&[change("a\nb\n", "a\nc\nb\n")]);
        let other = essence(&[change("x\ny\na\nb\n", "x\ny\na\nc\nb\n")]);
        assert_eq!(one, other);
        assert_ne!(one, essence(&[change("a\nb\n", "a\nd\nb\n")]));
    }
}
