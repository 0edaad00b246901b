//! Owen values by splitting blocks in the order of their influence, one batch of model rows after
//! another. The state between two batches can be stored and taken up again to the bit.

mod attribution;
mod queue;
mod settings;
mod stored;
mod tree;

pub use attribution::{Attribution, BlockAttribution};
pub use settings::{Outputs, OwenSettings, Progress};

use crate::{
    Game, Partition, Query, ShapError,
    error::{check_finite, check_length},
};
use ndarray::{Array2, Axis};
use queue::{Item, Queue};
use serde::{Deserialize, Serialize};
use std::ops::ControlFlow;
use tree::{NodeId, Tree};

/// An explanation in progress.
///
/// A block with the change `f(S ∪ block) − f(S)` in the context `S` is split into left and right.
/// Two rows, `S ∪ left` and `S ∪ right`, give the change of either half without and with the
/// other half; each of the four enters with half the weight, so that neither order of the halves
/// is preferred. What is never split keeps its change, and its players share it equally.
///
/// # Source
/// Owen, "Values of games with a priori unions" (1977), for balanced binary unions; order of
/// splits, counting of rows and halving of weights as the partition explainer of shap 0.45.1
/// without a fixed context. Deviation: that one orders equal priorities by random numbers, this
/// one by arrival.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "stored::Stored<B>", deny_unknown_fields)]
#[serde(bound(deserialize = "B: Clone + Ord + Deserialize<'de>"))]
pub struct Owen<B> {
    settings: OwenSettings,
    outputs: Vec<usize>,
    model_outputs: usize,
    base: Vec<f64>,
    full: Vec<f64>,
    rows: usize,
    queue: Queue,
    tree: Tree<B>,
}

/// An item with the two halves of its block.
struct Split {
    item: Item,
    left: NodeId,
    right: NodeId,
    with_left: Vec<NodeId>,
    with_right: Vec<NodeId>,
}

impl<B: Clone + Ord> Owen<B> {
    /// Evaluates the empty and the whole coalition.
    ///
    /// # Errors
    /// When a setting is not allowed, when the game fails or when an output is not finite.
    pub fn start<P: Partition<Block = B>>(
        partition: &P,
        game: &mut impl Game<B>,
        settings: OwenSettings,
    ) -> Result<Self, ShapError> {
        let whole = partition.whole();
        settings.check(partition.players(&whole))?;
        let queries = [Vec::new(), vec![whole.clone()]].map(|present| Query {
            present,
            between: None,
        });
        let found = game.evaluate(&queries)?;
        check_length("rows of model outputs", found.nrows(), 2)?;
        check_finite("model outputs", found.iter().copied())?;
        let outputs = settings.outputs.choose(&found.row(1).to_vec())?;
        let chosen = found.select(Axis(1), &outputs);
        let (base, full) = (chosen.row(0).to_vec(), chosen.row(1).to_vec());
        let mut queue = Queue::default();
        queue.push(Item {
            priority: 0.0,
            arrival: 0,
            node: 0,
            lower: Vec::new(),
            lower_outputs: base.clone(),
            upper_outputs: full.clone(),
            weight: 1.0,
        });
        Ok(Self {
            tree: Tree::new(whole, outputs.len()),
            settings,
            outputs,
            model_outputs: found.ncols(),
            base,
            full,
            rows: 2,
            queue,
        })
    }

    /// How far this is.
    #[must_use]
    pub fn progress(&self) -> Progress {
        Progress {
            rows: self.rows,
            max_evals: self.settings.max_evals,
            finished: self.queue.is_empty(),
        }
    }

    /// Indices of the outputs that are explained.
    #[must_use]
    pub fn outputs(&self) -> &[usize] {
        &self.outputs
    }

    /// Evaluates one batch. After an error the state is as if the call had not been made, so that
    /// it can be stored or the call repeated.
    ///
    /// # Errors
    /// When the state belongs to another partition, when the game fails or gives other shapes
    /// than before, or when an output is not finite.
    pub fn step<P: Partition<Block = B>>(
        &mut self,
        partition: &P,
        game: &mut impl Game<B>,
    ) -> Result<Progress, ShapError> {
        self.check(partition)?;
        if self.rows >= self.settings.max_evals {
            while let Some(item) = self.queue.pop() {
                self.keep(&item);
            }
        }
        let batch = self.next_batch(partition)?;
        if !batch.is_empty() {
            let found = self.evaluate(game, &batch);
            match found {
                Ok(found) => self.take_in(batch, &found),
                Err(error) => {
                    self.put_back(batch);
                    return Err(error);
                }
            }
        }
        Ok(self.progress())
    }

    /// Evaluates batches until the budget is spent. `watch` is called before each and may stop.
    ///
    /// # Errors
    /// As [`Owen::step`], and when `watch` breaks off.
    pub fn run<P: Partition<Block = B>>(
        &mut self,
        partition: &P,
        game: &mut impl Game<B>,
        watch: &mut dyn FnMut(&Self) -> ControlFlow<()>,
    ) -> Result<(), ShapError> {
        while !self.queue.is_empty() {
            if watch(self).is_break() {
                return Err(ShapError::Cancelled {
                    rows: self.rows,
                    max_evals: self.settings.max_evals,
                });
            }
            self.step(partition, game)?;
        }
        Ok(())
    }

