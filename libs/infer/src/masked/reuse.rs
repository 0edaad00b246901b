//! Features of masked images of one pair of images, computed only where a mask makes them new.

use super::{
    layers::{Passage, Reference, Relative},
    map::{Held, Map},
    memory::{Kept, Memory},
    plan::Piece,
    rectangle::{Rectangle, difference},
    stage::{Stage, plain_sums},
};
use crate::{InferError, OnnxRuntime, SessionOptions};
use ndarray::{Array2, ArrayView2};
use std::sync::Arc;

/// A masked image's maps may take at most this part of the memory.
const SHARE: usize = 32;
/// Side of the tiles of the last map.
const LAST_SIDE: usize = 8;
/// Positions of the last map that are computed in one call.
const POSITIONS: usize = 8192;

/// Everything that does not depend on the images.
#[derive(Debug)]
pub(super) struct Stages {
    stages: Vec<Stage>,
    /// What follows the last window, each position by itself.
    top: Option<Stage>,
    features: usize,
    first_kept: usize,
    /// Multiplications for a whole image.
    pub(super) work: f64,
}

impl Stages {
    /// `None` where no piece moves a window.
    pub(super) fn new(
        runtime: &OnnxRuntime,
        mut pieces: Vec<Piece>,
        pixels: [usize; 2],
        (options, limit_bytes): (&SessionOptions, usize),
    ) -> Result<Option<Self>, InferError> {
        let work = pieces
            .iter()
            .map(|piece| piece.work * (piece.extent[0] * piece.extent[1]) as f64)
            .sum();
        let top = pieces.pop_if(|piece| piece.is_pointwise());
        let mut stages: Vec<Stage> = Vec::new();
        for piece in &pieces {
            let stage = Stage::new(runtime, piece, stages.last(), pixels, options)?;
            stages.push(stage);
        }
        let Some(last) = stages.last_mut() else {
            return Ok(None);
        };
        // Each of its tiles also keeps its sums, which are as long as the features.
        last.layout.side = LAST_SIDE;
        let last = &*last;
        let top = top
            .map(|piece| Stage::new(runtime, &piece, Some(last), pixels, options))
            .transpose()?;
        let features = top.as_ref().unwrap_or(last).layout.channels;
        let mut bytes = 0;
        let mut first_kept = stages.len();
        for (index, stage) in stages.iter().enumerate().rev() {
            bytes += stage.layout.bytes();
            if bytes > limit_bytes / SHARE {
                break;
            }
            first_kept = index;
        }
        Ok(Some(Self {
            stages,
            top,
            features,
            first_kept,
            work,
        }))
    }

    /// The maps of an image that is not masked.
    fn reference(&self, image: &Array2<f32>, held: &Held) -> Result<Reference, InferError> {
        let mut maps: Vec<Map> = Vec::with_capacity(self.stages.len());
        for stage in &self.stages {
            let all = Rectangle::all(stage.layout.extent);
            let read = stage.reads(&all);
            let crop = match maps.last() {
                Some(map) => map.crop(&read),
                None => pixels(image, &read).iter().copied().collect(),
            };
            let patch = stage.compute(all, &crop)?;
            maps.push(Map::whole(stage.layout, &patch.values, held));
        }
        Ok(maps)
    }

    /// Means of the last map, of which the sums over each tile are kept with the tile.
    fn features(&self, last: &Map) -> Result<(Vec<f32>, f64), InferError> {
        let tiles: Vec<(Rectangle, &Arc<super::map::Tile>)> = last
            .tiles
            .iter()
            .enumerate()
            .filter_map(|(index, tile)| Some((last.layout.place(index), tile.as_ref()?)))
            .collect();
        let unknown: Vec<_> = tiles
            .iter()
            .filter(|(_, t)| t.sums.get().is_none())
            .collect();
        let mut work = 0.0;
        let mut rest = &unknown[..];
        while !rest.is_empty() {
            let mut positions = 0;
            let fits = rest.iter().take_while(|(place, _)| {
                positions += place.area();
                positions <= POSITIONS
            });
            let (now, later) = rest.split_at(fits.count().max(1));
            rest = later;
            let parts: Vec<usize> = now.iter().map(|(place, _)| place.area()).collect();
            let mut columns = Vec::with_capacity(last.layout.channels * POSITIONS);
            for channel in 0..last.layout.channels {
                for ((_, tile), area) in now.iter().zip(&parts) {
                    columns.extend(&tile.values[channel * area..(channel + 1) * area]);
                }
            }
            let sums = match &self.top {
                Some(top) => {
                    work += top.work * parts.iter().sum::<usize>() as f64;
                    top.sums(&columns, &parts)?
                }
                None => plain_sums(&columns, &parts),
            };
            for ((_, tile), sums) in now.iter().zip(sums) {
                tile.sums.get_or_init(|| sums);
            }
        }
        let count = (last.layout.extent[0] * last.layout.extent[1]) as f64;
        let mut totals = vec![0.0; self.features];
        for (_, tile) in &tiles {
            let sums = tile.sums.get().into_iter().flatten();
            totals.iter_mut().zip(sums).for_each(|(t, sum)| *t += sum);
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "features are stored as f32"
        )]
        let means = totals
            .into_iter()
            .map(|total| (total / count) as f32)
            .collect();
        Ok((means, work))
    }
}

