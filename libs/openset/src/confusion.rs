//! Which class was taken for which: assignments and their counts.

use crate::{error::OpenSetError, sample::same_length};
use assay_core::ClassLabel;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Whether a classifier gives one class or any number of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Style {
    /// Exactly one class.
    Hard,
    /// Any number of classes.
    Soft,
}

/// What an open-set classifier says about one sample; numbers are positions in the list of
/// known classes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Assignment {
    /// One class, of a hard classifier.
    Class(usize),
    /// One or more classes, of a soft classifier.
    Classes(Vec<usize>),
    /// None of the known classes.
    Unknown,
}

/// Counts of assignments: one row per actual label, one column per known class and a last one
/// for the unknown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfusionMatrix {
    /// Actual labels that occurred, in order of their bytes.
    pub rows: Vec<String>,
    /// Known classes, then the unknown label.
    pub columns: Vec<String>,
    /// Counts, `[rows, columns]`.
    pub counts: Vec<Vec<u64>>,
    /// Samples per row; less than the sum of the row when samples got several classes.
    pub totals: Vec<u64>,
}

impl ConfusionMatrix {
    /// Counts assignments.
    ///
    /// # Shapes
    /// `actual` and `assigned` are `[n]`.
    ///
    /// # Errors
    /// When there is nothing to count, lengths differ, the unknown label is taken, a known class
    /// stands twice, or an assignment does not fit the style or names no known class.
    pub fn tally(
        known: &[ClassLabel],
        unknown: &str,
        style: Style,
        actual: &[ClassLabel],
        assigned: &[Assignment],
    ) -> Result<Self, OpenSetError> {
        same_length("the list of assignments", assigned.len(), actual.len())?;
        check_labels(known, unknown, actual)?;
        let mut rows = BTreeMap::<&ClassLabel, (Vec<u64>, u64)>::new();
        for (row, (label, assignment)) in actual.iter().zip(assigned).enumerate() {
            let (counts, total) = rows
                .entry(label)
                .or_insert_with(|| (vec![0; known.len() + 1], 0));
            *total += 1;
            for column in columns_of(assignment, style, known.len(), row)? {
                counts[column] += 1;
            }
        }
        let columns = known.iter().map(|label| label.as_str().to_owned());
        Ok(Self {
            rows: rows.keys().map(|label| label.as_str().to_owned()).collect(),
            columns: columns.chain([unknown.to_owned()]).collect(),
            counts: rows.values().map(|(counts, _)| counts.clone()).collect(),
            totals: rows.values().map(|(_, total)| *total).collect(),
        })
    }

    /// Known classes: all columns but the last.
    #[must_use]
    pub fn known(&self) -> &[String] {
        self.columns.split_last().map_or(&[], |(_, known)| known)
    }

    /// Number of samples.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.totals.iter().sum()
    }
}

fn check_labels(
    known: &[ClassLabel],
    unknown: &str,
    actual: &[ClassLabel],
) -> Result<(), OpenSetError> {
    let refuse = |label: &str, reason| {
        Err(OpenSetError::Label {
            label: label.to_owned(),
            reason,
        })
    };
    if known.is_empty() {
        return Err(OpenSetError::Empty {
            what: "known classes",
            least: 1,
            unit: "class is",
        });
    }
    if actual.is_empty() {
        return Err(OpenSetError::Empty {
            what: "assignments",
            least: 1,
            unit: "sample is",
        });
    }
    if let Some(twice) = (1..known.len()).find(|&i| known[..i].contains(&known[i])) {
        return refuse(
            known[twice].as_str(),
            "this known class stands twice in the list",
        );
    }
    if known
        .iter()
        .chain(actual)
        .any(|label| label.as_str() == unknown)
    {
        return refuse(
            unknown,
            "the label of the unknown is the label of a class, too",
        );
    }
    Ok(())
}

fn columns_of(
    assignment: &Assignment,
    style: Style,
    known: usize,
    row: usize,
) -> Result<Vec<usize>, OpenSetError> {
    let refuse = |reason| Err(OpenSetError::Assignment { row, reason });
    let columns = match (assignment, style) {
        (Assignment::Unknown, _) => return Ok(vec![known]),
        (Assignment::Class(class), Style::Hard) => vec![*class],
        (Assignment::Classes(classes), Style::Soft) => classes.clone(),
        (Assignment::Classes(_), Style::Hard) => {
            return refuse("a hard classifier gives one class, here is a list of classes");
        }
        (Assignment::Class(_), Style::Soft) => {
            return refuse("a soft classifier gives a list of classes, here is a single one");
        }
    };
    if columns.is_empty() {
        return refuse("the list of classes is empty: say unknown instead");
    }
    if (1..columns.len()).any(|i| columns[..i].contains(&columns[i])) {
        return refuse("a class stands twice in the list");
    }
    match columns.iter().find(|&&class| class >= known) {
        Some(&index) => Err(OpenSetError::Index {
            what: "class",
            index,
            row,
            last: known - 1,
        }),
        None => Ok(columns),
    }
}
