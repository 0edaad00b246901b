//! Two images, the one shown and the one that hides it, and mixtures of both.

use super::{BlurKernel, ImageBlock, ImagePartition, box_blur};
use crate::{ShapError, error::check_finite};
use ndarray::{Array3, ArrayView3, s};

/// Shows the pixels of some blocks and hides all others behind a second image.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageMasker {
    shown: Array3<f32>,
    hidden: Array3<f32>,
    partition: ImagePartition,
}

impl ImageMasker {
    /// Hides pixels behind the image blurred.
    ///
    /// # Shapes
    /// `[height, width, channels]`.
    ///
    /// # Errors
    /// As [`box_blur`].
    pub fn blurred(image: ArrayView3<'_, f32>, kernel: BlurKernel) -> Result<Self, ShapError> {
        let hidden = box_blur(image, kernel)?;
        Self::behind(image, hidden)
    }

    /// Hides pixels behind one value.
    ///
    /// # Shapes
    /// `[height, width, channels]`.
    ///
    /// # Errors
    /// When the image is empty, or a pixel or the value is not finite.
    pub fn constant(image: ArrayView3<'_, f32>, value: f32) -> Result<Self, ShapError> {
        Self::behind(image, Array3::from_elem(image.raw_dim(), value))
    }

    /// Hides pixels behind another image, such as the mean of the training images.
    ///
    /// # Shapes
    /// Both `[height, width, channels]`.
    ///
    /// # Errors
    /// When the shapes differ, the image is empty or a pixel is not finite.
    pub fn behind(image: ArrayView3<'_, f32>, hidden: Array3<f32>) -> Result<Self, ShapError> {
        let (height, width, channels) = image.dim();
        if hidden.dim() != image.dim() {
            return Err(ShapError::setting(
                "shape of the hidden image",
                format!("{:?}", hidden.dim()),
                format!("that of the image, {:?}, is needed", image.dim()),
            ));
        }
        let partition = ImagePartition::new(height, width, channels)?;
        check_finite("image", image.iter().copied().map(f64::from))?;
        check_finite("hidden image", hidden.iter().copied().map(f64::from))?;
        Ok(Self {
            shown: image.to_owned(),
            hidden,
            partition,
        })
    }

    /// The players of this image.
    #[must_use]
    pub const fn partition(&self) -> &ImagePartition {
        &self.partition
    }

    /// The image with nothing hidden.
    #[must_use]
    pub const fn shown(&self) -> &Array3<f32> {
        &self.shown
    }

    /// The image with everything hidden.
    #[must_use]
    pub const fn hidden(&self) -> &Array3<f32> {
        &self.hidden
    }

    /// The image with only `present` shown.
    ///
    /// # Errors
    /// When a block reaches beyond the image.
    pub fn masked(&self, present: &[ImageBlock]) -> Result<Array3<f32>, ShapError> {
        let mut image = self.hidden.clone();
        for block in present {
            let (height, width, channels) = self.shown.dim();
            let inside = [
                (block.rows, height),
                (block.columns, width),
                (block.channels, channels),
            ];
            if let Some((span, extent)) = inside
                .into_iter()
                .find(|(span, extent)| span.start > span.end || span.end > *extent)
            {
                return Err(ShapError::setting(
                    "block",
                    format!("{}..{}", span.start, span.end),
                    format!("positions 0 to {extent} are allowed"),
                ));
            }
            let window = s![
                block.rows.start..block.rows.end,
                block.columns.start..block.columns.end,
                block.channels.start..block.channels.end
            ];
            image.slice_mut(window).assign(&self.shown.slice(window));
        }
        Ok(image)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Partition, Span};

    #[test]
    fn shows_blocks_and_hides_the_rest() {
        let image = Array3::from_shape_fn((4, 4, 2), |(y, x, c)| (8 * y + 2 * x + c) as f32);
        let masker = ImageMasker::constant(image.view(), -1.0).unwrap();
        let (top, _) = masker
            .partition()
            .split(&masker.partition().whole())
            .unwrap();
        let masked = masker.masked(&[top]).unwrap();
        for ((y, x, c), value) in masked.indexed_iter() {
            let expected = if y < 2 { image[(y, x, c)] } else { -1.0 };
            assert_eq!(*value, expected);
        }
        assert_eq!(masker.masked(&[]).unwrap(), *masker.hidden());
        assert_eq!(masker.masked(&[masker.partition().whole()]).unwrap(), image);
    }

    #[test]
    fn refuses_what_does_not_fit() {
        let image = Array3::zeros((4, 4, 1));
        let masker = ImageMasker::blurred(image.view(), BlurKernel::square(2)).unwrap();
        let beyond = ImageBlock {
            rows: Span::new(0, 5),
            ..masker.partition().whole()
        };
        let message = masker.masked(&[beyond]).unwrap_err().to_string();
        assert!(
            message.contains("0..5") && message.contains("0 to 4"),
            "{message}"
        );
        assert!(ImageMasker::constant(image.view(), f32::NAN).is_err());
        assert!(ImageMasker::behind(image.view(), Array3::zeros((4, 5, 1))).is_err());
        assert!(ImageMasker::constant(Array3::zeros((0, 4, 1)).view(), 0.0).is_err());
    }
}
