//! Why a spectrum is not taken, or an image not made.

use assay_api::{WireError, status};
use assay_core::{Classified, Digest, ErrorKind};
use assay_formats::FormatError;
use assay_gramian::GramianError;
use assay_pipeline::PipelineError;
use assay_spectrum::SpectrumError;
use assay_store::StoreError;
use std::time::Duration;
use tonic::Status;

/// A request that is not served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IngestError {
    /// A field of the request.
    #[error(transparent)]
    Field(#[from] WireError),
    /// Several fields of the request, each with its reason.
    #[error("{}", listed(.0))]
    Fields(Vec<(String, String)>),
    /// A file that is no spectrum.
    #[error("{file}{source}")]
    File {
        /// Its name and a colon, or nothing.
        file: String,
        /// Why.
        source: Box<FormatError>,
    },
    /// The bytes that were asked for are kept, but as something else.
    #[error(
        "{digest} is no spectrum: {source}; give a digest that PutFile or PutSpectrum returned"
    )]
    NoSpectrum {
        /// What was asked for.
        digest: Digest,
        /// Why.
        source: Box<FormatError>,
    },
    /// The spectrum does not suit the recipe.
    #[error("spectrum {digest} cannot be prepared: {source}")]
    Unsuitable {
        /// The spectrum.
        digest: Digest,
        /// Why.
        source: Box<SpectrumError>,
    },
    /// A store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A bundle that is kept, but cannot be used.
    #[error("bundle {bundle} cannot be used: {source}; put it into the registry again")]
    Bundle {
        /// The bundle.
        bundle: Digest,
        /// Why.
        source: Box<PipelineError>,
    },
    /// The registry keeps another bundle under this digest.
    #[error("bundle {expected} is bundle {found} in the registry; put it there again")]
    OtherBundle {
        /// The bundle that was asked for.
        expected: Digest,
        /// What is there.
        found: Digest,
    },
    /// No image could be made.
    #[error(transparent)]
    Image(#[from] GramianError),
    /// Too many images at once.
    #[error("{limit} images are being made and sent already")]
    Busy {
        /// Most at a time.
        limit: usize,
    },
    /// This program does not do what it should.
    #[error("{0}")]
    Defect(String),
}

impl IngestError {
    pub(crate) fn field(field: &str, reason: impl ToString) -> Self {
        Self::Field(WireError::field(field, reason))
    }

    pub(crate) fn defect(what: impl std::fmt::Display) -> Self {
        Self::Defect(what.to_string())
    }

    /// Whether the spectrum is to blame and not the service.
    pub(crate) fn blames_the_spectrum(&self) -> bool {
        matches!(self, Self::Field(_) | Self::Fields(_) | Self::File { .. })
    }
}

fn listed(faults: &[(String, String)]) -> String {
    let lines: Vec<_> = faults
        .iter()
        .map(|(field, reason)| format!("{field}: {reason}"))
        .collect();
    lines.join("; ")
}

impl Classified for IngestError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Field(error) => error.kind(),
            Self::Fields(_) | Self::NoSpectrum { .. } => ErrorKind::InvalidArgument,
            Self::File { source, .. } => source.kind(),
            Self::Unsuitable { source, .. } => source.kind(),
            Self::Store(error) => error.kind(),
            // Whoever asks for an image cannot help what is wrong with a stored bundle.
            Self::Bundle { source, .. } => match source.kind() {
                kind @ (ErrorKind::FailedPrecondition | ErrorKind::Unavailable) => kind,
                _ => ErrorKind::DataLoss,
            },
            Self::OtherBundle { .. } => ErrorKind::DataLoss,
            Self::Image(error) => error.kind(),
            Self::Busy { .. } => ErrorKind::ResourceExhausted,
            Self::Defect(_) => ErrorKind::Internal,
        }
    }
}

impl From<IngestError> for Status {
    fn from(error: IngestError) -> Self {
        match error {
            IngestError::Field(error) => status::of(&error),
            IngestError::Store(error) => status::of(&error),
            IngestError::Fields(faults) => status::invalid_fields(faults),
            IngestError::Busy { .. } => {
                status::overloaded(error.to_string(), Duration::from_secs(1))
            }
            IngestError::NoSpectrum { .. } => status::invalid_field("digest", error.to_string()),
            IngestError::File { ref source, .. } if source.kind() == ErrorKind::InvalidArgument => {
                status::invalid_field("content", error.to_string())
            }
            IngestError::Image(GramianError::Size { .. }) => {
                status::invalid_field("size", error.to_string())
            }
            other => status::of(&other),
        }
    }
}
