//! An app: the files under one `cdk.json` (else one package), parsed when first needed.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, OnceLock};

use super::catalogue::Release;
use super::shelf::{Shelf, Shelves, shelves_of};
use crate::source::discover::{is_document, slashed};
use crate::source::{Candidate, Language, SkipKind, Skipped, Unreadable, read_text};
use crate::syntax::{Parsed, first_error, parse};

/// Which generation of the CDK an app is written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Generation {
    /// `@aws-cdk/*` and `monocdk`.
    V1,
    /// `aws-cdk-lib`.
    V2,
}

/// One file of an app.
#[derive(Debug)]
pub struct AppFile {
    /// Where it is.
    pub candidate: Candidate,
    text: OnceLock<Result<Arc<str>, Unreadable>>,
    parsed: OnceLock<Option<Arc<Parsed>>>,
    speaks_cdk: OnceLock<bool>,
}

/// New texts for files of an app, by absolute path: what a plan has changed so far.
pub type Overlay = BTreeMap<PathBuf, Arc<str>>;

/// Files that belong together, with what their package says of the CDK.
#[derive(Debug)]
pub struct App {
    /// The folder of `cdk.json`, else of `package.json`, else the one that was given.
    pub root: PathBuf,
    /// Whether there is a `cdk.json` in `root`.
    pub has_cdk_json: bool,
    /// The text of `cdk.json`.
    pub cdk_json: Option<serde_json::Value>,
    /// The aws-cdk-lib release that is installed or locked, else the lowest that package.json allows.
    pub release: Option<Release>,
    /// Every file, sorted by path.
    pub files: Vec<AppFile>,
    /// Positions of the files by absolute path; shared by the states of an app that have the same files.
    by_path: Arc<HashMap<OsString, usize>>,
    documents: Arc<[String]>,
    /// For the root and each folder above it, the nearest first.
    shelves: Vec<Arc<Shelf>>,
    /// Files that a plan creates, and documents that it rewrites, with their texts.
    others: Overlay,
}

/// Words one of which stands in every file that speaks to the CDK.
const CDK_WORDS: [&str; 3] = ["aws-cdk", "monocdk", "constructs"];

impl AppFile {
    fn of(candidate: Candidate, text: &Arc<str>) -> Self {
        Self { text: OnceLock::from(Ok(Arc::clone(text))), ..Self::unread(candidate) }
    }

    fn unread(candidate: Candidate) -> Self {
        Self { candidate, text: OnceLock::new(), parsed: OnceLock::new(), speaks_cdk: OnceLock::new() }
    }

    /// The file's text, read once.
    pub fn text(&self) -> Result<&Arc<str>, &Unreadable> {
        self.text.get_or_init(|| read_text(&self.candidate.file)).as_ref()
    }

    /// The file's tree, parsed once; `None` where it cannot be read.
    pub fn parsed(&self) -> Option<&Parsed> {
        let text = self.text().ok()?;
        self.parsed
            .get_or_init(|| {
                parse(&self.candidate.path, Arc::clone(text), self.candidate.language).map(Arc::new)
            })
            .as_deref()
    }

    /// Whether the file is a script that names a CDK package.
    pub fn speaks_cdk(&self) -> bool {
        *self.speaks_cdk.get_or_init(|| {
            self.candidate.language.is_script()
                && self.text().is_ok_and(|text| {
                    CDK_WORDS
                        .iter()
                        .any(|word| memchr::memmem::find(text.as_bytes(), word.as_bytes()).is_some())
                })
        })
    }

    /// Whether this is the file that a tree was made from.
    pub(super) fn is_of(&self, parsed: &Parsed) -> bool {
        self.parsed.get().and_then(Option::as_deref).is_some_and(|own| std::ptr::eq(own, parsed))
    }
}

impl App {
    /// Gathers an app from its files. Nothing is parsed yet.
    pub fn new(root: PathBuf, candidates: Vec<Candidate>) -> Self {
        let files = candidates.into_iter().map(AppFile::unread).collect();
        let release = super::release::find(&root);
        let shelves = shelves_of(&root, &mut Shelves::new());
        let mut app = Self {
            has_cdk_json: root.join("cdk.json").is_file(),
            cdk_json: read_json(&root.join("cdk.json"), &Overlay::new()),
            root,
            release,
            files,
            by_path: Arc::default(),
            documents: Arc::default(),
            shelves,
            others: Overlay::new(),
        };
        app.sort();
        app
    }

