//! Which lines of which elements a peak may be, the most credible first.

mod candidate;
mod evidence;
mod expected;
mod settings;
mod sums;

pub use candidate::Candidate;
pub use expected::LineOrigin;
pub use settings::CandidateSettings;

use crate::robust::curve;
use crate::{PeakError, PeakForm, PeakList};
use evidence::Evidence;
use expected::{Expected, Library};

/// Lines of an element that are looked for when one of them is a candidate.
const LINES_PER_ELEMENT: usize = 12;
/// Peaks so well seen, with a first candidate so credible, say how far the calibration is off.
const ANCHOR_SIGNIFICANCE: f64 = 20.0;
const ANCHOR_SCORE: f64 = 0.4;
/// What a calibration is off by at most, by their curve.
const LARGEST_OFFSET_KEV: f64 = 12.0;
/// Gains tried first, beside the file's own, and how much more credible they must make the lines.
const OTHER_GAINS_KEV_PER_MEV: &[f64] = &[-1.4, -0.9, -0.45, 0.45, 0.9, 1.4];
const BETTER_GAIN: f64 = 1.15;
/// Fewer anchors say too little for a narrower tolerance.
const ENOUGH_ANCHORS: usize = 12;
/// So often, because each pass may reach further along a calibration that drifts away.
const PASSES: usize = 4;
/// Part of the constant tolerance that remains when they have.
const REST_OF_TOLERANCE: f64 = 0.4;
/// A corroboration where no other line could have been seen.
const UNTESTED: f64 = 0.5;
/// Elements that make up the bulk of samples, beam windows and detectors, and the strong
/// absorbers that are seen in traces; others are less credible by this factor.
const USUAL: &[&str] = &[
    "H", "B", "C", "N", "O", "F", "Na", "Mg", "Al", "Si", "P", "S", "Cl", "K", "Ca", "Ti", "V",
    "Cr", "Mn", "Fe", "Co", "Ni", "Cu", "Zn", "Ge", "Zr", "Cd", "Sn", "Sm", "Gd", "Pb",
];
const UNUSUAL: f64 = 0.4;

impl PeakList {
    /// The lines that each peak may be, best first; one vector per peak, empty where no line is
    /// near.
    ///
    /// # Units
    /// keV and barn; scores and corroborations are ratios.
    ///
    /// # Errors
    /// When a setting is out of its range.
    ///
    /// # Source
    /// Energies and cross-sections of EGAF (see `assay_lines`). The ranking is our own: a line
    /// counts as far as the element's other lines of that strength are seen too, with areas in
    /// proportion. That elements are identified by all of their strong lines is the practice of
    /// G. L. Molnár (ed.), Handbook of Prompt Gamma Activation Analysis, Kluwer (2004).
    pub fn candidates(
        &self,
        settings: &CandidateSettings,
    ) -> Result<Vec<Vec<Candidate>>, PeakError> {
        settings.check()?;
        let (Some(first), Some(last)) = (self.peaks.first(), self.peaks.last()) else {
            return Ok(Vec::new());
        };
        let edge_kev = 20.0;
        let range_kev = (first.energy_kev - edge_kev, last.energy_kev + edge_kev);
        let library = Library::new(range_kev, self.live_time_s, LINES_PER_ELEMENT)?;
        let mut offsets = self.first_offsets_kev(settings, &library);
        let mut part_of_tolerance = 1.0;
        for _ in 0..PASSES {
            let rough = self.ranked(settings, &library, &offsets, 1.0);
            let anchors = self.anchors(&rough);
            offsets = self.offsets_kev(curve(&anchors));
            if anchors.len() >= ENOUGH_ANCHORS {
                part_of_tolerance = REST_OF_TOLERANCE;
            }
        }
        let mut ranked = self.ranked(settings, &library, &offsets, part_of_tolerance);
        let tolerances = self.tolerances_kev(settings, part_of_tolerance);
        sums::add(self, &offsets, &tolerances, &mut ranked);
        for candidates in &mut ranked {
            candidates.truncate(settings.most);
        }
        Ok(ranked)
    }

    /// The best of a few gains: how far the calibration is off where it is off by more than the
    /// tolerance.
    fn first_offsets_kev(&self, settings: &CandidateSettings, library: &Library) -> Vec<f64> {
        let credit = |offsets: &[f64]| -> f64 {
            let ranked = self.ranked(settings, library, offsets, 1.0);
            self.peaks
                .iter()
                .zip(&ranked)
                .filter(|(peak, _)| peak.significance > ANCHOR_SIGNIFICANCE)
                .filter_map(|(_, found)| found.first().map(|c| c.score))
                .sum()
        };
        let mut best = vec![0.0; self.peaks.len()];
        let mut most = BETTER_GAIN * credit(&best);
        for gain_kev_per_mev in OTHER_GAINS_KEV_PER_MEV {
            let offsets = self.offsets_kev([0.0, *gain_kev_per_mev, 0.0]);
            let found = credit(&offsets);
            if found > most {
                (best, most) = (offsets, found);
            }
        }
        best
    }

