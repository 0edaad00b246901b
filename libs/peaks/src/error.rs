//! Why peaks cannot be looked for, or not be taken out.

use assay_core::{Classified, ErrorKind};
use assay_spectrum::SpectrumError;

/// A refusal, with the value that caused it and what is allowed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PeakError {
    /// A setting outside its range.
    #[error("peak search: {field} is {value}; allowed: {allowed}")]
    Setting {
        /// Name of the setting.
        field: &'static str,
        /// What was given.
        value: String,
        /// What is allowed.
        allowed: &'static str,
    },
    /// A spectrum that no peak can be measured in.
    #[error("peak search: {0}")]
    Spectrum(#[from] SpectrumError),
    /// Too few channels for a peak with continuum on both sides.
    #[error("peak search: the spectrum has {found} channels; at least {least} are needed")]
    TooFewChannels {
        /// Channels in the spectrum.
        found: usize,
        /// Channels needed.
        least: usize,
    },
    /// A peak that the list does not hold.
    #[error("peak {index} was asked for; the list holds {count}, counted from 0")]
    UnknownPeak {
        /// The index asked for.
        index: usize,
        /// Peaks in the list.
        count: usize,
    },
    /// A spectrum that is not the one in which the peaks were found.
    #[error(
        "the peaks were found in channels {expected_first} to {expected_end} (end excluded), the \
         spectrum has {first} to {end}; give the spectrum that was searched"
    )]
    OtherSpectrum {
        /// First channel of the searched spectrum.
        expected_first: u32,
        /// Channel after the last one of the searched spectrum.
        expected_end: usize,
        /// First channel of the given spectrum.
        first: u32,
        /// Channel after the last one of the given spectrum.
        end: usize,
    },
    /// The line tables do not answer.
    #[error(transparent)]
    Lines(#[from] assay_lines::LinesError),
}

/// A refused setting.
pub(crate) fn refuse(
    field: &'static str,
    value: impl ToString,
    allowed: &'static str,
) -> PeakError {
    PeakError::Setting {
        field,
        value: value.to_string(),
        allowed,
    }
}

impl Classified for PeakError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Spectrum(error) => error.kind(),
            Self::UnknownPeak { .. } => ErrorKind::NotFound,
            Self::Lines(error) => error.kind(),
            _ => ErrorKind::InvalidArgument,
        }
    }
}
