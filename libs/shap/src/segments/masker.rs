//! Two vectors, the one shown and the one that hides it, and mixtures of both.

use super::{SegmentPartition, local_background};
use crate::{
    ShapError, Span,
    error::{check_finite, check_length},
};

/// Shows some segments of a vector and hides all others behind a second vector.
#[derive(Debug, Clone, PartialEq)]
pub struct SegmentMasker {
    shown: Vec<f32>,
    hidden: Vec<f32>,
    partition: SegmentPartition,
}

impl SegmentMasker {
    /// Hides a segment behind its local background: its peaks go, its continuum stays.
    ///
    /// # Errors
    /// As [`local_background`].
    pub fn background(vector: &[f32], partition: SegmentPartition) -> Result<Self, ShapError> {
        let hidden = local_background(vector, &partition)?;
        Self::behind(vector, &hidden, partition)
    }

    /// Hides a segment behind that of another vector, such as the mean of the training spectra.
    ///
    /// # Shapes
    /// Both `[bins]`.
    ///
    /// # Errors
    /// When a length is not that of the partition, or a value is not finite.
    pub fn behind(
        vector: &[f32],
        hidden: &[f32],
        partition: SegmentPartition,
    ) -> Result<Self, ShapError> {
        for (what, values) in [("vector", vector), ("hidden vector", hidden)] {
            check_length(what, values.len(), partition.bins())?;
            check_finite(what, values.iter().copied().map(f64::from))?;
        }
        Ok(Self {
            shown: vector.to_vec(),
            hidden: hidden.to_vec(),
            partition,
        })
    }

    /// The players of this vector.
    #[must_use]
    pub const fn partition(&self) -> &SegmentPartition {
        &self.partition
    }

    /// The vector with everything hidden.
    #[must_use]
    pub fn hidden(&self) -> &[f32] {
        &self.hidden
    }

    /// The vector with only `present`, ranges of segments, shown.
    ///
    /// # Shapes
    /// `[bins]`.
    ///
    /// # Errors
    /// When a range reaches beyond the last segment.
    pub fn masked(&self, present: &[Span]) -> Result<Vec<f32>, ShapError> {
        let mut vector = self.hidden.clone();
        let segments = self.partition.segments();
        for block in present {
            if block.start > block.end || block.end > segments {
                return Err(ShapError::setting(
                    "block",
                    format!("{}..{}", block.start, block.end),
                    format!("segments 0 to {segments} are allowed"),
                ));
            }
            let bins = self.partition.bins_of(*block);
            vector[bins.start..bins.end].copy_from_slice(&self.shown[bins.start..bins.end]);
        }
        Ok(vector)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_segments_and_hides_the_rest() {
        let partition = SegmentPartition::new(vec![0, 2, 3, 6]).unwrap();
        let vector = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let masker = SegmentMasker::behind(&vector, &[0.0; 6], partition.clone()).unwrap();
        let masked = masker.masked(&[Span::new(0, 1), Span::new(2, 3)]).unwrap();
        assert_eq!(masked, [1.0, 2.0, 0.0, 4.0, 5.0, 6.0]);
        let background = SegmentMasker::background(&vector, partition.clone()).unwrap();
        assert_eq!(
            background.hidden(),
            local_background(&vector, &partition).unwrap()
        );
    }

    #[test]
    fn refuses_what_does_not_fit() {
        let partition = SegmentPartition::even(4, 2).unwrap();
        let masker = SegmentMasker::behind(&[1.0; 4], &[0.0; 4], partition.clone()).unwrap();
        assert!(masker.masked(&[Span::new(1, 3)]).is_err());
        assert!(SegmentMasker::behind(&[1.0; 4], &[0.0; 3], partition.clone()).is_err());
        assert!(SegmentMasker::behind(&[1.0; 4], &[f32::NAN; 4], partition).is_err());
    }
}
