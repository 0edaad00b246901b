//! Puts everything together: from an item of the plan to counts per channel.

use crate::continuum::Response;
use crate::detector::Detector;
use crate::emission::emissions;
use crate::expected::Rates;
use crate::peaks::Seen;
use crate::sample::{Campaign, Key, Specimen, campaign, drifted, specimen};
use crate::{
    CHANNELS, Emission, Material, SimulateError, SimulationItem, SimulationSpec, TruePeak,
    instruments, materials,
};
use assay_lines::LineLibrary;
use assay_spectrum::{EnergyCalibration, Spectrum, StartTime};
use rand::{Rng, RngExt};
use rand_distr::{Distribution, Poisson};
use std::sync::OnceLock;

/// Below the first rate an operator puts more sample into the beam, above the second one less.
const RATE_PER_S: (f64, f64) = (350.0, 3.9e4);
/// Also less where the dead time would exceed this part of the live time.
const HIGHEST_DEAD_PER_LIVE: f64 = 0.7;
/// There is not more than this many times the usual mass of a sample.
const MOST_SAMPLE: f64 = 5.0;
/// No measurement is stopped before it has this many counts, or goes on beyond that many.
const TOTAL_COUNTS: (f64, f64) = (3.7e5, 1.9e9);

/// Makes the spectra of one specification. Each is a function of seed, class, lot and index
/// alone, so that items may be simulated in any order and on any number of threads.
pub struct Simulator {
    spec: SimulationSpec,
    library: &'static LineLibrary,
    responses: Vec<OnceLock<Response>>,
}

/// One simulated measurement.
#[derive(Debug, Clone)]
pub struct SimulatedSpectrum {
    /// The item of the plan.
    pub item: SimulationItem,
    /// Path relative to the manifest, with `/`.
    pub file_name: String,
    /// Counts and what the instrument says about them.
    pub spectrum: Spectrum,
    /// Name of the spectrometer.
    pub instrument: &'static str,
    /// Variety of the material.
    pub variety: &'static str,
    /// Calibration by which the channels were filled.
    pub true_calibration: EnergyCalibration,
    /// Expected counts per channel, of which the counts are one Poisson draw.
    pub expected: Vec<f64>,
    /// All peaks, seen or not.
    pub emissions: Vec<Emission>,
    /// Peaks above the detection limit, by energy.
    pub true_peaks: Vec<TruePeak>,
}

impl Simulator {
    /// Checks the specification and reads the line tables.
    ///
    /// # Errors
    /// When a field of the specification is out of range.
    pub fn new(spec: SimulationSpec) -> Result<Self, SimulateError> {
        spec.check()?;
        Ok(Self {
            spec,
            library: LineLibrary::embedded()?,
            responses: instruments().iter().map(|_| OnceLock::new()).collect(),
        })
    }

    /// The specification.
    #[must_use]
    pub fn spec(&self) -> &SimulationSpec {
        &self.spec
    }

    /// Everything to be simulated, class by class.
    ///
    /// # Errors
    /// None after a successful `new`.
    pub fn plan(&self) -> Result<Vec<SimulationItem>, SimulateError> {
        self.spec.plan()
    }

    /// Simulates one item.
    ///
    /// # Errors
    /// When the item's class is none of the materials.
    pub fn simulate(&self, item: &SimulationItem) -> Result<SimulatedSpectrum, SimulateError> {
        let (class, material) = materials()
            .enumerate()
            .find(|(_, material)| material.label == item.label.as_str())
            .ok_or_else(|| SimulateError::UnknownClass {
                class: item.label.to_string(),
            })?;
        let key = Key {
            seed: self.spec.seed,
            class: class as u64,
            lot: u64::from(item.lot),
            index: u64::from(item.index),
        };
        let campaign = campaign(key);
        let detector = &campaign.instrument.detector;
        let (specimen, rates, live_time_s) = self.measurement(material, campaign, key)?;
        let [intercept, slope, quadratic] = campaign.nominal;
        let nominal = EnergyCalibration::new(intercept, slope, quadratic)?;
        let filled_by = drifted(nominal, key)?;
        let expected = rates.expected(detector, &filled_by, live_time_s, CHANNELS);
        let counts = poisson(&expected, &mut key.rng("counts"));
        let true_peaks = Seen {
            filled_by: &filled_by,
            nominal: &nominal,
            expected: &expected,
            live_time_s,
            discriminator_kev: detector.discriminator_kev,
        }
        .peaks(&rates.peaks);
        let start = start_time(key)?;
        let (year, month, day) = start.date();
        let real_time_s = live_time_s * (1.0 + rates.total_per_s * detector.dead_time_us * 1e-6);
        Ok(SimulatedSpectrum {
            file_name: format!(
                "{}/{year:04}-{month:02}-{day:02}-{}-{}-{:02}-{}.SPE",
                item.group(),
                item.slug,
                item.lot + 1,
                item.index + 1,
                campaign.instrument.name
            ),
            spectrum: Spectrum {
                calibration: Some(nominal),
                live_time_s: Some(live_time_s),
                real_time_s: Some((real_time_s * 100.0).ceil() / 100.0),
                start_time: Some(start),
                title: format!(
                    "simulated {}, lot {}, specimen {}",
                    specimen.variety,
                    item.lot + 1,
                    item.index + 1
                ),
                ..Spectrum::from_counts(counts)
            },
            instrument: campaign.instrument.name,
            variety: specimen.variety,
            true_calibration: filled_by,
            expected,
            emissions: rates.peaks,
            true_peaks,
            item: item.clone(),
        })
    }

