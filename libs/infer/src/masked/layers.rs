//! The stages of a network in a row, and one masked image on its way through them.

use super::{
    cover::{Cost, Marks},
    labels::Sight,
    map::{Held, Map, Tile, copy},
    memory::Kept,
    rectangle::Rectangle,
    stage::{Patch, Stage},
};
use crate::InferError;
use std::sync::Arc;

/// What a call costs, counted in multiplications: about a tenth of a millisecond.
const CALL: f64 = 2e6;

/// The maps of the image with everything shown or with everything hidden, one for each stage.
pub(super) type Reference = Vec<Map>;

/// An image computed before that differs from the new one within a rectangle of pixels.
pub(super) struct Relative {
    pub(super) kept: Arc<Kept>,
    pub(super) differs: Rectangle,
}

/// One masked image.
pub(super) struct Passage<'a> {
    pub(super) stages: &'a [Stage],
    /// Everything hidden, everything shown.
    pub(super) references: [&'a Reference; 2],
    /// Stages before this one keep their maps of the two references only.
    pub(super) first_kept: usize,
    pub(super) shown: &'a [Rectangle],
    pub(super) relatives: &'a [Relative],
    pub(super) held: &'a Held,
}

/// What of a map must be computed.
#[derive(Default)]
pub(super) struct Todo {
    /// Rectangles to compute.
    rectangles: Vec<Rectangle>,
    /// Rectangles that the next stage reads.
    read: Vec<Rectangle>,
}

