//! Releases of the AWS CDK, and the runs of releases that have something.

use std::error::Error;
use std::fmt;
use std::str::FromStr;

/// A release of the AWS CDK: `aws-cdk-lib` for major 2, v1 for major 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Release {
    /// 1 or 2.
    pub major: u8,
    /// The number catalogue facts are dated by.
    pub minor: u16,
    /// Kept for display and order; no fact depends on it.
    pub patch: u16,
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// A text that is not a release number such as `2.204.0`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotARelease(String);

impl fmt::Display for NotARelease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not a release number such as 2.204.0", self.0)
    }
}

impl Error for NotARelease {}

impl FromStr for Release {
    type Err = NotARelease;

    /// Reads `2.204.0`, also with a pre-release or build part, which is dropped:
    /// `2.204.0-alpha.0` is the alpha package that belongs to 2.204.0.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let numbers = text.split(['-', '+']).next().unwrap_or(text);
        let mut parts = numbers.split('.');
        let mut part = || parts.next().filter(|part| part.bytes().all(|b| b.is_ascii_digit()));
        let release = || -> Option<Self> {
            let major = part()?.parse().ok()?;
            let minor = part()?.parse().ok()?;
            let patch = part()?.parse().ok()?;
            Some(Self { major, minor, patch })
        }();
        match (release, parts.next()) {
            (Some(release), None) => Ok(release),
            _ => Err(NotARelease(text.to_owned())),
        }
    }
}

/// The releases that have something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub(super) introduced: Option<u16>,
    removed: Option<u16>,
    in_v1: bool,
}

impl Span {
    pub(super) const WHOLE: Self = Self { introduced: Some(0), removed: None, in_v1: true };

    /// First listed 2.x minor that has it (0 = as old as 2.0); `None` when no 2.x release has it.
    pub fn introduced(self) -> Option<u16> {
        self.introduced
    }

    /// First listed 2.x minor that no longer has it.
    pub fn removed(self) -> Option<u16> {
        self.removed
    }

    /// Whether the last release of AWS CDK v1 has it.
    pub fn in_v1(self) -> bool {
        self.in_v1
    }

    /// Whether `release` has it. Of v1 only the last release is known and stands for all.
    pub fn holds(self, release: Release) -> bool {
        match release.major {
            1 => self.in_v1,
            2 => {
                self.introduced.is_some_and(|from| from <= release.minor)
                    && self.removed.is_none_or(|until| release.minor < until)
            }
            _ => false,
        }
    }

    /// The releases that have both.
    pub(super) fn and(self, other: Self) -> Self {
        let introduced = self.introduced.zip(other.introduced).map(|(a, b)| a.max(b));
        let removed = match (self.removed, other.removed) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        let empty = introduced.zip(removed).is_some_and(|(from, until)| until <= from);
        Self {
            introduced: introduced.filter(|_| !empty),
            removed: removed.filter(|_| !empty),
            in_v1: self.in_v1 && other.in_v1,
        }
    }

    /// Reads `@110`, `@0-243=`, `@=`; without the `@` of the token.
    pub(super) fn read(text: &str) -> Self {
        let (numbers, in_v1) = match text.strip_suffix('=') {
            Some(numbers) => (numbers, true),
            None => (text, false),
        };
        let (from, until) = numbers.split_once('-').unwrap_or((numbers, ""));
        Self { introduced: from.parse().ok(), removed: until.parse().ok(), in_v1 }
    }
}
