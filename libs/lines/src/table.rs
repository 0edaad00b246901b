//! Committed comma-separated tables to rows: comments and column names left out, faults placed.

use crate::LinesError;

/// One row with its place in the table.
pub(crate) struct Row {
    table: &'static str,
    line: usize,
    fields: Vec<&'static str>,
}

impl Row {
    /// What is wrong in this row.
    pub(crate) fn error(&self, reason: String) -> LinesError {
        LinesError::Table {
            table: self.table,
            line: self.line,
            reason,
        }
    }

    /// The text of a column; [`rows`] has checked that it is there.
    pub(crate) fn text(&self, column: usize) -> &'static str {
        self.fields[column]
    }

    /// The number in a column.
    pub(crate) fn number(&self, column: usize) -> Result<f64, LinesError> {
        let text = self.text(column);
        match text.parse::<f64>() {
            Ok(value) if value.is_finite() && value >= 0.0 => Ok(value),
            _ => Err(self.error(format!("{text:?} is not a number of 0 or more"))),
        }
    }
}

/// Rows of a table without its comments and column names.
pub(crate) fn rows(
    table: &'static str,
    text: &'static str,
    columns: usize,
) -> impl Iterator<Item = Result<Row, LinesError>> {
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.starts_with('#'))
        .skip(1)
        .map(move |(index, line)| {
            let row = Row {
                table,
                line: index + 1,
                fields: line.split(',').collect(),
            };
            if row.fields.len() == columns {
                Ok(row)
            } else {
                Err(row.error(format!("{} columns instead of {columns}", row.fields.len())))
            }
        })
}