    /// The values of all players.
    ///
    /// # Errors
    /// When the budget is not spent, when the state belongs to another partition, or when base and
    /// values do not add up to the output.
    pub fn finish<P: Partition<Block = B>>(&self, partition: &P) -> Result<Attribution, ShapError> {
        self.check_spent(partition)?;
        let attribution = Attribution {
            values: self.tree.distribute(partition, self.outputs.len()),
            base: self.base.clone(),
            full: self.full.clone(),
            outputs: self.outputs.clone(),
            rows: self.rows,
        };
        attribution.check_additivity()?;
        Ok(attribution)
    }

    /// The values in blocks: those that were split no further, each with what it adds as a whole.
    /// Its players share that equally, so this says all that [`Owen::finish`] says, in far fewer
    /// numbers.
    ///
    /// # Errors
    /// As [`Owen::finish`].
    pub fn blocks<P: Partition<Block = B>>(
        &self,
        partition: &P,
    ) -> Result<BlockAttribution<B>, ShapError> {
        self.check_spent(partition)?;
        let leaves = self.tree.leaves(partition, self.outputs.len()).into_iter();
        let leaves = leaves.map(|(block, total)| (block.clone(), total));
        let attribution = BlockAttribution {
            blocks: leaves.collect(),
            base: self.base.clone(),
            full: self.full.clone(),
            outputs: self.outputs.clone(),
            rows: self.rows,
        };
        attribution.check_additivity()?;
        Ok(attribution)
    }

    fn check<P: Partition<Block = B>>(&self, partition: &P) -> Result<(), ShapError> {
        if self.tree.belongs_to(partition) {
            return Ok(());
        }
        Err(ShapError::State {
            reason: "its blocks are not those of this partition".to_owned(),
        })
    }

    fn check_spent<P: Partition<Block = B>>(&self, partition: &P) -> Result<(), ShapError> {
        self.check(partition)?;
        if self.queue.is_empty() {
            return Ok(());
        }
        Err(ShapError::Unfinished {
            rows: self.rows,
            max_evals: self.settings.max_evals,
        })
    }

    /// The change of an item stays on its block.
    fn keep(&mut self, item: &Item) {
        let outputs = (&item.lower_outputs[..], &item.upper_outputs[..]);
        self.tree.credit(item.node, outputs, item.weight);
    }

    fn put_back(&mut self, batch: Vec<Split>) {
        for split in batch {
            self.queue.put_back(split.item);
        }
    }

    fn next_batch<P: Partition<Block = B>>(
        &mut self,
        partition: &P,
    ) -> Result<Vec<Split>, ShapError> {
        let mut batch = Vec::new();
        while 2 * batch.len() < self.settings.batch_rows
            && self.rows + 2 * batch.len() < self.settings.max_evals
        {
            let Some(item) = self.queue.pop() else { break };
            match self.tree.split(partition, item.node) {
                Ok(None) => self.keep(&item),
                Ok(Some((left, right))) => batch.push(Split {
                    with_left: self.tree.with(&item.lower, left),
                    with_right: self.tree.with(&item.lower, right),
                    item,
                    left,
                    right,
                }),
                Err(error) => {
                    self.queue.put_back(item);
                    self.put_back(batch);
                    return Err(error);
                }
            }
        }
        Ok(batch)
    }

    /// # Shapes
    /// `[2·splits, outputs]`: with the left half, with the right half.
    fn evaluate(&self, game: &mut impl Game<B>, batch: &[Split]) -> Result<Array2<f64>, ShapError> {
        let queries: Vec<Query<B>> = batch
            .iter()
            .flat_map(|split| {
                let lower = self.tree.blocks(&split.item.lower);
                let upper = self.tree.with(&split.item.lower, split.item.node);
                let upper = self.tree.blocks(&upper);
                [&split.with_left, &split.with_right].map(|present| Query {
                    present: self.tree.blocks(present),
                    between: Some((lower.clone(), upper.clone())),
                })
            })
            .collect();
        let found = game.evaluate(&queries)?;
        check_length("rows of model outputs", found.nrows(), queries.len())?;
        check_length("row of model outputs", found.ncols(), self.model_outputs)?;
        check_finite("model outputs", found.iter().copied())?;
        Ok(found.select(Axis(1), &self.outputs))
    }

    fn take_in(&mut self, batch: Vec<Split>, found: &Array2<f64>) {
        self.rows += 2 * batch.len();
        let rows = found.rows().into_iter().map(|row| row.to_vec());
        let mut rows = rows.collect::<Vec<_>>().into_iter();
        for split in batch {
            let (Some(left), Some(right)) = (rows.next(), rows.next()) else {
                break;
            };
            let weight = split.item.weight / 2.0;
            let (none, both) = (split.item.lower_outputs, split.item.upper_outputs);
            let mut push = |node, lower: &[NodeId], from: &[f64], to: &[f64]| {
                self.queue.push(Item {
                    priority: 0.0,
                    arrival: 0,
                    node,
                    lower: lower.to_vec(),
                    lower_outputs: from.to_vec(),
                    upper_outputs: to.to_vec(),
                    weight,
                });
            };
            push(split.left, &split.item.lower, &none, &left);
            push(split.right, &split.item.lower, &none, &right);
            push(split.left, &split.with_right, &right, &both);
            push(split.right, &split.with_left, &left, &both);
        }
    }
}

#[cfg(test)]
mod tests;
