//! The model card: the description in words, with front matter that catalogues of models read.

use super::BundleContents;
use crate::EvaluationSummary;
use assay_openset::ThresholdRule;
use std::fmt::Write;

/// The card of a model; the same contents give the same text.
pub(super) fn write(contents: &BundleContents) -> String {
    let mut card = String::new();
    front_matter(&mut card, contents);
    let written = title(&mut card, contents)
        .and_then(|()| classes(&mut card, contents))
        .and_then(|()| how_it_decides(&mut card, contents))
        .and_then(|()| metrics(&mut card, contents))
        .and_then(|()| origin(&mut card, contents));
    debug_assert!(written.is_ok(), "a String takes everything");
    card
}

/// Values are JSON, which is also YAML, so that no label can break the front matter.
fn front_matter(card: &mut String, contents: &BundleContents) {
    let evaluations: serde_json::Map<_, _> = contents
        .metrics
        .evaluations
        .iter()
        .map(|(name, summary)| (name.clone(), brief(summary)))
        .collect();
    let base = contents.base.as_ref();
    let fields = [
        ("library_name", serde_json::json!("openassay")),
        ("pipeline_tag", serde_json::json!("open-set-classification")),
        (
            "tags",
            serde_json::json!(["gamma-spectroscopy", "pgaa", "open-set", "onnx"]),
        ),
        ("model", serde_json::json!(contents.model.name())),
        ("base", serde_json::json!(base.map(|base| &base.name))),
        (
            "base_digest",
            serde_json::json!(base.map(|base| base.digest)),
        ),
        (
            "base_license",
            serde_json::json!(base.map(|base| &base.licence)),
        ),
        ("classes", serde_json::json!(contents.classes)),
        (
            "training_data_digest",
            serde_json::json!(contents.training.data),
        ),
        ("metrics", serde_json::json!(contents.metrics.values)),
        ("figures_of_merit", serde_json::Value::Object(evaluations)),
    ];
    card.push_str("---\n");
    for (name, value) in fields {
        card.push_str(name);
        card.push_str(": ");
        card.push_str(&value.to_string());
        card.push('\n');
    }
    card.push_str("---\n\n");
}

fn brief(summary: &EvaluationSummary) -> serde_json::Value {
    let merit = &summary.figures_of_merit;
    serde_json::json!({
        "known_correct": summary.known_correct,
        "closed_set_correct": summary.closed_set_correct,
        "known_total": summary.known_total,
        "unknown_rejected": summary.unknown_rejected,
        "unknown_total": summary.unknown_total,
        "tsns": merit.tsns,
        "tsps": merit.tsps,
        "teff": merit.teff,
        "acc": merit.acc,
    })
}

fn title(card: &mut String, contents: &BundleContents) -> std::fmt::Result {
    let (lo_kev, hi_kev) = contents.recipe.energy_range_kev();
    writeln!(
        card,
        "# Open-set classifier of gamma-ray spectra ({})\n\n\
         Tells which of {} materials a spectrum from {lo_kev:.0} to {hi_kev:.0} keV shows, and \
         answers UNKNOWN where it is unlike all of them.\n",
        contents.model.name(),
        contents.classes.len()
    )?;
    if let Some(imaging) = contents.model.imaging() {
        writeln!(
            card,
            "The spectrum becomes a Gramian angular field of {0} × {0} pixels inside the network.\n",
            imaging.size
        )?;
    }
    Ok(())
}

fn classes(card: &mut String, contents: &BundleContents) -> std::fmt::Result {
    writeln!(
        card,
        "## Classes\n\n| class | training spectra |\n|---|---|"
    )?;
    for label in &contents.classes {
        let spectra = contents.training.spectra.get(label).copied().unwrap_or(0);
        writeln!(card, "| {} | {spectra} |", cell(label.as_str()))?;
    }
    card.push('\n');
    Ok(())
}

fn how_it_decides(card: &mut String, contents: &BundleContents) -> std::fmt::Result {
    let gate = &contents.gate;
    let rule = match gate.rule {
        ThresholdRule::OutOfFold { folds, .. } => {
            format!("scores of training spectra that the gate had not seen ({folds} folds)")
        }
        ThresholdRule::InSample => "scores of the training spectra themselves".to_owned(),
    };
    writeln!(
        card,
        "## Gate\n\nDetector {}; refuses a spectrum that scores below {}, which {:.3} of {} {rule} \
         do.\n",
        gate.detector.name(),
        gate.threshold,
        gate.alpha,
        gate.n
    )
}

fn metrics(card: &mut String, contents: &BundleContents) -> std::fmt::Result {
    let metrics = &contents.metrics;
    if !metrics.evaluations.is_empty() {
        writeln!(
            card,
            "## Figures of merit\n\n| spectra | known accepted and right | right, gate ignored | \
             unknown refused | TSNS | TSPS | TEFF |\n|---|---|---|---|---|---|---|"
        )?;
    }
    for (name, summary) in &metrics.evaluations {
        let merit = &summary.figures_of_merit;
        let show = |value: Option<f64>| value.map_or("–".to_owned(), |v| format!("{v:.4}"));
        writeln!(
            card,
            "| {} | {}/{} | {}/{} | {}/{} | {} | {} | {} |",
            cell(name),
            summary.known_correct,
            summary.known_total,
            summary.closed_set_correct,
            summary.known_total,
            summary.unknown_rejected,
            summary.unknown_total,
            show(merit.tsns),
            show(merit.tsps),
            show(merit.teff)
        )?;
    }
    card.push('\n');
    Ok(())
}

fn origin(card: &mut String, contents: &BundleContents) -> std::fmt::Result {
    let training = &contents.training;
    writeln!(card, "## Origin\n\n- training data: `{}`", training.data)?;
    for (purpose, seed) in &training.seeds {
        writeln!(card, "- seed {purpose}: {seed}")?;
    }
    if let Some(base) = &contents.base {
        writeln!(
            card,
            "- base: {} (`{}`), licence {}, {}",
            base.name, base.digest, base.licence, base.source
        )?;
    }
    let versions = &contents.versions;
    writeln!(
        card,
        "- made by openassay {}, features by {}, weights by {}",
        versions.openassay, versions.engine, versions.trainer
    )
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