impl Passage<'_> {
    /// Relatives whose map of a stage is kept, with the positions where it may differ.
    fn relatives(&self, stage: usize) -> impl Iterator<Item = (&Map, Rectangle)> {
        let kept = stage.checked_sub(self.first_kept);
        let view = &self.stages[stage].view;
        let relatives = self.relatives.iter();
        relatives.filter_map(move |relative| {
            let map = relative.kept.maps.get(kept?)?;
            Some((map, view.seeing(&relative.differs)))
        })
    }

    /// What must be computed of each map, found from the last one backwards: a position whose
    /// value is known from a reference or a relative needs nothing.
    pub(super) fn plan(&self) -> Vec<Todo> {
        let mut plan: Vec<Todo> = Vec::new();
        let mut read = self
            .stages
            .last()
            .map_or_else(Vec::new, |last| vec![Rectangle::all(last.layout.extent)]);
        for (index, stage) in self.stages.iter().enumerate().rev() {
            let rectangles = self.unknown(index, &read);
            let before = rectangles.iter().map(|r| stage.reads(r)).collect();
            plan.push(Todo { rectangles, read });
            read = before;
        }
        plan.reverse();
        plan
    }

    fn unknown(&self, index: usize, read: &[Rectangle]) -> Vec<Rectangle> {
        let stage = &self.stages[index];
        let all = Rectangle::all(stage.layout.extent);
        let differs = self
            .relatives(index)
            .fold(all, |all, (_, differs)| all.and(&differs));
        let read: Vec<Rectangle> = read
            .iter()
            .map(|r| r.and(&differs))
            .filter(|r| !r.is_empty())
            .collect();
        let Some(within) = read.iter().copied().reduce(|a, b| a.around(&b)) else {
            return Vec::new();
        };
        let sights = stage.view.sights(self.shown, &within);
        let mut marked = vec![false; within.area()];
        for r in &read {
            for row in r.top..r.bottom {
                let at = |column| (row - within.top) * within.width() + column - within.left;
                let (start, end) = (at(r.left), at(r.right));
                let pairs = marked[start..end].iter_mut().zip(&sights[start..end]);
                pairs.for_each(|(marked, sight)| *marked |= *sight == Sight::Both);
            }
        }
        Marks::new(within, &marked).cover(Cost {
            position: stage.work,
            halo: stage.halo(),
            call: CALL,
        })
    }

    /// The map of a stage: shared tiles where nothing is new, the others put together from what is
    /// known and from `patches`.
    pub(super) fn assemble(&self, index: usize, todo: &Todo, patches: &[Patch]) -> Map {
        let layout = self.stages[index].layout;
        let relatives: Vec<(&Map, Rectangle)> = self.relatives(index).collect();
        let needed = |place: &Rectangle| {
            index >= self.first_kept || todo.read.iter().any(|read| read.meets(place))
        };
        let tiles = (0..layout.tiles()).map(|tile| {
            let place = layout.place(tile);
            if !needed(&place) {
                return None;
            }
            let mut own = patches
                .iter()
                .filter(|patch| patch.place.meets(&place))
                .peekable();
            if own.peek().is_none() {
                let known = relatives.iter().find(|(_, differs)| !differs.meets(&place));
                if let Some((map, _)) = known {
                    return map.tiles[tile].clone();
                }
            }
            let (sources, choice) = self.sources(index, (tile, &place), &relatives);
            let mut used = choice.iter().flatten();
            if own.peek().is_none()
                && let Some(first) = used.next()
                && used.all(|other| other == first)
                && choice.iter().all(Option::is_some)
            {
                return sources[*first].cloned();
            }
            let mut values = mosaic(&sources, &choice, layout.channels);
            for patch in own {
                let source = (&patch.values[..], &patch.place);
                copy(source, (&mut values, &place), layout.channels);
            }
            Some(Arc::new(Tile::new(values, self.held)))
        });
        Map {
            layout,
            tiles: tiles.collect(),
        }
    }

    /// The tiles that a tile can be put together from, and which of them holds each position;
    /// `None` for positions that are computed or that nobody reads.
    fn sources<'t>(
        &'t self,
        index: usize,
        (tile, place): (usize, &Rectangle),
        relatives: &[(&'t Map, Rectangle)],
    ) -> (Vec<Option<&'t Arc<Tile>>>, Vec<Option<usize>>) {
        let references = self.references.map(|maps| maps[index].tiles[tile].as_ref());
        let mut sources = references.to_vec();
        sources.extend(relatives.iter().map(|(map, _)| map.tiles[tile].as_ref()));
        let sights = self.stages[index].view.sights(self.shown, place);
        let positions = (place.top..place.bottom)
            .flat_map(|row| (place.left..place.right).map(move |column| (row, column)));
        let choice = positions
            .zip(sights)
            .map(|((row, column), sight)| match sight {
                Sight::Hidden => Some(0),
                Sight::Shown => Some(1),
                Sight::Both => {
                    let point = Rectangle {
                        top: row,
                        bottom: row + 1,
                        left: column,
                        right: column + 1,
                    };
                    let known = relatives
                        .iter()
                        .position(|(_, differs)| !differs.meets(&point));
                    known.map(|relative| relative + 2)
                }
            });
        let choice = choice.collect();
        (sources, choice)
    }

    /// Runs a stage on what is to be computed of its map.
    pub(super) fn compute(
        &self,
        index: usize,
        todo: &Todo,
        crop: &dyn Fn(&Rectangle) -> Vec<f32>,
    ) -> Result<Vec<Patch>, InferError> {
        let stage = &self.stages[index];
        let rectangles = todo.rectangles.iter();
        rectangles
            .map(|r| stage.compute(*r, &crop(&stage.reads(r))))
            .collect()
    }
}

fn mosaic(sources: &[Option<&Arc<Tile>>], choice: &[Option<usize>], channels: usize) -> Box<[f32]> {
    let positions = choice.len();
    let mut values = vec![0.0; channels * positions].into_boxed_slice();
    for (index, source) in sources.iter().enumerate() {
        let Some(source) = source else { continue };
        let chosen: Vec<usize> = (0..positions)
            .filter(|p| choice[*p] == Some(index))
            .collect();
        if chosen.is_empty() {
            continue;
        }
        let channels = values
            .chunks_exact_mut(positions)
            .zip(source.values.chunks_exact(positions));
        for (target, source) in channels {
            chosen.iter().for_each(|p| target[*p] = source[*p]);
        }
    }
    values
}
