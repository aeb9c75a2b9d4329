//! Bytes to text, and the guards against what is not source code.

use std::cell::RefCell;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use super::SkipKind;

/// A file above this size is not read: no hand-written source is near it.
pub const MAX_BYTES: u64 = 4 * 1024 * 1024;

/// A line above this length marks a file as minified.
const MAX_LINE: usize = 20_000;

/// The grammar of a file, from its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Language {
    /// `.ts`, `.mts`, `.cts`.
    TypeScript,
    /// `.tsx`, `.jsx` and JavaScript: the grammar with JSX and without `<T>x` assertions.
    Tsx,
    /// buildspec files and workflows.
    Yaml,
    /// `package.json`, `cdk.json`.
    Json,
}

impl Language {
    /// The grammar for a file name; `None` for a kind of file that wa-fix does not read.
    pub fn of(name: &str) -> Option<Self> {
        let (_, extension) = name.rsplit_once('.')?;
        match extension {
            "ts" | "mts" | "cts" => Some(Self::TypeScript),
            "tsx" | "js" | "jsx" | "mjs" | "cjs" => Some(Self::Tsx),
            "yml" | "yaml" => Some(Self::Yaml),
            "json" => Some(Self::Json),
            _ => None,
        }
    }

    /// Whether a file, by its name, may hold types: TypeScript and not JavaScript.
    pub fn has_types(name: &str) -> bool {
        !matches!(name.rsplit_once('.'), Some((_, "js" | "mjs" | "cjs" | "jsx")))
    }

    /// Whether the file holds TypeScript or JavaScript.
    pub const fn is_script(self) -> bool {
        matches!(self, Self::TypeScript | Self::Tsx)
    }
}

/// Why a file could not be taken as source text. Prints as the end of "skipped PATH: ".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// The operating system said no.
    #[error("cannot be read: {0}")]
    Io(String),
    /// A pipe, socket or device.
    #[error("is not a regular file")]
    NotRegular,
    /// Larger than [`MAX_BYTES`].
    #[error("is larger than 4 MiB")]
    TooLarge,
    /// Bytes that are not UTF-8.
    #[error("is not UTF-8 (first bad byte at offset {0}); convert it, then run again")]
    NotUtf8(usize),
    /// Starts with a byte-order mark of UTF-16.
    #[error("is UTF-16; convert it to UTF-8, then run again")]
    Utf16,
    /// Contains a NUL byte.
    #[error("contains NUL bytes, so it is no source text; mend it or leave it out with [paths] exclude")]
    Binary,
    /// One very long line.
    #[error("is minified")]
    Minified,
    /// Says `@generated` at its top.
    #[error("is generated")]
    Generated,
    /// Nested deeper than any hand-written code.
    #[error("is nested too deeply to be hand-written code")]
    TooDeep,
}

impl Unreadable {
    /// Whether somebody has to look: what a program wrote is nobody's matter.
    pub const fn kind(&self) -> SkipKind {
        match self {
            Self::Io(_)
            | Self::NotRegular
            | Self::NotUtf8(_)
            | Self::Utf16
            | Self::Binary
            | Self::TooDeep => SkipKind::Problem,
            Self::TooLarge | Self::Minified | Self::Generated => SkipKind::LeftOut,
        }
    }
}

/// Reads a file as text, whole and unchanged: a byte-order mark and CRLF stay in it.
pub fn read_text(file: &Path) -> Result<Arc<str>, Unreadable> {
    let io = |error: std::io::Error| Unreadable::Io(error.to_string());
    let meta = fs::metadata(file).map_err(io)?;
    if !meta.is_file() {
        return Err(Unreadable::NotRegular);
    }
    if meta.len() > MAX_BYTES {
        return Err(Unreadable::TooLarge);
    }
    // One buffer for all files of a thread: the text is copied out of it in any case.
    thread_local! {
        static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    }
    BUFFER.with_borrow_mut(|bytes| {
        bytes.clear();
        bytes.reserve(usize::try_from(meta.len()).unwrap_or(0) + 1);
        File::open(file).and_then(|opened| opened.take(MAX_BYTES + 1).read_to_end(bytes)).map_err(io)?;
        if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
            return Err(Unreadable::Utf16);
        }
        let text = str::from_utf8(bytes).map_err(|error| Unreadable::NotUtf8(error.valid_up_to()))?;
        hand_written(text)?;
        Ok(text.into())
    })
}

/// Refuses text that nobody wrote by hand.
fn hand_written(text: &str) -> Result<(), Unreadable> {
    if memchr::memchr(0, text.as_bytes()).is_some() {
        return Err(Unreadable::Binary);
    }
    if text.len() > MAX_LINE {
        let mut from = 0;
        for newline in memchr::memchr_iter(b'\n', text.as_bytes()).chain([text.len()]) {
            if newline - from > MAX_LINE {
                return Err(Unreadable::Minified);
            }
            from = newline;
        }
    }
    let head = text.get(..text.floor_char_boundary(400)).unwrap_or(text);
    if head.contains("@generated") {
        return Err(Unreadable::Generated);
    }
    if too_deep(text.as_bytes()) {
        return Err(Unreadable::TooDeep);
    }
    Ok(())
}

/// Whether brackets nest deeper than code does. Counts without regard to strings, so it only
/// looks for absurd depth.
fn too_deep(bytes: &[u8]) -> bool {
    const LIMIT: i32 = 400;
    if memchr::memchr3_iter(b'(', b'[', b'{', bytes).count() <= 400 {
        return false;
    }
    let mut depth = 0_i32;
    for byte in bytes {
        match byte {
            b'(' | b'[' | b'{' => {
                depth += 1;
                if depth > LIMIT {
                    return true;
                }
            }
            b')' | b']' | b'}' => depth -= 1,
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_come_from_names() {
        assert_eq!(Language::of("a.mts"), Some(Language::TypeScript));
        assert_eq!(Language::of("a.cjs"), Some(Language::Tsx));
        assert_eq!(Language::of("buildspec.yml"), Some(Language::Yaml));
        assert_eq!(Language::of("Makefile"), None);
    }

    #[test]
    fn what_nobody_wrote_is_refused() {
        assert_eq!(hand_written("/* @generated */"), Err(Unreadable::Generated));
        assert_eq!(hand_written(&"x".repeat(MAX_LINE + 1)), Err(Unreadable::Minified));
        assert_eq!(hand_written(&"[\n".repeat(100_000)), Err(Unreadable::TooDeep));
        assert_eq!(hand_written("a\0b"), Err(Unreadable::Binary));
        assert_eq!(hand_written("const a = [1];\n"), Ok(()));
    }
}
