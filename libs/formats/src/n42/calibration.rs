//! Energy calibrations of N42 documents, and from edges of channels to their centres.
//!
//! The form of 2012 counts channel positions from the lower edge of the first channel ("the first
//! channel starts at 0.0"), so the centre of channel i is at i + ½; its terms are converted. The
//! form of 2006 says nothing about it; its terms are taken as they stand, as those of SPE are.

use super::element::Inside;
use super::read::Source;
use super::walk::{Candidate, Document};
use crate::text::Lines;
use crate::{FormatError, WarningCode, calibration, energies, number, warning::Warnings};
use assay_spectrum::EnergyCalibration;

/// Terms from here on would overflow when they are converted.
const MAX_TERM: f64 = 1e300;

/// One calibration element.
#[derive(Debug, Clone, Default)]
pub(super) struct Calibration<'a> {
    /// Empty where it has none.
    pub(super) id: String,
    /// Whether channel positions count from the edge of the first channel.
    pub(super) of_edges: bool,
    /// keV where nothing else is said.
    pub(super) unit: Option<String>,
    /// Polynomial where nothing else is said.
    pub(super) model: Option<String>,
    pub(super) terms: Option<Inside<'a>>,
    pub(super) boundaries: Option<Inside<'a>>,
    pub(super) deviations: Option<Inside<'a>>,
}

/// The calibration of the chosen spectrum, in terms of channel centres.
///
/// # Errors
/// When a number of it is not finite.
pub(super) fn of_spectrum(
    spectrum: &Candidate<'_>,
    document: &Document<'_>,
    source: Source<'_>,
    channels: usize,
    warnings: &mut Warnings,
) -> Result<Option<EnergyCalibration>, FormatError> {
    let line = source.line(spectrum.offset);
    let found = match (&spectrum.calibration, &document.calibrations[..]) {
        (Some(own), _) => Some(own),
        (None, [only]) if spectrum.references.is_empty() => {
            warnings.add(WarningCode::CalibrationAssumed, line, || {
                "the spectrum names no calibration; the only one of the file was taken".to_owned()
            });
            Some(only)
        }
        (None, all) => {
            let named = |c: &&Calibration<'_>| spectrum.references.contains(&c.id);
            let found = all.iter().find(named);
            if let Some(name) = spectrum.references.first().filter(|_| found.is_none()) {
                warnings.add(WarningCode::CalibrationUnusable, line, || {
                    let name = crate::error::shorten(name.as_bytes());
                    format!("the file has no calibration {name:?}, which the spectrum names")
                });
            }
            found
        }
    };
    let (Some(found), Some(scale)) = (found, found.and_then(|c| kev_per_unit(c, line, warnings)))
    else {
        return Ok(calibration::choose(None, None, warnings));
    };
    let read = match (&found.terms, &found.boundaries) {
        (Some(terms), _) => of_terms(terms, found, source, warnings)?,
        (None, Some(edges)) => of_boundaries(edges, source, channels, warnings)?,
        (None, None) => calibration::choose(None, None, warnings),
    };
    let scaled = read.map(|c| EnergyCalibration {
        intercept_kev: scale * c.intercept_kev,
        slope_kev_per_channel: scale * c.slope_kev_per_channel,
        quadratic_kev_per_channel2: scale * c.quadratic_kev_per_channel2,
    });
    let scaled = scaled.filter(|calibration| {
        let usable = terms(calibration).iter().all(|term| term.abs() < MAX_TERM);
        if !usable {
            warnings.add(WarningCode::CalibrationUnusable, line, || {
                format!("the terms of the calibration reach {MAX_TERM:e} keV")
            });
        }
        usable
    });
    if let Some(calibration) = &scaled {
        calibration::warn_unless_rising(calibration, channels, warnings);
    }
    Ok(scaled)
}

/// How many keV a unit of the calibration is; `None` after a warning where that, or what its
/// terms mean, is not understood.
fn kev_per_unit(
    calibration: &Calibration<'_>,
    line: usize,
    warnings: &mut Warnings,
) -> Option<f64> {
    let is = |text: &Option<String>, known: &str| {
        let text = text.as_deref().unwrap_or(known).trim();
        text.is_empty() || text.eq_ignore_ascii_case(known)
    };
    let units = [("keV", 1.0), ("MeV", 1000.0), ("eV", 0.001)];
    let unit = units.iter().find(|(unit, _)| is(&calibration.unit, unit));
    if !is(&calibration.model, "Polynomial") || unit.is_none() {
        warnings.add(WarningCode::CalibrationUnusable, line, || {
            let (model, unit) = (&calibration.model, &calibration.unit);
            format!(
                "the calibration is {model:?} in {unit:?}; only polynomials in keV, MeV or eV \
                 are understood"
            )
        });
        return None;
    }
    unit.map(|&(_, kev)| kev)
}

