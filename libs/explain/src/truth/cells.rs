//! The cells of a class activation map on the energy axis, and which of them hold true lines.

use super::lines::{LineCounts, TrueLine};
use std::ops::Range;

/// Cells of equal width that cover an axis of equal bins.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cells {
    /// Lower edge of the first one.
    pub first_kev: f64,
    /// Width of one.
    pub width_kev: f64,
    /// Number of cells.
    pub count: usize,
}

impl Cells {
    /// The cell at an energy.
    #[must_use]
    pub fn at(&self, energy_kev: f64) -> Option<usize> {
        let place = ((energy_kev - self.first_kev) / self.width_kev).floor();
        (place >= 0.0 && place < self.count as f64).then_some(place as usize)
    }

    /// The bins that a cell covers, of as many as the axis has.
    #[must_use]
    pub fn bins(&self, cell: usize, bins: usize) -> Range<usize> {
        let edge = |cell: usize| cell.min(self.count) * bins / self.count.max(1);
        edge(cell)..edge(cell + 1)
    }

    /// Cells that hold a distinguishing line, whatever else they hold.
    ///
    /// # Shapes
    /// `[cells]`
    #[must_use]
    pub fn holding(&self, lines: &[TrueLine]) -> Vec<bool> {
        self.sums(lines)
            .into_iter()
            .map(|sum| sum.distinguishing > 0.0)
            .collect()
    }

    /// Cells in which more than half of the counts in lines are those of distinguishing ones.
    ///
    /// # Shapes
    /// `[cells]`
    #[must_use]
    pub fn ruled(&self, lines: &[TrueLine]) -> Vec<bool> {
        let sums = self.sums(lines).into_iter();
        sums.map(LineCounts::ruled).collect()
    }

    /// Counts of the lines in each cell.
    fn sums(&self, lines: &[TrueLine]) -> Vec<LineCounts> {
        let mut sums = vec![LineCounts::default(); self.count];
        for line in lines {
            if let Some(cell) = self.at(line.energy_kev) {
                sums[cell].add(line);
            }
        }
        sums
    }
}

/// Share of all positive importance that stands in marked cells; `None` where none is positive.
pub(super) fn positive_share(importance: &[f64], marked: &[bool]) -> Option<f64> {
    let positive = || importance.iter().map(|value| value.max(0.0));
    let all: f64 = positive().sum();
    let inside = positive()
        .zip(marked)
        .filter(|(_, marked)| **marked)
        // From 0.0: an empty sum would be -0.0.
        .fold(0.0, |sum, (value, _)| sum + value);
    (all > 0.0).then(|| inside / all)
}

/// The share that a map of no meaning is expected to have there: that of the cells.
pub(super) fn expected_share(marked: &[bool]) -> f64 {
    let count = marked.iter().filter(|m| **m).count();
    count as f64 / marked.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::{super::lines::line, *};

    const CELLS: Cells = Cells {
        first_kev: 100.0,
        width_kev: 50.0,
        count: 4,
    };

    #[test]
    fn edges_belong_to_the_cell_above_and_the_outside_to_none() {
        assert_eq!(CELLS.at(99.9), None);
        assert_eq!(CELLS.at(100.0), Some(0));
        assert_eq!(CELLS.at(150.0), Some(1));
        assert_eq!(CELLS.at(299.9), Some(3));
        assert_eq!(CELLS.at(300.0), None);
    }

    #[test]
    fn bins_go_to_one_cell_each() {
        let all: Vec<usize> = (0..4).flat_map(|cell| CELLS.bins(cell, 10)).collect();
        assert_eq!(all, (0..10).collect::<Vec<_>>());
        assert_eq!(CELLS.bins(1, 10), 2..5);
    }

    #[test]
    fn cells_with_and_cells_ruled_by_distinguishing_lines() {
        let lines = [
            line(110.0, 5.0, true),
            line(120.0, 4.0, false),
            line(160.0, 1.0, true),
            line(170.0, 1.0, false),
            line(260.0, 3.0, false),
            line(999.0, 3.0, true),
        ];
        assert_eq!(CELLS.holding(&lines), [true, true, false, false]);
        assert_eq!(CELLS.ruled(&lines), [true, false, false, false]);
    }

    #[test]
    fn shares_of_positive_importance() {
        let marked = [true, false, true, false];
        let share = positive_share(&[3.0, 1.0, -9.0, 0.0], &marked);
        assert_eq!(share, Some(0.75));
        assert_eq!(positive_share(&[-1.0, 0.0, -2.0, 0.0], &marked), None);
        assert_eq!(expected_share(&marked), 0.5);
        let nowhere = positive_share(&[1.0; 4], &[false; 4]);
        assert!(nowhere.is_some_and(|share| share.is_sign_positive()));
        assert_eq!(positive_share(&[1.0; 4], &marked), Some(0.5));
    }
}
