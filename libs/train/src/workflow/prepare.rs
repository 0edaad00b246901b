//! Everything before the first training step: rows, network, features, learning rates.

use super::{
    FinderOutcome, GateInput, Learner, Learnt, Lesson, Model, Resources, Timer, TrainingData,
    rows::Rows, wide,
};
use crate::{
    cuda::open_device,
    error::{Result, TrainError},
    features::{FeatureSource, Features, compute_features},
    fit::EpochRecord,
    lr_finder::estimate_bounds,
    observer::{Observer, Stage},
};
use assay_network::{Head, Weights};
use assay_openset::stratified_split;
use assay_training_spec::{SpecificationError, TrainingSpec, Validation};
use ndarray::{Array2, ArrayView2, Axis, concatenate, s};

/// A run that is ready to train.
pub(crate) struct Prepared<'a> {
    pub(crate) spec: &'a TrainingSpec,
    pub(crate) resources: &'a Resources<'a>,
    pub(crate) rows: Rows,
    pub(crate) model: Model,
    pub(crate) learner: Learner<'a>,
    /// What the part that trains takes: features of a frozen base, or input vectors.
    inputs: Inputs,
}

/// One matrix per kind of row, and what computed it.
#[derive(Debug, Clone)]
pub(crate) struct Inputs {
    /// Known spectra and their copies.
    pub(crate) training: Array2<f32>,
    /// Known unknowns.
    pub(crate) unknown: Array2<f32>,
    /// All rows of the validation data set.
    pub(crate) validation: Option<Array2<f32>>,
    /// The known ones among them.
    validation_known: Option<Array2<f32>>,
    /// What computed the features.
    pub(crate) engine: String,
}

impl Inputs {
    /// Input vectors, for a network that trains as a whole.
    fn vectors(rows: &Rows) -> Self {
        let validation = rows.validation.as_ref().map(|rows| rows.vectors.clone());
        Self {
            training: rows.training.clone(),
            unknown: rows.unknown_vectors.clone(),
            validation_known: known_of(rows, validation.as_ref()),
            validation,
            engine: String::new(),
        }
    }
}

fn known_of(rows: &Rows, validation: Option<&Array2<f32>>) -> Option<Array2<f32>> {
    let known = &rows.validation.as_ref()?.known;
    Some(validation?.select(Axis(0), known))
}

impl<'a> Prepared<'a> {
    pub(crate) fn new(
        data: TrainingData<'_>,
        spec: &'a TrainingSpec,
        resources: &'a Resources<'a>,
        observer: &dyn Observer,
        timer: &mut Timer,
    ) -> Result<Self> {
        if matches!(spec.validation, Validation::Manifest { .. }) && data.validation.is_none() {
            return Err(TrainError::from(SpecificationError::one(
                "validation",
                "--validation",
                "is manifest:FILE, but its spectra were not loaded",
            )));
        }
        observer.stage(Stage::Load);
        let device = open_device(spec.execution.device)?;
        let rows = Rows::new(
            data.dataset,
            data.validation,
            &spec.recipe,
            &spec.augmentation,
            spec.seed,
        )?;
        let model = Model::build(spec, rows.classes.len(), resources.bases_dir)?;
        let learner = Learner::new(&model, spec, rows.classes.len(), device)?;
        timer.lap(Stage::Load);
        let mut prepared = Self {
            spec,
            resources,
            inputs: Inputs::vectors(&rows),
            rows,
            model,
            learner,
        };
        if prepared.model.has_frozen_base() {
            observer.stage(Stage::Features);
            prepared.inputs = prepared.features(&prepared.model.base_weights(), observer)?;
            timer.lap(Stage::Features);
        }
        Ok(prepared)
    }

