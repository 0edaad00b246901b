//! From a first fit to the best one: what the counts demand is added, what they do not carry is
//! taken away.

use crate::fit::{Effort, Fitted, fit, with_peak};
use crate::region::{Component, PeakForm, Region, WIDTH_ALONE};
use crate::search::{Found, Searched, search};

/// Area over its standard deviation from which the width, or step and tail, can be measured.
const SEEN_WIDTH: f64 = 12.0;
const SEEN_STEP: f64 = 60.0;
/// χ² per degree of freedom from which a tail or a bent continuum is tried.
const POOR: f64 = 1.4;
/// How much the deviance must fall for a further parameter, and for a further peak.
const GAIN_OF_PARAMETER: f64 = 12.0;
const GAIN_OF_PEAK: f64 = 30.0;
/// A peak of less than this part of so many counts may be a bend of the continuum.
const BEND_PART: f64 = 0.04;
const BEND_COUNTS: f64 = 2e4;
/// Part of a peak's form that is uncertain: less is no peak of its own. A flat top is known far
/// worse, because the nucleus slows down while it radiates.
const FORM_OF_PEAK: f64 = 0.02;
const FORM_OF_FLAT_TOP: f64 = 0.04;
/// And its edges are, in parts of half its width.
const EDGE_OF_FLAT_TOP: f64 = 0.015;
/// Peaks that may be added to a region in one refinement.
const MOST_ADDED: usize = 4;
/// Area over its standard deviation that a peak needs.
const LEAST_SIGNIFICANCE: f64 = 3.0;

/// What a refinement may do.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) threshold: f64,
    pub(crate) most_peaks: usize,
    /// Part of the continuum's form that is uncertain.
    pub(crate) form_of_continuum: f64,
}

/// A region of which no fit describes the counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoFit;

/// Fits a region and refines it; `None` where no peak stands.
///
/// # Errors
/// When there is no fit at all.
pub(crate) fn refine(
    counts: &[f64],
    region: Region,
    limits: &Limits,
) -> Result<Option<Fitted>, NoFit> {
    let first = fit(counts, region, Effort::Rough).ok_or(NoFit)?;
    let mut best = settle(counts, first);
    for _ in 0..MOST_ADDED {
        match added(counts, &best, limits) {
            Some(better) => best = better,
            None => break,
        }
    }
    pruned(counts, widened(counts, best))
}

/// A peak alone that is poorly described may be as broad as it wants to be: an escape peak is,
/// and what is much broader is no peak.
fn widened(counts: &[f64], best: Fitted) -> Fitted {
    let alone = best.region().peaks.len() == 1;
    if !alone || !best.region().free.width {
        return best;
    }
    with_freedom(counts, best, |region| region.width_bounds = WIDTH_ALONE)
}

/// Frees width, step, tail and bend where they can be measured and are needed.
fn settle(counts: &[f64], first: Fitted) -> Fitted {
    let mut best = first;
    if needs_bend(&best) {
        let mut region = best.region().clone();
        region.free.bend = true;
        best = fit(counts, region, Effort::Rough).unwrap_or(best);
    }
    let seen = strongest(&best);
    if seen < SEEN_WIDTH {
        return best;
    }
    let mut region = best.region().clone();
    region.free.width = true;
    region.free.step = seen > SEEN_STEP;
    if let Some(freed) = fit(counts, region, Effort::Rough) {
        best = freed;
    }
    if best.reduced_chi_squared > POOR && !best.region().free.bend {
        best = with_freedom(counts, best, |region| region.free.bend = true);
    }
    if best.reduced_chi_squared > POOR && strongest_area(&best) > 3e4 {
        best = with_freedom(counts, best, |region| {
            region.free.tail = true;
            region.tail = [0.05, 1.5];
        });
    }
    best
}

/// Whether a bent continuum would look like one of the peaks: few percent of many counts.
fn needs_bend(fitted: &Fitted) -> bool {
    let region = fitted.region();
    let widest = region.peaks.iter().map(|p| p.fwhm_in(region));
    let room = region.channels() as f64 > 4.0 * widest.fold(0.0, f64::max);
    room && (0..region.peaks.len()).any(|peak| {
        let beneath = fitted.background_counts(peak);
        beneath > BEND_COUNTS && region.peaks[peak].area < BEND_PART * beneath
    })
}

fn with_freedom(counts: &[f64], best: Fitted, free: impl Fn(&mut Region)) -> Fitted {
    let mut region = best.region().clone();
    free(&mut region);
    match fit(counts, region, Effort::Rough) {
        Some(freed) if freed.deviance < best.deviance - GAIN_OF_PARAMETER => freed,
        _ => best,
    }
}

/// Area over its standard deviation of counting, of the strongest peak.
fn strongest(fitted: &Fitted) -> f64 {
    let seen = |peak: usize| {
        let area = fitted.region().peaks[peak].area;
        area / (area + 2.0 * fitted.background_counts(peak) + 1.0).sqrt()
    };
    (0..fitted.region().peaks.len())
        .map(seen)
        .fold(0.0, f64::max)
}

fn strongest_area(fitted: &Fitted) -> f64 {
    let areas = fitted.region().peaks.iter().map(|p| p.area);
    areas.fold(0.0, f64::max)
}

