//! Which aws-cdk-lib release an app is written against.

use std::path::Path;

use super::catalogue::Release;
use crate::source::read_text;

/// The installed release, else the locked one, else the lowest that `package.json` allows;
/// looked for in `root` and the folders above it up to the repository.
pub(crate) fn find(root: &Path) -> Option<Release> {
    for folder in root.ancestors() {
        if let Some(release) = installed(folder).or_else(|| declared(folder)) {
            return Some(release);
        }
        if folder.join(".git").exists() {
            break;
        }
    }
    None
}

/// The release of another package, found in the same way.
pub(crate) fn of_package(root: &Path, name: &str) -> Option<Release> {
    let from_lock = |folder: &Path| {
        let lock = lock_file(&folder.join("package-lock.json"))?;
        let at = lock.find(&format!("\"node_modules/{name}\""))?;
        quoted_version(lock.get(at..)?, "\"version\":")
    };
    let from_range = |folder: &Path| {
        let manifest = json(&folder.join("package.json"))?;
        let sections = ["dependencies", "devDependencies", "peerDependencies"];
        sections.iter().find_map(|section| lowest(manifest.get(section)?.get(name)?.as_str()?))
    };
    let top = root.ancestors().find(|folder| folder.join(".git").exists()).unwrap_or(root);
    root.ancestors().take_while(|folder| folder.starts_with(top)).find_map(|folder| {
        let installed = json(&folder.join("node_modules").join(name).join("package.json"))
            .and_then(|manifest| manifest.get("version")?.as_str()?.parse().ok());
        installed.or_else(|| from_lock(folder)).or_else(|| from_range(folder))
    })
}

fn installed(folder: &Path) -> Option<Release> {
    let manifest = json(&folder.join("node_modules/aws-cdk-lib/package.json"))?;
    manifest.get("version")?.as_str()?.parse().ok()
}

fn declared(folder: &Path) -> Option<Release> {
    let manifest = json(&folder.join("package.json"))?;
    let range = ["dependencies", "devDependencies", "peerDependencies"].iter().find_map(|section| {
        let section = manifest.get(section)?;
        ["aws-cdk-lib", "@aws-cdk/core", "monocdk"].iter().find_map(|name| section.get(name)?.as_str())
    })?;
    locked(folder).or_else(|| lowest(range))
}

/// From `package-lock.json` or `yarn.lock`.
fn locked(folder: &Path) -> Option<Release> {
    // A lock file may be large: look for the entry's words instead of parsing it whole.
    if let Some(lock) = lock_file(&folder.join("package-lock.json")) {
        let at = lock.find("\"node_modules/aws-cdk-lib\"").or_else(|| lock.find("\"aws-cdk-lib\": {"))?;
        return quoted_version(lock.get(at..)?, "\"version\":");
    }
    let lock = lock_file(&folder.join("yarn.lock"))?;
    let at = lock.find("\naws-cdk-lib@").or_else(|| lock.find("\n\"aws-cdk-lib@"))?;
    quoted_version(lock.get(at + 1..)?, "version")
}

/// The text of a lock file, of any size; a pipe of that name would never end.
fn lock_file(file: &Path) -> Option<String> {
    file.is_file().then(|| std::fs::read_to_string(file).ok())?
}

/// The first version behind `word`, quoted or not.
fn quoted_version(text: &str, word: &str) -> Option<Release> {
    let (_, rest) = text.split_once(word)?;
    rest.trim_start_matches([' ', '"', ':']).split(['"', '\n', ',']).next()?.trim().parse().ok()
}

/// The lowest release that a range allows: `^2.100.0`, `~2.1.0`, `>=2.0.0 <3`, `2.x`.
fn lowest(range: &str) -> Option<Release> {
    let number = range.trim_start_matches(['^', '~', '>', '=', 'v', ' ']);
    let number = number.split([' ', '<', '|', ',']).next()?;
    let mut parts = number.split('.').map(|part| part.parse::<u16>().ok());
    let major = u8::try_from(parts.next()??).ok()?;
    let minor = parts.next().flatten().unwrap_or(0);
    let patch = parts.next().flatten().unwrap_or(0);
    Some(Release { major, minor, patch })
}

fn json(file: &Path) -> Option<serde_json::Value> {
    serde_json::from_str(&read_text(file).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_give_their_lowest_release() {
        let release = |major, minor, patch| Some(Release { major, minor, patch });
        assert_eq!(lowest("^2.100.0"), release(2, 100, 0));
        assert_eq!(lowest(">=2.1.0 <3.0.0"), release(2, 1, 0));
        assert_eq!(lowest("2.x"), release(2, 0, 0));
        assert_eq!(lowest("1.204.0"), release(1, 204, 0));
        assert_eq!(lowest("latest"), None);
    }

    #[test]
    fn lock_files_name_the_release() {
        let release = Some(Release { major: 2, minor: 204, patch: 0 });
        assert_eq!(quoted_version("\"aws-cdk-lib\": {\n \"version\": \"2.204.0\",", "\"version\":"), release);
        assert_eq!(quoted_version("aws-cdk-lib@^2:\n  version \"2.204.0\"\n", "version"), release);
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the test lays out its own temporary app")]
    fn other_packages_are_found_in_the_lock_file_or_the_range() {
        let folder = tempfile::tempdir().unwrap();
        let release = |minor, patch| Some(Release { major: 10, minor, patch });
        let manifest = "{ \"dependencies\": { \"constructs\": \"^10.0.5\" } }";
        std::fs::write(folder.path().join("package.json"), manifest).unwrap();
        assert_eq!(of_package(folder.path(), "constructs"), release(0, 5));
        let lock = "{ \"packages\": { \"node_modules/constructs\": { \"version\": \"10.4.2\" } } }";
        std::fs::write(folder.path().join("package-lock.json"), lock).unwrap();
        assert_eq!(of_package(folder.path(), "constructs"), release(4, 2));
        assert_eq!(of_package(folder.path(), "cdk-nag"), None);
    }
}
