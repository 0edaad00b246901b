//! Bundles as named bytes: how they travel between programs and lie in stores, verified as
//! strictly as on disk.

use super::{
    Bundle, CARD_FILE, DOCUMENT_FILE, FileBytes, GATE_FILE, MODEL_FILE, document::Document,
};
use crate::PipelineError;
use assay_core::Digest;
use std::{collections::BTreeMap, path::Path};

const NAMES: [&str; 4] = [CARD_FILE, DOCUMENT_FILE, GATE_FILE, MODEL_FILE];

impl Bundle {
    /// Names and bytes of the four files, as [`Bundle::write`] writes them.
    #[must_use]
    pub fn files(&self) -> BTreeMap<&'static str, &[u8]> {
        BTreeMap::from([
            (CARD_FILE, self.files.card.as_slice()),
            (DOCUMENT_FILE, self.files.document.as_slice()),
            (GATE_FILE, self.files.gate.as_slice()),
            (MODEL_FILE, self.files.model.as_slice()),
        ])
    }

    /// A bundle from its files, verified byte by byte like one on disk; `origin` says in messages
    /// where they come from.
    ///
    /// # Errors
    /// As [`Bundle::open`]; also when there is a file that belongs to no bundle.
    pub fn from_files(
        mut files: BTreeMap<String, Vec<u8>>,
        origin: &Path,
    ) -> Result<Self, PipelineError> {
        if let Some(extra) = files.keys().find(|name| !NAMES.contains(&name.as_str())) {
            return Err(PipelineError::BundleInvalid {
                file: origin.join(extra),
                reason: format!(
                    "it is no file of a bundle; a bundle has exactly {}",
                    NAMES.join(", ")
                ),
            });
        }
        Self::verified(origin, |name| {
            files.remove(name).ok_or_else(|| PipelineError::NotABundle {
                path: origin.to_path_buf(),
                reason: format!("it has no {name}"),
            })
        })
    }

    /// Fetches the files of a bundle by name, the document first, and checks every byte of them.
    pub(super) fn verified(
        origin: &Path,
        mut fetch: impl FnMut(&str) -> Result<Vec<u8>, PipelineError>,
    ) -> Result<Self, PipelineError> {
        let bytes = fetch(DOCUMENT_FILE)?;
        let document = Document::open(&bytes, &origin.join(DOCUMENT_FILE))?;
        let mut checked = |name: &str| -> Result<Vec<u8>, PipelineError> {
            let bytes = fetch(name)?;
            let found = Digest::of(&bytes);
            match document.expected(name) {
                Some(expected) if expected != found => Err(PipelineError::BundleDamaged {
                    file: origin.join(name),
                    expected,
                    found,
                }),
                _ => Ok(bytes),
            }
        };
        let files = FileBytes {
            model: checked(MODEL_FILE)?,
            gate: checked(GATE_FILE)?,
            card: checked(CARD_FILE)?,
            document: bytes,
        };
        Self::assemble(document, files, origin.to_path_buf())
    }
}
