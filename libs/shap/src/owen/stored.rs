//! Reading a stored state: whatever a file says, nothing afterwards points out of bounds.

use super::{Owen, OwenSettings, queue::Queue, tree::Tree};
use crate::ShapError;
use serde::Deserialize;

/// The fields of [`Owen`] as they were written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[serde(bound(deserialize = "B: Clone + Ord + Deserialize<'de>"))]
pub(super) struct Stored<B> {
    settings: OwenSettings,
    outputs: Vec<usize>,
    model_outputs: usize,
    base: Vec<f64>,
    full: Vec<f64>,
    rows: usize,
    queue: Queue,
    tree: Tree<B>,
}

impl<B: Clone + Ord> TryFrom<Stored<B>> for Owen<B> {
    type Error = ShapError;

    fn try_from(stored: Stored<B>) -> Result<Self, ShapError> {
        let damaged = |reason: &str| ShapError::State {
            reason: reason.to_owned(),
        };
        let count = stored.outputs.len();
        let outputs = [&stored.base, &stored.full];
        if count == 0
            || outputs.iter().any(|values| values.len() != count)
            || stored.outputs.iter().any(|o| *o >= stored.model_outputs)
        {
            return Err(damaged("the outputs do not fit each other"));
        }
        if stored.settings.batch_rows == 0 {
            return Err(damaged("batch_rows is 0, so it would never end"));
        }
        if !stored.tree.is_sound(count) {
            return Err(damaged("the blocks do not fit each other"));
        }
        let exists = |node: &u32| (*node as usize) < stored.tree.len();
        let sound = stored.queue.iter().all(|item| {
            let outputs = [&item.lower_outputs, &item.upper_outputs];
            exists(&item.node)
                && item.lower.iter().all(exists)
                && item.lower.is_sorted()
                && outputs.iter().all(|values| values.len() == count)
                && item.weight.is_finite()
                && item.priority.is_finite()
        });
        if !sound {
            return Err(damaged("the waiting splits do not fit the blocks"));
        }
        Ok(Self {
            settings: stored.settings,
            outputs: stored.outputs,
            model_outputs: stored.model_outputs,
            base: stored.base,
            full: stored.full,
            rows: stored.rows,
            queue: stored.queue,
            tree: stored.tree,
        })
    }
}
