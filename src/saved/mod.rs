//! A plan as a file: reviewed now, applied later.
//!
//! The file says which fixes were agreed to, and the lines of each. It is no patch: whoever applies it plans again, and
//! a fix is written only if the planner makes the very lines that the file has (`agree`). So no plan, whoever
//! wrote it, gets anything into a project that wa-fix itself would not write there.

mod agree;
mod check;

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::detect::Finding;
use crate::edit::FileChange;
use crate::plan::{Made, Options, Plan};
use crate::report::{Look, diff};
use crate::rule::{Impact, Meta, Tier};
use crate::source::content_hash;
pub use agree::Refused;

/// The form of the file; another number is another form.
pub const VERSION: u64 = 1;

/// A file above this size is no plan: the whole of a large app stays far below it.
pub const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// The file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SavedPlan {
    /// [`VERSION`].
    #[serde(rename = "wa-fix-plan")]
    pub version: u64,
    /// The version of wa-fix that made it.
    pub program: String,
    /// The hash of everything else in it.
    pub digest: String,
    /// How it was planned, and is planned again.
    pub settings: Settings,
    /// The files that the fixes touch, by path.
    pub files: Vec<SavedFile>,
    /// The fixes, in the order in which they are made.
    pub fixes: Vec<SavedFix>,
}

/// Everything that decides what the planner makes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Settings {
    /// The files and folders that were looked at; like all paths of the file from the top of the repository, with `/`. The
    /// top itself is `.`.
    pub paths: Vec<String>,
    /// The rules, by number.
    pub rules: Vec<String>,
    /// The most that is applied.
    pub tier: Tier,
    /// Findings below this have no fix in it.
    pub min_impact: Impact,
    /// Answers to questions.
    pub values: BTreeMap<String, String>,
    /// Whether tests were read.
    pub tests: bool,
}

/// A file that a fix touches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedFile {
    /// Where it is.
    pub path: String,
    /// The git blob id of its bytes when the plan was made; none where a fix creates it.
    pub hash: Option<String>,
}

/// A fix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedFix {
    /// Its finding's, stable over moved lines.
    pub fingerprint: String,
    /// The rule's number.
    pub rule: String,
    /// The rule's name.
    pub name: String,
    /// What the fix does.
    pub title: String,
    /// Its tier.
    pub tier: Tier,
    /// The finding's impact.
    pub impact: Impact,
    /// Why: what the finding says.
    pub message: String,
    /// The finding's place, `path:line`; of one that only another fix brings, the file.
    pub place: String,
    /// What it writes, file by file, after the fixes before it.
    pub changes: Vec<SavedChange>,
}

/// What a fix does to a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedChange {
    /// The file.
    pub path: String,
    /// The hunks of a unified diff, line by line.
    pub diff: Vec<String>,
}

/// Why a file is no plan that can be applied.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BadPlan {
    /// It is too large, no JSON, or JSON of another shape.
    #[error("is no plan of wa-fix ({0}); make one with `wa-fix plan -o plan.json`")]
    Shape(String),
    /// It is of another version of the form.
    #[error(
        "is a plan of form {0}, and this wa-fix reads form {VERSION}; make the plan again with this wa-fix"
    )]
    Version(u64),
    /// Its content is not what wa-fix wrote.
    #[error(
        "was changed after wa-fix wrote it; make the plan again, and leave fixes out with --select and --ignore"
    )]
    Edited,
    /// It names a place that no plan of wa-fix names.
    #[error("names `{0}`, which is no place below the top of the repository; make the plan again")]
    Place(String),
    /// A fix could not be put into it.
    #[error("cannot be made: {0}")]
    Unmade(String),
}

impl SavedPlan {
    /// The plan of a run. `plan` tells what each fix makes by itself, and has paths relative to `cwd`; `top` is what those of
    /// the file are relative to.
    ///
    /// # Errors
    /// A file outside of `top`, or one whose name is not UTF-8.
    pub fn of(plan: &Plan, settings: Settings, top: &Path, cwd: &Path) -> Result<Self, BadPlan> {
        let mut fixes = Vec::new();
        for step in &plan.steps {
            for made in &step.made {
                let found = plan.findings.iter().find(|finding| finding.fingerprint == made.fingerprint);
                fixes.push(saved_fix(step.rule, made, found, top, cwd)?);
            }
        }
        let files = plan.changes.iter().map(|change| saved_file(change, top)).collect::<Result<_, _>>()?;
        let program = env!("CARGO_PKG_VERSION").to_owned();
        Self { version: VERSION, program, digest: String::new(), settings, files, fixes }.sealed()
    }

