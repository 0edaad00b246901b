//! True lines, and which of them a found peak is.

use assay_peaks::Peak;
use serde::Serialize;

/// A line belongs to a found peak within this part of the peak's width.
const REACH_FWHM: f64 = 0.75;

/// One line that a spectrum really has.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrueLine {
    /// Energy by the file's calibration with all its terms, as that of found peaks.
    pub energy_kev: f64,
    /// Its counts.
    pub counts: f64,
    /// Whether it tells the class from the others.
    pub distinguishing: bool,
}

/// What a found peak really is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PeakKind {
    /// More than half of its true counts come from distinguishing lines.
    Distinguishing,
    /// Background, a line that other classes have as well, or one that they have more of.
    Common,
    /// No line above the detection limit is there.
    Unmatched,
}

/// Counts of some lines.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct LineCounts {
    pub(super) distinguishing: f64,
    pub(super) all: f64,
}

impl LineCounts {
    pub(super) fn add(&mut self, line: &TrueLine) {
        self.all += line.counts;
        if line.distinguishing {
            self.distinguishing += line.counts;
        }
    }

    /// Whether more than half of the counts are those of distinguishing lines.
    pub(super) fn ruled(self) -> bool {
        self.distinguishing > 0.5 * self.all
    }
}

/// What each peak is. Several lines within 0.75 of the peak's full width at half maximum are one
/// peak to any search, so the counts decide.
///
/// # Shapes
/// One kind per peak; lines in any order.
#[must_use]
pub fn kinds(peaks: &[Peak], lines: &[TrueLine]) -> Vec<PeakKind> {
    let kind = |peak: &Peak| {
        let reach_kev = REACH_FWHM * peak.fwhm_kev;
        let near = |line: &&TrueLine| (line.energy_kev - peak.energy_kev).abs() <= reach_kev;
        let mut counts = LineCounts::default();
        lines.iter().filter(near).for_each(|line| counts.add(line));
        if counts.all <= 0.0 {
            PeakKind::Unmatched
        } else if counts.ruled() {
            PeakKind::Distinguishing
        } else {
            PeakKind::Common
        }
    };
    peaks.iter().map(kind).collect()
}

#[cfg(test)]
pub(super) fn line(energy_kev: f64, counts: f64, distinguishing: bool) -> TrueLine {
    TrueLine {
        energy_kev,
        counts,
        distinguishing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_peaks::{AreaMethod, PeakForm};

    fn peak(energy_kev: f64) -> Peak {
        Peak {
            energy_kev,
            energy_sigma_kev: 0.1,
            channel: energy_kev,
            fwhm_kev: 4.0,
            net_area_counts: 100.0,
            net_area_sigma_counts: 10.0,
            continuum_counts: 10.0,
            significance: 10.0,
            low_channel: 0,
            high_channel: 10,
            reduced_chi_squared: 1.0,
            method: AreaMethod::Fit,
            form: PeakForm::Gaussian,
        }
    }

    #[test]
    fn the_stronger_lines_within_reach_decide() {
        let lines = [
            line(102.9, 10.0, true),
            line(98.0, 4.0, false),
            line(98.5, 5.0, false),
            line(203.1, 1e6, true),
            line(300.0, 5.0, false),
            line(301.0, 5.0, true),
        ];
        let peaks = [100.0, 200.0, 203.0, 300.5, 98.0].map(peak);
        let expected = [
            PeakKind::Distinguishing,
            PeakKind::Unmatched,
            PeakKind::Distinguishing,
            // Half is not more than half.
            PeakKind::Common,
            PeakKind::Common,
        ];
        assert_eq!(kinds(&peaks, &lines), expected);
        assert_eq!(kinds(&peaks[..1], &[]), [PeakKind::Unmatched]);
    }
}
