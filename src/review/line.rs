//! One line of a page: pieces of text, each with its role, and how they are broken, padded and coloured.

use console::measure_text_width;

use crate::report::Look;
use crate::report::look::Role;

/// A line in pieces.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Line {
    pieces: Vec<(Option<Role>, String)>,
}

impl Line {
    /// Nothing.
    pub fn empty() -> Self {
        Self::default()
    }

    /// Text without a role.
    pub fn plain(text: impl Into<String>) -> Self {
        Self { pieces: vec![(None, text.into())] }
    }

    /// Text with a role.
    pub(crate) fn of(role: Role, text: impl Into<String>) -> Self {
        Self { pieces: vec![(Some(role), text.into())] }
    }

    /// The same with more at the end.
    #[must_use]
    pub(crate) fn and(mut self, role: Option<Role>, text: impl Into<String>) -> Self {
        self.pieces.push((role, text.into()));
        self
    }

    /// The text.
    pub fn text(&self) -> String {
        self.pieces.iter().map(|(_, text)| text.as_str()).collect()
    }

    /// How many columns it takes.
    pub fn width(&self) -> usize {
        self.pieces.iter().map(|(_, text)| measure_text_width(text)).sum()
    }

    /// As it is written to a terminal.
    pub fn paint(&self, look: Look) -> String {
        self.pieces
            .iter()
            .map(|(role, text)| match role {
                Some(role) => look.paint(*role, text).into_owned(),
                None => text.clone(),
            })
            .collect()
    }

    /// Broken after so many columns, wherever that is: code is not prose. What follows the first line starts with `indent`.
    pub fn broken(&self, width: usize, indent: &str) -> Vec<Self> {
        // Room for at least one wide character beside the indent.
        let width = width.max(measure_text_width(indent) + 2);
        let mut lines = vec![Self::empty()];
        let mut used = 0;
        for (role, text) in &self.pieces {
            let mut piece = String::new();
            for c in text.chars() {
                let wide = measure_text_width(c.encode_utf8(&mut [0; 4]));
                if used + wide > width {
                    push(&mut lines, *role, std::mem::take(&mut piece));
                    lines.push(Self::plain(indent));
                    used = measure_text_width(indent);
                }
                piece.push(c);
                used += wide;
            }
            push(&mut lines, *role, piece);
        }
        lines
    }

    /// Filled with spaces up to a width.
    #[must_use]
    pub fn padded(self, width: usize) -> Self {
        let gap = width.saturating_sub(self.width());
        if gap == 0 { self } else { self.and(None, " ".repeat(gap)) }
    }

    /// One line behind another.
    #[must_use]
    pub fn beside(mut self, other: Self) -> Self {
        self.pieces.extend(other.pieces);
        self
    }
}

fn push(lines: &mut [Line], role: Option<Role>, text: String) {
    if let Some(last) = lines.last_mut()
        && !text.is_empty()
    {
        last.pieces.push((role, text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_by_columns_and_keep_their_roles() {
        let line = Line::of(Role::Good, "abc日").and(None, "def");
        let broken = line.broken(4, "  ");
        let texts: Vec<String> = broken.iter().map(Line::text).collect();
        assert_eq!(texts, ["abc", "  日", "  de", "  f"]);
        assert!(broken.iter().all(|line| line.width() <= 4));
        assert_eq!(Line::plain("x").padded(3).beside(Line::plain("|")).text(), "x  |");
    }
}
