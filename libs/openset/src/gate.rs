//! The gate: a fitted detector with its threshold and the scores that p-values are read from.

use crate::{
    detector::{Detector, DetectorSpec, NamedArrays},
    dime::dime_out_of_fold_scores,
    error::OpenSetError,
    folds::stratified_folds,
    record::{GateRecord, GateSpec, GateWarning, Judgement},
    sample::{Sample, Samples, finite_scores, same_length},
    threshold::{ThresholdRule, check_alpha, percentile},
};
use ndarray::Array1;
use std::sync::Arc;

/// A fitted detector with its threshold.
#[derive(Debug, Clone)]
pub struct Gate {
    detector: Arc<dyn Detector>,
    spec: GateSpec,
    threshold: f64,
    /// Ascending.
    calibration_scores: Vec<f64>,
}

const SCORES: &str = "calibration_scores";

/// A zero without its sign. The two zeros are one score, and an encoding may keep only one of
/// them (a plain field of Protocol Buffers does), so no judgement ever has the other.
fn unsigned_zero(value: f64) -> f64 {
    value + 0.0
}

impl Gate {
    /// Fits detector and threshold. With the out-of-fold rule the threshold comes from folds,
    /// the detector from all samples.
    ///
    /// # Shapes
    /// Features `[n, F]` or logits `[n, K]`, class of each row `[n]`.
    ///
    /// # Errors
    /// When alpha is outside (0, 1), a value is not finite, a class has one member, `k` is not
    /// below the rank of all samples or of a fold's, or out-of-fold scores would need a classifier
    /// to be refitted ([`Gate::from_scores`] takes those).
    pub fn fit(
        spec: GateSpec,
        samples: Samples<'_>,
        class_index: &[usize],
    ) -> Result<Self, OpenSetError> {
        check_alpha(spec.alpha)?;
        same_length("the list of classes", class_index.len(), samples.rows())?;
        let detector = spec.detector.fit(samples)?;
        let scores = match (spec.rule, spec.detector) {
            (ThresholdRule::InSample, _) => detector.scores(samples)?,
            (ThresholdRule::OutOfFold { folds, seed }, DetectorSpec::Dime { k }) => {
                let fold_of = stratified_folds(class_index, folds, seed)?;
                let features = samples.need_features(spec.detector.name())?;
                dime_out_of_fold_scores(features, &fold_of, &[k])?
                    .into_iter()
                    .collect()
            }
            (ThresholdRule::OutOfFold { .. }, other) => {
                return Err(OpenSetError::NeedsRefit {
                    detector: other.name(),
                });
            }
        };
        Self::from_scores(spec, detector, scores)
    }

    /// A gate from a fitted detector and training scores that were computed elsewhere, such as
    /// out-of-fold scores of a classifier that was refitted in every fold.
    ///
    /// # Shapes
    /// `[n]`, in any order.
    ///
    /// # Errors
    /// When alpha is outside (0, 1), there are no scores, one is not finite, or the detector is
    /// not the one of the specification.
    pub fn from_scores(
        spec: GateSpec,
        detector: Arc<dyn Detector>,
        mut scores: Vec<f64>,
    ) -> Result<Self, OpenSetError> {
        finite_scores(&scores)?;
        if detector.spec() != spec.detector {
            return Err(OpenSetError::OtherDetector {
                given: detector.spec(),
                asked: spec.detector,
            });
        }
        scores.sort_by(f64::total_cmp);
        let threshold = percentile(&scores, spec.alpha, spec.detector.interpolation())?;
        Ok(Self {
            detector,
            spec,
            threshold,
            calibration_scores: scores,
        })
    }

    /// Score of a sample; higher is more like the training samples.
    ///
    /// # Errors
    /// As [`Detector::score`].
    pub fn score(&self, sample: Sample<'_>) -> Result<f64, OpenSetError> {
        self.detector.score(sample)
    }

    /// Whether a sample of this score is an inlier; a score equal to the threshold is one.
    #[must_use]
    pub fn verdict(&self, score: f64) -> bool {
        score >= self.threshold
    }

    /// p-value of a score, with the number of training scores behind it:
    /// `(1 + #{training scores <= score}) / (n + 1)`.
    #[must_use]
    pub fn p_value(&self, score: f64) -> (f64, usize) {
        let n = self.calibration_scores.len();
        let not_above = self.calibration_scores.partition_point(|s| *s <= score);
        ((1 + not_above) as f64 / (n + 1) as f64, n)
    }

