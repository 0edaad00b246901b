//! Which gate, and how its parameters are found.

use clap::{Args, ValueEnum};
use std::num::NonZeroUsize;

/// Detector of the gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Detector {
    /// Distance of the features from a subspace of the training features
    Dime,
    /// Energy of the logits; for comparison
    Energy,
    /// Highest probability; for comparison
    Softmax,
}

/// Which training scores set the threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Threshold {
    /// Scores of training spectra by gates that were not fitted to them
    OutOfFold,
    /// Scores of the gate's own training spectra, as published; refuses too much
    InSample,
}

/// How parameters of the gate are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Search {
    /// k by leaving each class out once; alpha as given
    Auroc,
    /// The published grid over alpha and k (or temperature), by total efficiency
    Teff,
}

/// Options of the gate.
#[derive(Debug, Args)]
#[command(next_help_heading = "Gate")]
pub(crate) struct GateOptions {
    /// Detector [default: dime]
    #[arg(long, value_enum)]
    pub(crate) gate: Option<Detector>,

    /// Which training scores set the threshold [default: out-of-fold]
    #[arg(long, value_enum, value_name = "RULE")]
    pub(crate) gate_threshold: Option<Threshold>,

    /// How the parameters are chosen where they are not given [default: auroc]
    #[arg(long, value_enum, value_name = "HOW")]
    pub(crate) gate_search: Option<Search>,

    /// Share of known spectra that may be refused, above 0 and below 1 [default: 0.02]
    #[arg(long, value_name = "SHARE", value_parser = super::open_unit)]
    pub(crate) alpha: Option<f64>,

    /// dime: dimension of the subspace, below the rank of the training features
    #[arg(long, value_name = "N")]
    pub(crate) k: Option<NonZeroUsize>,

    /// energy: temperature [default: 1]
    #[arg(long, value_name = "T", value_parser = super::positive)]
    pub(crate) temperature: Option<f64>,
}
