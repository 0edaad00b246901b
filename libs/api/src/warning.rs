//! Warnings of readers and of drift.

use crate::{WireError, field, spectrum as wire};
use assay_pipeline::{AnswerWarning, AnswerWarningCode};
use serde_json::{Value, json};

/// A warning for the wire. Its code is the name that JSON has for it everywhere.
#[must_use]
pub fn to_wire(warning: &AnswerWarning) -> wire::Warning {
    let source = match warning.code {
        AnswerWarningCode::Reader(_) => wire::WarningSource::Reader,
        AnswerWarningCode::Drift(_) => wire::WarningSource::Drift,
        _ => wire::WarningSource::Unspecified,
    };
    // A plain enumeration always has a JSON form.
    let code = serde_json::to_value(warning.code).unwrap_or_default();
    wire::Warning {
        source: source.into(),
        code: code["code"].as_str().unwrap_or_default().to_owned(),
        message: warning.message.clone(),
    }
}

/// A warning from the wire.
///
/// # Errors
/// For a source or code that this version does not know.
pub fn from_wire(warning: &wire::Warning) -> Result<AnswerWarning, WireError> {
    let source: wire::WarningSource =
        field::known("source", warning.source, wire::WarningSource::as_str_name)?;
    let source = match source {
        wire::WarningSource::Reader => "reader",
        wire::WarningSource::Drift => "drift",
        wire::WarningSource::Unspecified => {
            return Err(WireError::field("source", "is not said"));
        }
    };
    let code: Value = json!({"source": source, "code": warning.code});
    let code = serde_json::from_value(code).map_err(|_| {
        let reason = format!(
            "{:?} is no code of {source} warnings that this version knows; use programs of one \
             version",
            warning.code
        );
        WireError::field("code", reason)
    })?;
    Ok(AnswerWarning {
        code,
        message: warning.message.clone(),
    })
}

/// The warnings of a reader.
#[must_use]
pub fn of_reader(warnings: &[assay_formats::Warning]) -> Vec<wire::Warning> {
    let named = warnings.iter().map(|warning| AnswerWarning {
        code: AnswerWarningCode::Reader(warning.code),
        message: warning.to_string(),
    });
    named.map(|warning| to_wire(&warning)).collect()
}
