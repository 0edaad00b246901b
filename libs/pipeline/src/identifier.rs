//! The one order of steps from file bytes to a verdict.

use crate::{
    Bundle, PipelineError, Watch,
    answer::{
        Answer, AnswerWarning, AnswerWarningCode, ClassProbability, GateReading, Timings, Verdict,
    },
    dataset::input_vector,
    drift,
};
use assay_core::Digest;
use assay_infer::{FeatureExtractor, OnnxRuntime, SessionOptions};
use assay_network::{Head, head::softmax};
use assay_openset::{Gate, Judgement, Sample};
use ndarray::{Array2, ArrayView2};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// How an identifier runs.
#[derive(Debug, Clone, Default)]
pub struct IdentifierOptions {
    /// The runtime library; `None` searches the usual places.
    pub runtime_library: Option<PathBuf>,
    /// Threads.
    pub session: SessionOptions,
    /// A clock that never goes back, for the timings of answers; without one they are zero.
    pub clock: Option<fn() -> Duration>,
}

/// A bundle made ready to answer.
#[derive(Debug)]
pub struct Identifier {
    bundle: Bundle,
    extractor: FeatureExtractor,
    clock: Option<fn() -> Duration>,
}

/// What head and gate say about one vector of features.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// Logit of every class.
    pub logits: Vec<f32>,
    /// Softmax probability of every class.
    pub probabilities: Vec<f32>,
    /// The most probable class; the lowest index where several are.
    pub class: usize,
    /// What the gate measured.
    pub gate: Judgement,
}

impl Identifier {
    /// Reads and verifies a bundle and prepares its model.
    ///
    /// # Errors
    /// When the bundle cannot be used or the runtime cannot run it.
    pub fn open(bundle: &Path, options: &IdentifierOptions) -> Result<Self, PipelineError> {
        Self::new(Bundle::open(bundle)?, options)
    }

    /// Prepares a bundle that is in memory already.
    ///
    /// # Errors
    /// When the runtime is missing, refuses the model, or sees another shape than the bundle says.
    pub fn new(bundle: Bundle, options: &IdentifierOptions) -> Result<Self, PipelineError> {
        let runtime = OnnxRuntime::load(options.runtime_library.as_deref())?;
        let extractor = FeatureExtractor::from_model(runtime, bundle.model(), &options.session)?;
        let found = (extractor.bins(), extractor.features());
        let expected = (bundle.contents().recipe.bins(), bundle.head().features());
        if found != expected {
            return Err(PipelineError::BundleInvalid {
                file: bundle.origin().join(crate::bundle::MODEL_FILE),
                reason: format!(
                    "it maps {} bins to {} features, but recipe and head need {} and {}",
                    found.0, found.1, expected.0, expected.1
                ),
            });
        }
        Ok(Self {
            bundle,
            extractor,
            clock: options.clock,
        })
    }

    /// The bundle.
    #[must_use]
    pub const fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    /// What computes the features.
    #[must_use]
    pub const fn extractor(&self) -> &FeatureExtractor {
        &self.extractor
    }

    /// Answers about one file; `name` is used for its format and in messages.
    ///
    /// # Errors
    /// When the file is no spectrum, when the spectrum cannot be preprocessed, or when anything
    /// in between is not finite.
    pub fn identify(&self, bytes: &[u8], name: &str) -> Result<Answer, PipelineError> {
        let mut timer = Timer::start(self.clock);
        let reading = assay_formats::read(bytes, Some(name)).map_err(|source| {
            let file = name.to_owned();
            PipelineError::Format { file, source }
        })?;
        let read_s = timer.lap();
        let unusable = |source| {
            let file = name.to_owned();
            PipelineError::Spectrum { file, source }
        };
        let contents = self.bundle.contents();
        let vector = input_vector(&contents.recipe, &reading.spectrum).map_err(unusable)?;
        let range = &contents.training.range;
        let drift =
            drift::warnings(&reading.spectrum, &contents.recipe, range).map_err(unusable)?;
        let preprocess_s = timer.lap();
        let bins = vector.len();
        let vector = Array2::from_shape_vec((1, bins), vector)
            .map_err(|e| PipelineError::parameter("input vector", bins, e))?;
        let features = self.features(vector.view(), &Watch::none())?;
        let features_s = timer.lap();
        let decision = self.decide(&features.row(0).to_vec())?;
        let decide_s = timer.lap();
        let reader = reading.warnings.into_iter().map(|warning| AnswerWarning {
            message: warning.to_string(),
            code: AnswerWarningCode::Reader(warning.code),
        });
        Ok(self.answer(
            decision,
            Digest::of(bytes),
            reader.chain(drift).collect(),
            Timings {
                read_s,
                preprocess_s,
                features_s,
                decide_s,
            },
        ))
    }

