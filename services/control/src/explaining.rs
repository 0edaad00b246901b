//! What a job of the lane explain is asked for.

use assay_explain::{ExplainError, ExplanationSpec};
use serde_json::Value;

/// What is wrong with it, under the names of its fields within `field`.
pub(crate) fn check(field: &str, asked: Option<&Value>) -> Result<(), Vec<(String, String)>> {
    let spec = read(asked).map_err(|error| vec![(field.to_owned(), error.to_string())])?;
    spec.check().map_err(|error| {
        let wrong = match error {
            ExplainError::Setting {
                name: "label",
                value,
                allowed,
            } => (
                format!("{field}.label"),
                format!("is {value}; allowed: {allowed}"),
            ),
            ExplainError::Setting {
                name,
                value,
                allowed,
            } => (
                format!("{field}.shap.{name}"),
                format!("is {value}; allowed: {allowed}"),
            ),
            error => (field.to_owned(), error.to_string()),
        };
        vec![wrong]
    })
}

/// Whether two ask for the same, whatever they leave out.
pub(crate) fn same(one: Option<&Value>, other: Option<&Value>) -> bool {
    match (read(one), read(other)) {
        (Ok(one), Ok(other)) => one == other,
        _ => one == other,
    }
}

fn read(asked: Option<&Value>) -> serde_json::Result<ExplanationSpec> {
    asked.map_or_else(
        || Ok(ExplanationSpec::default()),
        |asked| serde_json::from_value(asked.clone()),
    )
}
