//! placeholder
use super::Explanation;
use crate::ReportError;
/// x
///
/// # Errors
/// x
pub fn render_html(explanation: &Explanation) -> Result<String, ReportError> {
    explanation.check()?;
    Ok(String::new())
}
