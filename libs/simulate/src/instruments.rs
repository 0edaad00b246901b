//! The spectrometers of the simulated laboratory: five set-ups over the years, with what stands
//! around them and the energy calibrations of their campaigns. Resolution, shielding, dead time
//! and calibrations are rounded from what the public NIST spectra (N. A. Mahynski et al.,
//! J. Radioanal. Nucl. Chem. 332, 3259, 2023) show; the surroundings are adjusted by eye.

use crate::detector::{Detector, Suppression};

/// A detector at a beam, with its surroundings and calibrations.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Instrument {
    /// Short name, part of the file names.
    pub name: &'static str,
    /// The detector.
    pub detector: Detector,
    /// Calibrations: intercept in keV, slope in keV per channel, quadratic term.
    pub calibrations: &'static [[f64; 3]],
    /// What the scattered beam activates around the sample: element and effective mass in gram.
    pub surroundings: &'static [(&'static str, f64)],
    /// Typical sample mass relative to the material's.
    pub mass_scale: f64,
}

/// A thermal beam with a bare detector of moderate resolution.
const THERMAL_OLD: Instrument = Instrument {
    name: "vt5",
    detector: Detector {
        sensitivity_per_s_cm2: 1.5e4,
        efficiency_tilt: 0.15,
        fwhm2: [3.5, 4.9, 0.1],
        escape_scale: 1.5,
        double_over_single: 0.52,
        suppression: Suppression::NONE,
        scatter_in: 2.8e-3,
        tail: (0.03, 2.5),
        dead_time_us: 40.0,
        pile_up_us: 2.0,
        discriminator_kev: 36.0,
    },
    calibrations: &[
        [5.925, 0.6071, -1.6e-8],
        [5.79, 0.6053, -2.9e-8],
        [6.3, 0.6065, 1.2e-8],
    ],
    surroundings: &[
        ("Cd", 1.0e-5),
        ("B", 1.3e-5),
        ("H", 0.001),
        ("Al", 0.02),
        ("Fe", 0.004),
        ("Pb", 0.1),
        ("Ge", 0.001),
        ("N", 0.05),
        ("Cl", 3.3e-5),
        ("Mg", 0.007),
    ],
    mass_scale: 0.6,
};

/// The same beam with a new bare detector.
const THERMAL_NEW: Instrument = Instrument {
    name: "vt5n",
    detector: Detector {
        sensitivity_per_s_cm2: 1.6e4,
        fwhm2: [1.9, 1.95, 0.1],
        tail: (0.01, 1.5),
        dead_time_us: 25.0,
        discriminator_kev: 48.0,
        ..THERMAL_OLD.detector
    },
    calibrations: &[
        [-3.05, 0.5965, 0.0],
        [-3.62, 0.6618, 0.0],
        [-2.2, 0.6402, 1.0e-8],
    ],
    surroundings: &[
        ("B", 1.3e-6),
        ("H", 6.7e-4),
        ("Al", 0.003),
        ("Fe", 0.001),
        ("Pb", 0.02),
        ("Ge", 0.001),
        ("N", 0.01),
        ("C", 0.02),
    ],
    ..THERMAL_OLD
};

/// A cold beam with a full Compton-suppression shield; samples in bags of fluoropolymer.
const COLD_SHIELDED: Instrument = Instrument {
    name: "ngd",
    detector: Detector {
        sensitivity_per_s_cm2: 1.7e5,
        efficiency_tilt: 0.0,
        fwhm2: [3.4, 1.9, 0.02],
        escape_scale: 0.3,
        double_over_single: 0.11,
        suppression: Suppression {
            sideways: 0.05,
            backwards: 0.28,
            opening_cosine: -0.92,
        },
        scatter_in: 2.0e-4,
        tail: (0.015, 2.0),
        dead_time_us: 42.0,
        pile_up_us: 1.2,
        discriminator_kev: 28.0,
    },
    calibrations: &[
        [-1.44, 0.7152, 0.0],
        [-1.41, 0.7144, 0.0],
        [-1.34, 0.7147, 0.0],
    ],
    surroundings: &[
        ("F", 0.12),
        ("C", 0.05),
        ("H", 1.5e-4),
        ("B", 1.0e-7),
        ("Al", 0.003),
        ("Fe", 5.0e-4),
        ("Pb", 0.005),
        ("Ge", 1.5e-4),
        ("N", 0.002),
        ("Ti", 1.0e-5),
    ],
    mass_scale: 1.2,
};

/// The same beam, with a shield that is open at the front.
const COLD_OPEN: Instrument = Instrument {
    name: "ngd2",
    detector: Detector {
        suppression: Suppression {
            sideways: 0.06,
            backwards: 0.95,
            opening_cosine: -0.4,
        },
        dead_time_us: 17.0,
        ..COLD_SHIELDED.detector
    },
    calibrations: &[
        [-1.67, 0.7133, 0.0],
        [-1.415, 0.7129, 0.0],
        [-0.6, 0.7113, 0.0],
    ],
    surroundings: &[
        ("F", 0.08),
        ("C", 0.03),
        ("H", 2.0e-4),
        ("B", 3.0e-7),
        ("Al", 0.004),
        ("Fe", 8.0e-4),
        ("Pb", 0.005),
        ("Ge", 2.0e-4),
        ("N", 0.006),
    ],
    ..COLD_SHIELDED
};

/// A second place on the cold guide, with a smaller shield.
const COLD_SIDE: Instrument = Instrument {
    name: "gp1",
    detector: Detector {
        sensitivity_per_s_cm2: 1.5e5,
        efficiency_tilt: 0.05,
        fwhm2: [3.6, 2.8, 0.11],
        escape_scale: 1.0,
        double_over_single: 0.165,
        suppression: Suppression {
            sideways: 0.1,
            backwards: 0.95,
            opening_cosine: 0.2,
        },
        scatter_in: 2.2e-4,
        tail: (0.02, 2.5),
        dead_time_us: 25.0,
        pile_up_us: 1.2,
        discriminator_kev: 24.0,
    },
    calibrations: &[
        [-1.48, 0.71235, 0.0],
        [-1.8, 0.7161, 0.0],
        [-1.1, 0.7118, 8.0e-9],
    ],
    surroundings: &[
        ("F", 0.02),
        ("C", 0.01),
        ("H", 1.5e-4),
        ("B", 5.0e-7),
        ("Al", 0.004),
        ("Fe", 8.0e-4),
        ("Pb", 0.01),
        ("Ge", 4.0e-4),
        ("N", 0.002),
    ],
    ..COLD_SHIELDED
};

/// All spectrometers.
#[must_use]
pub fn instruments() -> &'static [Instrument] {
    const ALL: &[Instrument] = &[
        THERMAL_OLD,
        THERMAL_NEW,
        COLD_SHIELDED,
        COLD_OPEN,
        COLD_SIDE,
    ];
    ALL
}
