//! Which files belong to a run: the walk, and what it leaves out and why.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use ignore::gitignore::{Gitignore, GitignoreBuilder};
use ignore::{WalkBuilder, WalkState};

use super::text::Language;

/// A file that may be read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Candidate {
    /// As printed: `/`-separated, relative to the working directory where it is under it.
    pub path: String,
    /// On disk, absolute.
    pub file: PathBuf,
    /// The grammar.
    pub language: Language,
}

/// Whether a skipped file is a matter for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SkipKind {
    /// It should have been checked and could not be, or only in part: said in every run, and the run does
    /// not end in 0.
    Problem,
    /// It is left out on purpose (a test, a declaration, what a program wrote): said with `--verbose`.
    LeftOut,
}

/// A file that is not checked, or only in part.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Skipped {
    /// As printed.
    pub path: String,
    /// Whether somebody has to look.
    pub kind: SkipKind,
    /// Why, as the end of "skipped PATH: ".
    pub why: String,
}

/// What to look at.
#[derive(Debug, Clone)]
pub struct DiscoverOptions {
    /// The working directory, absolute: printed paths are relative to it.
    pub cwd: PathBuf,
    /// Whether `test/`, `*.test.ts` and the like are read.
    pub tests: bool,
    /// Globs to leave out, as in a `.gitignore`.
    pub exclude: Vec<String>,
    /// Threads; 0 is one per core.
    pub jobs: usize,
}

impl DiscoverOptions {
    /// Without tests, nothing left out, a thread per core.
    pub fn at(cwd: PathBuf) -> Self {
        Self { cwd, tests: false, exclude: Vec::new(), jobs: 0 }
    }
}

/// The result of a walk, sorted by path.
#[derive(Debug, Clone, Default)]
pub struct Discovery {
    /// Files to read.
    pub files: Vec<Candidate>,
    /// Files left out that somebody might have expected.
    pub skipped: Vec<Skipped>,
    /// Documents (Markdown, AsciiDoc, reStructuredText, HTML) on disk, absolute: what people have written about the
    /// apps. Those are known that configuration excludes from the check, too.
    pub documents: Vec<PathBuf>,
}

/// Folders that hold no source of the app.
const NEVER_ENTERED: [&str; 5] = ["node_modules", "cdk.out", ".git", "bower_components", ".wa-fix"];

/// What ends the name of a document.
const DOCUMENTS: [&str; 4] = [".md", ".adoc", ".rst", ".html"];

/// So many folders near the top are walked by several threads: starting these costs more than walking a few.
const MANY_FOLDERS: usize = 64;

/// Folders and name parts that mark tests.
const TEST_FOLDERS: [&str; 6] = ["test", "tests", "__tests__", "__mocks__", "__snapshots__", "spec"];

/// A path as printed: relative to `cwd` where it is under it, with `/` between its parts.
pub fn printed(file: &Path, cwd: &Path) -> String {
    slashed(file.strip_prefix(cwd).unwrap_or(file))
}

/// A path with `/` between its parts. Where that is the system's own separator, a backslash is a letter.
pub(crate) fn slashed(path: &Path) -> String {
    let text = path.to_string_lossy();
    if std::path::MAIN_SEPARATOR == '/' {
        text.into_owned()
    } else {
        text.replace(std::path::MAIN_SEPARATOR, "/")
    }
}

/// The way from one folder to a file or folder, both absolute, `/`-separated; `.` where they are one.
pub(crate) fn way(from: &Path, to: &Path) -> String {
    let shared = from.components().zip(to.components()).take_while(|(a, b)| a == b).count();
    let up = from.components().count() - shared;
    let down: PathBuf = to.components().skip(shared).collect();
    let mut parts = vec!["..".to_owned(); up];
    parts.extend(Some(slashed(&down)).filter(|down| !down.is_empty()));
    if parts.is_empty() { ".".to_owned() } else { parts.join("/") }
}

