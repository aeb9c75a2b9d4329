//! Byte offsets to lines and columns as people and editors count them, and back.
//!
//! A line ends at LF, CRLF or a lone CR. TypeScript also ends a line at U+2028 and U+2029, but the
//! editors that show our positions and the protocols that carry them (LSP, SARIF) do not, so
//! neither do we. Columns are UTF-16 code units from 1; a byte order mark takes no column.

use std::ops::Range;

use crate::detect::{Position, TextRange};

/// The length of a byte order mark in UTF-8.
const BOM: usize = 3;

/// A character whose bytes and UTF-16 code units differ in number.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Wide {
    /// Byte offset of the character in the text.
    at: usize,
    /// Its bytes.
    bytes: usize,
    /// Its UTF-16 code units.
    units: usize,
}

/// Where the lines of one text start and end. Knows enough of the text to count columns without it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineIndex {
    /// Start of each line, and its end before the line break. Never empty.
    lines: Vec<Range<usize>>,
    /// All characters beyond ASCII, by offset.
    wide: Vec<Wide>,
}

impl LineIndex {
    /// Reads the line breaks of `text`.
    pub fn new(text: &str) -> Self {
        let mut lines = Vec::new();
        let mut wide = Vec::new();
        let mut start = if text.starts_with('\u{feff}') { BOM } else { 0 };
        // Most sources are plain.
        if text.is_ascii() && memchr::memchr(b'\r', text.as_bytes()).is_none() {
            for at in memchr::memchr_iter(b'\n', text.as_bytes()).chain([text.len()]) {
                lines.push(start..at);
                start = at + 1;
            }
            return Self { lines, wide };
        }
        let mut chars = text.char_indices().skip(usize::from(start > 0)).peekable();
        while let Some((at, c)) = chars.next() {
            match c {
                '\n' => {
                    lines.push(start..at);
                    start = at + 1;
                }
                '\r' => {
                    lines.push(start..at);
                    start = chars.next_if(|(_, next)| *next == '\n').map_or(at, |(lf, _)| lf) + 1;
                }
                c if !c.is_ascii() => {
                    wide.push(Wide { at, bytes: c.len_utf8(), units: c.len_utf16() });
                }
                _ => {}
            }
        }
        lines.push(start..text.len());
        Self { lines, wide }
    }

    /// How many lines there are: one more than line breaks.
    pub fn line_count(&self) -> usize {
        self.lines.len()
    }

    /// The bytes of a line (counted from 1) without its line break.
    pub fn line(&self, line: usize) -> Option<Range<usize>> {
        self.lines.get(line.checked_sub(1)?).cloned()
    }

    /// The place of a byte offset. An offset inside a character, a line break or the byte order mark
    /// counts as its start, one past the end as the end.
    pub fn position(&self, offset: usize) -> Position {
        let line = self.lines.partition_point(|line| line.start <= offset).max(1);
        let Some(bytes) = self.line(line) else { return Position { line: 1, column: 1 } };
        let offset = offset.clamp(bytes.start, bytes.end);
        let mut units = offset - bytes.start;
        for wide in self.wide_in(&bytes).iter().take_while(|wide| wide.at < offset) {
            let inside = (offset - wide.at).min(wide.bytes);
            units -= inside;
            units += if inside == wide.bytes { wide.units } else { 0 };
        }
        Position { line, column: units + 1 }
    }

    /// The places of a span's ends.
    pub fn range(&self, span: &Range<usize>) -> TextRange {
        TextRange { start: self.position(span.start), end: self.position(span.end) }
    }

    /// The byte offset of a place; nothing where there is no such line. A column past the end of its
    /// line is the end of the line, as in the LSP; one between the halves of a surrogate pair is the
    /// start of the character.
    pub fn offset(&self, position: Position) -> Option<usize> {
        let bytes = self.line(position.line)?;
        let mut left = position.column.checked_sub(1)?;
        let mut from = bytes.start;
        for wide in self.wide_in(&bytes) {
            let before = wide.at - from;
            if left <= before {
                break;
            }
            left -= before;
            if left < wide.units {
                return Some(wide.at);
            }
            left -= wide.units;
            from = wide.at + wide.bytes;
        }
        Some(from.saturating_add(left).min(bytes.end))
    }

    /// The characters beyond ASCII in a line.
    fn wide_in(&self, line: &Range<usize>) -> &[Wide] {
        let first = self.wide.partition_point(|wide| wide.at < line.start);
        let last = self.wide.partition_point(|wide| wide.at < line.end);
        self.wide.get(first..last).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(line: usize, column: usize) -> Position {
        Position { line, column }
    }

    #[test]
    fn lines_end_at_lf_crlf_and_cr_but_not_at_u2028() {
        let index = LineIndex::new("a\nb\r\nc\rd\u{2028}e");
        assert_eq!(index.line_count(), 4);
        assert_eq!(index.line(2), Some(2..3));
        assert_eq!(index.position(7), place(4, 1));
        assert_eq!(index.line(0), None);
        assert_eq!(index.line(5), None);
    }

    #[test]
    fn columns_are_utf16_code_units() {
        let index = LineIndex::new("é = '😀' + x");
        assert_eq!(index.position("é = '😀'".len()), place(1, 9));
        assert_eq!(index.position("é = '".len() + 2), place(1, 6), "inside a character: its start");
        assert_eq!(index.offset(place(1, 7)), Some("é = '".len()), "between surrogates: its start");
        assert_eq!(index.offset(place(1, 9)), Some("é = '😀'".len()));
    }

    #[test]
    fn a_byte_order_mark_takes_no_column() {
        let index = LineIndex::new("\u{feff}abc\nd");
        assert_eq!(index.position(0), place(1, 1));
        assert_eq!(index.position(3), place(1, 1));
        assert_eq!(index.position(5), place(1, 3));
        assert_eq!(index.offset(place(1, 1)), Some(3));
    }

    #[test]
    fn places_outside_are_brought_inside_or_refused() {
        let index = LineIndex::new("ab\r\ncd");
        assert_eq!(index.position(3), place(1, 3), "between CR and LF");
        assert_eq!(index.position(99), place(2, 3));
        assert_eq!(index.offset(place(1, 99)), Some(2));
        assert_eq!(index.offset(place(2, usize::MAX)), Some(6));
        assert_eq!(index.offset(place(3, 1)), None);
        assert_eq!(index.offset(place(1, 0)), None);
        assert_eq!(LineIndex::new("").position(0), place(1, 1));
    }

    proptest::proptest! {
        /// Every character boundary outside line breaks and the mark comes back from its position,
        /// and the column is the naive count.
        #[test]
        fn offset_undoes_position(text in "\u{feff}?[a\té😀\u{2028}\n\r]{0,40}") {
            let index = LineIndex::new(&text);
            let head = if text.starts_with('\u{feff}') { BOM } else { 0 };
            for (at, _) in text.char_indices().chain([(text.len(), ' ')]) {
                let (before, after) = text.split_at(at);
                if at < head || before.ends_with('\r') && after.starts_with('\n') {
                    continue;
                }
                let position = index.position(at);
                proptest::prop_assert_eq!(index.offset(position), Some(at));
                let start = before.rfind(['\n', '\r']).map_or(head, |found| found + 1);
                let units = before.split_at(start).1.encode_utf16().count();
                proptest::prop_assert_eq!(position.column, units + 1);
            }
        }
    }
}
