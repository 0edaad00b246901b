//! Input vectors and features of a data set for all rounds of a benchmark.

use crate::{
    cuda::open_device,
    error::Result,
    features::{FeatureSource, Features, compute_features},
    observer::{Observer, Stage},
    workflow::{Model, Resources, vectors_with_copies},
};
use assay_network::Weights;
use assay_pipeline::{Dataset, protocols::Modification};
use assay_training_spec::TrainingSpec;
use ndarray::{Array2, ArrayView2, Axis};
use std::cell::RefCell;
use tch::Device;

/// What every round draws from.
pub(super) struct Source<'a> {
    pub(super) dataset: &'a Dataset,
    pub(super) spec: &'a TrainingSpec,
    pub(super) resources: &'a Resources<'a>,
    pub(super) device: Device,
    /// What trains on: features of a frozen base, or input vectors. All rows of the data set,
    /// then their copies, copy by copy.
    inputs: Array2<f32>,
    frozen_base: bool,
    engine: RefCell<String>,
}

impl<'a> Source<'a> {
    pub(super) fn new(
        dataset: &'a Dataset,
        spec: &'a TrainingSpec,
        resources: &'a Resources<'a>,
        observer: &dyn Observer,
    ) -> Result<Self> {
        observer.stage(Stage::Load);
        let all: Vec<usize> = (0..dataset.rows().len()).collect();
        let vectors =
            vectors_with_copies(dataset, &all, &spec.recipe, &spec.augmentation, spec.seed)?;
        // The number of classes differs from round to round and does not change the features.
        let model = Model::build(spec, dataset.classes().len().max(1), resources.bases_dir)?;
        let mut source = Self {
            dataset,
            spec,
            resources,
            device: open_device(spec.execution.device)?,
            inputs: Array2::zeros((0, 0)),
            frozen_base: model.has_frozen_base(),
            engine: RefCell::default(),
        };
        source.inputs = if source.frozen_base {
            observer.stage(Stage::Features);
            source.features(&model, &model.base_weights(), vectors.view(), observer)?
        } else {
            vectors
        };
        Ok(source)
    }

    /// What training on some rows takes: the rows, then their copies, copy by copy.
    pub(super) fn training(&self, rows: &[usize]) -> Array2<f32> {
        let step = self.dataset.rows().len();
        let copies = self.spec.augmentation.copies();
        let with_copies: Vec<usize> = (0..=copies)
            .flat_map(|copy| rows.iter().map(move |row| copy * step + row))
            .collect();
        self.inputs.select(Axis(0), &with_copies)
    }

    /// Features of rows after a change, by a trained network.
    pub(super) fn judged(
        &self,
        model: &Model,
        trained: &Weights,
        rows: &[usize],
        change: Modification,
        observer: &dyn Observer,
    ) -> Result<Array2<f32>> {
        if change == Modification::None {
            let inputs = self.inputs.select(Axis(0), rows);
            return self.trained_features(model, trained, inputs, observer);
        }
        let rows = rows.iter().map(|&row| self.dataset.rows()[row].clone());
        let part = Dataset::from_rows(self.dataset.source(), rows.collect());
        let seed = self.spec.seed;
        let vectors = part.vectors_of(&self.spec.recipe, |row| change.apply(row, seed))?;
        self.features(model, &model.whole(trained), vectors.view(), observer)
    }

    /// Features that the gate of a trained network sees.
    pub(super) fn trained_features(
        &self,
        model: &Model,
        trained: &Weights,
        inputs: Array2<f32>,
        observer: &dyn Observer,
    ) -> Result<Array2<f32>> {
        if self.frozen_base {
            return Ok(inputs);
        }
        self.features(model, &model.whole(trained), inputs.view(), observer)
    }

    fn features(
        &self,
        model: &Model,
        weights: &Weights,
        vectors: ArrayView2<'_, f32>,
        observer: &dyn Observer,
    ) -> Result<Array2<f32>> {
        let checkpoints = self.spec.execution.checkpoints.as_ref();
        let source = FeatureSource {
            graph: &model.built.graph,
            weights,
            foreign: model.foreign(),
            device: self.device,
            threads: self.spec.execution.thread_count(),
            runtime_library: self.resources.runtime_library,
            keep_in: checkpoints.map(|settings| settings.folder.as_path()),
        };
        let Features { values, engine } = compute_features(&source, vectors, observer)?;
        self.engine.replace(engine);
        Ok(values)
    }

    pub(super) fn engine(&self) -> String {
        self.engine.borrow().clone()
    }
}
