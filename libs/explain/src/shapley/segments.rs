//! Shapley values of ranges of energy. Hiding one changes a cross of the image and may rescale it
//! all, so the whole network runs for each.

use super::settings::{Hidden, ShapleySettings, owen_settings};
use crate::ExplainError;
use assay_core::Classified;
use assay_pipeline::{Judge, PipelineError, Prepared};
use assay_shap::{Game, Owen, Progress, Query, SegmentMasker, SegmentPartition, ShapError, Span};
use ndarray::{Array2, ArrayView2};
use serde::Serialize;

/// An explanation in progress: batch after batch of input vectors goes through the network,
/// wherever that runs. [`SegmentShapley::state`] between two batches can be stored and taken up
/// again to the bit.
#[derive(Debug, Clone)]
pub struct SegmentShapley {
    judge: Judge,
    masker: SegmentMasker,
    edges_kev: Vec<f64>,
    owen: Owen<Span>,
}

/// What ranges of energy add to the logits of some classes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SegmentValues {
    /// Rising edges of the ranges in keV, one more than ranges.
    pub edges_kev: Vec<f64>,
    /// Indices of the explained classes.
    pub classes: Vec<usize>,
    /// Logit of each class with everything hidden.
    pub base: Vec<f64>,
    /// Logit of each class of the spectrum itself: base and values add up to it.
    pub full: Vec<f64>,
    /// For each class one value per range.
    pub values: Vec<Vec<f64>>,
    /// Runs of the network.
    pub evals: usize,
}

impl SegmentShapley {
    /// Begins: the spectrum as it is and with everything hidden go through the network.
    ///
    /// `features` maps `[n, bins]` to `[n, features]`.
    ///
    /// # Errors
    /// When a setting is out of its range or does not fit the model, or the network fails.
    pub fn start<F, E>(
        judge: &Judge,
        prepared: &Prepared,
        settings: &ShapleySettings,
        features: F,
    ) -> Result<Self, ExplainError>
    where
        F: FnMut(ArrayView2<'_, f32>) -> Result<Array2<f32>, E>,
        E: Classified + Send + Sync + 'static,
    {
        let (masker, edges_kev) = masker(judge, prepared, settings)?;
        let partition = masker.partition().clone();
        let mut game = Network {
            judge,
            masker: &masker,
            features,
        };
        let owen = Owen::start(
            &partition,
            &mut game,
            owen_settings(settings.max_evals, &settings.classes),
        )?;
        Ok(Self {
            judge: judge.clone(),
            masker,
            edges_kev,
            owen,
        })
    }

    /// Goes on from a state that was stored.
    ///
    /// # Errors
    /// When a setting does not fit the model, or the state is of other settings.
    pub fn resume(
        judge: &Judge,
        prepared: &Prepared,
        settings: &ShapleySettings,
        state: Owen<Span>,
    ) -> Result<Self, ExplainError> {
        let (masker, edges_kev) = masker(judge, prepared, settings)?;
        Ok(Self {
            judge: judge.clone(),
            masker,
            edges_kev,
            owen: state,
        })
    }

    /// How far it is.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.owen.progress()
    }

    /// The state as it can be stored.
    #[must_use]
    pub const fn state(&self) -> &Owen<Span> {
        &self.owen
    }

    /// One batch more. After an error the state is as before.
    ///
    /// # Errors
    /// When the network fails, or the state is of other settings.
    pub fn step<F, E>(&mut self, features: F) -> Result<Progress, ExplainError>
    where
        F: FnMut(ArrayView2<'_, f32>) -> Result<Array2<f32>, E>,
        E: Classified + Send + Sync + 'static,
    {
        let mut game = Network {
            judge: &self.judge,
            masker: &self.masker,
            features,
        };
        Ok(self.owen.step(self.masker.partition(), &mut game)?)
    }

    /// The values, once the budget is spent.
    ///
    /// # Errors
    /// When it is not, or when base and values do not add up to the logit.
    pub fn finish(&self) -> Result<SegmentValues, ExplainError> {
        let found = self.owen.finish(self.masker.partition())?;
        Ok(SegmentValues {
            edges_kev: self.edges_kev.clone(),
            classes: found.outputs,
            base: found.base,
            full: found.full,
            values: found
                .values
                .columns()
                .into_iter()
                .map(|c| c.to_vec())
                .collect(),
            evals: found.rows,
        })
    }
}

/// What hides and shows segments, and their edges in keV.
fn masker(
    judge: &Judge,
    prepared: &Prepared,
    settings: &ShapleySettings,
) -> Result<(SegmentMasker, Vec<f64>), ExplainError> {
    settings.check()?;
    let recipe = &judge.bundle().contents().recipe;
    let partition = SegmentPartition::even(recipe.bins(), settings.segments)?;
    let half_kev = 0.5 * recipe.grid.bin_width_kev();
    let edges = partition.edges_bins().iter();
    let edges_kev = edges
        .map(|&bin| recipe.energy_kev(bin) - half_kev)
        .collect();
    let vector = prepared.vector();
    let masker = match settings.hidden {
        Hidden::LocalBackground => SegmentMasker::background(vector, partition)?,
        Hidden::TrainingMean => {
            let mean = judge.bundle().training_mean();
            let mean = mean.ok_or(ExplainError::NoTrainingMean)?;
            SegmentMasker::behind(vector, &mean.to_vec(), partition)?
        }
    };
    Ok((masker, edges_kev))
}

/// The network with the head: from masked vectors to logits.
struct Network<'a, F> {
    judge: &'a Judge,
    masker: &'a SegmentMasker,
    features: F,
}

impl<F, E> Game<Span> for Network<'_, F>
where
    F: FnMut(ArrayView2<'_, f32>) -> Result<Array2<f32>, E>,
    E: Classified + Send + Sync + 'static,
{
    fn evaluate(&mut self, queries: &[Query<Span>]) -> Result<Array2<f64>, ShapError> {
        let mut vectors = Array2::zeros((queries.len(), self.masker.hidden().len()));
        for (query, mut row) in queries.iter().zip(vectors.rows_mut()) {
            let masked = self.masker.masked(&query.present)?;
            row.iter_mut().zip(masked).for_each(|(to, from)| *to = from);
        }
        let features = (self.features)(vectors.view()).map_err(ShapError::game)?;
        let head = self.judge.bundle().head();
        let mut logits = Array2::zeros((queries.len(), head.classes()));
        for (features, mut row) in features.rows().into_iter().zip(logits.rows_mut()) {
            let found = head.logits(&features.to_vec());
            let found = found.map_err(|error| ShapError::game(PipelineError::from(error)))?;
            row.iter_mut()
                .zip(found)
                .for_each(|(to, from)| *to = f64::from(from));
        }
        Ok(logits)
    }
}
