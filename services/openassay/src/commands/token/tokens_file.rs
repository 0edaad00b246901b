//! A file of tokens that is being changed: by one at a time, and as a whole or not at all.

use crate::{
    failure::Result,
    file::{cannot, folder_of, read_text},
};
use rustix::fs::{FlockOperation, flock};
use std::{
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// A file of tokens, and the right to change it. Others wait for the end of this.
pub(super) struct Locked {
    path: PathBuf,
    /// The folder, which stays when the file is replaced.
    _folder: File,
}

impl Locked {
    /// Waits for the right to change a file.
    pub(super) fn open(path: &Path) -> Result<Self> {
        // A link stays one: what it points to is replaced.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        let folder = folder_of(&path);
        let locked = File::open(folder).and_then(|folder| {
            flock(&folder, FlockOperation::LockExclusive)?;
            Ok(folder)
        });
        let _folder = locked.map_err(|error| cannot("change", folder, &error))?;
        Ok(Self { path, _folder })
    }

    pub(super) fn read(&self) -> Result<String> {
        read_text(&self.path)
    }

    /// What stands in the file; nothing where there is none yet.
    pub(super) fn read_or_begin(&self) -> Result<String> {
        if fs::exists(&self.path).is_ok_and(|there| !there) {
            return Ok(String::new());
        }
        self.read()
    }

    /// Replaces the file. Whoever may read it now may read it then.
    pub(super) fn write(&self, text: &str) -> Result {
        let write = || -> io::Result<()> {
            let mut builder = tempfile::Builder::new();
            builder.prefix(".openassay-");
            builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644));
            let mut part = builder.tempfile_in(folder_of(&self.path))?;
            part.write_all(text.as_bytes())?;
            if let Ok(before) = fs::metadata(&self.path) {
                part.as_file().set_permissions(before.permissions())?;
                // Only root may give a file away; anybody else keeps it.
                let (user, group) = (Some(before.uid()), Some(before.gid()));
                let _ = std::os::unix::fs::chown(part.path(), user, group);
            }
            part.as_file().sync_all()?;
            part.persist(&self.path).map_err(|error| error.error)?;
            Ok(())
        };
        write().map_err(|error| cannot("write", &self.path, &error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn a_file_keeps_who_may_read_it_and_a_link_stays_one() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("real"), folder.path().join("link"));
        fs::write(&path, "before").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        symlink(&path, &link).unwrap();
        let locked = Locked::open(&link).unwrap();
        assert_eq!(locked.read().unwrap(), "before");
        locked.write("after").unwrap();
        assert!(link.is_symlink());
        assert_eq!(fs::read_to_string(&path).unwrap(), "after");
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
    }

    #[test]
    fn a_new_file_begins_empty_and_an_unreadable_one_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let new = Locked::open(&folder.path().join("new")).unwrap();
        assert_eq!(new.read_or_begin().unwrap(), "");
        new.write("x").unwrap();
        drop(new);
        let nowhere = Locked::open(&folder.path().join("missing/tokens.toml"));
        assert!(nowhere.is_err());
        let none = Locked::open(&folder.path().join("none.toml")).unwrap();
        assert!(none.read().is_err());
    }
}