    /// Energy in MeV and difference in keV of the peaks that are surely named.
    fn anchors(&self, ranked: &[Vec<Candidate>]) -> Vec<(f64, f64)> {
        self.peaks
            .iter()
            .zip(ranked)
            .filter(|(peak, _)| peak.significance > ANCHOR_SIGNIFICANCE)
            .filter_map(|(peak, found)| {
                let best = found.first().filter(|c| c.score > ANCHOR_SCORE)?;
                (best.origin != LineOrigin::Doppler)
                    .then_some((peak.energy_kev / 1000.0, best.difference_kev))
            })
            .collect()
    }

    /// How far the calibration is off at each peak, by a curve over energies in MeV.
    fn offsets_kev(&self, [a, b, c]: [f64; 3]) -> Vec<f64> {
        self.peaks
            .iter()
            .map(|peak| {
                let mev = peak.energy_kev / 1000.0;
                (a + mev * (b + mev * c)).clamp(-LARGEST_OFFSET_KEV, LARGEST_OFFSET_KEV)
            })
            .collect()
    }

    /// Distance at which a line is near each peak.
    fn tolerances_kev(&self, settings: &CandidateSettings, part: f64) -> Vec<f64> {
        self.peaks
            .iter()
            .map(|p| settings.tolerance_kev_at(p.energy_kev, p.energy_sigma_kev, part))
            .collect()
    }

    fn ranked(
        &self,
        settings: &CandidateSettings,
        library: &Library,
        offsets_kev: &[f64],
        part_of_tolerance: f64,
    ) -> Vec<Vec<Candidate>> {
        let tolerances = self.tolerances_kev(settings, part_of_tolerance);
        let evidence = Evidence::new(self, library, offsets_kev, &tolerances);
        (0..self.peaks.len())
            .map(|peak| {
                let expected_kev = self.peaks[peak].energy_kev - offsets_kev[peak];
                let tolerance = tolerances[peak];
                let from = library
                    .peaks
                    .partition_point(|e| e.energy_kev < expected_kev - tolerance);
                let mut found: Vec<Candidate> = library.peaks[from..]
                    .iter()
                    .take_while(|e| e.energy_kev <= expected_kev + tolerance)
                    .map(|e| {
                        let distance = (expected_kev - e.energy_kev) / (0.5 * tolerance);
                        self.candidate(&evidence, peak, e, (-0.5 * distance * distance).exp())
                    })
                    .filter(|c| c.score > 1e-4)
                    .collect();
                found.sort_by(|a, b| {
                    b.score
                        .total_cmp(&a.score)
                        .then(a.energy_kev.total_cmp(&b.energy_kev))
                });
                // The same line from two nuclides, or twice in the tables, is one candidate.
                let mut seen: Vec<(&str, LineOrigin)> = Vec::new();
                found.retain(|c| {
                    let new = !seen.contains(&(c.element, c.origin));
                    seen.push((c.element, c.origin));
                    new
                });
                found
            })
            .collect()
    }

    fn candidate(
        &self,
        evidence: &Evidence,
        peak: usize,
        expected: &Expected,
        closeness: f64,
    ) -> Candidate {
        let form = self.peaks[peak].form;
        let (corroboration, credit) = match expected.origin {
            LineOrigin::Doppler if form == PeakForm::FlatTop => (UNTESTED, 1.0),
            LineOrigin::Doppler => (UNTESTED, 0.02),
            LineOrigin::Annihilation => (UNTESTED, 1.0),
            LineOrigin::XRay | LineOrigin::Detector => (UNTESTED, 0.5),
            LineOrigin::Ambient => (UNTESTED, 0.2),
            _ if form == PeakForm::FlatTop => (UNTESTED, 0.01),
            origin => {
                let corroboration = evidence.corroboration(peak, expected);
                let usual = if USUAL.contains(&expected.symbol) {
                    1.0
                } else {
                    UNUSUAL
                };
                let broad = form == PeakForm::BroadGaussian && origin != LineOrigin::SingleEscape;
                let fits = if broad { 0.7 } else { 1.0 };
                let explained = evidence.explained(peak, expected);
                let value = corroboration.unwrap_or(UNTESTED);
                (value, value * explained * usual * fits)
            }
        };
        Candidate {
            element: expected.symbol,
            line_kev: expected.line_kev,
            energy_kev: expected.energy_kev,
            origin: expected.origin,
            sigma_barn: expected.sigma_barn,
            difference_kev: self.peaks[peak].energy_kev - expected.energy_kev,
            corroboration,
            score: closeness * credit,
        }
    }
}
