//! Changed files as the edits of an editor: the same bytes come out as `src/write` would write.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Value, json};
use similar::{DiffTag, TextDiff};

use super::client::Client;
use super::place::{self, Names};
use crate::edit::FileChange;
use crate::source::position::LineIndex;

/// The versions of the buffers that are open.
pub(super) type Versions = BTreeMap<PathBuf, i64>;

/// A workspace edit that makes the changes, new files included, in the form that the editor takes. It names the versions
/// that it was made for, so that an editor with newer ones refuses it.
///
/// # Errors
/// Where the editor cannot create files and a file is new.
pub(super) fn workspace_edit(
    changes: &[FileChange],
    versions: &Versions,
    names: &Names,
    client: &Client,
) -> Result<Value, String> {
    let mut documents = Vec::new();
    let mut plain = serde_json::Map::new();
    for change in changes {
        let uri = names.uri(&change.file);
        let before = change.before.as_deref().map(String::from_utf8_lossy);
        let is_open = versions.contains_key(&change.file);
        if before.is_none() && !is_open {
            if !client.creates {
                return Err(format!(
                    "{} would be new, and this editor creates no files for a server; use `wa-fix apply`",
                    change.path
                ));
            }
            // Without options: where a file has come to stand there meanwhile, nothing is done.
            documents.push(json!({ "kind": "create", "uri": uri }));
        }
        let edits = text_edits(&before.unwrap_or_default(), &String::from_utf8_lossy(&change.after));
        let version = versions.get(&change.file);
        documents.push(json!({ "textDocument": { "uri": uri, "version": version }, "edits": edits }));
        plain.insert(uri, Value::from(edits));
    }
    Ok(if client.versioned_edits {
        json!({ "documentChanges": documents })
    } else {
        json!({ "changes": plain })
    })
}

/// The lines that differ. A byte order mark is not part of what an editor counts or shows.
fn text_edits(before: &str, after: &str) -> Vec<Value> {
    let (before, after) = match before.strip_prefix('\u{feff}') {
        Some(rest) => (rest, after.strip_prefix('\u{feff}').unwrap_or(after)),
        None => (before, after),
    };
    let old: Vec<&str> = before.split_inclusive('\n').collect();
    let new: Vec<&str> = after.split_inclusive('\n').collect();
    let index = LineIndex::new(before);
    let length = |lines: &[&str], to: usize| lines.iter().take(to).map(|line| line.len()).sum::<usize>();
    TextDiff::from_slices(&old, &new)
        .ops()
        .iter()
        .filter(|op| op.tag() != DiffTag::Equal)
        .map(|op| {
            let (gone, come) = (op.old_range(), op.new_range());
            let span = length(&old, gone.start)..length(&old, gone.end);
            let text = new.get(come).unwrap_or_default().concat();
            json!({ "range": place::range(&index.range(&span)), "newText": text })
        })
        .collect()
}

/// A text with a change of the protocol made in it; `None` where the change names no place of the text.
pub(super) fn changed(text: &str, change: &Value) -> Option<String> {
    let new = change.get("text")?.as_str()?;
    let Some(range) = change.get("range").filter(|range| !range.is_null()) else {
        return Some(new.to_owned());
    };
    let range = place::text_range(range)?;
    let index = LineIndex::new(text);
    // One line past the last is the end of the text: editors say so of a deleted last line.
    let offset = |position| index.offset(position).unwrap_or(text.len());
    let (start, end) = (offset(range.start), offset(range.end));
    Some(format!("{}{new}{}", text.get(..start)?, text.get(end.max(start)..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Edits made as a client does: from the last to the first, each against the old text.
    fn applied(before: &str, edits: &[Value]) -> String {
        edits.iter().rev().fold(before.to_owned(), |text, edit| {
            changed(&text, &json!({ "range": edit["range"], "text": edit["newText"] })).unwrap()
        })
    }

    #[test]
    fn columns_count_utf16_units() {
        let change = json!({ "text": "b", "range": {
            "start": { "line": 0, "character": 3 }, "end": { "line": 0, "character": 4 } } });
        assert_eq!(changed("'😀a'\n", &change).unwrap(), "'😀b'\n");
    }

    proptest::proptest! {
        /// Whatever the line ends and the characters: the edits make the text that is wanted.
        #[test]
        fn edits_make_the_new_text(before in "[aé😀\r\n]{0,30}", after in "[aé😀\r\n]{0,30}") {
            proptest::prop_assert_eq!(applied(&before, &text_edits(&before, &after)), after);
        }
    }
}