    /// Score, verdict and p-value of a sample.
    ///
    /// # Errors
    /// As [`Detector::score`].
    pub fn judge(&self, sample: Sample<'_>) -> Result<Judgement, OpenSetError> {
        let score = self.score(sample)?;
        let (p_value, n) = self.p_value(score);
        Ok(Judgement {
            score: unsigned_zero(score),
            threshold: unsigned_zero(self.threshold),
            inlier: self.verdict(score),
            p_value,
            n,
        })
    }

    /// The fitted detector.
    #[must_use]
    pub fn detector(&self) -> &dyn Detector {
        &*self.detector
    }

    /// What the gate was asked to be.
    #[must_use]
    pub const fn spec(&self) -> GateSpec {
        self.spec
    }

    /// Lowest score of an inlier.
    #[must_use]
    pub const fn threshold(&self) -> f64 {
        self.threshold
    }

    /// Training scores behind threshold and p-values, ascending.
    #[must_use]
    pub fn calibration_scores(&self) -> &[f64] {
        &self.calibration_scores
    }

    /// What the user should know about this gate.
    #[must_use]
    pub fn warnings(&self) -> Vec<GateWarning> {
        let (alpha, n) = (self.spec.alpha, self.calibration_scores.len());
        if alpha < 1.0 / (n as f64 + 1.0) {
            vec![GateWarning::AlphaBelowResolution { alpha, n }]
        } else {
            Vec::new()
        }
    }

    /// The gate as a record and named arrays: the detector's and `calibration_scores` `[n]`.
    #[must_use]
    pub fn to_parts(&self) -> (GateRecord, NamedArrays) {
        let record = GateRecord {
            detector: self.spec.detector,
            alpha: self.spec.alpha,
            threshold: self.threshold,
            rule: self.spec.rule,
            n: self.calibration_scores.len(),
        };
        let mut arrays = self.detector.arrays();
        let scores = Array1::from(self.calibration_scores.clone()).into_dyn();
        arrays.insert(SCORES.to_owned(), scores);
        (record, arrays)
    }

