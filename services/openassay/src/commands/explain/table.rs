//! An explanation for the terminal.

use super::Found;
use crate::terminal::{Align, Table, number};
use assay_core::UNKNOWN;
use assay_explain::{ImageValues, PeakChange, SegmentValues, ShapleyValues};
use assay_pipeline::Judge;

/// Regions and peaks that are listed; the page has all.
const LISTED: usize = 10;

pub(super) fn render(found: &Found, judge: &Judge) -> String {
    let classes = &judge.bundle().contents().classes;
    let explained = &classes[found.class];
    let mut text = verdict(found);
    if let Some((_, _, importances)) = &found.activation {
        let mut table = Table::new([
            ("from keV", Align::Right),
            ("to keV", Align::Right),
            ("highest at keV", Align::Right),
            ("share", Align::Right),
        ]);
        for region in importances.top_regions(LISTED) {
            table.row([
                format!("{:.0}", region.from_kev),
                format!("{:.0}", region.to_kev),
                format!("{:.0}", region.peak_kev),
                format!("{:.0} %", 100.0 * region.share),
            ]);
        }
        text += &format!("\nregions that speak for {explained}:\n{}", table.render());
    }
    if let Some(shapley) = &found.shapley
        && let Some(class) = shapley.values.by_class(classes).first()
    {
        let (what, table) = match &shapley.values {
            ShapleyValues::Energies(values) => ("ranges", ranges(values, &class.values)),
            ShapleyValues::Image(values) => ("parts of the image", blocks(values, &class.values)),
        };
        text += &format!("\n{what} that add most to {}:\n{table}", class.label);
    }
    if let Some(peaks) = &found.peaks {
        let ranked = peaks.ranked();
        text += &format!("\nwithout a peak, {explained} would stand higher or lower by:\n");
        text += &peak_table(&ranked);
        let rescaled = |peak: &&PeakChange| peak.without.as_ref().is_some_and(|w| w.rescales);
        if ranked.iter().take(LISTED).any(rescaled) {
            text +=
                "* without this peak the whole image is scaled anew: not the peak's effect alone\n";
        }
    }
    text
}

fn verdict(found: &Found) -> String {
    let (answer, gate) = (&found.answer, &found.answer.gate);
    let best = &answer.closed_set_label;
    let probability = answer
        .class_probabilities
        .iter()
        .find(|class| class.label == *best)
        .map_or(f64::NAN, |class| f64::from(class.probability));
    let label = answer
        .label
        .as_ref()
        .map_or(UNKNOWN, |label| label.as_str());
    format!(
        "{label}: best class {best} (probability {probability:.3}); gate score {}, threshold {}, \
         p-value {:.3} of {}\n",
        number(gate.score),
        number(gate.threshold),
        gate.p_value,
        gate.n
    )
}

fn ranges(found: &SegmentValues, values: &[f64]) -> String {
    let mut table = Table::new([
        ("from keV", Align::Right),
        ("to keV", Align::Right),
        ("logit", Align::Right),
    ]);
    for range in largest(values) {
        table.row([
            format!("{:.0}", found.edges_kev[range]),
            format!("{:.0}", found.edges_kev[range + 1]),
            format!("{:+.3}", values[range]),
        ]);
    }
    table.render()
}

fn blocks(found: &ImageValues, values: &[f64]) -> String {
    let mut table = Table::new([
        ("rows from keV", Align::Right),
        ("to keV", Align::Right),
        ("columns from keV", Align::Right),
        ("to keV", Align::Right),
        ("logit", Align::Right),
    ]);
    for at in largest(values) {
        let block = &found.blocks[at];
        let (rows, columns) = (found.span_kev(block.rows), found.span_kev(block.columns));
        let mut fields = [rows.0, rows.1, columns.0, columns.1]
            .map(|kev| format!("{kev:.0}"))
            .to_vec();
        fields.push(format!("{:+.3}", values[at]));
        table.row(fields);
    }
    table.render()
}

/// Positions of the values that are farthest from zero, the farthest first.
fn largest(values: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[b].abs().total_cmp(&values[a].abs()));
    order.truncate(LISTED);
    order
}

fn peak_table(ranked: &[&PeakChange]) -> String {
    let mut table = Table::new([
        ("peak keV", Align::Right),
        ("net area", Align::Right),
        ("±", Align::Right),
        ("may be", Align::Left),
        ("logit", Align::Right),
        ("gate", Align::Right),
        ("", Align::Left),
    ]);
    for change in ranked.iter().take(LISTED) {
        let Some(without) = &change.without else {
            continue;
        };
        let best = change.candidates.first();
        table.row([
            format!("{:.1}", change.peak.energy_kev),
            format!("{:.0}", change.peak.net_area_counts),
            format!("{:.0}", change.peak.net_area_sigma_counts),
            best.map_or_else(|| "?".to_owned(), |candidate| candidate.label()),
            format!("{:+.3}", without.logit_change),
            format!("{:+.3}", without.gate_change),
            if without.rescales { "*" } else { "" }.to_owned(),
        ]);
    }
    table.render()
}
