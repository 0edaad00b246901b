//! The way of one question: model, bytes, input vector, features, answer. Batches are elsewhere.

use crate::{
    AnswerError, FeatureSource, blocking, deadline::Deadline, images::Images, judges::Judges,
    measure,
};
use assay_core::Digest;
use assay_explain::ImageOptions;
use assay_pipeline::{Answer, Clock, Judge, MAX_SPECTRUM_FILE_BYTES, Prepared};
use assay_store::{BlobStore, BundleRegistry};
use assay_trace::{STEP, step};
use bytes::Bytes;
use std::{num::NonZeroUsize, sync::Arc, thread::available_parallelism, time::Duration};
use tokio::sync::Semaphore;
use tracing::debug_span;

/// Where models, spectra and features come from.
#[derive(Clone)]
pub struct Sources {
    /// Bundles.
    pub registry: Arc<dyn BundleRegistry>,
    /// Files of spectra.
    pub blobs: Arc<dyn BlobStore>,
    /// What runs the networks.
    pub features: Arc<dyn FeatureSource>,
}

/// How answers are made.
#[derive(Debug, Clone, Copy, Default)]
pub struct AnswererOptions {
    /// Bundles kept in memory, those that were asked for last.
    pub bundles: usize,
    /// A clock that never goes back, for the timings of answers; without one they are zero.
    pub clock: Option<Clock>,
    /// How images with hidden pixels are computed.
    pub images: ImageOptions,
}

/// What is asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// A file.
    Content {
        /// Its bytes.
        bytes: Bytes,
        /// Its name, for its format and for messages; may be empty.
        name: String,
    },
    /// A file that was stored before, by its digest.
    Stored(Digest),
}

/// Answers about spectra.
pub struct Answerer {
    pub(crate) sources: Sources,
    judges: Judges,
    /// No more files are read and preprocessed at once than there are processors.
    preparing: Semaphore,
    clock: Option<Clock>,
    pub(crate) images: Arc<Images>,
}

impl Answerer {
    /// An answerer; nothing is read yet.
    #[must_use]
    pub fn new(sources: Sources, options: AnswererOptions) -> Self {
        let processors = available_parallelism().map_or(1, NonZeroUsize::get);
        Self {
            judges: Judges::new(sources.registry.clone(), options.bundles, options.clock),
            sources,
            preparing: Semaphore::new(processors),
            clock: options.clock,
            images: Arc::new(Images::new(options.images)),
        }
    }

    /// The answer by the model that a name stands for now. `deadline` is the time left; `None`
    /// waits as long as it takes.
    ///
    /// # Errors
    /// When the model or the spectrum cannot be used, or when the time is over.
    pub async fn identify(
        &self,
        model: &str,
        question: Question,
        deadline: Option<Duration>,
    ) -> Result<Answer, AnswerError> {
        let deadline = Deadline::after(deadline);
        let bundle = self.resolve(model, deadline).await?;
        self.identified(bundle, question, deadline).await
    }

    /// The answer by one bundle.
    ///
    /// # Errors
    /// As [`Answerer::identify`].
    pub async fn identify_with(
        &self,
        bundle: Digest,
        question: Question,
        deadline: Option<Duration>,
    ) -> Result<Answer, AnswerError> {
        self.identified(bundle, question, Deadline::after(deadline))
            .await
    }

    /// The judge of the model that a name stands for now: its bundle with classes and gate.
    ///
    /// # Errors
    /// When the model cannot be used, or when the time is over.
    pub async fn describe(
        &self,
        model: &str,
        deadline: Option<Duration>,
    ) -> Result<Arc<Judge>, AnswerError> {
        let deadline = Deadline::after(deadline);
        let bundle = self.resolve(model, deadline).await?;
        deadline.within(READING, self.judges.get(bundle)).await
    }

    /// The judge of one bundle.
    ///
    /// # Errors
    /// When the bundle cannot be used.
    pub async fn judge(&self, bundle: Digest) -> Result<Arc<Judge>, AnswerError> {
        self.judges.get(bundle).await
    }

