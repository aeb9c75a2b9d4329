//! Places as the protocol has them: URIs, and lines and UTF-16 columns from 0.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::detect::{Position, TextRange};

/// The URI of a file.
pub(super) fn uri(file: &Path) -> String {
    let path = crate::source::discover::slashed(file);
    let mut uri = String::from(if path.starts_with('/') { "file://" } else { "file:///" });
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri
}

/// The file of a URI, its links followed as the command line follows them; `None` for what is no file.
pub(super) fn file(uri: &str) -> Option<PathBuf> {
    let path = uri.strip_prefix("file://")?;
    let path = path.get(path.find('/')?..)?;
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next()?, rest.next()?];
            bytes.push(u8::from_str_radix(str::from_utf8(&digits).ok()?, 16).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    let text = String::from_utf8(bytes).ok()?;
    // On Windows a drive follows the slash.
    let text = if cfg!(windows) { text.trim_start_matches('/') } else { &text };
    let file = PathBuf::from(text);
    let resolved = std::fs::canonicalize(&file).ok().or_else(|| {
        let folder = std::fs::canonicalize(file.parent()?).ok()?;
        Some(folder.join(file.file_name()?))
    });
    Some(resolved.unwrap_or(file))
}

/// A range of the protocol.
pub(super) fn range(range: &TextRange) -> Value {
    let place = |position: Position| json!({ "line": position.line.saturating_sub(1), "character": position.column.saturating_sub(1) });
    json!({ "start": place(range.start), "end": place(range.end) })
}

/// A place of the protocol, as ours.
pub(super) fn position(value: &Value) -> Option<Position> {
    let number = |key: &str| usize::try_from(value.get(key)?.as_u64()?).ok()?.checked_add(1);
    Some(Position { line: number("line")?, column: number("character")? })
}

/// A range of the protocol, as ours.
pub(super) fn text_range(value: &Value) -> Option<TextRange> {
    Some(TextRange { start: position(value.get("start")?)?, end: position(value.get("end")?)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_is_undone() {
        let path = Path::new("/no such/ünder 100%/a b.ts");
        assert_eq!(uri(path), "file:///no%20such/%C3%BCnder%20100%25/a%20b.ts");
        assert_eq!(file(&uri(path)).unwrap(), path);
        assert_eq!(file("untitled:Untitled-1"), None);
        assert_eq!(file("file:///a%4"), None);
    }
}
