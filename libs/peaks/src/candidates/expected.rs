//! What every element would show in a spectrum: its lines with what a germanium detector makes
//! of them, relative to each other.

use assay_lines::{
    ELECTRON_KEV, ElementLines, LineLibrary, LinesError, OtherKind, mean_saturation,
};
use serde::Serialize;

/// Escape peaks are expected of lines above this energy, and of at least this part of the
/// element's strongest line.
const ESCAPES_FROM_KEV: f64 = 1500.0;
const ESCAPES_FROM_PART: f64 = 0.002;
/// Double-escape over single-escape peak area: between a bare and a shielded detector.
const DOUBLE_OVER_SINGLE: f64 = 0.6;
/// Live time assumed where the file gives none.
const TYPICAL_LIVE_TIME_S: f64 = 1e4;

/// What makes a peak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LineOrigin {
    /// Prompt gamma-ray of neutron capture.
    Prompt,
    /// Gamma-ray of an activation product.
    Decay,
    /// One annihilation photon escaped.
    SingleEscape,
    /// Both annihilation photons escaped.
    DoubleEscape,
    /// Annihilation in the surroundings.
    Annihilation,
    /// Emitted in flight: boron.
    Doppler,
    /// Fluorescence of the shield.
    XRay,
    /// Natural radioactivity.
    Ambient,
    /// Made by neutrons in the detector itself.
    Detector,
    /// Two strong lines at once.
    Sum,
}

/// One expected peak.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expected {
    /// Number of the element in [`Library::elements`]; `None` for what belongs to no capture.
    pub(super) element: Option<usize>,
    pub(super) symbol: &'static str,
    pub(super) origin: LineOrigin,
    /// Energy of the photon, and of the peak.
    pub(super) line_kev: f64,
    pub(super) energy_kev: f64,
    /// Partial cross-section of the line.
    pub(super) sigma_barn: Option<f64>,
    /// Relative area: cross-section, saturation, efficiency and escape together.
    pub(super) response: f64,
}

/// Everything expected of one element.
#[derive(Debug)]
pub(super) struct ExpectedElement {
    /// Full-energy peaks, the strongest first: (energy, relative area).
    pub(super) strongest: Vec<(f64, f64)>,
}

/// All elements and all expected peaks by energy.
#[derive(Debug)]
pub(super) struct Library {
    pub(super) elements: Vec<ExpectedElement>,
    pub(super) peaks: Vec<Expected>,
}

/// Full-energy peak efficiency relative to 1 MeV: rough, for the ranking only.
///
/// # Units
/// keV in, a ratio out.
///
/// # Source
/// A polynomial in ln E, fitted to relative areas of iron and nitrogen lines from 0.08 to
/// 10.8 MeV in the public NIST spectra (N. A. Mahynski et al., J. Radioanal. Nucl. Chem. 332,
/// 3259, 2023), good to 9 % for those detectors.
fn efficiency(energy_kev: f64) -> f64 {
    let x = (energy_kev.max(50.0) / 1000.0).ln();
    (x * (-0.685 + x * (-0.0249 + x * (-0.01446 - x * 0.01916)))).exp()
}

/// Single-escape over full-energy peak area.
///
/// # Source
/// A saturating power of the energy above the pair threshold, following nitrogen and titanium in
/// the same spectra; good to a factor of two between detectors.
pub(super) fn single_escape_ratio(line_kev: f64) -> f64 {
    let excess = ((line_kev - 2.0 * ELECTRON_KEV) / 1000.0)
        .max(0.0)
        .powf(2.5);
    0.8 * excess / (excess + 65.0)
}

/// What one escape origin has of the full-energy peak.
pub(super) fn escape_ratio(origin: LineOrigin, line_kev: f64) -> f64 {
    match origin {
        LineOrigin::SingleEscape => single_escape_ratio(line_kev),
        LineOrigin::DoubleEscape => DOUBLE_OVER_SINGLE * single_escape_ratio(line_kev),
        _ => 1.0,
    }
}

impl Library {
    /// Everything between two energies.
    pub(super) fn new(
        range_kev: (f64, f64),
        live_time_s: Option<f64>,
        strongest: usize,
    ) -> Result<Self, LinesError> {
        let lines = LineLibrary::embedded()?;
        let measured_s = live_time_s
            .filter(|time| time.is_finite() && *time > 0.0)
            .unwrap_or(TYPICAL_LIVE_TIME_S);
        let mut library = Self {
            elements: Vec::new(),
            peaks: Vec::new(),
        };
        for (symbol, element) in lines.elements() {
            library.add(symbol, element, measured_s, range_kev, strongest);
        }
        for line in lines.other() {
            let origin = match line.kind {
                OtherKind::Doppler => LineOrigin::Doppler,
                OtherKind::Annihilation => LineOrigin::Annihilation,
                OtherKind::XRay => LineOrigin::XRay,
                OtherKind::Ambient => LineOrigin::Ambient,
                OtherKind::Detector => LineOrigin::Detector,
            };
            library.peaks.push(Expected {
                element: None,
                symbol: line.element,
                origin,
                line_kev: line.energy_kev,
                energy_kev: line.energy_kev,
                sigma_barn: (origin == LineOrigin::Doppler).then_some(line.strength),
                response: 0.0,
            });
        }
        let inside = |e: &Expected| e.energy_kev > range_kev.0 && e.energy_kev < range_kev.1;
        library.peaks.retain(inside);
        library
            .peaks
            .sort_by(|a, b| a.energy_kev.total_cmp(&b.energy_kev));
        Ok(library)
    }

    fn add(
        &mut self,
        symbol: &'static str,
        lines: &ElementLines,
        measured_s: f64,
        range_kev: (f64, f64),
        strongest: usize,
    ) {
        let element = self.elements.len();
        let prompt = lines
            .prompt
            .iter()
            .map(|l| (LineOrigin::Prompt, l.energy_kev, l.sigma_barn, 1.0));
        let decay = lines.decay.iter().map(|l| {
            let saturation = mean_saturation(l.half_life_s, measured_s);
            (LineOrigin::Decay, l.energy_kev, l.sigma_barn, saturation)
        });
        let full: Vec<Expected> = prompt
            .chain(decay)
            .map(|(origin, energy_kev, sigma_barn, part)| Expected {
                element: Some(element),
                symbol,
                origin,
                line_kev: energy_kev,
                energy_kev,
                sigma_barn: Some(sigma_barn),
                response: sigma_barn * part * efficiency(energy_kev),
            })
            .collect();
        let best = full.iter().map(|e| e.response).fold(0.0, f64::max);
        for line in &full {
            self.peaks.push(*line);
            if line.line_kev < ESCAPES_FROM_KEV || line.response < ESCAPES_FROM_PART * best {
                continue;
            }
            for (origin, electrons) in [
                (LineOrigin::SingleEscape, 1.0),
                (LineOrigin::DoubleEscape, 2.0),
            ] {
                self.peaks.push(Expected {
                    origin,
                    energy_kev: line.line_kev - electrons * ELECTRON_KEV,
                    response: line.response * escape_ratio(origin, line.line_kev),
                    ..*line
                });
            }
        }
        let mut ranked: Vec<(f64, f64)> = full
            .iter()
            .filter(|e| e.energy_kev > range_kev.0 && e.energy_kev < range_kev.1)
            .map(|e| (e.energy_kev, e.response))
            .collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
        ranked.truncate(strongest);
        self.elements.push(ExpectedElement { strongest: ranked });
    }
}
