//! What the positions of a feature map see of a masked image: only shown pixels, only hidden
//! ones, or both.

use super::{rectangle::Rectangle, window::Window};

/// What a position sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sight {
    /// Hidden pixels only: its value is that of the image with everything hidden.
    Hidden,
    /// Shown pixels only: its value is that of the image with nothing hidden.
    Shown,
    /// Both: its value belongs to this mask.
    Both,
}

/// How a map looks at the pixels.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Viewpoint {
    /// Windows of a position on the pixels, rows and columns.
    pub(crate) windows: [Window; 2],
    /// Height and width of the image.
    pub(crate) pixels: [usize; 2],
    /// Height and width of the map.
    pub(crate) extent: [usize; 2],
}

impl Viewpoint {
    /// What the positions of `within` see when only the pixels of `shown` are shown.
    ///
    /// # Shapes
    /// `[height, width]` of `within`, row-major.
    pub(crate) fn sights(&self, shown: &[Rectangle], within: &Rectangle) -> Vec<Sight> {
        let spans = [0, 1].map(|axis| {
            let (start, end) = within.span(axis);
            let window = self.windows[axis];
            let read = |p| window.read((p, p + 1), self.pixels[axis]);
            (start..end).map(read).collect::<Vec<_>>()
        });
        let width = within.width();
        let mut counts = vec![0_u32; within.area()];
        for rectangle in shown {
            let [rows, columns] = [0, 1].map(|axis| {
                let overlaps = spans[axis]
                    .iter()
                    .map(|s| overlap(*s, rectangle.span(axis)));
                overlaps.collect::<Vec<u32>>()
            });
            // The positions that see a rectangle are neighbours.
            let first = columns.iter().position(|c| *c > 0).unwrap_or(width);
            let last = columns
                .iter()
                .rposition(|c| *c > 0)
                .map_or(first, |c| c + 1);
            for (row, counts) in rows.iter().zip(counts.chunks_exact_mut(width.max(1))) {
                if *row > 0 {
                    let pairs = counts[first..last].iter_mut().zip(&columns[first..last]);
                    pairs.for_each(|(count, column)| *count += row * column);
                }
            }
        }
        let areas = spans[0].iter().flat_map(|rows| {
            let height = rows.1 - rows.0;
            spans[1]
                .iter()
                .map(move |columns| height * (columns.1 - columns.0))
        });
        let judge = |(count, area): (&u32, usize)| match *count as usize {
            0 => Sight::Hidden,
            count if count == area => Sight::Shown,
            _ => Sight::Both,
        };
        counts.iter().zip(areas).map(judge).collect()
    }

    /// The positions that see anything of a rectangle of pixels.
    pub(crate) fn seeing(&self, pixels: &Rectangle) -> Rectangle {
        let [rows, columns] =
            [0, 1].map(|axis| self.windows[axis].readers(pixels.span(axis), self.extent[axis]));
        Rectangle {
            top: rows.0,
            bottom: rows.1,
            left: columns.0,
            right: columns.1,
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "at most the side of an image"
)]
fn overlap(one: (usize, usize), other: (usize, usize)) -> u32 {
    one.1.min(other.1).saturating_sub(one.0.max(other.0)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sees_what_lies_in_its_window() {
        let window = Window {
            stride: 2,
            before: 1,
            after: 2,
        };
        let view = Viewpoint {
            windows: [window; 2],
            pixels: [9, 9],
            extent: [5, 5],
        };
        let halves = [(0, 4), (4, 8)].map(|(left, right)| Rectangle {
            top: 0,
            bottom: 9,
            left,
            right,
        });
        let row = view.sights(&halves, &Rectangle::all([5, 5]))[..5].to_vec();
        // Column p sees pixels 2p − 1 to 2p + 2; pixel 8 is hidden, and the last two see it.
        let expected = [
            Sight::Shown,
            Sight::Shown,
            Sight::Shown,
            Sight::Both,
            Sight::Both,
        ];
        assert_eq!(row, expected);
        assert_eq!(
            view.sights(&[], &Rectangle::all([5, 5])),
            [Sight::Hidden; 25]
        );
        let seeing = view.seeing(&halves[1]);
        assert_eq!((seeing.left, seeing.right), (1, 5));
    }
}
