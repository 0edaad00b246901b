//! Data sets: the generated code, and rows to and from it.

pub use crate::generated::openassay::datasets::v1::*;

use crate::{WireError, field};
use assay_core::ClassLabel;
use assay_pipeline as domain;
use assay_pipeline::{ListedSpectrum, SpectrumList};

/// Most rows of a data set.
pub const MAX_ROWS: usize = 100_000;

const LONGEST_NAME: usize = 256;

/// A row for the wire; the list does not know the name of its file.
#[must_use]
pub fn row_to_wire(row: &ListedSpectrum) -> DatasetRow {
    let role = match row.role {
        domain::Role::Known => Role::Known,
        domain::Role::Unknown => Role::Unknown,
    };
    DatasetRow {
        spectrum_digest: row.spectrum.to_string(),
        label: row
            .label
            .as_ref()
            .map_or_else(String::new, |label| label.as_str().to_owned()),
        role: role.into(),
        group: row.group.clone(),
        file_name: String::new(),
    }
}

/// A row from the wire.
///
/// # Errors
/// When a field cannot be used.
pub fn row_from_wire(row: &DatasetRow) -> Result<ListedSpectrum, WireError> {
    let label = match row.label.as_str() {
        "" => None,
        text => {
            let label = ClassLabel::new(field::line("label", text, LONGEST_NAME)?);
            Some(label.map_err(|e| WireError::field("label", e))?)
        }
    };
    let role = match field::known("role", row.role, Role::as_str_name)? {
        Role::Unspecified | Role::Known => domain::Role::Known,
        Role::Unknown => domain::Role::Unknown,
    };
    Ok(ListedSpectrum {
        spectrum: field::digest("spectrum_digest", &row.spectrum_digest)?,
        label,
        role,
        group: field::line("group", &row.group, LONGEST_NAME)?.to_owned(),
    })
}

/// A whole list from the wire, in canonical order.
///
/// # Errors
/// When it has no rows or too many, or the first row that cannot be used.
pub fn list_from_wire(rows: &[DatasetRow]) -> Result<SpectrumList, WireError> {
    if rows.is_empty() || rows.len() > MAX_ROWS {
        let reason = format!("has {} rows; allowed: 1 to {MAX_ROWS}", rows.len());
        return Err(WireError::field("rows", reason));
    }
    let rows = rows
        .iter()
        .enumerate()
        .map(|(at, row)| row_from_wire(row).map_err(|error| error.within(format!("rows[{at}]"))));
    rows.collect::<Result<_, _>>().map(SpectrumList::new)
}
