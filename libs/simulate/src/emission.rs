//! From masses to peaks: which energy lines reach the detector at which full-energy rate, and
//! their escape, annihilation and fluorescence companions.

use crate::continuum::{BIN_KEV, BINS, centre_kev};
use crate::detector::Detector;
use crate::sample::{Masses, Specimen};
use crate::{SimulateError, molar_mass_g_per_mol};
use assay_lines::{ELECTRON_KEV, LineLibrary, OtherKind, mean_saturation};
use serde::{Deserialize, Serialize};

/// Avogadro's number times one barn, in cm²/mol.
const ATOMS_BARN_PER_MOL: f64 = 6.022_140_76e23 * 1e-24;

/// Half the width of the boron line: 7Li recoils with 0.84 MeV, 0.01605 of the speed of light,
/// and radiates before it stops.
pub(crate) const BORON_HALF_WIDTH_KEV: f64 = 7.67;

/// Annihilation counts at 511 keV per emitted photon and MeV above the pair threshold.
const PAIRS_IN_SURROUNDINGS_PER_MEV: f64 = 3.0e-3;

/// Temperature of the unresolved transitions of a compound nucleus.
const STATISTICAL_TEMPERATURE_MEV: f64 = 0.65;

/// What makes a peak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Full-energy peak of a prompt gamma-ray.
    Photopeak,
    /// Full-energy peak of an activation product.
    Decay,
    /// One annihilation photon escaped.
    SingleEscape,
    /// Both annihilation photons escaped.
    DoubleEscape,
    /// Annihilation in the surroundings, 511 keV.
    Annihilation,
    /// Boron's line from a nucleus in flight.
    Doppler,
    /// Fluorescence of the shield.
    XRay,
    /// Natural radioactivity.
    Ambient,
    /// Two strong lines at once.
    Sum,
}

/// Form of a line before the detector's resolution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Shape {
    /// Sharp.
    Line,
    /// Evenly spread around its energy.
    Box {
        /// Half of the full width.
        half_width_kev: f64,
    },
}

/// One peak of a spectrum, before counting.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Emission {
    /// Energy of the peak.
    pub energy_kev: f64,
    /// Element, empty for annihilation.
    pub element: &'static str,
    /// What makes it.
    pub origin: Origin,
    /// Counts in the peak per second of live time.
    pub rate_per_s: f64,
    /// Part of it that comes from the sample; the rest is background.
    pub sample_fraction: f64,
    /// Width by the detector's resolution.
    pub fwhm_kev: f64,
    /// Form before the resolution.
    pub shape: Shape,
}

/// All peaks except sums, and the continuous part of the full-energy spectrum.
#[derive(Debug, Clone)]
pub(crate) struct Emissions {
    pub(crate) peaks: Vec<Emission>,
    /// Unresolved transitions: full-energy counts per second in each coarse bin.
    pub(crate) unresolved_per_s: Vec<f64>,
}

/// Peaks and unresolved radiation of a specimen at a detector.
///
/// # Units
/// `measured_s` in seconds; rates per second of live time.
pub(crate) fn emissions(
    library: &LineLibrary,
    detector: &Detector,
    specimen: &Specimen,
    measured_s: f64,
) -> Result<Emissions, SimulateError> {
    let mut builder = Builder {
        detector,
        peaks: Vec::new(),
    };
    let mut unresolved = Unresolved::new();
    for (&element, masses) in &specimen.masses {
        let source = Source::new(element, *masses, detector)?;
        let lines = library.element(element)?;
        for line in &lines.prompt {
            builder.line(&source, Origin::Photopeak, line.energy_kev, line.sigma_barn);
        }
        for line in &lines.decay {
            let built_up = line.sigma_barn * mean_saturation(line.half_life_s, measured_s);
            builder.line(&source, Origin::Decay, line.energy_kev, built_up);
        }
        for capture in &lines.captures {
            let energy = capture.sigma_barn * capture.unlisted_fraction * capture.binding_kev;
            unresolved.add(energy * source.rate_per_barn, capture.binding_kev);
        }
    }
    builder.other(library, specimen)?;
    let unresolved_per_s = unresolved.full_energy_per_s(detector);
    builder.annihilation(library, &unresolved_per_s);
    builder.escapes();
    Ok(Emissions {
        peaks: builder.peaks,
        unresolved_per_s,
    })
}

/// One element in front of the detector.
struct Source {
    element: &'static str,
    /// Full-energy counts per second and barn at 1 MeV.
    rate_per_barn: f64,
    sample_fraction: f64,
}

impl Source {
    fn new(
        element: &'static str,
        masses: Masses,
        detector: &Detector,
    ) -> Result<Self, SimulateError> {
        let molar = molar_mass_g_per_mol(element).ok_or_else(|| SimulateError::UnknownElement {
            element: element.to_owned(),
            table: "elements.rs",
        })?;
        let mass_g = masses.sample_g + masses.surroundings_g;
        Ok(Self {
            element,
            rate_per_barn: mass_g / molar * ATOMS_BARN_PER_MOL * detector.sensitivity_per_s_cm2,
            sample_fraction: masses.sample_g / mass_g.max(f64::MIN_POSITIVE),
        })
    }
}

