//! A code frame: the line of a finding with its number and the place underlined.

use std::ops::Range;

use console::measure_text_width;

use super::look::{Look, Role, visible};
use crate::source::position::LineIndex;

/// Columns between tab stops.
const TAB: usize = 4;
/// Room for code is never less than this, however narrow the terminal.
const LEAST: usize = 20;
/// Stands where a line was cut.
const CUT: &str = "…";

/// A line as a terminal shows it, and which columns of it are underlined.
#[derive(Debug, PartialEq, Eq)]
struct Shown {
    text: String,
    from: usize,
    width: usize,
}

/// One character as shown: its offset in the line, its form, its columns.
struct Cell {
    at: usize,
    form: String,
    width: usize,
}

/// The frame's lines. A span over several lines shows its first and says how many follow.
pub(super) fn draw(
    text: &str,
    index: &LineIndex,
    span: &Range<usize>,
    role: Role,
    look: Look,
) -> Vec<String> {
    let range = index.range(span);
    let number = range.start.line.to_string();
    let blank = " ".repeat(number.len());
    let bar = |left: &str| look.paint(Role::Dim, &format!("{left} |")).into_owned();
    let Some(line) = index.line(range.start.line) else { return Vec::new() };
    let Some(code) = text.get(line.clone()) else { return Vec::new() };
    let start = span.start.clamp(line.start, line.end) - line.start;
    let end = span.end.clamp(line.start, line.end) - line.start;
    let room = look.width.saturating_sub(number.len() + 3).max(LEAST);
    let shown = show(code, start..end.max(start), room);
    let mut lines = vec![bar(&blank), format!("{} {}", bar(&number), shown.text)];
    let marks = look.paint(role, &"^".repeat(shown.width)).into_owned();
    lines.push(format!("{} {}{marks}", bar(&blank), " ".repeat(shown.from)));
    let more = range.end.line.saturating_sub(range.start.line);
    if more > 0 {
        let words = if more == 1 { "1 more line".to_owned() } else { format!("{more} more lines") };
        lines.push(look.paint(Role::Dim, &format!("{blank} | ... ({words})")).into_owned());
    }
    lines
}

/// Fits a line into `room` columns so that the start of the mark is seen with a little before it.
fn show(code: &str, mark: Range<usize>, room: usize) -> Shown {
    // Of a minified file's single line, only what can be near the mark is looked at.
    let near = room * 4;
    let left = boundary(code, mark.start.saturating_sub(near));
    let right = boundary(code, mark.start.saturating_add(near)).max(left);
    let code_end = code.trim_end().len().max(mark.end.min(code.len()));
    let cells = cells(code.get(left..right.min(code_end)).unwrap_or_default(), left);
    let is_cut = |first: usize, last: usize| (left > 0 || first > 0, right < code_end || last < cells.len());

    let width_of = |cells: &[Cell]| cells.iter().map(|cell| cell.width).sum::<usize>();
    let marked = cells.partition_point(|cell| cell.at < mark.start);
    let marked_end = cells.partition_point(|cell| cell.at < mark.end).max(marked);
    let before = width_of(cells.get(..marked).unwrap_or_default());
    let inside = width_of(cells.get(marked..marked_end).unwrap_or_default());
    let total = width_of(&cells);

    let (mut first, mut last) = (0, cells.len());
    if left > 0 || total > room {
        let lead = if left == 0 && before + inside < room { before } else { room / 3 };
        first = back_by(&cells, marked, lead);
        last = forth_by(&cells, first, room - 2);
    }
    let part = |range: Range<usize>| -> String {
        cells.get(range).unwrap_or_default().iter().map(|cell| cell.form.as_str()).collect()
    };
    let (cut_left, cut_right) = is_cut(first, last);
    let head = if cut_left { CUT } else { "" };
    let tail = if cut_right { CUT } else { "" };
    let text = format!("{head}{}{tail}", part(first..last));
    let from = measure_text_width(&format!("{head}{}", part(first..marked.min(last))));
    let width = measure_text_width(&part(marked.min(last)..marked_end.min(last))).max(1);
    Shown { text, from, width }
}

