//! What single peaks are worth: each is taken out of the counts, and the spectrum goes the whole
//! way again. A class activation map shows regions of hundreds of keV; this shows peaks.

mod change;
mod settings;

pub use change::{PeakChange, PeakEvidence, Standing, WithoutPeak};
pub use settings::EvidenceSettings;

use crate::ExplainError;
use assay_peaks::{Candidate, PeakList, find_peaks};
use assay_pipeline::{Judge, ModelSpec, Prepared};
use ndarray::{Array2, ArrayView1, ArrayView2, Axis};

/// The spectra that have to go through the network, and what their answers will be about.
///
/// Between [`EvidencePlan::new`] and [`EvidencePlan::conclude`] the caller lets the network of
/// the bundle compute the features of [`EvidencePlan::vectors`], wherever that runs.
#[derive(Debug, Clone)]
pub struct EvidencePlan {
    peaks: PeakList,
    candidates: Vec<Vec<Candidate>>,
    /// Positions in `peaks` of those that are taken out, by energy.
    tested: Vec<usize>,
    vectors: Array2<f32>,
    /// For each of them, whether the image without the peak is scaled anew.
    rescales: Vec<bool>,
}

impl EvidencePlan {
    /// Looks for the peaks of a spectrum and takes out one after the other: those in the range of
    /// the model, the most significant ones first until there are as many as asked for.
    ///
    /// # Errors
    /// When a setting is out of its range, the spectrum has no energy calibration, or a spectrum
    /// without one of its peaks cannot be preprocessed.
    pub fn new(
        judge: &Judge,
        prepared: &Prepared,
        settings: &EvidenceSettings,
    ) -> Result<Self, ExplainError> {
        settings.check()?;
        let contents = judge.bundle().contents();
        let spectrum = prepared.spectrum();
        let peaks = find_peaks(spectrum, &settings.peaks)?;
        let candidates = peaks.candidates(&settings.candidates)?;
        let tested = tested(&peaks, judge, settings.most_tested);
        let whole = prepared.vector();
        let mut vectors = Array2::zeros((tested.len() + 1, whole.len()));
        vectors.row_mut(0).assign(&ArrayView1::from(whole));
        let scale = Scale::of(&contents.model, whole);
        let mut rescales = Vec::with_capacity(tested.len());
        for (row, &peak) in tested.iter().enumerate() {
            let without = peaks.without(spectrum, &[peak])?;
            let again = judge.prepare_spectrum(&without, prepared.digest(), Vec::new())?;
            let vector = again.vector();
            rescales.push(Scale::of(&contents.model, vector).differs(&scale));
            let mut target = vectors.index_axis_mut(Axis(0), row + 1);
            target.assign(&ArrayView1::from(vector));
        }
        Ok(Self {
            peaks,
            candidates,
            tested,
            vectors,
            rescales,
        })
    }