struct Builder<'a> {
    detector: &'a Detector,
    peaks: Vec<Emission>,
}

impl Builder<'_> {
    fn line(&mut self, source: &Source, origin: Origin, energy_kev: f64, sigma_barn: f64) {
        let shape = if origin == Origin::Doppler {
            Shape::Box {
                half_width_kev: BORON_HALF_WIDTH_KEV,
            }
        } else {
            Shape::Line
        };
        self.peaks.push(Emission {
            energy_kev,
            element: source.element,
            origin,
            rate_per_s: source.rate_per_barn * sigma_barn * self.detector.efficiency(energy_kev),
            sample_fraction: source.sample_fraction,
            fwhm_kev: self.detector.fwhm_kev(energy_kev),
            shape,
        });
    }

    fn other(&mut self, library: &LineLibrary, specimen: &Specimen) -> Result<(), SimulateError> {
        for line in library.other() {
            match line.kind {
                OtherKind::Doppler => {
                    if let Some(masses) = specimen.masses.get(line.element) {
                        let source = Source::new(line.element, *masses, self.detector)?;
                        self.line(&source, Origin::Doppler, line.energy_kev, line.strength);
                    }
                }
                OtherKind::Ambient => self.peaks.push(Emission {
                    energy_kev: line.energy_kev,
                    element: line.element,
                    origin: Origin::Ambient,
                    rate_per_s: line.strength,
                    sample_fraction: 0.0,
                    fwhm_kev: self.detector.fwhm_kev(line.energy_kev),
                    shape: Shape::Line,
                }),
                OtherKind::Annihilation | OtherKind::XRay | OtherKind::Detector => {}
            }
        }
        Ok(())
    }

    /// Pairs made in the surroundings by hard photons.
    fn annihilation(&mut self, library: &LineLibrary, unresolved_per_s: &[f64]) {
        let pairs = |energy_kev: f64, rate: f64| {
            let excess = (energy_kev / 1000.0 - 2.0 * ELECTRON_KEV / 1000.0).max(0.0);
            rate / self.detector.efficiency(energy_kev) * excess
        };
        let lines: f64 = self
            .peaks
            .iter()
            .map(|p| pairs(p.energy_kev, p.rate_per_s))
            .sum();
        let from_sample: f64 = self
            .peaks
            .iter()
            .map(|p| pairs(p.energy_kev, p.rate_per_s * p.sample_fraction))
            .sum();
        let rest: f64 = unresolved_per_s
            .iter()
            .enumerate()
            .map(|(bin, &rate)| pairs(centre_kev(bin), rate))
            .sum();
        for line in library.other() {
            if line.kind == OtherKind::Annihilation {
                let efficiency = self.detector.efficiency(line.energy_kev);
                self.peaks.push(Emission {
                    energy_kev: line.energy_kev,
                    element: line.element,
                    origin: Origin::Annihilation,
                    rate_per_s: PAIRS_IN_SURROUNDINGS_PER_MEV * efficiency * (lines + rest),
                    sample_fraction: from_sample / lines.max(f64::MIN_POSITIVE),
                    fwhm_kev: self.detector.annihilation_fwhm_kev(line.energy_kev),
                    shape: Shape::Line,
                });
            }
        }
    }

    fn escapes(&mut self) {
        for index in 0..self.peaks.len() {
            let full = self.peaks[index];
            let (single, double) = self.detector.escape_ratios(full.energy_kev);
            if single == 0.0 {
                continue;
            }
            let single_kev = full.energy_kev - ELECTRON_KEV;
            self.peaks.push(Emission {
                energy_kev: single_kev,
                origin: Origin::SingleEscape,
                rate_per_s: full.rate_per_s * single,
                fwhm_kev: self.detector.annihilation_fwhm_kev(single_kev),
                ..full
            });
            let double_kev = full.energy_kev - 2.0 * ELECTRON_KEV;
            self.peaks.push(Emission {
                energy_kev: double_kev,
                origin: Origin::DoubleEscape,
                rate_per_s: full.rate_per_s * double,
                fwhm_kev: self.detector.fwhm_kev(double_kev),
                ..full
            });
        }
    }
}

/// Transitions too many to be listed, as a statistical spectrum E²·exp(−E/T) up to the binding
/// energy, holding the energy that the listed lines leave.
struct Unresolved {
    shape: Vec<f64>,
    /// Running sum of energy × shape.
    energy_below: Vec<f64>,
    /// Photons per second (at efficiency 1) per unit of shape, from the top bin on down.
    scale_at_top: Vec<f64>,
}