    pub(crate) async fn resolve(
        &self,
        model: &str,
        deadline: Deadline,
    ) -> Result<Digest, AnswerError> {
        let resolve = self.sources.features.resolve(model);
        let served = deadline.within("looking up the model", resolve).await?;
        Ok(served.bundle)
    }

    async fn identified(
        &self,
        bundle: Digest,
        question: Question,
        deadline: Deadline,
    ) -> Result<Answer, AnswerError> {
        let subject = self.prepared(bundle, question, deadline).await?;
        self.answered(&subject, deadline).await
    }

    /// The answer about a spectrum that is prepared already.
    pub(crate) async fn answered(
        &self,
        (judge, prepared): &(Arc<Judge>, Arc<Prepared>),
        deadline: Deadline,
    ) -> Result<Answer, AnswerError> {
        let bundle = judge.bundle().id();
        let began = self.now();
        let left = deadline.left(WAITING)?;
        let vectors = vec![prepared.vector().to_vec()];
        let features = self.sources.features.features(bundle, vectors, left);
        let span = debug_span!(target: STEP, "features", model.digest = %bundle);
        let mut features = step(span, deadline.within(WAITING, features)).await?;
        let row = match (features.rows.pop(), features.rows.is_empty()) {
            (Some(row), true) => row,
            _ => {
                let reason = "features of one spectrum were asked for, and other rows came";
                return Err(AnswerError::Defect(reason.to_owned()));
            }
        };
        let features_s = self.now().saturating_sub(began).as_secs_f64();
        conclude(Arc::clone(judge), Arc::clone(prepared), row, features_s).await
    }

    /// The bundle's judge and the spectrum's input vector.
    pub(crate) async fn prepared(
        &self,
        bundle: Digest,
        question: Question,
        deadline: Deadline,
    ) -> Result<(Arc<Judge>, Arc<Prepared>), AnswerError> {
        let judge = deadline.within(READING, self.judges.get(bundle)).await?;
        let (bytes, name) = match question {
            Question::Content { bytes, name } if name.is_empty() => (bytes, "the file".to_owned()),
            Question::Content { bytes, name } => (bytes, name),
            Question::Stored(digest) => {
                let fetch = self.fetched(digest);
                let bytes = deadline.within("fetching the spectrum", fetch).await?;
                (bytes, format!("spectrum {}", digest.short()))
            }
        };
        let prepare = async {
            let permit = self.preparing.acquire().await;
            let _permit = permit.map_err(|closed| AnswerError::Defect(closed.to_string()))?;
            blocking::run(move || {
                let prepared = judge.prepare(&bytes, &name)?;
                Ok((judge, Arc::new(prepared)))
            })
            .await
        };
        let span = debug_span!(target: STEP, "read", model.digest = %bundle);
        step(span, deadline.within("reading the spectrum", prepare)).await
    }

    /// A stored file, unless it is larger than any spectrum: a digest may be that of anything.
    async fn fetched(&self, digest: Digest) -> Result<Bytes, AnswerError> {
        let size_bytes = self.sources.blobs.size(digest).await?;
        if let Some(size_bytes) = size_bytes.filter(|size| *size > MAX_SPECTRUM_FILE_BYTES as u64) {
            let reason = format!(
                "{digest} has {size_bytes} bytes; at most {MAX_SPECTRUM_FILE_BYTES} are read, so it is no \
                 spectrum"
            );
            return Err(AnswerError::field("spectrum_digest", reason));
        }
        Ok(self.sources.blobs.get(digest).await?)
    }

    pub(crate) fn now(&self) -> Duration {
        self.clock.map_or(Duration::ZERO, |clock| clock())
    }
}

const READING: &str = "reading the model";
pub(crate) const WAITING: &str = "waiting for features";

/// The answer from the features of a spectrum.
pub(crate) async fn conclude(
    judge: Arc<Judge>,
    prepared: Arc<Prepared>,
    features: Vec<f32>,
    features_s: f64,
) -> Result<Answer, AnswerError> {
    let span = debug_span!(target: STEP, "gate", model.digest = %judge.bundle().id());
    let concluded = blocking::run(move || {
        let concluded = judge.concluded(&prepared, &features, features_s)?;
        measure::concluded(&concluded);
        Ok(concluded.answer)
    });
    step(span, concluded).await
}
