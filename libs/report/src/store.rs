//! The JSON form of a report.

use crate::{ReportError, TrainingReport, VERSION};
use serde::Deserialize;

impl TrainingReport {
    /// The report as indented JSON, ending with a line feed.
    ///
    /// # Errors
    /// When a number is not finite or parts contradict each other.
    pub fn to_json(&self) -> Result<String, ReportError> {
        self.check()?;
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        Ok(text)
    }

    /// Reads what [`TrainingReport::to_json`] wrote.
    ///
    /// # Errors
    /// When the text is no report, has another version, or contradicts itself.
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
        let report: Self = serde_json::from_str(text)?;
        report.check()?;
        Ok(report)
    }
}
