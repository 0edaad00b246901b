//! Which masses of which elements are in front of the detector: one specimen of one lot, its
//! container, and what the scattered beam activates around it.

use crate::materials::{Material, spreads};
use crate::{Instrument, instruments};
use assay_core::{KeyedRng, keyed_rng};
use assay_spectrum::EnergyCalibration;
use rand::RngExt;
use rand_distr::{Distribution, StandardNormal};
use std::collections::BTreeMap;

/// Relative gain drift between calibration and measurement (standard deviation).
const GAIN_DRIFT: f64 = 1.2e-4;
/// Drift of the zero in keV (standard deviation).
const ZERO_DRIFT_KEV: f64 = 0.15;

/// Mass of one element in the sample and around it, in gram.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Masses {
    pub(crate) sample_g: f64,
    pub(crate) surroundings_g: f64,
}

/// One specimen in front of one detector.
#[derive(Debug, Clone)]
pub(crate) struct Specimen {
    pub(crate) masses: BTreeMap<&'static str, Masses>,
    pub(crate) variety: &'static str,
}

/// Lot of a class: where and with which calibration it was measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Campaign {
    pub(crate) instrument: &'static Instrument,
    /// What the files say.
    pub(crate) nominal: [f64; 3],
}

/// Counters of all random draws of one spectrum.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key {
    pub(crate) seed: u64,
    pub(crate) class: u64,
    pub(crate) lot: u64,
    pub(crate) index: u64,
}

impl Key {
    /// Draws that all spectra of a lot share.
    pub(crate) fn lot_rng(&self, purpose: &str) -> KeyedRng {
        keyed_rng(self.seed, purpose, &[self.class, self.lot])
    }

    /// Draws of one spectrum.
    pub(crate) fn rng(&self, purpose: &str) -> KeyedRng {
        keyed_rng(self.seed, purpose, &[self.class, self.lot, self.index])
    }
}

fn log_normal(rng: &mut KeyedRng, spread: f64) -> f64 {
    let normal: f64 = StandardNormal.sample(rng);
    (spread * normal).exp()
}

/// The campaign of a lot. Neighbouring lots of a class go to different instruments, so that no
/// class is recognised by its instrument.
pub(crate) fn campaign(key: Key) -> Campaign {
    let all = instruments();
    let start: usize =
        keyed_rng(key.seed, "first instrument", &[key.class]).random_range(0..all.len());
    let stride: usize =
        keyed_rng(key.seed, "instrument stride", &[key.class]).random_range(1..all.len());
    let lot = (key.lot % all.len() as u64) as usize;
    let instrument = &all[(start + lot * stride) % all.len()];
    let pick: usize = key
        .lot_rng("calibration")
        .random_range(0..instrument.calibrations.len());
    Campaign {
        instrument,
        nominal: instrument.calibrations[pick],
    }
}

/// The calibration by which the channels are really filled: the nominal one after some drift.
pub(crate) fn drifted(
    nominal: EnergyCalibration,
    key: Key,
) -> Result<EnergyCalibration, assay_spectrum::SpectrumError> {
    let mut rng = key.rng("drift");
    let gain =
        1.0 + GAIN_DRIFT * <StandardNormal as Distribution<f64>>::sample(&StandardNormal, &mut rng);
    let zero =
        ZERO_DRIFT_KEV * <StandardNormal as Distribution<f64>>::sample(&StandardNormal, &mut rng);
    EnergyCalibration::new(
        gain * nominal.intercept_kev + zero,
        gain * nominal.slope_kev_per_channel,
        gain * nominal.quadratic_kev_per_channel2,
    )
}

/// Draws the specimen of a spectrum.
pub(crate) fn specimen(material: &'static Material, instrument: &Instrument, key: Key) -> Specimen {
    let variety = &material.varieties[(key.lot % material.varieties.len() as u64) as usize];
    let mut lot = key.lot_rng("lot composition");
    let mut own = key.rng("specimen");
    let mut masses: BTreeMap<&'static str, Masses> = BTreeMap::new();
    let mass_g = material.mass_g * instrument.mass_scale * log_normal(&mut own, 0.25);
    for &(element, fraction) in variety.composition {
        let (lot_spread, own_spread) = spreads(fraction);
        let factor = log_normal(&mut lot, lot_spread) * log_normal(&mut own, own_spread);
        masses.entry(element).or_default().sample_g += mass_g * fraction * factor;
    }
    let beam = log_normal(&mut own, 0.2);
    for &(element, container_g) in material.container {
        let wrapped = container_g * log_normal(&mut own, 0.1);
        masses.entry(element).or_default().surroundings_g += wrapped;
    }
    for &(element, around_g) in instrument.surroundings {
        let around = around_g * beam * log_normal(&mut own, 0.15);
        masses.entry(element).or_default().surroundings_g += around;
    }
    Specimen {
        masses,
        variety: variety.name,
    }
}

impl Specimen {
    /// The same with more or less sample in the beam.
    pub(crate) fn scaled(mut self, factor: f64) -> Self {
        for masses in self.masses.values_mut() {
            masses.sample_g *= factor;
        }
        self
    }
}
