//! A line that a peak may be, and its name.

use super::LineOrigin;
use serde::Serialize;

/// A line that a peak may be.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Candidate {
    /// Element; empty for annihilation; of a sum, that of the stronger line.
    pub element: &'static str,
    /// Energy of the photon, or of both together.
    pub line_kev: f64,
    /// Energy at which the peak is expected: that of the photon, less what escapes.
    pub energy_kev: f64,
    /// What makes the peak.
    pub origin: LineOrigin,
    /// Partial elemental cross-section of the line; `None` for what is no capture.
    pub sigma_barn: Option<f64>,
    /// Energy of the peak less the expected one.
    pub difference_kev: f64,
    /// 0 to 1: how many of the element's other lines that must be there are there; 0.5 where none
    /// could have been seen.
    pub corroboration: f64,
    /// 0 to 1: closeness, corroboration, and how much of the area the element explains.
    pub score: f64,
}

impl Candidate {
    /// A short name, such as `H 2223.2 keV` or `N 10829.1 keV, single escape`.
    #[must_use]
    pub fn label(&self) -> String {
        let line = |suffix: &str| format!("{} {:.1} keV{suffix}", self.element, self.line_kev);
        match self.origin {
            LineOrigin::Prompt => line(""),
            LineOrigin::Decay => line(", decay"),
            LineOrigin::SingleEscape => line(", single escape"),
            LineOrigin::DoubleEscape => line(", double escape"),
            LineOrigin::Annihilation => format!("annihilation {:.1} keV", self.line_kev),
            LineOrigin::Doppler => line(", in flight"),
            LineOrigin::XRay => line(", X-ray"),
            LineOrigin::Ambient => line(", ambient"),
            LineOrigin::Detector => line(", detector"),
            LineOrigin::Sum => line(", sum of two lines"),
        }
    }
}
