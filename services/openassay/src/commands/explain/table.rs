//! An explanation for the terminal.

use super::{Found, shapley::Values};
use crate::terminal::{Align, Table, number};
use assay_core::UNKNOWN;
use assay_explain::PeakChange;
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
    if let Some(Values::Energies(values)) = found.shapley.as_ref().map(|found| &found.values) {
        text += &format!(
            "\nranges that add most to {explained}:\n{}",
            shapley(found, values)
        );
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

fn shapley(found: &Found, values: &assay_explain::SegmentValues) -> String {
    let mut table = Table::new([
        ("from keV", Align::Right),
        ("to keV", Align::Right),
        ("logit", Align::Right),
    ]);
    let own = values
        .classes
        .iter()
        .position(|&class| class == found.class);
    let Some(own) = own.and_then(|at| values.values.get(at)) else {
        return String::new();
    };
    let mut order: Vec<usize> = (0..own.len()).collect();
    order.sort_by(|&a, &b| own[b].abs().total_cmp(&own[a].abs()));
    for &range in order.iter().take(LISTED) {
        table.row([
            format!("{:.0}", values.edges_kev[range]),
            format!("{:.0}", values.edges_kev[range + 1]),
            format!("{:+.3}", own[range]),
        ]);
    }
    table.render()
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
