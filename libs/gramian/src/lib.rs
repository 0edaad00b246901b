//! Turns an input vector into a Gramian angular field: piecewise aggregate approximation,
//! min-max scaling, the image itself, and its rendering for people. Networks and spectra are
//! not known here.

mod error;
mod imaging;
mod polar;
mod render;
mod segments;

pub use error::GramianError;
pub use imaging::{Field, Imaging};
pub use polar::{CONSTANT_RANGE, Polar};
pub use render::{Colours, DIVERGING_STOPS, Rendering, render_png};
pub use segments::PaddedSegments;
