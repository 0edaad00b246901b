//! Everything that can be wrong with an imaging rule, a vector or a picture.

use assay_core::{Classified, ErrorKind};

/// Why no image could be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GramianError {
    /// The image cannot have more pixels per side than the vector has bins.
    #[error(
        "image size {size} does not fit {bins} bins: choose 2 to {bins} (piecewise aggregation only shortens a vector)"
    )]
    Size {
        /// The size asked for, in pixels per side.
        size: usize,
        /// Length of the input vector.
        bins: usize,
    },
    /// A share of the vector's length must lie in (0, 1].
    #[error(
        "image size given as the fraction {fraction} of the vector: allowed is 0 < fraction <= 1"
    )]
    Fraction {
        /// The fraction asked for.
        fraction: f64,
    },
    /// Cosines live in [-1, 1].
    #[error("sample_range ({low}, {high}) is not allowed: -1 <= low < high <= 1 is needed")]
    SampleRange {
        /// Lower end.
        low: f64,
        /// Upper end.
        high: f64,
    },
    /// NaN or infinity in the vector.
    #[error("value {value} at index {index} of the input vector: only finite numbers are allowed")]
    NotFinite {
        /// Position in the input vector.
        index: usize,
        /// The value found there.
        value: f64,
    },
    /// Without a sample range nothing is scaled, so the vector must be made of cosines already.
    #[error(
        "value {value} in segment {segment} is outside [-1, 1]: without sample_range the vector must already lie there; give a sample_range to have it scaled"
    )]
    NotACosine {
        /// Position after aggregation.
        segment: usize,
        /// The value found there.
        value: f64,
    },
    /// A caller's buffer has the wrong length.
    #[error("the image buffer has {actual} values, {expected} are needed (size {size} squared)")]
    Buffer {
        /// Length of the buffer.
        actual: usize,
        /// `size * size`.
        expected: usize,
        /// Pixels per side.
        size: usize,
    },
    /// A picture without pixels, or with a pixel that is no number.
    #[error("the picture cannot be drawn: {reason}")]
    Picture {
        /// What is wrong and what to do.
        reason: String,
    },
    /// The PNG encoder refused.
    #[error("the PNG encoder failed")]
    Png(#[from] png::EncodingError),
}

impl Classified for GramianError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Png(_) => ErrorKind::Internal,
            _ => ErrorKind::InvalidArgument,
        }
    }
}
