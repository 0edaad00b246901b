//! Reasons that take more than the run that answers: what peaks are worth, and everything together.

use crate::{
    AnswerError, Answerer, Explained, Question, Wanted,
    answerer::{WAITING, conclude},
    blocking,
    deadline::Deadline,
    shapley::Shapley,
};
use assay_core::{Classified, ErrorKind};
use assay_explain::{
    CamSettings, EvidencePlan, EvidenceSettings, ExplainError, PeakEvidence, ShapError,
    ShapleySpec, ShapleyValues,
};
use assay_pipeline::{Answer, Bundle, Judge, PipelineError, Prepared};
use ndarray::Array2;
use std::{sync::Arc, time::Duration};

/// An answer and what each peak did for a class.
#[derive(Debug, Clone)]
pub struct AnswerWithPeaks {
    /// The answer, to the bit that of [`Answerer::identify`].
    pub answer: Answer,
    /// The peaks.
    pub evidence: PeakEvidence,
    /// What answered.
    pub judge: Arc<Judge>,
}

/// Which reasons are asked for, beside the class activation map.
#[derive(Debug, Clone, PartialEq)]
pub struct ReasonsAsked {
    /// The class; `None` for the most probable one.
    pub label: Option<String>,
    /// How the map is made and reduced.
    pub cam: CamSettings,
    /// What peaks are worth.
    pub peaks: Option<EvidenceSettings>,
    /// Shapley values.
    pub shapley: Option<ShapleySpec>,
}

/// Every reason for one answer.
#[derive(Debug, Clone)]
pub struct Reasons {
    /// What answered.
    pub judge: Arc<Judge>,
    /// The spectrum.
    pub prepared: Arc<Prepared>,
    /// The answer with its map.
    pub explained: Explained,
    /// What peaks are worth, where it was asked for.
    pub peaks: Option<PeakEvidence>,
    /// Shapley values, where they were asked for.
    pub shapley: Option<ShapleyValues>,
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
        check_peaks(&settings)?;
        let bundle = self.resolve(model, deadline).await?;
        let subject = self.prepared(bundle, question, deadline).await?;
        let class = label
            .map(|label| class_of(subject.0.bundle(), &label))
            .transpose()?;
        let found = self.peaks_of(&subject, (class, settings), deadline).await?;
        let Found {
            evidence,
            whole,
            features_s,
        } = found;
        let (judge, prepared) = subject;
        let answer = conclude(Arc::clone(&judge), prepared, whole, features_s).await?;
        Ok(AnswerWithPeaks {
            answer,
            evidence,
            judge,
        })
    }

    /// Every reason that is asked for, all by one bundle and about one reading of the spectrum.
    ///
    /// # Errors
    /// As [`Answerer::explain`], [`Answerer::peaks`] and [`Answerer::shapley`].
    pub async fn reasons(
        &self,
        model: &str,
        question: Question,
        asked: ReasonsAsked,
        deadline: Option<Duration>,
    ) -> Result<Reasons, AnswerError> {
        let deadline = Deadline::after(deadline);
        asked.peaks.as_ref().map_or(Ok(()), check_peaks)?;
        let bundle = self.resolve(model, deadline).await?;
        let subject = self.prepared(bundle, question, deadline).await?;
        if let Some(spec) = &asked.shapley {
            // Before the work of minutes that comes first.
            let fits = spec.check_for(subject.0.bundle());
            fits.map_err(|error| refused(error, "shap"))?;
        }
        let wanted = Wanted {
            label: asked.label,
            regions: 0,
            cam: asked.cam,
        };
        let explained = self.explained_of(&subject, wanted, deadline).await?;
        let class = Some(class_of(subject.0.bundle(), &explained.label)?);
        let peaks = match asked.peaks {
            None => None,
            Some(settings) => {
                let found = self.peaks_of(&subject, (class, settings), deadline).await?;
                Some(found.evidence)
            }
        };
        let (judge, prepared) = subject;
        let shapley = match asked.shapley {
            None => None,
            Some(spec) => {
                let shapley = Shapley {
                    judge: Arc::clone(&judge),
                    prepared: Arc::clone(&prepared),
                    class,
                    spec,
                    state: None,
                    repeatable: false,
                    batch_time: None,
                };
                Some(self.hide(shapley, |_| Ok(()), deadline).await?)
            }
        };
        Ok(Reasons {
            judge,
            prepared,
            explained,
            peaks,
            shapley,
        })
    }

    async fn peaks_of(
        &self,
        (judge, prepared): &(Arc<Judge>, Arc<Prepared>),
        (class, settings): (Option<usize>, EvidenceSettings),
        deadline: Deadline,
    ) -> Result<Found, AnswerError> {
        let planning = (Arc::clone(judge), Arc::clone(prepared));
        let plan = blocking::run(move || {
            let plan = EvidencePlan::new(&planning.0, &planning.1, &settings);
            plan.map_err(|error| refused(error, "request"))
        });
        let plan = deadline.within("looking for peaks", plan).await?;
        let vectors: Vec<Vec<f32>> = plan
            .vectors()
            .rows()
            .into_iter()
            .map(|r| r.to_vec())
            .collect();
        let began = self.now();
        let rows = vectors.len();
        let left = deadline.left(WAITING)?;
        let bundle = judge.bundle().id();
        let features = self.sources.features.features(bundle, vectors, left);
        let features = deadline.within(WAITING, features).await?.rows;
        let features_s = self.now().saturating_sub(began).as_secs_f64() / rows.max(1) as f64;
        let whole = features.first().cloned().unwrap_or_default();
        let concluding = Arc::clone(judge);
        let evidence = blocking::run(move || {
            let features = matrix(features)?;
            let evidence = plan.conclude(&concluding, features.view(), class);
            evidence.map_err(|error| refused(error, "request"))
        });
        Ok(Found {
            evidence: evidence.await?,
            whole,
            features_s,
        })
    }
}