/// A peak more, where the residuals have one and the fit becomes better by it.
fn added(counts: &[f64], best: &Fitted, limits: &Limits) -> Option<Fitted> {
    let region = best.region();
    if region.peaks.len() >= limits.most_peaks {
        return None;
    }
    let found = most_significant_residual(counts, region, limits)?;
    let sigma = nearest_sigma(region, found.channel);
    let near = |p: &Component| {
        p.form != PeakForm::FlatTop && (p.center - found.channel).abs() < 1.2 * p.sigma_in(region)
    };
    if region.peaks.iter().any(near) {
        return None;
    }
    let more = with_peak(counts, region, &found, sigma);
    let place = more.peaks.iter().position(|p| p.center == found.channel)?;
    let better = fit(counts, more, Effort::Rough)?;
    let gain = best.deviance - better.deviance;
    let noise = better.reduced_chi_squared.max(1.0);
    let peak = better.region().peaks[place];
    let real = gain > GAIN_OF_PEAK * noise
        && (peak.center - found.channel).abs() < 3.0 * sigma
        && peak.area > LEAST_SIGNIFICANCE * better.area_sigma(place);
    real.then_some(better)
}

/// What of a peak's form of unit area is uncertain at a channel.
fn uncertain_form(region: &Region, peak: &Component, channel: f64) -> f64 {
    if peak.form != PeakForm::FlatTop {
        return FORM_OF_PEAK * peak.value(region, channel);
    }
    let shift = EDGE_OF_FLAT_TOP * peak.own;
    let edges = peak.value(region, channel + shift) - peak.value(region, channel - shift);
    FORM_OF_FLAT_TOP * peak.value(region, channel) + 0.5 * edges.abs()
}

fn nearest_sigma(region: &Region, channel: f64) -> f64 {
    region
        .peaks
        .iter()
        .min_by(|a, b| {
            let distance = |c: f64| (c - channel).abs();
            distance(a.center).total_cmp(&distance(b.center))
        })
        .map_or(1.5, |p| p.sigma)
}

fn most_significant_residual(counts: &[f64], region: &Region, limits: &Limits) -> Option<Found> {
    let sigma = region.peaks.iter().map(|p| p.sigma).fold(0.7, f64::max);
    // Zeros at both ends, so that the kernel reaches the region's own ends.
    let pad = (4.0 * sigma).ceil() as usize;
    let length = region.channels() + 2 * pad;
    let (mut data, mut variance, mut form) =
        (vec![0.0; length], vec![0.0; length], vec![0.0; length]);
    for (index, channel) in (region.low..region.end).enumerate() {
        let x = channel as f64;
        let mean = region.value_at(x);
        data[pad + index] = counts[channel] - mean;
        variance[pad + index] = mean.max(0.5);
        let peaks: f64 = region
            .peaks
            .iter()
            .map(|p| p.area * uncertain_form(region, p, x))
            .sum();
        form[pad + index] = peaks + limits.form_of_continuum * region.continuum_at(x);
    }
    for (left, right) in (0..pad).zip((length - pad..length).rev()) {
        variance[left] = variance[pad];
        variance[right] = variance[length - pad - 1];
    }
    let fwhm_channels = vec![sigma * crate::profile::FWHM_PER_SIGMA; length];
    let searched = Searched {
        data: &data,
        variance: &variance,
        form: &form,
        fwhm_channels: &fwhm_channels,
    };
    search(&searched, limits.threshold)
        .into_iter()
        .filter(|f| f.channel > pad as f64 && f.channel < (length - pad - 1) as f64)
        .max_by(|a, b| a.significance.total_cmp(&b.significance))
        .map(|f| Found {
            channel: f.channel - pad as f64 + region.low as f64,
            ..f
        })
}

/// Takes away the weakest peak and fits again, until every peak stands.
fn pruned(counts: &[f64], rough: Fitted) -> Result<Option<Fitted>, NoFit> {
    // Where the last digits cannot be had, those of the rough fit have to do.
    let mut best = fit(counts, rough.region().clone(), Effort::Full).unwrap_or(rough);
    loop {
        let region = best.region();
        let ratio = |peak: usize| {
            let area = region.peaks[peak].area;
            let needed = (LEAST_SIGNIFICANCE * best.area_sigma(peak))
                .max(detection_limit(best.background_counts(peak)));
            area / needed
        };
        let weakest = (0..region.peaks.len())
            .map(|peak| (peak, ratio(peak)))
            .min_by(|a, b| a.1.total_cmp(&b.1));
        let Some((peak, ratio)) = weakest else {
            return Ok(None);
        };
        if ratio >= 1.0 {
            return Ok(Some(best));
        }
        let mut fewer = region.clone();
        fewer.peaks.remove(peak);
        if fewer.peaks.is_empty() {
            return Ok(None);
        }
        best = fit(counts, fewer.clone(), Effort::Full)
            .or_else(|| fit(counts, fewer, Effort::Rough))
            .ok_or(NoFit)?;
    }
}

/// Counts that a peak on a background is detected with.
///
/// # Source
/// 2.71 + 4.65·√B: L. A. Currie, Anal. Chem. 40, 586 (1968), paired observations, 5 % risks.
pub(crate) fn detection_limit(background_counts: f64) -> f64 {
    2.71 + 4.65 * background_counts.max(0.0).sqrt()
}
