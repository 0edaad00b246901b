//! Spectra as they would have been measured otherwise: with fewer counts, or with another gain.

use crate::error::refuse;
use crate::{EnergyCalibration, Spectrum, SpectrumError};
use rand::Rng;
use rand_distr::{Binomial, Distribution};

/// Keeps each count with probability `keep`: exactly the spectrum of a shorter acquisition.
/// The times shrink with it, so that rate and dead time stay as they were.
///
/// # Errors
/// When the spectrum fails its check, or `keep` is outside 0 to 1.
///
/// # Source
/// A Poisson process thinned binomially is a Poisson process; this holds per raw channel only,
/// so thinning comes before alignment.
pub fn thin<R: Rng + ?Sized>(
    spectrum: &Spectrum,
    keep: f64,
    rng: &mut R,
) -> Result<Spectrum, SpectrumError> {
    spectrum.check()?;
    let draw = |&count: &u64| {
        let kept = Binomial::new(count, keep).map(|law| law.sample(rng));
        // Where keep is far below the rounding of 1 − keep the draw is a Poisson one, which has
        // no upper bound of its own.
        kept.map(|kept| kept.min(count))
            .map_err(|_| refuse("keep", keep, "0 to 1"))
    };
    let counts = spectrum
        .counts
        .iter()
        .map(draw)
        .collect::<Result<Vec<u64>, _>>()?;
    Ok(Spectrum {
        counts,
        live_time_s: spectrum.live_time_s.map(|time| time * keep),
        real_time_s: spectrum.real_time_s.map(|time| time * keep),
        ..spectrum.clone()
    })
}

/// Thins to an expected total of `target_total_counts`; the total itself varies from draw to
/// draw, as in a measurement. A spectrum with no more counts than that comes back as it is.
///
/// # Errors
/// As [`thin`].
pub fn thin_to<R: Rng + ?Sized>(
    spectrum: &Spectrum,
    target_total_counts: u64,
    rng: &mut R,
) -> Result<Spectrum, SpectrumError> {
    let total = spectrum.total_counts();
    if target_total_counts >= total {
        spectrum.check()?;
        return Ok(spectrum.clone());
    }
    thin(spectrum, target_total_counts as f64 / total as f64, rng)
}

/// The spectrum as an instrument with another gain and offset would report it: every energy
/// becomes `gain · energy + offset_kev`, the counts stay in their channels.
///
/// # Errors
/// When there is no calibration, or `gain` is not positive, or the result is not finite.
pub fn shift_calibration(
    spectrum: &Spectrum,
    gain: f64,
    offset_kev: f64,
) -> Result<Spectrum, SpectrumError> {
    let old = spectrum
        .calibration
        .ok_or(SpectrumError::MissingCalibration)?;
    if !(gain > 0.0 && gain.is_finite()) {
        return Err(refuse("gain", gain, "a finite number above 0"));
    }
    if !offset_kev.is_finite() {
        return Err(refuse("offset_kev", offset_kev, "a finite number"));
    }
    let calibration = EnergyCalibration::new(
        gain * old.intercept_kev + offset_kev,
        gain * old.slope_kev_per_channel,
        gain * old.quadratic_kev_per_channel2,
    )?;
    Ok(Spectrum {
        calibration: Some(calibration),
        ..spectrum.clone()
    })
}
