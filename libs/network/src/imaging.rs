//! The step from an input vector to its Gramian image, as a layer of a network.

use assay_gramian::Imaging;
use serde::{Deserialize, Serialize};

/// How an input vector of `bins` values becomes the image that a base sees.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageLayer {
    /// Aggregation, scaling and field.
    pub imaging: Imaging,
    /// Length of the input vector.
    pub bins: usize,
}
