//! The moving average that hides pixels.

use crate::{ShapError, error::check_finite, single};
use ndarray::{Array2, Array3, ArrayView2, ArrayView3, Axis};
use serde::{Deserialize, Serialize};

/// Largest side of a kernel; more would wind around any image many times.
pub const MAX_BLUR_SIDE: usize = 1 << 14;

/// Extent of a moving average in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlurKernel {
    /// Along a row.
    pub width: usize,
    /// Along a column.
    pub height: usize,
}

impl BlurKernel {
    /// A square kernel.
    #[must_use]
    pub const fn square(side: usize) -> Self {
        Self {
            width: side,
            height: side,
        }
    }

    fn check(self) -> Result<(), ShapError> {
        let allowed = || format!("1 to {MAX_BLUR_SIDE} pixels are allowed");
        for (name, side) in [("blur width", self.width), ("blur height", self.height)] {
            if !(1..=MAX_BLUR_SIDE).contains(&side) {
                return Err(ShapError::setting(name, side, allowed()));
            }
        }
        Ok(())
    }
}

/// The mean over a box around each pixel. Position `x` averages `x − side/2` onwards, so an even
/// box reaches one pixel further back than ahead. Beyond a border the image is mirrored without
/// repeating the border pixel.
///
/// # Shapes
/// `[height, width, channels]` → the same; every channel by itself.
///
/// # Errors
/// When the kernel is out of range, the image empty or a pixel not finite.
///
/// # Source
/// `blur` of OpenCV 4 with its default border and anchor, which shap's image masker calls;
/// summed in 64 bits.
pub fn box_blur(image: ArrayView3<'_, f32>, kernel: BlurKernel) -> Result<Array3<f32>, ShapError> {
    kernel.check()?;
    if image.is_empty() {
        return Err(ShapError::setting(
            "image shape",
            format!("{:?}", image.shape()),
            "every extent must be at least 1",
        ));
    }
    check_finite("image", image.iter().copied().map(f64::from))?;
    let mut blurred = Array3::zeros(image.raw_dim());
    let count = kernel.width as f64 * kernel.height as f64;
    for (channel, mut target) in image.axis_iter(Axis(2)).zip(blurred.axis_iter_mut(Axis(2))) {
        let along_rows = sums(channel.mapv(f64::from).view(), kernel.width);
        let boxes = sums(along_rows.t(), kernel.height);
        target.zip_mut_with(&boxes.t(), |target, sum| *target = single(sum / count));
    }
    Ok(blurred)
}

/// Sums of `side` neighbours along the rows.
fn sums(values: ArrayView2<'_, f64>, side: usize) -> Array2<f64> {
    let length = values.ncols();
    let mut result = Array2::zeros(values.raw_dim());
    let window = side as isize;
    let positions: Vec<usize> = (0..length as isize + window - 1)
        .map(|position| mirrored(position - window / 2, length))
        .collect();
    for (row, mut sums) in values.rows().into_iter().zip(result.rows_mut()) {
        let mut sum: f64 = positions[..side].iter().map(|p| row[*p]).sum();
        for (x, target) in sums.iter_mut().enumerate() {
            if x > 0 {
                sum += row[positions[x + side - 1]] - row[positions[x - 1]];
            }
            *target = sum;
        }
    }
    result
}

/// The position within `0..length` that stands at `position` when both borders are mirrors
/// through the border pixel.
fn mirrored(position: isize, length: usize) -> usize {
    let last = length as isize - 1;
    if last == 0 {
        return 0;
    }
    let folded = position.rem_euclid(2 * last);
    folded.min(2 * last - folded).unsigned_abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Height, width, kernel width, kernel height, image and result of OpenCV 4.11.
    type Reference = (usize, usize, usize, usize, &'static [f32], &'static [f32]);

    #[test]
    fn blurs_as_opencv_with_even_kernels_and_ones_wider_than_the_image() {
        let references: [Reference; 4] = [
            (
                3,
                4,
                2,
                3,
                &[
                    4.375, 1.25, 1.75, 3.875, 0.75, 2.75, 3.25, -2.75, -4.5, -2.0, -2.25, 3.625,
                ],
                &[
                    2.104_166_7,
                    2.104_166_7,
                    2.5,
                    1.104_166_6,
                    0.4375,
                    0.4375,
                    0.791_666_7,
                    1.25,
                    0.083_333_336,
                    0.083_333_336,
                    1.291_666_6,
                    0.395_833_34,
                ],
            ),
            (
                2,
                5,
                7,
                4,
                &[
                    4.125, -5.0, -0.125, 3.125, -3.75, 2.875, -3.875, -0.375, 3.125, -2.0,
                ],
                &[
                    0.053_571_43,
                    -0.803_571_4,
                    -0.321_428_57,
                    0.276_785_7,
                    -0.857_142_87,
                    0.053_571_43,
                    -0.803_571_4,
                    -0.321_428_57,
                    0.276_785_7,
                    -0.857_142_87,
                ],
            ),
            (
                1,
                4,
                3,
                3,
                &[-1.625, -2.25, 2.125, -2.5],
                &[-2.041_666_7, -0.583_333_3, -0.875, 0.583_333_3],
            ),
            (
                4,
                1,
                2,
                5,
                &[4.875, -0.625, -0.25, 0.0],
                &[0.625, 0.675, 0.75, -0.35],
            ),
        ];
        for (height, width, kernel_width, kernel_height, image, expected) in references {
            let image = Array3::from_shape_vec((height, width, 1), image.to_vec()).unwrap();
            let kernel = BlurKernel {
                width: kernel_width,
                height: kernel_height,
            };
            let blurred = box_blur(image.view(), kernel).unwrap();
            for (actual, expected) in blurred.iter().zip(expected) {
                assert!((actual - expected).abs() < 1e-6, "{actual} {expected}");
            }
        }
    }

    #[test]
    fn channels_do_not_mix() {
        let image = Array3::from_shape_fn((5, 6, 2), |(y, x, c)| (y * x) as f32 * c as f32);
        let blurred = box_blur(image.view(), BlurKernel::square(3)).unwrap();
        assert!(blurred.index_axis(Axis(2), 0).iter().all(|v| *v == 0.0));
        let second = image.slice(ndarray::s![.., .., 1..]);
        let alone = box_blur(second, BlurKernel::square(3)).unwrap();
        assert_eq!(blurred.index_axis(Axis(2), 1), alone.index_axis(Axis(2), 0));
    }

    #[test]
    fn refuses_kernels_out_of_range() {
        let image = Array3::zeros((3, 3, 1));
        assert!(box_blur(image.view(), BlurKernel::square(0)).is_err());
        assert!(box_blur(image.view(), BlurKernel::square(MAX_BLUR_SIDE + 1)).is_err());
        assert!(box_blur(Array3::zeros((0, 3, 1)).view(), BlurKernel::square(1)).is_err());
    }
}
