//! Places as the protocol has them: URIs, and lines and UTF-16 columns from 0.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::detect::{Position, TextRange};
use crate::source::discover::slashed;

/// What the editor calls files. Links are followed, as the command line follows them; the editor must hear of a file by the
/// name that it knows, or it would open it a second time.
#[derive(Debug, Default)]
pub(super) struct Names {
    open: BTreeMap<PathBuf, String>,
    folders: Vec<(PathBuf, String)>,
}

impl Names {
    pub(super) fn open(&mut self, file: &Path, uri: &str) {
        self.open.insert(file.to_owned(), uri.to_owned());
    }

    pub(super) fn forget(&mut self, file: &Path) {
        self.open.remove(file);
    }

    pub(super) fn add_folder(&mut self, folder: &Path, uri: &str) {
        self.folders.push((folder.to_owned(), uri.trim_end_matches('/').to_owned()));
    }

    /// The URI by which the editor knows a file.
    pub(super) fn uri(&self, of: &Path) -> String {
        if let Some(uri) = self.open.get(of) {
            return uri.clone();
        }
        let inside = self.folders.iter().find_map(|(folder, uri)| Some((of.strip_prefix(folder).ok()?, uri)));
        match inside {
            Some((rest, folder)) => format!("{folder}/{}", escaped(&slashed(rest))),
            None => uri(of),
        }
    }
}

/// The URI of a file.
fn uri(file: &Path) -> String {
    let path = escaped(&slashed(file));
    if path.starts_with('/') { format!("file://{path}") } else { format!("file:///{path}") }
}

/// A path as it stands in a URI.
fn escaped(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
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
