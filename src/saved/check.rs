//! Reading a plan that anybody may have written.

use serde::Deserialize;

use super::{BadPlan, MAX_BYTES, SavedPlan, VERSION};

/// What every version of the form begins with.
#[derive(Deserialize)]
struct Head {
    #[serde(rename = "wa-fix-plan")]
    version: u64,
}

/// A plan of this version, as wa-fix wrote it, whose places are all below the top.
pub(super) fn read(bytes: &[u8]) -> Result<SavedPlan, BadPlan> {
    if u64::try_from(bytes.len()).is_ok_and(|length| length > MAX_BYTES) {
        return Err(BadPlan::Shape(format!("it is larger than {} MiB", MAX_BYTES >> 20)));
    }
    let shape = |error: serde_json::Error| BadPlan::Shape(error.to_string());
    let head: Head = serde_json::from_slice(bytes).map_err(shape)?;
    if head.version != VERSION {
        return Err(BadPlan::Version(head.version));
    }
    let plan: SavedPlan = serde_json::from_slice(bytes).map_err(shape)?;
    if plan.digest != plan.digest_of_rest()? {
        return Err(BadPlan::Edited);
    }
    check_places(&plan)?;
    Ok(plan)
}

fn check_places(plan: &SavedPlan) -> Result<(), BadPlan> {
    let changed = plan.fixes.iter().flat_map(|fix| &fix.changes).map(|change| &change.path);
    let files = plan.files.iter().map(|file| &file.path);
    if let Some(bad) = files.clone().chain(changed.clone()).find(|path| !is_below(path)) {
        return Err(BadPlan::Place(bad.clone()));
    }
    let named = |path: &&String| *path != "." && !is_below(path);
    if let Some(bad) = plan.settings.paths.iter().find(named) {
        return Err(BadPlan::Place(bad.clone()));
    }
    // A file without a hash would not be looked at.
    let known: std::collections::BTreeSet<&String> = files.collect();
    match changed.into_iter().find(|path| !known.contains(path)) {
        Some(path) => Err(BadPlan::Shape(format!("a fix changes {path}, which `files` does not list"))),
        None => Ok(()),
    }
}

/// Whether a path leads downwards, is the same on every system, and stays out of git's own folder.
fn is_below(path: &str) -> bool {
    let plain =
        |part: &str| !part.is_empty() && part != "." && part != ".." && !part.eq_ignore_ascii_case(".git");
    !path.contains(['\\', '\0']) && !path.starts_with('~') && !has_drive(path) && path.split('/').all(plain)
}

/// `C:`, which Windows reads as a disk.
fn has_drive(path: &str) -> bool {
    path.as_bytes().get(1) == Some(&b':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_places_below_the_top() {
        for path in ["lib/x.ts", "a", "a b/ü.ts", "..a/b..", ".github/x.yml"] {
            assert!(is_below(path), "{path}");
        }
        for path in [
            "",
            ".",
            "..",
            "../x",
            "a/../b",
            "/etc/passwd",
            "a//b",
            "a/",
            "C:/x",
            "C:x",
            "a\\..\\b",
            ".git/x",
            "a/.GIT/x",
            "~/x",
            "a\0b",
        ] {
            assert!(!is_below(path), "{path:?}");
        }
    }

    #[test]
    fn what_is_no_plan() {
        for text in
            ["", "null", "[]", "{}", "{\"wa-fix-plan\":\"1\"}", "{\"wa-fix-plan\":1}", "{\"wa-fix-plan\":-1}"]
        {
            assert!(matches!(read(text.as_bytes()), Err(BadPlan::Shape(_))), "{text}");
        }
        // Nesting that would end in a stack overflow.
        let deep = format!("{{\"wa-fix-plan\":1,\"fixes\":{}", "[".repeat(1_000_000));
        assert!(matches!(read(deep.as_bytes()), Err(BadPlan::Shape(_))));
        assert_eq!(read(b"{\"wa-fix-plan\":2,\"new\":{}}"), Err(BadPlan::Version(2)));
    }
}