/// Whether a path is that of a document.
pub(crate) fn is_document(path: &str) -> bool {
    DOCUMENTS.iter().any(|end| {
        let tail = path.len().checked_sub(end.len()).and_then(|at| path.get(at..));
        tail.is_some_and(|tail| tail.eq_ignore_ascii_case(end))
    })
}

/// Walks `roots` (absolute files or folders) and sorts files into read and skipped.
pub fn discover(roots: &[PathBuf], options: &DiscoverOptions) -> Discovery {
    let mut found = Discovery::default();
    for root in roots {
        walk(root, options, &mut found);
    }
    found.files.sort();
    found.files.dedup();
    found.skipped.sort();
    found.documents.sort();
    found.documents.dedup();
    found
}

fn walk(root: &Path, options: &DiscoverOptions, found: &mut Discovery) {
    let mut builder = WalkBuilder::new(root);
    builder.hidden(false).require_git(false).add_custom_ignore_filename(".wafixignore");
    builder.filter_entry(|entry| entry.depth() == 0 || !is_dir(entry) || is_entered(entry.file_name()));
    let mut excluded = GitignoreBuilder::new(root);
    for glob in &options.exclude {
        // A bad glob was refused when the configuration was read.
        let _ = excluded.add_line(None, glob);
    }
    let sorter = Sorter { root, options, excluded: excluded.build().unwrap_or_else(|_| Gitignore::empty()) };
    if !has_many_folders(root) {
        builder.build().for_each(|entry| sorter.sort(entry, found));
        return;
    }
    let parts = Mutex::new(Vec::new());
    builder.threads(options.jobs).build_parallel().run(|| {
        let mut part = Part { found: Discovery::default(), parts: &parts };
        let sorter = &sorter;
        Box::new(move |entry| {
            sorter.sort(entry, &mut part.found);
            WalkState::Continue
        })
    });
    for part in parts.into_inner().unwrap_or_else(PoisonError::into_inner) {
        found.files.extend(part.files);
        found.skipped.extend(part.skipped);
        found.documents.extend(part.documents);
    }
}

/// What one thread has found, handed over when the thread is done.
struct Part<'p> {
    found: Discovery,
    parts: &'p Mutex<Vec<Discovery>>,
}

impl Drop for Part<'_> {
    fn drop(&mut self) {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner).push(std::mem::take(&mut self.found));
    }
}

/// Whether a folder and those in it hold many folders.
fn has_many_folders(root: &Path) -> bool {
    let folders = |folder: &Path| {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries
            .filter(|entry| {
                entry.file_type().is_ok_and(|kind| kind.is_dir()) && is_entered(&entry.file_name())
            })
            .map(|entry| entry.path())
    };
    let mut count = 0;
    for folder in folders(root) {
        count += 1 + folders(&folder).take(MANY_FOLDERS).count();
        if count >= MANY_FOLDERS {
            return true;
        }
    }
    false
}

/// Whether a folder of this name may hold source of the app.
fn is_entered(name: &OsStr) -> bool {
    name.to_str().is_none_or(|name| {
        let hidden = name.starts_with('.') && name != ".github";
        !hidden && !NEVER_ENTERED.contains(&name)
    })
}

/// Puts what a walk meets where it belongs.
struct Sorter<'o> {
    root: &'o Path,
    options: &'o DiscoverOptions,
    excluded: Gitignore,
}

