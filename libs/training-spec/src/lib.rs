//! Every choice of a training run as one value, checked all at once before anything is read. It
//! needs no torch, so that a training can be refused where it is asked for.

mod augmentation;
mod device;
mod execution;
mod fault;
mod finder;
mod gate;
mod rates;
mod request;
mod spec;
mod validation;

pub use augmentation::{Augmentation, GainShifts};
pub use device::DeviceChoice;
pub use execution::{CheckpointSettings, Execution, processor_threads};
pub use fault::{Fault, SpecificationError};
pub use finder::FinderSettings;
pub use gate::{DetectorKind, GateSearch, GateSettings, ThresholdKind};
pub use rates::{ClrMode, RateBounds, Schedule};
pub use spec::{PUBLISHED_IMAGE_SIZE, Reproduction, TrainingSpec};
pub use validation::Validation;
