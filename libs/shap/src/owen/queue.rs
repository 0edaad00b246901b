//! Which split is looked at next: the one whose block changes the outputs most.

use super::tree::NodeId;
use serde::{Deserialize, Serialize};
use std::{cmp::Ordering, collections::BinaryHeap};

/// A block that may be split, in one context.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Item {
    /// Largest change of an output by this block, times the weight.
    pub(super) priority: f64,
    /// Counts the items; equal priorities are served in this order.
    pub(super) arrival: u64,
    /// The block.
    pub(super) node: NodeId,
    /// Coalition without the block.
    pub(super) lower: Vec<NodeId>,
    /// Outputs without the block.
    pub(super) lower_outputs: Vec<f64>,
    /// Outputs with the block.
    pub(super) upper_outputs: Vec<f64>,
    /// Weight of this context.
    pub(super) weight: f64,
}

impl Eq for Item {}

impl Ord for Item {
    fn cmp(&self, other: &Self) -> Ordering {
        let priority = self.priority.total_cmp(&other.priority);
        priority.then(other.arrival.cmp(&self.arrival))
    }
}

impl PartialOrd for Item {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The waiting items.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Queue {
    items: BinaryHeap<Item>,
    arrivals: u64,
}

impl Queue {
    /// Adds an item; its priority and its arrival are set here.
    pub(super) fn push(&mut self, mut item: Item) {
        let change = |(lower, upper): (&f64, &f64)| (upper - lower).abs();
        let pairs = item.lower_outputs.iter().zip(&item.upper_outputs);
        item.priority = pairs.map(change).fold(0.0, f64::max) * item.weight;
        item.arrival = self.arrivals;
        self.arrivals += 1;
        self.items.push(item);
    }

    /// Puts an item back where it was.
    pub(super) fn put_back(&mut self, item: Item) {
        self.items.push(item);
    }

    pub(super) fn pop(&mut self) -> Option<Item> {
        self.items.pop()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Item> {
        self.items.iter()
    }
}
