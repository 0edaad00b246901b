//! `bundle.json`: the description, the digests of the other files, and the bundle's identity.

use super::{BundleContents, CARD_FILE, GATE_FILE, MODEL_FILE};
use crate::PipelineError;
use assay_core::{Digest, DigestBuilder};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The format version that is written. Versions of the past stay readable: each gets a type of
/// its own here that is turned into the newest one.
pub const FORMAT_VERSION: u32 = 1;

const UNSET: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Digests of the files beside the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Files {
    #[serde(rename = "model.onnx")]
    pub(super) model: Digest,
    #[serde(rename = "gate.safetensors")]
    pub(super) gate: Digest,
    #[serde(rename = "README.md")]
    pub(super) card: Digest,
}

/// The whole of `bundle.json`, format version 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    format_version: u32,
    pub(super) id: Digest,
    pub(super) files: Files,
    pub(super) contents: BundleContents,
}

/// What every version of the document has.
#[derive(Deserialize)]
struct AnyVersion {
    format_version: serde_json::Value,
}

impl Document {
    /// Writes a document and computes its identity.
    pub(super) fn seal(
        contents: BundleContents,
        files: Files,
    ) -> Result<(Self, Vec<u8>), PipelineError> {
        let unset = UNSET.parse().unwrap_or_else(|_| Digest::of(b""));
        let mut document = Self {
            format_version: FORMAT_VERSION,
            id: unset,
            files,
            contents,
        };
        let draft = document.to_bytes()?;
        document.id = identity(&draft, &[&files.card.to_string()]);
        let bytes = document.to_bytes()?;
        Ok((document, bytes))
    }

    fn to_bytes(&self) -> Result<Vec<u8>, PipelineError> {
        let mut bytes =
            serde_json::to_vec_pretty(self).map_err(|e| PipelineError::BundleInvalid {
                file: super::DOCUMENT_FILE.into(),
                reason: e.to_string(),
            })?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Reads a document of any known version and checks that no byte of it was changed.
    pub(super) fn open(bytes: &[u8], file: &Path) -> Result<Self, PipelineError> {
        let invalid = |error: serde_json::Error| PipelineError::BundleInvalid {
            file: file.to_path_buf(),
            reason: error.to_string(),
        };
        let version: AnyVersion = serde_json::from_slice(bytes).map_err(invalid)?;
        let document: Self = match version.format_version.as_u64() {
            Some(1) => serde_json::from_slice(bytes).map_err(invalid)?,
            _ => {
                return Err(PipelineError::BundleVersion {
                    file: file.to_path_buf(),
                    found: version.format_version.to_string(),
                    supported: FORMAT_VERSION,
                });
            }
        };
        let own = [document.id.to_string(), document.files.card.to_string()];
        let found = identity(bytes, &[&own[0], &own[1]]);
        if found == document.id {
            return Ok(document);
        }
        Err(PipelineError::BundleDamaged {
            file: file.to_path_buf(),
            expected: document.id,
            found,
        })
    }

    /// The digest that a file must have.
    pub(super) fn expected(&self, file: &str) -> Option<Digest> {
        match file {
            MODEL_FILE => Some(self.files.model),
            GATE_FILE => Some(self.files.gate),
            CARD_FILE => Some(self.files.card),
            _ => None,
        }
    }
}

/// Digest of the document's bytes, with the given texts (its own identity, which cannot contain
/// itself, and the card's digest) replaced by zeros.
fn identity(bytes: &[u8], left_out: &[&str]) -> Digest {
    let mut blank = bytes.to_vec();
    for text in left_out {
        let mut at = 0;
        while let Some(found) = find(&blank[at..], text.as_bytes()) {
            let place = at + found..at + found + text.len();
            blank[place.clone()].copy_from_slice(UNSET.as_bytes());
            at = place.end;
        }
    }
    DigestBuilder::new("openassay bundle")
        .bytes(&blank)
        .finish()
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|part| part == wanted)
}
