//! Configuration: one TOML file, over it the environment, over it flags, and every fault at once.

mod faults;
mod layer;
mod load;

pub use assay_core::Secret;
pub use faults::ConfigFaults;
pub use load::{Sources, load, print};

/// Checks what a type cannot say, such as ranges.
pub trait Check {
    /// Everything that is wrong, one sentence each, beginning with the name of the field:
    /// `max_in_flight: 0 is outside 1 to 65536`. Empty when all is well.
    fn faults(&self) -> Vec<String>;
}

/// Puts the name of a section in front of the faults in it.
#[must_use]
pub fn within(section: &str, faults: Vec<String>) -> Vec<String> {
    faults
        .into_iter()
        .map(|fault| format!("{section}.{fault}"))
        .collect()
}
