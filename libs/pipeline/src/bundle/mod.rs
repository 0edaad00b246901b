//! The model bundle: an immutable folder with everything that identifying a spectrum needs,
//! named by the digest of its content.

mod card;
mod contents;
mod document;
mod extractor;
mod files;
mod folder;
mod gate_file;
mod references;

pub use contents::{
    BaseRecord, BundleContents, HeadRecord, Metrics, TrainingRange, TrainingRecord, Versions,
};
pub use document::FORMAT_VERSION;
pub use folder::Existing;
pub use references::References;

use crate::PipelineError;
use assay_core::Digest;
use assay_network::Head;
use assay_openset::{Detector, Gate};
use document::{Document, Files};
use ndarray::Array1;
use std::{
    path::{Path, PathBuf},
    sync::OnceLock,
};

/// The network, from spectrum to probabilities.
pub const MODEL_FILE: &str = "model.onnx";
/// The arrays of the gate.
pub const GATE_FILE: &str = "gate.safetensors";
/// Everything else that a program reads.
pub const DOCUMENT_FILE: &str = "bundle.json";
/// The model card, for people.
pub const CARD_FILE: &str = "README.md";

/// A checked model bundle in memory.
#[derive(Debug, Clone)]
pub struct Bundle {
    id: Digest,
    contents: BundleContents,
    gate: Gate,
    head: Head,
    /// Of the bytes of the model; checked against them when the bundle was put together.
    model_digest: Digest,
    /// Of the model without its head, once somebody asked for it.
    pub(crate) trunk_digest: OnceLock<Option<Digest>>,
    references: Option<References>,
    files: FileBytes,
    /// Where it was read from, for messages.
    origin: PathBuf,
}

/// The bytes of the four files.
#[derive(Debug, Clone)]
struct FileBytes {
    model: Vec<u8>,
    gate: Vec<u8>,
    document: Vec<u8>,
    card: Vec<u8>,
}

impl Bundle {
    /// Puts a bundle together from a description, a model in ONNX format and a fitted gate. The
    /// gate and the head are recorded from what is given, whatever the description says.
    ///
    /// # Errors
    /// When the parts do not fit each other; the message names the field.
    pub fn new(
        contents: BundleContents,
        model: Vec<u8>,
        gate: &Gate,
    ) -> Result<Self, PipelineError> {
        Self::sealed(contents, model, gate, None)
    }

    /// The same bundle with other reference spectra, and so with another identity.
    ///
    /// # Errors
    /// When their shapes do not fit, or a value is not finite.
    pub fn with_references(self, references: &References) -> Result<Self, PipelineError> {
        let checked = references.check(&self.contents);
        checked.map_err(|reason| PipelineError::BundleInvalid {
            file: self.origin.join(GATE_FILE),
            reason,
        })?;
        let references = Some(references);
        Self::sealed(self.contents, self.files.model, &self.gate, references)
    }

    fn sealed(
        mut contents: BundleContents,
        model: Vec<u8>,
        gate: &Gate,
        references: Option<&References>,
    ) -> Result<Self, PipelineError> {
        let (record, mut arrays) = gate.to_parts();
        contents.gate = record;
        if let Some(references) = references {
            references.add_to(&mut arrays);
        }
        let gate_bytes = gate_file::to_bytes(&arrays, Path::new(GATE_FILE))?;
        let card = card::write(&contents);
        let digests = Files {
            model: Digest::of(&model),
            gate: Digest::of(&gate_bytes),
            card: Digest::of(card.as_bytes()),
        };
        let (document, bytes) = Document::seal(contents, digests)?;
        let files = FileBytes {
            model,
            gate: gate_bytes,
            document: bytes,
            card: card.into_bytes(),
        };
        Self::assemble(document, files, PathBuf::new())
    }

    /// Checks everything that does not need the runtime.
    fn assemble(
        document: Document,
        files: FileBytes,
        origin: PathBuf,
    ) -> Result<Self, PipelineError> {
        let invalid = |file: &str, reason: String| PipelineError::BundleInvalid {
            file: origin.join(file),
            reason,
        };
        let contents = document.contents;
        if let Some(reason) = contents.fault() {
            return Err(invalid(DOCUMENT_FILE, reason));
        }
        let head = assay_network::head_of_onnx(&files.model)
            .map_err(|e| invalid(MODEL_FILE, e.to_string()))?;
        let recorded = (contents.head.features, contents.head.classes);
        if (head.features(), head.classes()) != recorded {
            let reason = format!(
                "head.weight has shape [{}, {}], but {DOCUMENT_FILE} says {recorded:?}",
                head.features(),
                head.classes()
            );
            return Err(invalid(MODEL_FILE, reason));
        }
        let mut arrays = gate_file::from_bytes(&files.gate, &origin.join(GATE_FILE))?;
        let references = References::take_from(&mut arrays, &contents)
            .map_err(|reason| invalid(GATE_FILE, reason))?;
        let gate = Gate::from_parts(&contents.gate, &arrays)
            .and_then(|gate| fits(gate.detector(), &head).map(|()| gate))
            .map_err(|e| invalid(GATE_FILE, e.to_string()))?;
        Ok(Self {
            id: document.id,
            contents,
            gate,
            head,
            model_digest: document.files.model,
            trunk_digest: OnceLock::new(),
            references,
            files,
            origin,
        })
    }

    /// Identity: the digest of the contents, the model and the gate. The model card is protected
    /// by a digest of its own and does not count, since it only repeats the contents in words.
    #[must_use]
    pub const fn id(&self) -> Digest {
        self.id
    }

    /// The description.
    #[must_use]
    pub const fn contents(&self) -> &BundleContents {
        &self.contents
    }

    /// The gate.
    #[must_use]
    pub const fn gate(&self) -> &Gate {
        &self.gate
    }

    /// The last dense layer.
    #[must_use]
    pub const fn head(&self) -> &Head {
        &self.head
    }

    /// The model in ONNX format.
    #[must_use]
    pub fn model(&self) -> &[u8] {
        &self.files.model
    }

    /// Digest of [`Bundle::model`]. It costs nothing: the bytes were hashed when the bundle was
    /// opened.
    #[must_use]
    pub const fn model_digest(&self) -> Digest {
        self.model_digest
    }

    /// Spectra with the features that the training had of them, where it left some.
    #[must_use]
    pub const fn references(&self) -> Option<&References> {
        self.references.as_ref()
    }

    /// The mean of the input vectors of all training spectra, where the training left it.
    ///
    /// # Shapes
    /// `[bins]`.
    #[must_use]
    pub fn training_mean(&self) -> Option<&Array1<f32>> {
        self.references.as_ref()?.mean.as_ref()
    }

    /// The model card.
    #[must_use]
    pub fn card(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.files.card)
    }

    /// The folder or other place it was read from; empty for a bundle made in memory.
    #[must_use]
    pub fn origin(&self) -> &Path {
        &self.origin
    }
}

/// Scores one made-up sample: a detector of another width refuses it.
fn fits(detector: &dyn Detector, head: &Head) -> Result<(), assay_openset::OpenSetError> {
    let (features, logits) = (vec![0.0; head.features()], vec![0.0; head.classes()]);
    detector
        .score(assay_openset::Sample::new(&features, &logits))
        .map(|_| ())
}

#[cfg(test)]
mod tests;
