//! Bytes of a terminal to keys.

use console::Key;

/// What stands at the start of some bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Decoded {
    /// A key, and how many bytes it took.
    Key(Key, usize),
    /// The start of something longer, or a lone Escape.
    Unfinished,
}

/// Ctrl-C.
pub(super) const INTERRUPT: char = '\u{3}';
/// Ctrl-D.
pub(super) const END: char = '\u{4}';
/// Ctrl-Z.
pub(super) const SUSPEND: char = '\u{1a}';
/// Ctrl-L.
pub(super) const REDRAW: char = '\u{c}';

/// Reads one key. Sequences that mean nothing here become [`Key::Unknown`] as a whole: no part of an arrow with a
/// modifier may be taken for a letter.
pub(super) fn decode(bytes: &[u8]) -> Decoded {
    match bytes {
        [] | [0x1b] | [0x1b, b'O'] => Decoded::Unfinished,
        [0x1b, b'[', rest @ ..] => control(rest),
        [0x1b, b'O', letter, ..] => Decoded::Key(letter_key(*letter), 3),
        // Alt and a key.
        [0x1b, _, ..] => Decoded::Key(Key::Unknown, 2),
        [b'\r' | b'\n', ..] => Decoded::Key(Key::Enter, 1),
        [b'\t', ..] => Decoded::Key(Key::Tab, 1),
        [0x7f | 0x08, ..] => Decoded::Key(Key::Backspace, 1),
        _ => character(bytes),
    }
}

/// What follows `ESC [`: parameters and one final byte.
fn control(rest: &[u8]) -> Decoded {
    let Some(end) = rest.iter().position(|byte| (0x40..=0x7e).contains(byte)) else {
        // Nothing that a keyboard sends is this long.
        return if rest.len() > 16 {
            Decoded::Key(Key::Unknown, rest.len() + 2)
        } else {
            Decoded::Unfinished
        };
    };
    let key = match rest.get(..=end).unwrap_or_default() {
        [letter] => letter_key(*letter),
        b"1~" | b"7~" => Key::Home,
        b"4~" | b"8~" => Key::End,
        b"5~" => Key::PageUp,
        b"6~" => Key::PageDown,
        _ => Key::Unknown,
    };
    Decoded::Key(key, end + 3)
}

fn letter_key(letter: u8) -> Key {
    match letter {
        b'A' => Key::ArrowUp,
        b'B' => Key::ArrowDown,
        b'C' => Key::ArrowRight,
        b'D' => Key::ArrowLeft,
        b'H' => Key::Home,
        b'F' => Key::End,
        _ => Key::Unknown,
    }
}

fn character(bytes: &[u8]) -> Decoded {
    let length = match bytes.first() {
        Some(0xc0..=0xdf) => 2,
        Some(0xe0..=0xef) => 3,
        Some(0xf0..=0xf7) => 4,
        _ => 1,
    };
    let Some(own) = bytes.get(..length) else { return Decoded::Unfinished };
    let key = std::str::from_utf8(own).ok().and_then(|text| text.chars().next());
    Decoded::Key(key.map_or(Key::Unknown, Key::Char), length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_sequences() {
        for (bytes, key) in [
            (&b"y"[..], Key::Char('y')),
            (b"\r", Key::Enter),
            (b"\x1b[A", Key::ArrowUp),
            (b"\x1bOB", Key::ArrowDown),
            (b"\x1b[6~", Key::PageDown),
            (b"\x1b[1;5A", Key::Unknown),
            (b"\x1by", Key::Unknown),
            (b"\x03", Key::Char(INTERRUPT)),
            ("é".as_bytes(), Key::Char('é')),
            (b"\xff", Key::Unknown),
        ] {
            assert_eq!(decode(bytes), Decoded::Key(key, bytes.len()), "{bytes:?}");
        }
    }

    #[test]
    fn the_rest_stays_for_the_next_key() {
        assert_eq!(decode(b"\x1b[Ay"), Decoded::Key(Key::ArrowUp, 3));
        assert_eq!(decode(b"yn"), Decoded::Key(Key::Char('y'), 1));
    }

    #[test]
    fn what_is_unfinished_waits() {
        for bytes in [&b""[..], b"\x1b", b"\x1b[", b"\x1b[1;", b"\xc3"] {
            assert_eq!(decode(bytes), Decoded::Unfinished, "{bytes:?}");
        }
    }
}
