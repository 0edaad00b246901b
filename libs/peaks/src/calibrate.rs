//! Measures the detector's resolution on the isolated peaks of a spectrum.

use crate::channels::Channels;
use crate::fit::{Effort, fit, start};
use crate::profile::FWHM_PER_SIGMA;
use crate::region::{Component, WIDTH_ALONE};
use crate::resolution::Width;
use crate::search::Found;
use crate::{PeakSettings, Resolution};
use assay_lines::ELECTRON_KEV;

/// Second difference over its standard deviation from which a width is measured.
const STRONG: f64 = 20.0;
/// Most peaks that are measured, the strongest in each part of the spectrum.
const MOST_PER_PART: usize = 8;
const PART_KEV: f64 = 1000.0;
/// Other peaks must be so many widths away, or weaker by this factor.
const ISOLATED_FWHM: f64 = 5.0;
const WEAKER: f64 = 0.08;
/// Channels on each side of a peak, in widths.
const SIDE_FWHM: f64 = 2.5;

/// Resolution of the detector, measured twice: the second time the search knows the width.
pub(crate) fn resolution(channels: &Channels, settings: &PeakSettings) -> Resolution {
    let mut resolution = Resolution::TYPICAL;
    for _ in 0..2 {
        let found = channels.search(&resolution, settings.search_threshold);
        let widths: Vec<Width> = chosen(channels, &resolution, &found)
            .iter()
            .filter_map(|f| width(channels, &resolution, f))
            .collect();
        resolution = Resolution::fit(&widths);
    }
    resolution
}

/// Strong peaks without neighbours, not known to be broad.
fn chosen(channels: &Channels, resolution: &Resolution, found: &[Found]) -> Vec<Found> {
    let mut strong: Vec<Found> = found
        .iter()
        .enumerate()
        .filter(|(number, peak)| {
            let energy_kev = channels.energy_kev(peak.channel);
            let reach = ISOLATED_FWHM * channels.fwhm(resolution, peak.channel);
            let alone = |other: &Found| {
                (other.channel - peak.channel).abs() > reach
                    || other.significance < WEAKER * peak.significance
            };
            let neighbours = [number.checked_sub(1), Some(number + 1)];
            peak.significance > STRONG
                && (energy_kev - ELECTRON_KEV).abs() > 5.0
                && (energy_kev - 477.6).abs() > 20.0
                && neighbours
                    .into_iter()
                    .flatten()
                    .filter_map(|n| found.get(n))
                    .all(alone)
        })
        .map(|(_, peak)| *peak)
        .collect();
    strong.sort_by(|a, b| b.significance.total_cmp(&a.significance));
    let mut taken = std::collections::BTreeMap::<i64, usize>::new();
    strong.retain(|peak| {
        let part = (channels.energy_kev(peak.channel) / PART_KEV) as i64;
        let count = taken.entry(part).or_default();
        *count += 1;
        *count <= MOST_PER_PART
    });
    strong
}

fn width(channels: &Channels, resolution: &Resolution, found: &Found) -> Option<Width> {
    let fwhm = channels.fwhm(resolution, found.channel);
    let side = (SIDE_FWHM * fwhm).max(4.0);
    let low = (found.channel - side).round();
    let end = (found.channel + side).round() as usize + 1;
    if low < 0.0 || end > channels.counts.len() {
        return None;
    }
    let peak = Component::line(found.channel, fwhm / FWHM_PER_SIGMA);
    let mut region = start(&channels.counts, low as usize, end, vec![peak]);
    region.free.width = true;
    region.width_bounds = WIDTH_ALONE;
    region.free.step = true;
    let fitted = fit(&channels.counts, region, Effort::Rough)?;
    let peak = fitted.region().peaks.first()?;
    let parameter = fitted.region().width_parameter(0)?;
    let (relative, sigma) = (fitted.region().width, fitted.sigma(parameter));
    let energy_kev = channels.energy_kev(peak.center);
    let start_kev = resolution.fwhm_kev(energy_kev);
    let seen = peak.area > 10.0 * fitted.area_sigma(0) && sigma > 0.0 && sigma < 0.1;
    seen.then_some(Width {
        energy_kev,
        fwhm_kev: relative * start_kev,
        sigma_kev: sigma * start_kev,
    })
}
