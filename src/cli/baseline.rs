//! A baseline: findings that a project has accepted for now. It only shrinks, unless a person says `--add`.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow, bail};
use serde::{Deserialize, Serialize};

use super::args::BaselineArgs;
use super::run::Run;
use crate::detect::{Finding, Outcome};
use crate::plan::Accepted;
use crate::source::discover::way;

/// The file.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Baseline {
    schema: u32,
    findings: Vec<Entry>,
}

/// An accepted finding. App and fingerprint count; the rest is for people.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    rule: String,
    path: String,
    /// The app's folder, told from that of the file. An entry without it is of before apps were told apart, and counts in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    app: Option<String>,
    fingerprint: String,
}

/// The version of the form.
const SCHEMA: u32 = 1;

/// What a baseline accepts.
///
/// # Errors
/// A sentence: the file is not there, or no baseline.
pub(super) fn accepted(file: &Path) -> Result<Accepted> {
    let baseline = read(file)?
        .ok_or_else(|| anyhow!("{}: does not exist; write it with `wa-fix baseline {0}`", file.display()))?;
    let home = home(file)?;
    let mut accepted = Accepted::default();
    for entry in baseline.findings {
        match entry.app {
            Some(app) => accepted.in_app.entry(place(&home, &app)).or_default().insert(entry.fingerprint),
            None => accepted.anywhere.insert(entry.fingerprint),
        };
    }
    Ok(accepted)
}

/// The folder of a baseline, from which apps are told.
fn home(file: &Path) -> Result<PathBuf> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::canonicalize(folder)
        .map_err(|error| anyhow!("{}: {error}; name a file in a folder that exists", file.display()))
}

/// The folder of an app that a baseline names.
fn place(home: &Path, app: &str) -> PathBuf {
    let place = home.join(app);
    std::fs::canonicalize(&place).unwrap_or(place)
}

fn read(file: &Path) -> Result<Option<Baseline>> {
    let shown = file.display();
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => bail!("{shown}: cannot be read: {error}; name a readable file"),
    };
    let baseline: Baseline = serde_json::from_str(&text).map_err(|error| {
        anyhow!("{shown}: is no baseline: {error}; name one that `wa-fix baseline` wrote")
    })?;
    if baseline.schema != SCHEMA {
        bail!(
            "{shown}: its form is {}, and this wa-fix reads {SCHEMA}; use the one that wrote it",
            baseline.schema
        );
    }
    Ok(Some(baseline))
}

/// Writes a baseline: the first time all findings, later those of its own that are still found.
pub(super) fn baseline(args: &BaselineArgs) -> Result<u8> {
    if args.run.baseline.is_some() || args.run.since.is_some() || args.run.staged {
        bail!("a baseline is of all findings: leave out --baseline, --since and --staged");
    }
    super::proves_nothing("baseline", &args.run)?;
    let known = read(&args.file)?;
    let run = Run::prepare(&args.run)?;
    if !run.options.within.is_empty() {
        bail!("a baseline is of a whole project: name its folder, or no path");
    }
    let home = home(&args.file)?;
    let found: Found = run
        .scan()
        .findings
        .into_iter()
        .filter(|finding| !matches!(finding.outcome, Outcome::Suppressed(_)))
        .map(|finding| ((way(&home, app_of(&run, &finding)), finding.fingerprint.clone()), finding))
        .collect();
    let entries = entries(known.as_ref(), &found, args.add, &run);
    let inside: BTreeSet<(&str, &str)> = entries.iter().map(Entry::key).collect();
    // An old entry without an app may stand for findings of several.
    let is_kept = |old: &&Entry| match &old.app {
        Some(_) => inside.contains(&old.key()),
        None => inside.iter().any(|(_, fingerprint)| *fingerprint == old.fingerprint),
    };
    let before = known.iter().flat_map(|baseline| &baseline.findings);
    let kept = before.clone().filter(is_kept).count();
    let removed = before.count() - kept;
    let left = found
        .iter()
        .filter(|(_, finding)| finding.impact >= run.options.min_impact)
        .filter(|((app, fingerprint), _)| !inside.contains(&(app.as_str(), fingerprint.as_str())))
        .count();
    let mut text = serde_json::to_string_pretty(&Baseline { schema: SCHEMA, findings: entries.clone() })?;
    text.push('\n');
    crate::write::output(&args.file, text.as_bytes())?;
    if !args.run.quiet {
        let added = entries.len().saturating_sub(kept);
        let mut err = std::io::stderr().lock();
        writeln!(
            err,
            "{}: {} findings accepted, {added} added, {removed} no longer found and removed",
            args.file.display(),
            entries.len()
        )?;
        if left > 0 {
            writeln!(err, "{left} new findings are not in it; --add accepts them")?;
        }
    }
    Ok(u8::from(left > 0 && !args.run.exit_zero))
}

impl Entry {
    fn key(&self) -> (&str, &str) {
        (self.app.as_deref().unwrap_or_default(), &self.fingerprint)
    }
}

/// Findings by app (told from the folder of the baseline) and fingerprint.
type Found = BTreeMap<(String, String), Finding>;

/// The folder of the app that a finding is of.
fn app_of<'r>(run: &'r Run, finding: &Finding) -> &'r Path {
    let file = run.cwd().join(&finding.path);
    let apps = run.apps.iter().map(|app| app.root.as_path()).filter(|root| file.starts_with(root));
    apps.max_by_key(|root| root.components().count()).unwrap_or(&run.root)
}

/// What the file shall hold.
fn entries(known: Option<&Baseline>, found: &Found, add: bool, run: &Run) -> Vec<Entry> {
    let entry = |((app, fingerprint), finding): (&(String, String), &Finding)| Entry {
        rule: finding.rule.id.to_owned(),
        path: finding.path.clone(),
        app: Some(app.clone()),
        fingerprint: fingerprint.clone(),
    };
    let mut entries: Vec<Entry> = Vec::new();
    for old in known.iter().flat_map(|baseline| &baseline.findings) {
        let still = found.iter().filter(|((app, fingerprint), _)| {
            *fingerprint == old.fingerprint && old.app.as_ref().is_none_or(|own| own == app)
        });
        let before = entries.len();
        entries.extend(still.map(entry));
        // A rule that does not run says nothing of its findings.
        if entries.len() == before && !run.rules.rules().iter().any(|rule| rule.meta.id == old.rule) {
            entries.push(old.clone());
        }
    }
    if known.is_none() || add {
        entries
            .extend(found.iter().filter(|(_, finding)| finding.impact >= run.options.min_impact).map(entry));
    }
    entries.sort_by(|a, b| (&a.path, &a.rule, a.key()).cmp(&(&b.path, &b.rule, b.key())));
    entries.dedup_by(|a, b| a.key() == b.key());
    entries
}
