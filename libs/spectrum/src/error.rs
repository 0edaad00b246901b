//! Why a spectrum, a calibration, a grid or a recipe is refused.

use assay_core::{Classified, ErrorKind};

/// A refusal, with the value that caused it, what is allowed and what to do.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SpectrumError {
    /// Nothing to interpolate between.
    #[error("the spectrum has {found} channels; at least 2 are needed")]
    TooFewChannels {
        /// Channels in the spectrum.
        found: usize,
    },
    /// More channels than any instrument has.
    #[error(
        "the spectrum has {found} channels from channel {first_channel}; the last channel may be {limit} at most"
    )]
    TooManyChannels {
        /// Channels in the spectrum.
        found: usize,
        /// Its first channel.
        first_channel: u32,
        /// Largest allowed channel number.
        limit: u32,
    },
    /// A count that a 64-bit float cannot hold exactly.
    #[error("channel {channel} holds {counts} counts; at most {limit} are allowed")]
    CountTooLarge {
        /// Absolute channel number.
        channel: usize,
        /// The count found.
        counts: u64,
        /// Largest allowed count.
        limit: u64,
    },
    /// Channels cannot be put on an energy axis.
    #[error(
        "the spectrum has no energy calibration; calibrate it, or give intercept and slope in the file"
    )]
    MissingCalibration,
    /// NaN or infinity among the calibration's terms.
    #[error("energy calibration: {term} is {value}; a finite number is needed")]
    CalibrationNotFinite {
        /// Which term.
        term: &'static str,
        /// The value found.
        value: f64,
    },
    /// Energies do not rise with the channel.
    #[error(
        "energy calibration ({intercept_kev} keV + {slope_kev_per_channel} keV·i + \
         {quadratic_kev_per_channel2} keV·i²) does not rise at channel {channel}; energies must \
         rise strictly over all channels, so correct the calibration"
    )]
    CalibrationNotIncreasing {
        /// Energy of channel 0 in keV.
        intercept_kev: f64,
        /// Linear term.
        slope_kev_per_channel: f64,
        /// Quadratic term.
        quadratic_kev_per_channel2: f64,
        /// First channel found where the energy does not rise.
        channel: usize,
    },
    /// The spectrum ends inside the range that the model looks at.
    #[error(
        "the spectrum covers {covered_lo_kev:.1} to {covered_hi_kev:.1} keV, {:.1} % of the range \
         {needed_lo_kev:.1} to {needed_hi_kev:.1} keV; at least {:.1} % are needed: measure over \
         the whole range, check the calibration, or train with a grid that fits the detector",
        100.0 * .coverage, 100.0 * .min_coverage
    )]
    TooLittleCoverage {
        /// Energy of the spectrum's first channel.
        covered_lo_kev: f64,
        /// Energy of the spectrum's last channel.
        covered_hi_kev: f64,
        /// Lower edge of the valid range.
        needed_lo_kev: f64,
        /// Upper edge of the valid range.
        needed_hi_kev: f64,
        /// Covered part of the valid range, 0 to 1.
        coverage: f64,
        /// Least allowed coverage.
        min_coverage: f64,
    },
    /// Nothing was counted where the model looks.
    #[error(
        "the spectrum has no counts between {lo_kev:.1} and {hi_kev:.1} keV; at least one is needed"
    )]
    NoCounts {
        /// Lower edge of the valid range.
        lo_kev: f64,
        /// Upper edge of the valid range.
        hi_kev: f64,
    },
    /// Every bin has the same value, so there is nothing to recognise.
    #[error(
        "the spectrum is constant: each of its {bins} bins is {value} after preprocessing; check the acquisition"
    )]
    Constant {
        /// Bins of the input vector.
        bins: usize,
        /// Their common value.
        value: f64,
    },
    /// A parameter outside its allowed range.
    #[error("{field} is {value}; allowed: {allowed}")]
    Parameter {
        /// Name of the parameter.
        field: &'static str,
        /// The value given.
        value: String,
        /// What is allowed.
        allowed: &'static str,
    },
}

/// A refused parameter: `refuse("gain", -1.0, "above 0")`.
pub(crate) fn refuse(
    field: &'static str,
    value: impl ToString,
    allowed: &'static str,
) -> SpectrumError {
    SpectrumError::Parameter {
        field,
        value: value.to_string(),
        allowed,
    }
}

impl Classified for SpectrumError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::MissingCalibration => ErrorKind::FailedPrecondition,
            _ => ErrorKind::InvalidArgument,
        }
    }
}
