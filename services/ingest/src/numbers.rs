//! Spectra that come as numbers: every field is checked, and every fault is named at once.

use crate::IngestError;
use assay_api::{field, ingest::PutSpectrumRequest};
use assay_spectrum::{
    EnergyCalibration, MAX_CHANNELS, MAX_COUNTS_PER_CHANNEL, Spectrum, StartTime,
};

const LONGEST_TITLE: usize = 256;
/// Three hundred years: more is a number in other units.
const LONGEST_TIME_S: f64 = 1e10;

/// The spectrum of a request.
///
/// # Errors
/// With every field that cannot be used.
pub(crate) fn spectrum(request: PutSpectrumRequest) -> Result<Spectrum, IngestError> {
    let mut faults = Faults::default();
    faults.counts(&request.counts);
    let live_time_s = faults.time("live_time_s", request.live_time_s);
    let real_time_s = faults.time("real_time_s", request.real_time_s);
    let calibration = faults.calibration(&request.calibration_kev, request.counts.len());
    let start_time = faults.start_time(&request.start_time);
    if let Err(error) = field::line("title", &request.title, LONGEST_TITLE) {
        faults.add("title", strip("title", &error));
    }
    if !faults.0.is_empty() {
        return Err(IngestError::Fields(faults.0));
    }
    Ok(Spectrum {
        live_time_s,
        real_time_s,
        calibration,
        start_time,
        title: request.title,
        ..Spectrum::from_counts(request.counts)
    })
}

#[derive(Default)]
struct Faults(Vec<(String, String)>);

impl Faults {
    fn add(&mut self, field: impl Into<String>, reason: impl ToString) {
        self.0.push((field.into(), reason.to_string()));
    }

    fn counts(&mut self, counts: &[u64]) {
        if counts.is_empty() || counts.len() > MAX_CHANNELS as usize {
            let found = counts.len();
            self.add(
                "counts",
                format!("has {found} channels; allowed: 1 to {MAX_CHANNELS}"),
            );
            return;
        }
        if let Some(at) = counts.iter().position(|&c| c > MAX_COUNTS_PER_CHANNEL) {
            let reason = format!(
                "is {}; at most {MAX_COUNTS_PER_CHANNEL} are allowed",
                counts[at]
            );
            self.add(format!("counts[{at}]"), reason);
        } else if counts
            .iter()
            .try_fold(0u64, |sum, &c| sum.checked_add(c))
            .is_none()
        {
            self.add("counts", format!("sum up to more than {}", u64::MAX));
        }
    }

    fn time(&mut self, field: &str, value_s: f64) -> Option<f64> {
        if (0.0..=LONGEST_TIME_S).contains(&value_s) {
            return (value_s > 0.0).then_some(value_s);
        }
        let reason = format!(
            "is {value_s}; allowed: 0 (not known) to {LONGEST_TIME_S} seconds, a finite number"
        );
        self.add(field, reason);
        None
    }

    fn calibration(&mut self, terms_kev: &[f64], channels: usize) -> Option<EnergyCalibration> {
        const FIELD: &str = "calibration_kev";
        let (intercept, slope, quadratic) = match *terms_kev {
            [] => return None,
            [intercept, slope] => (intercept, slope, 0.0),
            [intercept, slope, quadratic] => (intercept, slope, quadratic),
            _ => {
                let found = terms_kev.len();
                let reason = format!(
                    "has {found} numbers; allowed: none, 2 (intercept, slope) or 3 (and the \
                     quadratic term)"
                );
                self.add(FIELD, reason);
                return None;
            }
        };
        let checked = EnergyCalibration::new(intercept, slope, quadratic)
            .and_then(|calibration| calibration.check(channels).map(|()| calibration));
        checked.map_err(|error| self.add(FIELD, error)).ok()
    }

