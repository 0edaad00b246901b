//! Bundles on disk: written as a whole or not at all, and verified byte by byte when read.

use super::{Bundle, CARD_FILE, DOCUMENT_FILE, GATE_FILE, MODEL_FILE};
use crate::{PipelineError, durable};
use std::{fs, io, path::Path};

const MAX_FILE_BYTES: u64 = 4 << 30;

/// What to do where a bundle stands already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Existing {
    /// Refuse to write.
    #[default]
    Keep,
    /// Put the new bundle in its place.
    Replace,
}

impl Bundle {
    /// Writes the bundle as a folder: first beside its place and synced to disk, then moved
    /// there. Whatever fails, a bundle that stood there is whole.
    ///
    /// # Errors
    /// When something stands at `path` that is no bundle, or a bundle that must be kept, or when
    /// writing fails.
    pub fn write(&self, path: &Path, existing: Existing) -> Result<(), PipelineError> {
        check_place(path, existing)?;
        let part = durable::beside(path, "part");
        let outcome = self
            .write_files(&part)
            .and_then(|()| move_into_place(&part, path, existing));
        if outcome.is_err() {
            // The first failure is the one to report; a part folder left behind is harmless.
            let _ = fs::remove_dir_all(&part);
        }
        outcome?;
        durable::sync_folder(durable::folder_of(path))
    }

    fn write_files(&self, part: &Path) -> Result<(), PipelineError> {
        if part.exists() {
            fs::remove_dir_all(part).map_err(PipelineError::write(part))?;
        }
        fs::create_dir_all(part).map_err(PipelineError::write(part))?;
        let files = [
            (MODEL_FILE, &self.files.model),
            (GATE_FILE, &self.files.gate),
            (CARD_FILE, &self.files.card),
            (DOCUMENT_FILE, &self.files.document),
        ];
        for (name, bytes) in files {
            durable::write_synced(&part.join(name), bytes)?;
        }
        durable::sync_folder(part)
    }

    /// Reads a bundle and verifies every byte of it.
    ///
    /// # Errors
    /// When the folder is no bundle, when the format version is unknown, when a file differs
    /// from what was written, or when the parts contradict each other.
    pub fn open(path: &Path) -> Result<Self, PipelineError> {
        let document_file = path.join(DOCUMENT_FILE);
        if !document_file.is_file() {
            let reason = if path.exists() {
                format!("it has no {DOCUMENT_FILE}")
            } else {
                "there is nothing of that name".to_owned()
            };
            return Err(PipelineError::NotABundle {
                path: path.to_path_buf(),
                reason,
            });
        }
        Self::verified(path, |name| read(&path.join(name)))
    }
}

fn read(path: &Path) -> Result<Vec<u8>, PipelineError> {
    let size_bytes = fs::metadata(path).map_err(PipelineError::read(path))?.len();
    if size_bytes > MAX_FILE_BYTES {
        return Err(PipelineError::TooLarge {
            path: path.to_path_buf(),
            size_bytes,
            limit_bytes: MAX_FILE_BYTES,
        });
    }
    fs::read(path).map_err(PipelineError::read(path))
}

fn check_place(path: &Path, existing: Existing) -> Result<(), PipelineError> {
    let refuse = |what| {
        Err(PipelineError::BundleExists {
            path: path.to_path_buf(),
            what,
        })
    };
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(PipelineError::write(path)(error)),
        Ok(metadata) if !metadata.is_dir() => {
            refuse("is no folder; choose another place for the bundle")
        }
        Ok(_) if path.join(DOCUMENT_FILE).is_file() => match existing {
            Existing::Replace => Ok(()),
            Existing::Keep => refuse("is a bundle; choose another place or ask for replacement"),
        },
        Ok(_) => match fs::read_dir(path).map(|mut entries| entries.next().is_none()) {
            Ok(true) => Ok(()),
            _ => refuse("is a folder with other things in it; choose another place"),
        },
    }
}

/// Moves the finished folder to its place. An old bundle and the new one change places in one
/// step where the file system can do that, so that there is a whole bundle at every moment.
fn move_into_place(part: &Path, path: &Path, existing: Existing) -> Result<(), PipelineError> {
    let replaces = existing == Existing::Replace && path.join(DOCUMENT_FILE).is_file();
    if !replaces {
        return fs::rename(part, path).map_err(PipelineError::write(path));
    }
    if durable::exchange(part, path).is_ok() {
        return fs::remove_dir_all(part).map_err(PipelineError::write(part));
    }
    let old = durable::beside(path, "old");
    fs::rename(path, &old).map_err(PipelineError::write(path))?;
    if let Err(error) = fs::rename(part, path) {
        fs::rename(&old, path).map_err(PipelineError::write(path))?;
        return Err(PipelineError::write(path)(error));
    }
    fs::remove_dir_all(&old).map_err(PipelineError::write(&old))
}
