//! Gamma-ray spectra and what is done to them before a model sees them: energy calibration,
//! alignment to a common grid, thinning, and the versioned preprocessing recipe.
//! Nothing here reads files.

mod calibration;
mod error;
mod grid;
mod perturb;
mod recipe;
mod spectrum;
mod start_time;

pub use calibration::{CalibrationTerms, EnergyCalibration};
pub use error::SpectrumError;
pub use grid::EnergyGrid;
pub use perturb::{shift_calibration, thin, thin_to};
pub use recipe::{RECIPE_VERSION, Recipe, Transform};
pub use spectrum::{MAX_CHANNELS, MAX_COUNTS_PER_CHANNEL, Spectrum};
pub use start_time::{StartTime, StartTimeError};
