//! The table of single spectra, bounded so that the page stays small.

use crate::evaluation::{EvaluationPart, Role, SpectrumRow};
use crate::number;

/// More rows than this make a page that browsers scroll badly and nobody reads.
const MAX_ROWS: usize = 2000;

pub(super) struct Spectra<'a> {
    pub(super) rows: Vec<Row<'a>>,
    pub(super) sets: Vec<&'a str>,
    pub(super) left_out: usize,
    pub(super) has_warnings: bool,
}

pub(super) struct Row<'a> {
    pub(super) set: &'a str,
    pub(super) row: &'a SpectrumRow,
    pub(super) is_unknown: bool,
    pub(super) is_right: bool,
    pub(super) outcome: &'static str,
    pub(super) probability: String,
    pub(super) gate_score: Option<String>,
    pub(super) p_value: Option<String>,
}

impl<'a> Spectra<'a> {
    pub(super) fn new(parts: &'a [EvaluationPart]) -> Option<Self> {
        let all = || {
            parts.iter().flat_map(|part| {
                part.spectra
                    .iter()
                    .map(move |row| (part.name.as_str(), row))
            })
        };
        let total = all().count();
        if total == 0 {
            return None;
        }
        // What is noteworthy goes in first; the order in the table stays that of the sets.
        let noteworthy = |row: &SpectrumRow| !row.outcome().is_right() || !row.warnings.is_empty();
        let places = all()
            .filter(|(_, row)| noteworthy(row))
            .count()
            .min(MAX_ROWS);
        let (mut left_noteworthy, mut left_plain) = (places, MAX_ROWS - places);
        let rows: Vec<_> = all()
            .filter(|(_, row)| {
                let left = if noteworthy(row) {
                    &mut left_noteworthy
                } else {
                    &mut left_plain
                };
                let fits = *left > 0;
                *left = left.saturating_sub(1);
                fits
            })
            .map(|(set, row)| Row::new(set, row))
            .collect();
        Some(Self {
            left_out: total - rows.len(),
            has_warnings: rows.iter().any(|row| !row.row.warnings.is_empty()),
            sets: parts
                .iter()
                .filter(|part| !part.spectra.is_empty())
                .map(|part| part.name.as_str())
                .collect(),
            rows,
        })
    }
}

impl<'a> Row<'a> {
    fn new(set: &'a str, row: &'a SpectrumRow) -> Self {
        let outcome = row.outcome();
        Self {
            set,
            row,
            is_unknown: row.role == Role::Unknown,
            is_right: outcome.is_right(),
            outcome: outcome.words(),
            probability: format!("{:.3}", row.probability),
            gate_score: row.gate_score.map(number::plain),
            p_value: row.p_value.map(number::p_value),
        }
    }
}
