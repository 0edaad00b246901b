//! The lanes: one queue and one kind of worker each.

use crate::JobError;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// What sort of work a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// Trains a model.
    Train,
    /// Identifies every spectrum of a data set.
    Identify,
    /// Explains the answers about every spectrum of a data set.
    Explain,
}

impl Lane {
    /// Every lane.
    pub const ALL: [Self; 3] = [Self::Train, Self::Identify, Self::Explain];

    /// Its name on the wire and in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Identify => "identify",
            Self::Explain => "explain",
        }
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Lane {
    type Err = JobError;

    fn from_str(text: &str) -> Result<Self, JobError> {
        Self::ALL
            .into_iter()
            .find(|lane| lane.name() == text)
            .ok_or_else(|| JobError::invalid("lane", text, "train, identify or explain"))
    }
}
