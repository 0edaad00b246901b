//! The imaging rule of a model: how a vector of bins becomes a square image.

use crate::{error::GramianError, polar::Polar, segments, segments::PaddedSegments};
use ndarray::Array2;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// Which Gramian angular field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// `sin(phi_i - phi_j) = s_i c_j - c_i s_j`: antisymmetric, rank 2.
    Difference,
    /// `cos(phi_i + phi_j) = c_i c_j - s_i s_j`: symmetric, rank 2.
    Summation,
}

/// How an image is made from a vector; part of a model and of every cache key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Imaging {
    /// Which field.
    pub field: Field,
    /// Pixels per side; vectors are shortened to it by piecewise aggregate approximation.
    pub size: usize,
    /// Whether segments have one common length and overlap, or adjoin with lengths that differ
    /// by one.
    pub overlapping: bool,
    /// Range the aggregated vector is scaled to; `None`: it must already lie in [-1, 1].
    pub sample_range: Option<(f64, f64)>,
}

impl Default for Imaging {
    fn default() -> Self {
        Self {
            field: Field::Difference,
            size: 512,
            overlapping: false,
            sample_range: Some((-1.0, 1.0)),
        }
    }
}

impl Imaging {
    /// Size of an image given as a share of the vector's length, rounded up.
    ///
    /// # Errors
    /// When the fraction is outside (0, 1].
    ///
    /// # Source
    /// pyts 0.13, `GramianAngularField(image_size=<float>)`.
    pub fn size_of_fraction(fraction: f64, bins: usize) -> Result<usize, GramianError> {
        if fraction > 0.0 && fraction <= 1.0 {
            Ok((fraction * bins as f64).ceil() as usize)
        } else {
            Err(GramianError::Fraction { fraction })
        }
    }

    /// Whether this rule can be applied to vectors of that many bins.
    ///
    /// # Errors
    /// When the size is outside `2..=bins` or the sample range outside [-1, 1].
    pub fn check(&self, bins: usize) -> Result<(), GramianError> {
        if self.size < 2 || self.size > bins {
            return Err(GramianError::Size {
                size: self.size,
                bins,
            });
        }
        match self.sample_range {
            Some((low, high)) if !(-1.0 <= low && low < high && high <= 1.0) => {
                Err(GramianError::SampleRange { low, high })
            }
            _ => Ok(()),
        }
    }

    /// The bins that each pixel averages.
    ///
    /// # Shapes
    /// `size` ranges over `0..bins`.
    ///
    /// # Errors
    /// As [`Imaging::check`].
    ///
    /// # Source
    /// pyts 0.13, `pyts.utils.segmentation`.
    pub fn segments(&self, bins: usize) -> Result<Vec<Range<usize>>, GramianError> {
        self.check(bins)?;
        Ok(if self.overlapping {
            segments::overlapping(bins, self.size)
        } else {
            segments::adjacent(bins, self.size)
        })
    }

    /// The segments as a rectangular table of indices and weights.
    ///
    /// # Shapes
    /// Row-major `[size, longest]`.
    ///
    /// # Errors
    /// As [`Imaging::check`].
    pub fn padded_segments(&self, bins: usize) -> Result<PaddedSegments, GramianError> {
        Ok(PaddedSegments::of(&self.segments(bins)?))
    }

    /// Piecewise aggregate approximation: the mean of every segment.
    ///
    /// # Shapes
    /// `[bins]` to `[size]`.
    ///
    /// # Errors
    /// As [`Imaging::check`]; when a value is not finite.
    ///
    /// # Source
    /// Keogh et al. 2001; pyts 0.13, `PiecewiseAggregateApproximation`, whose plain left-to-right
    /// sums are kept.
    pub fn aggregate(&self, vector: &[f64]) -> Result<Vec<f64>, GramianError> {
        let segments = self.segments(vector.len())?;
        if let Some((index, &value)) = vector.iter().enumerate().find(|(_, x)| !x.is_finite()) {
            return Err(GramianError::NotFinite { index, value });
        }
        let mean = |s: Range<usize>| {
            let length = s.len() as f64;
            vector[s].iter().sum::<f64>() / length
        };
        if self.size == vector.len() {
            return Ok(vector.to_vec());
        }
        Ok(segments.into_iter().map(mean).collect())
    }

    /// Cosine and sine of every pixel along one side, accurate to the last digits.
    ///
    /// # Shapes
    /// `[bins]` to two vectors `[size]`.
    ///
    /// # Errors
    /// As [`Imaging::aggregate`]; without a sample range, when a mean lies outside [-1, 1].
    ///
    /// # Source
    /// Wang and Oates 2015, equation 2; the sine is taken from `(1 - c)(1 + c)`, where the
    /// reference takes it from `1 - c²` and loses digits near the ends of the range.
    pub fn polar(&self, vector: &[f64]) -> Result<Polar, GramianError> {
        Ok(Polar::accurate(&self.cosines(vector)?, self.sample_range))
    }