    /// The same with the digest of what stands in it.
    ///
    /// # Errors
    /// A value that JSON cannot say; there is none.
    pub fn sealed(self) -> Result<Self, BadPlan> {
        Ok(Self { digest: self.digest_of_rest()?, ..self })
    }

    /// As it stands in the file.
    ///
    /// # Errors
    /// A value that JSON cannot say; there is none.
    pub fn to_bytes(&self) -> Result<Vec<u8>, BadPlan> {
        let mut bytes =
            serde_json::to_vec_pretty(self).map_err(|error| BadPlan::Unmade(error.to_string()))?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Reads a file, and believes nothing of it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BadPlan> {
        check::read(bytes)
    }

    fn digest_of_rest(&self) -> Result<String, BadPlan> {
        let rest = Self { digest: String::new(), ..self.clone() };
        let unmade = |error: String| BadPlan::Unmade(error);
        let bytes = serde_json::to_vec(&rest).map_err(|error| unmade(error.to_string()))?;
        content_hash(&bytes).map_err(|error| unmade(error.to_string()))
    }
}

impl Settings {
    /// The settings of a run, without its paths.
    pub fn of(options: &Options, rules: impl Iterator<Item = &'static str>, tests: bool) -> Self {
        Self {
            paths: Vec::new(),
            rules: rules.map(str::to_owned).collect(),
            tier: options.tier,
            min_impact: options.min_impact,
            values: options.values.clone(),
            tests,
        }
    }
}

/// A file below `top` as the plan names it.
///
/// # Errors
/// It is elsewhere, or its name is not UTF-8.
pub fn saved_path(file: &Path, top: &Path) -> Result<String, BadPlan> {
    let below = file.strip_prefix(top).ok();
    let parts: Option<Vec<&str>> =
        below.and_then(|below| below.components().map(|part| part.as_os_str().to_str()).collect());
    match parts {
        Some(parts) if parts.is_empty() => Ok(".".to_owned()),
        Some(parts) => Ok(parts.join("/")),
        None => Err(BadPlan::Unmade(format!(
            "{} has a name that is not UTF-8, or lies outside of {}",
            file.display(),
            top.display()
        ))),
    }
}

fn saved_fix(
    rule: &Meta,
    made: &Made,
    found: Option<&Finding>,
    top: &Path,
    cwd: &Path,
) -> Result<SavedFix, BadPlan> {
    let changes = saved_changes(&made.changes, top)?;
    // A finding that only another fix brings has no place yet.
    let place = match found {
        Some(finding) => {
            format!("{}:{}", saved_path(&cwd.join(&finding.path), top)?, finding.range.start.line)
        }
        None => changes.first().map_or_else(String::new, |change| change.path.clone()),
    };
    Ok(SavedFix {
        fingerprint: made.fingerprint.clone(),
        rule: rule.id.to_owned(),
        name: rule.name.to_owned(),
        title: made.title.clone(),
        tier: found.map_or(rule.tier, |finding| finding.tier),
        impact: found.map_or(rule.impact, |finding| finding.impact),
        message: found.map_or(rule.title, |finding| &finding.message).to_owned(),
        place,
        changes,
    })
}

fn saved_file(change: &FileChange, top: &Path) -> Result<SavedFile, BadPlan> {
    let hash = change.before.as_deref().map(content_hash).transpose();
    let hash = hash.map_err(|error| BadPlan::Unmade(error.to_string()))?;
    Ok(SavedFile { path: saved_path(&change.file, top)?, hash })
}

fn saved_changes(changes: &[FileChange], top: &Path) -> Result<Vec<SavedChange>, BadPlan> {
    changes
        .iter()
        .map(|change| Ok(SavedChange { path: saved_path(&change.file, top)?, diff: hunks(change)? }))
        .collect()
}

/// The diff of a change without the names of the file.
fn hunks(change: &FileChange) -> Result<Vec<String>, BadPlan> {
    let mut text = Vec::new();
    diff::write_file(change, diff::CONTEXT, Look::PLAIN, &mut text)
        .map_err(|error| BadPlan::Unmade(error.to_string()))?;
    Ok(String::from_utf8_lossy(&text).split_terminator('\n').skip(2).map(str::to_owned).collect())
}
