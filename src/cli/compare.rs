//! Where a person opens a pull request, by the address of the remote.

/// The page that compares a branch with the default one; `None` for a host that is none of the known.
pub(super) fn compare_url(remote: &str, branch: &str) -> Option<String> {
    let branch: String = branch.bytes().map(escaped).collect();
    if let Some(repository) = codecommit(remote) {
        let (region, name) = repository;
        return Some(format!(
            "https://{region}.console.aws.amazon.com/codesuite/codecommit/repositories/{name}/pull-requests/new/refs/heads/main/.../refs/heads/{branch}?region={region}"
        ));
    }
    let (host, path) = place(remote)?;
    let base = format!("https://{host}/{path}");
    if host.contains("github") {
        Some(format!("{base}/compare/{branch}?expand=1"))
    } else if host.contains("gitlab") {
        Some(format!("{base}/-/merge_requests/new?merge_request%5Bsource_branch%5D={branch}"))
    } else if host.contains("bitbucket") {
        Some(format!("{base}/pull-requests/new?source={branch}"))
    } else {
        None
    }
}

/// Host and path of `https://host/path.git`, `ssh://git@host:22/path` and `git@host:path`; user and password go.
fn place(remote: &str) -> Option<(&str, &str)> {
    let (host, path) = match remote.split_once("://") {
        Some((_, rest)) => rest.split_once('/')?,
        None => remote.split_once(':')?,
    };
    let host = host.rsplit('@').next()?.split(':').next()?;
    let path = path.trim_matches('/');
    Some((host, path.strip_suffix(".git").unwrap_or(path)))
        .filter(|(host, path)| !host.is_empty() && !path.is_empty())
}

/// Region and name of a CodeCommit repository.
fn codecommit(remote: &str) -> Option<(&str, &str)> {
    if let Some(rest) = remote.strip_prefix("codecommit::") {
        let (region, name) = rest.split_once("://")?;
        return Some((region, name.rsplit('@').next()?));
    }
    let (_, rest) = remote.split_once("git-codecommit.")?;
    let region = rest.split('.').next()?;
    Some((region, rest.split_once("/v1/repos/")?.1))
}

fn escaped(byte: u8) -> String {
    if byte.is_ascii_alphanumeric() || b"-_./".contains(&byte) {
        char::from(byte).to_string()
    } else {
        format!("%{byte:02X}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hosts_that_are_known() {
        for (remote, page) in [
            ("git@github.com:acme/tap.git", "https://github.com/acme/tap/compare/wa-fix?expand=1"),
            ("https://me:secret@github.com/acme/tap", "https://github.com/acme/tap/compare/wa-fix?expand=1"),
            (
                "ssh://git@gitlab.example.org:2222/group/sub/tap.git",
                "https://gitlab.example.org/group/sub/tap/-/merge_requests/new?merge_request%5Bsource_branch%5D=wa-fix",
            ),
            (
                "git@bitbucket.org:acme/tap.git",
                "https://bitbucket.org/acme/tap/pull-requests/new?source=wa-fix",
            ),
        ] {
            assert_eq!(compare_url(remote, "wa-fix").as_deref(), Some(page));
        }
        for remote in [
            "https://git-codecommit.eu-west-1.amazonaws.com/v1/repos/tap",
            "ssh://git-codecommit.eu-west-1.amazonaws.com/v1/repos/tap",
            "codecommit::eu-west-1://profile@tap",
        ] {
            let page = compare_url(remote, "a#b").unwrap();
            assert!(page.contains("eu-west-1.console") && page.contains("/repositories/tap/"), "{page}");
            assert!(page.contains("refs/heads/a%23b"), "{page}");
        }
        assert_eq!(compare_url("/srv/git/tap.git", "wa-fix"), None);
    }
}
