//! Which bins each pixel averages: the segments of piecewise aggregate approximation.

use std::ops::Range;

/// All segments padded to the longest one, so that aggregation becomes gather, multiply and sum
/// over a rectangular table.
#[derive(Debug, Clone, PartialEq)]
pub struct PaddedSegments {
    /// Number of segments `S`.
    pub segments: usize,
    /// Length `L` of the longest segment.
    pub longest: usize,
    /// Bin of each entry, row-major `[S, L]`. Padding repeats the segment's first bin.
    pub indices: Vec<i64>,
    /// Weight of each entry, row-major `[S, L]`: one over the segment's length, 0 for padding.
    pub weights: Vec<f64>,
}

impl PaddedSegments {
    pub(crate) fn of(segments: &[Range<usize>]) -> Self {
        let longest = segments.iter().map(Range::len).max().unwrap_or(0);
        let mut padded = Self {
            segments: segments.len(),
            longest,
            indices: Vec::with_capacity(segments.len() * longest),
            weights: Vec::with_capacity(segments.len() * longest),
        };
        for segment in segments {
            let weight = 1.0 / segment.len() as f64;
            for offset in 0..longest {
                let inside = offset < segment.len();
                let bin = segment.start + if inside { offset } else { 0 };
                padded.indices.push(bin as i64);
                padded.weights.push(if inside { weight } else { 0.0 });
            }
        }
        padded
    }
}

/// Segments without overlap: bounds are the truncated points of `linspace(0, bins, size + 1)`.
pub(crate) fn adjacent(bins: usize, size: usize) -> Vec<Range<usize>> {
    let bounds = truncated_linspace(bins, size);
    bounds.windows(2).map(|pair| pair[0]..pair[1]).collect()
}

/// Segments of one common length that overlap where the length does not divide the vector.
pub(crate) fn overlapping(bins: usize, size: usize) -> Vec<Range<usize>> {
    let window = bins.div_ceil(size);
    let overlaps = truncated_linspace(size * window - bins, size - 1);
    (0..size)
        .map(|i| {
            let start = i * window - overlaps[i];
            start..start + window
        })
        .collect()
}

/// `int(linspace(0, stop, steps + 1))` with the rounding of NumPy: the step is rounded once,
/// then multiplied, and the last point is exact.
fn truncated_linspace(stop: usize, steps: usize) -> Vec<usize> {
    let step = stop as f64 / steps as f64;
    (0..=steps)
        .map(|i| {
            if i == steps {
                stop
            } else {
                (i as f64 * step) as usize
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn follows_the_published_example() {
        // The example in the documentation of pyts.utils.segmentation(12, window_size=3).
        assert_eq!(adjacent(12, 4), [0..3, 3..6, 6..9, 9..12]);
        assert_eq!(overlapping(12, 4), [0..3, 3..6, 6..9, 9..12]);
    }

    #[test]
    fn one_bin_per_pixel_is_the_identity() {
        let identity: Vec<_> = (0..7).map(|i| i..i + 1).collect();
        assert_eq!(adjacent(7, 7), identity);
        assert_eq!(overlapping(7, 7), identity);
    }

    #[test]
    fn padding_weighs_nothing_and_stays_inside() {
        let padded = PaddedSegments::of(&adjacent(7, 3));
        assert_eq!((padded.segments, padded.longest), (3, 3));
        assert_eq!(padded.indices, [0, 1, 0, 2, 3, 2, 4, 5, 6]);
        let third = 1.0 / 3.0;
        assert_eq!(
            padded.weights,
            [0.5, 0.5, 0.0, 0.5, 0.5, 0.0, third, third, third]
        );
    }

    proptest! {
        #[test]
        fn adjacent_segments_cover_every_bin_once(bins in 2usize..5000, share in 0.0f64..1.0) {
            let size = 2 + ((bins - 2) as f64 * share) as usize;
            let segments = adjacent(bins, size);
            prop_assert_eq!(segments.len(), size);
            let mut next = 0;
            for segment in segments {
                prop_assert_eq!(segment.start, next);
                prop_assert!(!segment.is_empty());
                next = segment.end;
            }
            prop_assert_eq!(next, bins);
        }

        #[test]
        fn overlapping_segments_reach_both_ends(bins in 2usize..5000, share in 0.0f64..1.0) {
            let size = 2 + ((bins - 2) as f64 * share) as usize;
            let segments = overlapping(bins, size);
            prop_assert_eq!(segments[0].start, 0);
            prop_assert_eq!(segments[size - 1].end, bins);
            let window = bins.div_ceil(size);
            prop_assert!(segments.iter().all(|s| s.len() == window));
            prop_assert!(segments.windows(2).all(|p| p[1].start <= p[0].end));
        }
    }
}
