//! What can go wrong before a spectrum is simulated.

use assay_core::{Classified, ErrorKind};

/// Why a simulation was refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SimulateError {
    /// A field of the specification is out of its range.
    #[error("simulation: {field} is {value}; give {allowed}")]
    Spec {
        /// Name of the field.
        field: &'static str,
        /// What was given.
        value: String,
        /// What would be allowed.
        allowed: String,
    },
    /// An item that the plan of this simulation does not hold.
    #[error("no class {class:?} in the simulation; take the items from its plan")]
    UnknownClass {
        /// The class asked for.
        class: String,
    },
    /// An element without atomic weight.
    #[error("element {element:?} has no entry in {table}; add it there")]
    UnknownElement {
        /// The symbol.
        element: String,
        /// The table that lacks it.
        table: &'static str,
    },
    /// The line tables do not answer.
    #[error(transparent)]
    Lines(#[from] assay_lines::LinesError),
    /// A spectrum could not be put together.
    #[error("simulated spectrum: {0}")]
    Spectrum(#[from] assay_spectrum::SpectrumError),
    /// A class name that is no label.
    #[error("simulated material: {0}")]
    Label(#[from] assay_core::LabelError),
    /// A date outside the calendar.
    #[error("simulated date: {0}")]
    StartTime(#[from] assay_spectrum::StartTimeError),
}

impl Classified for SimulateError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Spec { .. } => ErrorKind::InvalidArgument,
            Self::UnknownClass { .. } => ErrorKind::NotFound,
            _ => ErrorKind::Internal,
        }
    }
}
