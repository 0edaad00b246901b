//! The JSON form of an explanation.

use super::{Explanation, VERSION};
use crate::ReportError;
use serde::Deserialize;

impl Explanation {
    /// The explanation as JSON on one line, ending with a line feed: it is long and for programs.
    ///
    /// # Errors
    /// When a number is not finite or parts contradict each other.
    pub fn to_json(&self) -> Result<String, ReportError> {
        self.check()?;
        let mut text = serde_json::to_string(self)?;
        text.push('\n');
        Ok(text)
    }

    /// Reads what [`Explanation::to_json`] wrote.
    ///
    /// # Errors
    /// When the text is no explanation, has another version, or contradicts itself.
    pub fn from_json(text: &str) -> Result<Self, ReportError> {
        #[derive(Deserialize)]
        struct Head {
            version: u64,
        }
        let head: Head = serde_json::from_str(text)?;
        if head.version != u64::from(VERSION) {
            return Err(ReportError::Version {
                found: head.version,
                expected: VERSION,
            });
        }
        let explanation: Self = serde_json::from_str(text)?;
        explanation.check()?;
        Ok(explanation)
    }
}
