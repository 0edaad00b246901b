//! Expected counts per channel: peaks, shelf, continuum, pile-up and discriminator.

use crate::continuum::{BIN_KEV, BINS, Response, SHELF_DEPTH_KEV, SHELF_PER_KEV, centre_kev};
use crate::detector::{Detector, FWHM_PER_SIGMA};
use crate::emission::{Emission, Emissions, Origin, Shape};
use assay_lines::{LineLibrary, OtherKind};
use assay_spectrum::EnergyCalibration;

/// Strong peaks whose pairwise sums are followed one by one.
const SUMMED_PEAKS: usize = 6;
/// Flat rest at all energies, from muons and activated construction, per second and keV.
const FLOOR_PER_S_KEV: f64 = 1.2e-5;

/// What a detector counts per second of live time.
#[derive(Debug, Clone)]
pub(crate) struct Rates {
    pub(crate) peaks: Vec<Emission>,
    /// Everything smooth except the shelf, per second and keV, at the coarse bin centres.
    pub(crate) continuum: Vec<f64>,
    /// All counts per second above the discriminator.
    pub(crate) total_per_s: f64,
}

impl Rates {
    /// Folds the emissions with the detector's response.
    pub(crate) fn new(
        library: &LineLibrary,
        detector: &Detector,
        response: &Response,
        emissions: Emissions,
    ) -> Self {
        let Emissions {
            mut peaks,
            unresolved_per_s,
        } = emissions;
        let mut full_energy = unresolved_per_s.clone();
        for peak in &peaks {
            if !matches!(peak.origin, Origin::SingleEscape | Origin::DoubleEscape) {
                split(&mut full_energy, peak.energy_kev, peak.rate_per_s);
            }
        }
        let mut continuum = response.fold(&full_energy);
        for (value, unresolved) in continuum.iter_mut().zip(&unresolved_per_s) {
            *value += unresolved / BIN_KEV + FLOOR_PER_S_KEV;
        }
        let (_, seen) = density(detector, &peaks, &continuum);
        fluorescence(library, detector, &mut peaks, seen);
        let (counted, total_per_s) = density(detector, &peaks, &continuum);
        pile_up(detector, &mut peaks, &mut continuum, &counted);
        Self {
            peaks,
            continuum,
            total_per_s,
        }
    }

    /// Expected counts per channel.
    ///
    /// # Shapes
    /// `[channels]`, the first one being channel 0.
    pub(crate) fn expected(
        &self,
        detector: &Detector,
        calibration: &EnergyCalibration,
        live_time_s: f64,
        channels: usize,
    ) -> Vec<f64> {
        let mut counts = vec![0.0; channels];
        for peak in &self.peaks {
            add_peak(&mut counts, detector, calibration, peak, live_time_s);
        }
        let mut above = 0.0;
        for channel in (0..channels).rev() {
            let position = channel as f64;
            let energy_kev = calibration.energy_kev(position);
            let width_kev = calibration.gain_kev_per_channel(position);
            let own = counts[channel];
            let smooth = live_time_s * interpolate(&self.continuum, energy_kev);
            let shelf = SHELF_PER_KEV * (above + 0.5 * own);
            above = (above + own) * (1.0 - width_kev / SHELF_DEPTH_KEV);
            counts[channel] = if energy_kev > 0.0 {
                detector.threshold(energy_kev) * (own + width_kev * (smooth + shelf))
            } else {
                0.0
            };
        }
        counts
    }
}

/// Adds a rate to the two bins around an energy, so that its mean energy is kept.
fn split(bins: &mut [f64], energy_kev: f64, rate: f64) {
    let position = energy_kev / BIN_KEV - 0.5;
    let lower = position.floor().max(0.0);
    let part = (position - lower).clamp(0.0, 1.0);
    let lower = lower as usize;
    if lower + 1 < bins.len() {
        bins[lower] += (1.0 - part) * rate;
        bins[lower + 1] += part * rate;
    }
}

fn interpolate(bins: &[f64], energy_kev: f64) -> f64 {
    let position = (energy_kev / BIN_KEV - 0.5).clamp(0.0, (BINS - 1) as f64);
    let lower = (position as usize).min(BINS - 2);
    let part = position - lower as f64;
    bins[lower] * (1.0 - part) + bins[lower + 1] * part
}

/// Everything that is counted, per second and coarse bin, and its sum.
fn density(detector: &Detector, peaks: &[Emission], continuum: &[f64]) -> (Vec<f64>, f64) {
    let mut in_peaks = vec![0.0; BINS];
    for peak in peaks {
        split(&mut in_peaks, peak.energy_kev, peak.rate_per_s);
    }
    let mut counted = vec![0.0; BINS];
    let mut above = 0.0;
    for bin in (0..BINS).rev() {
        let smooth = BIN_KEV * (continuum[bin] + SHELF_PER_KEV * above);
        above = (above + in_peaks[bin]) * (1.0 - BIN_KEV / SHELF_DEPTH_KEV);
        counted[bin] = detector.threshold(centre_kev(bin)) * (in_peaks[bin] + smooth);
    }
    let total = counted.iter().sum();
    (counted, total)
}

