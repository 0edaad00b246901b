//! A judged set of spectra, a model's origin and its gate as parts of a report.

use crate::words;
use assay_pipeline::{Bundle, DatasetWarning, EvaluationReport, Role, evaluate::Figures};
use assay_report::{
    ClassFigures, Confusion, EvaluationPart, Figure, GateSummary, Merit, PartKind, Provenance,
    SpectrumRow,
};
use std::collections::BTreeMap;

/// A judged set of spectra, with what was odd about their files.
#[must_use]
pub fn part(
    name: &str,
    kind: PartKind,
    report: &EvaluationReport,
    oddities: &[DatasetWarning],
) -> EvaluationPart {
    let summary = &report.summary;
    let mut warnings: BTreeMap<u64, Vec<String>> = BTreeMap::new();
    for warning in oddities {
        warnings
            .entry(warning.line)
            .or_default()
            .push(warning.message.clone());
    }
    EvaluationPart {
        name: name.to_owned(),
        kind,
        known_total: summary.known_total,
        known_correct: summary.known_correct,
        closed_set_correct: summary.closed_set_correct,
        unknown_total: summary.unknown_total,
        unknown_rejected: summary.unknown_rejected,
        merit: Some(merit(&summary.figures_of_merit)),
        confusion: Some(Confusion {
            rows: summary.confusion_matrix.rows.clone(),
            columns: summary.confusion_matrix.columns.clone(),
            counts: summary.confusion_matrix.counts.clone(),
        }),
        spectra: report
            .spectra
            .iter()
            .map(|outcome| SpectrumRow {
                file: outcome.file.clone(),
                label: outcome.label.to_string(),
                role: match outcome.role {
                    Role::Known => assay_report::Role::Known,
                    Role::Unknown => assay_report::Role::Unknown,
                },
                verdict: outcome.answer().to_owned(),
                best_class: outcome.closed_set_label.to_string(),
                probability: f64::from(outcome.probability),
                gate_score: Some(outcome.score),
                p_value: Some(outcome.p_value),
                warnings: warnings.remove(&outcome.line).unwrap_or_default(),
            })
            .collect(),
    }
}

fn merit(figures: &Figures) -> Merit {
    let figure = |name: &str, value: Option<f64>| match value {
        Some(value) => Figure::defined(value),
        None => Figure::undefined(
            figures
                .undefined
                .get(name)
                .map_or("no spectrum to judge by", String::as_str),
        ),
    };
    let by_class = |name: &str, values: &BTreeMap<String, Option<f64>>, label: &str| {
        figure(
            &format!("{name}.{label}"),
            values.get(label).copied().flatten(),
        )
    };
    Merit {
        tsns: figure("tsns", figures.tsns),
        tsps: figure("tsps", figures.tsps),
        teff: figure("teff", figures.teff),
        acc: figure("acc", figures.acc),
        classes: figures
            .csns
            .keys()
            .map(|label| ClassFigures {
                label: label.clone(),
                csns: by_class("csns", &figures.csns, label),
                csps: by_class("csps", &figures.csps, label),
                ceff: by_class("ceff", &figures.ceff, label),
            })
            .collect(),
    }
}

/// Where a model comes from; `created` is the moment of the report in words.
#[must_use]
pub fn provenance(bundle: &Bundle, created: &str) -> Provenance {
    let contents = bundle.contents();
    Provenance {
        model: match contents.model.imaging() {
            Some(imaging) => format!(
                "{}, images of {} × {} pixels",
                contents.model.name(),
                imaging.size,
                imaging.size
            ),
            None => contents.model.name().to_owned(),
        },
        base: contents
            .base
            .as_ref()
            .map(|base| format!("{} ({}), {}", base.name, base.licence, base.source)),
        bundle_id: Some(bundle.id().to_string()),
        data_digest: Some(contents.training.data.to_string()),
        created: Some(created.to_owned()),
        versions: vec![
            ("openassay".to_owned(), contents.versions.openassay.clone()),
            ("features:".to_owned(), contents.versions.engine.clone()),
            ("training:".to_owned(), contents.versions.trainer.clone()),
        ],
    }
}

/// The gate of a bundle.
#[must_use]
pub fn gate(bundle: &Bundle) -> GateSummary {
    let gate = &bundle.contents().gate;
    GateSummary {
        detector: words::detector(&gate.detector),
        alpha: gate.alpha,
        threshold: gate.threshold,
        rule: format!("Threshold: {}.", words::threshold_rule(&gate.rule)),
        n_calibration: gate.n,
    }
}
