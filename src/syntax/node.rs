//! A node together with the file it stands in.

use std::ops::Range;

use tree_sitter::Node;

use super::parse::Parsed;

/// A node of a file. Cheap to copy; two are equal when they are the same node of the same file.
#[derive(Clone, Copy)]
pub struct Syn<'a> {
    /// The file.
    pub file: &'a Parsed,
    /// The node.
    pub node: Node<'a>,
}

impl PartialEq for Syn<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.node == other.node && std::ptr::eq(self.file, other.file)
    }
}

impl std::fmt::Debug for Syn<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{:?} {} {:?}", self.file.path, self.span(), self.kind(), self.text())
    }
}

/// Up to so many children are asked for one by one.
const FEW: u32 = 5;

impl<'a> Syn<'a> {
    /// The root of a file.
    pub fn root(file: &'a Parsed) -> Self {
        Self { file, node: file.root() }
    }

    /// Another node of the same file.
    #[must_use]
    pub fn with(self, node: Node<'a>) -> Self {
        Self { file: self.file, node }
    }

    /// The grammar's name of the node.
    pub fn kind(self) -> &'a str {
        self.file.kind(self.node)
    }

    /// Whether the node has this kind.
    pub fn is(self, kind: &str) -> bool {
        self.kind() == kind
    }

    /// The node's text.
    pub fn text(self) -> &'a str {
        self.file.text.get(self.span()).unwrap_or_default()
    }

    /// Byte offsets in the file.
    pub fn span(self) -> Range<usize> {
        self.node.byte_range()
    }

    /// First byte.
    pub fn start(self) -> usize {
        self.node.start_byte()
    }

    /// Byte after the last.
    pub fn end(self) -> usize {
        self.node.end_byte()
    }

    /// The parent.
    pub fn parent(self) -> Option<Self> {
        self.node.parent().map(|node| self.with(node))
    }

    /// The child in a field of the grammar.
    pub fn field(self, name: &str) -> Option<Self> {
        self.node.child_by_field_id(self.file.field(name)?.get()).map(|node| self.with(node))
    }

    /// The named children, comments left out.
    pub fn children(self) -> impl Iterator<Item = Self> {
        let count = u32::try_from(self.node.named_child_count()).unwrap_or(u32::MAX);
        // A few are asked for one by one, which allocates nothing; each asked for walks over those before it.
        let few = if count <= FEW { 0..count } else { 0..0 };
        let many = (count > FEW).then(|| {
            let mut cursor = self.node.walk();
            self.node.named_children(&mut cursor).collect::<Vec<_>>()
        });
        few.filter_map(move |index| self.node.named_child(index))
            .chain(many.into_iter().flatten())
            .filter(|node| !node.is_extra())
            .map(move |node| self.with(node))
    }

    /// All children, with punctuation and comments.
    pub fn tokens(self) -> impl Iterator<Item = Self> {
        let mut cursor = self.node.walk();
        let children: Vec<_> = self.node.children(&mut cursor).collect();
        children.into_iter().map(move |node| self.with(node))
    }

    /// The first named child that is no comment.
    pub fn first(self) -> Option<Self> {
        self.children().next()
    }

    /// Parent, grandparent and so on.
    pub fn ancestors(self) -> impl Iterator<Item = Self> {
        // One walk down gives the whole chain; asking each node for its parent walks down every time.
        let mut chain = Vec::with_capacity(24);
        let mut node = self.file.root();
        while node != self.node {
            chain.push(node);
            match node.child_with_descendant(self.node) {
                Some(child) => node = child,
                None => break,
            }
        }
        chain.into_iter().rev().map(move |node| self.with(node))
    }

    /// The nearest ancestor of a kind.
    pub fn ancestor(self, kind: &str) -> Option<Self> {
        self.ancestors().find(|node| node.is(kind))
    }

    /// The smallest node at a byte of the same file.
    pub fn at(self, span: Range<usize>) -> Option<Self> {
        self.file.root().descendant_for_byte_range(span.start, span.end).map(|node| self.with(node))
    }

    /// The smallest named node at a byte of the same file: what a keyword or a bracket belongs to.
    pub fn named_at(self, span: Range<usize>) -> Option<Self> {
        self.file.root().named_descendant_for_byte_range(span.start, span.end).map(|node| self.with(node))
    }
}
