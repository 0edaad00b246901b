//! Derived quantities of spectra.

use crate::{field, spectrum as wire};
use assay_core::Digest;
use assay_formats::Format;
use assay_spectrum::{EnergyCalibration, Spectrum};

/// Where a spectrum came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// Digest of the file.
    pub digest: Digest,
    /// Format of the file.
    pub format: Format,
    /// Further spectra of the file.
    pub further_records: usize,
}

/// The summary of a spectrum.
#[must_use]
pub fn of(spectrum: &Spectrum, origin: Origin) -> wire::SpectrumSummary {
    wire::SpectrumSummary {
        digest: origin.digest.to_string(),
        channels: field::count(spectrum.counts.len()),
        total_counts: spectrum.total_counts(),
        live_time_s: spectrum.live_time_s.unwrap_or(0.0),
        real_time_s: spectrum.real_time_s.unwrap_or(0.0),
        dead_time_fraction: spectrum.dead_time_fraction().unwrap_or(-1.0),
        calibration_kev: spectrum
            .calibration
            .map(|calibration| coefficients_kev(calibration, spectrum.first_channel))
            .unwrap_or_default(),
        start_time: spectrum
            .start_time
            .map_or_else(String::new, |time| time.to_string()),
        format: format_name(origin.format),
        further_records: field::count(origin.further_records),
    }
}

/// The name of a format on the wire, such as `spe`.
#[must_use]
pub fn format_name(format: Format) -> String {
    // A plain enumeration always has a JSON form.
    let name = serde_json::to_value(format).unwrap_or_default();
    name.as_str().unwrap_or_default().to_owned()
}

/// Coefficients by the position in the list of counts. The instrument counts channels from 0
/// even where its list begins later; a reader of the list must not have to know.
///
/// # Units
/// keV, keV per channel, keV per channel squared; the last one only when it is not zero.
#[must_use]
pub fn coefficients_kev(calibration: EnergyCalibration, first_channel: u32) -> Vec<f64> {
    let quadratic = calibration.quadratic_kev_per_channel2;
    let mut coefficients = if first_channel == 0 {
        vec![calibration.intercept_kev, calibration.slope_kev_per_channel]
    } else {
        let first = f64::from(first_channel);
        vec![
            calibration.energy_kev(first),
            calibration.gain_kev_per_channel(first),
        ]
    };
    if quadratic != 0.0 {
        coefficients.push(quadratic);
    }
    coefficients
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spectrum() -> Spectrum {
        Spectrum {
            calibration: EnergyCalibration::new(-1.5, 0.7, 0.0).ok(),
            live_time_s: Some(75.0),
            real_time_s: Some(100.0),
            start_time: "2026-05-01T12:00:00Z".parse().ok(),
            ..Spectrum::from_counts(vec![3, 4])
        }
    }

    const ORIGIN: fn() -> Origin = || Origin {
        digest: Digest::of(b"file"),
        format: Format::N42,
        further_records: 2,
    };

    #[test]
    fn says_what_the_spectrum_says() {
        let expected = wire::SpectrumSummary {
            digest: Digest::of(b"file").to_string(),
            channels: 2,
            total_counts: 7,
            live_time_s: 75.0,
            real_time_s: 100.0,
            dead_time_fraction: 0.25,
            calibration_kev: vec![-1.5, 0.7],
            start_time: "2026-05-01T12:00:00Z".to_owned(),
            format: "n42".to_owned(),
            further_records: 2,
        };
        assert_eq!(of(&spectrum(), ORIGIN()), expected);
    }

    #[test]
    fn says_when_nothing_is_known() {
        let summary = of(&Spectrum::from_counts(vec![1]), ORIGIN());
        assert_eq!((summary.live_time_s, summary.real_time_s), (0.0, 0.0));
        assert_eq!(summary.dead_time_fraction, -1.0);
        assert_eq!(summary.calibration_kev, Vec::<f64>::new());
        assert_eq!(summary.start_time, "");
    }

    #[test]
    fn coefficients_count_from_the_first_count() {
        let calibration = EnergyCalibration::new(-1.5, 0.7, 1e-6).unwrap();
        let shifted = coefficients_kev(calibration, 100);
        for at in [0.0, 1.0, 500.0] {
            let energy = shifted[0] + shifted[1] * at + shifted[2] * at * at;
            assert!((energy - calibration.energy_kev(100.0 + at)).abs() < 1e-10);
        }
    }
}
