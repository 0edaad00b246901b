//! Which elements tell a class from the others, by how much of a spectrum's counts stands in their
//! peaks.

use crate::ExplainError;
use assay_core::ClassLabel;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// What part of the counts of one spectrum stands in the peaks of each element.
#[derive(Debug, Clone, PartialEq)]
pub struct ElementShares {
    /// Class of the spectrum.
    pub class: ClassLabel,
    /// Element and its part of all counts; an element that is missing has none.
    pub shares: BTreeMap<String, f64>,
}

/// The elements that distinguish each class.
///
/// An element distinguishes a class where its mean share of the counts over the spectra of the
/// class is at least `factor` times the mean over the other classes, each class counting alike.
/// Shares of counts are compared and not masses, because the preprocessing normalises spectra and
/// leaves no more than shares to be seen. What a class has less of than others may tell it, too, but
/// has no peak that could be shown, so it does not count here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Distinguishing {
    by_class: BTreeMap<ClassLabel, BTreeSet<String>>,
}

impl Distinguishing {
    /// Compares the classes of some spectra.
    ///
    /// # Errors
    /// When there are fewer than two classes, the factor is not above 1, or a share is no number
    /// from 0 up.
    pub fn of(spectra: &[ElementShares], factor: f64) -> Result<Self, ExplainError> {
        if !(factor.is_finite() && factor > 1.0) {
            return Err(ExplainError::Setting {
                name: "factor",
                value: factor.to_string(),
                allowed: "above 1",
            });
        }
        let means = class_means(spectra)?;
        if means.len() < 2 {
            return Err(ExplainError::Setting {
                name: "classes",
                value: means.len().to_string(),
                allowed: "2 or more: what distinguishes a class is in comparison with others",
            });
        }
        let elements: BTreeSet<&str> = means.values().flat_map(|m| m.keys().copied()).collect();
        let share = |class: &ClassLabel, element: &str| {
            means
                .get(class)
                .and_then(|m| m.get(element).copied())
                .unwrap_or(0.0)
        };
        let by_class = means.keys().map(|&class| {
            let others = || means.keys().filter(move |&&other| other != class);
            let distinguishes = |element: &&str| {
                let sum: f64 = others().map(|other| share(other, element)).sum();
                let own = share(class, element);
                own > 0.0 && own >= factor * sum / (means.len() - 1) as f64
            };
            let distinguishing = elements.iter().copied().filter(distinguishes);
            (class.clone(), distinguishing.map(str::to_owned).collect())
        });
        Ok(Self {
            by_class: by_class.collect(),
        })
    }

    /// Whether more of an element is in a class than in the others.
    #[must_use]
    pub fn contains(&self, class: &ClassLabel, element: &str) -> bool {
        self.by_class
            .get(class)
            .is_some_and(|elements| elements.contains(element))
    }

    /// The elements of a class, by name.
    pub fn elements(&self, class: &ClassLabel) -> impl Iterator<Item = &str> {
        let elements = self.by_class.get(class).into_iter().flatten();
        elements.map(String::as_str)
    }
}

type Means<'a> = BTreeMap<&'a ClassLabel, BTreeMap<&'a str, f64>>;

fn class_means(spectra: &[ElementShares]) -> Result<Means<'_>, ExplainError> {
    let mut means: Means<'_> = BTreeMap::new();
    let mut counts: BTreeMap<&ClassLabel, usize> = BTreeMap::new();
    for spectrum in spectra {
        *counts.entry(&spectrum.class).or_default() += 1;
        let sums = means.entry(&spectrum.class).or_default();
        for (element, &share) in &spectrum.shares {
            if !(share.is_finite() && share >= 0.0) {
                return Err(ExplainError::Setting {
                    name: "share of counts",
                    value: format!("{share} ({element} in {})", spectrum.class),
                    allowed: "numbers from 0 up",
                });
            }
            *sums.entry(element).or_default() += share;
        }
    }
    for (class, sums) in &mut means {
        let count = counts.get(class).copied().unwrap_or(1) as f64;
        sums.values_mut().for_each(|sum| *sum /= count);
    }
    Ok(means)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(class: &str, shares: &[(&str, f64)]) -> ElementShares {
        ElementShares {
            class: ClassLabel::new(class).unwrap(),
            shares: shares.iter().map(|&(e, s)| (e.to_owned(), s)).collect(),
        }
    }

    fn elements(found: &Distinguishing, class: &str) -> Vec<String> {
        let class = ClassLabel::new(class).unwrap();
        found.elements(&class).map(str::to_owned).collect()
    }

    #[test]
    fn more_than_the_average_other_class_by_the_factor() {
        let spectra = [
            // Mean of steel: Fe 0.4, H 0.1, Cr 0.01.
            shares("Steel", &[("Fe", 0.5), ("H", 0.1), ("Cr", 0.02)]),
            shares("Steel", &[("Fe", 0.3), ("H", 0.1)]),
            shares("Ore", &[("Fe", 0.3), ("H", 0.1)]),
            shares("Coal", &[("H", 0.3), ("Cr", 0.02)]),
        ];
        let found = Distinguishing::of(&spectra, 2.0).unwrap();
        // Fe 0.4 against 0.15; Cr 0.01 against 0.01; H less than elsewhere.
        assert_eq!(elements(&found, "Steel"), ["Fe"]);
        // Fe 0.3 against 0.2 is too little.
        assert_eq!(elements(&found, "Ore"), [""; 0]);
        // H 0.3 against 0.1, Cr 0.02 against 0.005.
        assert_eq!(elements(&found, "Coal"), ["Cr", "H"]);
        let found = Distinguishing::of(&spectra, 1.4).unwrap();
        assert_eq!(elements(&found, "Ore"), ["Fe"]);
        assert!(found.contains(&ClassLabel::new("Ore").unwrap(), "Fe"));
        assert!(!found.contains(&ClassLabel::new("Glass").unwrap(), "Fe"));
    }

    #[test]
    fn what_cannot_be_compared_is_refused() {
        let one = [shares("Steel", &[("Fe", 0.5)])];
        assert!(Distinguishing::of(&one, 2.0).is_err());
        let two = [one[0].clone(), shares("Coal", &[("H", f64::NAN)])];
        assert!(Distinguishing::of(&two, 2.0).is_err());
        let two = [one[0].clone(), shares("Coal", &[])];
        assert!(Distinguishing::of(&two, 1.0).is_err());
        assert!(Distinguishing::of(&two, 1.01).is_ok());
    }
}
