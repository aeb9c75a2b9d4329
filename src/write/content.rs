//! Reading, hashing and putting down content.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::Path;

use tempfile::TempPath;

use super::platform;
pub(super) use crate::source::content_hash as hash;

/// The bytes of a regular file; `None` where there is no such name. A link, pipe or directory that
/// has taken the place of the file is an error: reading a pipe could wait for ever.
pub(super) fn read(file: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::symlink_metadata(file) {
        Ok(meta) if meta.is_file() => fs::read(file).map(Some),
        Ok(_) => Err(io::Error::other("is no longer a regular file")),
        Err(error) if absent(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether an error says that there is nothing under that name.
pub(super) fn absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Puts bytes under a new temporary name and on disk. `like` gives owner and mode; without it the
/// file gets the mode of any new file.
pub(super) fn stage(dir: &Path, name: &str, bytes: &[u8], like: Option<&Metadata>) -> io::Result<TempPath> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(name).rand_bytes(0);
    if like.is_none() {
        platform::new_file_mode(&mut builder);
    }
    let mut temp = builder.tempfile_in(dir)?;
    temp.write_all(bytes)?;
    if let Some(meta) = like {
        platform::copy_attributes(temp.as_file(), meta)?;
    }
    temp.as_file().sync_all()?;
    // Closed, because a run may have more files than a process may open.
    Ok(temp.into_temp_path())
}

/// Writes bytes to a new file of the journal and on disk.
pub(super) fn save(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut out = OpenOptions::new().write(true).create_new(true).open(file)?;
    out.write_all(bytes)?;
    out.sync_all()
}

/// Overwrites a file in place, keeping its inode. `halfway` is called when half of it is written.
///
/// The old end is cut off last, so that at every moment each byte is either an old or a new one:
/// [`mixed`] relies on that.
pub(super) fn overwrite(
    out: &mut File,
    bytes: &[u8],
    halfway: impl FnOnce() -> io::Result<()>,
) -> io::Result<()> {
    let (first, second) = bytes.split_at(bytes.len() / 2);
    out.rewind()?;
    out.write_all(first)?;
    halfway()?;
    out.write_all(second)?;
    out.set_len(u64::try_from(bytes.len()).map_err(io::Error::other)?)?;
    out.sync_all()
}

/// Opens a file for overwriting and reads it through the same handle.
pub(super) fn open_in_place(file: &Path) -> io::Result<(File, Vec<u8>)> {
    let mut handle = OpenOptions::new().read(true).write(true).open(file)?;
    let mut bytes = Vec::new();
    handle.read_to_end(&mut bytes)?;
    Ok((handle, bytes))
}

/// Whether `torn` is what an interrupted [`overwrite`] of `old` by `new` can leave.
pub(super) fn mixed(torn: &[u8], old: &[u8], new: &[u8]) -> bool {
    let longest = old.len().max(new.len());
    torn.len() >= old.len().min(new.len())
        && torn.len() <= longest
        && torn.iter().enumerate().all(|(at, byte)| old.get(at) == Some(byte) || new.get(at) == Some(byte))
}

/// Removes a file; one that is not there is fine.
pub(super) fn remove(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if !absent(&error) => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        /// An overwriting that dies anywhere leaves what [`mixed`] recognises.
        #[test]
        fn a_torn_file_is_recognised(old in "[ab]{0,9}", new in "[ac]{0,9}", at in 0usize..10) {
            let (old, new) = (old.as_bytes(), new.as_bytes());
            let mut torn = old.to_vec();
            for (place, byte) in new.iter().enumerate().take(at) {
                if place < torn.len() { torn[place] = *byte } else { torn.push(*byte) }
            }
            proptest::prop_assert!(mixed(&torn, old, new));
        }
    }

    #[test]
    fn a_foreign_file_is_not_taken_for_a_torn_one() {
        assert!(!mixed(b"mine", b"old content", b"new content"));
        assert!(!mixed(b"old content, mine", b"old content", b"new content"));
        assert!(!mixed(b"olx content", b"old content", b"new content"));
    }

    #[test]
    fn overwriting_fits_shorter_and_longer_content() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a.ts");
        save(&file, b"0123456789").unwrap();
        for bytes in [b"new".as_slice(), b"", b"much longer than before"] {
            let (mut handle, _) = open_in_place(&file).unwrap();
            overwrite(&mut handle, bytes, || Ok(())).unwrap();
            assert_eq!(fs::read(&file).unwrap(), bytes);
        }
    }
}
