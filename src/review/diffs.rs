//! A change as lines: old and new below each other, or side by side.

use super::line::Line;
use crate::edit::FileChange;
use crate::report::look::Role;
use crate::report::rows::{Kind, Row, rows};

/// Between the two columns.
const BAR: &str = " │ ";

/// The lines of a change, none wider than `width`.
pub(super) fn lines(change: &FileChange, context: usize, side_by_side: bool, width: usize) -> Vec<Line> {
    let rows = rows(change, context);
    if side_by_side {
        columns(&rows, width)
    } else {
        rows.iter().flat_map(|row| unified(row, width)).collect()
    }
}

fn unified(row: &Row, width: usize) -> Vec<Line> {
    let line = match row.kind {
        Kind::File => Line::of(Role::Heading, row.text()),
        Kind::Hunk => Line::of(Role::Hunk, row.text()),
        Kind::Same => Line::plain(" ").beside(code(row)),
        Kind::Gone => Line::of(Role::Bad, "-").beside(code(row)),
        Kind::Come => Line::of(Role::Good, "+").beside(code(row)),
    };
    line.broken(width, " ")
}

/// The text of a row, its differing words marked.
fn code(row: &Row) -> Line {
    let (plain, strong) = match row.kind {
        Kind::Gone => (Some(Role::Bad), Some(Role::BadWord)),
        Kind::Come => (Some(Role::Good), Some(Role::GoodWord)),
        _ => (None, None),
    };
    row.pieces.iter().fold(Line::empty(), |line, (emphasised, text)| {
        line.and(if *emphasised { strong } else { plain }, text.clone())
    })
}

fn columns(rows: &[Row], width: usize) -> Vec<Line> {
    let room = width.saturating_sub(BAR.chars().count()) / 2;
    let digits = rows.iter().filter_map(|row| row.old.max(row.new)).max().unwrap_or(1).to_string().len();
    let mut lines = Vec::new();
    let mut rest = rows;
    while let Some(row) = rest.first() {
        match row.kind {
            Kind::File | Kind::Hunk => {
                lines.extend(unified(row, width));
                rest = rest.get(1..).unwrap_or_default();
            }
            Kind::Same => {
                lines.extend(pair(Some(row), Some(row), digits, room));
                rest = rest.get(1..).unwrap_or_default();
            }
            _ => {
                let gone = run(rest, Kind::Gone);
                let after = rest.get(gone.len()..).unwrap_or_default();
                let come = run(after, Kind::Come);
                for index in 0..gone.len().max(come.len()) {
                    lines.extend(pair(gone.get(index), come.get(index), digits, room));
                }
                rest = after.get(come.len()..).unwrap_or_default();
            }
        }
    }
    lines
}

/// The rows of a kind at the start.
fn run(rows: &[Row], kind: Kind) -> &[Row] {
    let length = rows.iter().take_while(|row| row.kind == kind).count();
    rows.get(..length).unwrap_or_default()
}

/// An old and a new row beside each other, in as many lines as the longer one needs.
fn pair(old: Option<&Row>, new: Option<&Row>, digits: usize, room: usize) -> Vec<Line> {
    let side = |row: Option<&Row>, number: fn(&Row) -> Option<usize>| -> Vec<Line> {
        let Some(row) = row else { return Vec::new() };
        let sign = match row.kind {
            Kind::Gone => "-",
            Kind::Come => "+",
            _ => " ",
        };
        let number = number(row).map(|number| number.to_string()).unwrap_or_default();
        let head = Line::of(Role::Dim, format!("{number:>digits$} ")).and(None, sign);
        head.beside(code(row)).broken(room, &" ".repeat(digits + 2))
    };
    let (left, right) = (side(old, |row| row.old), side(new, |row| row.new));
    (0..left.len().max(right.len()))
        .map(|index| {
            let left = left.get(index).cloned().unwrap_or_default().padded(room);
            let right = right.get(index).cloned().unwrap_or_default();
            left.and(Some(Role::Dim), BAR).beside(right)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(side_by_side: bool, width: usize) -> Vec<String> {
        let change = FileChange {
            file: "a.ts".into(),
            path: "a.ts".into(),
            before: Some("one\ntwo\nthree\n".as_bytes().into()),
            after: "one\n2\nthree\nfour and more\n".as_bytes().into(),
        };
        let lines = lines(&change, 1, side_by_side, width);
        assert!(lines.iter().all(|line| line.width() <= width), "{lines:?}");
        lines.iter().map(Line::text).collect()
    }

    #[test]
    fn below_each_other() {
        assert_eq!(
            shown(false, 12),
            [
                "--- a/a.ts",
                "+++ b/a.ts",
                "@@ -1,3 +1,4",
                "  @@",
                " one",
                "-two",
                "+2",
                " three",
                "+four and mo",
                " re"
            ]
        );
    }

    #[test]
    fn side_by_side() {
        let lines = shown(true, 27);
        assert_eq!(
            lines[3..],
            [
                "1  one       │ 1  one",
                "2 -two       │ 2 +2",
                "3  three     │ 3  three",
                "             │ 4 +four and ",
                "             │    more"
            ]
        );
    }
}