impl Unresolved {
    fn new() -> Self {
        let shape: Vec<f64> = (0..BINS)
            .map(|bin| {
                let e = centre_kev(bin) / 1000.0;
                e * e * (-e / STATISTICAL_TEMPERATURE_MEV).exp()
            })
            .collect();
        let mut sum = 0.0;
        let energy_below = shape
            .iter()
            .enumerate()
            .map(|(bin, weight)| {
                sum += weight * centre_kev(bin);
                sum
            })
            .collect();
        Self {
            shape,
            energy_below,
            scale_at_top: vec![0.0; BINS],
        }
    }

    fn add(&mut self, energy_kev_per_s: f64, binding_kev: f64) {
        let top = ((binding_kev / BIN_KEV) as usize).clamp(1, BINS) - 1;
        self.scale_at_top[top] += energy_kev_per_s / self.energy_below[top];
    }

    fn full_energy_per_s(&self, detector: &Detector) -> Vec<f64> {
        let mut rates = vec![0.0; BINS];
        let mut scale = 0.0;
        for bin in (0..BINS).rev() {
            scale += self.scale_at_top[bin];
            rates[bin] = scale * self.shape[bin] * detector.efficiency(centre_kev(bin));
        }
        rates
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instruments;

    fn of(element: &'static str, sample_g: f64, surroundings_g: f64) -> Emissions {
        let masses = Masses {
            sample_g,
            surroundings_g,
        };
        let specimen = Specimen {
            masses: [(element, masses)].into(),
            variety: "test",
        };
        let library = LineLibrary::embedded().unwrap();
        emissions(library, &instruments()[2].detector, &specimen, 1e4).unwrap()
    }

    fn rate(emitted: &Emissions, energy_kev: f64, origin: Origin) -> f64 {
        let near = |p: &&Emission| (p.energy_kev - energy_kev).abs() < 0.2 && p.origin == origin;
        emitted
            .peaks
            .iter()
            .filter(near)
            .map(|p| p.rate_per_s)
            .sum()
    }

    #[test]
    fn rate_is_atoms_times_cross_section_times_flux_times_efficiency() {
        let detector = &instruments()[2].detector;
        let emitted = of("H", 0.05, 0.05);
        // 0.1 g of hydrogen: 5.974e22 atoms, 0.3326 b.
        let cm2 = 0.1 / 1.008 * 6.022_140_76e23 * 0.3326e-24;
        let expected = cm2 * detector.sensitivity_per_s_cm2 * detector.efficiency(2223.248);
        let found = rate(&emitted, 2223.248, Origin::Photopeak);
        assert!((found / expected - 1.0).abs() < 1e-6, "{found} {expected}");
        let line = emitted.peaks.iter().find(|p| p.origin == Origin::Photopeak);
        assert!((line.unwrap().sample_fraction - 0.5).abs() < 1e-12);
    }

    #[test]
    fn escapes_stand_one_and_two_electron_masses_below() {
        let emitted = of("H", 0.1, 0.0);
        let full = rate(&emitted, 2223.248, Origin::Photopeak);
        let single = rate(&emitted, 2223.248 - 510.999, Origin::SingleEscape);
        let double = rate(&emitted, 2223.248 - 1021.998, Origin::DoubleEscape);
        let ratios = instruments()[2].detector.escape_ratios(2223.248);
        assert!((single / full - ratios.0).abs() < 1e-6 && single > 0.0);
        assert!((double / full - ratios.1).abs() < 1e-6 && double > 0.0);
    }

    #[test]
    fn unresolved_radiation_carries_the_energy_that_the_lines_leave() {
        let detector = &instruments()[2].detector;
        let emitted = of("Gd", 1e-6, 0.0);
        let energy: f64 = emitted
            .unresolved_per_s
            .iter()
            .enumerate()
            .map(|(bin, rate)| centre_kev(bin) * rate / detector.efficiency(centre_kev(bin)))
            .sum();
        let captures = &LineLibrary::embedded()
            .unwrap()
            .element("Gd")
            .unwrap()
            .captures;
        let left: f64 = captures
            .iter()
            .map(|c| c.sigma_barn * c.unlisted_fraction * c.binding_kev)
            .sum();
        let atoms = 1e-6 / 157.25 * ATOMS_BARN_PER_MOL * detector.sensitivity_per_s_cm2;
        assert!((energy / (left * atoms) - 1.0).abs() < 1e-9);
        assert!(of("H", 1.0, 0.0).unresolved_per_s.iter().sum::<f64>() < 20.0);
    }

    #[test]
    fn elements_without_a_weight_are_named() {
        let masses = Masses::default();
        let specimen = Specimen {
            masses: [("Kr", masses)].into(),
            variety: "test",
        };
        let library = LineLibrary::embedded().unwrap();
        let error = emissions(library, &instruments()[0].detector, &specimen, 1.0).unwrap_err();
        assert!(error.to_string().contains("\"Kr\"") && error.to_string().contains("elements.rs"));
    }
}
