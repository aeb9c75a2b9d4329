//! Files to apps: one per `cdk.json`, else one per package, else one per folder that was given.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

use crate::model::{App, Shelves};
use crate::source::{Candidate, Discovery};

/// The folder whose app a path belongs to: the nearest with `cdk.json`, else the nearest with
/// `package.json`, looked for upwards as far as the repository or `stop`.
pub fn app_root(path: &Path) -> Option<PathBuf> {
    let start = if path.is_dir() { path } else { path.parent()? };
    let up = || {
        let mut ended = false;
        start.ancestors().take_while(move |folder| {
            let go_on = !ended;
            ended = folder.join(".git").exists();
            go_on
        })
    };
    up().find(|folder| folder.join("cdk.json").is_file())
        .or_else(|| up().find(|folder| folder.join("package.json").is_file()))
        .map(Path::to_owned)
}

/// Groups what a walk of `roots` has found by app: files, and documents by the folder that they lie under.
pub fn find_apps(found: Discovery, roots: &[PathBuf]) -> Vec<App> {
    let Discovery { files, documents, .. } = found;
    let with = |name: &str| -> HashSet<PathBuf> {
        files
            .iter()
            .filter(|file| file.file.file_name().is_some_and(|found| found == name))
            .filter_map(|file| file.file.parent().map(Path::to_owned))
            .collect()
    };
    let (cdk, packages) = (with("cdk.json"), with("package.json"));
    let mut homes: BTreeMap<PathBuf, Vec<Candidate>> = BTreeMap::new();
    let mut known: HashMap<PathBuf, PathBuf> = HashMap::new();
    for candidate in files {
        let Some(folder) = candidate.file.parent() else { continue };
        let home = known.entry(folder.to_owned()).or_insert_with(|| {
            let nearest = |folders: &HashSet<PathBuf>| {
                folder.ancestors().find(|above| folders.contains(*above)).map(Path::to_owned)
            };
            nearest(&cdk)
                .or_else(|| nearest(&packages))
                .or_else(|| roots.iter().find(|root| folder.starts_with(root)).cloned())
                .unwrap_or_else(|| folder.to_owned())
        });
        homes.entry(home.clone()).or_default().push(candidate);
    }
    let mut shelves = Shelves::new();
    homes
        .into_iter()
        .map(|(root, files)| App::new(root, files).with_documents(&documents).with_shelves(&mut shelves))
        .collect()
}
