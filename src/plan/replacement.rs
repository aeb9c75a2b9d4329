//! What a person wrote instead of a fix: found again in a text that other fixes may have changed meanwhile.

use std::path::PathBuf;
use std::sync::Arc;

use similar::{DiffTag, TextDiff};

use crate::detect::Refusal;
use crate::edit::{Edit, FileChange, Proposal, no_fix};
use crate::model::Model;

/// Lines around a change by which its place is known.
const AROUND: usize = 3;

/// Changed lines, each block with the lines around it, and files to create.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Replacement {
    blocks: Vec<Block>,
    creates: Vec<(PathBuf, Arc<str>)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Block {
    file: PathBuf,
    /// The lines above, those that go, and the lines below: together they are looked for.
    above: String,
    old: String,
    below: String,
    /// What stands there instead of `old`.
    new: String,
    /// Which of how many equal places.
    place: (usize, usize),
}

impl Replacement {
    /// The difference that changes make.
    pub fn of(changes: &[FileChange]) -> Self {
        let mut replacement = Self::default();
        for change in changes {
            let after = String::from_utf8_lossy(&change.after).into_owned();
            match &change.before {
                None => replacement.creates.push((change.file.clone(), after.into())),
                Some(before) => {
                    let before = String::from_utf8_lossy(before);
                    replacement.blocks.extend(blocks(&change.file, &before, &after));
                }
            }
        }
        replacement
    }

    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty() && self.creates.is_empty()
    }

    /// The edits, in the texts as they stand now.
    pub(super) fn proposal(&self, model: &Model<'_>) -> Result<Proposal, Refusal> {
        let moved = || {
            no_fix(
                "the lines that you edited look otherwise now: another fix changed them",
                "edit the fix again as it stands",
            )
        };
        let mut proposal = Proposal { takes_names: true, ..Proposal::default() };
        for block in &self.blocks {
            let file = model.app.file(&block.file).and_then(|file| file.text().ok()).ok_or_else(moved)?;
            let at = block.find(file).ok_or_else(moved)?;
            let edit = Edit { span: at..at + block.old.len(), text: block.new.clone() };
            proposal.edits.entry(block.file.clone()).or_default().insert(edit).map_err(|_| moved())?;
        }
        proposal.creates.extend(self.creates.iter().cloned());
        Ok(proposal)
    }
}

impl Block {
    /// Where the lines that go start, if the text around them is there as often as it was.
    fn find(&self, text: &str) -> Option<usize> {
        let (nth, of) = self.place;
        let wanted = format!("{}{}{}", self.above, self.old, self.below);
        let places = places(text, &wanted);
        (places.len() == of).then(|| places.get(nth).copied()).flatten().map(|at| at + self.above.len())
    }
}

/// Where a piece of whole lines stands in a text.
fn places(text: &str, wanted: &str) -> Vec<usize> {
    memchr::memmem::Finder::new(wanted)
        .find_iter(text.as_bytes())
        .filter(|at| *at == 0 || text.as_bytes().get(at - 1) == Some(&b'\n'))
        .collect()
}

fn blocks(file: &std::path::Path, before: &str, after: &str) -> Vec<Block> {
    let old: Vec<&str> = before.split_inclusive('\n').collect();
    let new: Vec<&str> = after.split_inclusive('\n').collect();
    let diff = TextDiff::from_slices(&old, &new);
    let part = |lines: &[&str], from: usize, to: usize| lines.get(from..to).unwrap_or_default().concat();
    let mut blocks = Vec::new();
    for op in diff.ops().iter().filter(|op| op.tag() != DiffTag::Equal) {
        let (gone, come) = (op.old_range(), op.new_range());
        let first = gone.start.saturating_sub(AROUND);
        let above = part(&old, first, gone.start);
        let removed = part(&old, gone.start, gone.end);
        let below = part(&old, gone.end, (gone.end + AROUND).min(old.len()));
        let wanted = format!("{above}{removed}{below}");
        let at: usize = old.iter().take(first).map(|line| line.len()).sum();
        let all = places(before, &wanted);
        let nth = all.iter().position(|place| *place == at).unwrap_or_default();
        blocks.push(Block {
            file: file.to_owned(),
            above,
            old: removed,
            below,
            new: part(&new, come.start, come.end),
            place: (nth, all.len()),
        });
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find_all(replacement: &Replacement, text: &str) -> Option<String> {
        let mut set = crate::edit::EditSet::default();
        for block in &replacement.blocks {
            let at = block.find(text)?;
            set.insert(Edit { span: at..at + block.old.len(), text: block.new.clone() }).ok()?;
        }
        set.apply(text).ok()
    }

    fn replacement(before: &str, after: &str) -> Replacement {
        Replacement::of(&[FileChange {
            file: "a.ts".into(),
            path: "a.ts".into(),
            before: Some(before.as_bytes().into()),
            after: after.as_bytes().into(),
        }])
    }

    #[test]
    fn lines_are_found_again_below_others() {
        let made = replacement("a\nb\nc\n", "a\nB\nc\nd\n");
        assert_eq!(find_all(&made, "a\nb\nc\n").unwrap(), "a\nB\nc\nd\n");
        assert_eq!(find_all(&made, "x\ny\na\nb\nc\n").unwrap(), "x\ny\na\nB\nc\nd\n");
    }

    #[test]
    fn the_same_one_of_several_equal_places() {
        let text = "a\nb\n1\n2\n3\na\nb\n1\n2\n3\n";
        let after = "a\nb\n1\n2\n3\na\nB\n1\n2\n3\n";
        assert_eq!(find_all(&replacement(text, after), text).unwrap(), after);
    }

    #[test]
    fn changed_lines_are_not_found() {
        assert_eq!(find_all(&replacement("a\nb\nc\n", "a\nB\nc\n"), "a\nx\nc\n"), None);
    }
}
