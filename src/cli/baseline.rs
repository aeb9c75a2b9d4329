//! A baseline: findings that a project has accepted for now. It only shrinks, unless a person says `--add`.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::Path;

use anyhow::{Result, anyhow, bail};
use serde::{Deserialize, Serialize};

use super::args::BaselineArgs;
use super::run::Run;
use crate::detect::{Finding, Outcome};

/// The file.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Baseline {
    schema: u32,
    findings: Vec<Entry>,
}

/// An accepted finding. Only the fingerprint counts; the rest is for people.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    rule: String,
    path: String,
    fingerprint: String,
}

/// The version of the form.
const SCHEMA: u32 = 1;

/// The fingerprints in a baseline.
///
/// # Errors
/// A sentence: the file is not there, or no baseline.
pub(super) fn accepted(file: &Path) -> Result<BTreeSet<String>> {
    let baseline = read(file)?
        .ok_or_else(|| anyhow!("{}: does not exist; write it with `wa-fix baseline {0}`", file.display()))?;
    Ok(baseline.findings.into_iter().map(|entry| entry.fingerprint).collect())
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
    let known = read(&args.file)?;
    let run = Run::prepare(&args.run)?;
    if !run.options.within.is_empty() {
        bail!("a baseline is of a whole project: name its folder, or no path");
    }
    let found: BTreeMap<String, Finding> = run
        .scan()
        .findings
        .into_iter()
        .filter(|finding| !matches!(finding.outcome, Outcome::Suppressed(_)))
        .map(|finding| (finding.fingerprint.clone(), finding))
        .collect();
    let before = known.as_ref().map_or(0, |baseline| baseline.findings.len());
    let entries = entries(known.as_ref(), &found, args.add, &run);
    let removed = known.as_ref().map_or(0, |baseline| {
        let kept: BTreeSet<&str> = entries.iter().map(|entry| entry.fingerprint.as_str()).collect();
        baseline.findings.iter().filter(|entry| !kept.contains(entry.fingerprint.as_str())).count()
    });
    let listed = |finding: &&Finding| finding.impact >= run.options.min_impact;
    let inside: BTreeSet<&str> = entries.iter().map(|entry| entry.fingerprint.as_str()).collect();
    let left = found
        .values()
        .filter(listed)
        .filter(|finding| !inside.contains(finding.fingerprint.as_str()))
        .count();
    let mut text = serde_json::to_string_pretty(&Baseline { schema: SCHEMA, findings: entries.clone() })?;
    text.push('\n');
    crate::write::output(&args.file, text.as_bytes())?;
    if !args.run.quiet {
        let added = entries.len() + removed - before;
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

/// What the file shall hold.
fn entries(known: Option<&Baseline>, found: &BTreeMap<String, Finding>, add: bool, run: &Run) -> Vec<Entry> {
    let entry = |finding: &Finding| Entry {
        rule: finding.rule.id.to_owned(),
        path: finding.path.clone(),
        fingerprint: finding.fingerprint.clone(),
    };
    let mut entries: Vec<Entry> = Vec::new();
    for old in known.iter().flat_map(|baseline| &baseline.findings) {
        match found.get(&old.fingerprint) {
            Some(finding) => entries.push(entry(finding)),
            // A rule that does not run says nothing of its findings.
            None if !run.rules.rules().iter().any(|rule| rule.meta.id == old.rule) => {
                entries.push(old.clone());
            }
            None => {}
        }
    }
    if known.is_none() || add {
        entries.extend(found.values().filter(|finding| finding.impact >= run.options.min_impact).map(entry));
    }
    entries.sort_by(|a, b| (&a.path, &a.rule, &a.fingerprint).cmp(&(&b.path, &b.rule, &b.fingerprint)));
    entries.dedup_by(|a, b| a.fingerprint == b.fingerprint);
    entries
}
