//! Files that are there as a whole or not at all.

use crate::failure::{Failure, Result};
use assay_core::ErrorKind;
use assay_formats::{FormatError, MAX_FILE_BYTES};
use std::{
    fs,
    io::{self, Read, Write},
    path::Path,
};

/// Writes a file beside its place and moves it there once it is complete and on the disk.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result {
    let folder = folder_of(path);
    let write = || -> io::Result<()> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(".openassay-");
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let mut part = builder.tempfile_in(folder)?;
        part.write_all(bytes)?;
        part.as_file().sync_all()?;
        part.persist(path).map_err(|error| error.error)?;
        Ok(())
    };
    write().map_err(|error| cannot("write", path, &error))
}

/// Reads a text file.
pub(crate) fn read_text(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|error| cannot("read", path, &error))
}

/// Reads a file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|error| cannot("read", path, &error))
}

/// Reads no more of a file than a spectrum can have; "-" is standard input.
pub(crate) fn read_spectrum(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // One byte more than allowed, so that the reader notices.
    let most = MAX_FILE_BYTES as u64 + 1;
    let read = if path == Path::new("-") {
        io::stdin().lock().take(most).read_to_end(&mut bytes)
    } else {
        fs::File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes))
    };
    read.map_err(|error| cannot("read", path, &error))?;
    Ok(bytes)
}

/// Reads a spectrum that is to be sent to a server. What no server takes is refused here, in the
/// words for a file; whether a server takes less is its own to say.
pub(crate) fn read_spectrum_to_send(path: &Path) -> Result<Vec<u8>> {
    let bytes = read_spectrum(path)?;
    let refused = |error| Err(Failure::from(error).while_doing(path.display()));
    match bytes.len() {
        0 => refused(FormatError::Empty),
        size_bytes if size_bytes > MAX_FILE_BYTES => refused(FormatError::TooLarge {
            size_bytes,
            limit_bytes: MAX_FILE_BYTES,
        }),
        _ => Ok(bytes),
    }
}

/// Refuses early to overwrite what is no plain file, and to write where nothing can be written,
/// so that an hour's work does not end in that message.
pub(crate) fn check_writable(path: &Path) -> Result {
    if path.is_dir() {
        return Err(Failure::new(
            ErrorKind::AlreadyExists,
            format!(
                "cannot write {}: it is a folder; name a file",
                path.display()
            ),
        ));
    }
    let folder = folder_of(path);
    if folder.is_dir() {
        return Ok(());
    }
    Err(Failure::new(
        ErrorKind::NotFound,
        format!(
            "cannot write {}: the folder {} does not exist; create it first",
            path.display(),
            folder.display()
        ),
    ))
}

/// The folder that a file lies in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// A failure that names the file.
pub(crate) fn cannot(what: &str, path: &Path, error: &io::Error) -> Failure {
    let kind = match error.kind() {
        io::ErrorKind::NotFound => ErrorKind::NotFound,
        io::ErrorKind::AlreadyExists => ErrorKind::AlreadyExists,
        io::ErrorKind::InvalidData => ErrorKind::InvalidArgument,
        io::ErrorKind::StorageFull => ErrorKind::ResourceExhausted,
        _ => ErrorKind::Unavailable,
    };
    Failure::new(kind, format!("cannot {what} {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_as_a_whole_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        write(&path, b"first").unwrap();
        write(&path, b"second").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"second");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn unwritable_places_are_named_before_the_work() {
        let folder = tempfile::tempdir().unwrap();
        assert!(check_writable(folder.path()).is_err());
        assert!(check_writable(&folder.path().join("missing/a.json")).is_err());
        assert!(check_writable(&folder.path().join("a.json")).is_ok());
    }
}