    /// The image in double precision, with the reference's own order of operations.
    ///
    /// # Shapes
    /// `[bins]` to `[size, size]`, row-major.
    ///
    /// # Errors
    /// As [`Imaging::polar`].
    ///
    /// # Source
    /// Wang and Oates 2015; pyts 0.13, `GramianAngularField`.
    pub fn image(&self, vector: &[f64]) -> Result<Array2<f64>, GramianError> {
        let Polar { cosine, sine } = Polar::as_reference(&self.cosines(vector)?, self.sample_range);
        let (c, s) = (&cosine, &sine);
        Ok(Array2::from_shape_fn(
            (self.size, self.size),
            |(i, j)| match self.field {
                Field::Difference => s[i] * c[j] - c[i] * s[j],
                Field::Summation => c[i] * c[j] - s[i] * s[j],
            },
        ))
    }

    /// The image in single precision: cosines and sines in double, their products in single.
    ///
    /// # Shapes
    /// `[bins]` to `[size, size]`, row-major.
    ///
    /// # Errors
    /// As [`Imaging::polar`].
    ///
    /// # Source
    /// As [`Imaging::image`]; differs from it by less than 2e-6.
    pub fn image_f32(&self, vector: &[f64]) -> Result<Array2<f32>, GramianError> {
        self.check(vector.len())?;
        let mut image = Array2::zeros((self.size, self.size));
        if let Some(buffer) = image.as_slice_mut() {
            self.image_into(vector, buffer)?;
        }
        Ok(image)
    }

    /// [`Imaging::image_f32`] into a buffer of the caller, for whom a fresh 28 MB image costs more
    /// than filling one.
    ///
    /// # Shapes
    /// `[bins]` to `[size * size]`, row-major.
    ///
    /// # Errors
    /// As [`Imaging::polar`]; when the buffer has another length.
    pub fn image_into(&self, vector: &[f64], buffer: &mut [f32]) -> Result<(), GramianError> {
        self.check(vector.len())?;
        let expected = self.size * self.size;
        if buffer.len() != expected {
            return Err(GramianError::Buffer {
                actual: buffer.len(),
                expected,
                size: self.size,
            });
        }
        let polar = self.polar(vector)?;
        let [cosine, sine] = [polar.cosine, polar.sine]
            .map(|values| values.iter().map(|&x| x as f32).collect::<Vec<_>>());
        buffer
            .par_chunks_mut(self.size * ROWS_PER_TASK)
            .enumerate()
            .for_each(|(task, rows)| {
                for (offset, row) in rows.chunks_exact_mut(self.size).enumerate() {
                    let i = task * ROWS_PER_TASK + offset;
                    match self.field {
                        Field::Difference => outer(row, (sine[i], &cosine), (cosine[i], &sine)),
                        Field::Summation => outer(row, (cosine[i], &cosine), (sine[i], &sine)),
                    }
                }
            });
        Ok(())
    }

    fn cosines(&self, vector: &[f64]) -> Result<Vec<f64>, GramianError> {
        let values = self.aggregate(vector)?;
        if self.sample_range.is_none()
            && let Some((segment, &value)) = values.iter().enumerate().find(|(_, x)| x.abs() > 1.0)
        {
            return Err(GramianError::NotACosine { segment, value });
        }
        Ok(values)
    }
}

/// Rows that one task fills: long enough to hide the cost of a task, short enough to balance.
const ROWS_PER_TASK: usize = 32;

