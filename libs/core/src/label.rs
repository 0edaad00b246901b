//! Class labels and the one reserved word among them.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The verdict for a spectrum that is none of the known materials. Reserved: no class has it.
pub const UNKNOWN: &str = "UNKNOWN";

/// Name of a material class. Ordered by its UTF-8 bytes, which is also the order of class
/// indices in a model.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClassLabel(String);

/// Why a text cannot be a class label.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LabelError {
    /// Nothing but white space.
    #[error("a class label must not be empty")]
    Empty,
    /// The reserved word.
    #[error("{UNKNOWN:?} is reserved for refused spectra and cannot be a class label")]
    Reserved,
    /// Control characters would corrupt tables and file names.
    #[error("class label {0:?} contains a control character")]
    Control(String),
}

impl ClassLabel {
    /// Checks and trims a label.
    ///
    /// # Errors
    /// When it is empty, reserved or contains control characters.
    pub fn new(text: &str) -> Result<Self, LabelError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(LabelError::Empty);
        }
        if text == UNKNOWN {
            return Err(LabelError::Reserved);
        }
        if text.chars().any(char::is_control) {
            return Err(LabelError::Control(text.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }

    /// The label as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClassLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for ClassLabel {
    type Error = LabelError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::new(&text)
    }
}

impl From<ClassLabel> for String {
    fn from(label: ClassLabel) -> Self {
        label.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_by_bytes_and_trims() {
        let mut labels: Vec<_> = [" Steel", "Öl", "Zircaloy", "steel"]
            .iter()
            .map(|t| ClassLabel::new(t).unwrap())
            .collect();
        labels.sort();
        let texts: Vec<_> = labels.iter().map(ClassLabel::as_str).collect();
        assert_eq!(texts, ["Steel", "Zircaloy", "steel", "Öl"]);
    }

    #[test]
    fn refuses_reserved_empty_and_control() {
        assert_eq!(ClassLabel::new(UNKNOWN), Err(LabelError::Reserved));
        assert_eq!(ClassLabel::new("  "), Err(LabelError::Empty));
        assert!(matches!(
            ClassLabel::new("a\u{7}b"),
            Err(LabelError::Control(_))
        ));
    }
}
