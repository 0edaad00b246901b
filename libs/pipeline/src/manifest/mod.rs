//! The manifest: which file shows which material, and whether a model may know it.

mod parse;
mod split;
mod write;

use crate::{PipelineError, fault::Fault, fault::Faults};
use assay_core::{ClassLabel, ErrorKind};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

const MAX_MANIFEST_BYTES: u64 = 64 << 20;

/// Whether a label belongs to the classes of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// A class that a model is trained on.
    Known,
    /// A material that a model must refuse.
    Unknown,
}

impl Role {
    /// The word in a manifest.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Known => "known",
            Self::Unknown => "unknown",
        }
    }
}

/// One spectrum of a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestRow {
    /// Line of the manifest, counted from 1.
    pub line: u64,
    /// The file as the manifest names it.
    pub file: String,
    /// The file relative to the working directory, or absolute.
    pub path: PathBuf,
    /// The material.
    pub label: ClassLabel,
    /// Whether a model may know it.
    pub role: Role,
    /// Spectra of one specimen or source; the parent folder where the manifest does not say.
    pub group: String,
}

/// A checked manifest: at least one known row, no file twice, every label with one role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The file it came from.
    pub source: PathBuf,
    /// Its rows, in its order.
    pub rows: Vec<ManifestRow>,
}

impl Manifest {
    /// Reads a manifest and checks that every file is there. Columns `file`, `label`, `role` and
    /// optionally `group` in any order; further columns are ignored.
    ///
    /// # Errors
    /// When the manifest cannot be read, or with every fault of it: a missing column or file, a
    /// file named twice, a reserved or empty label, a label both known and unknown, no row at all.
    pub fn read(path: &Path) -> Result<Self, PipelineError> {
        let size_bytes = fs::metadata(path).map_err(PipelineError::read(path))?.len();
        if size_bytes > MAX_MANIFEST_BYTES {
            return Err(PipelineError::TooLarge {
                path: path.to_path_buf(),
                size_bytes,
                limit_bytes: MAX_MANIFEST_BYTES,
            });
        }
        let bytes = fs::read(path).map_err(PipelineError::read(path))?;
        let (rows, mut faults) = parse::parse(&bytes, path.parent().unwrap_or(Path::new("")));
        faults.extend(rows.iter().filter_map(missing_file));
        Self::checked(path, rows, faults)
    }

    /// Parses a manifest without looking at any file; `source` names it and is the base of
    /// relative paths.
    ///
    /// # Errors
    /// As [`Manifest::read`], except for missing files.
    pub fn parse(bytes: &[u8], source: &Path) -> Result<Self, PipelineError> {
        let (rows, faults) = parse::parse(bytes, source.parent().unwrap_or(Path::new("")));
        Self::checked(source, rows, faults)
    }

    fn checked(
        source: &Path,
        rows: Vec<ManifestRow>,
        faults: Vec<Fault>,
    ) -> Result<Self, PipelineError> {
        match Faults::of(faults) {
            None => Ok(Self {
                source: source.to_path_buf(),
                rows,
            }),
            Some(faults) => Err(PipelineError::Manifest {
                manifest: source.to_path_buf(),
                faults,
            }),
        }
    }

    /// Number of spectra of every known class, sorted by the label's bytes.
    #[must_use]
    pub fn known_counts(&self) -> BTreeMap<&ClassLabel, usize> {
        let mut counts = BTreeMap::new();
        for row in self.rows.iter().filter(|row| row.role == Role::Known) {
            *counts.entry(&row.label).or_default() += 1;
        }
        counts
    }

    /// Checks that every known class has `needed` spectra or more.
    ///
    /// # Errors
    /// The first class that has fewer; `purpose` says what they are needed for.
    pub fn require_members(
        &self,
        needed: usize,
        purpose: &'static str,
    ) -> Result<(), PipelineError> {
        match self
            .known_counts()
            .into_iter()
            .find(|(_, members)| *members < needed)
        {
            None => Ok(()),
            Some((label, members)) => Err(PipelineError::ClassTooSmall {
                label: label.to_string(),
                members,
                needed,
                purpose,
            }),
        }
    }
}

fn missing_file(row: &ManifestRow) -> Option<Fault> {
    let (what, kind) = match fs::metadata(&row.path) {
        Ok(metadata) if metadata.is_file() => return None,
        Ok(_) => ("is no file".to_owned(), ErrorKind::InvalidArgument),
        Err(error) => (
            format!("cannot be read: {error}"),
            crate::error::io_kind(&error),
        ),
    };
    Some(Fault {
        line: row.line,
        message: format!(
            "file {:?} {what} (looked for {}); paths are relative to the manifest",
            row.file,
            row.path.display()
        ),
        kind,
    })
}
