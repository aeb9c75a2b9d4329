//! How text for people looks: colours and width, both told by the caller and never found out here.

use std::borrow::Cow;

use console::{Style, measure_text_width};

use crate::rule::Impact;

/// Colours on or off, and how wide a line may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Whether ANSI colour codes are written.
    pub colour: bool,
    /// Columns of the terminal. Messages are wrapped and frames are cut to it.
    pub width: usize,
}

/// What a piece of text is, from which its colour follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// The impact word and what it underlines.
    Impact(Impact),
    /// Names of files and headings.
    Heading,
    /// Line numbers, bars, secondary remarks.
    Dim,
    /// Good news, and inserted lines.
    Good,
    /// Bad news, and deleted lines.
    Bad,
    /// What a person has to act on.
    Attention,
    /// The next step.
    Help,
    /// Hunk headers.
    Hunk,
    /// The inserted words of a changed line.
    GoodWord,
    /// The deleted words of a changed line.
    BadWord,
}

impl Look {
    /// No colours, 100 columns: files and pipes.
    pub const PLAIN: Self = Self { colour: false, width: 100 };

    /// The text in the colour of its role.
    pub(crate) fn paint(self, role: Role, text: &str) -> Cow<'_, str> {
        if !self.colour || text.is_empty() {
            return Cow::Borrowed(text);
        }
        let style = Style::new().force_styling(true);
        let style = match role {
            Role::Impact(Impact::High) => style.red().bold(),
            Role::Impact(Impact::Medium) | Role::Attention => style.yellow().bold(),
            Role::Impact(Impact::Low) => style.blue().bold(),
            Role::Impact(Impact::Info) | Role::Hunk => style.cyan(),
            Role::Heading => style.bold(),
            Role::Dim => style.dim(),
            Role::Good => style.green(),
            Role::Bad => style.red(),
            Role::Help => style.cyan().bold(),
            Role::GoodWord => style.green().reverse(),
            Role::BadWord => style.red().reverse(),
        };
        Cow::Owned(style.apply_to(text).to_string())
    }
}

/// What a terminal shows for a character that would move its cursor, hide text or change its
/// direction: source code must not be able to draw on the screen.
pub(crate) fn visible(c: char) -> Option<char> {
    match c {
        '\u{7f}' => Some('\u{2421}'),
        c if c < ' ' => char::from_u32(0x2400 + u32::from(c)),
        '\u{80}'..='\u{9f}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}'
        | '\u{2028}'
        | '\u{2029}'
        | '\u{feff}' => Some('\u{fffd}'),
        _ => None,
    }
}

/// Text with control characters made visible; line feeds and tabs stay.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    let hidden = |c: char| c != '\n' && c != '\t' && visible(c).is_some();
    if text.contains(hidden) {
        Cow::Owned(text.chars().map(|c| if hidden(c) { visible(c).unwrap_or(c) } else { c }).collect())
    } else {
        Cow::Borrowed(text)
    }
}

/// Breaks text at spaces so that no line is wider than `width`; a longer word stands alone. Line
/// breaks in the text are kept.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        let mut used = 0;
        for word in paragraph.split_whitespace() {
            let wide = measure_text_width(word);
            if used > 0 && used + 1 + wide > width {
                lines.push(std::mem::take(&mut line));
                used = 0;
            }
            if used > 0 {
                line.push(' ');
                used += 1;
            }
            line.push_str(word);
            used += wide;
        }
        lines.push(line);
    }
    lines
}

/// `1 file`, `2 files`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapping_measures_columns_and_keeps_long_words() {
        assert_eq!(wrap("aa bb cc", 5), ["aa bb", "cc"]);
        assert_eq!(wrap("日本 語文", 8), ["日本", "語文"]);
        assert_eq!(wrap("a /a/very/long/path b", 5), ["a", "/a/very/long/path", "b"]);
        assert_eq!(wrap("one\n\ntwo", 80), ["one", "", "two"]);
        assert!(wrap("", 10).is_empty());
    }

    #[test]
    fn escape_sequences_and_direction_marks_are_shown() {
        assert_eq!(printable("a\u{1b}[31mb\u{202e}c"), "a␛[31mb\u{fffd}c");
        assert!(matches!(printable("plain\n\ttext"), Cow::Borrowed(_)));
    }

    #[test]
    fn colour_is_what_the_caller_says() {
        let plain = Look::PLAIN;
        assert_eq!(plain.paint(Role::Bad, "x"), "x");
        let coloured = Look { colour: true, ..plain }.paint(Role::Bad, "x").into_owned();
        assert!(coloured.starts_with('\u{1b}'));
        assert_eq!(console::strip_ansi_codes(&coloured), "x");
    }
}