fn of_terms(
    terms: &Inside<'_>,
    found: &Calibration<'_>,
    source: Source<'_>,
    warnings: &mut Warnings,
) -> Result<Option<EnergyCalibration>, FormatError> {
    let number = source.line(terms.offset);
    let text = terms.text(number)?;
    let body = Lines {
        rest: text.as_bytes(),
        number,
    };
    let name = if found.of_edges {
        "CoefficientValues"
    } else {
        "Coefficients"
    };
    let read = calibration::read_terms(body, name, false, warnings)?;
    let chosen = calibration::choose(read, None, warnings);
    if let Some(deviations) = &found.deviations {
        let number = source.line(deviations.offset);
        let text = deviations.text(number)?;
        let says_something = text
            .split_whitespace()
            .any(|token| crate::number::float(token.as_bytes()) != Some(0.0));
        if says_something {
            warnings.add(WarningCode::CalibrationTermsLeftOut, number, || {
                "the deviations from the polynomial (EnergyDeviationValues) were left out"
                    .to_owned()
            });
        }
    }
    Ok(chosen.map(|c| {
        if found.of_edges {
            edges_to_centres(c)
        } else {
            c
        }
    }))
}

/// The polynomial behind the energies of all edges.
fn of_boundaries(
    edges: &Inside<'_>,
    source: Source<'_>,
    channels: usize,
    warnings: &mut Warnings,
) -> Result<Option<EnergyCalibration>, FormatError> {
    let line = source.line(edges.offset);
    let text = edges.text(line)?;
    let mut energies_kev = Vec::with_capacity(channels + 1);
    for token in text.split_whitespace().take(channels + 2) {
        energies_kev.push(number::finite(
            token.as_bytes(),
            line,
            "EnergyBoundaryValues",
        )?);
    }
    let found = energies_kev.len();
    let fitted = if found == channels + 1 {
        energies::fit(&energies_kev, 0, |_| line).map_err(|error| error.to_string())
    } else {
        Err(format!(
            "{found} energies or more for {channels} channels, which have one edge more"
        ))
    };
    match fitted {
        Ok(calibration) => Ok(Some(edges_to_centres(calibration))),
        Err(why) => {
            warnings.add(WarningCode::CalibrationUnusable, line, || {
                format!("EnergyBoundaryValues: {why}")
            });
            Ok(None)
        }
    }
}

/// Terms over the position counted from the lower edge of channel 0, to terms over the centre.
fn edges_to_centres(edges: EnergyCalibration) -> EnergyCalibration {
    let centres = shifted(edges, 0.5);
    let [a0, a1, a2] = terms(&edges);
    EnergyCalibration {
        intercept_kev: without_noise(centres.intercept_kev, a0.abs().max(a1.abs())),
        slope_kev_per_channel: without_noise(centres.slope_kev_per_channel, a1.abs().max(a2.abs())),
        ..centres
    }
}

/// Terms over the channel's centre, to terms over the position counted from the lower edge of
/// the spectrum's first channel, which these files number 0.
pub(super) fn centres_to_edges(
    centres: EnergyCalibration,
    first_channel: u32,
) -> EnergyCalibration {
    shifted(centres, f64::from(first_channel) - 0.5)
}

pub(super) fn terms(calibration: &EnergyCalibration) -> [f64; 3] {
    [
        calibration.intercept_kev,
        calibration.slope_kev_per_channel,
        calibration.quadratic_kev_per_channel2,
    ]
}

/// The same energies over a position that is smaller by `channels`.
fn shifted(calibration: EnergyCalibration, channels: f64) -> EnergyCalibration {
    let (a1, a2) = (
        calibration.slope_kev_per_channel,
        calibration.quadratic_kev_per_channel2,
    );
    EnergyCalibration {
        intercept_kev: calibration.intercept_kev + (a1 * channels + a2 * (channels * channels)),
        slope_kev_per_channel: a1 + 2.0 * channels * a2,
        quadratic_kev_per_channel2: a2,
    }
}

/// A sum without the digits that only its rounding has made: 15 digits of its larger term.
fn without_noise(sum: f64, largest: f64) -> f64 {
    let digits = 14.0 - largest.log10().floor();
    if !(0.0..=300.0).contains(&digits) {
        return sum;
    }
    let digits = digits as usize;
    format!("{sum:.digits$}").parse().unwrap_or(sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_first_channel_starts_at_zero() {
        let edges = EnergyCalibration::new(-1.5, 0.5, 1e-4).unwrap();
        let centres = edges_to_centres(edges);
        for channel in [0.0, 1.0, 1000.0] {
            let (here, there) = (centres.energy_kev(channel), edges.energy_kev(channel + 0.5));
            assert!((here - there).abs() < 1e-12, "{channel}");
        }
        let absolute = EnergyCalibration::new(2.0, 0.25, 0.0).unwrap();
        assert_eq!(
            centres_to_edges(absolute, 100).energy_kev(0.5),
            absolute.energy_kev(100.0)
        );
    }

    proptest! {
        #[test]
        fn what_was_typed_comes_back(
            intercept in -100_000i32..100_000, slope in 1i32..2_000_000, quadratic in -999i32..999,
        ) {
            let typed = EnergyCalibration {
                intercept_kev: f64::from(intercept) / 1e4,
                slope_kev_per_channel: f64::from(slope) / 1e6,
                quadratic_kev_per_channel2: f64::from(quadratic) / 1e10,
            };
            prop_assert_eq!(edges_to_centres(centres_to_edges(typed, 0)), typed);
        }
    }
}
