//! Evaluated gamma-ray lines: prompt lines of neutron capture, decay lines of the activation
//! products, and the few lines that are neither. The tables are part of the program; what a
//! spectrum makes of them is not known here.

mod error;
mod library;
mod saturation;
mod table;

pub use error::LinesError;
pub use library::{
    Capture, DecayLine, ElementLines, LineLibrary, OtherKind, OtherLine, PromptLine,
};
pub use saturation::mean_saturation;

/// Electron rest energy, CODATA 2018: what one annihilation photon carries.
pub const ELECTRON_KEV: f64 = 510.998_95;
