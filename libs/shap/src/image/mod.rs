//! Images: their pixels as players, and what stands where a pixel is hidden.

mod blur;
mod masker;
mod partition;

pub use blur::{BlurKernel, MAX_BLUR_SIDE, box_blur};
pub use masker::ImageMasker;
pub use partition::{ImageBlock, ImagePartition};
