//! Which energies decided: class activation maps from the forward pass that answers. Figures and
//! pages are drawn elsewhere.

mod cam;
mod error;
mod explained;
mod importances;
mod reduce;
mod regions;

pub use cam::{ClassMap, Method};
pub use error::ExplainError;
pub use explained::{Explained, explain, explain_features};
pub use importances::{CamSettings, Importances, class_importances};
pub use reduce::{Reduction, condense, interpolate, relative, upsample};
pub use regions::Region;
