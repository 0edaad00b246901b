//! Whether the regions of a class activation map hold true lines, at the map's own cell width.

use super::cells::{Cells, expected_share, positive_share};
use super::lines::TrueLine;
use crate::{CamSettings, ExplainError, class_map, condense};
use assay_infer::MappedFeatures;
use assay_pipeline::Bundle;
use serde::Serialize;
use std::ops::Range;

/// Share of positive importance in some cells: what a map without meaning would have there, what
/// the map has, and what occlusion of whole cells has.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Shares {
    /// The share of these cells among all.
    pub expected: f64,
    /// Of the class activation map; absent where nothing speaks for the class.
    pub map: Option<f64>,
    /// Of occlusion; absent where hiding a cell never costs the class anything.
    pub occlusion: Option<f64>,
}

/// A class activation map against the true lines.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct RegionScore {
    /// Number of cells.
    pub cells: usize,
    /// Width of one in keV.
    pub cell_width_kev: f64,
    /// In cells that hold a distinguishing line, whatever else they hold.
    pub holding: Shares,
    /// In cells where distinguishing lines have more than half of the counts in lines.
    pub ruled: Shares,
}

/// One importance per cell.
pub(super) struct CellMap {
    pub(super) cells: Cells,
    pub(super) importance: Vec<f64>,
}

impl CellMap {
    /// The map of a class, symmetric and reduced to energies as everywhere, not interpolated.
    pub(super) fn of(
        bundle: &Bundle,
        mapped: &MappedFeatures,
        class: usize,
    ) -> Result<Self, ExplainError> {
        let settings = CamSettings::default();
        let map = class_map(bundle, mapped, class, settings.method)?.symmetric()?;
        let importance = condense(map.values.view(), settings.reduction);
        let recipe = &bundle.contents().recipe;
        let bin_kev = recipe.grid.bin_width_kev();
        let count = importance.len();
        let cells = Cells {
            first_kev: recipe.energy_kev(0) - 0.5 * bin_kev,
            width_kev: bin_kev * recipe.bins() as f64 / count.max(1) as f64,
            count,
        };
        Ok(Self { cells, importance })
    }

    /// Scores the map beside what occlusion of each cell costs the class.
    ///
    /// # Shapes
    /// `occlusion [cells]`; lines by the energy axis of the model.
    pub(super) fn score(&self, occlusion: &[f64], lines: &[TrueLine]) -> RegionScore {
        let shares = |marked: &[bool]| Shares {
            expected: expected_share(marked),
            map: positive_share(&self.importance, marked),
            occlusion: positive_share(occlusion, marked),
        };
        RegionScore {
            cells: self.cells.count,
            cell_width_kev: self.cells.width_kev,
            holding: shares(&self.cells.holding(lines)),
            ruled: shares(&self.cells.ruled(lines)),
        }
    }
}

/// An input vector with some of its bins hidden behind the mean of all: occlusion as it is done on
/// pictures, which knows nothing of peaks and continua.
///
/// # Source
/// M. D. Zeiler, R. Fergus, Visualizing and understanding convolutional networks, ECCV 2014, with
/// the mean in place of grey.
pub(super) fn occluded(vector: &[f32], hidden: Range<usize>) -> Vec<f32> {
    let sum: f64 = vector.iter().copied().map(f64::from).sum();
    #[expect(clippy::cast_possible_truncation, reason = "input vectors are f32")]
    let mean = (sum / vector.len().max(1) as f64) as f32;
    let mut behind = vector.to_vec();
    let end = hidden.end.min(vector.len());
    behind[hidden.start.min(end)..end].fill(mean);
    behind
}

#[cfg(test)]
mod tests {
    use super::{super::lines::line, *};

    #[test]
    fn a_window_is_hidden_behind_the_mean() {
        assert_eq!(occluded(&[1.0, 2.0, 6.0], 1..2), [1.0, 3.0, 6.0]);
        assert_eq!(occluded(&[1.0, 2.0, 6.0], 2..9), [1.0, 2.0, 3.0]);
        assert_eq!(occluded(&[1.0, 2.0, 6.0], 7..9), [1.0, 2.0, 6.0]);
    }

    #[test]
    fn a_map_is_scored_in_its_own_cells() {
        let map = CellMap {
            cells: Cells {
                first_kev: 0.0,
                width_kev: 10.0,
                count: 4,
            },
            importance: vec![3.0, 1.0, -5.0, 0.0],
        };
        let lines = [
            line(5.0, 9.0, true),
            line(15.0, 1.0, true),
            line(15.0, 2.0, false),
        ];
        let score = map.score(&[1.0, 0.0, 3.0, 0.0], &lines);
        let shares = |expected, map, occlusion| Shares {
            expected,
            map: Some(map),
            occlusion: Some(occlusion),
        };
        assert_eq!(score.holding, shares(0.5, 1.0, 0.25));
        assert_eq!(score.ruled, shares(0.25, 0.75, 0.25));
        assert_eq!((score.cells, score.cell_width_kev), (4, 10.0));
    }
}
