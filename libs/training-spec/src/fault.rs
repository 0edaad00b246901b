//! What is wrong with a specification, in words for both who writes JSON and who writes options.

use assay_core::{Classified, ErrorKind};
use std::fmt;

/// One fault of a specification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Path of the field in the JSON, such as `gate.alpha`; empty for the whole.
    pub field: String,
    /// The option of the command line that sets it, such as `--alpha`; empty where there is none.
    pub option: &'static str,
    /// What it is and what is allowed.
    pub reason: String,
}

impl Fault {
    pub(crate) fn new(
        field: impl Into<String>,
        option: &'static str,
        reason: impl Into<String>,
    ) -> Self {
        Self {
            field: field.into(),
            option,
            reason: reason.into(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.option, &*self.field) {
            ("", "") => f.write_str(&self.reason),
            ("", field) => write!(f, "{field} {}", self.reason),
            (option, _) => write!(f, "{option} {}", self.reason),
        }
    }
}

/// A specification that cannot be used, with all faults that can be told at once.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the training specification has {} fault(s): {}", .0.len(), listed(.0))]
pub struct SpecificationError(pub Vec<Fault>);

impl SpecificationError {
    /// An error of one fault.
    #[must_use]
    pub fn one(field: &str, option: &'static str, reason: impl Into<String>) -> Self {
        Self(vec![Fault::new(field, option, reason)])
    }

    pub(crate) fn unless_empty(faults: Vec<Fault>) -> Result<(), Self> {
        if faults.is_empty() {
            return Ok(());
        }
        Err(Self(faults))
    }
}

impl Classified for SpecificationError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::InvalidArgument
    }
}

fn listed(faults: &[Fault]) -> String {
    let faults: Vec<_> = faults.iter().map(Fault::to_string).collect();
    faults.join("; ")
}

/// Longest list of a specification: far more than any training tries.
pub(crate) const MOST_ENTRIES: usize = 1000;

/// Collects faults.
#[derive(Default)]
pub(crate) struct Faults(pub(crate) Vec<Fault>);

impl Faults {
    /// Notes a fault unless the condition holds.
    pub(crate) fn require(
        &mut self,
        holds: bool,
        field: &str,
        option: &'static str,
        reason: impl FnOnce() -> String,
    ) {
        if !holds {
            self.0.push(Fault::new(field, option, reason()));
        }
    }
}
