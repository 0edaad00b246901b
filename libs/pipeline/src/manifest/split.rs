//! Stratified, seeded division of a manifest into a part to learn from and a part held out.

use super::{Manifest, Role};
use crate::PipelineError;
use assay_core::{DigestBuilder, keyed_rng};
use rand::seq::SliceRandom;
use std::collections::BTreeMap;

impl Manifest {
    /// Divides the rows: of every known class `fraction`, rounded, but at least one and not all,
    /// is held out; rows with role `unknown` are all held out. Both parts keep the row order.
    /// The division depends on the rows' files and the seed, not on the order of the rows.
    ///
    /// # Errors
    /// When the fraction is not between 0 and 1, when there is no known class, or when one
    /// has fewer than 2 spectra.
    pub fn split(&self, fraction: f64, seed: u64) -> Result<(Self, Self), PipelineError> {
        check_fraction(fraction)?;
        let purpose = "holding some out";
        if self.known_counts().is_empty() {
            return Err(PipelineError::TooFewClasses {
                found: 0,
                needed: 1,
                purpose,
            });
        }
        self.require_members(2, purpose)?;
        let known: Vec<_> = (0..self.rows.len())
            .filter(|&i| self.rows[i].role == Role::Known)
            .collect();
        let keys: Vec<_> = known
            .iter()
            .map(|&i| (self.rows[i].label.as_str(), self.rows[i].file.as_str()))
            .collect();
        let held_out = stratified_holdout(&keys, fraction, seed);
        let mut is_held_out: Vec<_> = self.rows.iter().map(|r| r.role == Role::Unknown).collect();
        for (&row, &held) in known.iter().zip(&held_out) {
            is_held_out[row] = held;
        }
        let part = |wanted: bool| Self {
            source: self.source.clone(),
            rows: self
                .rows
                .iter()
                .zip(&is_held_out)
                .filter(|(_, held)| **held == wanted)
                .map(|(row, _)| row.clone())
                .collect(),
        };
        Ok((part(false), part(true)))
    }
}

fn check_fraction(fraction: f64) -> Result<(), PipelineError> {
    if fraction > 0.0 && fraction < 1.0 {
        return Ok(());
    }
    Err(PipelineError::Parameter {
        name: "fraction",
        value: fraction.to_string(),
        allowed: "between 0 and 1, both excluded".to_owned(),
    })
}

/// Which entries are held out, given the class and a unique name of each. Of a class with two
/// members or more at least one is held out and one kept; a single member is kept.
fn stratified_holdout(keys: &[(&str, &str)], fraction: f64, seed: u64) -> Vec<bool> {
    let mut classes: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (i, (class, _)) in keys.iter().enumerate() {
        classes.entry(class).or_default().push(i);
    }
    let mut held_out = vec![false; keys.len()];
    for (class, mut members) in classes {
        members.sort_by_key(|&i| keys[i].1);
        let class_key = DigestBuilder::new("class").bytes(class.as_bytes()).finish();
        let counter = class_key.as_bytes()[..8]
            .iter()
            .fold(0, |n, &b| n << 8 | u64::from(b));
        members.shuffle(&mut keyed_rng(seed, "holdout", &[counter]));
        let wanted = (fraction * members.len() as f64).round() as usize;
        let count = wanted.max(1).min(members.len() - 1);
        for &i in &members[..count] {
            held_out[i] = true;
        }
    }
    held_out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::path::Path;

    fn manifest(sizes: &[usize], unknown: usize) -> Manifest {
        let mut text = "file,label,role\n".to_owned();
        for (class, size) in sizes.iter().enumerate() {
            for i in 0..*size {
                text += &format!("{class}-{i}.spe,class {class},known\n");
            }
        }
        for i in 0..unknown {
            text += &format!("u{i}.spe,other,unknown\n");
        }
        Manifest::parse(text.as_bytes(), Path::new("m.csv")).unwrap()
    }

    #[test]
    fn refuses_single_members_and_bad_fractions() {
        let error = manifest(&[3, 1], 0).split(0.5, 1).unwrap_err().to_string();
        assert!(error.contains("\"class 1\" has 1 spectrum"), "{error}");
        let error = manifest(&[], 2).split(0.5, 1).unwrap_err().to_string();
        assert!(error.contains("there are 0 known classes"), "{error}");
        for fraction in [0.0, 1.0, -0.5, f64::NAN] {
            assert!(manifest(&[3], 0).split(fraction, 1).is_err(), "{fraction}");
        }
    }

    #[test]
    fn row_order_does_not_matter() {
        let straight = manifest(&[9, 5], 2);
        let mut reversed = straight.clone();
        reversed.rows.reverse();
        let held = |manifest: &Manifest| {
            let mut files: Vec<_> = manifest
                .split(0.3, 7)
                .unwrap()
                .1
                .rows
                .into_iter()
                .map(|r| r.file)
                .collect();
            files.sort();
            files
        };
        assert_eq!(held(&straight), held(&reversed));
        assert_ne!(held(&straight), {
            let mut other: Vec<_> = straight
                .split(0.3, 8)
                .unwrap()
                .1
                .rows
                .into_iter()
                .map(|r| r.file)
                .collect();
            other.sort();
            other
        });
    }

    proptest! {
        #[test]
        fn every_class_is_on_both_sides_and_no_row_is_lost(
            sizes in proptest::collection::vec(2usize..30, 1..6),
            unknown in 0usize..4,
            fraction in 0.01..0.99f64,
            seed: u64,
        ) {
            let whole = manifest(&sizes, unknown);
            let (kept, held) = whole.split(fraction, seed).unwrap();
            prop_assert_eq!(kept.rows.len() + held.rows.len(), whole.rows.len());
            prop_assert!(kept.rows.iter().all(|row| row.role == Role::Known));
            for (label, size) in whole.known_counts() {
                let out = held.known_counts().get(label).copied().unwrap_or(0);
                prop_assert!(out >= 1 && out < size);
                prop_assert!((out as f64 - fraction * size as f64).abs() <= 1.0);
            }
        }
    }
}