/// The characters of a piece of a line that starts at `offset`, with tabs as spaces and what would
/// move the cursor made visible.
fn cells(piece: &str, offset: usize) -> Vec<Cell> {
    let mut column = 0;
    let mut cells = Vec::with_capacity(piece.len());
    for (at, c) in piece.char_indices() {
        let form = match c {
            '\t' => " ".repeat(TAB - column % TAB),
            c => visible(c).unwrap_or(c).to_string(),
        };
        let width = measure_text_width(&form);
        column += width;
        cells.push(Cell { at: offset + at, form, width });
    }
    cells
}

/// The first cell so that those from it to `to` take at most `width` columns.
fn back_by(cells: &[Cell], to: usize, width: usize) -> usize {
    to - fitting(cells.get(..to).unwrap_or_default().iter().rev(), width)
}

/// The end of the cells from `from` that take at most `width` columns.
fn forth_by(cells: &[Cell], from: usize, width: usize) -> usize {
    from + fitting(cells.get(from..).unwrap_or_default().iter(), width)
}

/// How many cells, in the order given, take at most `width` columns.
fn fitting<'c>(cells: impl Iterator<Item = &'c Cell>, width: usize) -> usize {
    let mut used = 0;
    cells
        .take_while(|cell| {
            used += cell.width;
            used <= width
        })
        .count()
}

/// The character boundary at or before `at`.
fn boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shows a line with the text between `[` and `]` marked; gives the frame's two lines.
    fn shown(line: &str, room: usize) -> String {
        let start = line.find('[').unwrap();
        let end = line.find(']').unwrap() - 1;
        let shown = show(&line.replace(['[', ']'], ""), start..end, room);
        assert!(measure_text_width(&shown.text) <= room, "too wide: {}", shown.text);
        format!("{}\n{}{}", shown.text, " ".repeat(shown.from), "^".repeat(shown.width))
    }

    #[test]
    fn tabs_go_to_the_next_stop() {
        assert_eq!(shown("\ta\t[b\tc];", 40), "    a   b   c;\n        ^^^^^");
    }

    #[test]
    fn wide_and_combining_characters_keep_the_mark_under_its_text() {
        assert_eq!(shown("'日本', [x]", 40), "'日本', x\n        ^");
        assert_eq!(shown("'[日本]'", 40), "'日本'\n ^^^^");
        assert_eq!(shown("e\u{301} [😀]", 40), "e\u{301} 😀\n  ^^");
    }

    #[test]
    fn an_empty_mark_is_one_caret_even_at_the_end() {
        assert_eq!(shown("abc[]", 40), "abc\n   ^");
        assert_eq!(shown("[]", 40), "\n^");
    }

    #[test]
    fn a_line_that_fits_is_not_cut() {
        assert_eq!(shown("01234567890123456[789]", 20), "01234567890123456789\n                 ^^^");
    }

    #[test]
    fn long_lines_are_cut_around_the_mark() {
        let long = format!("{}[mark]{}", "a".repeat(10_000), "b".repeat(10_000));
        assert_eq!(shown(&long, 30), "…aaaaaaaaaamarkbbbbbbbbbbbbbb…\n           ^^^^");
        let early = format!("ab [mark] {}", "c".repeat(60));
        assert_eq!(shown(&early, 30), "ab mark cccccccccccccccccccc…\n   ^^^^");
        let late = format!("{} [mark]", "d".repeat(60));
        assert_eq!(shown(&late, 30), "…ddddddddd mark\n           ^^^^");
        let wide = format!("[{}]", "日".repeat(500));
        assert_eq!(shown(&wide, 21), "日日日日日日日日日…\n^^^^^^^^^^^^^^^^^^");
    }

    #[test]
    fn the_terminal_is_not_moved_by_the_code() {
        assert_eq!(shown("\u{1b}[x]\u{1b}", 40), "␛x␛\n ^");
    }

    #[test]
    fn a_span_of_another_text_draws_something_and_does_not_panic() {
        let index = LineIndex::new("aé\nb");
        for (start, end) in [(0, 99), (90, 99), (2, 3), (4, 2)] {
            let span = start..end;
            draw("aé\nb", &index, &span, Role::Bad, Look::PLAIN);
        }
    }
}
