//! Physics-based simulator of prompt gamma-ray activation spectra with known true peaks: the
//! embedded data set of the demonstration. Nothing here reads or writes files.

mod continuum;
mod detector;
mod elements;
mod emission;
mod error;
mod expected;
mod instruments;
mod materials;
mod peaks;
mod plan;
mod sample;
mod simulator;
mod truth;

pub use detector::{Detector, Suppression};
pub use elements::molar_mass_g_per_mol;
pub use emission::{Emission, Origin, Shape};
pub use error::SimulateError;
pub use instruments::{Instrument, instruments};
pub use materials::{Material, Variety, materials};
pub use peaks::TruePeak;
pub use plan::{CHANNELS, SimulationItem, SimulationSpec};
pub use simulator::{SimulatedSpectrum, Simulator};
pub use truth::{TRUTH_VERSION, Truth, TruthSpectrum};
