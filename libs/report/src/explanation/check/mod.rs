//! What must hold before an explanation is stored or shown.

mod answer;
mod evidence;
mod picture;

use super::{Explanation, VERSION};
use crate::ReportError;
use crate::check::finite;

impl Explanation {
    /// Checks that every number is finite and in its range, and that the parts fit together.
    ///
    /// # Errors
    /// Names the first field that does not.
    pub fn check(&self) -> Result<(), ReportError> {
        if self.version != VERSION {
            return Err(ReportError::Version {
                found: u64::from(self.version),
                expected: VERSION,
            });
        }
        answer::check_verdict(self)?;
        answer::check_gate_scores(self)?;
        evidence::check_spectrum(&self.spectrum)?;
        if let Some(importance) = &self.importance {
            evidence::check_importance(importance)?;
        }
        if let Some(peaks) = &self.peaks {
            evidence::check_peaks(peaks)?;
        }
        evidence::check_lines(&self.element_lines)?;
        if let Some(image) = &self.image {
            picture::check_image(image)?;
        }
        if let Some(shap) = &self.shap {
            picture::check_shap(shap, &self.verdict)?;
        }
        Ok(())
    }
}

/// Checks that a number is finite and fits, and says what would.
fn fits(field: String, value: f64, fits: bool, allowed: &'static str) -> Result<(), ReportError> {
    finite(field.clone(), value)?;
    if fits {
        return Ok(());
    }
    Err(ReportError::OutOfRange {
        field,
        value,
        allowed,
    })
}

fn above_zero(field: String, value: f64) -> Result<(), ReportError> {
    fits(field, value, value > 0.0, "above 0")
}

fn not_negative(field: String, value: f64) -> Result<(), ReportError> {
    fits(field, value, value >= 0.0, "0 or more")
}

fn share(field: String, value: f64) -> Result<(), ReportError> {
    fits(field, value, (0.0..=1.0).contains(&value), "0 to 1")
}

/// Checks the edges that an image or a list of ranges lies between.
fn rising(at: &str, low_kev: f64, high_kev: f64) -> Result<(), ReportError> {
    finite(format!("{at}.low_kev"), low_kev)?;
    let field = format!("{at}.high_kev");
    fits(field, high_kev, high_kev > low_kev, "above low_kev")
}
