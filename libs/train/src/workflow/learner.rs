//! Trains the part of a network that trains, on any rows, always from the same start.

use super::{Model, coordinates::Coordinates};
use crate::{
    backend::{TchNetwork, Trainable},
    error::{Result, TrainError},
    fit::{
        CheckpointPlan, EpochRecord, Examples, FitData, FitSettings, fit, logits_of, search_rates,
    },
    loss::balanced_class_weights,
    lr_finder::CurvePoint,
    observer::Observer,
};
use assay_network::{Graph, Weights};
use assay_training_spec::TrainingSpec;
use ndarray::{Array2, ArrayView2, Axis, CowArray, Ix2};
use tch::Device;

/// Rows to learn from, and rows for the validation curves.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lesson<'a> {
    /// `[n, width]`
    pub(crate) inputs: ArrayView2<'a, f32>,
    /// `[n]`
    pub(crate) class_of: &'a [usize],
    /// Rows that are only looked at.
    pub(crate) validation: Option<(ArrayView2<'a, f32>, &'a [usize])>,
}

/// What a lesson leaves behind.
#[derive(Debug)]
pub(crate) struct Learnt {
    /// Weights of the part that trains.
    pub(crate) weights: Weights,
    pub(crate) history: Vec<EpochRecord>,
}

/// The part of a network that trains, with its start and its settings.
#[derive(Debug)]
pub(crate) struct Learner<'a> {
    graph: Graph,
    start: Weights,
    spec: &'a TrainingSpec,
    n_classes: usize,
    device: Device,
    threads: usize,
}

impl<'a> Learner<'a> {
    pub(crate) fn new(
        model: &Model,
        spec: &'a TrainingSpec,
        n_classes: usize,
        device: Device,
    ) -> Result<Self> {
        Ok(Self {
            graph: model.trained.clone(),
            start: model.start(spec.seed)?,
            spec,
            n_classes,
            device,
            // A head's matrices are so small that a second thread only costs time.
            threads: if model.has_frozen_base() {
                1
            } else {
                spec.execution.thread_count()
            },
        })
    }

    pub(crate) const fn device(&self) -> Device {
        self.device
    }

    /// The curve of the learning-rate finder on a copy of the start.
    pub(crate) fn search_rates(
        &self,
        lesson: &Lesson<'_>,
        observer: &dyn Observer,
    ) -> Result<Vec<CurvePoint>> {
        let coordinates = self.coordinates(lesson)?;
        let inputs = changed(coordinates.as_ref(), lesson.inputs);
        let examples = Examples::new(inputs.view(), lesson.class_of, self.device)?;
        let settings = self.settings(lesson.class_of, &[])?;
        search_rates(
            &self.network(coordinates.as_ref())?,
            &examples,
            &settings,
            self.spec.finder,
            observer,
        )
    }

