//! Few rectangles around scattered positions: each costs its halo and a call.

use super::rectangle::Rectangle;

/// How many places along an axis a rectangle is tried to be cut at.
const TRIES: usize = 12;

/// What a rectangle costs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    /// For each position.
    pub(crate) position: f64,
    /// Positions read around it, rows and columns.
    pub(crate) halo: [usize; 2],
    /// For each call.
    pub(crate) call: f64,
}

impl Cost {
    fn of(&self, rectangle: &Rectangle) -> f64 {
        let height = rectangle.height() + self.halo[0];
        let width = rectangle.width() + self.halo[1];
        self.call + self.position * (height * width) as f64
    }
}

/// Marked positions within a box, and how many there are above and left of each.
pub(crate) struct Marks {
    within: Rectangle,
    /// `[height + 1, width + 1]`.
    counts: Vec<u32>,
}

impl Marks {
    /// # Shapes
    /// `marked` is `[height, width]` of `within`.
    pub(crate) fn new(within: Rectangle, marked: &[bool]) -> Self {
        let width = within.width();
        let mut counts = vec![0; (within.height() + 1) * (width + 1)];
        for (row, marked) in marked.chunks_exact(width.max(1)).enumerate() {
            let mut sum = 0;
            for (column, marked) in marked.iter().enumerate() {
                sum += u32::from(*marked);
                let above = counts[row * (width + 1) + column + 1];
                counts[(row + 1) * (width + 1) + column + 1] = above + sum;
            }
        }
        Self { within, counts }
    }

    fn count(&self, r: &Rectangle) -> u32 {
        let at = |row: usize, column: usize| {
            let row = row - self.within.top;
            self.counts[row * (self.within.width() + 1) + column - self.within.left]
        };
        at(r.bottom, r.right) + at(r.top, r.left) - at(r.top, r.right) - at(r.bottom, r.left)
    }

    /// The smallest rectangle around the marks in `r`; `None` without marks.
    fn tight(&self, mut r: Rectangle) -> Option<Rectangle> {
        if r.is_empty() || self.count(&r) == 0 {
            return None;
        }
        let empty = |r: Rectangle| self.count(&r) == 0;
        while empty(Rectangle {
            bottom: r.top + 1,
            ..r
        }) {
            r.top += 1;
        }
        while empty(Rectangle {
            top: r.bottom - 1,
            ..r
        }) {
            r.bottom -= 1;
        }
        while empty(Rectangle {
            right: r.left + 1,
            ..r
        }) {
            r.left += 1;
        }
        while empty(Rectangle {
            left: r.right - 1,
            ..r
        }) {
            r.right -= 1;
        }
        Some(r)
    }

    /// Rectangles that hold every mark, cut in two for as long as that is cheaper.
    pub(crate) fn cover(&self, cost: Cost) -> Vec<Rectangle> {
        let mut covered = Vec::new();
        let mut waiting: Vec<Rectangle> = self.tight(self.within).into_iter().collect();
        while let Some(r) = waiting.pop() {
            let own = cost.of(&r);
            let halves = (0..2).flat_map(|axis| cuts(&r, axis)).filter_map(|(a, b)| {
                let parts = [self.tight(a)?, self.tight(b)?];
                Some((cost.of(&parts[0]) + cost.of(&parts[1]), parts))
            });
            match halves.min_by(|a, b| a.0.total_cmp(&b.0)) {
                Some((less, parts)) if less < own => waiting.extend(parts),
                // Empty rows within may become worth a cut only after another cut, so a sparse
                // rectangle is halved all the same as long as that costs little.
                Some((more, parts)) if self.is_sparse(&r) && more < 1.25 * own => {
                    waiting.extend(parts);
                }
                _ => covered.push(r),
            }
        }
        covered
    }

    fn is_sparse(&self, r: &Rectangle) -> bool {
        2 * (self.count(r) as usize) < r.area()
    }
}

fn cuts(r: &Rectangle, axis: usize) -> impl Iterator<Item = (Rectangle, Rectangle)> {
    let r = *r;
    let (start, end) = r.span(axis);
    let length = end - start;
    let tries = TRIES.min(length);
    (1..tries).map(move |i| {
        let place = start + i * length / tries;
        let (mut first, mut second) = (r, r);
        if axis == 0 {
            (first.bottom, second.top) = (place, place);
        } else {
            (first.right, second.left) = (place, place);
        }
        (first, second)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_core::keyed_rng;
    use rand::RngExt;

    const COST: Cost = Cost {
        position: 1.0,
        halo: [2, 2],
        call: 10.0,
    };

    fn cover(height: usize, width: usize, marked: &[bool]) -> Vec<Rectangle> {
        let within = Rectangle {
            top: 5,
            bottom: 5 + height,
            left: 9,
            right: 9 + width,
        };
        Marks::new(within, marked).cover(COST)
    }

    #[test]
    fn every_mark_is_covered() {
        let mut rng = keyed_rng(3, "marks", &[]);
        for density in [0.0, 0.01, 0.1, 0.7, 1.0] {
            let marked: Vec<bool> = (0..31 * 17)
                .map(|_| rng.random_range(0.0..1.0) < density)
                .collect();
            let rectangles = cover(31, 17, &marked);
            for (index, marked) in marked.iter().enumerate() {
                let (row, column) = (5 + index / 17, 9 + index % 17);
                let holding = rectangles.iter().filter(|r| {
                    (r.top..r.bottom).contains(&row) && (r.left..r.right).contains(&column)
                });
                assert!(holding.count() >= usize::from(*marked));
            }
        }
    }

    #[test]
    fn a_cross_is_not_filled() {
        let marked: Vec<bool> = (0..60 * 60).map(|i| i / 60 == 30 || i % 60 == 30).collect();
        let area: usize = cover(60, 60, &marked).iter().map(Rectangle::area).sum();
        assert!(area < 60 * 60 / 4, "{area}");
    }
}
