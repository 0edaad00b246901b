//! Files that are there as a whole or not at all, also after a crash.

use crate::PipelineError;
use std::{
    ffi::OsString,
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
};

/// Writes a file beside its place, syncs it and moves it there.
pub(crate) fn write_file(path: &Path, bytes: &[u8]) -> Result<(), PipelineError> {
    let part = beside(path, "part");
    let written = write_synced(&part, bytes)
        .and_then(|()| fs::rename(&part, path).map_err(PipelineError::write(path)));
    if written.is_err() {
        // The first failure is the one to report; a part file left behind is harmless.
        let _ = fs::remove_file(&part);
    }
    written?;
    sync_folder(folder_of(path))
}

/// Writes a new file and waits until it is on the disk.
pub(crate) fn write_synced(path: &Path, bytes: &[u8]) -> Result<(), PipelineError> {
    let write = || {
        let mut file = File::create(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(PipelineError::write(path))
}

/// Waits until the names in a folder are on the disk.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), PipelineError> {
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(PipelineError::write(folder))
}

/// Lets two folders change places in one step.
#[cfg(target_os = "linux")]
pub(crate) fn exchange(a: &Path, b: &Path) -> std::io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    Ok(renameat_with(CWD, a, CWD, b, RenameFlags::EXCHANGE)?)
}

/// Other systems have no call for it.
#[cfg(not(target_os = "linux"))]
pub(crate) fn exchange(_: &Path, _: &Path) -> std::io::Result<()> {
    Err(std::io::ErrorKind::Unsupported.into())
}

/// A hidden name in the same folder that no other process uses.
pub(crate) fn beside(path: &Path, purpose: &str) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.{purpose}", std::process::id()));
    folder_of(path).join(name)
}

/// The folder a path lies in, `.` where it names none.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}
