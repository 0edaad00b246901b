//! A spectrum without its peaks, segment by segment.

use super::SegmentPartition;
use crate::{
    ShapError,
    error::{check_finite, check_length},
    single,
};

/// Straight lines between robust levels at the edges of the segments.
///
/// The level at an edge is the median of the bins around it, to each side as far as half of the
/// segment there. A peak hardly moves it, as long as it covers less than half of those bins.
/// Neighbours share the level of their edge, so two hidden segments join without a step. Within a
/// segment the line runs through the levels at its edges and is read at the centres of the bins.
/// What is removed is everything that is narrower than a segment, above and below; the slope of
/// the continuum stays.
///
/// # Shapes
/// `[bins]` → `[bins]`.
///
/// # Units
/// Those of the vector: a line in logarithmic counts is a falling exponential in counts.
///
/// # Errors
/// When the length is not that of the partition, or a value is not finite.
pub fn local_background(
    vector: &[f32],
    partition: &SegmentPartition,
) -> Result<Vec<f32>, ShapError> {
    check_length("vector", vector.len(), partition.bins())?;
    check_finite("vector", vector.iter().copied().map(f64::from))?;
    let edges = partition.edges_bins();
    let reach = |segment: usize| (edges[segment + 1] - edges[segment]).div_ceil(2);
    let levels: Vec<f64> = edges
        .iter()
        .enumerate()
        .map(|(index, edge)| {
            let before = index.checked_sub(1).map_or(0, reach);
            let after = (index < partition.segments()).then(|| reach(index));
            median(&vector[edge - before..edge + after.unwrap_or(0)])
        })
        .collect();
    let lines = edges.windows(2).zip(levels.windows(2));
    Ok(lines
        .flat_map(|(edges, levels)| {
            let length = (edges[1] - edges[0]) as f64;
            let (from, to) = (levels[0], levels[1]);
            (0..edges[1] - edges[0]).map(move |bin| {
                let place = (bin as f64 + 0.5) / length;
                single(from + (to - from) * place)
            })
        })
        .collect())
}

/// The median of at least one value; of an even number the mean of the middle two.
fn median(values: &[f32]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f32::total_cmp);
    let middle = sorted.len() / 2;
    let upper = f64::from(sorted[middle]);
    if sorted.len().is_multiple_of(2) {
        f64::midpoint(f64::from(sorted[middle - 1]), upper)
    } else {
        upper
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_peak_leaves_its_continuum() {
        let partition = SegmentPartition::even(60, 3).unwrap();
        let continuum: Vec<f32> = (0..60).map(|bin| 10.0 - 0.1 * bin as f32).collect();
        let mut peaked = continuum.clone();
        for (bin, height) in [(28, 2.0), (29, 7.0), (30, 9.0), (31, 7.0), (32, 2.0)] {
            peaked[bin] += height;
        }
        let background = local_background(&peaked, &partition).unwrap();
        // At most three bins of the peak are within reach of an edge; each moves the median by one
        // bin, and the continuum falls by 0.1 from bin to bin.
        for bin in 20..40 {
            let difference = (background[bin] - continuum[bin]).abs();
            assert!(difference < 0.3 + 1e-5, "bin {bin}: {difference}");
        }
    }

    #[test]
    fn a_line_is_read_at_the_centres() {
        let partition = SegmentPartition::new(vec![0, 2, 6]).unwrap();
        let vector = [3.0, 1.0, 5.0, 5.0, 9.0, 9.0];
        // Levels: median(3) = 3 at 0, median(1, 5, 5) = 5 at 2, median(9, 9) = 9 at 6.
        let expected = [3.5, 4.5, 5.5, 6.5, 7.5, 8.5];
        assert_eq!(local_background(&vector, &partition).unwrap(), expected);
    }

    #[test]
    fn refuses_what_does_not_fit() {
        let partition = SegmentPartition::even(4, 2).unwrap();
        assert!(local_background(&[0.0; 3], &partition).is_err());
        assert!(local_background(&[0.0, f32::NAN, 0.0, 0.0], &partition).is_err());
    }

    proptest! {
        #[test]
        fn stays_within_the_values(
            vector in prop::collection::vec(-20.0_f32..5.0, 1..80),
            count in 1_usize..20,
        ) {
            let count = count.min(vector.len());
            let partition = SegmentPartition::even(vector.len(), count).unwrap();
            let background = local_background(&vector, &partition).unwrap();
            let low = vector.iter().copied().fold(f32::INFINITY, f32::min);
            let high = vector.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            prop_assert!(background.iter().all(|b| (low - 1e-4..=high + 1e-4).contains(b)));
        }
    }
}
