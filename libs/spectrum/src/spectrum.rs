//! One measured spectrum: integer counts per channel and what the instrument said about them.

use crate::{EnergyCalibration, SpectrumError, StartTime};

/// Largest allowed channel number plus one: 2^20.
pub const MAX_CHANNELS: u32 = 1 << 20;

/// Largest count that a 64-bit float still holds exactly: 2^53.
pub const MAX_COUNTS_PER_CHANNEL: u64 = 1 << 53;

/// A gamma-ray spectrum as measured.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Spectrum {
    /// Counts per channel; the first one belongs to `first_channel`.
    pub counts: Vec<u64>,
    /// Absolute number of the first channel; the calibration counts from channel 0.
    pub first_channel: u32,
    /// Energy calibration, `None` where the file has none.
    pub calibration: Option<EnergyCalibration>,
    /// Time in which the instrument could count, in seconds.
    pub live_time_s: Option<f64>,
    /// Time on the clock, in seconds.
    pub real_time_s: Option<f64>,
    /// Start of the acquisition.
    pub start_time: Option<StartTime>,
    /// What the operator called it; one line per line of the file.
    pub title: String,
    /// Blocks that are kept but not interpreted: name and text, in the order of the file.
    pub blocks: Vec<(String, String)>,
}

impl Spectrum {
    /// A spectrum of counts from channel 0 on, with nothing else known.
    #[must_use]
    pub fn from_counts(counts: Vec<u64>) -> Self {
        Self {
            counts,
            ..Self::default()
        }
    }

    /// Sum of all counts; `u64::MAX` stands for anything larger.
    #[must_use]
    pub fn total_counts(&self) -> u64 {
        self.counts
            .iter()
            .fold(0, |sum, &count| sum.saturating_add(count))
    }

    /// Part of the real time in which the instrument was busy, `1 − live/real`; `None` where a
    /// time is missing or the two contradict each other.
    #[must_use]
    pub fn dead_time_fraction(&self) -> Option<f64> {
        let (live, real) = (self.live_time_s?, self.real_time_s?);
        (live >= 0.0 && real > 0.0 && live <= real).then(|| 1.0 - live / real)
    }

    /// Counts per second of live time; `None` where the live time is missing or zero.
    #[must_use]
    pub fn count_rate_per_s(&self) -> Option<f64> {
        let live = self
            .live_time_s
            .filter(|live| live.is_finite() && *live > 0.0)?;
        Some(self.total_counts() as f64 / live)
    }

    /// Number of channels counted from channel 0, as the calibration does.
    #[must_use]
    pub fn end_channel(&self) -> usize {
        self.first_channel as usize + self.counts.len()
    }

    /// Energies of the centres of the first and last channel in keV, by the full calibration;
    /// `None` without calibration or channels.
    #[must_use]
    pub fn energy_range_kev(&self) -> Option<(f64, f64)> {
        let calibration = self.calibration?;
        let last = self
            .end_channel()
            .checked_sub(1)
            .filter(|_| !self.counts.is_empty())?;
        let first = calibration.energy_kev(f64::from(self.first_channel));
        Some((first, calibration.energy_kev(last as f64)))
    }

    /// Checks what every numeric step relies on: two channels or more, channel numbers and
    /// counts within bounds.
    ///
    /// # Errors
    /// The first bound that is not kept, with the channel.
    pub fn check(&self) -> Result<(), SpectrumError> {
        let found = self.counts.len();
        if found < 2 {
            return Err(SpectrumError::TooFewChannels { found });
        }
        if self.end_channel() > MAX_CHANNELS as usize {
            return Err(SpectrumError::TooManyChannels {
                found,
                first_channel: self.first_channel,
                limit: MAX_CHANNELS - 1,
            });
        }
        match self
            .counts
            .iter()
            .position(|&counts| counts > MAX_COUNTS_PER_CHANNEL)
        {
            Some(index) => Err(SpectrumError::CountTooLarge {
                channel: self.first_channel as usize + index,
                counts: self.counts[index],
                limit: MAX_COUNTS_PER_CHANNEL,
            }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timed(live_time_s: f64, real_time_s: f64) -> Spectrum {
        Spectrum {
            live_time_s: Some(live_time_s),
            real_time_s: Some(real_time_s),
            ..Spectrum::from_counts(vec![10, 20])
        }
    }

    #[test]
    fn dead_time_needs_two_times_that_agree() {
        assert_eq!(timed(75.0, 100.0).dead_time_fraction(), Some(0.25));
        assert_eq!(timed(100.0, 100.0).dead_time_fraction(), Some(0.0));
        assert_eq!(timed(101.0, 100.0).dead_time_fraction(), None);
        assert_eq!(timed(0.0, 0.0).dead_time_fraction(), None);
        assert_eq!(timed(f64::NAN, 1.0).dead_time_fraction(), None);
        assert_eq!(Spectrum::from_counts(vec![1]).dead_time_fraction(), None);
    }

    #[test]
    fn totals_saturate_and_rates_need_a_live_time() {
        assert_eq!(
            Spectrum::from_counts(vec![u64::MAX, 5]).total_counts(),
            u64::MAX
        );
        assert_eq!(timed(15.0, 20.0).count_rate_per_s(), Some(2.0));
        assert_eq!(timed(0.0, 20.0).count_rate_per_s(), None);
    }

    #[test]
    fn check_names_the_bound_that_is_broken() {
        let check = |counts, first_channel| {
            Spectrum {
                first_channel,
                ..Spectrum::from_counts(counts)
            }
            .check()
        };
        assert_eq!(
            check(vec![1], 0),
            Err(SpectrumError::TooFewChannels { found: 1 })
        );
        assert_eq!(check(vec![0, MAX_COUNTS_PER_CHANNEL], 0), Ok(()));
        let error = check(vec![0, MAX_COUNTS_PER_CHANNEL + 1], 7).unwrap_err();
        assert!(error.to_string().contains("channel 8 holds"), "{error}");
        assert_eq!(check(vec![0, 0], MAX_CHANNELS - 2), Ok(()));
        assert!(check(vec![0, 0], MAX_CHANNELS - 1).is_err());
        assert!(check(vec![0, 0], u32::MAX).is_err());
    }

    #[test]
    fn energy_range_counts_from_the_absolute_channel() {
        let spectrum = Spectrum {
            first_channel: 10,
            calibration: Some(EnergyCalibration::new(-5.0, 0.5, 0.0).unwrap()),
            ..Spectrum::from_counts(vec![1; 11])
        };
        assert_eq!(spectrum.energy_range_kev(), Some((0.0, 5.0)));
    }
}