    /// The same app with other texts for some files, and with files that are new. Trees of files
    /// that stay the same are shared.
    #[must_use]
    pub fn with(&self, overlay: &Overlay) -> Self {
        let mut files: Vec<AppFile> = self
            .files
            .iter()
            .map(|file| match overlay.get(&file.candidate.file) {
                Some(text) if file.text().ok() != Some(text) => AppFile::of(file.candidate.clone(), text),
                _ => AppFile {
                    candidate: file.candidate.clone(),
                    text: file.text.clone(),
                    parsed: file.parsed.clone(),
                    speaks_cdk: file.speaks_cdk.clone(),
                },
            })
            .collect();
        let known = files.len();
        for (file, text) in overlay {
            if self.file(file).is_none() {
                let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
                if let Some(language) = Language::of(name) {
                    let path = self.printed_path(file);
                    files.push(AppFile::of(Candidate { path, file: file.clone(), language }, text));
                }
            }
        }
        let manifest = self.root.join("cdk.json");
        let more = files.len() > known;
        let mut app = Self {
            root: self.root.clone(),
            has_cdk_json: self.has_cdk_json,
            cdk_json: match overlay.get(&manifest) {
                Some(_) => read_json(&manifest, overlay),
                None => self.cdk_json.clone(),
            },
            release: self.release,
            files,
            by_path: Arc::clone(&self.by_path),
            documents: Arc::clone(&self.documents),
            shelves: self.shelves.clone(),
            others: self.others_with(overlay),
        };
        if more {
            app.sort();
        }
        app
    }

    /// The other files of this state of the app, such as documents that an editor holds, with the newer ones.
    fn others_with(&self, overlay: &Overlay) -> Overlay {
        let mut others = self.others.clone();
        let newer =
            overlay.iter().filter(|(file, _)| self.file(file).is_none() || others.contains_key(*file));
        let newer: Vec<_> = newer.map(|(file, text)| (file.clone(), Arc::clone(text))).collect();
        others.extend(newer);
        others
    }

    fn sort(&mut self) {
        self.files.sort_by(|a, b| a.candidate.cmp(&b.candidate));
        let named = self.files.iter().enumerate();
        self.by_path = Arc::new(
            named.map(|(index, file)| (file.candidate.file.clone().into_os_string(), index)).collect(),
        );
    }

    /// How a file of the app is printed: like the others, relative to the working directory.
    pub fn printed_path(&self, file: &Path) -> String {
        if let Some(known) = self.file(file) {
            return known.candidate.path.clone();
        }
        self.files
            .iter()
            .find(|other| Path::new(&other.candidate.path).is_relative())
            .and_then(|other| sibling_path(&other.candidate.file, &other.candidate.path, file))
            .unwrap_or_else(|| slashed(file))
    }

    /// The app with those documents of a walk, sorted and absolute, that lie under its root: no deeper than six folders, and
    /// in no hidden one.
    #[must_use]
    pub(crate) fn with_documents(mut self, sorted: &[PathBuf]) -> Self {
        let start = sorted.partition_point(|file| *file < self.root);
        let under = sorted.iter().skip(start).map_while(|file| file.strip_prefix(&self.root).ok());
        let is_near = |path: &Path| {
            let hidden = |part: Component<'_>| part.as_os_str().to_string_lossy().starts_with('.');
            path.components().count() <= 6 && !path.components().any(hidden)
        };
        self.documents = under.filter(|path| is_near(path)).map(slashed).collect();
        self
    }

    /// The app with the shelves that a run keeps for each folder.
    #[must_use]
    pub(crate) fn with_shelves(mut self, known: &mut Shelves) -> Self {
        self.shelves = shelves_of(&self.root, known);
        self
    }

    /// Documents under the app's root, relative to it, `/`-separated and sorted; ignored folders left out, files that a plan
    /// creates included.
    pub fn documents(&self) -> Vec<String> {
        let made = self.others.keys().filter_map(|file| file.strip_prefix(&self.root).ok().map(slashed));
        let mut all: Vec<String> =
            self.documents.iter().cloned().chain(made.filter(|path| is_document(path))).collect();
        all.sort();
        all.dedup();
        all
    }

