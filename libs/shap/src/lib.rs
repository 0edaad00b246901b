//! Which parts of an image or a spectrum a model's answer rests on: Owen values over a binary
//! partition, and what stands in the place of a hidden part. Running a model is the caller's.

mod error;
mod game;
mod image;
mod owen;
mod partition;
mod segments;

pub use error::ShapError;
pub use game::{Game, Query};
pub use image::{BlurKernel, ImageBlock, ImageMasker, ImagePartition, MAX_BLUR_SIDE, box_blur};
pub use owen::{Attribution, BlockAttribution, Outputs, Owen, OwenSettings, Progress};
pub use partition::{Partition, Span};
pub use segments::{SegmentMasker, SegmentPartition, local_background};

/// Pixels and vectors are stored in 32 bits.
#[expect(clippy::cast_possible_truncation, reason = "that is what it is for")]
fn single(value: f64) -> f32 {
    value as f32
}
