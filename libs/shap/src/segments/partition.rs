//! The balanced binary partition of the segments of a spectrum.

use crate::{Partition, ShapError, Span};

/// Contiguous segments of the bins of a spectrum; a block is a range of segments and is halved
/// until one segment is left. Player `i` is segment `i`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentPartition {
    edges_bins: Vec<usize>,
}

impl SegmentPartition {
    /// Segments between edges counted in bins.
    ///
    /// # Units
    /// Edge `e` stands before bin `e`: the first is 0, the last is the number of bins.
    ///
    /// # Errors
    /// When there are fewer than two edges, the first is not 0, or one does not grow.
    pub fn new(edges_bins: Vec<usize>) -> Result<Self, ShapError> {
        let refuse = |value: String, allowed| ShapError::setting("segment edges", value, allowed);
        if edges_bins.len() < 2 || edges_bins[0] != 0 {
            let allowed = "at least two are needed, the first being 0 and the last the number of \
                           bins";
            return Err(refuse(format!("{edges_bins:?}"), allowed));
        }
        if let Some(pair) = edges_bins.windows(2).find(|pair| pair[0] >= pair[1]) {
            let allowed = "each must be larger than the one before";
            return Err(refuse(format!("{} after {}", pair[1], pair[0]), allowed));
        }
        Ok(Self { edges_bins })
    }

    /// `count` segments of equal length, as far as the bins allow.
    ///
    /// # Errors
    /// When `count` is not between 1 and the number of bins.
    pub fn even(bins: usize, count: usize) -> Result<Self, ShapError> {
        if count == 0 || count > bins {
            return Err(ShapError::setting(
                "number of segments",
                count,
                format!("1 to {bins} are allowed"),
            ));
        }
        let edge = |i: usize| (i as u128 * bins as u128 / count as u128) as usize;
        Self::new((0..=count).map(edge).collect())
    }

    /// The edges, from 0 to the number of bins.
    #[must_use]
    pub fn edges_bins(&self) -> &[usize] {
        &self.edges_bins
    }

    /// Number of segments.
    #[must_use]
    pub fn segments(&self) -> usize {
        self.edges_bins.len() - 1
    }

    /// Number of bins.
    #[must_use]
    pub fn bins(&self) -> usize {
        self.edges_bins[self.segments()]
    }

    /// The bins of a range of segments.
    #[must_use]
    pub fn bins_of(&self, segments: Span) -> Span {
        let last = self.segments();
        Span::new(
            self.edges_bins[segments.start.min(last)],
            self.edges_bins[segments.end.min(last)],
        )
    }
}

impl Partition for SegmentPartition {
    type Block = Span;

    fn whole(&self) -> Span {
        Span::new(0, self.segments())
    }

    fn split(&self, block: &Span) -> Option<(Span, Span)> {
        (block.len() > 1).then(|| block.halves())
    }

    fn players(&self, block: &Span) -> usize {
        block.len()
    }

    fn visit(&self, block: &Span, visit: &mut dyn FnMut(usize)) {
        (block.start..block.end).for_each(visit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn even_segments_cover_all_bins() {
        let seven = SegmentPartition::even(24, 7).unwrap();
        assert_eq!(seven.edges_bins(), [0, 3, 6, 10, 13, 17, 20, 24]);
        assert_eq!(seven.bins(), 24);
        assert_eq!(seven.bins_of(Span::new(2, 5)), Span::new(6, 17));
        let each = SegmentPartition::even(5, 5).unwrap();
        assert_eq!(each.edges_bins(), [0, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn halves_until_one_segment_is_left() {
        let five = SegmentPartition::even(100, 5).unwrap();
        let (first, second) = five.split(&five.whole()).unwrap();
        assert_eq!((first, second), (Span::new(0, 2), Span::new(2, 5)));
        assert_eq!(five.split(&Span::new(3, 4)), None);
    }

    #[test]
    fn refuses_edges_that_do_not_grow() {
        assert!(SegmentPartition::new(vec![0]).is_err());
        assert!(SegmentPartition::new(vec![1, 5]).is_err());
        let message = SegmentPartition::new(vec![0, 5, 5])
            .unwrap_err()
            .to_string();
        assert!(message.contains("5 after 5"), "{message}");
        assert!(SegmentPartition::even(4, 5).is_err());
        assert!(SegmentPartition::even(4, 0).is_err());
    }
}