/// One pair of images and what was computed of their mixtures.
#[derive(Debug)]
pub(super) struct Reusing {
    /// Everything hidden, everything shown.
    images: [Array2<f32>; 2],
    references: [Reference; 2],
    features: [Vec<f32>; 2],
    memory: Memory,
    pub(super) work: f64,
}

impl Reusing {
    pub(super) fn new(
        stages: &Stages,
        images: [Array2<f32>; 2],
        limit_bytes: usize,
    ) -> Result<Self, InferError> {
        let held = Held::default();
        let references = [
            stages.reference(&images[0], &held)?,
            stages.reference(&images[1], &held)?,
        ];
        let of = |maps: &Reference| match maps.last() {
            Some(last) => stages.features(last).map(|(features, _)| features),
            None => Ok(Vec::new()),
        };
        Ok(Self {
            features: [of(&references[0])?, of(&references[1])?],
            images,
            references,
            memory: Memory::new(limit_bytes),
            work: 2.0 * stages.work,
        })
    }

    pub(super) const fn images(&self) -> &[Array2<f32>; 2] {
        &self.images
    }

    pub(super) fn features(
        &mut self,
        stages: &Stages,
        shown: &[Rectangle],
        near: [&[Rectangle]; 2],
    ) -> Result<Vec<f32>, InferError> {
        let (height, width) = self.images[0].dim();
        if shown.is_empty() {
            return Ok(self.features[0].clone());
        }
        if shown == [Rectangle::all([height, width])] {
            return Ok(self.features[1].clone());
        }
        if let Some(kept) = self.memory.get(shown) {
            return Ok(kept.features.clone());
        }
        let relatives: Vec<Relative> = near
            .into_iter()
            .filter_map(|near| {
                let kept = self.memory.get(near)?;
                let differs = difference(shown, near)?;
                Some(Relative { kept, differs })
            })
            .collect();
        let held = Arc::clone(&self.memory.held);
        let passage = Passage {
            stages: &stages.stages,
            references: [&self.references[0], &self.references[1]],
            first_kept: stages.first_kept,
            shown,
            relatives: &relatives,
            held: &held,
        };
        let mut maps: Vec<Map> = Vec::new();
        let mut before: Option<Map> = None;
        let mut work = 0.0;
        for (index, todo) in passage.plan().iter().enumerate() {
            let crop = |r: &Rectangle| match &before {
                Some(map) => map.crop(r),
                None => mixed(&self.images, shown, r),
            };
            let patches = passage.compute(index, todo, &crop)?;
            work += patches.iter().map(|patch| patch.work).sum::<f64>();
            let map = passage.assemble(index, todo, &patches);
            if index >= stages.first_kept {
                maps.push(map.clone());
            }
            before = Some(map);
        }
        let (features, top) = match &before {
            Some(last) => stages.features(last)?,
            None => (Vec::new(), 0.0),
        };
        self.work += work + top;
        drop(before);
        let kept = Kept {
            features: features.clone(),
            maps,
        };
        self.memory.insert(shown.to_vec(), kept);
        Ok(features)
    }
}

/// The pixels of a rectangle of the masked image.
pub(super) fn mixed(
    [hidden, image]: &[Array2<f32>; 2],
    shown: &[Rectangle],
    r: &Rectangle,
) -> Vec<f32> {
    let mut mixed = pixels(hidden, r).to_owned();
    for rectangle in shown {
        let common = rectangle.and(r);
        if !common.is_empty() {
            let target = ndarray::s![
                common.top - r.top..common.bottom - r.top,
                common.left - r.left..common.right - r.left
            ];
            mixed.slice_mut(target).assign(&pixels(image, &common));
        }
    }
    mixed.into_raw_vec_and_offset().0
}

fn pixels<'a>(image: &'a Array2<f32>, r: &Rectangle) -> ArrayView2<'a, f32> {
    image.slice(ndarray::s![r.top..r.bottom, r.left..r.right])
}
