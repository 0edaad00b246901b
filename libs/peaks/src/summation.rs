//! The area of a peak that no model fits: counts above a straight line through both sides.

use crate::fit::window;
use crate::region::{Component, Region, WIDTH_OF_LINES};

/// Channels on each side through which the line goes.
const SIDE_CHANNELS: usize = 4;

/// A peak by summation.
#[derive(Debug, Clone)]
pub(crate) struct Summed {
    /// The line as continuum, and the one peak with its summed area and mean position.
    pub(crate) region: Region,
    pub(crate) area_sigma: f64,
    pub(crate) center_sigma: f64,
    pub(crate) continuum_counts: f64,
}

/// Sums the strongest peak of a region.
///
/// # Shapes
/// `counts`: all channels of the spectrum.
///
/// # Errors
/// `None` where the window with its sides leaves the spectrum, or nothing is above the line.
///
/// # Source
/// D. F. Covell, Anal. Chem. 31, 1785 (1959); variance by G. Gilmore, Practical Gamma-Ray
/// Spectrometry, 2nd ed. (2008): counts + continuum·(channels / side channels).
pub(crate) fn sum(counts: &[f64], region: &Region) -> Option<Summed> {
    let peak = *region
        .peaks
        .iter()
        .max_by(|a, b| a.area.total_cmp(&b.area))?;
    let inside = window(region, &peak);
    let (low, end) = (inside.start, inside.end);
    if low < SIDE_CHANNELS || end + SIDE_CHANNELS > counts.len() || end <= low {
        return None;
    }
    let mean = |part: &[f64]| part.iter().sum::<f64>() / SIDE_CHANNELS as f64;
    let left = mean(&counts[low - SIDE_CHANNELS..low]);
    let right = mean(&counts[end..end + SIDE_CHANNELS]);
    let channels = (end - low) as f64;
    let rise = 0.5 * (right - left) * channels / (channels + SIDE_CHANNELS as f64);
    let mut summed = Region {
        low,
        end,
        peaks: Vec::new(),
        continuum: [0.5 * (left + right), rise, 0.0],
        width: 1.0,
        width_bounds: WIDTH_OF_LINES,
        step: 0.0,
        tail: [0.0, 1.5],
        free: Default::default(),
    };
    let continuum_counts = 0.5 * (left + right) * channels;
    let (mut area, mut moment) = (0.0, 0.0);
    for (channel, count) in (low..end).zip(&counts[low..end]) {
        let x = channel as f64;
        let net = count - summed.continuum_at(x);
        area += net;
        moment += net * (x - peak.center);
    }
    let gross: f64 = counts[low..end].iter().sum();
    let sides = channels / (2 * SIDE_CHANNELS) as f64;
    let area_sigma = (gross + continuum_counts * sides).sqrt();
    if !(area > 0.0 && area_sigma > 0.0) {
        return None;
    }
    let reach = 0.25 * channels;
    summed.peaks.push(Component {
        center: peak.center + (moment / area).clamp(-reach, reach),
        area,
        ..peak
    });
    Some(Summed {
        region: summed,
        area_sigma,
        center_sigma: peak.sigma * area_sigma / area,
        continuum_counts,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_what_stands_above_a_slope() {
        let mut counts: Vec<f64> = (0..100).map(|i| 1000.0 + 5.0 * f64::from(i)).collect();
        counts[50] += 400.0;
        counts[51] += 600.0;
        let peak = Component::line(50.5, 1.5);
        let region = crate::fit::start(&counts, 35, 66, vec![peak]);
        let found = sum(&counts, &region).unwrap();
        assert!((found.region.peaks[0].area - 1000.0).abs() < 1e-6);
        assert!((found.region.peaks[0].center - 50.6).abs() < 1e-6);
        let channels = found.region.channels() as f64;
        let continuum = found.continuum_counts;
        let variance = 1000.0 + continuum + continuum * channels / 8.0;
        assert!((found.area_sigma - variance.sqrt()).abs() < 1e-6);
        counts[50] = 0.0;
        counts[51] = 0.0;
        assert!(sum(&counts, &region).is_none());
    }
}