    /// The input vectors: the spectrum as it is, then without one peak each.
    ///
    /// # Shapes
    /// `[1 + tested peaks, bins]`
    #[must_use]
    pub fn vectors(&self) -> ArrayView2<'_, f32> {
        self.vectors.view()
    }

    /// All peaks that were found.
    pub(crate) const fn peaks(&self) -> &PeakList {
        &self.peaks
    }

    /// Positions of those that are taken out, by energy.
    pub(crate) fn tested(&self) -> &[usize] {
        &self.tested
    }

    /// What the peaks are worth to a class (`None`: the most probable one), by the features of all
    /// vectors in their order.
    ///
    /// # Shapes
    /// `features [1 + tested peaks, features]`
    ///
    /// # Errors
    /// When the class does not exist, when there are other numbers of rows or features, or
    /// something is not finite.
    pub fn conclude(
        self,
        judge: &Judge,
        features: ArrayView2<'_, f32>,
        class: Option<usize>,
    ) -> Result<PeakEvidence, ExplainError> {
        if features.nrows() != self.vectors.nrows() {
            return Err(ExplainError::Rows {
                found: features.nrows(),
                expected: self.vectors.nrows(),
            });
        }
        let classes = &judge.bundle().contents().classes;
        let Some(first) = features.rows().into_iter().next() else {
            return Err(ExplainError::Rows {
                found: 0,
                expected: self.vectors.nrows(),
            });
        };
        let best = judge.decide(&first.to_vec())?.class;
        let class = class.unwrap_or(best);
        let label = classes.get(class).ok_or(ExplainError::Class {
            class,
            classes: classes.len(),
        })?;
        let mut standings = Vec::with_capacity(features.nrows());
        for row in features.rows() {
            let decision = judge.decide(&row.to_vec())?;
            standings.push(Standing::of(&decision, classes, class));
        }
        let mut standings = standings.into_iter();
        let Some(whole) = standings.next() else {
            return Err(ExplainError::Rows {
                found: 0,
                expected: self.vectors.nrows(),
            });
        };
        let mut without: Vec<Option<WithoutPeak>> = vec![None; self.peaks.peaks.len()];
        for ((&peak, standing), &rescales) in self.tested.iter().zip(standings).zip(&self.rescales)
        {
            without[peak] = Some(WithoutPeak {
                logit_change: standing.logit - whole.logit,
                gate_change: standing.gate_score - whole.gate_score,
                rescales,
                standing,
            });
        }
        let peaks = self.peaks.peaks.iter().zip(self.candidates).zip(without);
        Ok(PeakEvidence {
            class,
            label: label.clone(),
            whole,
            peaks: peaks
                .map(|((peak, candidates), without)| PeakChange {
                    peak: *peak,
                    candidates,
                    without,
                })
                .collect(),
        })
    }
}

/// The peaks that are taken out, by energy.
fn tested(peaks: &PeakList, judge: &Judge, most: usize) -> Vec<usize> {
    let recipe = &judge.bundle().contents().recipe;
    let half_kev = 0.5 * recipe.grid.bin_width_kev();
    let first_kev = recipe.energy_kev(0) - half_kev;
    let last_kev = recipe.energy_kev(recipe.bins().saturating_sub(1)) + half_kev;
    let seen = |&peak: &usize| (first_kev..=last_kev).contains(&peaks.peaks[peak].energy_kev);
    let mut tested: Vec<usize> = (0..peaks.peaks.len()).filter(seen).collect();
    let significance = |peak: usize| peaks.peaks[peak].significance;
    tested.sort_by(|&a, &b| significance(b).total_cmp(&significance(a)).then(a.cmp(&b)));
    tested.truncate(most);
    tested.sort_unstable();
    tested
}

/// How far apart the ends of the range are that an image is scaled to; nothing for a model that
/// scales none.
struct Scale(Option<f64>);

/// Differences of the spread of logarithms below this come from rounding: logarithms near -15 are
/// stored in 32 bits, to 1e-6.
const SAME_SPREAD: f64 = 1e-5;

impl Scale {
    /// The common factor that removing counts gives to all bins moves both ends alike.
    fn of(model: &ModelSpec, vector: &[f32]) -> Self {
        let ModelSpec::Cnn2d { imaging, .. } = model else {
            return Self(None);
        };
        if imaging.sample_range.is_none() {
            return Self(None);
        }
        let wide: Vec<f64> = vector.iter().copied().map(f64::from).collect();
        let spread = imaging.aggregate(&wide).ok().map(|pixels| {
            let ends = pixels.iter().fold((f64::MAX, f64::MIN), |(low, high), &p| {
                (low.min(p), high.max(p))
            });
            ends.1 - ends.0
        });
        Self(spread)
    }

    fn differs(&self, other: &Self) -> bool {
        match (self.0, other.0) {
            (Some(one), Some(other)) => (one - other).abs() > SAME_SPREAD * other.abs().max(1.0),
            _ => false,
        }
    }
}
