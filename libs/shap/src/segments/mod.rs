//! Spectra: contiguous ranges of bins as players, and what stands where a range is hidden.

mod background;
mod masker;
mod partition;

pub use background::local_background;
pub use masker::SegmentMasker;
pub use partition::SegmentPartition;