/// What peaks are worth, with the features of the whole spectrum and the time that each took.
struct Found {
    evidence: PeakEvidence,
    whole: Vec<f32>,
    features_s: f64,
}

fn check_peaks(settings: &EvidenceSettings) -> Result<(), AnswerError> {
    let checked = settings.check();
    checked.map_err(|error| AnswerError::field("most_peaks", error))
}

/// Rows of one length as a matrix.
pub(crate) fn matrix(rows: Vec<Vec<f32>>) -> Result<Array2<f32>, AnswerError> {
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

/// An explanation that cannot be had, said of the setting that it depends on, or else of a field.
pub(crate) fn refused(error: ExplainError, field: &'static str) -> AnswerError {
    match error {
        ExplainError::Pipeline(error) => error.into(),
        ExplainError::Setting {
            name,
            value,
            allowed,
        } => AnswerError::field(name, format!("is {value}; allowed: {allowed}")),
        ExplainError::Exceeds {
            name,
            value,
            most,
            what,
        } => AnswerError::field(
            name,
            format!("is {value}, but the model has {most} {what}; no more are allowed"),
        ),
        // What the source of features said comes back as it was.
        ExplainError::Shapley(ShapError::Game(error, _)) => match error.downcast::<AnswerError>() {
            Ok(error) => *error,
            Err(error) => match error.downcast::<PipelineError>() {
                Ok(error) => (*error).into(),
                Err(error) => AnswerError::Defect(error.to_string()),
            },
        },
        // The model says nothing finite of what is shown in part; another may.
        ExplainError::Shapley(error @ ShapError::NotFinite { .. }) => {
            AnswerError::NotPossible(error.to_string())
        }
        error => match error.kind() {
            ErrorKind::InvalidArgument => AnswerError::field(field, error),
            ErrorKind::FailedPrecondition => AnswerError::NotPossible(error.to_string()),
            _ => AnswerError::Defect(error.to_string()),
        },
    }
}
