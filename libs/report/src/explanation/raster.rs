//! Square images in 255 levels, small enough for a page.

use crate::ReportError;
use serde::{Deserialize, Serialize};

/// Largest side of an image on a page.
pub const MAX_SHOWN_SIDE: usize = 400;

/// Largest side of Shapley values on a page, which shows several beside each other.
pub const MAX_SHAP_SIDE: usize = 256;

/// Level of the highest value; an even number, so that a symmetric range has an exact zero.
pub(crate) const TOP_LEVEL: u8 = 254;

/// How several pixels become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pooling {
    /// Their mean, for images.
    Mean,
    /// Their sum, for contributions that add up.
    Sum,
}

/// A square image: blocks of the source's pixels in 255 levels between two values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Raster {
    /// Pixels per row of the source.
    pub source_side: usize,
    /// Pixels of the source along the side of one shown pixel; the last ones may have fewer.
    pub block: usize,
    /// Value of level 0.
    pub low: f64,
    /// Value of level 254.
    pub high: f64,
    /// Row-major levels, 0 to 254; in JSON as base64.
    #[serde(with = "base64_bytes")]
    pub levels: Vec<u8>,
}

impl Raster {
    /// Shrinks an image to at most `max_side` pixels per side and puts it into levels.
    /// `range` gives the values of the lowest and highest level; values outside become the nearer
    /// one. Without it the range is that of the shrunk values.
    ///
    /// # Shapes
    /// `values [source_side, source_side]`, row-major.
    ///
    /// # Errors
    /// When the number of values is no square of `source_side`, or a value is not finite.
    pub fn shrink(
        values: &[f32],
        source_side: usize,
        max_side: usize,
        pooling: Pooling,
        range: Option<(f64, f64)>,
    ) -> Result<Self, ReportError> {
        if source_side == 0 || source_side.checked_mul(source_side) != Some(values.len()) {
            return Err(ReportError::Inconsistent {
                field: "pixels".into(),
                reason: format!(
                    "{} values are no image of {source_side} × {source_side} pixels",
                    values.len()
                ),
            });
        }
        if let Some(&value) = values.iter().find(|value| !value.is_finite()) {
            return Err(ReportError::NotFinite {
                field: "pixels".into(),
                value: f64::from(value),
            });
        }
        let block = source_side.div_ceil(max_side.max(1));
        let shown = pooled(values, source_side, block, pooling);
        let (low, high) = range.unwrap_or_else(|| {
            let low = shown.iter().copied().fold(f64::INFINITY, f64::min);
            (low, shown.iter().copied().fold(f64::NEG_INFINITY, f64::max))
        });
        // A constant image still needs a range that is none of zero width.
        let high = if high > low {
            high
        } else {
            low + low.abs().max(1.0)
        };
        let steps = f64::from(TOP_LEVEL) / (high - low);
        let level = |value: f64| {
            ((value - low) * steps)
                .round()
                .clamp(0.0, f64::from(TOP_LEVEL)) as u8
        };
        Ok(Self {
            source_side,
            block,
            low,
            high,
            levels: shown.into_iter().map(level).collect(),
        })
    }

    /// Shown pixels per row.
    #[must_use]
    pub fn side(&self) -> usize {
        self.source_side.div_ceil(self.block.max(1))
    }

    /// The value of a level.
    #[must_use]
    pub fn value(&self, level: u8) -> f64 {
        self.low + (self.high - self.low) * f64::from(level) / f64::from(TOP_LEVEL)
    }
}

fn pooled(values: &[f32], side: usize, block: usize, pooling: Pooling) -> Vec<f64> {
    let shown = side.div_ceil(block);
    let mut sums = vec![0.0; shown * shown];
    for (row, line) in values.chunks_exact(side).enumerate() {
        let sums = &mut sums[row / block * shown..][..shown];
        for (sum, part) in sums.iter_mut().zip(line.chunks(block)) {
            *sum += part.iter().copied().map(f64::from).sum::<f64>();
        }
    }
    if pooling == Pooling::Mean {
        let pixels = |at: usize| block.min(side - at * block);
        for (at, sum) in sums.iter_mut().enumerate() {
            *sum /= (pixels(at / shown) * pixels(at % shown)) as f64;
        }
    }
    sums
}

mod base64_bytes {
    //! Bytes as base64 text.

    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(from)?;
        STANDARD.decode(text).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_images_keep_every_pixel_to_half_a_level() {
        let values: Vec<f32> = (0..9).map(|i| i as f32 / 8.0 - 0.5).collect();
        let raster =
            Raster::shrink(&values, 3, MAX_SHOWN_SIDE, Pooling::Mean, Some((-0.5, 0.5))).unwrap();
        assert_eq!((raster.side(), raster.block), (3, 1));
        for (&level, &value) in raster.levels.iter().zip(&values) {
            assert!((raster.value(level) - f64::from(value)).abs() <= 0.5 / 254.0 + 1e-9);
        }
        assert_eq!(raster.value(raster.levels[4]), 0.0);
    }

    #[test]
    fn the_last_block_may_be_smaller() {
        let values = vec![1.0; 1001 * 1001];
        let mean = Raster::shrink(
            &values,
            1001,
            MAX_SHOWN_SIDE,
            Pooling::Mean,
            Some((0.0, 2.0)),
        )
        .unwrap();
        assert_eq!((mean.block, mean.side()), (3, 334));
        assert!(mean.levels.iter().all(|&level| level == 127));
        let sum = Raster::shrink(&values, 1001, MAX_SHOWN_SIDE, Pooling::Sum, None).unwrap();
        let total: f64 = sum.levels.iter().map(|&level| sum.value(level)).sum();
        assert!((total / 1001.0 / 1001.0 - 1.0).abs() < 0.01, "{total}");
    }

    #[test]
    fn refuses_what_is_no_image() {
        let short = Raster::shrink(&[0.0; 8], 3, 4, Pooling::Mean, None).unwrap_err();
        assert!(short.to_string().contains("8 values"), "{short}");
        assert!(Raster::shrink(&[f32::NAN], 1, 4, Pooling::Mean, None).is_err());
        let flat = Raster::shrink(&[3.0], 1, 4, Pooling::Mean, None).unwrap();
        assert!(flat.high > flat.low && flat.value(flat.levels[0]) == 3.0);
    }
}