    /// Trains from the start. With a name, checkpoints are written under it where the
    /// specification asks for some.
    pub(crate) fn learn(
        &self,
        lesson: &Lesson<'_>,
        rates: &[f64],
        name: Option<&str>,
        observer: &dyn Observer,
    ) -> Result<Learnt> {
        let coordinates = self.coordinates(lesson)?;
        let network = self.network(coordinates.as_ref())?;
        let examples = |inputs: ArrayView2<'_, f32>, class_of: &[usize]| {
            let inputs = changed(coordinates.as_ref(), inputs);
            Examples::new(inputs.view(), class_of, self.device)
        };
        let training = examples(lesson.inputs, lesson.class_of)?;
        let validation = lesson
            .validation
            .map(|(inputs, class_of)| examples(inputs, class_of))
            .transpose()?;
        let data = FitData {
            training: &training,
            validation: validation.as_ref(),
        };
        let plan = name.zip(self.spec.execution.checkpoints.as_ref());
        let plan = plan.map(|(name, settings)| CheckpointPlan {
            folder: settings.folder.clone(),
            name: name.to_owned(),
            every_steps: settings.every_steps,
        });
        let settings = self.settings(lesson.class_of, rates)?;
        let history = fit(&network, data, &settings, plan.as_ref(), observer)?;
        let weights = network.export()?;
        Ok(Learnt {
            weights: match &coordinates {
                Some(coordinates) => coordinates.turn_back(weights)?,
                None => weights,
            },
            history,
        })
    }

    /// Logits of every row from a network that was trained on the other folds. With a name,
    /// each of these trainings has checkpoints of its own.
    pub(crate) fn out_of_fold_logits(
        &self,
        lesson: &Lesson<'_>,
        fold_of: &[usize],
        rates: &[f64],
        name: Option<&str>,
        observer: &dyn Observer,
    ) -> Result<Array2<f64>> {
        let folds = fold_of.iter().max().map_or(0, |last| last + 1);
        let mut logits = Array2::zeros((fold_of.len(), self.n_classes));
        for fold in 0..folds {
            let (held_out, kept): (Vec<usize>, Vec<usize>) =
                (0..fold_of.len()).partition(|&row| fold_of[row] == fold);
            if held_out.is_empty() {
                continue;
            }
            let inputs = lesson.inputs.select(Axis(0), &kept);
            let class_of: Vec<usize> = kept.iter().map(|&row| lesson.class_of[row]).collect();
            let part = Lesson {
                inputs: inputs.view(),
                class_of: &class_of,
                validation: None,
            };
            let name = name.map(|name| format!("{name}-{fold}"));
            let learnt = self.learn(&part, rates, name.as_deref(), observer)?;
            let judged = lesson.inputs.select(Axis(0), &held_out);
            let found = self.logits(&learnt.weights, judged.view())?;
            for (&row, found) in held_out.iter().zip(found.rows()) {
                logits.row_mut(row).assign(&found.mapv(f64::from));
            }
        }
        Ok(logits)
    }

    /// Logits of rows.
    pub(crate) fn logits(
        &self,
        weights: &Weights,
        inputs: ArrayView2<'_, f32>,
    ) -> Result<Array2<f32>> {
        let network = TchNetwork::new(&self.graph, weights, self.device, Trainable::Nothing)?;
        let no_class = vec![0; inputs.nrows()];
        let examples = Examples::new(inputs, &no_class, self.device)?;
        let values = logits_of(&network, &examples, self.spec.batch_size)?;
        Array2::from_shape_vec((inputs.nrows(), self.n_classes), values)
            .map_err(|_| TrainError::Defect("logits have another number of columns than classes"))
    }

    fn network(&self, coordinates: Option<&Coordinates>) -> Result<TchNetwork> {
        let graph = coordinates.map_or(&self.graph, Coordinates::graph);
        TchNetwork::new(graph, &self.start, self.device, Trainable::All)
    }

    /// Coordinates in which the rows of a lesson are standardised, where the specification wants
    /// that and the network begins with a convolution of the input vector.
    fn coordinates(&self, lesson: &Lesson<'_>) -> Result<Option<Coordinates>> {
        if self.spec.standardise {
            Coordinates::of(&self.graph, lesson.inputs)
        } else {
            Ok(None)
        }
    }

    fn settings(&self, class_of: &[usize], rates: &[f64]) -> Result<FitSettings> {
        Ok(FitSettings {
            rates: rates.to_vec(),
            batch_size: self.spec.batch_size,
            class_weights: balanced_class_weights(class_of, self.n_classes)?,
            seed: self.spec.seed,
            threads: self.threads,
        })
    }
}

/// Inputs in other coordinates.
fn changed<'a>(
    coordinates: Option<&Coordinates>,
    inputs: ArrayView2<'a, f32>,
) -> CowArray<'a, f32, Ix2> {
    match coordinates {
        Some(coordinates) => coordinates.inputs(inputs).into(),
        None => inputs.into(),
    }
}