impl Sorter<'_> {
    fn sort(&self, entry: Result<ignore::DirEntry, ignore::Error>, found: &mut Discovery) {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                let place = error_place(&error).unwrap_or(self.root);
                if !self.excludes(place) {
                    found.skipped.push(unwalkable(&error, place, &self.options.cwd));
                }
                return;
            }
        };
        if is_dir(&entry) {
            return;
        }
        let name = entry.file_name().to_string_lossy();
        if is_document(&name) {
            found.documents.push(entry.into_path());
            return;
        }
        let Some(language) = wanted(&name, entry.path()) else { return };
        if self.excludes(entry.path()) {
            return;
        }
        let path = printed(entry.path(), &self.options.cwd);
        if entry.path().to_str().is_none() {
            let why = "has a path that is not UTF-8; rename it, then run again".to_owned();
            found.skipped.push(Skipped { path, kind: SkipKind::Problem, why });
            return;
        }
        let relative = entry.path().strip_prefix(self.root).unwrap_or(entry.path());
        if let Some((kind, why)) = left_out(&name, relative, &entry, self.options) {
            found.skipped.push(Skipped { path, kind, why: why.to_owned() });
        } else {
            found.files.push(Candidate { path, file: entry.into_path(), language });
        }
    }

    /// Whether configuration excludes a path under the root.
    fn excludes(&self, path: &Path) -> bool {
        !self.excluded.is_empty()
            && path.starts_with(self.root)
            && self.excluded.matched_path_or_any_parents(path, false).is_ignore()
    }
}

/// The place that a walk's error speaks of.
fn error_place(error: &ignore::Error) -> Option<&Path> {
    match error {
        ignore::Error::WithPath { path, .. } => Some(path),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => error_place(err),
        _ => None,
    }
}

/// What to say of a folder that cannot be entered.
fn unwalkable(error: &ignore::Error, place: &Path, cwd: &Path) -> Skipped {
    // The error's own text repeats the path, and in full.
    let why = error.io_error().map_or_else(|| error.to_string(), |error| error.kind().to_string());
    Skipped { path: printed(place, cwd), kind: SkipKind::Problem, why: format!("cannot be read: {why}") }
}

fn is_dir(entry: &ignore::DirEntry) -> bool {
    entry.file_type().is_some_and(|kind| kind.is_dir())
}

/// The grammar of a file that wa-fix has a use for.
fn wanted(name: &str, file: &Path) -> Option<Language> {
    let language = Language::of(name)?;
    let useful = match language {
        Language::TypeScript | Language::Tsx => true,
        Language::Json => matches!(name, "package.json" | "cdk.json"),
        Language::Yaml => {
            name.to_ascii_lowercase().contains("buildspec")
                || name == ".gitlab-ci.yml"
                || file.parent().is_some_and(|folder| folder.ends_with(".github/workflows"))
        }
    };
    useful.then_some(language)
}

fn left_out(
    name: &str,
    relative: &Path,
    entry: &ignore::DirEntry,
    options: &DiscoverOptions,
) -> Option<(SkipKind, &'static str)> {
    if entry.file_type().is_some_and(|kind| kind.is_symlink()) {
        return Some(if entry.path().exists() {
            (SkipKind::LeftOut, "is a symbolic link; its target is read where it lies")
        } else {
            (SkipKind::Problem, "is a symbolic link that leads nowhere; mend or remove it")
        });
    }
    let left_out = |why| Some((SkipKind::LeftOut, why));
    if [".d.ts", ".d.mts", ".d.cts"].iter().any(|end| name.ends_with(end)) {
        return left_out("is a declaration file");
    }
    if name.contains(".min.") {
        return left_out("is minified");
    }
    if !options.tests && is_test(name, relative) {
        return left_out("is a test (--tests reads it)");
    }
    None
}

fn is_test(name: &str, relative: &Path) -> bool {
    let in_folder = relative.parent().is_some_and(|folder| {
        folder
            .components()
            .any(|part| part.as_os_str().to_str().is_some_and(|part| TEST_FOLDERS.contains(&part)))
    });
    in_folder || name.contains(".test.") || name.contains(".spec.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_known_by_folder_and_name() {
        assert!(is_test("a.ts", Path::new("test/a.ts")));
        assert!(is_test("a.test.ts", Path::new("lib/a.test.ts")));
        assert!(!is_test("latest.ts", Path::new("lib/latest.ts")));
    }
}
