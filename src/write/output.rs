//! Reports and patches that a person sends to a file.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::error::WriteError;

/// Checks that a report could be written, before anything is done that only the report would tell.
///
/// # Errors
/// A [`WriteError`] that names the file.
pub fn check_output(file: &Path) -> Result<(), WriteError> {
    let failed = WriteError::failed("write", file);
    if file.is_dir() {
        return Err(failed(std::io::ErrorKind::IsADirectory.into()));
    }
    if file.exists() && !file.is_file() {
        return Ok(());
    }
    if file.file_name().is_none() {
        return Err(failed(std::io::ErrorKind::InvalidFilename.into()));
    }
    tempfile::tempfile_in(folder_of(file)).map(drop).map_err(failed)
}

/// The folder of a file that is named relative to the working directory.
fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Replaces a report file, whole or not at all.
///
/// # Errors
/// A [`WriteError`] that names the file.
pub fn output(file: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    let folder = folder_of(file);
    let failed = WriteError::failed("write", file);
    // A pipe or device (`/dev/stdout`) cannot be replaced, only written to.
    if file.exists() && !file.is_file() {
        return std::fs::OpenOptions::new()
            .write(true)
            .open(file)
            .and_then(|mut out| out.write_all(bytes))
            .map_err(failed);
    }
    let write = || -> std::io::Result<()> {
        let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
        temporary.write_all(bytes)?;
        temporary.as_file().sync_all()?;
        let mode = std::fs::metadata(file).map(|meta| meta.permissions());
        temporary.persist(file).map_err(|error| error.error)?;
        if let Ok(mode) = mode {
            std::fs::set_permissions(file, mode)?;
        } else {
            readable(file)?;
        }
        Ok(())
    };
    write().map_err(failed)
}

/// Temporary files are private; a report is for everybody who may read the folder.
#[cfg(unix)]
fn readable(file: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn readable(_file: &Path) -> std::io::Result<()> {
    Ok(())
}

/// Copies in a folder of their own, which goes when this is dropped.
pub struct Scratch {
    /// The copies, in the order in which they were given.
    pub files: Vec<PathBuf>,
    _folder: tempfile::TempDir,
}

/// Makes copies of files for an editor, under their own names.
///
/// # Errors
/// Those of the system's folder for temporary files.
pub fn scratch(copies: &[(PathBuf, &[u8])]) -> std::io::Result<Scratch> {
    let folder = tempfile::Builder::new().prefix("wa-fix-").tempdir()?;
    let mut files = Vec::new();
    for (index, (path, bytes)) in copies.iter().enumerate() {
        let name = path.file_name().unwrap_or(path.as_os_str());
        let mut file = folder.path().join(name);
        if files.contains(&file) {
            let beside = folder.path().join(index.to_string());
            std::fs::create_dir(&beside)?;
            file = beside.join(name);
        }
        std::fs::write(&file, bytes)?;
        files.push(file);
    }
    Ok(Scratch { files, _folder: folder })
}