    fn start_time(&mut self, text: &str) -> Option<StartTime> {
        if text.is_empty() {
            return None;
        }
        let parsed = text.parse::<StartTime>();
        parsed.map_err(|error| self.add("start_time", error)).ok()
    }
}

/// The reason without the field in front of it.
fn strip(field: &str, error: &assay_api::WireError) -> String {
    let text = error.to_string();
    let reason = text
        .strip_prefix(field)
        .and_then(|rest| rest.strip_prefix(": "));
    reason.unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> PutSpectrumRequest {
        PutSpectrumRequest {
            counts: vec![1, 2, 3],
            live_time_s: 9.5,
            real_time_s: 10.0,
            calibration_kev: vec![-0.5, 0.7, 1e-7],
            start_time: "2026-05-01T12:00:00+02:00".to_owned(),
            title: "Probe 1".to_owned(),
        }
    }

    /// The fields that are refused.
    fn refused(change: impl FnOnce(&mut PutSpectrumRequest)) -> Vec<String> {
        let mut request = good();
        change(&mut request);
        match spectrum(request) {
            Err(IngestError::Fields(faults)) => faults.into_iter().map(|(f, _)| f).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_given_is_taken_to_the_bit() {
        let spectrum = spectrum(good()).unwrap();
        assert_eq!(spectrum.counts, [1, 2, 3]);
        assert_eq!(spectrum.live_time_s, Some(9.5));
        assert_eq!(
            spectrum.calibration.unwrap().quadratic_kev_per_channel2,
            1e-7
        );
        assert_eq!(spectrum.start_time.unwrap().to_string(), good().start_time);
    }

    #[test]
    fn zero_and_empty_mean_not_known() {
        let blank = PutSpectrumRequest {
            counts: vec![5],
            ..PutSpectrumRequest::default()
        };
        assert_eq!(spectrum(blank).unwrap(), Spectrum::from_counts(vec![5]));
    }

    #[test]
    fn every_field_has_its_limits() {
        assert_eq!(refused(|r| r.counts.clear()), ["counts"]);
        assert_eq!(refused(|r| r.counts = vec![0; (1 << 20) + 1]), ["counts"]);
        assert_eq!(refused(|r| r.counts[1] = u64::MAX), ["counts[1]"]);
        let most = vec![MAX_COUNTS_PER_CHANNEL; 2049];
        assert_eq!(refused(|r| r.counts = most), ["counts"]);
        for bad in [-1.0, f64::NAN, f64::INFINITY, 1e11] {
            assert_eq!(refused(|r| r.live_time_s = bad), ["live_time_s"], "{bad}");
            assert_eq!(refused(|r| r.real_time_s = bad), ["real_time_s"], "{bad}");
        }
        let calibrations: [&[f64]; 6] = [
            &[1.0],
            &[0.0, 1.0, 0.0, 0.0],
            &[0.0, f64::NAN],
            &[f64::INFINITY, 1.0],
            &[0.0, -1.0],
            &[0.0, 1.0, -0.3],
        ];
        for bad in calibrations {
            let found = refused(|r| r.calibration_kev = bad.to_vec());
            assert_eq!(found, ["calibration_kev"], "{bad:?}");
        }
        for bad in ["yesterday", "2026-13-01T00:00:00Z", "2026-05-01 12:00:00"] {
            assert_eq!(refused(|r| r.start_time = bad.to_owned()), ["start_time"]);
        }
        assert_eq!(refused(|r| r.title = "é".repeat(257)), ["title"]);
        assert_eq!(refused(|r| r.title = "a\u{7}".to_owned()), ["title"]);
    }

    #[test]
    fn all_faults_are_named_at_once() {
        let all = refused(|r| {
            *r = PutSpectrumRequest {
                live_time_s: f64::NAN,
                calibration_kev: vec![1.0],
                ..good()
            };
            r.title = "\n".to_owned();
        });
        assert_eq!(all, ["live_time_s", "calibration_kev", "title"]);
    }
}
