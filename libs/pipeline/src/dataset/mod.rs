//! The spectra of a manifest, read and checked together.

mod canonical;
mod load;
mod vectors;

pub use canonical::{ListedSpectrum, SpectrumList};
pub(crate) use vectors::input_vector;

use crate::Role;
use assay_core::{ClassLabel, Digest};
use assay_formats::Warning;
use assay_spectrum::Spectrum;
use serde::Serialize;
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

/// One spectrum of a data set.
#[derive(Debug, Clone)]
pub struct DatasetRow {
    /// Line of the manifest.
    pub line: u64,
    /// The file as the manifest names it.
    pub file: String,
    /// The material.
    pub label: ClassLabel,
    /// Whether a model may know it.
    pub role: Role,
    /// Spectra of one specimen or source.
    pub group: String,
    /// Digest of the file's bytes: the identity of the spectrum.
    pub digest: Digest,
    /// What was measured.
    pub spectrum: Spectrum,
    /// What the reader had to forgive.
    pub warnings: Vec<Warning>,
    /// Further spectra in the file, which are not part of the data set.
    pub further_records: usize,
}

/// Something odd about a data set as a whole, or about one of its files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DatasetWarning {
    /// The file as the manifest names it.
    pub file: String,
    /// Line of the manifest.
    pub line: u64,
    /// What is odd.
    pub message: String,
}

/// Spectra with labels, in canonical order: by spectrum digest, label, role and group. So a data
/// set, and whatever is computed from it, does not depend on the order of its manifest.
#[derive(Debug, Clone)]
pub struct Dataset {
    source: PathBuf,
    rows: Vec<DatasetRow>,
    classes: Vec<ClassLabel>,
}

impl Dataset {
    /// A data set of rows that are in memory already, for example simulated ones.
    #[must_use]
    pub fn from_rows(source: &Path, mut rows: Vec<DatasetRow>) -> Self {
        rows.sort_by(|a, b| canonical_key(a).cmp(&canonical_key(b)));
        let classes: BTreeSet<_> = rows
            .iter()
            .filter(|row| row.role == Role::Known)
            .map(|row| row.label.clone())
            .collect();
        Self {
            source: source.to_path_buf(),
            rows,
            classes: classes.into_iter().collect(),
        }
    }

    /// The manifest it came from.
    #[must_use]
    pub fn source(&self) -> &Path {
        &self.source
    }

    /// The spectra in canonical order.
    #[must_use]
    pub fn rows(&self) -> &[DatasetRow] {
        &self.rows
    }

    /// Labels of the known rows, sorted by their UTF-8 bytes: the position is the class index.
    #[must_use]
    pub fn classes(&self) -> &[ClassLabel] {
        &self.classes
    }

    /// Positions of the rows with a role.
    #[must_use]
    pub fn positions(&self, role: Role) -> Vec<usize> {
        (0..self.rows.len())
            .filter(|&i| self.rows[i].role == role)
            .collect()
    }

    /// Class index of every row; `None` for rows with role `unknown`.
    #[must_use]
    pub fn class_indices(&self) -> Vec<Option<usize>> {
        self.rows
            .iter()
            .map(|row| match row.role {
                Role::Known => self.classes.binary_search(&row.label).ok(),
                Role::Unknown => None,
            })
            .collect()
    }

    /// The text that the data set's digest is taken of: one line per spectrum with its digest,
    /// label, role and group, in canonical order.
    #[must_use]
    pub fn canonical_csv(&self) -> String {
        SpectrumList::of(self).to_csv()
    }

    /// Identity of the data set: the digest of [`Dataset::canonical_csv`].
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(self.canonical_csv().as_bytes())
    }

    /// What was odd: the readers' warnings, files with further spectra, and files of the same
    /// content, in the order of the manifest.
    #[must_use]
    pub fn warnings(&self) -> Vec<DatasetWarning> {
        let mut warnings = Vec::new();
        for row in &self.rows {
            let mut warn = |message: String| {
                warnings.push(DatasetWarning {
                    line: row.line,
                    file: row.file.clone(),
                    message,
                });
            };
            row.warnings.iter().for_each(|w| warn(w.to_string()));
        }
        warnings.extend(self.rows.windows(2).filter_map(same_content));
        warnings.sort_by_key(|warning| warning.line);
        warnings
    }
}

/// Rows of the same content stand side by side in canonical order.
fn same_content(pair: &[DatasetRow]) -> Option<DatasetWarning> {
    let [first, second] = pair else { return None };
    if first.digest != second.digest {
        return None;
    }
    let (first, second) = if first.line <= second.line {
        (first, second)
    } else {
        (second, first)
    };
    let labels = if first.label == second.label {
        String::new()
    } else {
        format!(
            ", but is labelled {:?} there and {:?} here",
            first.label.as_str(),
            second.label.as_str()
        )
    };
    Some(DatasetWarning {
        line: second.line,
        file: second.file.clone(),
        message: format!(
            "has the same content as {:?} in line {}{labels}",
            first.file, first.line
        ),
    })
}

fn canonical_key(row: &DatasetRow) -> (&[u8; 32], &ClassLabel, &str, &str, u64) {
    (
        row.digest.as_bytes(),
        &row.label,
        row.role.as_str(),
        &row.group,
        row.line,
    )
}

#[cfg(test)]
mod tests;
