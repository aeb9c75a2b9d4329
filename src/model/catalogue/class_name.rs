//! The name of a class, with what is asked of it for every construct.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use super::line::Name;
use super::{Catalogue, MAX_DEPTH};

/// A canonical name such as `aws_lambda.Function`. Reads like a `str`; cheap to copy. It knows what the class extends.
#[derive(Clone, Default)]
pub struct ClassName(Arc<Known>);

#[derive(Default)]
struct Known {
    name: Box<str>,
    /// Everything it extends, interfaces included, nearest first.
    ancestors: Vec<Box<str>>,
    /// Where its constructor takes its properties; 2 where that is not known.
    props_index: usize,
}

impl ClassName {
    pub(super) fn new(catalogue: Catalogue, name: &str) -> Self {
        let mut ancestors = Vec::new();
        if let Some(line) = catalogue.line(Name::full(name)) {
            catalogue.ancestors(line, MAX_DEPTH, &mut ancestors);
        }
        let props = catalogue.class(name).and_then(|class| class.props());
        let props_index = props.map_or(2, |props| usize::from(props.index));
        Self(Arc::new(Known { name: name.into(), ancestors, props_index }))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0.name
    }

    /// Whether it is `ancestor` or extends it; see [`Catalogue::is_a`].
    pub fn is_a(&self, ancestor: &str) -> bool {
        *self.0.name == *ancestor || self.0.ancestors.iter().any(|known| **known == *ancestor)
    }

    /// Position of the properties among the constructor's parameters, counted from 0.
    pub fn props_index(&self) -> usize {
        self.0.props_index
    }
}

impl Deref for ClassName {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl PartialEq for ClassName {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.as_str() == other.as_str()
    }
}

impl PartialEq<str> for ClassName {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for ClassName {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl fmt::Display for ClassName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

impl fmt::Debug for ClassName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}
