//! What a pull request has to say: a template in the repository.

use std::path::Path;

use crate::edit::Builder;
use crate::model::Model;

const TEXT: &str = include_str!("pull_request_template.md");
/// Where GitHub looks for it.
const PATH: &str = ".github/PULL_REQUEST_TEMPLATE.md";

/// Whether the repository is on GitHub, the app is at its top, and it has no template.
pub(super) fn is_missing(model: &Model<'_>) -> bool {
    let root = &model.app.root;
    if !root.join(".github").is_dir() || model.app.no_place_for(PATH).is_some() {
        return false;
    }
    // Any spelling, a folder of several as well.
    let has = |folder: &Path| {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries
            .map(|entry| entry.file_name().to_string_lossy().to_lowercase())
            .any(|name| name.starts_with("pull_request_template"))
    };
    let written = model.app.document(PATH).is_some();
    !written && ![root.join(".github"), root.clone(), root.join("docs")].iter().any(|folder| has(folder))
}

/// What a message says of it; nothing where there is one.
pub(super) fn told(model: &Model<'_>) -> &'static str {
    if is_missing(model) { " A template asks each pull request for its risk and its way back." } else { "" }
}

/// Writes the template, where there is none.
pub(super) fn add(b: &mut Builder<'_, '_>) {
    if is_missing(b.model) {
        b.create(b.model.app.root.join(PATH), TEXT);
    }
}
