//! The one order of steps from file bytes to a verdict.

use crate::{Answer, Bundle, Clock, Judge, PipelineError, Prepared, Watch};
use assay_infer::{FeatureExtractor, MappedFeatures, OnnxRuntime, SessionOptions};
use assay_network::{Head, head::softmax};
use assay_openset::{Gate, Judgement, Sample};
use ndarray::{Array2, ArrayView2, aview1};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// How an identifier runs.
#[derive(Debug, Clone, Default)]
pub struct IdentifierOptions {
    /// The runtime library; `None` searches the usual places.
    pub runtime_library: Option<PathBuf>,
    /// Threads.
    pub session: SessionOptions,
    /// A clock that never goes back, for the timings of answers; without one they are zero.
    pub clock: Option<Clock>,
}

/// A bundle made ready to answer: a [`Judge`] and the network that computes features for it.
#[derive(Debug)]
pub struct Identifier {
    judge: Judge,
    extractor: FeatureExtractor,
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
    pub fn new(
        bundle: impl Into<Arc<Bundle>>,
        options: &IdentifierOptions,
    ) -> Result<Self, PipelineError> {
        let bundle = bundle.into();
        let runtime = OnnxRuntime::load(options.runtime_library.as_deref())?;
        let extractor = bundle.extractor(runtime, &options.session)?;
        Ok(Self {
            judge: Judge::new(bundle, options.clock),
            extractor,
        })
    }

    /// The bundle.
    #[must_use]
    pub fn bundle(&self) -> &Bundle {
        self.judge.bundle()
    }

    /// The part that needs no runtime.
    #[must_use]
    pub const fn judge(&self) -> &Judge {
        &self.judge
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
        let prepared = self.judge.prepare(bytes, name)?;
        let (features, features_s) = self.extract(&prepared)?;
        self.judge.conclude(&prepared, &features, features_s)
    }

    /// Features of a prepared spectrum, and how many seconds they took.
    ///
    /// # Shapes
    /// `[features]`
    ///
    /// # Errors
    /// When the spectrum was prepared for another recipe, or as [`FeatureExtractor::extract`].
    pub fn extract(&self, prepared: &Prepared) -> Result<(Vec<f32>, f64), PipelineError> {
        let mut timer = self.judge.timer();
        let row = aview1(prepared.vector()).insert_axis(ndarray::Axis(0));
        let features = self.features(row, &Watch::none())?;
        Ok((features.into_iter().collect(), timer.lap()))
    }

    /// [`Identifier::extract`] with the feature map of the same run.
    ///
    /// # Errors
    /// As [`FeatureExtractor::extract_with_map`].
    pub fn extract_with_map(
        &self,
        prepared: &Prepared,
    ) -> Result<(MappedFeatures, f64), PipelineError> {
        let mut timer = self.judge.timer();
        let mapped = self.extractor.extract_with_map(prepared.vector())?;
        Ok((mapped, timer.lap()))
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
        self.judge.decide(features)
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
    classify(head, features)?.judged(gate, features)
}

/// What the head says about one vector of features.
pub(crate) struct Classes {
    logits: Vec<f32>,
    probabilities: Vec<f32>,
}

/// The first half of [`decide`].
pub(crate) fn classify(head: &Head, features: &[f32]) -> Result<Classes, PipelineError> {
    let logits = head.logits(features)?;
    let probabilities = softmax(&logits)?;
    Ok(Classes {
        logits,
        probabilities,
    })
}

impl Classes {
    /// The second half of [`decide`], about the same features.
    pub(crate) fn judged(self, gate: &Gate, features: &[f32]) -> Result<Decision, PipelineError> {
        let Self {
            logits,
            probabilities,
        } = self;
        let wide = |values: &[f32]| values.iter().copied().map(f64::from).collect::<Vec<_>>();
        let gate = gate.judge(Sample::new(&wide(features), &wide(&logits)))?;
        Ok(Decision {
            class: lowest_maximum(&logits),
            logits,
            probabilities,
            gate,
        })
    }
}

/// Position of the largest value; the lowest position where several are equal.
fn lowest_maximum(values: &[f32]) -> usize {
    (1..values.len()).fold(0, |best, i| if values[i] > values[best] { i } else { best })
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
