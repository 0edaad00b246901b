//! Peaks of a gamma-ray spectrum in its raw channels: search, fit with uncertainties, the
//! spectrum as it would be without a peak, and the lines of elements that a peak may be. Nothing
//! here reads files or knows a model.

mod calibrate;
mod candidates;
mod channels;
mod edges;
mod error;
mod find;
mod fit;
mod group;
mod least_squares;
mod peak;
mod profile;
mod refine;
mod region;
mod resolution;
mod robust;
mod search;
mod settings;
mod summation;
mod without;

pub use candidates::{Candidate, CandidateSettings, LineOrigin};
pub use error::PeakError;
pub use find::find_peaks;
pub use peak::{AreaMethod, Peak, PeakList};
pub use region::PeakForm;
pub use resolution::{Resolution, ResolutionSource};
pub use settings::PeakSettings;