    /// Brings a stored gate back, bit for bit.
    ///
    /// # Errors
    /// When record and arrays do not fit together.
    pub fn from_parts(record: &GateRecord, arrays: &NamedArrays) -> Result<Self, OpenSetError> {
        let damaged = |reason: String| OpenSetError::Stored { reason };
        let spec = GateSpec {
            detector: record.detector,
            alpha: record.alpha,
            rule: record.rule,
        };
        let scores = arrays
            .get(SCORES)
            .filter(|scores| scores.ndim() == 1 && scores.len() == record.n)
            .ok_or_else(|| damaged(format!("{SCORES:?} [{}] is missing", record.n)))?;
        let scores = scores.iter().copied().collect();
        let gate = Self::from_scores(spec, record.detector.restore(arrays)?, scores)
            .map_err(|error| damaged(error.to_string()))?;
        if gate.threshold.to_bits() != record.threshold.to_bits() {
            let (found, recorded) = (gate.threshold, record.threshold);
            return Err(damaged(format!(
                "its scores give the threshold {found}, not {recorded}"
            )));
        }
        Ok(gate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_core::{Classified as _, ErrorKind};
    use ndarray::Array2;
    use proptest::prelude::*;

    fn features() -> Array2<f64> {
        Array2::from_shape_fn((24, 8), |(i, j)| {
            ((i * i * 5 + j * j * 3 + i * j) % 17) as f64 / 3.0
        })
    }

    fn classes() -> Vec<usize> {
        (0..24).map(|row| row % 3).collect()
    }

    fn dime(alpha: f64) -> GateSpec {
        let (detector, rule) = (DetectorSpec::Dime { k: 3 }, ThresholdRule::default());
        GateSpec {
            detector,
            alpha,
            rule,
        }
    }

    #[test]
    fn a_score_at_the_threshold_is_an_inlier() {
        let gate = Gate::fit(dime(0.1), Samples::features(features().view()), &classes()).unwrap();
        assert!(gate.verdict(gate.threshold()));
        assert!(!gate.verdict(gate.threshold().next_down()));
    }

    #[test]
    fn p_values_count_the_scores_that_are_no_higher() {
        let spec = GateSpec {
            detector: DetectorSpec::Softmax,
            ..dime(0.25)
        };
        let fitted = spec
            .detector
            .fit(Samples::logits(features().view()))
            .unwrap();
        let gate = Gate::from_scores(spec, fitted, vec![0.4, 0.2, 0.2, 0.8]).unwrap();
        for (score, expected) in [(0.1, 0.2), (0.2, 0.6), (0.5, 0.8), (0.9, 1.0)] {
            assert_eq!(gate.p_value(score), (expected, 4));
        }
        assert!(gate.warnings().is_empty());
    }

    #[test]
    fn a_judgement_has_no_negative_zero() {
        let (spec, features) = (dime(0.25), features());
        let fitted = spec.detector.fit(Samples::features(features.view()));
        let gate = Gate::from_scores(spec, fitted.unwrap(), vec![-0.0; 4]).unwrap();
        // Minus the distance: in the span of the training samples a zero with a sign.
        let origin = Array2::zeros((1, 8));
        let sample = || Samples::features(origin.view()).row(0);
        assert_eq!(gate.score(sample()).unwrap().to_bits(), (-0.0f64).to_bits());
        let judgement = gate.judge(sample()).unwrap();
        assert_eq!(judgement.score.to_bits(), 0.0f64.to_bits());
        assert_eq!(judgement.threshold.to_bits(), 0.0f64.to_bits());
        assert!(judgement.inlier);
        assert_eq!((judgement.p_value, judgement.n), (1.0, 4));
    }

    #[test]
    fn alpha_below_the_resolution_warns() {
        let gate = Gate::fit(dime(0.02), Samples::features(features().view()), &classes()).unwrap();
        assert_eq!(
            gate.warnings(),
            [GateWarning::AlphaBelowResolution { alpha: 0.02, n: 24 }]
        );
        assert!(
            gate.warnings()[0].to_string().contains("0.0400"),
            "{}",
            gate.warnings()[0]
        );
    }

    #[test]
    fn refuses_bad_alpha_lonely_classes_and_unfitted_logits() {
        let features = features();
        let samples = Samples::features(features.view());
        for alpha in [0.0, 1.0, -1.0, f64::NAN] {
            assert!(matches!(
                Gate::fit(dime(alpha), samples, &classes()),
                Err(OpenSetError::Alpha { .. })
            ));
        }
        let mut lonely = classes();
        lonely[0] = 9;
        let error = Gate::fit(dime(0.1), samples, &lonely).unwrap_err();
        assert!(matches!(
            error,
            OpenSetError::ClassTooSmall { class: 9, .. }
        ));
        let spec = GateSpec {
            detector: DetectorSpec::Softmax,
            ..dime(0.1)
        };
        let error = Gate::fit(spec, Samples::logits(features.view()), &classes()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::FailedPrecondition);
        assert!(Gate::fit(dime(0.1), samples, &[0, 1]).is_err());
    }

    #[test]
    fn a_stored_gate_comes_back_bit_for_bit() {
        let features = features();
        let samples = Samples::features(features.view());
        let gate = Gate::fit(dime(0.1), samples, &classes()).unwrap();
        let (record, arrays) = gate.to_parts();
        let text = serde_json::to_string(&record).unwrap();
        let back = Gate::from_parts(&serde_json::from_str(&text).unwrap(), &arrays).unwrap();
        assert_eq!(back.to_parts(), (record, arrays.clone()));
        for row in 0..24 {
            assert_eq!(back.judge(samples.row(row)), gate.judge(samples.row(row)));
        }
    }

    #[test]
    fn a_damaged_gate_is_refused() {
        let gate = Gate::fit(dime(0.1), Samples::features(features().view()), &classes()).unwrap();
        let (record, arrays) = gate.to_parts();
        let refused = |record: GateRecord, arrays: &NamedArrays| {
            let error = Gate::from_parts(&record, arrays).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::DataLoss, "{error}");
        };
        refused(GateRecord { n: 23, ..record }, &arrays);
        refused(
            GateRecord {
                threshold: record.threshold.next_up(),
                ..record
            },
            &arrays,
        );
        refused(
            GateRecord {
                detector: DetectorSpec::Dime { k: 4 },
                ..record
            },
            &arrays,
        );
        for name in ["basis", SCORES] {
            let mut missing = arrays.clone();
            missing.remove(name);
            refused(record, &missing);
            let mut bad = arrays.clone();
            bad.get_mut(name).unwrap().fill(f64::NAN);
            refused(record, &bad);
        }
    }

    proptest! {
        #[test]
        fn p_values_fall_with_the_score(
            scores in proptest::collection::vec(-5.0f64..5.0, 1..60),
            a in -6.0f64..6.0,
            b in -6.0f64..6.0,
        ) {
            let spec = GateSpec { detector: DetectorSpec::Softmax, ..dime(0.3) };
            let fitted = spec.detector.fit(Samples::logits(features().view())).unwrap();
            let gate = Gate::from_scores(spec, fitted, scores).unwrap();
            let (low, high) = (a.min(b), a.max(b));
            prop_assert!(gate.p_value(low).0 <= gate.p_value(high).0);
            prop_assert!(gate.p_value(low).0 > 0.0 && gate.p_value(high).0 <= 1.0);
            prop_assert!(gate.verdict(high) || !gate.verdict(low));
        }
    }
}
