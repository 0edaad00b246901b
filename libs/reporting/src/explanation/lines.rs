//! Lines of elements that a reader can lay over a spectrum.

use assay_lines::{LineLibrary, LinesError, OtherKind};
use assay_report::explanation::{ElementLines, GammaLine};
use std::collections::BTreeMap;

/// Lines of one element; weaker ones would only hide the spectrum.
const LINES_PER_ELEMENT: usize = 20;

/// Lines weaker than this part of the strongest one are left out.
const WEAKEST: f64 = 0.01;

/// The strongest lines of every element within a range of energies.
pub(super) fn of_elements(
    (low_kev, high_kev): (f64, f64),
) -> Result<Vec<ElementLines>, LinesError> {
    let library = LineLibrary::embedded()?;
    let mut found: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
    for (symbol, lines) in library.elements() {
        let prompt = lines.prompt.iter().map(|l| (l.energy_kev, l.sigma_barn));
        let decay = lines.decay.iter().map(|l| (l.energy_kev, l.sigma_barn));
        found.insert(symbol.to_owned(), prompt.chain(decay).collect());
    }
    for line in library.other() {
        match line.kind {
            OtherKind::Doppler => {
                let lines = found.entry(line.element.to_owned()).or_default();
                lines.push((line.energy_kev, line.strength));
            }
            OtherKind::Annihilation => {
                let lines = found.entry("annihilation".to_owned()).or_default();
                lines.push((line.energy_kev, 1.0));
            }
            // Of the surroundings, not of a sample.
            OtherKind::XRay | OtherKind::Ambient | OtherKind::Detector => {}
        }
    }
    let elements = found.into_iter().filter_map(|(element, mut lines)| {
        lines.retain(|(energy_kev, _)| (low_kev..=high_kev).contains(energy_kev));
        lines.sort_by(|a, b| b.1.total_cmp(&a.1));
        let strongest = lines.first()?.1;
        lines.truncate(LINES_PER_ELEMENT);
        lines.retain(|(_, strength)| *strength > 0.0 && *strength >= WEAKEST * strongest);
        let lines = lines.into_iter().map(|(energy_kev, strength)| GammaLine {
            energy_kev,
            relative_strength: strength / strongest,
        });
        let lines: Vec<_> = lines.collect();
        (!lines.is_empty()).then_some(ElementLines { element, lines })
    });
    Ok(elements.collect())
}
