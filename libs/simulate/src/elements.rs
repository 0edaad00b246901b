//! Standard atomic weights.

/// Conventional standard atomic weights of IUPAC (2021), in g/mol.
const WEIGHTS: &[(&str, f64)] = &[
    ("H", 1.008),
    ("Li", 6.94),
    ("Be", 9.0122),
    ("B", 10.81),
    ("C", 12.011),
    ("N", 14.007),
    ("O", 15.999),
    ("F", 18.998),
    ("Na", 22.990),
    ("Mg", 24.305),
    ("Al", 26.982),
    ("Si", 28.085),
    ("P", 30.974),
    ("S", 32.06),
    ("Cl", 35.45),
    ("Ar", 39.95),
    ("K", 39.098),
    ("Ca", 40.078),
    ("Sc", 44.956),
    ("Ti", 47.867),
    ("V", 50.942),
    ("Cr", 51.996),
    ("Mn", 54.938),
    ("Fe", 55.845),
    ("Co", 58.933),
    ("Ni", 58.693),
    ("Cu", 63.546),
    ("Zn", 65.38),
    ("Ga", 69.723),
    ("Ge", 72.630),
    ("As", 74.922),
    ("Se", 78.971),
    ("Br", 79.904),
    ("Rb", 85.468),
    ("Sr", 87.62),
    ("Y", 88.906),
    ("Zr", 91.224),
    ("Nb", 92.906),
    ("Mo", 95.95),
    ("Ag", 107.87),
    ("Cd", 112.41),
    ("In", 114.82),
    ("Sn", 118.71),
    ("Sb", 121.76),
    ("I", 126.90),
    ("Cs", 132.91),
    ("Ba", 137.33),
    ("La", 138.91),
    ("Ce", 140.12),
    ("Pr", 140.91),
    ("Nd", 144.24),
    ("Sm", 150.36),
    ("Eu", 151.96),
    ("Gd", 157.25),
    ("Tb", 158.93),
    ("Dy", 162.50),
    ("Ho", 164.93),
    ("Er", 167.26),
    ("Tm", 168.93),
    ("Yb", 173.05),
    ("Lu", 174.97),
    ("Hf", 178.49),
    ("Ta", 180.95),
    ("W", 183.84),
    ("Re", 186.21),
    ("Au", 196.97),
    ("Hg", 200.59),
    ("Tl", 204.38),
    ("Pb", 207.2),
    ("Bi", 208.98),
    ("Th", 232.04),
    ("U", 238.03),
];

/// Molar mass of an element; `None` for one that no material here holds.
///
/// # Units
/// g/mol.
///
/// # Source
/// T. Prohaska et al., Standard atomic weights of the elements 2021 (IUPAC), Pure Appl. Chem.
/// 94, 573 (2022), conventional values.
#[must_use]
pub fn molar_mass_g_per_mol(element: &str) -> Option<f64> {
    WEIGHTS
        .iter()
        .find(|(symbol, _)| *symbol == element)
        .map(|(_, weight)| *weight)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_of_compounds_match_their_handbook_values() {
        let sum = |formula: &[(&str, f64)]| -> f64 {
            formula
                .iter()
                .map(|(e, n)| n * molar_mass_g_per_mol(e).unwrap())
                .sum()
        };
        let urea = sum(&[("C", 1.0), ("O", 1.0), ("N", 2.0), ("H", 4.0)]);
        assert!((urea - 60.056).abs() < 0.01, "{urea}");
        let apatite = sum(&[("Ca", 5.0), ("P", 3.0), ("O", 12.0), ("F", 1.0)]);
        assert!((apatite - 504.30).abs() < 0.05, "{apatite}");
        assert_eq!(molar_mass_g_per_mol("Xx"), None);
    }
}