    /// Specimen, rates and live time of a spectrum.
    fn measurement(
        &self,
        material: &'static Material,
        campaign: Campaign,
        key: Key,
    ) -> Result<(Specimen, Rates, f64), SimulateError> {
        let detector = &campaign.instrument.detector;
        let mut specimen = specimen(material, campaign.instrument, key);
        let typical_s = (self.spec.shortest_live_time_s * self.spec.longest_live_time_s).sqrt();
        let mut rates = self.rates(detector, &specimen, typical_s)?;
        let highest = HIGHEST_DEAD_PER_LIVE / (detector.dead_time_us * 1e-6);
        let wanted = rates
            .total_per_s
            .clamp(RATE_PER_S.0, highest.min(RATE_PER_S.1));
        if wanted != rates.total_per_s {
            specimen = specimen.scaled((wanted / rates.total_per_s).min(MOST_SAMPLE));
            rates = self.rates(detector, &specimen, typical_s)?;
        }
        let live_time_s = self.live_time_s(rates.total_per_s, key);
        // Activation builds up over the time that was now chosen.
        let rates = self.rates(detector, &specimen, live_time_s)?;
        Ok((specimen, rates, live_time_s))
    }

    fn rates(
        &self,
        detector: &Detector,
        specimen: &Specimen,
        measured_s: f64,
    ) -> Result<Rates, SimulateError> {
        let emitted = emissions(self.library, detector, specimen, measured_s)?;
        Ok(Rates::new(
            self.library,
            detector,
            self.response(detector),
            emitted,
        ))
    }

    fn response(&self, detector: &Detector) -> &Response {
        let index = instruments()
            .iter()
            .position(|instrument| instrument.detector == *detector)
            .unwrap_or(0);
        self.responses[index].get_or_init(|| Response::new(detector))
    }

    /// Log-uniform within the allowed times, so long that there is something to see and no
    /// longer than an operator would wait.
    fn live_time_s(&self, rate_per_s: f64, key: Key) -> f64 {
        let (shortest, longest) = (
            self.spec.shortest_live_time_s,
            self.spec.longest_live_time_s,
        );
        let low = shortest.max(TOTAL_COUNTS.0 / rate_per_s).min(longest);
        let high = longest.min(TOTAL_COUNTS.1 / rate_per_s).max(low);
        let part: f64 = key.rng("live time").random();
        let time_s = low * (high / low).powf(part);
        (time_s * 100.0).round() / 100.0
    }
}

/// One Poisson draw per channel.
fn poisson<R: Rng>(expected: &[f64], rng: &mut R) -> Vec<u64> {
    expected
        .iter()
        .map(|&mean| Poisson::new(mean).map_or(0, |law| law.sample(rng) as u64))
        .collect()
}

fn start_time(key: Key) -> Result<StartTime, SimulateError> {
    let mut lot = key.lot_rng("campaign");
    let mut own = key.rng("start");
    let date = [
        lot.random_range(2021..2025),
        lot.random_range(1..13),
        own.random_range(1..29),
    ];
    let time = [
        own.random_range(0..24),
        own.random_range(0..60),
        own.random_range(0..60),
    ];
    Ok(StartTime::new(date, time)?)
}
