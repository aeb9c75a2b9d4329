//! One line of the catalogue: its head read, its members still text. The only place that knows
//! the format described in `catalogue/README.md`.

use std::cmp::Ordering;
use std::fmt;

use super::release::Span;

/// What a catalogue line describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A class that can be created.
    Class,
    /// An abstract class.
    AbstractClass,
    /// A class generated from the schema of `CloudFormation` (L1, `Cfn…`).
    Generated,
    /// A behavioural interface such as `aws_s3.IBucket`.
    Interface,
    /// An enum.
    Enum,
    /// A properties interface such as `aws_s3.BucketProps`.
    Struct,
}

/// A line of the catalogue, its head read and its members still text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    pub(super) key: &'static str,
    pub(super) kind: Kind,
    pub(super) deprecated: bool,
    pub(super) extra: bool,
    pub(super) span: Span,
    pub(super) bases: &'static str,
    pub(super) has_no_base: bool,
    /// Properties parameter: `None` inside stands for the usual name, the line's own plus `Props`.
    pub(super) props: Option<(Option<Name<'static>>, u8)>,
    pub(super) members: &'static str,
}

impl Line {
    /// Reads the line `text` starts with.
    pub(super) fn read(text: &'static str) -> Option<Self> {
        let (key, rest) = text.split('\n').next()?.split_once(' ')?;
        let (kind, mut rest) = rest.split_once(' ').unwrap_or((rest, ""));
        let (kind, span) =
            kind.split_once('@').map_or((kind, Span::WHOLE), |(kind, span)| (kind, Span::read(span)));
        let (kind, extra) = kind.strip_suffix('+').map_or((kind, false), |kind| (kind, true));
        let (kind, deprecated) = kind.strip_prefix('-').map_or((kind, false), |kind| (kind, true));
        let kind = match kind {
            "c" => Kind::Class,
            "a" => Kind::AbstractClass,
            "l" => Kind::Generated,
            "i" => Kind::Interface,
            "e" => Kind::Enum,
            "s" => Kind::Struct,
            _ => return None,
        };
        let mut head = |sigil: char| -> Option<&'static str> {
            let body = rest.strip_prefix(sigil)?;
            let (token, after) = body.split_once(' ').unwrap_or((body, ""));
            rest = after;
            Some(token)
        };
        let bases = head(':').unwrap_or(if kind == Kind::Generated { "CfnResource" } else { "" });
        let props = head('=').map(|token| match token.split_once('#') {
            Some((name, index)) => (Some(Name::short(name, key)), index.parse().unwrap_or(2)),
            None => (None, 2),
        });
        let (bases, has_no_base) =
            bases.strip_prefix(',').map_or((bases, bases.is_empty()), |bases| (bases, true));
        Some(Self { key, kind, deprecated, extra, span, bases, has_no_base, props, members: rest })
    }

    /// The base class, if there is one, then the interfaces.
    pub(super) fn bases(&self) -> impl Iterator<Item = Name<'static>> + use<> {
        let key = self.key;
        self.bases.split(',').filter(|base| !base.is_empty()).map(move |base| Name::short(base, key))
    }

    /// The members with the span of the group they stand in.
    pub(super) fn members(&self) -> impl Iterator<Item = (&'static str, Span)> + use<> {
        let mut span = self.span;
        self.members.split(' ').filter_map(move |token| match token.strip_prefix('@') {
            Some(group) => {
                span = Span::read(group);
                None
            }
            None => (!token.is_empty()).then_some((token, span)),
        })
    }

    /// The member of that name, if the line states it itself.
    pub(super) fn member(&self, name: &str) -> Option<(&'static str, Span)> {
        // Reading spans is only worth it for a line that has the name at all.
        if !self.members.contains(name) {
            return None;
        }
        self.members().find(|(token, _)| member_name(token) == name)
    }
}

/// `-logRetention:aws_logs.RetentionDays` -> `logRetention`.
pub(super) fn member_name(token: &str) -> &str {
    let token = token.strip_prefix('-').unwrap_or(token);
    token.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).next().unwrap_or(token)
}

/// The letters types are shortened to.
pub(super) fn primitive(code: &str) -> Option<&'static str> {
    match code {
        "s" => Some("string"),
        "n" => Some("number"),
        "b" => Some("boolean"),
        "j" => Some("any"),
        "d" => Some("date"),
        _ => None,
    }
}

/// What kind of member it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberKind {
    /// A method of an object.
    Method,
    /// A static method such as `aws_iam.ManagedPolicy.fromAwsManagedPolicyName`.
    StaticMethod,
    /// A static field such as `aws_lambda.Runtime.NODEJS_22_X`.
    StaticField,
    /// A property of an object.
    Property,
    /// A member of an enum.
    EnumMember,
}

impl MemberKind {
    pub(super) fn of(line: Line, token: &str) -> Self {
        match token.as_bytes().last() {
            Some(b'(') => Self::Method,
            Some(b')') => Self::StaticMethod,
            Some(b'^') => Self::StaticField,
            _ if line.kind == Kind::Enum => Self::EnumMember,
            _ => Self::Property,
        }
    }
}

/// A canonical name in two parts, so that `.Code` on a line of `aws_lambda` needs no new string.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Name<'a> {
    pub(super) module: &'a str,
    pub(super) rest: &'a str,
}

impl<'a> Name<'a> {
    pub(super) fn full(name: &'a str) -> Self {
        Self { module: "", rest: name }
    }

    /// `.Code` stands for the `Code` of the module of `key`; everything else is in full.
    pub(super) fn short(word: &'a str, key: &'a str) -> Self {
        let module = match key.split_once('.') {
            Some((module, _)) if word.starts_with('.') => module,
            _ => "",
        };
        Self { module, rest: word }
    }

    /// The name as one string, if it is one already.
    pub(super) fn text(self) -> Option<&'a str> {
        self.module.is_empty().then_some(self.rest)
    }

    /// A name with a space in it is no name, but sorts like the line it looks like.
    pub(super) fn is_as_long_as(self, key: &str) -> bool {
        self.module.len() + self.rest.len() == key.len()
    }

    /// How the name a line starts with sorts relative to this one.
    pub(super) fn order_of(self, line: &str) -> Ordering {
        let line = line.as_bytes();
        let module = self.module.as_bytes();
        let rest = self.rest.as_bytes();
        let (head, tail) = line.split_at_checked(module.len()).unwrap_or((line, &[]));
        let (tail, after) = tail.split_at_checked(rest.len()).unwrap_or((tail, &[]));
        // Every byte of a name sorts behind the space that ends a shorter one, as in the file.
        head.cmp(module).then_with(|| tail.cmp(rest)).then_with(|| match after.first() {
            Some(b' ') => Ordering::Equal,
            _ => Ordering::Greater,
        })
    }
}

impl PartialEq<str> for Name<'_> {
    fn eq(&self, other: &str) -> bool {
        other.strip_prefix(self.module) == Some(self.rest)
    }
}

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.module, self.rest)
    }
}

impl fmt::Debug for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.module, self.rest)
    }
}
