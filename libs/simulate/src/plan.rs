//! What is to be simulated: the specification and the list of items it stands for.

use crate::{SimulateError, materials};
use assay_core::ClassLabel;
use serde::{Deserialize, Serialize};

/// Channels of every spectrum.
pub const CHANNELS: usize = 16_384;

/// Specification of a simulated data set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SimulationSpec {
    /// Seed of every random draw.
    pub seed: u64,
    /// Spectra of each known class.
    pub spectra_per_known_class: u32,
    /// Spectra of each unknown class.
    pub spectra_per_unknown_class: u32,
    /// Lots of each class; each becomes one folder and one group.
    pub lots_per_class: u32,
    /// Shortest live time.
    pub shortest_live_time_s: f64,
    /// Longest live time.
    pub longest_live_time_s: f64,
}

impl Default for SimulationSpec {
    fn default() -> Self {
        Self {
            seed: 1,
            spectra_per_known_class: 24,
            spectra_per_unknown_class: 8,
            lots_per_class: 3,
            shortest_live_time_s: 300.0,
            longest_live_time_s: 200_000.0,
        }
    }
}

impl SimulationSpec {
    /// Checks every field.
    ///
    /// # Errors
    /// The first field out of its range, with its value and the range.
    pub fn check(&self) -> Result<(), SimulateError> {
        let counts = [
            ("spectra_per_known_class", self.spectra_per_known_class, 1),
            (
                "spectra_per_unknown_class",
                self.spectra_per_unknown_class,
                0,
            ),
        ];
        for (field, value, least) in counts {
            if !(least..=10_000).contains(&value) {
                return Err(refuse(field, value, format!("{least} to 10000")));
            }
        }
        if !(1..=self.spectra_per_known_class.min(99)).contains(&self.lots_per_class) {
            let most = self.spectra_per_known_class.min(99);
            let allowed = format!("1 to {most}, no more than spectra_per_known_class");
            return Err(refuse("lots_per_class", self.lots_per_class, allowed));
        }
        let times = [
            ("shortest_live_time_s", self.shortest_live_time_s),
            ("longest_live_time_s", self.longest_live_time_s),
        ];
        for (field, value) in times {
            if !(1.0..=1e7).contains(&value) {
                return Err(refuse(field, value, "1 to 1e7 seconds".to_owned()));
            }
        }
        if self.longest_live_time_s < self.shortest_live_time_s {
            let allowed = format!("{} or more", self.shortest_live_time_s);
            return Err(refuse(
                "longest_live_time_s",
                self.longest_live_time_s,
                allowed,
            ));
        }
        Ok(())
    }

    /// Everything to be simulated, class by class.
    ///
    /// # Errors
    /// When the specification fails its check.
    pub fn plan(&self) -> Result<Vec<SimulationItem>, SimulateError> {
        self.check()?;
        let mut items = Vec::new();
        for material in materials() {
            let spectra = if material.known {
                self.spectra_per_known_class
            } else {
                self.spectra_per_unknown_class
            };
            for index in 0..spectra {
                items.push(SimulationItem {
                    label: ClassLabel::new(material.label)?,
                    slug: material.slug,
                    known: material.known,
                    lot: index % self.lots_per_class,
                    index,
                });
            }
        }
        Ok(items)
    }
}

fn refuse(field: &'static str, value: impl ToString, allowed: String) -> SimulateError {
    SimulateError::Spec {
        field,
        value: value.to_string(),
        allowed,
    }
}

/// One spectrum to be simulated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimulationItem {
    /// Class of the material.
    pub label: ClassLabel,
    /// Short name of the class.
    pub slug: &'static str,
    /// Whether the class is a known one.
    pub known: bool,
    /// Lot, counted from 0.
    pub lot: u32,
    /// Number within the class, counted from 0.
    pub index: u32,
}

impl SimulationItem {
    /// `known` or `unknown`, as a manifest writes it.
    #[must_use]
    pub const fn role(&self) -> &'static str {
        if self.known { "known" } else { "unknown" }
    }

    /// Group of the manifest: the lot, also the folder of the file.
    #[must_use]
    pub fn group(&self) -> String {
        format!("{}_lot_{}", self.slug, self.lot + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn default_plan_has_all_classes_lots_and_roles() {
        let plan = SimulationSpec::default().plan().unwrap();
        assert_eq!(plan.len(), 10 * 24 + 3 * 8);
        let steel: Vec<_> = plan
            .iter()
            .filter(|i| i.label.as_str() == "Steel")
            .collect();
        assert_eq!(steel.len(), 24);
        assert!((0..3).all(|lot| steel.iter().filter(|i| i.lot == lot).count() == 8));
        assert_eq!(steel[4].group(), "steel_lot_2");
        let unknown = plan.iter().filter(|i| i.role() == "unknown").count();
        assert_eq!(unknown, 24);
    }

    #[test]
    fn unknown_fields_are_refused_and_missing_ones_default() {
        let spec: SimulationSpec = serde_json::from_str(r#"{"seed": 9}"#).unwrap();
        assert_eq!(
            spec,
            SimulationSpec {
                seed: 9,
                ..SimulationSpec::default()
            }
        );
        assert!(serde_json::from_str::<SimulationSpec>(r#"{"sed": 9}"#).is_err());
    }

    fn bad(change: impl FnOnce(&mut SimulationSpec)) -> String {
        let mut spec = SimulationSpec::default();
        change(&mut spec);
        spec.check().unwrap_err().to_string()
    }

    #[test]
    fn errors_name_field_value_and_range() {
        let text = bad(|s| s.lots_per_class = 25);
        assert!(
            text.contains("lots_per_class is 25") && text.contains("1 to 24"),
            "{text}"
        );
        let text = bad(|s| s.longest_live_time_s = 200.0);
        assert!(text.contains("longest_live_time_s is 200") && text.contains("300 or more"));
        let text = bad(|s| s.shortest_live_time_s = f64::NAN);
        assert!(text.contains("shortest_live_time_s is NaN"), "{text}");
    }

    proptest! {
        #[test]
        fn check_agrees_with_the_ranges(
            known in 0u32..20_000,
            unknown in 0u32..20_000,
            lots in 0u32..200,
            shortest in prop_oneof![-1e3..1e8f64, Just(f64::NAN), Just(f64::INFINITY)],
            longest in prop_oneof![-1e3..1e8f64, Just(f64::NAN)],
        ) {
            let spec = SimulationSpec {
                seed: 0,
                spectra_per_known_class: known,
                spectra_per_unknown_class: unknown,
                lots_per_class: lots,
                shortest_live_time_s: shortest,
                longest_live_time_s: longest,
            };
            let good = (1..=10_000).contains(&known)
                && unknown <= 10_000
                && (1..=known.min(99)).contains(&lots)
                && shortest >= 1.0
                && longest <= 1e7
                && longest >= shortest;
            prop_assert_eq!(spec.check().is_ok(), good);
            prop_assert_eq!(spec.check().is_ok(), spec.plan().is_ok());
        }
    }
}
