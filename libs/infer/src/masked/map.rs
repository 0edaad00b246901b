//! Feature maps in shared tiles, so that a masked image keeps only what is its own.

use super::rectangle::Rectangle;
use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicUsize, Ordering},
};

/// Bytes of all tiles of one memory that are still held by someone.
pub(crate) type Held = Arc<AtomicUsize>;

/// A piece of a feature map, `[channels, height, width]`.
#[derive(Debug)]
pub(crate) struct Tile {
    pub(crate) values: Box<[f32]>,
    /// Sum over the positions for each feature, once it is known; only of the last map.
    pub(crate) sums: OnceLock<Vec<f64>>,
    held: Held,
}

impl Tile {
    pub(crate) fn new(values: Box<[f32]>, held: &Held) -> Self {
        held.fetch_add(values.len() * size_of::<f32>(), Ordering::Relaxed);
        Self {
            values,
            sums: OnceLock::new(),
            held: Arc::clone(held),
        }
    }
}

impl Drop for Tile {
    fn drop(&mut self) {
        let bytes = self.values.len() * size_of::<f32>();
        self.held.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// How a map is laid out in tiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) channels: usize,
    pub(crate) extent: [usize; 2],
    /// Height and width of a tile; those at the far borders are smaller.
    pub(crate) side: usize,
}

impl Layout {
    /// A map of which a position stands for `stride` pixels. Where a stride is long, a position
    /// sees many pixels and maps of masks are kept: small tiles, because a tile is kept whole as
    /// soon as one of its positions is new. Where it is short, only the maps of the two images
    /// are there: large tiles, because what is copied from them is long.
    pub(crate) const fn new(channels: usize, extent: [usize; 2], stride: usize) -> Self {
        let side = match stride {
            0..=4 => 32,
            5..=8 => 8,
            _ => 4,
        };
        Self {
            channels,
            extent,
            side,
        }
    }

    const fn columns(&self) -> usize {
        self.extent[1].div_ceil(self.side)
    }

    pub(crate) const fn tiles(&self) -> usize {
        self.extent[0].div_ceil(self.side) * self.columns()
    }

    pub(crate) const fn bytes(&self) -> usize {
        self.channels * self.extent[0] * self.extent[1] * size_of::<f32>()
    }

    /// The positions of a tile.
    pub(crate) fn place(&self, tile: usize) -> Rectangle {
        let (row, column) = (tile / self.columns(), tile % self.columns());
        let (top, left) = (row * self.side, column * self.side);
        Rectangle {
            top,
            bottom: (top + self.side).min(self.extent[0]),
            left,
            right: (left + self.side).min(self.extent[1]),
        }
    }

    /// The tiles that a rectangle within the map touches.
    pub(crate) fn touched(&self, rectangle: &Rectangle) -> impl Iterator<Item = usize> + use<> {
        let (side, columns) = (self.side, self.columns());
        let rows = rectangle.top / side..rectangle.bottom.div_ceil(side);
        let (first, last) = (rectangle.left / side, rectangle.right.div_ceil(side));
        rows.flat_map(move |row| (first..last).map(move |column| row * columns + column))
    }
}

/// A feature map; tiles that nobody needs are not there.
#[derive(Debug, Clone)]
pub(crate) struct Map {
    pub(crate) layout: Layout,
    pub(crate) tiles: Vec<Option<Arc<Tile>>>,
}

impl Map {
    /// A whole map in tiles.
    ///
    /// # Shapes
    /// `values` is `[channels, height, width]`, row-major.
    pub(crate) fn whole(layout: Layout, values: &[f32], held: &Held) -> Self {
        let tiles = (0..layout.tiles()).map(|tile| {
            let place = layout.place(tile);
            let mut part = vec![0.0; layout.channels * place.area()].into_boxed_slice();
            let source = Rectangle::all(layout.extent);
            copy((values, &source), (&mut part, &place), layout.channels);
            Some(Arc::new(Tile::new(part, held)))
        });
        Self {
            layout,
            tiles: tiles.collect(),
        }
    }

    /// The values of a rectangle, `[channels, height, width]`; what is not there stays zero.
    pub(crate) fn crop(&self, rectangle: &Rectangle) -> Vec<f32> {
        let mut values = vec![0.0; self.layout.channels * rectangle.area()];
        for tile in self.layout.touched(rectangle) {
            if let Some(source) = &self.tiles[tile] {
                let place = self.layout.place(tile);
                let source = (&source.values[..], &place);
                copy(source, (&mut values, rectangle), self.layout.channels);
            }
        }
        values
    }
}

/// Copies the common positions of two rectangles of values, channel by channel.
pub(crate) fn copy(
    (source, from): (&[f32], &Rectangle),
    (target, to): (&mut [f32], &Rectangle),
    channels: usize,
) {
    let common = from.and(to);
    if common.is_empty() {
        return;
    }
    let width = common.width();
    for channel in 0..channels {
        for row in common.top..common.bottom {
            let at = |r: &Rectangle| {
                channel * r.area() + (row - r.top) * r.width() + (common.left - r.left)
            };
            let (read, write) = (at(from), at(to));
            target[write..write + width].copy_from_slice(&source[read..read + width]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crop_of_tiles_is_that_of_the_map() {
        let layout = Layout {
            channels: 2,
            extent: [7, 10],
            side: 4,
        };
        let values: Vec<f32> = (0..140_u8).map(f32::from).collect();
        let held = Held::default();
        let map = Map::whole(layout, &values, &held);
        assert_eq!(held.load(Ordering::Relaxed), 4 * 140);
        let rectangle = Rectangle {
            top: 2,
            bottom: 7,
            left: 3,
            right: 9,
        };
        let expected: Vec<f32> = (0..2_u16)
            .flat_map(|c| (2..7).flat_map(move |y| (3..9).map(move |x| c * 70 + y * 10 + x)))
            .map(f32::from)
            .collect();
        assert_eq!(map.crop(&rectangle), expected);
        assert_eq!(
            layout.touched(&rectangle).collect::<Vec<_>>(),
            [0, 1, 2, 3, 4, 5]
        );
        drop(map);
        assert_eq!(held.load(Ordering::Relaxed), 0);
    }
}