    /// Documents of the repository that the app is a part of, relative to it: beside the app's folder and in the `docs`
    /// folders there. Nothing where the app is not in a repository.
    pub fn documents_above(&self) -> impl Iterator<Item = String> {
        let around: Vec<(&Path, &Shelf)> = self.shelves_to_top().collect();
        let top = around.last().map(|(folder, _)| *folder);
        around
            .into_iter()
            .skip(1)
            .flat_map(|(folder, shelf)| shelf.documents(folder))
            .filter_map(move |file| file.strip_prefix(top?).ok().map(slashed))
    }

    /// The text of a file by its path from the app's folder or one above it in the repository: lock files, workflows,
    /// settings of other tools. Files that a plan changes are not among them.
    pub fn text_above(&self, path: &str) -> Option<String> {
        self.shelves_to_top().filter(|(folder, shelf)| shelf.may_have(folder, path)).find_map(
            |(folder, _)| {
                let file = folder.join(path);
                file.is_file().then(|| std::fs::read_to_string(file).ok())?
            },
        )
    }

    /// The texts of the workflows of the repository around the app.
    pub fn workflows_above(&self) -> Vec<String> {
        const WORKFLOWS: &str = ".github/workflows";
        let folders = self.shelves_to_top().filter(|(folder, shelf)| shelf.may_have(folder, WORKFLOWS));
        let entries = folders.filter_map(|(folder, _)| std::fs::read_dir(folder.join(WORKFLOWS)).ok());
        let mut files: Vec<PathBuf> =
            entries.flatten().flatten().map(|entry| entry.path()).filter(|file| file.is_file()).collect();
        files.sort();
        files.into_iter().filter_map(|file| std::fs::read_to_string(file).ok()).collect()
    }

    /// The app's folder, and those above it up to the one of the repository, with what lies there.
    fn shelves_to_top(&self) -> impl Iterator<Item = (&Path, &Shelf)> {
        let all = || self.root.ancestors().zip(self.shelves.iter().map(Arc::as_ref));
        let top = all().position(|(folder, shelf)| shelf.may_have(folder, ".git")).unwrap_or(0);
        all().take(top + 1)
    }

    /// The app's folder, and those above it up to the one of the repository.
    pub fn folders_to_top(&self) -> impl Iterator<Item = &Path> {
        self.shelves_to_top().map(|(folder, _)| folder)
    }

    /// The text of a document, by its path relative to the app's root.
    pub fn document(&self, path: &str) -> Option<Arc<str>> {
        self.document_at(&self.root.join(path))
    }

    /// The text of a document, by its absolute path, as the plan has it.
    pub fn document_at(&self, file: &Path) -> Option<Arc<str>> {
        self.others.get(file).cloned().or_else(|| read_text(file).ok())
    }

    /// Whether the package is built into others' apps and deploys nothing itself: jsii makes it, or its CDK is that of who uses it.
    pub fn is_library(&self) -> bool {
        let manifest = || read_json(&self.root.join("package.json"), &self.others);
        !self.has_cdk_json
            && manifest().is_some_and(|manifest| {
                let peers = manifest.get("peerDependencies");
                let peer = |name: &str| peers.is_some_and(|peers| peers.get(name).is_some());
                manifest.get("jsii").is_some() || peer("aws-cdk-lib") || peer("@aws-cdk/core")
            })
    }

    /// A source file in another language than the app's (a handler in Python, Go, Java and the like) that holds a word,
    /// relative to the app's root.
    pub fn foreign_source_with(&self, word: &str) -> Option<String> {
        const ENDS: [&str; 9] = ["py", "go", "java", "kt", "rb", "cs", "rs", "php", "sh"];
        let walk = ignore::WalkBuilder::new(&self.root)
            .require_git(false)
            .max_depth(Some(10))
            .filter_entry(|entry| !matches!(entry.file_name().to_str(), Some("node_modules" | "cdk.out")))
            .build();
        let mut found: Vec<String> = walk
            .filter_map(Result::ok)
            .filter(|entry| {
                entry.path().extension().and_then(|end| end.to_str()).is_some_and(|end| ENDS.contains(&end))
            })
            .filter(|entry| read_text(entry.path()).is_ok_and(|text| super::meaning::has_word(&text, word)))
            .filter_map(|entry| entry.path().strip_prefix(&self.root).ok().map(slashed))
            .collect();
        found.sort();
        found.into_iter().next()
    }