    /// Features of all rows by a network with these weights.
    fn features(&self, weights: &Weights, observer: &dyn Observer) -> Result<Inputs> {
        let rows = &self.rows;
        let mut parts: Vec<ArrayView2<'_, f32>> =
            vec![rows.training.view(), rows.unknown_vectors.view()];
        parts.extend(rows.validation.as_ref().map(|rows| rows.vectors.view()));
        let all = concatenate(Axis(0), &parts)
            .map_err(|_| TrainError::Defect("input vectors differ in length"))?;
        let checkpoints = self.spec.execution.checkpoints.as_ref();
        let source = FeatureSource {
            graph: &self.model.built.graph,
            weights,
            foreign: self.model.foreign(),
            device: self.learner.device(),
            threads: self.spec.execution.thread_count(),
            runtime_library: self.resources.runtime_library,
            keep_in: checkpoints.map(|settings| settings.folder.as_path()),
        };
        let Features { values, engine } = compute_features(&source, all.view(), observer)?;
        let (training, rest) = (rows.training.nrows(), rows.unknown_vectors.nrows());
        let part = |from: usize, to: usize| values.slice(s![from..to, ..]).to_owned();
        let validation = rows.validation.as_ref();
        let validation = validation.map(|_| part(training + rest, values.nrows()));
        Ok(Inputs {
            training: part(0, training),
            unknown: part(training, training + rest),
            validation_known: known_of(rows, validation.as_ref()),
            validation,
            engine,
        })
    }

    /// All training rows, with the validation curves of another manifest where there is one.
    pub(crate) fn training_lesson(&self) -> Lesson<'_> {
        Lesson {
            inputs: self.inputs.training.view(),
            class_of: &self.rows.class_of,
            validation: self
                .inputs
                .validation_known
                .as_ref()
                .zip(self.rows.validation.as_ref())
                .map(|(inputs, rows)| (inputs.view(), rows.class_of.as_slice())),
        }
    }

    /// Features behind the trained part, for the gate and for judging.
    pub(crate) fn scored_rows(&self, learnt: &Learnt, observer: &dyn Observer) -> Result<Scored> {
        let inputs = if self.model.has_frozen_base() {
            self.inputs.clone()
        } else {
            self.features(&self.model.whole(&learnt.weights), observer)?
        };
        check_alive(inputs.training.view(), &learnt.history)?;
        let head = Head::from_weights(&learnt.weights)?;
        Ok(Scored {
            logits: logits(&head, inputs.training.view())?,
            unknown_logits: logits(&head, inputs.unknown.view())?,
            features: wide(inputs.training.view()),
            unknown_features: wide(inputs.unknown.view()),
            training: inputs.training,
            unknown: inputs.unknown,
            validation: inputs.validation,
            engine: inputs.engine,
        })
    }

    pub(crate) fn gate_input<'b>(&'b self, scored: &'b Scored) -> GateInput<'b> {
        GateInput {
            features: scored.features.view(),
            logits: scored.logits.view(),
            class_of: &self.rows.class_of,
            originals: self.rows.known.len(),
            classes: &self.rows.classes,
            unknown_features: scored.unknown_features.view(),
            unknown_logits: scored.unknown_logits.view(),
            unknown_class_of: &self.rows.unknown_class_of,
        }
    }

    /// Features of the data set's own spectra, in its order.
    pub(crate) fn in_dataset_order(&self, scored: &Scored) -> Array2<f32> {
        let width = scored.training.ncols();
        let rows = self.rows.known.len() + self.rows.unknown.len();
        let mut features = Array2::zeros((rows, width));
        for (values, &row) in scored.training.rows().into_iter().zip(&self.rows.known) {
            features.row_mut(row).assign(&values);
        }
        for (values, &row) in scored.unknown.rows().into_iter().zip(&self.rows.unknown) {
            features.row_mut(row).assign(&values);
        }
        features
    }
}

/// Features and logits behind a trained network.
#[derive(Debug)]
pub(crate) struct Scored {
    /// Features of the training rows in single precision, as a served model computes them.
    pub(crate) training: Array2<f32>,
    pub(crate) unknown: Array2<f32>,
    pub(crate) validation: Option<Array2<f32>>,
    pub(crate) engine: String,
    features: Array2<f64>,
    unknown_features: Array2<f64>,
    logits: Array2<f64>,
    unknown_logits: Array2<f64>,
}

