//! Turns results of the libraries into the content of a report page.

use crate::{
    clock,
    failure::{Failure, Result},
    file,
    judgement::Judgement,
};
use assay_core::ErrorKind;
use assay_pipeline::{Bundle, Role, evaluate::Figures};
use assay_report::{
    ClassFigures, Confusion, EvaluationPart, Figure, GateSummary, Merit, PartKind, Provenance,
    SpectrumRow, TrainingReport, render_html,
};
use std::{collections::BTreeMap, path::Path};

/// A judged set of spectra.
pub(crate) fn part(name: &str, kind: PartKind, judgement: &Judgement) -> EvaluationPart {
    let summary = &judgement.report.summary;
    let mut warnings: BTreeMap<u64, Vec<String>> = BTreeMap::new();
    for warning in &judgement.warnings {
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
        spectra: judgement
            .report
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

/// Where a model comes from.
pub(crate) fn provenance(bundle: &Bundle) -> Provenance {
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
        created: Some(clock::now()),
        versions: vec![
            ("openassay".to_owned(), contents.versions.openassay.clone()),
            ("features:".to_owned(), contents.versions.engine.clone()),
            ("training:".to_owned(), contents.versions.trainer.clone()),
        ],
    }
}

/// The gate of a bundle.
pub(crate) fn gate(bundle: &Bundle) -> GateSummary {
    let gate = &bundle.contents().gate;
    GateSummary {
        detector: crate::words::detector(&gate.detector),
        alpha: gate.alpha,
        threshold: gate.threshold,
        rule: format!("Threshold: {}.", crate::words::threshold_rule(&gate.rule)),
        n_calibration: gate.n,
    }
}

/// Adds a judged set to the report of a bundle; begins one where there is none.
pub(crate) fn add_evaluation(page: &Path, bundle: &Bundle, part: EvaluationPart) -> Result {
    let json = page.with_extension("json");
    let mut report = if json.is_file() {
        stored(&json, bundle)?
    } else {
        let title = format!("Model {}", bundle.contents().model.name());
        let mut report = TrainingReport::new(title, provenance(bundle));
        report.gate = Some(gate(bundle));
        report
    };
    report.put_evaluation(part);
    write(page, &report)
}

fn stored(json: &Path, bundle: &Bundle) -> Result<TrainingReport> {
    let report = TrainingReport::from_json(&file::read_text(json)?)
        .map_err(|error| Failure::from(error).while_doing(json.display()))?;
    if report.provenance.bundle_id == Some(bundle.id().to_string()) {
        return Ok(report);
    }
    Err(Failure::new(
        ErrorKind::AlreadyExists,
        format!(
            "{} is the report of another model (bundle {}); name another --report",
            json.display(),
            report.provenance.bundle_id.as_deref().unwrap_or("unknown")
        ),
    ))
}

/// Refuses early a page that could not be written in the end.
pub(crate) fn check_place(page: &Path) -> Result {
    if page.with_extension("json") == page {
        return Err(Failure::usage(format!(
            "--report {} must not end in .json: the page's data goes there",
            page.display()
        )));
    }
    file::check_writable(page)
}

/// Writes the page and, beside it, its JSON.
pub(crate) fn write(page: &Path, report: &TrainingReport) -> Result {
    let json = page.with_extension("json");
    let text = report.to_json()?;
    let html = render_html(report)?;
    file::write(&json, text.as_bytes())?;
    file::write(page, html.as_bytes())
}
