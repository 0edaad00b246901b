//! Whether a data set has what a training needs.

use crate::{datasets::Stored, error::ControlError};
use assay_pipeline::Role;
use assay_training_spec::TrainingSpec;
use std::collections::BTreeMap;

/// Classes, and spectra of each: one to learn from, one to judge by.
const FEWEST: usize = 2;

/// Checks a data set, and what a specification says about its size.
pub(crate) fn check(dataset: &Stored, spec: Option<&TrainingSpec>) -> Result<(), ControlError> {
    let rows = dataset.list.rows();
    let unlabelled = rows.iter().filter(|row| row.label.is_none()).count();
    if unlabelled > 0 {
        return refused(format!("has {unlabelled} rows without a label"));
    }
    let mut members: BTreeMap<&str, usize> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.role == Role::Known) {
        if let Some(label) = &row.label {
            *members.entry(label.as_str()).or_default() += 1;
        }
    }
    if members.len() < FEWEST {
        return refused(format!(
            "has {} label(s) of role known, {FEWEST} are required",
            members.len()
        ));
    }
    if let Some((label, count)) = members.iter().find(|(_, count)| **count < FEWEST) {
        return refused(format!(
            "has {count} spectrum of {label}, {FEWEST} are required of each known material"
        ));
    }
    let known: usize = members.values().sum();
    spec.map_or(Ok(()), |spec| check_size(spec, known))
}

fn refused(reason: String) -> Result<(), ControlError> {
    let advice = "training needs a label in every row and two spectra of at least two known \
                  materials";
    Err(ControlError::field(
        "dataset",
        format!("{reason}; {advice}"),
    ))
}

/// The subspace of DIME has less dimensions than spectra span.
fn check_size(spec: &TrainingSpec, known: usize) -> Result<(), ControlError> {
    let gate = &spec.gate;
    // Copies that the gate is fitted on too span more.
    let rows = match gate.copies {
        true => known.saturating_mul(spec.augmentation.copies() + 1),
        false => known,
    };
    let refused = |field: &str, found: String| {
        let reason = format!(
            "is {found}; the data set has {known} known spectra, so that 1 to {} are allowed",
            rows.saturating_sub(1)
        );
        Err(ControlError::field(
            &format!("specification_json.gate.{field}"),
            reason,
        ))
    };
    match gate.k {
        Some(k) if k >= rows => refused("k", k.to_string()),
        None if gate.chooses_k() && gate.candidates.iter().all(|&k| k >= rows) => {
            refused("candidates", format!("{:?}", gate.candidates))
        }
        _ => Ok(()),
    }
}
