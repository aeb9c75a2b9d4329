//! Byte edits of one text. The only place that turns nodes into offsets is `builder`; the only
//! place that joins edits to a text is here.

use std::ops::Range;

use thiserror::Error;

/// Replaces the bytes of `span` by `text`. An empty span inserts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// Byte offsets into the original text.
    pub span: Range<usize>,
    /// What stands there afterwards.
    pub text: String,
}

/// Two edits want the same bytes.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("edits overlap at byte {at}")]
pub struct Overlap {
    /// Byte offset at which the second edit starts.
    pub at: usize,
}

/// Edits of one text: sorted, disjoint, in bounds. Insertions at the same offset keep the order
/// in which they were added.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EditSet {
    edits: Vec<Edit>,
}

impl EditSet {
    /// Adds an edit. An edit equal to one that is there already is accepted once.
    ///
    /// # Errors
    /// [`Overlap`] if it shares bytes with another, or replaces bytes around an insertion.
    pub fn insert(&mut self, edit: Edit) -> Result<(), Overlap> {
        if self.edits.contains(&edit) {
            return Ok(());
        }
        let at = self
            .edits
            .partition_point(|other| (other.span.start, other.span.end) <= (edit.span.start, edit.span.end));
        if let Some(other) = self.edits.iter().find(|other| clash(other, &edit)) {
            return Err(Overlap { at: other.span.start.max(edit.span.start) });
        }
        self.edits.insert(at, edit);
        Ok(())
    }

    /// Adds all edits of `other`, or none.
    ///
    /// # Errors
    /// [`Overlap`] if any two share bytes; `self` is then unchanged.
    pub fn merge(&mut self, other: &Self) -> Result<(), Overlap> {
        let mut joined = self.clone();
        for edit in &other.edits {
            joined.insert(edit.clone())?;
        }
        *self = joined;
        Ok(())
    }

    /// The edits in order of their position.
    pub fn edits(&self) -> &[Edit] {
        &self.edits
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.edits.is_empty()
    }

    /// The text with all edits made.
    ///
    /// # Errors
    /// [`Overlap`] if an edit lies outside the text or splits a character.
    pub fn apply(&self, text: &str) -> Result<String, Overlap> {
        let mut out = String::with_capacity(text.len() + 256);
        let mut from = 0;
        for edit in &self.edits {
            let outside = Overlap { at: edit.span.start };
            out.push_str(text.get(from..edit.span.start).ok_or(outside.clone())?);
            out.push_str(&edit.text);
            from = edit.span.end;
            if !text.is_char_boundary(from) {
                return Err(outside);
            }
        }
        out.push_str(text.get(from..).ok_or(Overlap { at: from })?);
        Ok(out)
    }
}

/// Whether two edits share bytes, or one inserts strictly inside what the other replaces.
fn clash(a: &Edit, b: &Edit) -> bool {
    a.span.start < b.span.end && b.span.start < a.span.end && !(a.span.is_empty() && b.span.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(start: usize, end: usize, text: &str) -> Edit {
        Edit { span: start..end, text: text.to_owned() }
    }

    #[test]
    fn insertions_at_one_place_keep_their_order() {
        let mut set = EditSet::default();
        set.insert(edit(1, 1, "x")).unwrap();
        set.insert(edit(1, 1, "y")).unwrap();
        assert_eq!(set.apply("ab").unwrap(), "axyb");
    }

    #[test]
    fn touching_is_not_overlapping() {
        let mut set = EditSet::default();
        set.insert(edit(0, 1, "x")).unwrap();
        set.insert(edit(1, 1, "-")).unwrap();
        set.insert(edit(1, 2, "y")).unwrap();
        assert_eq!(set.apply("ab").unwrap(), "x-y");
    }

    #[test]
    fn overlapping_is_refused_and_changes_nothing() {
        let mut set = EditSet::default();
        set.insert(edit(1, 3, "x")).unwrap();
        assert!(set.insert(edit(2, 4, "y")).is_err());
        assert!(set.insert(edit(2, 2, "y")).is_err());
        assert_eq!(set.apply("abcd").unwrap(), "axd");
    }

    #[test]
    fn the_same_edit_twice_is_one_edit() {
        let mut set = EditSet::default();
        set.insert(edit(0, 0, "import a;\n")).unwrap();
        set.insert(edit(0, 0, "import a;\n")).unwrap();
        assert_eq!(set.edits().len(), 1);
    }

    #[test]
    fn splitting_a_character_is_refused() {
        let mut set = EditSet::default();
        set.insert(edit(1, 1, "x")).unwrap();
        assert!(set.apply("é").is_err());
    }

    proptest::proptest! {
        /// Applying agrees with a naive model that edits from the end to the start.
        #[test]
        fn apply_equals_a_naive_model(
            text in "[a-zé\n]{0,40}",
            wanted in proptest::collection::vec((0usize..45, 0usize..6, "[A-Z]{0,3}"), 0..8),
        ) {
            let mut set = EditSet::default();
            for (start, length, new) in wanted {
                let end = start + length;
                if text.is_char_boundary(start) && text.is_char_boundary(end) {
                    let _ = set.insert(edit(start, end, &new));
                }
            }
            let mut naive = text.clone();
            for edit in set.edits().iter().rev() {
                naive.replace_range(edit.span.clone(), &edit.text);
            }
            proptest::prop_assert_eq!(set.apply(&text).unwrap(), naive);
        }
    }
}
