//! Reasons that take more than the run that answers: what peaks are worth, and what ranges of
//! energy add.

use crate::{
    AnswerError, Answerer, Question,
    answerer::{WAITING, conclude},
    blocking,
    deadline::Deadline,
};
use assay_core::{Classified, Digest, ErrorKind};
use assay_explain::{
    EvidencePlan, EvidenceSettings, ExplainError, Outputs, PeakEvidence, SegmentShapley,
    SegmentValues, ShapError, ShapleySettings,
};
use assay_pipeline::{Answer, Bundle, Judge, Prepared};
use ndarray::{Array2, ArrayView2};
use std::{sync::Arc, time::Duration};
use tokio::runtime::Handle;

/// An answer and what each peak did for a class.
#[derive(Debug, Clone)]
pub struct AnswerWithPeaks {
    /// The answer, to the bit that of [`Answerer::identify`].
    pub answer: Answer,
    /// The peaks.
    pub evidence: PeakEvidence,
    /// What answered.
    pub judge: Arc<Judge>,
    /// The spectrum.
    pub prepared: Prepared,
}

impl Answerer {
    /// The answer by the model that a name stands for now, with what each peak is worth for a
    /// class (`None`: the most probable one). All spectra go through the network as one request.
    ///
    /// # Errors
    /// As [`Answerer::identify`]; for a label that the model does not have, and for settings
    /// outside their range.
    pub async fn peaks(
        &self,
        model: &str,
        question: Question,
        (label, settings): (Option<String>, EvidenceSettings),
        deadline: Option<Duration>,
    ) -> Result<AnswerWithPeaks, AnswerError> {
        let deadline = Deadline::after(deadline);
        settings
            .check()
            .map_err(|error| refused(error, "most_peaks"))?;
        let bundle = self.resolve(model, deadline).await?;
        let (judge, prepared) = self.prepared(bundle, question, deadline).await?;
        let class = label
            .map(|label| class_of(judge.bundle(), &label))
            .transpose()?;
        let planning = Arc::clone(&judge);
        let plan = blocking::run(move || {
            let plan = EvidencePlan::new(&planning, &prepared, &settings);
            let plan = plan.map_err(|error| refused(error, "request"))?;
            Ok((plan, prepared))
        });
        let (plan, prepared) = deadline.within("looking for peaks", plan).await?;
        let vectors: Vec<Vec<f32>> = plan
            .vectors()
            .rows()
            .into_iter()
            .map(|r| r.to_vec())
            .collect();
        let began = self.now();
        let rows = vectors.len();
        let left = deadline.left(WAITING)?;
        let features = self.sources.features.features(bundle, vectors, left);
        let features = deadline.within(WAITING, features).await?.rows;
        let features_s = self.now().saturating_sub(began).as_secs_f64() / rows.max(1) as f64;
        let whole = features.first().cloned().unwrap_or_default();
        let (answer, prepared) = conclude(Arc::clone(&judge), prepared, whole, features_s).await?;
        let concluding = Arc::clone(&judge);
        let evidence = blocking::run(move || {
            let features = matrix(features)?;
            let evidence = plan.conclude(&concluding, features.view(), class);
            evidence.map_err(|error| refused(error, "request"))
        });
        Ok(AnswerWithPeaks {
            answer,
            evidence: evidence.await?,
            judge,
            prepared,
        })
    }

    /// What ranges of energy add to the logits of classes. `watch` hears how many of how many runs
    /// of the network are done, and says whether to go on.
    ///
    /// # Errors
    /// As [`Answerer::identify`]; for a label that the model does not have, and for settings that
    /// do not fit. [`AnswerError::Cancelled`] when nobody wants to go on.
    pub async fn shapley(
        &self,
        model: &str,
        question: Question,
        (label, mut settings): (Option<String>, ShapleySettings),
        watch: impl Fn(usize, usize) -> bool + Send + 'static,
        deadline: Option<Duration>,
    ) -> Result<(Arc<Judge>, SegmentValues), AnswerError> {
        let deadline = Deadline::after(deadline);
        settings
            .check()
            .map_err(|error| refused(error, "max_evals"))?;
        let bundle = self.resolve(model, deadline).await?;
        let (judge, prepared) = self.prepared(bundle, question, deadline).await?;
        if let Some(label) = label {
            let class = class_of(judge.bundle(), &label)?;
            settings.classes = Outputs::Chosen(vec![class]);
        }
        let features = Features {
            source: Arc::clone(&self.sources.features),
            runtime: Handle::current(),
            bundle,
            deadline,
        };
        let judging = Arc::clone(&judge);
        let values = blocking::run(move || {
            let features = |vectors: ArrayView2<'_, f32>| features.of(vectors);
            let told = |error| refused(error, "segments");
            let shapley = SegmentShapley::start(&judging, &prepared, &settings, features);
            let mut shapley = shapley.map_err(told)?;
            loop {
                let progress = shapley.progress();
                if !watch(progress.rows.min(progress.max_evals), progress.max_evals) {
                    return Err(AnswerError::Cancelled);
                }
                if progress.finished {
                    return shapley.finish().map_err(told);
                }
                shapley.step(features).map_err(told)?;
            }
        });
        Ok((judge, values.await?))
    }
}

/// The source of features for work on a thread that waits.
struct Features {
    source: Arc<dyn crate::FeatureSource>,
    runtime: Handle,
    bundle: Digest,
    deadline: Deadline,
}

impl Features {
    fn of(&self, vectors: ArrayView2<'_, f32>) -> Result<Array2<f32>, AnswerError> {
        let vectors = vectors.rows().into_iter().map(|row| row.to_vec()).collect();
        let rows = self.runtime.block_on(async {
            let left = self.deadline.left(WAITING)?;
            let features = self.source.features(self.bundle, vectors, left);
            self.deadline.within(WAITING, features).await
        });
        rows.and_then(|features| matrix(features.rows))
    }
}

/// Rows of one length as a matrix.
fn matrix(rows: Vec<Vec<f32>>) -> Result<Array2<f32>, AnswerError> {
    let (count, width) = (rows.len(), rows.first().map_or(0, Vec::len));
    Array2::from_shape_vec((count, width), rows.concat())
        .map_err(|error| AnswerError::Defect(format!("rows of features: {error}")))
}

/// The position of a label among the classes of a model.
///
/// # Errors
/// When it is none of them; the classes are named.
pub fn class_of(bundle: &Bundle, label: &str) -> Result<usize, AnswerError> {
    let classes = &bundle.contents().classes;
    let class = classes.iter().position(|class| class.as_str() == label);
    class.ok_or_else(|| {
        let known: Vec<_> = classes.iter().map(ToString::to_string).collect();
        let known = known.join(", ");
        AnswerError::field(
            "label",
            format!("{label:?} is no class of the model: {known}"),
        )
    })
}

/// An explanation that cannot be had, said of the field that it depends on.
fn refused(error: ExplainError, field: &'static str) -> AnswerError {
    match error {
        ExplainError::Pipeline(error) => error.into(),
        // What the source of features said comes back as it was.
        ExplainError::Shapley(ShapError::Game(error, _)) => match error.downcast::<AnswerError>() {
            Ok(error) => *error,
            Err(error) => AnswerError::Defect(error.to_string()),
        },
        error => match error.kind() {
            ErrorKind::InvalidArgument => AnswerError::field(field, error),
            ErrorKind::FailedPrecondition => AnswerError::NotPossible(error.to_string()),
            _ => AnswerError::Defect(error.to_string()),
        },
    }
}