    /// Features of input vectors, by the bundle's own model.
    ///
    /// # Shapes
    /// `[n, bins]` → `[n, features]`
    ///
    /// # Errors
    /// As [`FeatureExtractor::extract`].
    pub fn features(
        &self,
        vectors: ArrayView2<'_, f32>,
        watch: &Watch<'_>,
    ) -> Result<Array2<f32>, PipelineError> {
        Ok(self.extractor.extract(vectors, watch)?)
    }

    /// [`decide`] with this bundle's head and gate.
    ///
    /// # Errors
    /// When the length is wrong or something is not finite.
    pub fn decide(&self, features: &[f32]) -> Result<Decision, PipelineError> {
        decide(self.bundle.head(), self.bundle.gate(), features)
    }

    fn answer(
        &self,
        decision: Decision,
        spectrum: Digest,
        warnings: Vec<AnswerWarning>,
        timings: Timings,
    ) -> Answer {
        let classes = &self.bundle.contents().classes;
        let label = classes[decision.class].clone();
        let gate = decision.gate;
        Answer {
            verdict: Verdict::of(gate.inlier),
            label: gate.inlier.then(|| label.clone()),
            closed_set_label: label,
            class_probabilities: classes
                .iter()
                .zip(&decision.probabilities)
                .map(|(label, &probability)| ClassProbability {
                    label: label.clone(),
                    probability,
                })
                .collect(),
            gate: GateReading {
                detector: self.bundle.gate().spec().detector.name().to_owned(),
                score: gate.score,
                threshold: gate.threshold,
                p_value: gate.p_value,
                n: gate.n,
            },
            bundle: self.bundle.id(),
            spectrum,
            warnings,
            timings,
        }
    }
}

/// Head, probabilities and gate for one vector of features. The same features give the same
/// bits, whoever computed them.
///
/// # Shapes
/// `[features]` → `[classes]`
///
/// # Errors
/// When the length is wrong or something is not finite.
pub fn decide(head: &Head, gate: &Gate, features: &[f32]) -> Result<Decision, PipelineError> {
    let logits = head.logits(features)?;
    let probabilities = softmax(&logits)?;
    let wide = |values: &[f32]| values.iter().copied().map(f64::from).collect::<Vec<_>>();
    let gate = gate.judge(Sample::new(&wide(features), &wide(&logits)))?;
    Ok(Decision {
        class: lowest_maximum(&logits),
        logits,
        probabilities,
        gate,
    })
}

/// Position of the largest value; the lowest position where several are equal.
fn lowest_maximum(values: &[f32]) -> usize {
    (1..values.len()).fold(0, |best, i| if values[i] > values[best] { i } else { best })
}

struct Timer {
    clock: Option<fn() -> Duration>,
    last: Duration,
}

impl Timer {
    fn start(clock: Option<fn() -> Duration>) -> Self {
        let last = clock.map_or(Duration::ZERO, |clock| clock());
        Self { clock, last }
    }

    /// Seconds since the start or the last call.
    fn lap(&mut self) -> f64 {
        let now = self.clock.map_or(Duration::ZERO, |clock| clock());
        let passed = now.saturating_sub(self.last).as_secs_f64();
        self.last = now;
        passed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_go_to_the_lowest_index() {
        assert_eq!(lowest_maximum(&[1.0, 3.0, 3.0, 2.0]), 1);
        assert_eq!(lowest_maximum(&[-0.0, 0.0]), 0);
        assert_eq!(lowest_maximum(&[5.0]), 0);
    }
}
