//! Peaks as the template shows them.

use crate::explanation::words::grouped;
use crate::explanation::{Peak, PeakEvidence};
use crate::number;

/// One row of the table.
pub(super) struct PeakRow<'a> {
    pub(super) peak: &'a Peak,
    /// Place in the explanation's list.
    pub(super) index: usize,
    pub(super) energy: String,
    pub(super) area: String,
    pub(super) fwhm: Option<String>,
    pub(super) candidates: String,
    /// Of the logit and of the gate score.
    pub(super) changes: [Option<Change>; 2],
}

/// A signed number with its bar.
pub(super) struct Change {
    pub(super) value: f64,
    pub(super) text: String,
    /// Magnitude relative to the largest of its column, as CSS reads it.
    pub(super) share: String,
    pub(super) is_for: bool,
}

pub(super) fn rows(evidence: &PeakEvidence) -> Vec<PeakRow<'_>> {
    let peaks = &evidence.peaks;
    let logit = largest(peaks.iter().map(|peak| peak.logit_change));
    let gate = largest(peaks.iter().map(|peak| peak.gate_change));
    let rows = peaks.iter().enumerate().map(|(index, peak)| PeakRow {
        peak,
        index,
        energy: with_sigma(peak.energy_kev, peak.energy_sigma_kev),
        area: with_sigma(peak.net_area, Some(peak.net_area_sigma)),
        fwhm: peak.fwhm_kev.map(|fwhm_kev| format!("{fwhm_kev:.2}")),
        candidates: peak.candidates.join(", "),
        changes: [
            peak.logit_change.map(|value| change(value, logit)),
            peak.gate_change.map(|value| change(value, gate)),
        ],
    });
    rows.collect()
}

fn largest(values: impl Iterator<Item = Option<f64>>) -> f64 {
    values
        .flatten()
        .fold(0.0, |largest, v| largest.max(v.abs()))
}

fn change(value: f64, largest: f64) -> Change {
    let share = if largest > 0.0 {
        value.abs() / largest
    } else {
        0.0
    };
    let sign = if value > 0.0 { "+" } else { "" };
    Change {
        value,
        text: format!("{sign}{}", number::plain(value)),
        share: format!("{share:.3}"),
        is_for: value <= 0.0,
    }
}

/// A value and its standard uncertainty, both to the uncertainty's second digit.
fn with_sigma(value: f64, sigma: Option<f64>) -> String {
    let Some(sigma) = sigma.filter(|&sigma| sigma > 0.0) else {
        return format!("{value:.1}").replace('-', "−");
    };
    let decimals = (1.0 - sigma.log10().floor()).clamp(0.0, 3.0) as usize;
    if decimals == 0 {
        let sign = if value < 0.0 { "−" } else { "" };
        let whole = |value: f64| grouped(value.abs().round() as u64);
        return format!("{sign}{} ± {}", whole(value), whole(sigma));
    }
    format!("{value:.decimals$} ± {sigma:.decimals$}").replace('-', "−")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_the_digits_of_their_uncertainty() {
        assert_eq!(with_sigma(2223.2481, Some(0.0234)), "2223.248 ± 0.023");
        assert_eq!(with_sigma(-41.26, Some(13.2)), "−41 ± 13");
        assert_eq!(with_sigma(511.0, None), "511.0");
        assert_eq!(
            with_sigma(2.6e6, Some(1908.0)),
            "2\u{202f}600\u{202f}000 ± 1\u{202f}908"
        );
    }
}
