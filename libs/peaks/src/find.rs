//! The whole way from a spectrum to its peaks.

use crate::channels::{Channels, FORM_OF_CONTINUUM};
use crate::edges::is_compton_edge;
use crate::fit::{Fitted, start};
use crate::group::{Group, group};
use crate::peak::{AreaMethod, Peak, PeakList};
use crate::refine::{Limits, detection_limit, refine};
use crate::region::{Component, Region, WIDTH_ALONE};
use crate::summation::{Summed, sum};
use crate::{PeakError, PeakSettings, Resolution, calibrate};
use assay_spectrum::Spectrum;

/// Part of the continuum within a peak's window below which a difference is the continuum's own
/// form.
const LEAST_PART: f64 = 1.5e-3;
/// χ² per degree of freedom above which a peak that is no better seen than this is summed.
const HOPELESS: f64 = 25.0;
const HOPELESS_SIGNIFICANCE: f64 = 8.0;
/// Fewest channels of a region.
const FEWEST_IN_REGION: usize = 4;

/// Finds and measures the peaks of a spectrum, in its raw channels and with the energies that
/// its own calibration gives.
///
/// A spectrum without counts has no peaks: the list is empty.
///
/// # Units
/// keV and counts; channels are absolute.
///
/// # Errors
/// When a setting is out of its range, the spectrum fails its check, has no calibration or fewer
/// than 64 channels.
///
/// # Source
/// Smoothed second differences (Mariscotti 1967; Routti and Prussin 1969), then Gaussians on a
/// straight continuum with a step by least squares (Phillips and Marlow 1976), kept where the area
/// exceeds Currie's detection limit (1968).
pub fn find_peaks(spectrum: &Spectrum, settings: &PeakSettings) -> Result<PeakList, PeakError> {
    settings.check()?;
    let channels = Channels::new(spectrum, settings)?;
    let resolution = calibrate::resolution(&channels, settings);
    let found = channels.search(&resolution, settings.search_threshold);
    let limits = Limits {
        threshold: settings.search_threshold,
        most_peaks: settings.peaks_per_region,
        form_of_continuum: FORM_OF_CONTINUUM,
    };
    let mut all: Vec<(Peak, usize, usize)> = Vec::new();
    let mut regions: Vec<Region> = Vec::new();
    for group in group(&channels, &resolution, &found, settings.peaks_per_region) {
        for (region, peaks) in measured(&channels, &resolution, &group, &limits) {
            all.extend(
                peaks
                    .into_iter()
                    .map(|(peak, at)| (peak, regions.len(), at)),
            );
            regions.push(region);
        }
    }
    let peaks: Vec<Peak> = all.iter().map(|(peak, _, _)| *peak).collect();
    all.retain(|(peak, _, _)| !is_compton_edge(peak, &peaks));
    all.sort_by(|a, b| b.0.significance.total_cmp(&a.0.significance));
    all.truncate(settings.most_peaks);
    all.sort_by(|a, b| a.0.energy_kev.total_cmp(&b.0.energy_kev));
    let mut running_counts = Vec::with_capacity(channels.counts.len() + 1);
    let mut sum = 0.0;
    running_counts.push(sum);
    for count in &channels.counts {
        sum += count;
        running_counts.push(sum);
    }
    Ok(PeakList {
        peaks: all.iter().map(|(peak, _, _)| *peak).collect(),
        resolution,
        places: all.iter().map(|&(_, region, at)| (region, at)).collect(),
        regions,
        first_channel: channels.first_channel,
        end_channel: spectrum.end_channel(),
        calibration: channels.calibration,
        live_time_s: spectrum.live_time_s,
        running_counts,
    })
}

type Measured = (Region, Vec<(Peak, usize)>);

