//! From a coarse map to one number per energy, and to the image for people.

use crate::cam::ClassMap;
use ndarray::{Array2, ArrayView2, ArrayViewD, Axis};
use serde::{Deserialize, Serialize};

/// How the rows of a symmetric map become one line. A symmetric map has the same rows and
/// columns, so either gives the same.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reduction {
    /// The mean of each column over all rows.
    #[default]
    Mean,
    /// The largest value of each column.
    Max,
}

/// Positive values over the largest one, others 0; all zeros where nothing is positive.
#[must_use]
pub fn relative(map: &ClassMap) -> ClassMap {
    let largest = map.values.iter().fold(0.0f32, |m, &v| m.max(v));
    let positive = |value: f32| if value > 0.0 { value / largest } else { 0.0 };
    let values = map.values.mapv(positive);
    ClassMap { values }
}

/// One value per column; a map of one axis stays as it is.
///
/// # Shapes
/// `[height, width]` → `[width]`
#[must_use]
pub fn condense(map: ArrayViewD<'_, f32>, reduction: Reduction) -> Vec<f64> {
    let wide = map.mapv(f64::from);
    if wide.ndim() < 2 {
        return wide.into_iter().collect();
    }
    let columns = wide.lanes(Axis(0)).into_iter();
    match reduction {
        Reduction::Mean => columns
            .map(|column| column.sum() / column.len().max(1) as f64)
            .collect(),
        Reduction::Max => columns
            .map(|column| column.iter().copied().fold(f64::NEG_INFINITY, f64::max))
            .collect(),
    }
}

/// Linear interpolation with aligned ends: the first and the last value stand at the first and the
/// last of `count` equidistant places.
///
/// # Shapes
/// `[values]` → `[count]`; a single value fills all places, and no value gives zeros
#[must_use]
pub fn interpolate(values: &[f64], count: usize) -> Vec<f64> {
    let Some(last) = values.len().checked_sub(1) else {
        return vec![0.0; count];
    };
    let step = last as f64 / count.saturating_sub(1).max(1) as f64;
    (0..count)
        .map(|place| {
            let at = place as f64 * step;
            let left = (at.floor() as usize).min(last);
            let right = (left + 1).min(last);
            values[left] + (values[right] - values[left]) * (at - left as f64)
        })
        .collect()
}

/// Bilinear enlargement to a square image, by the centres of the pixels. Everything stays in
/// floating point, and a map whose least value is above 0 keeps it; the reference goes through
/// 8 bits and stretches such a map to begin at 0.
///
/// # Shapes
/// `[height, width]` → `[size, size]`; a map larger than the image is averaged
///
/// # Source
/// Pillow, `Image.resize` with `BILINEAR`: a triangle filter, its weights normalised at the border.
#[must_use]
pub fn upsample(map: ArrayView2<'_, f32>, size: usize) -> Array2<f32> {
    let rows = triangle(map.nrows(), size);
    let columns = triangle(map.ncols(), size);
    let enlarged = rows.dot(&map.mapv(f64::from)).dot(&columns.t());
    #[expect(clippy::cast_possible_truncation, reason = "images are stored as f32")]
    enlarged.mapv(|value| value as f32)
}

/// Weights `[to, from]` of a triangle filter; each row sums to 1.
fn triangle(from: usize, to: usize) -> Array2<f64> {
    let scale = from as f64 / to.max(1) as f64;
    let support = scale.max(1.0);
    let mut weights = Array2::from_shape_fn((to, from), |(target, source)| {
        let centre = (target as f64 + 0.5) * scale;
        let distance = (centre - (source as f64 + 0.5)).abs();
        (1.0 - distance / support).max(0.0)
    });
    for mut row in weights.rows_mut() {
        let sum = row.sum();
        if sum > 0.0 {
            row /= sum;
        }
    }
    weights
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{ArrayD, arr1, arr2};

    fn relative_of(values: &[f32]) -> Vec<f32> {
        let values = arr1(values).into_dyn();
        relative(&ClassMap { values }).values.into_iter().collect()
    }

    #[test]
    fn relative_clips_and_divides() {
        assert_eq!(relative_of(&[-1.0, 2.0, 0.0, 4.0]), [0.0, 0.5, 0.0, 1.0]);
        assert_eq!(relative_of(&[0.0, 0.0]), [0.0, 0.0]);
        assert_eq!(relative_of(&[-3.0, -1.0]), [0.0, 0.0]);
        assert!(relative_of(&[-0.0]).iter().all(|v| v.is_sign_positive()));
        assert_eq!(relative_of(&[1e-40, 5e-41]), [1.0, 5e-41 / 1e-40]);
    }

    #[test]
    fn columns_are_condensed() {
        let map: ArrayD<f32> = arr2(&[[1.0, 4.0], [3.0, -2.0]]).into_dyn();
        assert_eq!(condense(map.view(), Reduction::Mean), [2.0, 1.0]);
        assert_eq!(condense(map.view(), Reduction::Max), [3.0, 4.0]);
        let line = arr1(&[5.0f32, 6.0]).into_dyn();
        assert_eq!(condense(line.view(), Reduction::Max), [5.0, 6.0]);
    }

    #[test]
    fn both_ends_are_kept() {
        assert_eq!(interpolate(&[0.0, 4.0, 2.0], 5), [0.0, 2.0, 4.0, 3.0, 2.0]);
        assert_eq!(interpolate(&[1.0, 2.0, 3.0], 2), [1.0, 3.0]);
        assert_eq!(interpolate(&[7.0], 3), [7.0; 3]);
        assert_eq!(interpolate(&[7.0, 8.0], 1), [7.0]);
        assert_eq!(interpolate(&[], 2), [0.0; 2]);
    }

    #[test]
    fn enlarging_goes_by_the_centres_of_pixels() {
        let map = arr2(&[[0.0, 4.0], [8.0, 12.0]]);
        let image = upsample(map.view(), 4);
        assert_eq!(image.row(0).to_vec(), [0.0, 1.0, 3.0, 4.0]);
        assert_eq!(image.column(3).to_vec(), [4.0, 6.0, 10.0, 12.0]);
        assert_eq!(upsample(map.view(), 2), map);
        assert_eq!(upsample(map.view(), 1), arr2(&[[6.0]]));
        assert_eq!(
            upsample(arr2(&[[0.3f32]]).view(), 3),
            Array2::from_elem((3, 3), 0.3)
        );
    }
}
