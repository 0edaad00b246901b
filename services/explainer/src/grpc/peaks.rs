//! What peaks are worth.

use super::{Asked, Service, label, number};
use assay_api::{answer, explain as wire, question};
use assay_core::UNKNOWN;
use assay_explain::{EvidenceSettings, PeakChange, WithoutPeak};
use assay_pipeline::Verdict;
use assay_runtime::request::time_left;
use tonic::{Request, Status};

const MOST_PEAKS: u32 = 1000;

/// Settings for a number of peaks that are taken out.
pub(super) fn settings(most_peaks: u32) -> Result<EvidenceSettings, Status> {
    let usual = EvidenceSettings::default();
    Ok(EvidenceSettings {
        most_tested: number("most_peaks", most_peaks, usual.most_tested, (1, MOST_PEAKS))?,
        ..usual
    })
}

impl Service {
    pub(super) async fn peaks(
        &self,
        request: Request<wire::ExplainPeaksRequest>,
    ) -> Result<wire::ExplainPeaksResponse, Status> {
        let left = time_left(request.metadata());
        let request = request.into_inner();
        let wanted = (label(request.label), settings(request.most_peaks)?);
        let asked = Asked::of(request.request)?;
        let found = self
            .answerer
            .peaks(&asked.model, asked.question, wanted, left)
            .await
            .map_err(|error| question::status_of(&error, &asked.field))?;
        let evidence = found.evidence;
        Ok(wire::ExplainPeaksResponse {
            answer: Some(answer::to_wire(&found.answer)),
            label: evidence.label.to_string(),
            logit: evidence.whole.logit,
            peaks: evidence.peaks.iter().map(peak).collect(),
        })
    }
}

fn peak(change: &PeakChange) -> wire::Peak {
    let PeakChange {
        peak,
        candidates,
        without,
    } = change;
    let candidates = candidates.iter().map(|candidate| wire::CandidateLine {
        element: candidate.element.to_owned(),
        line_kev: candidate.line_kev,
        name: candidate.label(),
        score: candidate.score,
    });
    wire::Peak {
        energy_kev: peak.energy_kev,
        energy_sigma_kev: peak.energy_sigma_kev,
        net_area_counts: peak.net_area_counts,
        net_area_sigma_counts: peak.net_area_sigma_counts,
        fwhm_kev: peak.fwhm_kev,
        candidates: candidates.collect(),
        without: without.as_ref().map(without_peak),
    }
}

fn without_peak(without: &WithoutPeak) -> wire::WithoutPeak {
    let standing = &without.standing;
    wire::WithoutPeak {
        logit_change: without.logit_change,
        gate_change: without.gate_change,
        rescales: without.rescales,
        label: match standing.verdict {
            Verdict::Known => standing.closed_set_label.to_string(),
            Verdict::Unknown => UNKNOWN.to_owned(),
        },
    }
}
