//! The unified diff that `git apply` and `patch -p1` accept.
//!
//! There is no `diff --git` line: with one, git reads paths from the top of the repository, without
//! it from the current directory, as we print them. (In a folder `lib` of a repository that itself
//! holds a `lib`, git guesses wrongly how much of such a path to take off: `git apply -p1` is always
//! right.) Lines end at LF alone, as for git and patch, so
//! that CRs, a byte order mark and a missing line end are carried byte for byte.

use std::borrow::Cow;
use std::io::{self, Write};

use similar::{ChangeTag, DiffOp, DiffTag, TextDiff};

use super::look::{Look, Role};
use crate::edit::FileChange;

/// Lines of context that git takes by default.
pub const CONTEXT: usize = 3;

/// Words are compared within replaced blocks up to this many lines: above it every word differs
/// anyway, and the comparison is quadratic.
pub(super) const WORDS_UP_TO: usize = 200;

/// Writes the diff of all changes, by path.
///
/// # Errors
/// Those of `out`.
pub fn write(changes: &[FileChange], context: usize, look: Look, out: &mut dyn Write) -> io::Result<()> {
    let mut changes: Vec<_> = changes.iter().collect();
    changes.sort_by_key(|change| &change.path);
    changes.into_iter().try_for_each(|change| write_file(change, context, look, out))
}

/// Writes the diff of one file; nothing if it does not change. An empty file that is created has no
/// lines and so no diff: this form of patch cannot say it.
///
/// # Errors
/// Those of `out`.
pub fn write_file(change: &FileChange, context: usize, look: Look, out: &mut dyn Write) -> io::Result<()> {
    let before = String::from_utf8_lossy(change.before.as_deref().unwrap_or_default());
    let after = String::from_utf8_lossy(&change.after);
    if before == after {
        return Ok(());
    }
    let old: Vec<&str> = before.split_inclusive('\n').collect();
    let new: Vec<&str> = after.split_inclusive('\n').collect();
    let diff = TextDiff::from_slices(&old, &new);
    let from = change.before.as_ref().map_or_else(|| "/dev/null".to_owned(), |_| name("a/", &change.path));
    writeln!(out, "{}", look.paint(Role::Heading, &format!("--- {from}")))?;
    writeln!(out, "{}", look.paint(Role::Heading, &format!("+++ {}", name("b/", &change.path))))?;
    for ops in diff.grouped_ops(context) {
        writeln!(out, "{}", look.paint(Role::Hunk, &header(&ops)))?;
        for op in &ops {
            write_op(&diff, op, look, out)?;
        }
    }
    Ok(())
}

/// A file name as git writes it: quoted if it holds a quote, backslash or control character, followed
/// by a tab if it holds a space, which would else end it. Other characters stay readable.
pub(super) fn name(side: &str, path: &str) -> String {
    if !path.contains(|c: char| c == '"' || c == '\\' || c.is_control()) {
        let end = if path.contains(' ') { "\t" } else { "" };
        return format!("{side}{path}{end}");
    }
    let mut quoted = format!("\"{side}");
    for c in path.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => {
                let mut bytes = [0; 4];
                quoted.extend(c.encode_utf8(&mut bytes).bytes().map(|byte| format!("\\{byte:03o}")));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// `@@ -1,7 +1,9 @@`.
pub(super) fn header(ops: &[DiffOp]) -> String {
    let (Some(first), Some(last)) = (ops.first(), ops.last()) else { return String::new() };
    let old = lines(first.old_range().start, last.old_range().end);
    let new = lines(first.new_range().start, last.new_range().end);
    format!("@@ -{old} +{new} @@")
}

/// Start from 1 and length; an empty side names the line before it, a single line has no length.
fn lines(start: usize, end: usize) -> String {
    match end.saturating_sub(start) {
        0 => format!("{start},0"),
        1 => format!("{}", start + 1),
        length => format!("{},{length}", start + 1),
    }
}

/// Writes the lines of one block.
fn write_op(diff: &TextDiff<'_, '_, str>, op: &DiffOp, look: Look, out: &mut dyn Write) -> io::Result<()> {
    let words = look.colour
        && op.tag() == DiffTag::Replace
        && op.old_range().len() + op.new_range().len() <= WORDS_UP_TO;
    if words {
        // Without a deadline: the same input gives the same output on a slow machine.
        for change in diff.iter_inline_changes_deadline(op, None) {
            let pieces: Vec<_> = change.iter_strings_lossy().collect();
            write_line(change.tag(), &pieces, look, out)?;
        }
    } else {
        for change in diff.iter_changes(op) {
            write_line(change.tag(), &[(false, Cow::Borrowed(change.value()))], look, out)?;
        }
    }
    Ok(())
}

/// Writes one line, given in pieces of which some are emphasised. Colours end before the line break.
fn write_line(
    tag: ChangeTag,
    pieces: &[(bool, Cow<'_, str>)],
    look: Look,
    out: &mut dyn Write,
) -> io::Result<()> {
    let (sign, plain, strong) = match tag {
        ChangeTag::Equal => {
            write!(out, " ")?;
            pieces.iter().try_for_each(|(_, piece)| write!(out, "{piece}"))?;
            return end_line(pieces, out);
        }
        ChangeTag::Delete => ("-", Role::Bad, Role::BadWord),
        ChangeTag::Insert => ("+", Role::Good, Role::GoodWord),
    };
    write!(out, "{}", look.paint(plain, sign))?;
    for (emphasised, piece) in pieces {
        let text = piece.trim_end_matches(['\r', '\n']);
        let role = if *emphasised { strong } else { plain };
        write!(out, "{}{}", look.paint(role, text), piece.strip_prefix(text).unwrap_or_default())?;
    }
    end_line(pieces, out)
}

/// Says so where a file ends without a line break.
fn end_line(pieces: &[(bool, Cow<'_, str>)], out: &mut dyn Write) -> io::Result<()> {
    if pieces
        .iter()
        .rev()
        .map(|(_, piece)| piece)
        .find(|piece| !piece.is_empty())
        .is_some_and(|last| last.ends_with('\n'))
    {
        return Ok(());
    }
    writeln!(out, "\n\\ No newline at end of file")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_written_as_git_writes_them() {
        assert_eq!(name("a/", "lib/x.ts"), "a/lib/x.ts");
        assert_eq!(name("b/", "my lib/x.ts"), "b/my lib/x.ts\t");
        assert_eq!(name("a/", "größe.ts"), "a/größe.ts");
        assert_eq!(name("a/", "a\"b\\c\t\u{1}.ts"), r#""a/a\"b\\c\011\001.ts""#);
    }
}
