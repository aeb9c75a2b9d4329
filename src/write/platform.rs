//! What differs between systems: mode bits, owners, hard links, syncing directories.

use std::fs::{self, File, Metadata};
use std::io;
use std::path::Path;

/// How many names a file has.
#[cfg(unix)]
pub(super) fn links(meta: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::nlink(meta)
}

/// How many names a file has; unknown here, so one.
#[cfg(not(unix))]
pub(super) fn links(_meta: &Metadata) -> u64 {
    1
}

/// Whether a new file of ours can be given the owner of the file that it replaces. `probe` is a
/// file that we have just made.
#[cfg(unix)]
pub(super) fn can_own_like(probe: &Metadata, meta: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    probe.uid() == meta.uid() || probe.uid() == 0
}

/// Owners are not copied here.
#[cfg(not(unix))]
pub(super) fn can_own_like(_probe: &Metadata, _meta: &Metadata) -> bool {
    true
}

/// Gives `file` the owner, group and mode bits of `like`. A group that we may not give stays ours.
#[cfg(unix)]
pub(super) fn copy_attributes(file: &File, like: &Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, fchown};
    let own = file.metadata()?;
    if own.uid() != like.uid() {
        fchown(file, Some(like.uid()), None)?;
    }
    if own.gid() != like.gid() {
        // Not being a member of the group is no reason to fail: content and mode matter more.
        let _ = fchown(file, None, Some(like.gid()));
    }
    // Last, because changing the owner clears the set-user-id bits.
    file.set_permissions(like.permissions())
}

/// Copies what there is to copy.
#[cfg(not(unix))]
pub(super) fn copy_attributes(file: &File, like: &Metadata) -> io::Result<()> {
    file.set_permissions(like.permissions())
}

/// A builder of temporary files with the mode that `open` would give a new file.
#[cfg(unix)]
pub(super) fn new_file_mode(builder: &mut tempfile::Builder<'_, '_>) {
    use std::os::unix::fs::PermissionsExt;
    // The system takes the umask away from this.
    builder.permissions(fs::Permissions::from_mode(0o666));
}

/// Nothing to choose here.
#[cfg(not(unix))]
pub(super) fn new_file_mode(_builder: &mut tempfile::Builder<'_, '_>) {}

/// Makes a directory that only its owner may read: the journal holds copies of source files.
#[cfg(unix)]
pub(super) fn private_dir(dir: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

/// Makes a directory.
#[cfg(not(unix))]
pub(super) fn private_dir(dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir)
}

/// Puts the names in a directory on disk, so that a rename survives a power cut.
#[cfg(unix)]
pub(super) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Directories cannot be synced here.
#[cfg(not(unix))]
pub(super) fn sync_dir(_dir: &Path) -> io::Result<()> {
    Ok(())
}