/// Fits a group; where no fit describes it, each half on its own, and at last the sum of a
/// single peak.
fn measured(
    channels: &Channels,
    resolution: &Resolution,
    group: &Group,
    limits: &Limits,
) -> Vec<Measured> {
    let region = start(&channels.counts, group.low, group.end, group.peaks.clone());
    let seen = |fitted: &Fitted| {
        let peaks = (0..fitted.region().peaks.len())
            .map(|at| fitted_peak(channels, fitted, at).significance);
        peaks.fold(0.0, f64::max)
    };
    match refine(&channels.counts, region.clone(), limits) {
        Ok(None) => Vec::new(),
        Ok(Some(fitted))
            if fitted.reduced_chi_squared < HOPELESS || seen(&fitted) > HOPELESS_SIGNIFICANCE =>
        {
            standing(channels, &fitted).into_iter().collect()
        }
        _ => match group.halves() {
            Some(halves) => halves
                .iter()
                .filter(|half| half.end > half.low + FEWEST_IN_REGION)
                .flat_map(|half| measured(channels, resolution, half, limits))
                .collect(),
            None => summed(channels, resolution, &region).into_iter().collect(),
        },
    }
}

/// What of a fit is peaks.
fn standing(channels: &Channels, fitted: &Fitted) -> Option<Measured> {
    let width = fitted.region().width;
    if width <= WIDTH_ALONE.0 || width >= WIDTH_ALONE.1 {
        // Nothing that the detector could make of a line.
        return None;
    }
    let peaks: Vec<(Peak, usize)> = (0..fitted.region().peaks.len())
        .map(|at| (fitted_peak(channels, fitted, at), at))
        .filter(|(peak, at)| stands(fitted, *at, peak))
        .collect();
    (!peaks.is_empty()).then(|| (fitted.region().clone(), peaks))
}

/// Whether a fitted peak is more than the continuum's own form.
fn stands(fitted: &Fitted, at: usize, peak: &Peak) -> bool {
    let finite = peak.energy_sigma_kev.is_finite() && peak.net_area_sigma_counts.is_finite();
    let sure = peak.net_area_sigma_counts > 0.0 && peak.energy_sigma_kev > 0.0;
    let region = fitted.region();
    let center = region.peaks[at].center;
    let inside = center > region.low as f64 + 1.0 && center < region.end as f64 - 2.0;
    finite && sure && inside && peak.net_area_counts > LEAST_PART * fitted.background_counts(at)
}

fn fitted_peak(channels: &Channels, fitted: &Fitted, at: usize) -> Peak {
    let region = fitted.region();
    let component = &region.peaks[at];
    let area_sigma = fitted.area_sigma(at);
    Peak {
        energy_sigma_kev: fitted.center_sigma(at) * channels.gain_kev(component.center),
        net_area_sigma_counts: area_sigma,
        continuum_counts: fitted.continuum_counts(at),
        significance: component.area / area_sigma.max(f64::MIN_POSITIVE),
        reduced_chi_squared: fitted.reduced_chi_squared,
        method: AreaMethod::Fit,
        ..described(channels, region, component)
    }
}

fn described(channels: &Channels, region: &Region, component: &Component) -> Peak {
    let first = channels.first_channel as usize;
    Peak {
        energy_kev: channels.energy_kev(component.center),
        energy_sigma_kev: 0.0,
        channel: component.center + first as f64,
        fwhm_kev: component.fwhm_in(region) * channels.gain_kev(component.center),
        net_area_counts: component.area,
        net_area_sigma_counts: 0.0,
        continuum_counts: 0.0,
        significance: 0.0,
        low_channel: first + region.low,
        high_channel: first + region.end - 1,
        reduced_chi_squared: 0.0,
        method: AreaMethod::Summation,
        form: component.form,
    }
}

fn summed(channels: &Channels, resolution: &Resolution, region: &Region) -> Option<Measured> {
    let mut plain = region.clone();
    for peak in &mut plain.peaks {
        peak.sigma = channels.sigma(resolution, peak.center);
    }
    plain.width = 1.0;
    let Summed {
        region,
        area_sigma,
        center_sigma,
        continuum_counts,
    } = sum(&channels.counts, &plain)?;
    let component = *region.peaks.first()?;
    let needed = detection_limit(continuum_counts).max(LEAST_PART * continuum_counts);
    if component.area < needed || component.area < 3.0 * area_sigma {
        return None;
    }
    let peak = Peak {
        energy_sigma_kev: center_sigma * channels.gain_kev(component.center),
        net_area_sigma_counts: area_sigma,
        continuum_counts,
        significance: component.area / area_sigma,
        ..described(channels, &region, &component)
    };
    Some((region, vec![(peak, 0)]))
}
