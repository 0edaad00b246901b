//! Report pages on disk.

use crate::{
    clock,
    failure::{Failure, Result},
    file,
    judgement::Judgement,
};
use assay_core::ErrorKind;
use assay_pipeline::Bundle;
use assay_report::{EvaluationPart, PartKind, TrainingReport, render_html};
use assay_reporting::evaluation;
use std::path::Path;

/// A judged set of spectra.
pub(crate) fn part(name: &str, kind: PartKind, judgement: &Judgement) -> EvaluationPart {
    evaluation::part(name, kind, &judgement.report, &judgement.warnings)
}

/// Adds a judged set to the report of a bundle; begins one where there is none.
pub(crate) fn add_evaluation(page: &Path, bundle: &Bundle, part: EvaluationPart) -> Result {
    let json = page.with_extension("json");
    let mut report = if json.is_file() {
        stored(&json, bundle)?
    } else {
        let title = format!("Model {}", bundle.contents().model.name());
        let mut report = TrainingReport::new(title, evaluation::provenance(bundle, &clock::now()));
        report.gate = Some(evaluation::gate(bundle));
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
