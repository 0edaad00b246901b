//! The page: turns an explanation into the values that the template shows. The template escapes
//! every one of them; only scripts, style sheets and JSON go in as they are. The page carries the
//! whole explanation as JSON, from which its scripts draw.

mod peaks;
mod shapley;

use super::{Explanation, ShapValues, words};
use crate::figure::{self, Chart};
use crate::page::chart_script;
use crate::{ReportError, number};
use askama::Template;
use peaks::PeakRow;
use shapley::ShapClass;

/// Renders the explanation as one HTML file that loads nothing from anywhere.
///
/// # Errors
/// When a number is not finite, parts contradict each other, or the page cannot be built.
pub fn render_html(explanation: &Explanation) -> Result<String, ReportError> {
    let data = figure::inside_script(&explanation.to_json()?);
    Page::new(explanation, data)?
        .render()
        .map_err(|error| ReportError::Render(error.to_string()))
}

#[derive(Template)]
#[template(path = "explanation.html")]
struct Page<'a> {
    e: &'a Explanation,
    headline: String,
    reasons: Vec<String>,
    explained: Option<String>,
    classes: Vec<ClassRow<'a>>,
    facts: Vec<(&'static str, String)>,
    spectrum_words: String,
    cell_words: Option<String>,
    peaks: Vec<PeakRow<'a>>,
    some_peak_rescales: bool,
    image_words: Option<String>,
    cell_kev: String,
    shap: Vec<ShapClass<'a>>,
    shap_is_image: bool,
    gate: Option<Chart>,
    some_setting_means: bool,
    style: &'static str,
    script: &'static str,
    chart_script: String,
    data: String,
}

/// One class as the template shows it.
struct ClassRow<'a> {
    class: &'a str,
    probability: String,
    /// Probability as CSS reads it.
    share: String,
    logit: String,
    is_explained: bool,
}

impl<'a> Page<'a> {
    fn new(e: &'a Explanation, data: String) -> Result<Self, ReportError> {
        let gate = match (&e.verdict.gate, &e.gate_scores) {
            (Some(gate), Some(scores)) => figure::gate_place_chart(gate, scores),
            _ => None,
        };
        let evidence = e.peaks.as_ref();
        Ok(Self {
            headline: words::headline(&e.verdict),
            reasons: words::reasons(&e.verdict),
            explained: words::explained(e),
            classes: classes(e),
            facts: facts(e),
            spectrum_words: spectrum_words(e),
            cell_words: cell_words(e),
            peaks: evidence.map(peaks::rows).unwrap_or_default(),
            some_peak_rescales: evidence
                .is_some_and(|evidence| evidence.peaks.iter().any(|peak| peak.rescales_image)),
            image_words: image_words(e),
            cell_kev: cell_kev(e),
            shap: e.shap.as_ref().map(shapley::classes).unwrap_or_default(),
            shap_is_image: e
                .shap
                .as_ref()
                .is_some_and(|shap| matches!(shap.values, ShapValues::Image { .. })),
            gate,
            some_setting_means: e.settings.iter().any(|setting| setting.meaning.is_some()),
            style: concat!(
                include_str!("../../../templates/style.css"),
                include_str!("../../../templates/explanation/style.css"),
            ),
            script: concat!(
                include_str!("../../../templates/charts.js"),
                include_str!("../../../templates/sorting.js"),
                include_str!("../../../templates/explanation/model.js"),
                include_str!("../../../templates/explanation/spectrum_labels.js"),
                include_str!("../../../templates/explanation/spectrum_traces.js"),
                include_str!("../../../templates/explanation/spectrum.js"),
                include_str!("../../../templates/explanation/elements.js"),
                include_str!("../../../templates/explanation/heat.js"),
                include_str!("../../../templates/explanation/pictures.js"),
                include_str!("../../../templates/explanation/exports.js"),
            ),
            chart_script: chart_script()?,
            data,
            e,
        })
    }
}

fn classes(e: &Explanation) -> Vec<ClassRow<'_>> {
    let classes = e.verdict.by_probability().into_iter();
    classes
        .map(|c| ClassRow {
            class: &c.class,
            probability: number::percent(c.probability),
            share: format!("{:.4}", c.probability),
            logit: number::plain(c.logit),
            is_explained: c.class == e.explained_class,
        })
        .collect()
}

fn facts(e: &Explanation) -> Vec<(&'static str, String)> {
    let origin = &e.origin;
    let mut facts = vec![
        ("Spectrum", origin.spectrum_file.clone()),
        ("Spectrum digest", origin.spectrum_digest.clone()),
    ];
    facts.extend(words::times(e).map(|times| ("Time", times)));
    facts.extend([
        ("Bundle", origin.bundle_name.clone()),
        ("Bundle digest", origin.bundle_digest.clone()),
        ("Method", origin.method.clone()),
    ]);
    facts.extend(origin.created.clone().map(|created| ("Made", created)));
    if !origin.versions.is_empty() {
        let versions: Vec<_> = origin
            .versions
            .iter()
            .map(|(name, version)| format!("{name} {version}"))
            .collect();
        facts.push(("Versions", versions.join(", ")));
    }
    facts.retain(|(_, value)| !value.is_empty());
    facts
}

fn spectrum_words(e: &Explanation) -> String {
    let spectrum = &e.spectrum;
    let channels = spectrum.counts.len();
    let total: u64 = spectrum
        .counts
        .iter()
        .fold(0, |sum, &counts| sum.saturating_add(counts));
    let mut text = format!(
        "{} {} in {} channels, {} to {} keV.",
        words::grouped(total),
        if total == 1 { "count" } else { "counts" },
        words::grouped(channels as u64),
        tenths(spectrum.calibration.energy_kev(0.0)),
        tenths(spectrum.calibration.energy_kev(channels as f64 - 1.0)),
    );
    if let Some(importance) = &e.importance {
        let (low, high) = importance.range_kev();
        text += &format!(
            " The model sees {low:.0} to {high:.0} keV; the line is coloured there by what each \
             energy did for {}.",
            e.explained_class
        );
    }
    text
}

fn tenths(value: f64) -> String {
    format!("{value:.1}").replace('-', "−")
}

fn cell_words(e: &Explanation) -> Option<String> {
    let importance = e.importance.as_ref()?;
    let width_kev = importance.cell_width_kev?;
    Some(format!(
        "One cell of the class activation map covers {width_kev:.0} keV, a peak a few keV: colours \
         show regions. What a single peak did stands in the table of peaks."
    ))
}

/// Energies that one cell of the map over the image covers.
fn cell_kev(e: &Explanation) -> String {
    let of = |image: &super::FieldImage| {
        let cells = image.map.as_ref()?.side as f64;
        Some(format!("{:.0}", (image.high_kev - image.low_kev) / cells))
    };
    e.image.as_ref().and_then(of).unwrap_or_default()
}

fn image_words(e: &Explanation) -> Option<String> {
    let image = e.image.as_ref()?;
    let pixel_kev = (image.high_kev - image.low_kev) / image.pixels.source_side as f64;
    let mut text = format!(
        "{} of {side} × {side} pixels, {pixel_kev:.1} keV each.",
        image.name,
        side = image.pixels.source_side
    );
    if image.pixels.block > 1 {
        text += &format!(
            " Shown is the mean of each {block} × {block} pixels.",
            block = image.pixels.block
        );
    }
    text += &format!(
        " Dark to light: {} to {}.",
        number::brief(image.pixels.low),
        number::brief(image.pixels.high)
    );
    Some(text)
}
