//! Peaks and what they are worth.

use assay_explain::{PeakChange, PeakEvidence};
use assay_report::explanation::{Peak, PeakEvidence as Content};

const METHOD: &str = "Peaks of the measured counts, each replaced by the fitted continuum beneath \
                      it; the changed spectrum then went the whole way again, from counts to logit \
                      and gate.";

/// Candidates that are listed of each peak.
const CANDIDATES: usize = 3;

pub(super) fn peaks(evidence: &PeakEvidence) -> Content {
    // Those first that did most for the class.
    let ranked = evidence.ranked();
    let untested = evidence.peaks.iter().filter(|peak| peak.without.is_none());
    Content {
        method: METHOD.to_owned(),
        peaks: ranked.into_iter().chain(untested).map(peak).collect(),
    }
}

fn peak(change: &PeakChange) -> Peak {
    let PeakChange {
        peak,
        candidates,
        without,
    } = change;
    let without = without.as_ref();
    let candidates = candidates.iter().take(CANDIDATES);
    Peak {
        energy_kev: peak.energy_kev,
        energy_sigma_kev: Some(peak.energy_sigma_kev),
        net_area: peak.net_area_counts,
        net_area_sigma: peak.net_area_sigma_counts,
        fwhm_kev: Some(peak.fwhm_kev),
        candidates: candidates.map(|candidate| candidate.label()).collect(),
        logit_change: without.map(|without| without.logit_change),
        gate_change: without.map(|without| without.gate_change),
        rescales_image: without.is_some_and(|without| without.rescales),
    }
}