fn fluorescence(library: &LineLibrary, detector: &Detector, peaks: &mut Vec<Emission>, seen: f64) {
    for line in library.other() {
        if line.kind == OtherKind::XRay {
            peaks.push(Emission {
                energy_kev: line.energy_kev,
                element: line.element,
                origin: Origin::XRay,
                rate_per_s: line.strength * seen,
                sample_fraction: 0.0,
                fwhm_kev: detector.fwhm_kev(line.energy_kev),
                shape: Shape::Line,
            });
        }
    }
}

/// Two events within the resolving time count as one of the summed energy. Sums of the
/// strongest peaks become peaks, all others continuum.
fn pile_up(detector: &Detector, peaks: &mut Vec<Emission>, continuum: &mut [f64], counted: &[f64]) {
    let resolving_s = detector.pile_up_us * 1e-6;
    let mut strongest: Vec<Emission> = peaks
        .iter()
        .filter(|p| p.shape == Shape::Line && p.energy_kev > detector.discriminator_kev)
        .copied()
        .collect();
    strongest.sort_by(|a, b| b.rate_per_s.total_cmp(&a.rate_per_s));
    strongest.truncate(SUMMED_PEAKS);
    let mut peak_part = vec![0.0; BINS];
    for peak in &strongest {
        split(&mut peak_part, peak.energy_kev, peak.rate_per_s);
    }
    let scale = resolving_s / BIN_KEV;
    for (total, alone) in [(counted, scale), (&peak_part[..], -scale)] {
        for (first, &rate) in total.iter().enumerate() {
            if rate > 0.0 {
                // Two bin centres sum to the edge between two bins: half to each.
                let sums = continuum[first..].iter_mut().zip(total);
                sums.for_each(|(value, &other)| *value += 0.5 * alone * rate * other);
                let sums = continuum[(first + 1).min(BINS)..].iter_mut().zip(total);
                sums.for_each(|(value, &other)| *value += 0.5 * alone * rate * other);
            }
        }
    }
    for (i, a) in strongest.iter().enumerate() {
        for (j, b) in strongest.iter().enumerate().skip(i) {
            let twice = if i == j { 1.0 } else { 2.0 };
            peaks.push(Emission {
                energy_kev: a.energy_kev + b.energy_kev,
                element: a.element,
                origin: Origin::Sum,
                rate_per_s: twice * resolving_s * a.rate_per_s * b.rate_per_s,
                sample_fraction: a.sample_fraction * b.sample_fraction,
                fwhm_kev: a.fwhm_kev.hypot(b.fwhm_kev),
                shape: Shape::Line,
            });
        }
    }
}

/// Spreads one peak over the channels; what falls outside is lost, as in the instrument.
fn add_peak(
    counts: &mut [f64],
    detector: &Detector,
    calibration: &EnergyCalibration,
    peak: &Emission,
    live_time_s: f64,
) {
    let area = peak.rate_per_s * live_time_s;
    let Some(position) = calibration.channel(peak.energy_kev) else {
        return;
    };
    let gain = calibration.gain_kev_per_channel(position);
    let profile = Profile::new(detector, peak, gain, area);
    let reach = profile.reach();
    let last = counts.len() as f64 - 1.0;
    let (low, high) = ((position - reach).floor(), (position + reach).ceil());
    if high < 0.0 || low > last || area <= 0.0 {
        return;
    }
    let (low, high) = (low.max(0.0) as usize, high.min(last) as usize);
    let mut below = profile.cumulative(low as f64 - 0.5 - position);
    for (channel, count) in counts.iter_mut().enumerate().take(high + 1).skip(low) {
        let next = profile.cumulative(channel as f64 + 0.5 - position);
        *count += area * (next - below);
        below = next;
    }
}

/// Form of one peak in channels.
struct Profile {
    sigma: f64,
    half_width: f64,
    tail: Option<(f64, f64)>,
}

impl Profile {
    fn new(detector: &Detector, peak: &Emission, gain: f64, area: f64) -> Self {
        let half_width = match peak.shape {
            Shape::Line => 0.0,
            Shape::Box { half_width_kev } => half_width_kev / gain,
        };
        // A tail of a few percent shows in peaks of some thousand counts only.
        let tail = (area > 1000.0 && half_width == 0.0)
            .then_some((detector.tail.0, detector.tail.1 / gain));
        Self {
            sigma: peak.fwhm_kev / FWHM_PER_SIGMA / gain,
            half_width,
            tail,
        }
    }

    /// Half of the range outside which nothing is left (5.5 standard deviations: 4e-8).
    fn reach(&self) -> f64 {
        5.5 * self.sigma + self.half_width + self.tail.map_or(0.0, |(_, length)| 16.0 * length)
    }

