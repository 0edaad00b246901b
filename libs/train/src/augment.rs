//! Copies of training spectra as they would look after a shorter measurement or with another
//! gain. The number of copies is fixed and their random numbers are keyed by the spectrum, so that
//! their features can be computed once.

use assay_core::{Digest, keyed_rng};
use assay_pipeline::{DatasetRow, bundle::TrainingRange};
use assay_spectrum::{Spectrum, SpectrumError, shift_calibration, thin_to};
use assay_training_spec::{Augmentation, GainShifts};
use rand::Rng;

/// One copy of every training spectrum.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Variation {
    Thinned { total_counts: u64 },
    Shifted { shifts: GainShifts, number: usize },
}

/// The copies of every spectrum, in their order.
pub(crate) fn variations(augmentation: &Augmentation) -> impl Iterator<Item = Variation> {
    let thinned = augmentation.thin_to_counts.iter();
    let thinned = thinned.map(|&total_counts| Variation::Thinned { total_counts });
    let shifted = augmentation.gain_shifts.into_iter().flat_map(|shifts| {
        (0..shifts.copies).map(move |number| Variation::Shifted { shifts, number })
    });
    thinned.chain(shifted)
}

/// The limits of the training spectra with their copies counted in.
pub(crate) fn widened(augmentation: &Augmentation, mut range: TrainingRange) -> TrainingRange {
    if let Some(&fewest) = augmentation.thin_to_counts.iter().min() {
        range.total_counts.0 = range.total_counts.0.min(fewest);
    }
    if let (Some(shifts), Some((low, high))) =
        (augmentation.gain_shifts, &mut range.slope_kev_per_channel)
    {
        *low *= 1.0 - shifts.gain;
        *high *= 1.0 + shifts.gain;
    }
    range
}

impl Variation {
    /// The copy of one spectrum; its random numbers depend on the seed, the spectrum and the kind
    /// of copy alone.
    pub(crate) fn of(self, row: &DatasetRow, seed: u64) -> Result<Spectrum, SpectrumError> {
        let spectrum_key = number_of(row.digest);
        match self {
            Self::Thinned { total_counts } => {
                let counters = [spectrum_key, total_counts];
                let mut rng = keyed_rng(seed, "thinned training spectra", &counters);
                thin_to(&row.spectrum, total_counts, &mut rng)
            }
            Self::Shifted { shifts, number } => {
                let counters = [spectrum_key, number as u64];
                let mut rng = keyed_rng(seed, "shifted training spectra", &counters);
                let gain = 1.0 + shifts.gain * symmetric(&mut rng);
                let offset_kev = shifts.offset_kev * symmetric(&mut rng);
                shift_calibration(&row.spectrum, gain, offset_kev)
            }
        }
    }
}

fn number_of(digest: Digest) -> u64 {
    let bytes = digest.as_bytes().iter().take(8);
    bytes.fold(0, |number, &byte| number << 8 | u64::from(byte))
}

/// A number in [−1, 1).
fn symmetric(rng: &mut impl Rng) -> f64 {
    f64::from(rng.next_u32()) / 2_147_483_648.0 - 1.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_core::ClassLabel;
    use assay_pipeline::Role;
    use assay_spectrum::EnergyCalibration;

    fn row(name: &str) -> DatasetRow {
        DatasetRow {
            line: 2,
            file: name.to_owned(),
            label: ClassLabel::new("A").unwrap(),
            role: Role::Known,
            group: String::new(),
            digest: Digest::of(name.as_bytes()),
            spectrum: Spectrum {
                calibration: EnergyCalibration::new(0.0, 0.7, 0.0).ok(),
                ..Spectrum::from_counts(vec![50; 1000])
            },
            warnings: Vec::new(),
            further_records: 0,
        }
    }

    #[test]
    fn copies_are_fixed_in_number_and_by_seed_and_spectrum() {
        let augmentation = Augmentation {
            thin_to_counts: vec![10_000, 1_000_000],
            gain_shifts: Some(GainShifts {
                copies: 2,
                gain: 0.01,
                offset_kev: 3.0,
            }),
        };
        let copies = |name: &str, seed| {
            let copies = variations(&augmentation).map(|copy| copy.of(&row(name), seed));
            copies.collect::<Result<Vec<_>, _>>().unwrap()
        };
        let first = copies("a", 1);
        assert_eq!(first.len(), augmentation.copies());
        assert_eq!(first, copies("a", 1));
        assert_ne!(first, copies("a", 2));
        assert_ne!(first[0].counts, copies("b", 1)[0].counts);
        // Five standard deviations of a binomial with 50,000 trials at 0.2 are 447.
        assert!(first[0].total_counts().abs_diff(10_000) < 447);
        assert_eq!(
            first[1],
            row("a").spectrum,
            "it has fewer counts than asked for"
        );
        for copy in &first[2..] {
            let calibration = copy.calibration.unwrap();
            assert!((calibration.slope_kev_per_channel / 0.7 - 1.0).abs() <= 0.01);
            assert!(calibration.intercept_kev.abs() <= 3.0);
            assert_ne!(calibration.intercept_kev, 0.0);
        }
    }

    #[test]
    fn copies_widen_the_limits_of_the_training_data() {
        let measured = TrainingRange {
            total_counts: (50_000, 90_000),
            slope_kev_per_channel: Some((0.6, 0.7)),
        };
        let short = widened(&Augmentation::short_measurements(), measured);
        assert_eq!(short.total_counts, (3_000, 90_000));
        assert_eq!(widened(&Augmentation::default(), measured), measured);
    }
}
