//! Columns of numbers: counts alone, channel and counts, or energy and counts, with the rest of
//! the measurement in lines `# key: value`.

mod columns;
mod comment;

mod read;
mod write;

pub use read::read_csv;
pub use write::write_csv;

use crate::{number, text::Lines};
use columns::Separator;

/// Whether a text begins like a table of numbers: its first row names a column of counts, or is
/// made of numbers.
pub(crate) fn looks_like_csv(head: &[u8]) -> bool {
    let mut rows = Lines::new(head).map(|line| line.bytes.trim_ascii());
    let Some(row) = rows.find(|row| !row.is_empty() && !row.starts_with(b"#")) else {
        return false;
    };
    let mut fields = Separator::of(row).split(row);
    columns::names_counts(row) || fields.all(|field| number::float(field).is_some())
}
