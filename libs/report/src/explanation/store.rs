//! The JSON form of an explanation.

use super::{Explanation, VERSION};
use crate::{ReportError, store};

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
        let explanation: Self = store::read(text, VERSION)?;
        explanation.check()?;
        Ok(explanation)
    }
}
