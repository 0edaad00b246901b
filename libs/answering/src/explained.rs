//! An answer with the energies that decided it, from one run of the network.

use crate::{
    AnswerError, Answerer, Explaining, ImportanceRow, Question,
    answerer::{WAITING, conclude},
    blocking,
    deadline::Deadline,
};
use assay_core::Digest;
use assay_explain::{CamSettings, ClassMap, Importances, Region};
use assay_pipeline::{Answer, Judge, Prepared};
use assay_trace::{STEP, step};
use std::{sync::Arc, time::Duration};
use tracing::debug_span;

/// An answer and why it is what it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Explained {
    /// The answer, to the bit that of [`Answerer::identify`].
    pub answer: Answer,
    /// Logit of every class, in the order of the model's classes.
    pub logits: Vec<f32>,
    /// The class that is explained.
    pub label: String,
    /// Energy of each bin's centre in keV.
    pub energy_kev: Vec<f64>,
    /// Importance of each bin: positive speaks for the class, negative against it.
    pub importance: Vec<f32>,
    /// The input vector, per bin.
    pub input: Vec<f32>,
    /// The most important regions, highest importance first.
    pub regions: Vec<Region>,
    /// The map that the importances come from, not made symmetric.
    pub map: ClassMap,
}

impl Answerer {
    /// The answer by the model that a name stands for now, with the importance of every bin for
    /// a class (`None`: the most probable one) and at most `regions` regions of energy.
    ///
    /// # Errors
    /// As [`Answerer::identify`]; for a label the model does not have, and for a model whose
    /// structure has no class activation map.
    pub async fn explain(
        &self,
        model: &str,
        question: Question,
        wanted: Wanted,
        deadline: Option<Duration>,
    ) -> Result<Explained, AnswerError> {
        let deadline = Deadline::after(deadline);
        let bundle = self.resolve(model, deadline).await?;
        self.explained(bundle, question, wanted, deadline).await
    }

    /// [`Answerer::explain`] by one bundle.
    ///
    /// # Errors
    /// As [`Answerer::explain`].
    pub async fn explain_with(
        &self,
        bundle: Digest,
        question: Question,
        wanted: Wanted,
        deadline: Option<Duration>,
    ) -> Result<Explained, AnswerError> {
        let deadline = Deadline::after(deadline);
        self.explained(bundle, question, wanted, deadline).await
    }

    async fn explained(
        &self,
        bundle: Digest,
        question: Question,
        wanted: Wanted,
        deadline: Deadline,
    ) -> Result<Explained, AnswerError> {
        let subject = self.prepared(bundle, question, deadline).await?;
        self.explained_of(&subject, wanted, deadline).await
    }

    /// The same about a spectrum that is prepared already.
    pub(crate) async fn explained_of(
        &self,
        (judge, prepared): &(Arc<Judge>, Arc<Prepared>),
        wanted: Wanted,
        deadline: Deadline,
    ) -> Result<Explained, AnswerError> {
        let bundle = judge.bundle().id();
        let began = self.now();
        let left = deadline.left(WAITING)?;
        let vector = prepared.vector().to_vec();
        let importances = &self.sources.features;
        let asked = Explaining {
            label: wanted.label,
            cam: wanted.cam,
        };
        let importances = importances.importances(bundle, vector, asked, left);
        let span = debug_span!(target: STEP, "importances", model.digest = %bundle);
        let row = step(span, deadline.within(WAITING, importances)).await?;
        let features_s = self.now().saturating_sub(began).as_secs_f64();
        let ImportanceRow {
            label,
            energy_kev,
            importance,
            features,
            map,
        } = row;
        let logits = judge.decide(&features)?.logits;
        let concluding = (Arc::clone(judge), Arc::clone(prepared));
        let answer = conclude(concluding.0, concluding.1, features, features_s).await?;
        let importances = importances_of(judge, &label, energy_kev, importance)?;
        let most = wanted.regions;
        let prepared = Arc::clone(prepared);
        blocking::run(move || {
            Ok(Explained {
                answer,
                logits,
                label,
                regions: importances.top_regions(most),
                energy_kev: importances.energy_kev,
                importance: importances.importance,
                input: prepared.vector().to_vec(),
                map,
            })
        })
        .await
    }
}

/// Puts together again what came from the source of features, checked against the bundle.
fn importances_of(
    judge: &Judge,
    label: &str,
    energy_kev: Vec<f64>,
    importance: Vec<f32>,
) -> Result<Importances, AnswerError> {
    let contents = judge.bundle().contents();
    let bins = contents.recipe.bins();
    if energy_kev.len() != bins || importance.len() != bins {
        let found = importance.len();
        return Err(AnswerError::Defect(format!(
            "{found} importances and {} energies came for {bins} bins",
            energy_kev.len()
        )));
    }
    let mut classes = contents.classes.iter();
    let Some(class) = classes.position(|class| class.as_str() == label) else {
        return Err(AnswerError::Defect(format!(
            "importances for {label:?} came, which is no class of the model"
        )));
    };
    Ok(Importances {
        class,
        label: contents.classes[class].clone(),
        energy_kev,
        bin_width_kev: contents.recipe.grid.bin_width_kev(),
        importance,
        relative: Vec::new(),
    })
}

/// What is to be explained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The class; `None` for the most probable one.
    pub label: Option<String>,
    /// Most regions to list.
    pub regions: usize,
    /// How the map is made and reduced.
    pub cam: CamSettings,
}
