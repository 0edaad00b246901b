//! Masked images computed before, as many as fit into a number of bytes.

use super::{
    map::{Held, Map},
    rectangle::Rectangle,
};
use std::{
    collections::HashMap,
    sync::{Arc, atomic::Ordering},
};

/// What is kept of one masked image.
#[derive(Debug)]
pub(super) struct Kept {
    /// Its features.
    pub(super) features: Vec<f32>,
    /// Its maps, from the first that is kept to the last.
    pub(super) maps: Vec<Map>,
}

/// The images used last.
#[derive(Debug)]
pub(super) struct Memory {
    entries: HashMap<Vec<Rectangle>, (Arc<Kept>, u64)>,
    uses: u64,
    limit_bytes: usize,
    pub(super) held: Held,
}

impl Memory {
    pub(super) fn new(limit_bytes: usize) -> Self {
        Self {
            entries: HashMap::new(),
            uses: 0,
            limit_bytes,
            held: Held::default(),
        }
    }

    pub(super) fn get(&mut self, shown: &[Rectangle]) -> Option<Arc<Kept>> {
        self.uses += 1;
        let (kept, used) = self.entries.get_mut(shown)?;
        *used = self.uses;
        Some(Arc::clone(kept))
    }

    /// Keeps an image and forgets those unused for longest until the tiles held fit. A tile that
    /// several images share is only gone with the last of them.
    pub(super) fn insert(&mut self, shown: Vec<Rectangle>, kept: Kept) {
        self.uses += 1;
        self.entries.insert(shown, (Arc::new(kept), self.uses));
        while self.held.load(Ordering::Relaxed) > self.limit_bytes {
            let oldest = self.entries.iter().min_by_key(|(_, (_, used))| *used);
            let Some(oldest) = oldest.map(|(shown, _)| shown.clone()) else {
                break;
            };
            self.entries.remove(&oldest);
        }
    }
}
