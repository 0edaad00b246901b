//! How the players of a game are grouped: a binary tree of blocks that is split only where it is
//! looked at, because an image of 2631² pixels has millions of leaves and few are ever reached.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Positions `start..end` along one axis.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(deny_unknown_fields)]
pub struct Span {
    /// First position.
    pub start: usize,
    /// One past the last position.
    pub end: usize,
}

impl Span {
    /// `start..end`.
    #[must_use]
    pub const fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// Number of positions.
    #[must_use]
    pub const fn len(self) -> usize {
        self.end.saturating_sub(self.start)
    }

    /// Whether there is no position.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The two halves; of an odd number the second is longer by one.
    #[must_use]
    pub(crate) const fn halves(self) -> (Self, Self) {
        let middle = self.start + self.len() / 2;
        (Self::new(self.start, middle), Self::new(middle, self.end))
    }
}

/// A binary tree over the players of a game. Splitting must always give the same two blocks,
/// which share no player and together are the block.
pub trait Partition {
    /// A group of players; a leaf is one player.
    type Block: Clone + Ord + fmt::Debug;

    /// The block of all players.
    fn whole(&self) -> Self::Block;

    /// The two parts of a block, or `None` for a single player.
    fn split(&self, block: &Self::Block) -> Option<(Self::Block, Self::Block)>;

    /// Number of players of a block, at least 1.
    fn players(&self, block: &Self::Block) -> usize;

    /// Calls `visit` with the index of every player of a block.
    fn visit(&self, block: &Self::Block, visit: &mut dyn FnMut(usize));
}
