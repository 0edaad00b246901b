//! The network of a run: what of it trains, where it starts, and how the trained part and the
//! frozen part become one again.

use crate::{error::Result, initialise::initial_weights};
use assay_network::{ForeignBase, Graph, Landmark, Weights};
use assay_pipeline::{BuiltModel, build_graph};
use assay_training_spec::TrainingSpec;
use std::{path::Path, sync::Arc};

/// A network and which part of it trains.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) built: BuiltModel,
    /// The part that trains: the whole graph, or what follows the features.
    pub(crate) trained: Graph,
    frozen_base: bool,
}

impl Model {
    pub(crate) fn build(spec: &TrainingSpec, classes: usize, bases_dir: &Path) -> Result<Self> {
        let built = build_graph(&spec.model, spec.recipe.bins(), classes, bases_dir)?;
        let frozen_base = built.base.is_some() && !spec.fine_tune;
        let trained = if frozen_base {
            built.graph.cut(Landmark::Features, Landmark::Logits)?
        } else {
            built.graph.clone()
        };
        Ok(Self {
            built,
            trained,
            frozen_base,
        })
    }

    /// Whether only the head trains, on features that never change.
    pub(crate) const fn has_frozen_base(&self) -> bool {
        self.frozen_base
    }

    /// Weights of the base; none where there is no base.
    pub(crate) fn base_weights(&self) -> Weights {
        let base = self.built.base.as_ref();
        base.map_or_else(Weights::new, |base| base.weights.clone())
    }

    /// The file behind a foreign base.
    pub(crate) fn foreign(&self) -> Option<Arc<ForeignBase>> {
        self.built.foreign.clone()
    }

    /// Where training starts: at the base's weights where the base trains too, at random
    /// elsewhere.
    pub(crate) fn start(&self, seed: u64) -> Result<Weights> {
        let mut weights = initial_weights(&self.trained, seed)?;
        if !self.frozen_base {
            weights.extend(self.base_weights());
        }
        Ok(weights)
    }

    /// Weights of the whole graph.
    pub(crate) fn whole(&self, trained: &Weights) -> Weights {
        let mut weights = self.base_weights();
        weights.extend(trained.clone());
        weights
    }
}
