//! Which spectra the validation curves are made of. They never decide anything.

use crate::{SpecificationError, fault::Faults};
use serde::{Deserialize, Serialize};
use std::{fmt, path::PathBuf, str::FromStr};

/// Where the validation curves come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "snake_case", deny_unknown_fields)]
pub enum Validation {
    /// No curves.
    None,
    /// A stratified, seeded share of the known rows, in a run of its own; the delivered model is
    /// then trained on all of them.
    Fraction {
        /// The share, in (0, 1).
        fraction: f64,
    },
    /// The known rows of another manifest.
    Manifest {
        /// The manifest.
        file: PathBuf,
    },
}

impl Default for Validation {
    fn default() -> Self {
        Self::Fraction { fraction: 0.15 }
    }
}

impl Validation {
    pub(crate) fn check(&self, faults: &mut Faults) {
        if let Self::Fraction { fraction } = *self {
            faults.require(
                fraction > 0.0 && fraction < 1.0,
                "validation.fraction",
                "--validation",
                || format!("is {self}: a fraction in (0, 1) is required"),
            );
        }
    }

    /// As stored with a model: without the path, which means nothing elsewhere.
    pub(crate) fn recorded(&self) -> serde_json::Value {
        match self {
            Self::None => "none".into(),
            Self::Fraction { .. } => self.to_string().into(),
            Self::Manifest { .. } => "manifest".into(),
        }
    }
}

impl fmt::Display for Validation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Fraction { fraction } => write!(f, "fraction:{fraction}"),
            Self::Manifest { file } => write!(f, "manifest:{}", file.display()),
        }
    }
}

impl FromStr for Validation {
    type Err = SpecificationError;

    fn from_str(text: &str) -> Result<Self, SpecificationError> {
        let fault = |reason: &str| {
            SpecificationError::one(
                "validation",
                "--validation",
                format!("is {text:?}: {reason}; none, fraction:F and manifest:FILE are allowed"),
            )
        };
        if text == "none" {
            return Ok(Self::None);
        }
        match text.split_once(':') {
            Some(("fraction", number)) => {
                let fraction = number
                    .parse()
                    .map_err(|_| fault("the share is no number"))?;
                let validation = Self::Fraction { fraction };
                let mut faults = Faults::default();
                validation.check(&mut faults);
                SpecificationError::unless_empty(faults.0)?;
                Ok(validation)
            }
            Some(("manifest", file)) if !file.is_empty() => {
                Ok(Self::Manifest { file: file.into() })
            }
            _ => Err(fault("it is none of the known forms")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_survives_the_way_through_text() {
        for text in ["none", "fraction:0.15", "manifest:a/b.csv"] {
            let validation: Validation = text.parse().unwrap();
            assert_eq!(validation.to_string(), text);
        }
        for bad in [
            "",
            "all",
            "fraction:x",
            "fraction:0",
            "fraction:1",
            "fraction:NaN",
            "manifest:",
        ] {
            let error = bad.parse::<Validation>().unwrap_err().to_string();
            assert!(error.contains("--validation"), "{error}");
        }
    }
}
