//! One judged set as the template shows it: headline, confusion matrix, figures of merit.

use crate::evaluation::{ClassFigures, Confusion, EvaluationPart, Figure, Merit};
use crate::number;
use crate::words::{self, Headline};
use assay_core::UNKNOWN;

pub(super) struct Part<'a> {
    pub(super) id: String,
    pub(super) name: &'a str,
    pub(super) headlines: Vec<Headline>,
    pub(super) remarks: Vec<String>,
    pub(super) confusion: Option<Matrix<'a>>,
    pub(super) merit: Option<MeritTable<'a>>,
}

impl<'a> Part<'a> {
    pub(super) fn new(index: usize, part: &'a EvaluationPart) -> Self {
        Self {
            id: format!("set-{}", index + 1),
            name: &part.name,
            headlines: words::headlines(part),
            remarks: words::remarks(part),
            confusion: part.confusion.as_ref().map(Matrix::new),
            merit: part.merit.as_ref().map(MeritTable::new),
        }
    }
}

pub(super) struct Matrix<'a> {
    pub(super) columns: &'a [String],
    pub(super) rows: Vec<MatrixRow<'a>>,
}

pub(super) struct MatrixRow<'a> {
    pub(super) label: &'a str,
    pub(super) is_unknown: bool,
    pub(super) total: u64,
    pub(super) cells: Vec<MatrixCell>,
}

pub(super) struct MatrixCell {
    pub(super) count: u64,
    /// Share of the row, in `[0, 1]`, as CSS reads it.
    pub(super) share: String,
    pub(super) class: &'static str,
}

impl<'a> Matrix<'a> {
    fn new(confusion: &'a Confusion) -> Self {
        let rows = confusion
            .rows
            .iter()
            .zip(&confusion.counts)
            .map(|(label, counts)| MatrixRow::new(label, counts, &confusion.columns))
            .collect();
        Self {
            columns: &confusion.columns,
            rows,
        }
    }
}

impl<'a> MatrixRow<'a> {
    fn new(label: &'a str, counts: &[u64], columns: &[String]) -> Self {
        let is_unknown = !columns.iter().any(|column| column == label);
        let target = if is_unknown { UNKNOWN } else { label };
        let total: u64 = counts.iter().sum();
        let cells = counts
            .iter()
            .zip(columns)
            .map(|(&count, column)| MatrixCell {
                count,
                share: format!("{:.3}", count as f64 / total.max(1) as f64),
                class: match (count, column == target) {
                    (0, true) => "none target",
                    (0, false) => "none",
                    (_, true) => "good target",
                    (_, false) => "bad",
                },
            })
            .collect();
        Self {
            label,
            is_unknown,
            total,
            cells,
        }
    }
}

pub(super) struct MeritTable<'a> {
    pub(super) totals: Vec<(&'static str, &'static str, String)>,
    pub(super) classes: Vec<(&'a str, [String; 3])>,
    /// Why figures have no value: the reason, and the figures it holds for.
    pub(super) reasons: Vec<(&'a str, String)>,
}

impl<'a> MeritTable<'a> {
    fn new(merit: &'a Merit) -> Self {
        let totals = [
            (
                "TSNS",
                "total sensitivity: known spectra accepted and right",
                &merit.tsns,
            ),
            (
                "TSPS",
                "total specificity: spectra not put into a wrong class",
                &merit.tsps,
            ),
            (
                "TEFF",
                "total efficiency: geometric mean of both",
                &merit.teff,
            ),
            (
                "ACC",
                "accuracy: refused unknowns count as right",
                &merit.acc,
            ),
        ];
        let mut reasons = Vec::new();
        for (name, _, figure) in &totals {
            note(&mut reasons, figure, (*name).to_owned());
        }
        for class in &merit.classes {
            for (name, figure) in class.named() {
                note(&mut reasons, figure, format!("{name} of {}", class.label));
            }
        }
        Self {
            totals: totals
                .into_iter()
                .map(|(name, meaning, figure)| (name, meaning, shown(figure)))
                .collect(),
            classes: merit
                .classes
                .iter()
                .map(|class| {
                    let figures = class.named().map(|(_, figure)| shown(figure));
                    (class.label.as_str(), figures)
                })
                .collect(),
            reasons,
        }
    }
}

impl ClassFigures {
    fn named(&self) -> [(&'static str, &Figure); 3] {
        [
            ("CSNS", &self.csns),
            ("CSPS", &self.csps),
            ("CEFF", &self.ceff),
        ]
    }
}

fn shown(figure: &Figure) -> String {
    figure
        .value
        .map_or_else(|| "undefined".into(), number::share)
}

fn note<'a>(reasons: &mut Vec<(&'a str, String)>, figure: &'a Figure, name: String) {
    let Some(reason) = figure.reason.as_deref() else {
        return;
    };
    match reasons.iter_mut().find(|(known, _)| *known == reason) {
        Some((_, names)) => *names += &format!(", {name}"),
        None => reasons.push((reason, name)),
    }
}
