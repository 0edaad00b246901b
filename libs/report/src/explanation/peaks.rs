//! What single peaks did, and lines of elements to compare them with.

use serde::{Deserialize, Serialize};

/// Peaks with the change of the answer when each one is taken out of the counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeakEvidence {
    /// How peaks were found and taken out, in one sentence.
    pub method: String,
    /// The peaks, by rising energy or as the caller likes.
    pub peaks: Vec<Peak>,
}

/// One peak.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Peak {
    /// Centroid in keV.
    pub energy_kev: f64,
    /// Standard uncertainty of the centroid in keV.
    pub energy_sigma_kev: Option<f64>,
    /// Counts above the background.
    pub net_area: f64,
    /// Standard uncertainty of the net area in counts.
    pub net_area_sigma: f64,
    /// Full width at half maximum in keV.
    pub fwhm_kev: Option<f64>,
    /// Lines that may have made it, nearest first, such as "H 2223.2".
    pub candidates: Vec<String>,
    /// Logit of the explained class without the peak minus with it: negative where the peak speaks
    /// for the class.
    pub logit_change: Option<f64>,
    /// Gate score without the peak minus with it: negative where the peak makes the spectrum more
    /// alike to the training spectra.
    pub gate_change: Option<f64>,
    /// Whether taking the peak out moves the scale of the whole image, so that its changes are not
    /// the peak's alone.
    pub rescales_image: bool,
}

/// Lines of one element.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ElementLines {
    /// Name for the list, such as "H" or "Ge (detector)".
    pub element: String,
    /// Its lines.
    pub lines: Vec<GammaLine>,
}

/// One line of an element.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GammaLine {
    /// Energy in keV.
    pub energy_kev: f64,
    /// Strength relative to the element's strongest line, in `(0, 1]`.
    pub relative_strength: f64,
}