    /// Part of the peak below an offset from its position.
    fn cumulative(&self, offset: f64) -> f64 {
        let normal = |x: f64| 0.5 * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2);
        if self.half_width > 0.0 {
            // Integral of the normal distribution function over the box.
            let phi = |x: f64| (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt();
            let integral = |x: f64| self.sigma * (x * normal(x) + phi(x));
            let (low, high) = (offset - self.half_width, offset + self.half_width);
            return (integral(high / self.sigma) - integral(low / self.sigma))
                / (2.0 * self.half_width);
        }
        let straight = normal(offset / self.sigma);
        match self.tail {
            None => straight,
            Some((part, length)) => {
                // Normal distribution folded with an exponential to the left.
                let ratio = self.sigma / length;
                let argument = offset / length + 0.5 * ratio * ratio;
                let right = normal(-(offset / self.sigma + ratio));
                let tailed = if right > 0.0 && argument < 700.0 {
                    straight + argument.exp() * right
                } else {
                    straight
                };
                straight + part * (tailed - straight)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::continuum::compton_edge_kev;
    use crate::emission::BORON_HALF_WIDTH_KEV;
    use crate::instruments;

    fn emission(energy_kev: f64, shape: Shape, fwhm_kev: f64) -> Emission {
        Emission {
            energy_kev,
            element: "H",
            origin: Origin::Photopeak,
            rate_per_s: 50.0,
            sample_fraction: 1.0,
            fwhm_kev,
            shape,
        }
    }

    fn calibration() -> EnergyCalibration {
        EnergyCalibration {
            intercept_kev: -1.4,
            slope_kev_per_channel: 0.7,
            quadratic_kev_per_channel2: 0.0,
        }
    }

    #[test]
    fn a_peak_keeps_its_area_in_every_shape() {
        let detector = &instruments()[0].detector;
        let boxed = Shape::Box {
            half_width_kev: BORON_HALF_WIDTH_KEV,
        };
        for (shape, live_time_s) in [(Shape::Line, 10.0), (Shape::Line, 1e5), (boxed, 1e5)] {
            let mut counts = vec![0.0; 4096];
            let peak = emission(1000.3, shape, 2.0);
            add_peak(&mut counts, detector, &calibration(), &peak, live_time_s);
            let area: f64 = counts.iter().sum();
            assert!(
                (area / (50.0 * live_time_s) - 1.0).abs() < 1e-6,
                "{shape:?} {area}"
            );
        }
    }

    #[test]
    fn boron_is_flat_over_fifteen_kev() {
        let mut counts = vec![0.0; 2048];
        let shape = Shape::Box {
            half_width_kev: BORON_HALF_WIDTH_KEV,
        };
        let peak = emission(477.595, shape, 2.0);
        add_peak(
            &mut counts,
            &instruments()[2].detector,
            &calibration(),
            &peak,
            1e4,
        );
        let top = counts.iter().copied().fold(0.0, f64::max);
        let half = counts.iter().filter(|&&c| c > 0.5 * top).count() as f64 * 0.7;
        assert!((half - 2.0 * BORON_HALF_WIDTH_KEV).abs() < 0.8, "{half}");
        assert!(counts.iter().filter(|&&c| c > 0.95 * top).count() > 14);
    }

    #[test]
    fn one_line_gives_edge_escapes_and_a_total_that_adds_up() {
        let library = LineLibrary::embedded().unwrap();
        let detector = &instruments()[1].detector;
        let emissions = Emissions {
            peaks: vec![emission(2223.25, Shape::Line, detector.fwhm_kev(2223.25))],
            unresolved_per_s: vec![0.0; BINS],
        };
        let rates = Rates::new(library, detector, &Response::new(detector), emissions);
        let counts = rates.expected(detector, &calibration(), 100.0, 16384);
        let total: f64 = counts.iter().sum();
        assert!(
            (total / (100.0 * rates.total_per_s) - 1.0).abs() < 0.01,
            "{total}"
        );
        // The continuum drops at the Compton edge.
        let edge = calibration().channel(compton_edge_kev(2223.25)).unwrap() as usize;
        assert!(counts[edge - 20] > 1.3 * counts[edge + 20]);
    }

    #[test]
    fn sums_of_strong_lines_stand_at_twice_the_energy() {
        let library = LineLibrary::embedded().unwrap();
        let detector = &instruments()[2].detector;
        let emissions = Emissions {
            peaks: vec![emission(2223.25, Shape::Line, 2.6)],
            unresolved_per_s: vec![0.0; BINS],
        };
        let rates = Rates::new(library, detector, &Response::new(detector), emissions);
        let sum = rates
            .peaks
            .iter()
            .find(|p| p.origin == Origin::Sum && (p.energy_kev - 4446.5).abs() < 1e-9);
        let expected = 50.0 * 50.0 * detector.pile_up_us * 1e-6;
        assert!((sum.unwrap().rate_per_s / expected - 1.0).abs() < 1e-12);
    }
}
