//! Rectangles of positions, and where two masks differ.

/// Rows `top..bottom` and columns `left..right` of an image or of a feature map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Rectangle {
    /// First row.
    pub top: usize,
    /// One past the last row.
    pub bottom: usize,
    /// First column.
    pub left: usize,
    /// One past the last column.
    pub right: usize,
}

impl Rectangle {
    /// All positions of an extent.
    pub(crate) const fn all([height, width]: [usize; 2]) -> Self {
        Self {
            top: 0,
            bottom: height,
            left: 0,
            right: width,
        }
    }

    pub(crate) const fn height(&self) -> usize {
        self.bottom.saturating_sub(self.top)
    }

    pub(crate) const fn width(&self) -> usize {
        self.right.saturating_sub(self.left)
    }

    pub(crate) const fn area(&self) -> usize {
        self.height() * self.width()
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.area() == 0
    }

    /// The common part; possibly empty.
    pub(crate) fn and(&self, other: &Self) -> Self {
        Self {
            top: self.top.max(other.top),
            bottom: self.bottom.min(other.bottom),
            left: self.left.max(other.left),
            right: self.right.min(other.right),
        }
    }

    pub(crate) fn meets(&self, other: &Self) -> bool {
        !self.and(other).is_empty()
    }

    pub(crate) fn holds(&self, other: &Self) -> bool {
        self.and(other) == *other
    }

    /// The smallest rectangle around two that are not empty.
    pub(crate) fn around(&self, other: &Self) -> Self {
        Self {
            top: self.top.min(other.top),
            bottom: self.bottom.max(other.bottom),
            left: self.left.min(other.left),
            right: self.right.max(other.right),
        }
    }

    /// Start and end along an axis: rows are axis 0.
    pub(crate) const fn span(&self, axis: usize) -> (usize, usize) {
        if axis == 0 {
            (self.top, self.bottom)
        } else {
            (self.left, self.right)
        }
    }

    fn has(&self, row: usize, column: usize) -> bool {
        (self.top..self.bottom).contains(&row) && (self.left..self.right).contains(&column)
    }
}

/// The smallest rectangle around all pixels that one mask shows and the other hides; `None` where
/// both show the same. The rectangles of a mask share no pixel.
pub(crate) fn difference(one: &[Rectangle], other: &[Rectangle]) -> Option<Rectangle> {
    let only = |these: &[Rectangle], those: &[Rectangle]| -> Vec<Rectangle> {
        let unshared = these.iter().filter(|rectangle| !those.contains(rectangle));
        unshared.copied().collect()
    };
    let (one, other) = (only(one, other), only(other, one));
    // Between two neighbouring edges a mask does not change.
    let edges = |axis: usize| {
        let spans = one.iter().chain(&other).map(|r| r.span(axis));
        let mut edges: Vec<usize> = spans.flat_map(|(start, end)| [start, end]).collect();
        edges.sort_unstable();
        edges.dedup();
        edges
    };
    let (rows, columns) = (edges(0), edges(1));
    let mut found: Option<Rectangle> = None;
    for row in rows.windows(2) {
        for column in columns.windows(2) {
            let shown = |mask: &[Rectangle]| mask.iter().any(|r| r.has(row[0], column[0]));
            if shown(&one) != shown(&other) {
                let cell = Rectangle {
                    top: row[0],
                    bottom: row[1],
                    left: column[0],
                    right: column[1],
                };
                found = Some(found.map_or(cell, |found| found.around(&cell)));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rectangle(top: usize, bottom: usize, left: usize, right: usize) -> Rectangle {
        Rectangle {
            top,
            bottom,
            left,
            right,
        }
    }

    #[test]
    fn joined_halves_differ_by_the_half_that_was_added() {
        let (left, right) = (rectangle(0, 8, 0, 4), rectangle(0, 8, 4, 8));
        let whole = rectangle(0, 8, 0, 8);
        let far = rectangle(20, 30, 20, 30);
        assert_eq!(difference(&[right, far], &[whole, far]), Some(left));
        assert_eq!(difference(&[whole], &[left, right]), None);
        assert_eq!(difference(&[], &[far]), Some(far));
        assert_eq!(difference(&[far], &[far]), None);
    }
}
