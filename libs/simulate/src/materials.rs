//! Typical compositions of the materials: what a chemist would expect, not a certificate.

mod glass;
mod mineral;
mod organic;
mod unknown;

use glass::GLASS;
use mineral::MINERAL;
use organic::ORGANIC;
use unknown::UNKNOWN_MATERIALS;

/// One stock material of a class, such as hardwood within biomass.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Variety {
    /// Name, part of the title.
    pub name: &'static str,
    /// Element and mass fraction. What is missing to 1 is without gamma-rays to speak of.
    pub composition: &'static [(&'static str, f64)],
}

/// A class of materials.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Material {
    /// Class label.
    pub label: &'static str,
    /// Short name for files and folders.
    pub slug: &'static str,
    /// Whether the class is one of the known ones.
    pub known: bool,
    /// Usual sample mass in gram.
    pub mass_g: f64,
    /// Container beside that of the instrument: element and mass in gram.
    pub container: &'static [(&'static str, f64)],
    /// Varieties; lots take them in turn.
    pub varieties: &'static [Variety],
}

/// All classes: ten known, then three unknown.
pub fn materials() -> impl Iterator<Item = &'static Material> {
    ORGANIC
        .iter()
        .chain(MINERAL)
        .chain(GLASS)
        .chain(UNKNOWN_MATERIALS)
}

/// Relative spread of a mass fraction between lots and between specimens of one lot. Major
/// constituents are held by chemistry, traces by nothing.
pub(crate) fn spreads(fraction: f64) -> (f64, f64) {
    match fraction {
        f if f >= 0.1 => (0.015, 0.008),
        f if f >= 0.01 => (0.05, 0.02),
        f if f >= 1e-3 => (0.12, 0.04),
        f if f >= 1e-4 => (0.25, 0.06),
        _ => (0.4, 0.12),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::molar_mass_g_per_mol;
    use assay_lines::LineLibrary;
    use std::collections::BTreeSet;

    #[test]
    fn thirteen_classes_with_compositions_that_sum_to_one_at_most() {
        assert_eq!(materials().filter(|m| m.known).count(), 10);
        assert_eq!(materials().filter(|m| !m.known).count(), 3);
        let slugs: BTreeSet<_> = materials().map(|m| m.slug).collect();
        assert_eq!(slugs.len(), 13);
        for material in materials() {
            assert!(material.mass_g > 0.0 && !material.varieties.is_empty());
            for variety in material.varieties {
                let sum: f64 = variety.composition.iter().map(|c| c.1).sum();
                let name = variety.name;
                assert!((0.93..=1.005).contains(&sum), "{name}: {sum}");
                let elements: BTreeSet<_> = variety.composition.iter().map(|c| c.0).collect();
                assert_eq!(elements.len(), variety.composition.len(), "{name}");
            }
        }
    }

    #[test]
    fn every_element_has_lines_and_a_weight() {
        let library = LineLibrary::embedded().unwrap();
        for material in materials() {
            let stock = material.varieties.iter().flat_map(|v| v.composition);
            for (element, _) in stock.chain(material.container) {
                assert!(library.element(element).is_ok(), "{element}");
                assert!(molar_mass_g_per_mol(element).is_some(), "{element}");
            }
        }
    }
}
