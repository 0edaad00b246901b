//! What can go wrong with a report.

use assay_core::{Classified, ErrorKind};

/// Failure to read, check or render a report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A number that JSON cannot hold and a page cannot show.
    #[error("report field {field} is {value}, but must be a finite number; leave it out instead")]
    NotFinite {
        /// Path of the field inside the report.
        field: String,
        /// The offending value.
        value: f64,
    },
    /// A number outside what it can be.
    #[error("report field {field} is {value}, but must be {allowed}")]
    OutOfRange {
        /// Path of the field inside the report.
        field: String,
        /// The offending value.
        value: f64,
        /// What it may be.
        allowed: &'static str,
    },
    /// Parts that contradict each other.
    #[error("report field {field} is inconsistent: {reason}")]
    Inconsistent {
        /// Path of the field inside the report.
        field: String,
        /// What does not fit.
        reason: String,
    },
    /// Another layout of the JSON file.
    #[error(
        "report has version {found}, but this program reads version {expected}; render it with \
         the program that wrote it"
    )]
    Version {
        /// The version in the file.
        found: u64,
        /// The version that this program reads.
        expected: u32,
    },
    /// JSON that is no report.
    #[error("not a report: {0}; expected the JSON that was written beside a report page")]
    Json(#[from] serde_json::Error),
    /// The page template or the chart script is broken.
    #[error("report page cannot be rendered: {0}")]
    Render(String),
    /// A figure cannot be drawn.
    #[error("figure cannot be drawn: {0}")]
    Draw(String),
}

impl Classified for ReportError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFinite { .. }
            | Self::OutOfRange { .. }
            | Self::Inconsistent { .. }
            | Self::Version { .. }
            | Self::Json(_) => ErrorKind::InvalidArgument,
            Self::Render(_) | Self::Draw(_) => ErrorKind::Internal,
        }
    }
}
