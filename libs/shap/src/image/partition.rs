//! The binary partition of an image's pixels.

use crate::{Partition, ShapError, Span};
use serde::{Deserialize, Serialize};

/// A box of pixels and channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageBlock {
    /// Rows, from the top.
    pub rows: Span,
    /// Columns, from the left.
    pub columns: Span,
    /// Channels.
    pub channels: Span,
}

/// The pixels of an image `[height, width, channels]`: the longer side is halved, rows first when
/// both are equal; the channels of one pixel are separated last. A player's index is its position
/// in row-major order.
///
/// # Source
/// The partition of shap 0.45.1's image masker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImagePartition {
    height: usize,
    width: usize,
    channels: usize,
}

impl ImagePartition {
    /// # Errors
    /// When an extent is zero or there are more values than can be counted.
    pub fn new(height: usize, width: usize, channels: usize) -> Result<Self, ShapError> {
        let values = [height, width, channels]
            .iter()
            .try_fold(1_usize, |n, extent| n.checked_mul(*extent));
        match values {
            Some(1..) => Ok(Self {
                height,
                width,
                channels,
            }),
            _ => Err(ShapError::setting(
                "image shape",
                format!("[{height}, {width}, {channels}]"),
                "every extent must be at least 1 and their product must be countable",
            )),
        }
    }

    /// Height, width and channels.
    #[must_use]
    pub const fn shape(&self) -> (usize, usize, usize) {
        (self.height, self.width, self.channels)
    }
}

impl Partition for ImagePartition {
    type Block = ImageBlock;

    fn whole(&self) -> ImageBlock {
        ImageBlock {
            rows: Span::new(0, self.height),
            columns: Span::new(0, self.width),
            channels: Span::new(0, self.channels),
        }
    }

    fn split(&self, block: &ImageBlock) -> Option<(ImageBlock, ImageBlock)> {
        let (height, width) = (block.rows.len(), block.columns.len());
        let (mut first, mut second) = (*block, *block);
        if height >= width && height > 1 {
            (first.rows, second.rows) = block.rows.halves();
        } else if width > 1 {
            (first.columns, second.columns) = block.columns.halves();
        } else if block.channels.len() > 1 {
            (first.channels, second.channels) = block.channels.halves();
        } else {
            return None;
        }
        Some((first, second))
    }

    fn players(&self, block: &ImageBlock) -> usize {
        block.rows.len() * block.columns.len() * block.channels.len()
    }

    fn visit(&self, block: &ImageBlock, visit: &mut dyn FnMut(usize)) {
        for row in block.rows.start..block.rows.end {
            for column in block.columns.start..block.columns.end {
                for channel in block.channels.start..block.channels.end {
                    visit((row * self.width + column) * self.channels + channel);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(
        rows: (usize, usize),
        columns: (usize, usize),
        channels: (usize, usize),
    ) -> ImageBlock {
        ImageBlock {
            rows: Span::new(rows.0, rows.1),
            columns: Span::new(columns.0, columns.1),
            channels: Span::new(channels.0, channels.1),
        }
    }

    #[test]
    fn halves_the_longer_side_and_channels_last() {
        let image = ImagePartition::new(3, 3, 2).unwrap();
        let (top, bottom) = image.split(&image.whole()).unwrap();
        assert_eq!(top, block((0, 1), (0, 3), (0, 2)));
        assert_eq!(bottom, block((1, 3), (0, 3), (0, 2)));
        let (left, right) = image.split(&top).unwrap();
        assert_eq!(left, block((0, 1), (0, 1), (0, 2)));
        assert_eq!(right, block((0, 1), (1, 3), (0, 2)));
        let (first, second) = image.split(&left).unwrap();
        assert_eq!(first, block((0, 1), (0, 1), (0, 1)));
        assert_eq!(second, block((0, 1), (0, 1), (1, 2)));
        assert_eq!(image.split(&first), None);
    }

    #[test]
    fn leaves_are_all_players_in_row_major_order_once() {
        for shape in [(1, 1, 1), (5, 7, 3), (16, 2, 1), (1, 9, 2)] {
            let image = ImagePartition::new(shape.0, shape.1, shape.2).unwrap();
            let mut waiting = vec![image.whole()];
            let mut seen = vec![0; image.players(&image.whole())];
            while let Some(block) = waiting.pop() {
                match image.split(&block) {
                    Some((first, second)) => {
                        let parts = image.players(&first) + image.players(&second);
                        assert_eq!(parts, image.players(&block));
                        waiting.extend([first, second]);
                    }
                    None => image.visit(&block, &mut |player| seen[player] += 1),
                }
            }
            assert!(seen.iter().all(|count| *count == 1), "{shape:?}");
        }
    }

    #[test]
    fn refuses_empty_and_uncountable_images() {
        assert!(ImagePartition::new(0, 3, 1).is_err());
        assert!(ImagePartition::new(usize::MAX, 3, 1).is_err());
    }
}
