//! Checks of spectrum, importances, peaks and lines.

use super::{above_zero, fits, not_negative};
use crate::ReportError;
use crate::check::{finite, finite_option, inconsistent};
use crate::explanation::{ElementLines, EnergyImportance, MeasuredSpectrum, Peak, PeakEvidence};

/// Pages of more channels are slow, and no detector has them.
const MAX_CHANNELS: usize = 65_536;

/// More peaks than any spectrum has make a page that nobody reads.
const MAX_PEAKS: usize = 1000;

/// More lines make the page larger than mail systems take.
const MAX_LINES: usize = 5000;

/// Largest integer that every JSON reader keeps exactly.
const MAX_COUNTS: u64 = 1 << 53;

pub(super) fn check_spectrum(spectrum: &MeasuredSpectrum) -> Result<(), ReportError> {
    let channels = spectrum.counts.len();
    if !(2..=MAX_CHANNELS).contains(&channels) {
        return Err(ReportError::OutOfRange {
            field: "spectrum.counts (length)".into(),
            value: channels as f64,
            allowed: "2 to 65536",
        });
    }
    for (channel, &counts) in spectrum.counts.iter().enumerate() {
        if counts > MAX_COUNTS {
            return Err(ReportError::OutOfRange {
                field: format!("spectrum.counts[{channel}]"),
                value: counts as f64,
                allowed: "at most 2^53",
            });
        }
    }
    let calibration = &spectrum.calibration;
    finite(
        "spectrum.calibration.intercept_kev".into(),
        calibration.intercept_kev,
    )?;
    finite(
        "spectrum.calibration.quadratic_kev".into(),
        calibration.quadratic_kev,
    )?;
    // A parabola rises everywhere between two points when it rises at both.
    let slope_at = |channel: f64| calibration.slope_kev + 2.0 * calibration.quadratic_kev * channel;
    let rises = slope_at(0.0) > 0.0 && slope_at(channels as f64) > 0.0;
    fits(
        "spectrum.calibration.slope_kev".into(),
        calibration.slope_kev,
        rises,
        "such that energy rises over all channels",
    )?;
    for (name, time_s) in [
        ("live_time_s", spectrum.live_time_s),
        ("real_time_s", spectrum.real_time_s),
    ] {
        if let Some(time_s) = time_s {
            not_negative(format!("spectrum.{name}"), time_s)?;
        }
    }
    Ok(())
}

pub(super) fn check_importance(importance: &EnergyImportance) -> Result<(), ReportError> {
    finite("importance.first_kev".into(), importance.first_kev)?;
    above_zero("importance.step_kev".into(), importance.step_kev)?;
    if importance.values.is_empty() {
        return Err(inconsistent(
            "importance.values".into(),
            "it is empty; leave the importance out instead".into(),
        ));
    }
    for (i, &value) in importance.values.iter().enumerate() {
        finite(format!("importance.values[{i}]"), f64::from(value))?;
    }
    importance.cell_width_kev.map_or(Ok(()), |width_kev| {
        above_zero("importance.cell_width_kev".into(), width_kev)
    })
}

pub(super) fn check_peaks(evidence: &PeakEvidence) -> Result<(), ReportError> {
    at_most("peaks.peaks (length)", evidence.peaks.len(), MAX_PEAKS)?;
    let mut peaks = evidence.peaks.iter().enumerate();
    peaks.try_for_each(|(i, peak)| check_peak(&format!("peaks.peaks[{i}]"), peak))
}

fn check_peak(at: &str, peak: &Peak) -> Result<(), ReportError> {
    finite(format!("{at}.energy_kev"), peak.energy_kev)?;
    finite(format!("{at}.net_area"), peak.net_area)?;
    not_negative(format!("{at}.net_area_sigma"), peak.net_area_sigma)?;
    if let Some(sigma_kev) = peak.energy_sigma_kev {
        not_negative(format!("{at}.energy_sigma_kev"), sigma_kev)?;
    }
    if let Some(fwhm_kev) = peak.fwhm_kev {
        above_zero(format!("{at}.fwhm_kev"), fwhm_kev)?;
    }
    finite_option(format!("{at}.logit_change"), peak.logit_change)?;
    finite_option(format!("{at}.gate_change"), peak.gate_change)
}

fn at_most(field: &str, found: usize, most: usize) -> Result<(), ReportError> {
    if found <= most {
        return Ok(());
    }
    Err(inconsistent(
        field.into(),
        format!("{found} are more than {most}; keep the strongest"),
    ))
}

pub(super) fn check_lines(elements: &[ElementLines]) -> Result<(), ReportError> {
    let lines = elements.iter().map(|element| element.lines.len()).sum();
    at_most("element_lines.lines (length)", lines, MAX_LINES)?;
    for (i, element) in elements.iter().enumerate() {
        for (j, line) in element.lines.iter().enumerate() {
            let at = |name: &str| format!("element_lines[{i}].lines[{j}].{name}");
            above_zero(at("energy_kev"), line.energy_kev)?;
            let strength = line.relative_strength;
            fits(
                at("relative_strength"),
                strength,
                strength > 0.0 && strength <= 1.0,
                "above 0 and at most 1",
            )?;
        }
    }
    Ok(())
}
