//! What an explanation is asked for and how far it is.

use crate::{ShapError, error::check_finite};
use serde::{Deserialize, Serialize};

/// Which outputs of the model are explained.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Outputs {
    /// All, in the model's order.
    #[default]
    All,
    /// Those with the highest values when everything is present, the highest first; of two equal
    /// ones the later comes first.
    Highest(usize),
    /// These, in this order.
    Chosen(Vec<usize>),
}

impl Outputs {
    /// Indices for a model that gives `full` when everything is present.
    pub(super) fn choose(&self, full: &[f64]) -> Result<Vec<usize>, ShapError> {
        check_finite("model outputs", full.iter().copied())?;
        let count = full.len();
        let refuse = |value: String, allowed: String| ShapError::setting("outputs", value, allowed);
        match self {
            Self::All if count > 0 => Ok((0..count).collect()),
            Self::All => Err(refuse("0".to_owned(), "the model must give one".to_owned())),
            Self::Highest(wanted) if (1..=count).contains(wanted) => {
                let mut order: Vec<usize> = (0..count).collect();
                order.sort_by(|a, b| full[*b].total_cmp(&full[*a]).then(b.cmp(a)));
                order.truncate(*wanted);
                Ok(order)
            }
            Self::Highest(wanted) => Err(refuse(
                wanted.to_string(),
                format!("1 to {count} are allowed"),
            )),
            Self::Chosen(chosen) => match chosen.iter().find(|index| **index >= count) {
                None if !chosen.is_empty() => Ok(chosen.clone()),
                None => Err(refuse("[]".to_owned(), "name at least one".to_owned())),
                Some(index) => Err(refuse(
                    index.to_string(),
                    format!("the model has outputs 0 to {}", count.saturating_sub(1)),
                )),
            },
        }
    }
}

/// How much is evaluated, and of what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwenSettings {
    /// Model rows to spend, the empty and the whole coalition included. Rows come in pairs, so an
    /// odd budget is exceeded by one.
    pub max_evals: usize,
    /// Model rows for each batch. Splits of one batch are chosen before any of them is evaluated,
    /// so this is part of the result and not only of the speed.
    pub batch_rows: usize,
    /// Which outputs.
    pub outputs: Outputs,
}

impl Default for OwenSettings {
    fn default() -> Self {
        Self {
            max_evals: 500,
            batch_rows: 10,
            outputs: Outputs::All,
        }
    }
}

impl OwenSettings {
    /// The smallest budget: two rows for nothing and everything, two for the first split.
    pub(super) fn check(&self, players: usize) -> Result<(), ShapError> {
        let smallest = if players > 1 { 4 } else { 2 };
        if self.max_evals < smallest {
            return Err(ShapError::Budget {
                max_evals: self.max_evals,
                players,
                smallest,
            });
        }
        if self.batch_rows == 0 {
            return Err(ShapError::setting("batch_rows", 0, "at least 1 is needed"));
        }
        Ok(())
    }
}

/// How far an explanation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Model rows evaluated.
    pub rows: usize,
    /// The budget.
    pub max_evals: usize,
    /// Whether nothing is left to do.
    pub finished: bool,
}
