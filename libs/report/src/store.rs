//! The JSON form of a report, and how any versioned JSON is read.

use crate::{ReportError, TrainingReport, VERSION};
use serde::{Deserialize, de::DeserializeOwned};

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
        let report: Self = read(text, VERSION)?;
        report.check()?;
        Ok(report)
    }
}

/// Reads JSON of one version; of another one only that is told.
pub(crate) fn read<T: DeserializeOwned>(text: &str, version: u32) -> Result<T, ReportError> {
    #[derive(Deserialize)]
    struct Head {
        version: u64,
    }
    let head: Head = serde_json::from_str(text)?;
    if head.version != u64::from(version) {
        return Err(ReportError::Version {
            found: head.version,
            expected: version,
        });
    }
    Ok(serde_json::from_str(text)?)
}
