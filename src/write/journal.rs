//! What survives a crash: for every run its plan, the original bytes and how far it came.
//!
//! A run is a directory `runs/<number>.<stage>`. Its stage changes by one rename, which is the
//! moment at which a run counts as done. A directory without `record.json` holds nothing of value:
//! the record is written last when a run begins, and removed first when it is dropped.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::WriteError;
use super::state::Locked;
use super::{content, platform};

/// How many runs can be undone.
pub(super) const KEPT_RUNS: usize = 10;

/// The form of `record.json`.
const SCHEMA: u32 = 1;

/// How far a run came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// Files are being replaced. After a crash they are put back.
    Open,
    /// All files have their new content; temporary names may be left.
    Committed,
    /// Finished; can be undone.
    Done,
}

impl Stage {
    const ALL: [Self; 3] = [Self::Open, Self::Committed, Self::Done];

    const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Committed => "committed",
            Self::Done => "done",
        }
    }
}

/// What a run does to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Kind {
    /// A new file.
    Create,
    /// New content under the old name, by renaming.
    Replace,
    /// New content in the old inode, because the file has other names or another owner.
    InPlace,
    /// The file goes: the undoing of a creation.
    Remove,
}

/// One file of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// The real place, relative to the base, `/`-separated.
    pub(super) path: String,
    /// What is done.
    pub(super) kind: Kind,
    /// The hash of the old content, where there is one.
    pub(super) before: Option<String>,
    /// The hash of the new content, where there is one.
    pub(super) after: Option<String>,
}

/// The plan of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    schema: u32,
    /// Part of the temporary names beside the files, so that no other run has the same.
    token: String,
    /// The run that this one undoes.
    pub(super) undoes: Option<u64>,
    /// Directories that this run makes, outermost first.
    pub(super) make_dirs: Vec<String>,
    /// Directories that this run removes at the end if they are empty, outermost first.
    pub(super) remove_dirs: Vec<String>,
    /// The files.
    pub(super) entries: Vec<Entry>,
}

impl Record {
    /// A plan without files.
    pub(super) fn new(run: u64, undoes: Option<u64>) -> Self {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let token = format!("{run}-{}-{}", std::process::id(), now.map_or(0, |time| time.subsec_nanos()));
        Self {
            schema: SCHEMA,
            token,
            undoes,
            make_dirs: Vec::new(),
            remove_dirs: Vec::new(),
            entries: Vec::new(),
        }
    }

    /// The name under which the new content of a file waits beside it.
    pub(super) fn new_name(&self, index: usize) -> String {
        format!(".wa-fix-{}-{index}.new.tmp", self.token)
    }

    /// The name under which the old file waits beside the new one.
    pub(super) fn old_name(&self, index: usize) -> String {
        format!(".wa-fix-{}-{index}.old.tmp", self.token)
    }

    /// Whether every path stays below the base. A record is read from disk, so this is checked.
    fn is_sound(&self) -> bool {
        let below =
            |path: &String| Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
        let paths = self.entries.iter().map(|entry| &entry.path);
        self.schema == SCHEMA && paths.chain(&self.make_dirs).chain(&self.remove_dirs).all(below)
    }
}

/// The directory of one run.
#[derive(Debug, Clone)]
pub(super) struct Run {
    pub(super) number: u64,
    pub(super) stage: Stage,
    runs: PathBuf,
}

impl Run {
    /// A run that does not exist on disk yet, numbered after all others.
    pub(super) fn next(locked: &Locked<'_>) -> Result<Self, WriteError> {
        let number = list(locked)?.last().map_or(1, |last| last.number + 1);
        Ok(Self { number, stage: Stage::Open, runs: locked.runs() })
    }

    /// Its directory.
    pub(super) fn dir(&self) -> PathBuf {
        self.runs.join(format!("{:08}.{}", self.number, self.stage.name()))
    }

    /// Where the original bytes of a file are kept.
    pub(super) fn original(&self, index: usize) -> PathBuf {
        self.dir().join(format!("{index}.before"))
    }

    /// Where the new bytes of a file that is written in place are kept.
    pub(super) fn intended(&self, index: usize) -> PathBuf {
        self.dir().join(format!("{index}.after"))
    }

    /// Puts the plan on disk, after the contents were saved.
    pub(super) fn write_record(&self, record: &Record) -> io::Result<()> {
        let text = serde_json::to_vec_pretty(record).map_err(io::Error::other)?;
        let unfinished = self.dir().join("record.tmp");
        content::save(&unfinished, &text)?;
        fs::rename(unfinished, self.dir().join("record.json"))?;
        platform::sync_dir(&self.dir())?;
        platform::sync_dir(&self.runs)
    }

    /// The plan; `None` where the run died before anything was touched.
    pub(super) fn record(&self) -> Result<Option<Record>, WriteError> {
        let damaged = |why: String| WriteError::Journal { path: self.dir(), why };
        let bytes = match fs::read(self.dir().join("record.json")) {
            Ok(bytes) => bytes,
            Err(error) if content::absent(&error) => return Ok(None),
            Err(error) => return Err(damaged(error.to_string())),
        };
        let record: Record = serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
        if record.is_sound() {
            Ok(Some(record))
        } else {
            Err(damaged("it is not of this version".to_owned()))
        }
    }

    /// Goes to another stage: the one atomic step.
    pub(super) fn advance(&mut self, stage: Stage) -> io::Result<()> {
        let from = self.dir();
        let to = Self { stage, ..self.clone() };
        fs::rename(from, to.dir())?;
        *self = to;
        // Not an error: a power cut now leads back to the stage before, which is consistent too.
        let _ = platform::sync_dir(&self.runs);
        Ok(())
    }

    /// Forgets the run.
    pub(super) fn drop_from_disk(&self) -> io::Result<()> {
        content::remove(&self.dir().join("record.json"))?;
        match fs::remove_dir_all(self.dir()) {
            Err(error) if !content::absent(&error) => Err(error),
            // On disk, because the number is used again.
            _ => platform::sync_dir(&self.runs),
        }
    }
}

/// All runs, oldest first.
pub(super) fn list(locked: &Locked<'_>) -> Result<Vec<Run>, WriteError> {
    let runs = locked.runs();
    let mut found = Vec::new();
    for item in fs::read_dir(&runs).map_err(WriteError::failed("read the journal", &runs))? {
        let item = item.map_err(WriteError::failed("read the journal", &runs))?;
        found.extend(item.file_name().to_str().and_then(|name| parse(name, &runs)));
    }
    found.sort_by_key(|run| (run.number, run.stage));
    Ok(found)
}

/// A run from the name of its directory.
fn parse(name: &str, runs: &Path) -> Option<Run> {
    let (number, stage) = name.split_once('.')?;
    let stage = Stage::ALL.into_iter().find(|known| known.name() == stage)?;
    Some(Run { number: number.parse().ok()?, stage, runs: runs.to_owned() })
}

/// Forgets all but the last runs.
pub(super) fn prune(locked: &Locked<'_>) -> Result<(), WriteError> {
    let done: Vec<Run> = list(locked)?.into_iter().filter(|run| run.stage == Stage::Done).collect();
    for run in done.iter().rev().skip(KEPT_RUNS) {
        run.drop_from_disk().map_err(WriteError::failed("prune the journal", &run.dir()))?;
    }
    Ok(())
}
