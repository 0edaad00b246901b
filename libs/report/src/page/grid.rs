//! A grid search as the template shows it.

use crate::number;
use crate::report::GridSearch;

pub(super) struct Grid<'a> {
    pub(super) rule: &'a str,
    pub(super) columns: &'a [String],
    pub(super) rows: Vec<GridLine>,
}

pub(super) struct GridLine {
    pub(super) alpha: String,
    pub(super) cells: Vec<GridCell>,
}

pub(super) struct GridCell {
    pub(super) text: String,
    /// Place between the lowest and the highest score, in `[0, 1]`, as CSS reads it.
    pub(super) share: String,
    pub(super) is_chosen: bool,
}

impl<'a> Grid<'a> {
    pub(super) fn new(search: &'a GridSearch) -> Self {
        let scores = || {
            search
                .rows
                .iter()
                .flat_map(|row| &row.scores)
                .flatten()
                .copied()
        };
        let (low, high) = (
            scores().fold(f64::INFINITY, f64::min),
            scores().fold(f64::NEG_INFINITY, f64::max),
        );
        let rows = search.rows.iter().enumerate().map(|(i, row)| GridLine {
            alpha: number::brief(row.alpha),
            cells: row
                .scores
                .iter()
                .enumerate()
                .map(|(j, score)| GridCell {
                    text: score.map_or_else(|| "–".into(), number::share),
                    share: score.filter(|_| high > low).map_or_else(
                        || "0".into(),
                        |s| format!("{:.3}", (s - low) / (high - low)),
                    ),
                    is_chosen: (i, j) == search.chosen,
                })
                .collect(),
        });
        Self {
            rule: &search.rule,
            columns: &search.columns,
            rows: rows.collect(),
        }
    }
}
