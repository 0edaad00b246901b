//! The judgement of a set of spectra as JSON and as tables.

use crate::{
    context::Context,
    terminal::{Align, Table, number},
};
use assay_core::Digest;
use assay_pipeline::{Dataset, DatasetWarning, EvaluationReport, EvaluationSummary};
use serde::Serialize;
use std::{collections::BTreeMap, path::Path};

/// Warnings told one by one; of more only the number is told.
const TOLD_WARNINGS: usize = 5;

/// An evaluation, of which bundle, by which data, with what was odd about the files.
#[derive(Debug, Serialize)]
pub(crate) struct Judgement {
    pub(crate) bundle: Digest,
    pub(crate) data: Digest,
    #[serde(flatten)]
    pub(crate) report: EvaluationReport,
    pub(crate) warnings: Vec<DatasetWarning>,
}

impl Judgement {
    pub(crate) fn new(bundle: Digest, dataset: &Dataset, report: EvaluationReport) -> Self {
        Self {
            bundle,
            data: dataset.digest(),
            report,
            warnings: dataset.warnings(),
        }
    }

    /// Tells about odd files on standard error.
    pub(crate) fn tell_warnings(&self, context: &Context) {
        tell(context, &self.warnings);
    }

    /// Everything for people.
    pub(crate) fn table(&self) -> String {
        let summary = &self.report.summary;
        let mut text = headline(summary);
        text += "\n";
        text += &confusion(summary);
        text += "\n";
        text += &merit(summary);
        let faults = self.faults();
        if !faults.is_empty() {
            text += &format!("\nnot as they should be:\n{faults}");
        }
        text
    }

    fn faults(&self) -> String {
        let mut table = Table::new([
            ("file", Align::Left),
            ("label", Align::Left),
            ("role", Align::Left),
            ("answer", Align::Left),
            ("best class", Align::Left),
            ("gate score", Align::Right),
            ("p-value", Align::Right),
        ]);
        let wrong: Vec<_> = self.report.spectra.iter().filter(|s| !s.correct).collect();
        for outcome in &wrong {
            table.row([
                outcome.file.clone(),
                outcome.label.to_string(),
                outcome.role.as_str().to_owned(),
                outcome.answer().to_owned(),
                outcome.closed_set_label.to_string(),
                number(outcome.score),
                format!("{:.3}", outcome.p_value),
            ]);
        }
        if wrong.is_empty() {
            String::new()
        } else {
            table.render()
        }
    }
}

/// Tells about the first odd files on standard error, and how many there are.
pub(crate) fn tell(context: &Context, warnings: &[DatasetWarning]) {
    for warning in warnings.iter().take(TOLD_WARNINGS) {
        context
            .progress
            .warn(&format!("{}: {}", warning.file, warning.message));
    }
    if warnings.len() > TOLD_WARNINGS {
        context.progress.warn(&format!(
            "{} more oddities of files; --json and --report list them all",
            warnings.len() - TOLD_WARNINGS
        ));
    }
}

/// Name of a set of spectra: that of its manifest.
pub(crate) fn set_name(manifest: &Path) -> String {
    let stem = manifest.file_stem().unwrap_or(manifest.as_os_str());
    stem.to_string_lossy().into_owned()
}

fn headline(summary: &EvaluationSummary) -> String {
    let mut text = String::new();
    if summary.known_total > 0 {
        text += &format!(
            "known spectra accepted and right    {} of {}\n",
            summary.known_correct, summary.known_total
        );
    }
    if summary.unknown_total > 0 {
        text += &format!(
            "unknown spectra refused             {} of {}\n",
            summary.unknown_rejected, summary.unknown_total
        );
    }
    if summary.known_total > 0 {
        text += &format!(
            "right class, gate ignored           {} of {}\n",
            summary.closed_set_correct, summary.known_total
        );
    }
    text
}

/// Columns get numbers for headers, explained by the rows: labels are too long side by side.
fn confusion(summary: &EvaluationSummary) -> String {
    let matrix = &summary.confusion_matrix;
    let mut headers = vec![("actual \\ answer".to_owned(), Align::Left)];
    headers.extend(
        (1..=matrix.columns.len())
            .map(|position| match matrix.columns.len() - position {
                0 => "?".to_owned(),
                _ => position.to_string(),
            })
            .map(|header| (header, Align::Right)),
    );
    let mut table = Table::new(headers);
    let positions: BTreeMap<&str, usize> = matrix
        .columns
        .iter()
        .enumerate()
        .map(|(i, label)| (label.as_str(), i + 1))
        .collect();
    for (label, counts) in matrix.rows.iter().zip(&matrix.counts) {
        let name = match positions.get(label.as_str()) {
            Some(position) => format!("{position:>2} {label}"),
            None => format!(" ? {label}"),
        };
        let counts = counts.iter().map(|&count| match count {
            0 => "·".to_owned(),
            count => count.to_string(),
        });
        table.row(std::iter::once(name).chain(counts));
    }
    let untested: Vec<String> = matrix
        .columns
        .iter()
        .take(matrix.columns.len().saturating_sub(1))
        .filter(|label| !matrix.rows.contains(label))
        .map(|label| format!("{} {label}", positions[label.as_str()]))
        .collect();
    let mut text = table.render();
    if !untested.is_empty() {
        text += &format!("not tested: {}\n", untested.join(", "));
    }
    text + "column ? = UNKNOWN\n"
}

fn merit(summary: &EvaluationSummary) -> String {
    let figures = &summary.figures_of_merit;
    let value = |figure: Option<f64>| figure.map_or("undefined".to_owned(), |v| format!("{v:.4}"));
    let mut text = format!(
        "TSNS {}   TSPS {}   TEFF {}   ACC {}\n",
        value(figures.tsns),
        value(figures.tsps),
        value(figures.teff),
        value(figures.acc)
    );
    for (name, reason) in &figures.undefined {
        text += &format!("{name} is undefined: {reason}\n");
    }
    text
}
