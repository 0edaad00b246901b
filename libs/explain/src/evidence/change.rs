//! What becomes of an answer when a peak is gone.

use assay_core::ClassLabel;
use assay_peaks::{Candidate, Peak};
use assay_pipeline::{Decision, Verdict};
use serde::Serialize;

/// Where a class and the gate stand with one spectrum.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Standing {
    /// Logit of the explained class.
    pub logit: f64,
    /// Its probability.
    pub probability: f64,
    /// Score of the gate; higher is more like the training spectra.
    pub gate_score: f64,
    /// Whether the gate accepts the spectrum.
    pub verdict: Verdict,
    /// The most probable class.
    pub closed_set_label: ClassLabel,
}

impl Standing {
    pub(super) fn of(decision: &Decision, classes: &[ClassLabel], class: usize) -> Self {
        Self {
            logit: f64::from(decision.logits[class]),
            probability: f64::from(decision.probabilities[class]),
            gate_score: decision.gate.score,
            verdict: Verdict::of(decision.gate.inlier),
            closed_set_label: classes[decision.class].clone(),
        }
    }
}

/// The same spectrum without one peak.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WithoutPeak {
    /// Logit without the peak less the logit with it: negative where the peak speaks for the
    /// class.
    pub logit_change: f64,
    /// Gate score without the peak less the score with it: negative where the peak makes the
    /// spectrum like the training spectra.
    pub gate_change: f64,
    /// Whether the peak was an end of the range that the image is scaled to. Then every pixel
    /// changes, and the changes are not of the peak alone.
    pub rescales: bool,
    /// The answer without the peak.
    pub standing: Standing,
}

/// One peak with what it may be and what it is worth.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PeakChange {
    /// The peak.
    pub peak: Peak,
    /// Lines that it may be, best first.
    pub candidates: Vec<Candidate>,
    /// What happens without it; absent outside the range of the model, and where other peaks
    /// were tested instead.
    pub without: Option<WithoutPeak>,
}

/// The peaks of a spectrum and what each did for a class.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PeakEvidence {
    /// Index of the class.
    pub class: usize,
    /// The class.
    pub label: ClassLabel,
    /// The answer with all peaks.
    pub whole: Standing,
    /// Peaks by energy.
    pub peaks: Vec<PeakChange>,
}

impl PeakEvidence {
    /// The tested peaks, those first that did most for the class; of equal ones the one at lower
    /// energy.
    #[must_use]
    pub fn ranked(&self) -> Vec<&PeakChange> {
        let change = |peak: &PeakChange| peak.without.as_ref().map(|w| w.logit_change);
        let mut ranked: Vec<_> = self
            .peaks
            .iter()
            .filter_map(|peak| Some((change(peak)?, peak)))
            .collect();
        ranked.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        ranked.into_iter().map(|(_, peak)| peak).collect()
    }
}