/// `row = a·x - b·y`. Both products are rounded before they are subtracted, which is what makes
/// the difference image exactly antisymmetric.
fn outer(row: &mut [f32], (a, x): (f32, &[f32]), (b, y): (f32, &[f32])) {
    for ((pixel, &x), &y) in row.iter_mut().zip(x).zip(y) {
        *pixel = a * x - b * y;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rules() -> impl Strategy<Value = (Vec<f64>, Imaging)> {
        let vectors = proptest::collection::vec(-20.0f64..3.0, 2..90);
        (
            vectors,
            0.0f64..1.0,
            any::<bool>(),
            -1.0f64..0.9,
            0.05f64..1.0,
        )
            .prop_map(|(vector, share, overlapping, low, width)| {
                let size = 2 + ((vector.len() - 2) as f64 * share) as usize;
                let sample_range = Some((low, low + (1.0 - low) * width));
                let field = Field::Difference;
                (
                    vector,
                    Imaging {
                        field,
                        size,
                        overlapping,
                        sample_range,
                    },
                )
            })
    }

    proptest! {
        #[test]
        fn difference_is_exactly_antisymmetric((vector, imaging) in rules()) {
            let (exact, single) = (imaging.image(&vector).unwrap(), imaging.image_f32(&vector).unwrap());
            for i in 0..imaging.size {
                prop_assert_eq!(exact[[i, i]], 0.0);
                prop_assert_eq!(single[[i, i]], 0.0);
                for j in 0..i {
                    prop_assert_eq!(exact[[i, j]], -exact[[j, i]]);
                    prop_assert_eq!(single[[i, j]], -single[[j, i]]);
                }
            }
        }

        #[test]
        fn summation_is_exactly_symmetric((vector, imaging) in rules()) {
            let imaging = Imaging { field: Field::Summation, ..imaging };
            let (exact, single) = (imaging.image(&vector).unwrap(), imaging.image_f32(&vector).unwrap());
            prop_assert_eq!(&exact, &exact.t());
            prop_assert_eq!(&single, &single.t());
        }

        #[test]
        fn both_fields_are_sines_and_cosines((vector, imaging) in rules()) {
            for field in [Field::Difference, Field::Summation] {
                let imaging = Imaging { field, ..imaging.clone() };
                let (exact, single) =
                    (imaging.image(&vector).unwrap(), imaging.image_f32(&vector).unwrap());
                for (exact, single) in exact.iter().zip(&single) {
                    prop_assert!(exact.abs() <= 1.0 + 1e-15);
                    prop_assert!((exact - f64::from(*single)).abs() <= 2e-6);
                }
            }
        }

        #[test]
        fn the_padded_table_aggregates_like_the_segments((vector, imaging) in rules()) {
            let table = imaging.padded_segments(vector.len()).unwrap();
            let means = imaging.aggregate(&vector).unwrap();
            for (segment, mean) in means.iter().enumerate() {
                let entries = segment * table.longest..(segment + 1) * table.longest;
                let sum: f64 = entries
                    .map(|e| vector[usize::try_from(table.indices[e]).unwrap()] * table.weights[e])
                    .sum();
                prop_assert!((sum - mean).abs() < 1e-12);
            }
        }

        #[test]
        fn nothing_but_finite_numbers_passes(
            (mut vector, imaging) in rules(),
            at in any::<prop::sample::Index>(),
            bad in prop::sample::select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY]),
        ) {
            let at = at.index(vector.len());
            vector[at] = bad;
            for error in [imaging.image(&vector).unwrap_err(), imaging.image_f32(&vector).unwrap_err()] {
                let message = error.to_string();
                prop_assert!(message.contains(&format!("at index {at} ")), "{}", message);
            }
        }
    }

    #[test]
    fn names_what_is_not_allowed() {
        let imaging = Imaging::default();
        for bins in [0, 1, 511] {
            let message = imaging.image_f32(&vec![1.0; bins]).unwrap_err().to_string();
            assert!(
                message.contains(&format!("512 does not fit {bins} bins")),
                "{message}"
            );
        }
        for range in [(0.5, 0.5), (-1.1, 0.0), (0.0, 1.1), (f64::NAN, 1.0)] {
            let imaging = Imaging {
                sample_range: Some(range),
                ..imaging.clone()
            };
            assert!(matches!(
                imaging.check(512),
                Err(GramianError::SampleRange { .. })
            ));
        }
        for fraction in [0.0, 1.01, f64::NAN] {
            assert!(Imaging::size_of_fraction(fraction, 10).is_err());
        }
        let raw = Imaging {
            size: 2,
            sample_range: None,
            ..imaging.clone()
        };
        let message = raw.image(&[0.5, 1.5]).unwrap_err().to_string();
        assert!(message.contains("value 1.5 in segment 1"), "{message}");
        let message = imaging
            .image_into(&[0.0; 600], &mut [0.0; 3])
            .unwrap_err()
            .to_string();
        assert!(message.contains("3 values, 262144 are needed"), "{message}");
    }

    #[test]
    fn a_constant_vector_gives_zero_and_one() {
        for (field, value) in [(Field::Difference, 0.0), (Field::Summation, 1.0)] {
            let imaging = Imaging {
                field,
                size: 3,
                ..Imaging::default()
            };
            assert!(
                imaging
                    .image(&[4.2; 7])
                    .unwrap()
                    .iter()
                    .all(|&v| v == value)
            );
            assert!(
                imaging
                    .image_f32(&[4.2; 7])
                    .unwrap()
                    .iter()
                    .all(|&v| f64::from(v) == value)
            );
        }
    }

    #[test]
    fn the_stored_form_is_fixed() {
        let text =
            r#"{"field":"difference","size":512,"overlapping":false,"sample_range":[-1.0,1.0]}"#;
        let imaging: Imaging = serde_json::from_str(text).unwrap();
        assert_eq!(imaging, Imaging::default());
        assert_eq!(serde_json::to_string(&imaging).unwrap(), text);
        assert!(serde_json::from_str::<Imaging>(&text.replace("size", "sise")).is_err());
    }
}
