//! Everything about an answer except the network: from bytes to the input vector, and from
//! features to the answer. Needs no runtime, so that features can come from anywhere.

use crate::{
    Bundle, PipelineError,
    answer::{Answer, AnswerWarning, ClassProbability, GateReading, Timings, Verdict},
    dataset::input_vector,
    drift,
    identifier::{Decision, classify, decide},
};
use assay_core::Digest;
use assay_spectrum::Spectrum;
use std::{sync::Arc, time::Duration};

/// A clock that never goes back, since some moment of its own.
pub type Clock = fn() -> Duration;

/// A bundle with all that answering needs besides features.
#[derive(Debug, Clone)]
pub struct Judge {
    bundle: Arc<Bundle>,
    clock: Option<Clock>,
}

/// A spectrum that is ready for the network of one bundle.
#[derive(Debug, Clone, PartialEq)]
pub struct Prepared {
    spectrum: Spectrum,
    vector: Vec<f32>,
    digest: Digest,
    warnings: Vec<AnswerWarning>,
    /// The bundle whose recipe made the vector.
    bundle: Digest,
    read_s: f64,
    preprocess_s: f64,
}

/// An answer, and the time of the stages that only together are [`Timings::decide_s`].
#[derive(Debug, Clone, PartialEq)]
pub struct Concluded {
    /// The answer.
    pub answer: Answer,
    /// From features to probabilities, in seconds.
    pub head_s: f64,
    /// From features and logits to the gate's judgement, in seconds.
    pub gate_s: f64,
}

impl Judge {
    /// A judge for a bundle; without a clock the timings of its answers are zero.
    #[must_use]
    pub fn new(bundle: impl Into<Arc<Bundle>>, clock: Option<Clock>) -> Self {
        Self {
            bundle: bundle.into(),
            clock,
        }
    }

    /// The bundle.
    #[must_use]
    pub const fn bundle(&self) -> &Arc<Bundle> {
        &self.bundle
    }

    /// Reads one file and makes its input vector; `name` is used for its format and in messages.
    ///
    /// # Errors
    /// When the file is no spectrum or the spectrum cannot be preprocessed.
    pub fn prepare(&self, bytes: &[u8], name: &str) -> Result<Prepared, PipelineError> {
        let mut timer = self.timer();
        let reading = assay_formats::read(bytes, Some(name)).map_err(|source| {
            let file = name.to_owned();
            PipelineError::Format { file, source }
        })?;
        let source = Source {
            spectrum: reading.spectrum,
            digest: Digest::of(bytes),
            warnings: reading.warnings.into_iter().map(Into::into).collect(),
        };
        let read_s = timer.lap();
        let prepared = self.preprocess(source, &|| name.to_owned())?;
        Ok(Prepared { read_s, ..prepared })
    }

    /// Makes the input vector of a spectrum that is read already; `digest` is that of its file,
    /// and `reader_warnings` is what its reader found.
    ///
    /// # Errors
    /// When the spectrum cannot be preprocessed.
    pub fn prepare_spectrum(
        &self,
        spectrum: &Spectrum,
        digest: Digest,
        reader_warnings: Vec<AnswerWarning>,
    ) -> Result<Prepared, PipelineError> {
        let source = Source {
            spectrum: spectrum.clone(),
            digest,
            warnings: reader_warnings,
        };
        self.preprocess(source, &|| format!("spectrum {}", digest.short()))
    }

    fn preprocess(
        &self,
        source: Source,
        name: &dyn Fn() -> String,
    ) -> Result<Prepared, PipelineError> {
        let mut timer = self.timer();
        let unusable = |source| PipelineError::Spectrum {
            file: name(),
            source,
        };
        let Source {
            spectrum,
            digest,
            mut warnings,
        } = source;
        let contents = self.bundle.contents();
        let vector = input_vector(&contents.recipe, &spectrum).map_err(unusable)?;
        let range = &contents.training.range;
        warnings.extend(drift::warnings(&spectrum, &contents.recipe, range).map_err(unusable)?);
        Ok(Prepared {
            spectrum,
            vector,
            digest,
            warnings,
            bundle: self.bundle.id(),
            read_s: 0.0,
            preprocess_s: timer.lap(),
        })
    }

    /// The answer for features, which took `features_s` seconds to compute. The same features
    /// give the same answer, whoever computed them.
    ///
    /// # Shapes
    /// `[features]`
    ///
    /// # Errors
    /// When the spectrum was prepared for another bundle, when the number of features is wrong,
    /// or when something is not finite.
    pub fn conclude(
        &self,
        prepared: &Prepared,
        features: &[f32],
        features_s: f64,
    ) -> Result<Answer, PipelineError> {
        let concluded = self.concluded(prepared, features, features_s)?;
        Ok(concluded.answer)
    }

    /// [`Judge::conclude`] with the time of its two stages.
    ///
    /// # Shapes
    /// `[features]`
    ///
    /// # Errors
    /// As [`Judge::conclude`].
    pub fn concluded(
        &self,
        prepared: &Prepared,
        features: &[f32],
        features_s: f64,
    ) -> Result<Concluded, PipelineError> {
        let mut timer = self.timer();
        if prepared.bundle != self.bundle.id() {
            return Err(PipelineError::OtherBundle {
                prepared: prepared.bundle,
                asked: self.bundle.id(),
            });
        }
        let classes = classify(self.bundle.head(), features)?;
        let head_s = timer.lap();
        let decision = classes.judged(self.bundle.gate(), features)?;
        let gate_s = timer.lap();
        let timings = Timings {
            read_s: prepared.read_s,
            preprocess_s: prepared.preprocess_s,
            features_s,
            decide_s: head_s + gate_s,
        };
        Ok(Concluded {
            answer: self.answer(decision, prepared, timings),
            head_s,
            gate_s,
        })
    }

    /// [`decide`] with this bundle's head and gate.
    ///
    /// # Errors
    /// When the length is wrong or something is not finite.
    pub fn decide(&self, features: &[f32]) -> Result<Decision, PipelineError> {
        decide(self.bundle.head(), self.bundle.gate(), features)
    }

    fn answer(&self, decision: Decision, prepared: &Prepared, timings: Timings) -> Answer {
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
            spectrum: prepared.digest,
            warnings: prepared.warnings.clone(),
            timings,
        }
    }

    pub(crate) fn timer(&self) -> Timer {
        Timer::start(self.clock)
    }
}

impl Prepared {
    /// The input vector of the network.
    ///
    /// # Shapes
    /// `[bins]`
    #[must_use]
    pub fn vector(&self) -> &[f32] {
        &self.vector
    }

    /// The spectrum as measured.
    #[must_use]
    pub const fn spectrum(&self) -> &Spectrum {
        &self.spectrum
    }

    /// Digest of the file.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// What the reader and the drift checks found.
    #[must_use]
    pub fn warnings(&self) -> &[AnswerWarning] {
        &self.warnings
    }
}

/// A spectrum as it came.
struct Source {
    spectrum: Spectrum,
    digest: Digest,
    warnings: Vec<AnswerWarning>,
}

pub(crate) struct Timer {
    clock: Option<Clock>,
    last: Duration,
}

impl Timer {
    fn start(clock: Option<Clock>) -> Self {
        let last = clock.map_or(Duration::ZERO, |clock| clock());
        Self { clock, last }
    }

    /// Seconds since the start or the last call.
    pub(crate) fn lap(&mut self) -> f64 {
        let now = self.clock.map_or(Duration::ZERO, |clock| clock());
        let passed = now.saturating_sub(self.last).as_secs_f64();
        self.last = now;
        passed
    }
}

#[cfg(test)]
mod tests;