/// Refuses features that tell nothing about a spectrum.
pub(crate) fn check_alive(features: ArrayView2<'_, f32>, history: &[EpochRecord]) -> Result<()> {
    let first = features.row(0);
    if features.rows().into_iter().any(|row| row != first) {
        return Ok(());
    }
    let rates = history.iter().map(|epoch| epoch.rate);
    Err(TrainError::Died {
        largest_rate: rates.fold(0.0, f64::max),
    })
}

/// Logits by the function that serves.
pub(crate) fn logits(head: &Head, features: ArrayView2<'_, f32>) -> Result<Array2<f64>> {
    let mut all = Array2::zeros((features.nrows(), head.classes()));
    for (mut target, row) in all.rows_mut().into_iter().zip(features.rows()) {
        let logits = head.logits(&row.to_vec())?;
        for (target, value) in target.iter_mut().zip(logits) {
            *target = f64::from(value);
        }
    }
    Ok(all)
}

/// Runs the learning-rate finder unless the bounds are given.
pub(crate) fn rates_for(
    prepared: &Prepared<'_>,
    observer: &dyn Observer,
    timer: &mut Timer,
) -> Result<FinderOutcome> {
    let spec = prepared.spec;
    if let Some(bounds) = spec.schedule.bounds {
        bounds.check()?;
        return Ok(FinderOutcome {
            curve: Vec::new(),
            bounds,
            given: true,
        });
    }
    observer.stage(Stage::RateFinder);
    let curve = prepared
        .learner
        .search_rates(&prepared.training_lesson(), observer)?;
    let bounds = estimate_bounds(&curve, spec.finder.fraction, spec.finder.skip)?;
    timer.lap(Stage::RateFinder);
    Ok(FinderOutcome {
        curve,
        bounds,
        given: false,
    })
}

impl Prepared<'_> {
    /// Trains on a part of the known spectra, or on all of them where another manifest
    /// validates, for the validation curves. Nothing of it goes into the delivered model.
    pub(crate) fn validation_run(
        &self,
        rates: &[f64],
        observer: &dyn Observer,
        timer: &mut Timer,
    ) -> Result<Option<Vec<EpochRecord>>> {
        let Validation::Fraction { fraction } = self.spec.validation else {
            return Ok(None);
        };
        observer.stage(Stage::Validation);
        let held = HeldOut::new(self, fraction)?;
        let learnt = self
            .learner
            .learn(&held.lesson(), rates, Some("validation"), observer)?;
        timer.lap(Stage::Validation);
        Ok(Some(learnt.history))
    }
}

/// Training rows on both sides of a stratified split of the known spectra.
pub(crate) struct HeldOut {
    inputs: Array2<f32>,
    class_of: Vec<usize>,
    validation: Array2<f32>,
    validation_class_of: Vec<usize>,
}

impl HeldOut {
    pub(crate) fn new(prepared: &Prepared<'_>, fraction: f64) -> Result<Self> {
        let rows = &prepared.rows;
        let spectra = &rows.class_of[..rows.known.len()];
        let split = stratified_split(spectra, fraction, prepared.spec.seed)
            .map_err(|error| error.with_labels(&rows.classes))?;
        let kept = rows.with_copies(&split.training);
        let classes = |of: &[usize]| of.iter().map(|&row| rows.class_of[row]).collect();
        Ok(Self {
            inputs: prepared.inputs.training.select(Axis(0), &kept),
            class_of: classes(&kept),
            validation: prepared.inputs.training.select(Axis(0), &split.held_out),
            validation_class_of: classes(&split.held_out),
        })
    }

    pub(crate) fn lesson(&self) -> Lesson<'_> {
        Lesson {
            inputs: self.inputs.view(),
            class_of: &self.class_of,
            validation: Some((self.validation.view(), &self.validation_class_of)),
        }
    }
}