    /// Whether a folder, by its absolute path, holds a file of some kind, whatever git ignores; `None` where it is no
    /// folder, or too large to tell.
    pub fn folder_holds(&self, folder: &Path, is_one: impl Fn(&str) -> bool) -> Option<bool> {
        const MANY: usize = 20_000;
        if !folder.starts_with(&self.root) || !folder.is_dir() {
            return None;
        }
        let walk = ignore::WalkBuilder::new(folder).standard_filters(false).follow_links(false).build();
        for (count, entry) in walk.filter_map(Result::ok).enumerate() {
            if count > MANY {
                return None;
            }
            if is_one(&entry.file_name().to_string_lossy()) {
                return Some(true);
            }
        }
        Some(false)
    }

    /// Why a new file, by its path relative to the app's root, would be lost or cannot be made; `None` where it can be.
    pub fn no_place_for(&self, path: &str) -> Option<&'static str> {
        let mut rules = ignore::gitignore::GitignoreBuilder::new(&self.root);
        // A rule that cannot be read ignores nothing.
        let _ = rules.add(self.root.join(".gitignore"));
        let ignored =
            rules.build().is_ok_and(|rules| rules.matched_path_or_any_parents(path, false).is_ignore());
        if ignored {
            return Some("git ignores it here, so it would reach nobody");
        }
        let folders = Path::new(path).parent()?.ancestors().filter(|folder| !folder.as_os_str().is_empty());
        let taken = folders.into_iter().any(|folder| self.root.join(folder).is_file());
        taken.then_some("a file has the name of its folder")
    }

    /// The file at an absolute path.
    pub fn file(&self, path: &Path) -> Option<&AppFile> {
        self.by_path.get(path.as_os_str()).and_then(|index| self.files.get(*index))
    }

    /// The file that a relative import names.
    pub fn import(&self, from: &Path, specifier: &str) -> Option<&AppFile> {
        if !specifier.starts_with('.') {
            return None;
        }
        let base = normal(&from.parent()?.join(specifier));
        if let Some(exact) = self.file(&base) {
            return Some(exact);
        }
        let name = base.file_name()?.to_str()?;
        // `./x.js` means `x.ts` under the newer module resolutions.
        let stem = ["js", "mjs", "cjs", "jsx"]
            .iter()
            .find_map(|end| name.strip_suffix(&format!(".{end}")))
            .unwrap_or(name);
        let extensions = ["ts", "tsx", "mts", "cts", "js", "jsx", "mjs", "cjs"];
        extensions
            .iter()
            .find_map(|end| self.file(&base.with_file_name(format!("{stem}.{end}"))))
            .or_else(|| extensions.iter().find_map(|end| self.file(&base.join(format!("index.{end}")))))
    }

    /// Files that could not be read or do not parse, with the reason.
    pub fn skipped(&self) -> Vec<Skipped> {
        let mut skipped = Vec::new();
        for file in &self.files {
            let path = file.candidate.path.clone();
            match file.text() {
                Err(why) => skipped.push(Skipped { path, kind: why.kind(), why: why.to_string() }),
                Ok(_) => {
                    if let Some(parsed) = file.parsed.get().and_then(Option::as_deref)
                        && let Some(offset) = first_error(parsed)
                    {
                        let line = line_of(&parsed.text, offset);
                        skipped.push(Skipped {
                            path,
                            kind: SkipKind::Problem,
                            why: format!("has a syntax error in line {line}; mend it, then run again"),
                        });
                    }
                }
            }
        }
        skipped
    }

    /// A context flag of `cdk.json`.
    pub fn context_flag(&self, name: &str) -> Option<&serde_json::Value> {
        self.cdk_json.as_ref()?.get("context")?.get(name)
    }
}

/// Line of a byte offset, from 1.
fn line_of(text: &str, offset: usize) -> usize {
    1 + memchr::memchr_iter(b'\n', text.as_bytes().get(..offset).unwrap_or_default()).count()
}

/// The printed path of `file`, derived from that of a file that lies in the same tree.
fn sibling_path(other: &Path, shown: &str, file: &Path) -> Option<String> {
    let depth = other.components().count() - Path::new(shown).components().count();
    let base: PathBuf = other.components().take(depth).collect();
    Some(slashed(file.strip_prefix(base).ok()?))
}

/// Resolves `.` and `..` by name.
pub(crate) fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            part => out.push(part),
        }
    }
    out
}

fn read_json(file: &Path, overlay: &Overlay) -> Option<serde_json::Value> {
    let text = overlay.get(file).cloned().or_else(|| read_text(file).ok())?;
    serde_json::from_str(&text).ok()
}
