//! Which files belong to a run: the walk, and what it leaves out and why.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use ignore::WalkBuilder;

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

/// A file that is left out, for `--verbose`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Skipped {
    /// As printed.
    pub path: String,
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
}

/// The result of a walk, sorted by path.
#[derive(Debug, Clone, Default)]
pub struct Discovery {
    /// Files to read.
    pub files: Vec<Candidate>,
    /// Files left out that somebody might have expected.
    pub skipped: Vec<Skipped>,
}

/// Folders that hold no source of the app.
const NEVER_ENTERED: [&str; 5] = ["node_modules", "cdk.out", ".git", "bower_components", ".wa-fix"];

/// Folders and name parts that mark tests.
const TEST_FOLDERS: [&str; 6] = ["test", "tests", "__tests__", "__mocks__", "__snapshots__", "spec"];

/// A path as printed: relative to `cwd` where it is under it, with `/` between its parts.
pub fn printed(file: &Path, cwd: &Path) -> String {
    let shown = file.strip_prefix(cwd).unwrap_or(file);
    let text = shown.to_string_lossy();
    if std::path::MAIN_SEPARATOR == '/' {
        text.into_owned()
    } else {
        text.replace(std::path::MAIN_SEPARATOR, "/")
    }
}

/// Walks `roots` (absolute files or folders) and sorts files into read and skipped.
pub fn discover(roots: &[PathBuf], options: &DiscoverOptions) -> Discovery {
    let mut found = Discovery::default();
    let mut seen = BTreeSet::new();
    for root in roots {
        walk(root, options, &mut seen, &mut found);
    }
    found.files.sort();
    found.skipped.sort();
    found
}

fn walk(root: &Path, options: &DiscoverOptions, seen: &mut BTreeSet<PathBuf>, found: &mut Discovery) {
    let mut builder = WalkBuilder::new(root);
    builder.hidden(false).require_git(false).add_custom_ignore_filename(".wafixignore");
    builder.filter_entry(|entry| {
        entry.depth() == 0
            || entry.file_name().to_str().is_none_or(|name| {
                let hidden = name.starts_with('.') && name != ".github" && is_dir(entry);
                !hidden && !NEVER_ENTERED.contains(&name)
            })
    });
    let mut overrides = ignore::overrides::OverrideBuilder::new(root);
    for glob in &options.exclude {
        // A bad glob was refused when the configuration was read.
        let _ = overrides.add(&format!("!{glob}"));
    }
    if let Ok(overrides) = overrides.build() {
        builder.overrides(overrides);
    }
    for entry in builder.build() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                let path = printed(root, &options.cwd);
                found.skipped.push(Skipped { path, why: format!("cannot be walked: {error}") });
                continue;
            }
        };
        if is_dir(&entry) {
            continue;
        }
        let Some(name) = entry.file_name().to_str() else { continue };
        let Some(language) = wanted(name, entry.path()) else { continue };
        let path = printed(entry.path(), &options.cwd);
        let relative = entry.path().strip_prefix(root).unwrap_or(entry.path());
        if let Some(why) = left_out(name, relative, &entry, options) {
            found.skipped.push(Skipped { path, why: why.to_owned() });
        } else if seen.insert(entry.path().to_owned()) {
            found.files.push(Candidate { path, file: entry.into_path(), language });
        }
    }
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
) -> Option<&'static str> {
    if entry.file_type().is_some_and(|kind| kind.is_symlink()) {
        return Some("is a symbolic link; its target is read where it lies");
    }
    if [".d.ts", ".d.mts", ".d.cts"].iter().any(|end| name.ends_with(end)) {
        return Some("is a declaration file");
    }
    if name.contains(".min.") {
        return Some("is minified");
    }
    if !options.tests && is_test(name, relative) {
        return Some("is a test (--tests reads it)");
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
