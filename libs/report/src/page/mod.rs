//! The page: turns a report into the values that the template shows. The template escapes
//! every one of them; only the chart script, the style sheet and figure JSON go in as they are.

mod grid;
mod judgement;
mod spectra;

use crate::figure::{self, Chart};
use crate::{ReportError, TrainingReport, number};
use askama::Template;
use grid::Grid;
use judgement::Part;
use spectra::Spectra;

/// Renders the report as one HTML file that loads nothing from anywhere.
///
/// # Errors
/// When a number is not finite, parts contradict each other, or the page cannot be built.
pub fn render_html(report: &TrainingReport) -> Result<String, ReportError> {
    report.check()?;
    Page::new(report)?
        .render()
        .map_err(|error| ReportError::Render(error.to_string()))
}

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    report: &'a TrainingReport,
    facts: Vec<(&'static str, String)>,
    parts: Vec<Part<'a>>,
    gate: Option<Chart>,
    k_choice: Option<Chart>,
    search: Option<Grid<'a>>,
    training: Vec<Chart>,
    spectra: Option<Spectra<'a>>,
    timings: Vec<(String, String)>,
    style: &'static str,
    script: &'static str,
    chart_script: String,
}

impl<'a> Page<'a> {
    fn new(report: &'a TrainingReport) -> Result<Self, ReportError> {
        let gate = report
            .gate
            .as_ref()
            .and_then(|gate| figure::gate_chart(gate, &report.evaluations));
        let mut training: Vec<Chart> = report
            .lr_finder
            .iter()
            .filter_map(figure::lr_finder_chart)
            .collect();
        training.extend(figure::training_charts(&report.runs));
        // What the model has not seen says most, so it stands first.
        let mut sets: Vec<_> = report.evaluations.iter().collect();
        sets.sort_by_key(|part| part.kind.is_training());
        let numbered = sets.into_iter().enumerate();
        Ok(Self {
            facts: facts(report),
            parts: numbered.map(|(i, part)| Part::new(i, part)).collect(),
            gate,
            k_choice: report.k_selection.as_ref().and_then(figure::k_chart),
            search: report.search.as_ref().map(Grid::new),
            training,
            spectra: Spectra::new(&report.evaluations),
            timings: report
                .timings
                .iter()
                .map(|t| (t.step.clone(), number::duration(t.seconds)))
                .collect(),
            style: include_str!("../../templates/style.css"),
            script: concat!(
                include_str!("../../templates/charts.js"),
                include_str!("../../templates/sorting.js"),
                include_str!("../../templates/filters.js"),
            ),
            chart_script: chart_script()?,
            report,
        })
    }

    fn has_gate(&self) -> bool {
        self.gate.is_some() || self.k_choice.is_some() || self.search.is_some()
    }

    fn has_charts(&self) -> bool {
        self.gate.is_some() || self.k_choice.is_some() || !self.training.is_empty()
    }
}

fn facts(report: &TrainingReport) -> Vec<(&'static str, String)> {
    let provenance = &report.provenance;
    let mut facts = vec![("Model", provenance.model.clone())];
    let optional = [
        ("Base", &provenance.base),
        ("Bundle", &provenance.bundle_id),
        ("Training data", &provenance.data_digest),
        ("Made", &provenance.created),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            facts.push((name, value.clone()));
        }
    }
    if !provenance.versions.is_empty() {
        let versions: Vec<_> = provenance
            .versions
            .iter()
            .map(|(name, version)| format!("{name} {version}"))
            .collect();
        facts.push(("Versions", versions.join(", ")));
    }
    facts
}

/// The plotly script that the crate carries, without the formula renderer that comes with it.
pub(crate) fn chart_script() -> Result<String, ReportError> {
    let both = plotly::Plot::offline_js_sources();
    let script = both
        .split_once('>')
        .and_then(|(_, rest)| rest.split_once("</script>"))
        .map(|(script, _)| script)
        .filter(|script| script.contains("plotly.js v"));
    script.map(str::to_owned).ok_or_else(|| {
        ReportError::Render("the plotly crate no longer carries its script first".into())
    })
}
