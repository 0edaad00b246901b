//! The part of the partition that was looked at, with the credit that each block holds, and
//! coalitions as sorted lists of its nodes.

use crate::{Partition, ShapError};
use ndarray::Array2;
use serde::{Deserialize, Serialize};

/// Index of a node of the tree.
pub(super) type NodeId = u32;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TreeNode<B> {
    pub(super) block: B,
    parent: Option<NodeId>,
    children: Option<(NodeId, NodeId)>,
    /// Per output; not yet passed on to the players below.
    credit: Vec<f64>,
}

/// Blocks in the order in which they were first reached; the first one is the whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Tree<B> {
    nodes: Vec<TreeNode<B>>,
}

impl<B: Clone + Ord> Tree<B> {
    pub(super) fn new(whole: B, outputs: usize) -> Self {
        Self {
            nodes: vec![TreeNode {
                block: whole,
                parent: None,
                children: None,
                credit: vec![0.0; outputs],
            }],
        }
    }

    /// Whether the blocks are those of a partition, as after reading a state they may not be.
    pub(super) fn belongs_to<P: Partition<Block = B>>(&self, partition: &P) -> bool {
        let whole = self.nodes.first().map(|node| &node.block);
        whole == Some(&partition.whole())
            && self.nodes.iter().all(|node| {
                let parts = node.children.map(|(l, r)| (self.block(l), self.block(r)));
                match (parts, partition.split(&node.block)) {
                    (Some((left, right)), Some(split)) => *left == split.0 && *right == split.1,
                    (parts, _) => parts.is_none(),
                }
            })
    }

    pub(super) fn block(&self, node: NodeId) -> &B {
        &self.nodes[node as usize].block
    }

    /// The two parts of a node, or `None` for a single player.
    pub(super) fn split<P: Partition<Block = B>>(
        &mut self,
        partition: &P,
        node: NodeId,
    ) -> Result<Option<(NodeId, NodeId)>, ShapError> {
        let at = node as usize;
        if let Some(children) = self.nodes[at].children {
            return Ok(Some(children));
        }
        let Some((left, right)) = partition.split(&self.nodes[at].block) else {
            return Ok(None);
        };
        let first = NodeId::try_from(self.nodes.len())
            .ok()
            .filter(|first| *first < NodeId::MAX)
            .ok_or_else(|| ShapError::State {
                reason: "more blocks were reached than can be numbered".to_owned(),
            })?;
        let outputs = self.nodes[at].credit.len();
        self.nodes.extend([left, right].map(|block| TreeNode {
            block,
            parent: Some(node),
            children: None,
            credit: vec![0.0; outputs],
        }));
        let children = (first, first + 1);
        self.nodes[at].children = Some(children);
        Ok(Some(children))
    }

    /// `(upper − lower)·weight` to a node.
    pub(super) fn credit(&mut self, node: NodeId, (lower, upper): (&[f64], &[f64]), weight: f64) {
        let credit = &mut self.nodes[node as usize].credit;
        for (credit, (lower, upper)) in credit.iter_mut().zip(lower.iter().zip(upper)) {
            *credit += (upper - lower) * weight;
        }
    }

    /// A coalition and one more node, halves joined into their block.
    pub(super) fn with(&self, coalition: &[NodeId], node: NodeId) -> Vec<NodeId> {
        let mut joined = coalition.to_vec();
        let mut node = node;
        while let Some((parent, sibling)) = self.family(node) {
            let Ok(place) = joined.binary_search(&sibling) else {
                break;
            };
            joined.remove(place);
            node = parent;
        }
        if let Err(place) = joined.binary_search(&node) {
            joined.insert(place, node);
        }
        joined
    }

    fn family(&self, node: NodeId) -> Option<(NodeId, NodeId)> {
        let parent = self.nodes[node as usize].parent?;
        let (left, right) = self.nodes[parent as usize].children?;
        Some((parent, if node == left { right } else { left }))
    }

    /// The blocks of a coalition, sorted.
    pub(super) fn blocks(&self, coalition: &[NodeId]) -> Vec<B> {
        let mut blocks: Vec<B> = coalition.iter().map(|n| self.block(*n).clone()).collect();
        blocks.sort_unstable();
        blocks
    }

    /// Passes the credit of every block on to its parts in proportion to their players: the blocks
    /// without parts with all that they hold, in the order of the partition.
    pub(super) fn leaves<P: Partition<Block = B>>(
        &self,
        partition: &P,
        outputs: usize,
    ) -> Vec<(&B, Vec<f64>)> {
        let mut leaves = Vec::new();
        let mut waiting = vec![(0, vec![0.0; outputs])];
        while let Some((node, inherited)) = waiting.pop() {
            let node: &TreeNode<B> = &self.nodes[node as usize];
            let size = partition.players(&node.block) as f64;
            let total: Vec<f64> = inherited
                .iter()
                .zip(&node.credit)
                .map(|(inherited, own)| inherited + own)
                .collect();
            let share = |part: usize| total.iter().map(|t| t * part as f64 / size).collect();
            match node.children {
                Some((left, right)) => {
                    waiting.push((right, share(partition.players(self.block(right)))));
                    waiting.push((left, share(partition.players(self.block(left)))));
                }
                None => leaves.push((&node.block, total)),
            }
        }
        leaves
    }

    /// The same for every player: those of a block share equally.
    ///
    /// # Shapes
    /// `[players, outputs]`.
    pub(super) fn distribute<P: Partition<Block = B>>(
        &self,
        partition: &P,
        outputs: usize,
    ) -> Array2<f64> {
        let players = partition.players(&partition.whole());
        let mut values = Array2::zeros((players, outputs));
        for (block, total) in self.leaves(partition, outputs) {
            let size = partition.players(block) as f64;
            let each: Vec<f64> = total.iter().map(|total| total / size).collect();
            partition.visit(block, &mut |player| {
                let row = values.row_mut(player);
                row.into_iter().zip(&each).for_each(|(v, each)| *v += each);
            });
        }
        values
    }

    /// Whether all links and lengths are within bounds, as after reading a damaged state they
    /// may not be.
    pub(super) fn is_sound(&self, outputs: usize) -> bool {
        let exists = |node: &NodeId| (*node as usize) < self.nodes.len();
        !self.nodes.is_empty()
            && self.nodes.iter().enumerate().all(|(index, node)| {
                let links = node.children.is_none_or(|(l, r)| {
                    [l, r].iter().all(|child| {
                        exists(child)
                            && *child as usize > index
                            && self.nodes[*child as usize].parent.map(|p| p as usize) == Some(index)
                    })
                });
                let parent = node
                    .parent
                    .is_none_or(|p| exists(&p) && (p as usize) < index);
                let finite = node.credit.iter().all(|credit| credit.is_finite());
                links && parent && finite && node.credit.len() == outputs
            })
    }

    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }
}
