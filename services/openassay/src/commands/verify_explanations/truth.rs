//! From the truth file of a simulation to plain lines: what is seen of which element, and which
//! lines tell the class.

use crate::{
    failure::{Failure, Result},
    file,
};
use assay_core::{ClassLabel, ErrorKind};
use assay_explain::truth::{Distinguishing, ElementShares, TrueLine};
use assay_simulate::{TRUTH_VERSION, TruePeak, Truth, TruthSpectrum};
use std::{collections::BTreeMap, path::Path};

/// A peak is one of the sample where at least this part of its counts comes from it.
const OF_THE_SAMPLE: f64 = 0.5;

/// Reads the truth of a simulated folder.
pub(super) fn read(folder: &Path) -> Result<Truth> {
    let path = folder.join("truth.json");
    let refuse = |what: String| {
        Failure::new(
            ErrorKind::InvalidArgument,
            format!(
                "{}: {what}; name a folder that `openassay simulate` wrote",
                path.display()
            ),
        )
    };
    let truth: Truth =
        serde_json::from_slice(&file::read(&path)?).map_err(|e| refuse(e.to_string()))?;
    if truth.version != TRUTH_VERSION {
        let what = format!("version is {}; allowed: {TRUTH_VERSION}", truth.version);
        return Err(refuse(what));
    }
    Ok(truth)
}

/// What part of each spectrum's counts stands in peaks of each element, for the classes that the
/// model knows. Counts of the surroundings are in it: the model sees them, too.
pub(super) fn shares(truth: &Truth, classes: &[ClassLabel]) -> Vec<ElementShares> {
    let known = truth.spectra.iter().filter(|s| classes.contains(&s.label));
    known
        .map(|spectrum| {
            let mut shares: BTreeMap<String, f64> = BTreeMap::new();
            for peak in spectrum.peaks.iter().filter(|p| !p.element.is_empty()) {
                let share = peak.expected_counts / spectrum.expected_total_counts;
                *shares.entry(peak.element.clone()).or_default() += share;
            }
            ElementShares {
                class: spectrum.label.clone(),
                shares,
            }
        })
        .collect()
}

/// Whether samples of a class show peaks of an element, and not their surroundings alone.
pub(super) fn in_sample(truth: &Truth, class: &ClassLabel, element: &str) -> bool {
    let mut spectra = truth.spectra.iter().filter(|s| s.label == *class);
    spectra.any(|spectrum| {
        let mut peaks = spectrum.peaks.iter();
        peaks.any(|peak| peak.element == element && peak.sample_fraction >= OF_THE_SAMPLE)
    })
}

/// The spectra to be scored with their class in the model: of each class the first ones.
pub(super) fn chosen<'a>(
    truth: &'a Truth,
    classes: &[ClassLabel],
    per_class: usize,
) -> Vec<(usize, &'a TruthSpectrum)> {
    let of = |(class, label): (usize, &ClassLabel)| -> Vec<(usize, &'a TruthSpectrum)> {
        let spectra = truth.spectra.iter().filter(|s| s.label == *label);
        spectra.take(per_class).map(|s| (class, s)).collect()
    };
    classes.iter().enumerate().flat_map(of).collect()
}

/// The lines of a spectrum, and which of them distinguish its class: those of the sample, of an
/// element of which the class has more than others.
pub(super) fn lines(spectrum: &TruthSpectrum, distinguishing: &Distinguishing) -> Vec<TrueLine> {
    let distinguishes = |peak: &TruePeak| {
        peak.sample_fraction >= OF_THE_SAMPLE
            && distinguishing.contains(&spectrum.label, &peak.element)
    };
    let line = |peak: &TruePeak| TrueLine {
        energy_kev: peak.apparent_energy_kev,
        counts: peak.expected_counts,
        distinguishing: distinguishes(peak),
    };
    spectrum.peaks.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_simulate::{SimulationSpec, Simulator};

    fn simulated() -> Truth {
        let spec = SimulationSpec {
            spectra_per_known_class: 1,
            spectra_per_unknown_class: 0,
            lots_per_class: 1,
            ..SimulationSpec::default()
        };
        let simulator = Simulator::new(spec.clone()).unwrap();
        let mut truth = Truth::new(spec);
        for item in simulator.plan().unwrap() {
            if ["Steel", "Titanium Alloy", "Coal and Coke"].contains(&item.label.as_str())
                || truth.spectra.len() < 3
            {
                truth.push(&simulator.simulate(&item).unwrap());
            }
        }
        truth
    }

    #[test]
    fn iron_lines_of_the_sample_tell_steel() {
        let truth = simulated();
        let classes: Vec<ClassLabel> = truth.spectra.iter().map(|s| s.label.clone()).collect();
        let shares = shares(&truth, &classes);
        assert!(shares.iter().all(|s| s.shares.values().sum::<f64>() < 1.0));
        assert!(shares.iter().all(|s| !s.shares.contains_key("")));
        let distinguishing = Distinguishing::of(&shares, 2.0).unwrap();
        let steel = ClassLabel::new("Steel").unwrap();
        assert!(distinguishing.contains(&steel, "Fe"));
        assert!(in_sample(&truth, &steel, "Fe") && !in_sample(&truth, &steel, "Tl"));
        let spectrum = truth.spectra.iter().find(|s| s.label == steel).unwrap();
        let lines = lines(spectrum, &distinguishing);
        assert_eq!(lines.len(), spectrum.peaks.len());
        for (line, peak) in lines.iter().zip(&spectrum.peaks) {
            assert_eq!(line.energy_kev, peak.apparent_energy_kev);
            if peak.element == "Fe" {
                assert_eq!(line.distinguishing, peak.sample_fraction >= 0.5);
            }
            // Annihilation and what is not of the sample tell nothing.
            assert!(!(line.distinguishing && peak.element.is_empty()));
            assert!(!(line.distinguishing && peak.sample_fraction < 0.5));
        }
        assert!(lines.iter().any(|l| l.distinguishing));
        assert!(lines.iter().any(|l| !l.distinguishing));
    }

    #[test]
    fn the_first_spectra_of_each_class_of_the_model_are_chosen() {
        let truth = simulated();
        let classes = [truth.spectra[1].label.clone()];
        let chosen = chosen(&truth, &classes, 5);
        assert_eq!(chosen.len(), 1);
        assert_eq!(
            (chosen[0].0, &chosen[0].1.file),
            (0, &truth.spectra[1].file)
        );
    }
}
