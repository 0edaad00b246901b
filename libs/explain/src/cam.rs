//! The class activation map itself: gradient times activation, summed over channels.

use crate::ExplainError;
use assay_network::Head;
use ndarray::{ArrayD, ArrayViewD, Axis, CowArray, IxDyn};
use serde::{Deserialize, Serialize};
use std::slice::ChunksExact;

/// How far features may lie from the map they are said to come from, as a part of the largest
/// feature; pooling sums in another order than here.
const POOLING_TOLERANCE: f64 = 1e-3;

/// How gradient and activation are put together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// `Σ_k gradient·A`, position by position.
    #[default]
    HiRes,
    /// `Σ_k mean(gradient)·A`. Equal to the other one on a head behind global average pooling,
    /// misleading on a head on all positions, and refused there.
    Grad,
}

/// What a class owes to each position of the last feature map, signed: positive speaks for the
/// class. On a HiRes map the sum over all positions is the logit without its bias.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassMap {
    /// `[length]` or `[height, width]`.
    pub values: ArrayD<f32>,
}

/// What stands between the map and the dense layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Link {
    Pooled,
    Flat,
}

impl ClassMap {
    /// The map of one class. The gradient of a logit with respect to the feature map is the dense
    /// layer's weight itself: over the number of positions behind global average pooling, the
    /// weight of channel and position on a flattened map.
    ///
    /// # Shapes
    /// `map [channels, length]` or `[channels, height, width]` → without the channels
    ///
    /// # Units
    /// Those of the logit.
    ///
    /// # Errors
    /// When the class does not exist, when the head's features are neither the channels nor all
    /// values of the map, when the method does not suit the head, or when a value is not finite.
    ///
    /// # Source
    /// HiResCAM: Draelos & Carin, arXiv:2011.08891. Grad-CAM: Selvaraju et al., ICCV 2017.
    pub fn new(
        map: ArrayViewD<'_, f32>,
        head: &Head,
        class: usize,
        method: Method,
    ) -> Result<Self, ExplainError> {
        let classes = head.classes();
        if class >= classes {
            return Err(ExplainError::Class { class, classes });
        }
        let link = link(&map, head.features())?;
        if (link, method) == (Link::Flat, Method::Grad) {
            return Err(ExplainError::NeedsHiRes);
        }
        let channels = map.len_of(Axis(0));
        let positions = map.len() / channels;
        let mut sums = vec![0.0f64; positions];
        let weights = head.weight();
        let values = map.as_standard_layout();
        for (channel, activations) in channels_of(&values, positions).enumerate() {
            match link {
                Link::Pooled => {
                    let weight = f64::from(weights[channel * classes + class]);
                    let gradient = weight / positions as f64;
                    for (sum, &activation) in sums.iter_mut().zip(activations) {
                        *sum += gradient * f64::from(activation);
                    }
                }
                Link::Flat => {
                    // Positions slowest, channels fastest, as the flattening does.
                    for (position, (sum, &activation)) in
                        sums.iter_mut().zip(activations).enumerate()
                    {
                        let feature = position * channels + channel;
                        let gradient = f64::from(weights[feature * classes + class]);
                        *sum += gradient * f64::from(activation);
                    }
                }
            }
        }
        #[expect(clippy::cast_possible_truncation, reason = "maps are stored as f32")]
        let values: Vec<f32> = sums.into_iter().map(|sum| sum as f32).collect();
        if let Some(position) = values.iter().position(|value| !value.is_finite()) {
            let value = values[position];
            return Err(ExplainError::NotFinite { position, value });
        }
        let shape = &map.shape()[1..];
        ArrayD::from_shape_vec(shape, values)
            .map(|values| Self { values })
            .map_err(|_| not_on_the_map(&map, head.features(), "which has no positions"))
    }

    /// The mean of the map and its transpose; a map of one axis stays as it is.
    ///
    /// # Shapes
    /// `[n, n]` → `[n, n]`
    ///
    /// # Errors
    /// When the map has two axes of different lengths.
    pub fn symmetric(&self) -> Result<Self, ExplainError> {
        let &[height, width] = self.values.shape() else {
            return Ok(self.clone());
        };
        if height != width {
            return Err(ExplainError::NotSquare { height, width });
        }
        let values = (&self.values + &self.values.t()) / 2.0;
        Ok(Self { values })
    }
}

/// The values of one channel after the other, as slices: walking along axes of any number takes
/// longer than the sums.
fn channels_of<'a>(map: &'a CowArray<'_, f32, IxDyn>, positions: usize) -> ChunksExact<'a, f32> {
    // In standard layout there always is a slice.
    map.as_slice().unwrap_or_default().chunks_exact(positions)
}

fn link(map: &ArrayViewD<'_, f32>, features: usize) -> Result<Link, ExplainError> {
    let refuse = |reason| Err(not_on_the_map(map, features, reason));
    if !matches!(map.ndim(), 2 | 3) || map.is_empty() {
        return refuse("which is no map of channels and positions");
    }
    if features == map.len_of(Axis(0)) {
        Ok(Link::Pooled)
    } else if features == map.len() {
        Ok(Link::Flat)
    } else {
        refuse("which is neither one per channel nor one per value")
    }
}

fn not_on_the_map(
    map: &ArrayViewD<'_, f32>,
    features: usize,
    reason: &'static str,
) -> ExplainError {
    ExplainError::NotOnTheMap {
        features,
        map: map.shape().to_vec(),
        reason,
    }
}

/// Checks that features are the pooled or flattened values of a map: only then are the weights of
/// the dense layer the gradients.
pub(crate) fn check_origin(
    features: &[f32],
    map: &ArrayViewD<'_, f32>,
) -> Result<(), ExplainError> {
    let link = link(map, features.len())?;
    let channels = map.len_of(Axis(0));
    let positions = map.len() / channels;
    let largest = features
        .iter()
        .fold(0.0f64, |m, &f| m.max(f64::from(f).abs()));
    let allowed = POOLING_TOLERANCE * largest + f64::from(f32::MIN_POSITIVE);
    let near = |feature: f32, value: f64| (f64::from(feature) - value).abs() <= allowed;
    let standard = map.as_standard_layout();
    let mut channel_maps = channels_of(&standard, positions).enumerate();
    let fits = channel_maps.all(|(channel, values)| match link {
        Link::Pooled => {
            let sum: f64 = values.iter().copied().map(f64::from).sum();
            near(features[channel], sum / positions as f64)
        }
        Link::Flat => {
            let mut values = values.iter().enumerate();
            values.all(|(at, &value)| near(features[at * channels + channel], f64::from(value)))
        }
    });
    if fits {
        return Ok(());
    }
    Err(not_on_the_map(
        map,
        features.len(),
        "from which the features do not come by pooling or flattening",
    ))
}

#[cfg(test)]
mod tests;
