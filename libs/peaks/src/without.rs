//! The spectrum as it would have been measured without a peak: what a model makes of it says
//! what the peak was worth.

use crate::region::Region;
use crate::{PeakError, PeakList};
use assay_spectrum::Spectrum;

/// A peak is taken out where it exceeds this part of the standard deviation of its continuum.
const SEEN: f64 = 0.1;

impl PeakList {
    /// The spectrum without some of its peaks: in their channels the counts come down to the
    /// fitted continuum, by the part that each peak has in what stands above it. Other peaks of
    /// the same region stay; calibration and times too. The step beneath a peak belongs to the
    /// continuum and stays.
    ///
    /// # Shapes
    /// `peaks`: positions in `self.peaks`, in any order; `spectrum`: the one that was searched.
    ///
    /// # Units
    /// Counts, rounded to whole ones; the continuum is smooth where the peak was.
    ///
    /// # Errors
    /// When the list does not hold a peak, or the spectrum has other channels.
    pub fn without(&self, spectrum: &Spectrum, peaks: &[usize]) -> Result<Spectrum, PeakError> {
        self.check_same(spectrum)?;
        let mut taken: Vec<Vec<usize>> = vec![Vec::new(); self.regions.len()];
        for &index in peaks {
            let (region, place) = *self.places.get(index).ok_or(PeakError::UnknownPeak {
                index,
                count: self.peaks.len(),
            })?;
            if !taken[region].contains(&place) {
                taken[region].push(place);
            }
        }
        let mut counts = spectrum.counts.clone();
        for (region, places) in self.regions.iter().zip(&taken) {
            if !places.is_empty() {
                lower(region, places, &mut counts);
            }
        }
        Ok(Spectrum {
            counts,
            ..spectrum.clone()
        })
    }

    /// The spectrum with some of its peaks only: every other one is taken out as by
    /// [`PeakList::without`].
    ///
    /// # Errors
    /// As [`PeakList::without`].
    pub fn with_only(&self, spectrum: &Spectrum, peaks: &[usize]) -> Result<Spectrum, PeakError> {
        if let Some(&index) = peaks.iter().find(|index| **index >= self.peaks.len()) {
            let count = self.peaks.len();
            return Err(PeakError::UnknownPeak { index, count });
        }
        let others: Vec<usize> = (0..self.peaks.len())
            .filter(|index| !peaks.contains(index))
            .collect();
        self.without(spectrum, &others)
    }
}

fn lower(region: &Region, places: &[usize], counts: &mut [u64]) {
    for channel in region.low..region.end.min(counts.len()) {
        let x = channel as f64;
        let continuum = region.continuum_at(x);
        let seen = SEEN * continuum.max(1.0).sqrt();
        let parts: Vec<f64> = region
            .peaks
            .iter()
            .map(|peak| peak.area * peak.value(region, x))
            .collect();
        let all: f64 = parts.iter().sum();
        let own: f64 = places.iter().filter_map(|&place| parts.get(place)).sum();
        if own <= seen {
            continue;
        }
        let measured = counts[channel] as f64;
        let left = measured - (own / all) * (measured - continuum);
        counts[channel] = left.round().max(0.0) as u64;
    }
}
